"""Celery's entrances to copying: one service call each."""

import logging

from celery import shared_task

from accounts.models import Tenant
from copytrade.engine.commands import commands_drain
from copytrade.engine.drain import leader_drain
from copytrade.engine.reconcile import reconcile
from copytrade.engine.sweep import waiting_commands, waiting_leaders
from copytrade.services.follower_stops import follower_stops_check
from copytrade.services.measures import measures_take
from copytrade.services.quarantines import quarantines_release_flat
from copytrade.services.resting import resting_sweep
from core import clock
from infra.faults import fault
from infra.tenancy import tenant_scope

logger = logging.getLogger("copytrade.sweep")


@shared_task(name="copytrade.sweep")
def sweep() -> None:
    """Drains every leader that a doorbell missed, and commands that are due. Runs every second; harmless beside it."""
    for tenant_id, leader_id in waiting_commands(clock.now()):
        try:
            commands_drain(tenant_id=tenant_id, leader_id=leader_id, clock=clock.now)
        except Exception:
            logger.exception("the commands of leader %s failed", leader_id)
    for tenant_id, leader_id in waiting_leaders():
        fault("sweep.found")
        try:
            leader_drain(tenant_id=tenant_id, leader_id=leader_id, clock=clock.now)
        except Exception:
            # The others must not wait for this one; its cursor did not move, so the next sweep tries again.
            logger.exception("the drain of leader %s failed", leader_id)


@shared_task(name="copytrade.watch")
def watch() -> None:
    """Follower stops that close all, resting copies that nobody wants any more, and quarantines that wait for a flat
    leader. Runs every 10 s; harmless beside itself."""
    for tenant_id in Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True):
        try:
            follower_stops_check(tenant_id=tenant_id, at=clock.now())
            resting_sweep(tenant_id=tenant_id, at=clock.now())
            with tenant_scope(tenant_id):
                quarantines_release_flat(tenant_id=tenant_id, at=clock.now())
        except Exception:
            logger.exception("watching the copying of tenant %s failed", tenant_id)


@shared_task(name="copytrade.reconcile")
def reconcile_all() -> None:
    """Compares links with what is open, tenant by tenant, and takes measures. Runs every 10 s; harmless beside itself."""
    for tenant_id in Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True):
        try:
            reconcile(tenant_id=tenant_id, at=clock.now())
            measures_take(tenant_id=tenant_id, at=clock.now())
        except Exception:
            logger.exception("comparing the copies of tenant %s failed", tenant_id)
