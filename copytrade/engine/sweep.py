"""The durable path: finds what no doorbell announced, from the inbox heads and the commands that are due."""

from datetime import datetime

from accounts.models import Tenant
from copytrade.models import CopyCommand, InboxHead, LeaderShard
from infra.tenancy import tenant_scope


def waiting_leaders() -> list[tuple[int, int]]:
    """(tenant, leader) pairs of live tenants that have a shard behind its leader's newest event."""
    heads: dict[int, dict[int, int]] = {}
    live = set(Tenant.objects.filter(live=True).values_list("id", flat=True))
    for leader_id, tenant_id, head_seq in InboxHead.objects.values_list("leader_id", "tenant_id", "head_seq"):
        if tenant_id in live:
            heads.setdefault(tenant_id, {})[leader_id] = head_seq
    waiting = []
    for tenant_id, leaders in heads.items():
        with tenant_scope(tenant_id):
            cursors = LeaderShard.objects.filter(leader_id__in=leaders).values_list("leader_id", "cursor")
            behind = {leader_id for leader_id, cursor in cursors if cursor < leaders[leader_id]}
        waiting += [(tenant_id, leader_id) for leader_id in sorted(behind)]
    return waiting


def waiting_commands(at: datetime) -> list[tuple[int, int]]:
    """(tenant, leader) pairs of live tenants that have commands due at `at`."""
    waiting = []
    for tenant_id in Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True):
        with tenant_scope(tenant_id):
            due = CopyCommand.objects.filter(done_at__isnull=True, due_at__lte=at)
            leaders = due.order_by("leader_id").values_list("leader_id", flat=True).distinct()
            waiting += [(tenant_id, leader_id) for leader_id in leaders]
    return waiting
