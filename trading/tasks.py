"""Celery's entrances to trading: one service call each."""

import logging

from celery import shared_task

from accounts.models import Tenant
from core import clock
from trading.services.day_end import days_catch_up, days_due
from trading.services.snapshots import equity_marks_update

logger = logging.getLogger("trading.tasks")


@shared_task(name="trading.day_end_sweep")
def day_end_sweep() -> None:
    """Asks for the end of the days that are over, tenant by tenant. Runs every 30 s; harmless beside itself."""
    for tenant_id in _live():
        if days_due(tenant_id=tenant_id, at=clock.now()):
            days_end.apply_async(args=[tenant_id], expires=60)


@shared_task(name="trading.days_end")
def days_end(tenant_id: int) -> None:
    """Ends the days of a tenant that are over."""
    days_catch_up(tenant_id=tenant_id, at=clock.now())


@shared_task(name="trading.equity_marks")
def equity_marks() -> None:
    """Marks how low and high the equity of accounts with positions came. Runs every minute."""
    for tenant_id in _live():
        try:
            equity_marks_update(tenant_id=tenant_id, at=clock.now())
        except Exception:
            logger.exception("the equity marks of tenant %s failed", tenant_id)


def _live() -> list[int]:
    return list(Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True))
