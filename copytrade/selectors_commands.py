"""The reads of the copy panel. Those for request code take the actor and never give what it may not see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.models import FailedExit, SyncLight, TradeLink
from core.errors import forbidden, not_found
from core.states import LinkState
from infra.actor import Actor
from infra.bulk import hot_cursor

# The shard that has come least far stands for the leader. Ended subscriptions count while they own something.
_HEARTBEATS_SQL: Final = b"""
SELECT a.login, seen.at, handled.at, (a.event_seq - led.cursor)::bigint
FROM (SELECT sub.leader_id, min(shard.cursor) AS cursor
      FROM copytrade_copysubscription sub JOIN copytrade_leadershard shard ON shard.id = sub.shard_id
      WHERE (sub.follower_id = ANY(%(mine)s::bigint[]) OR sub.leader_id = ANY(%(mine)s::bigint[]))
        AND (sub.ended_at IS NULL OR EXISTS (
          SELECT 1 FROM copytrade_tradelink l
          WHERE l.follower_id = sub.follower_id AND l.subscription_id = sub.id AND l.state = 0))
      GROUP BY sub.leader_id) led
JOIN accounts_tradingaccount a ON a.id = led.leader_id
LEFT JOIN trading_accountevent seen ON seen.account_id = a.id AND seen.seq = a.event_seq
LEFT JOIN trading_accountevent handled ON handled.account_id = a.id AND handled.seq = led.cursor
ORDER BY a.login
"""


def failed_exits(actor: Actor) -> QuerySet[FailedExit]:
    """Exits that failed on the accounts that the actor may see: own ones, or for staff all of the tenant."""
    if actor.is_staff:
        return FailedExit.objects.all()
    return FailedExit.objects.filter(follower_id__in=accounts(actor).order_by().values("pk"))


def sync_lights(actor: Actor) -> QuerySet[SyncLight]:
    """The stored comparisons of the actor's accounts."""
    return SyncLight.objects.filter(follower_id__in=accounts(actor).order_by().values("pk"))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How far copying has come with a leader: when its newest event was, when the newest that is copied, how many wait.

    Times are None for a leader that has not traded yet, or from which nothing has been handled yet.
    """

    login: int
    last_event_at: datetime | None
    handled_event_at: datetime | None
    waiting: int


def heartbeats(actor: Actor) -> list[Heartbeat]:
    """Of the leaders that the actor's accounts copy, and of the actor's own leaders, by login."""
    mine = list(accounts(actor).order_by().values_list("pk", flat=True))
    return [Heartbeat(*row) for row in hot_cursor().execute(_HEARTBEATS_SQL, {"mine": mine}).fetchall()]


def copied_position_account(actor: Actor, trade_id: int) -> int:
    """The follower account of an open copied position: 404 where nothing is copied, 403 for another customer's."""
    found = TradeLink.objects.filter(follower_trade_id=trade_id, state=LinkState.ACTIVE).first()
    if found is None:
        raise not_found(_("There is no such copied position."))
    if not accounts(actor).filter(pk=found.follower_id).exists():
        raise forbidden("PERMISSION_DENIED", _("This position is not yours."))
    return int(found.follower_id)
