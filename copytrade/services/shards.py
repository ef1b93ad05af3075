"""Which shard a new subscription belongs to."""

from django.db.models import Count, Q

from accounts.models import TradingAccount
from copytrade.domain.shards import shard_choice
from copytrade.models import LeaderShard


def shard_assign(leader: TradingAccount) -> LeaderShard:
    """The shard of the locked `leader` for one more subscription; a new one begins behind everything that the leader has
    done so far. An old one may lag behind; the subscription's `entries_from_seq` keeps what happened before it from being
    copied.
    """
    living = Count("subscriptions", filter=Q(subscriptions__ended_at__isnull=True))
    shards = list(LeaderShard.objects.filter(leader_id=leader.pk).annotate(living=living).order_by("number"))
    chosen = shard_choice([shard.living for shard in shards])
    if chosen is not None:
        return shards[chosen]
    last = shards[-1].number if shards else 0
    return LeaderShard.objects.create(
        tenant_id=leader.tenant_id, leader_id=leader.pk, number=last + 1, cursor=leader.event_seq
    )
