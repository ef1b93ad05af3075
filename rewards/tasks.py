"""Celery's entrance to rewards: one service call."""

import logging

from celery import shared_task

from accounts.models import Tenant
from core import clock
from rewards.services.working import rewards_work

logger = logging.getLogger("rewards.tasks")


@shared_task(name="rewards.work")
def work() -> None:
    """Charges and settles what is due, tenant by tenant. Runs every two seconds; harmless beside itself."""
    for tenant_id in Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True):
        try:
            rewards_work(tenant_id=tenant_id, at=clock.now())
        except Exception:
            logger.exception("the rewards of tenant %s failed", tenant_id)
