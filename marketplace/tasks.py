"""Celery's entrances to the marketplace: one service call each."""

import logging
from typing import Final

from celery import shared_task

from accounts.models import Tenant
from core import clock
from marketplace.services.followers_truth import followers_truth_refresh
from marketplace.services.refreshing import stats_age, stats_refresh

logger = logging.getLogger("marketplace.tasks")

AT_A_TIME: Final = 4
"""Transactions of one tenant before other tasks get their turn; the next run, a second later, goes on."""


@shared_task(name="marketplace.stats")
def stats() -> None:
    """Brings masters' figures up to date, tenant by tenant. Runs every second; harmless beside itself."""
    for tenant_id in _live():
        try:
            stats_refresh(tenant_id=tenant_id, at=clock.now(), most=AT_A_TIME)
        except Exception:
            logger.exception("the statistics of tenant %s failed", tenant_id)


@shared_task(name="marketplace.followers_truth")
def followers_truth() -> None:
    """Counts the followers of days that have ended, tenant by tenant. Runs every minute; harmless beside itself."""
    for tenant_id in _live():
        try:
            followers_truth_refresh(tenant_id=tenant_id, at=clock.now())
        except Exception:
            logger.exception("the followers of tenant %s were not counted", tenant_id)


@shared_task(name="marketplace.stats_age")
def age() -> None:
    """Has figures made anew that prices alone have moved on. Runs every 30 s; harmless beside itself."""
    for tenant_id in _live():
        stats_age(tenant_id=tenant_id, at=clock.now())


def _live() -> list[int]:
    return list(Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True))
