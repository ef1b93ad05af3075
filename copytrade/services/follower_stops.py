"""The follower stop (D19): where an equity began, its peak, and what happens when a limit is reached."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import psycopg

from copytrade.domain.follower_stops import FollowerStop, stop_reached
from copytrade.engine.settings import STOPS_FROM_SQL, STOPS_SET_SQL, STOPS_SQL, stop_of
from copytrade.models import CopySubscription, SubscriptionMarks, SubscriptionStatus
from copytrade.services.endings import OpenCopies, copies_treat
from core.states import CopyRole
from infra.bulk import hot_cursor, update_objects, update_rows
from infra.tenancy import tenant_scope
from trading.domain.valuation import picture
from trading.domain.values import Journal
from trading.selectors import account_picture
from trading.services.desk import Desk, desk_open

PAUSED_BY_STOP: Final = "FOLLOWER_STOP"
CLOSE_ALL: Final = 1
AT_ONCE: Final = 250
"""Accounts of one transaction."""

_PAID_SQL = b"""
UPDATE copytrade_subscriptionmarks m SET start_equity = m.start_equity + p.amount, peak_equity = m.peak_equity + p.amount
FROM unnest(%s::bigint[], %s::numeric[]) AS p (follower_id, amount) WHERE m.follower_id = p.follower_id
"""
# Only where a limit is set is anything watched. Ended and resting subscriptions enter nothing, so nothing is to be stopped.
_WATCHED_SQL = (
    b"""
SELECT sub.id, sub.follower_id, sub.stop_action, m.id, """
    + STOPS_SQL
    + b"""
FROM copytrade_copysubscription sub """
    + STOPS_FROM_SQL
    + b"""
WHERE sub.ended_at IS NULL AND sub.enabled AND sub.status = 0 AND sub.tenant_id = %(tenant)s AND """
    + STOPS_SET_SQL
    + b"""
  AND (%(followers)s::bigint[] IS NULL OR sub.follower_id = ANY(%(followers)s::bigint[]))
ORDER BY sub.follower_id, sub.id
"""
)


def marks_begin(subscription: CopySubscription, *, at: datetime) -> None:
    """Notes the equity of the follower's locked account as where the subscription begins, or begins anew."""
    equity = account_picture(subscription.follower_id).equity
    SubscriptionMarks.objects.update_or_create(
        subscription_id=subscription.pk,
        defaults={
            "tenant_id": subscription.tenant_id,
            "follower_id": subscription.follower_id,
            "start_equity": equity,
            "peak_equity": equity,
            "updated_at": at,
        },
    )


def marks_follow_payments(cursor: psycopg.Cursor[Any], journal: Journal) -> None:
    """A `trade_listeners` port: money paid into or out of a follower's account moves its marks along."""
    paid: dict[int, Decimal] = {}
    for movement in journal.movements:
        if movement.is_record and movement.account.copy_role is CopyRole.FOLLOWER:
            paid[movement.account.id] = paid.get(movement.account.id, Decimal(0)) + movement.amount
    if paid:
        cursor.execute(_PAID_SQL, [list(paid), list(paid.values())], prepare=True)


def follower_stops_check(*, tenant_id: int, at: datetime) -> int:
    """Notes new peaks; what asks for CLOSE_ALL and has reached a limit is paused with FOLLOWER_STOP and its copies are
    closed. Gives the number of those.

    Entries are refused by the engine's guard from the first moment on, with or without this. Opens transactions of its
    own; what is decided is decided under the accounts' locks.
    """
    with tenant_scope(tenant_id):
        due = _due(hot_cursor(), _watched(hot_cursor(), tenant_id), at)
    stopped = 0
    for first in range(0, len(due), AT_ONCE):
        followers = due[first : first + AT_ONCE]
        with tenant_scope(tenant_id):
            desk = desk_open(hot_cursor(), followers)
            stopped += _stop(_watched(hot_cursor(), tenant_id, followers), desk, at)
    return stopped


def _watched(
    cursor: psycopg.Cursor[Any], tenant_id: int, followers: Sequence[int] | None = None
) -> list[tuple[Any, ...]]:
    values = {"tenant": tenant_id, "followers": None if followers is None else list(followers)}
    return cursor.execute(_WATCHED_SQL, values).fetchall()


def _due(cursor: psycopg.Cursor[Any], rows: Iterable[tuple[Any, ...]], at: datetime) -> list[int]:
    """The followers whose copies may have to be closed, by what is seen without locks; writes the peaks that rose."""
    by_follower: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_follower.setdefault(row[1], []).append(row)
    ids, due, peaks = list(by_follower), [], []
    for first in range(0, len(ids), AT_ONCE):
        desk = desk_open(cursor, ids[first : first + AT_ONCE], lock=False)
        for follower_id, account in desk.accounts.items():
            seen = picture(account, desk.market)
            if not seen.complete:
                continue
            watched = by_follower[follower_id]
            peaks += [(row[3], seen.equity, at) for row in watched if seen.equity > row[-1]]
            if any(row[2] == CLOSE_ALL and stop_reached(_stop_of(row), seen.equity) for row in watched):
                due.append(follower_id)
    # A payment in between moves the peak after it was read; by the next look, seconds later, it is right again.
    update_rows(cursor, SubscriptionMarks, ("peak_equity", "updated_at"), peaks)
    return sorted(due)


def _stop(rows: Iterable[tuple[Any, ...]], desk: Desk, at: datetime) -> int:
    reached = []
    for row in rows:
        account = desk.accounts.get(row[1])
        if account is None or row[2] != CLOSE_ALL:
            continue
        seen = picture(account, desk.market)
        if seen.complete and stop_reached(_stop_of(row), seen.equity):
            reached.append(row[0])
    if reached:
        subscriptions = list(CopySubscription.objects.filter(pk__in=reached))
        for subscription in subscriptions:
            subscription.status = SubscriptionStatus.PAUSED
            subscription.pause_reason = PAUSED_BY_STOP
            subscription.version += 1
            subscription.updated_at = at
        update_objects(subscriptions, ["status", "pause_reason", "version", "updated_at"])
        copies_treat(reached, open_copies=OpenCopies.CLOSE, at=at)
    return len(reached)


def _stop_of(row: Sequence[Any]) -> FollowerStop:
    return stop_of(row[4:])
