"""Which shard a new subscription belongs to."""

from typing import Final

from django.db.models import Count, Max, Q

from accounts.models import TradingAccount
from copytrade.models import LeaderShard

SHARD_SIZE: Final = 250
"""A manual order on a follower's account waits for a whole shard at the most; this keeps that wait near 10 ms."""


def shard_assign(leader: TradingAccount) -> LeaderShard:
    """The first shard of the locked `leader` with fewer than 250 living subscriptions, else a new one.

    A new shard begins behind everything that the leader has done so far. An old one may lag behind; the subscription's
    `entries_from_seq` keeps what happened before it from being copied.
    """
    living = Count("subscriptions", filter=Q(subscriptions__ended_at__isnull=True))
    roomy = (
        LeaderShard.objects.filter(leader_id=leader.pk)
        .annotate(living=living)
        .filter(living__lt=SHARD_SIZE)
        .order_by("number")
        .first()
    )
    if roomy is not None:
        return roomy
    last = LeaderShard.objects.filter(leader_id=leader.pk).aggregate(last=Max("number"))["last"]
    return LeaderShard.objects.create(
        tenant_id=leader.tenant_id, leader_id=leader.pk, number=(last or 0) + 1, cursor=leader.event_seq
    )
