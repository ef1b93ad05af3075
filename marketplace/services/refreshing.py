"""Keeps masters' figures true: finds whose account, followers or day moved on, counts what is new, writes the figures.

One transaction serves up to `AT_ONCE` accounts with a fixed number of statements. Its locks are the accounts' cursors and
nothing else, and nobody else waits for those: trading and copying are never held up. An account that somebody else is
counting is passed over.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any, Final

import psycopg
from django.db.models import Max

from accounts.models import Tenant, TradingAccount
from core.rounding import ZERO, stored
from infra.bulk import hot_cursor, insert_rows, update_rows
from infra.faults import fault
from infra.retry import retried_apart
from infra.tenancy import tenant_scope
from marketplace.domain.calendar import Calendar, calendar_of
from marketplace.domain.figures import Figures, Snapshots, Standing, period_figures
from marketplace.domain.periods import Period
from marketplace.models import MasterStats, StatsCursor
from marketplace.services.counting import EVER, days_count, first_exits, trade_sums
from marketplace.services.followers import Following, followings
from trading.domain.snapshots import Stand
from trading.domain.valuation import picture
from trading.models import DayEnd
from trading.services.desk import Desk, desk_open
from trading.services.snapshots import boundary_of, days_of_events, last_stands

logger = logging.getLogger("marketplace.stats")

AT_ONCE: Final = 250
"""Accounts of one transaction."""
FRESH: Final = timedelta(minutes=15)
"""How long figures are left alone while nothing but prices moves them."""
AGED_AT_ONCE: Final = 500
"""So many accounts are made fresh for prices alone each time: ten thousand in ten minutes."""

_ADOPT_SQL = b"""
INSERT INTO marketplace_statscursor (account_id, tenant_id, event_seq, day, living)
SELECT DISTINCT m.account_id, m.tenant_id, -1, NULL::date, true FROM copytrade_copymaster m
WHERE NOT EXISTS (SELECT 1 FROM marketplace_statscursor c
                  WHERE c.account_id = m.account_id AND (c.living OR m.ended_at IS NOT NULL))
ON CONFLICT (account_id) DO UPDATE SET living = true, day = NULL
"""
_CLAIM_SQL = b"""
SELECT c.account_id, c.event_seq, c.day FROM marketplace_statscursor c
LEFT JOIN copytrade_inboxhead h ON h.leader_id = c.account_id
WHERE c.account_id > %(after)s AND c.tenant_id = %(tenant)s
  AND (c.living AND (h.head_seq > c.event_seq OR c.event_seq < 0 OR (c.day IS NULL AND %(day)s::date IS NOT NULL)
                     OR c.day < %(day)s::date)
       OR EXISTS (SELECT 1 FROM marketplace_statschange g WHERE g.account_id = c.account_id))
ORDER BY c.account_id LIMIT %(most)s FOR NO KEY UPDATE OF c SKIP LOCKED
"""
_CHANGES_SQL = b"DELETE FROM marketplace_statschange WHERE account_id = ANY(%s::bigint[]) RETURNING account_id"
_MASTERS_SQL = b"""
SELECT m.id, m.account_id, m.ended_at IS NULL,
       m.ended_at IS NULL AND m.enabled AND m.status = 'ACTIVE' AND m.visibility = 'public',
       s.id, s.period, s.followers, s.aum
FROM copytrade_copymaster m LEFT JOIN marketplace_masterstats s ON s.master_id = m.id
WHERE m.account_id = ANY(%s::bigint[])
  AND (m.ended_at IS NULL OR s.updated_at IS NULL OR s.updated_at < m.ended_at)
"""
# A row an account: a history is hundreds of days, and they travel in a third of the time as four texts.
_SNAPSHOTS_SQL = b"""
SELECT account_id, array_agg(day ORDER BY day)::text, array_agg(equity ORDER BY day)::text,
       array_agg(low ORDER BY day)::text, array_agg(flow ORDER BY day)::text
FROM trading_equitysnapshot WHERE account_id = ANY(%s::bigint[]) GROUP BY account_id
"""
_MOVE_SQL = b"""
UPDATE marketplace_statscursor c SET event_seq = v.seq, day = %s, living = v.living, refreshed_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[]) AS v (account_id, seq, living) WHERE c.account_id = v.account_id
"""
# Prices move the equity without an event.
_AGED_SQL = b"""
INSERT INTO marketplace_statschange (tenant_id, account_id)
SELECT c.tenant_id, c.account_id FROM marketplace_statscursor c
WHERE c.tenant_id = %s AND c.living AND c.refreshed_at < %s
  AND EXISTS (SELECT 1 FROM trading_trade t WHERE t.account_id = c.account_id AND t.state = 0 AND t.cmd IN (0, 1))
  AND NOT EXISTS (SELECT 1 FROM marketplace_statschange g WHERE g.account_id = c.account_id)
ORDER BY c.refreshed_at LIMIT %s
"""
_FIGURES: Final = tuple(field.name for field in fields(Figures))
_values_of = attrgetter(*_FIGURES)
_KEPT: Final = ("listed", "followers", "aum", "updated_at", *_FIGURES)
_LARGEST: Final = Decimal(10) ** 20
_AFTER_ALL: Final = date.max


@dataclass(slots=True)
class _Profile:
    """A master whose figures are written: `rows` are the ids of those that it has, by period."""

    id: int
    account_id: int
    listed: bool
    rows: dict[str, int]
    followers: int = 0
    aum: Decimal = ZERO


def stats_refresh(*, tenant_id: int, at: datetime, most: int | None = None) -> int:
    """Brings the masters of the tenant up to date whose figures are behind; gives how many accounts that were.

    `most` bounds the transactions, each of `AT_ONCE` accounts; whoever is left is found by the next call. Idempotent, and
    safe to run beside itself. Killed anywhere, what was committed stays and the rest is found again. An account whose
    figures cannot be made is logged and stays behind; it holds nobody up.
    """
    with tenant_scope(tenant_id):
        hot_cursor().execute(_ADOPT_SQL, prepare=True)
    done, after = 0, 0
    for _number in count() if most is None else range(most):
        ids, _none = retried_apart(partial(_chunk, tenant_id, at), after, AT_ONCE, _cannot)
        if not ids:
            break
        done, after = done + len(ids), ids[-1]
    return done


def _cannot(number: int) -> None:
    logger.exception("the figures of account %s cannot be made", number)


def stats_age(*, tenant_id: int, at: datetime) -> int:
    """Has the figures of masters with open positions made anew that are older than `FRESH`; gives how many. Runs every
    30 s."""
    with tenant_scope(tenant_id):
        return hot_cursor().execute(_AGED_SQL, [tenant_id, at - FRESH, AGED_AT_ONCE], prepare=True).rowcount


def stats_recount(*, tenant_id: int, at: datetime) -> int:
    """Counts every trade of the tenant's living masters anew, from the first one on; gives how many accounts that were.

    For repair, and after the rules of counting changed. Killed halfway it goes on where it was: what is not counted yet
    counts as behind.
    """
    with tenant_scope(tenant_id):
        StatsCursor.objects.filter(living=True).update(event_seq=-1)
    return stats_refresh(tenant_id=tenant_id, at=at)


def _chunk(tenant_id: int, at: datetime, after: int, most: int, claimed: list[int]) -> None:
    """Brings the next accounts up to date that are behind; `claimed` has them at once, ascending."""
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        # What this transaction can know of ended days is read before anything that depends on them.
        day = DayEnd.objects.filter(finished_at__isnull=False).aggregate(last=Max("day"))["last"]
        values = {"after": after, "tenant": tenant_id, "day": day, "most": most}
        rows = cursor.execute(_CLAIM_SQL, values, prepare=True).fetchall()
        claimed[:] = ids = [row[0] for row in rows]
        if not ids:
            return
        changed = {row[0] for row in cursor.execute(_CHANGES_SQL, [ids], prepare=True)}
        desk = desk_open(cursor, ids, lock=False, pending=())
        calendar, ages = _calendar(tenant_id, ids, at)
        _count(cursor, calendar, {row[0]: row[1] for row in rows})
        fault("stats.counted")
        moved = {row[0] for row in rows if row[2] != day or row[1] < 0}
        profiles, living = _profiles(cursor, ids)
        with_followers = [p for p in profiles if p.account_id in changed or p.account_id in moved or not p.rows]
        found = followings(cursor, {p.id: desk.accounts[p.account_id].currency for p in with_followers}, desk.market)
        for profile in with_followers:
            following = found.get(profile.id, Following())
            profile.followers, profile.aum = following.number, following.assets
        _write(cursor, tenant_id, profiles, _figures(cursor, desk, calendar, ages, at), at)
        seqs = [desk.accounts[number].event_seq for number in ids]
        cursor.execute(_MOVE_SQL, [day, at, ids, seqs, [number in living for number in ids]], prepare=True)


def _calendar(tenant_id: int, ids: Sequence[int], at: datetime) -> tuple[Calendar, dict[int, int]]:
    """The tenant's trading days since the first of these accounts was opened, and how many days old each account is."""
    boundary = boundary_of(Tenant.objects.get(pk=tenant_id))
    opened = dict(TradingAccount.objects.filter(pk__in=ids).values_list("pk", "opened_at"))
    ended = list(DayEnd.objects.order_by("day").values_list("day", "boundary_at"))
    calendar = calendar_of(boundary, ended, min(opened.values()), at)
    today = calendar.day_of(at)
    return calendar, {number: (today - boundary.day_of(opening)).days for number, opening in opened.items()}


def _count(cursor: psycopg.Cursor[Any], calendar: Calendar, seen: dict[int, int]) -> None:
    """Counts the closed trades that the cursors do not know of, whole days at a time."""
    since = {number: EVER for number, seq in seen.items() if seq < 0}
    since |= first_exits(cursor, {number: seq for number, seq in seen.items() if seq >= 0})
    days_count(cursor, calendar, since)


def _profiles(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> tuple[list[_Profile], set[int]]:
    """Whose figures are written: living profiles, and those that ended since they were last; and which accounts live."""
    found: dict[int, _Profile] = {}
    living = set()
    for number, account_id, alive, listed, row, period, followers, aum in cursor.execute(
        _MASTERS_SQL, [ids], prepare=True
    ).fetchall():
        profile = found.setdefault(number, _Profile(number, account_id, listed, {}))
        if row is not None:
            profile.rows[period], profile.followers, profile.aum = row, followers, aum
        if alive:
            living.add(account_id)
    return list(found.values()), living


def _figures(
    cursor: psycopg.Cursor[Any], desk: Desk, calendar: Calendar, ages: dict[int, int], at: datetime
) -> dict[int, dict[Period, Figures]]:
    today, accounts = calendar.day_of(at), list(desk.accounts.values())
    ids = [account.id for account in accounts]
    sums = trade_sums(cursor, ids, today)
    snapshots = snapshots_of(cursor, ids)
    last = last_stands(cursor, ids, _AFTER_ALL)
    stands = {number: last[number][1] if number in last else Stand() for number in ids}
    told = days_of_events(cursor, accounts, stands, datetime.max.replace(tzinfo=at.tzinfo))
    found = {}
    for account in accounts:
        paid = told[account.id].flow if account.id in told else ZERO
        standing = Standing(picture(account, desk.market).equity, paid, ages[account.id])
        mine = snapshots.get(account.id, Snapshots())
        found[account.id] = period_figures(sums.get(account.id, {}), mine, standing, today)
    return found


def snapshots_of(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> dict[int, Snapshots]:
    """The daily snapshots of the accounts that have any."""
    found = {}
    for account_id, days, *amounts in cursor.execute(_SNAPSHOTS_SQL, [list(ids)], prepare=True).fetchall():
        equity, low, flow = (list(map(Decimal, _elements(text))) for text in amounts)
        found[account_id] = Snapshots(list(map(date.fromisoformat, _elements(days))), equity, low, flow)
    return found


def _elements(array: str) -> list[str]:
    """The elements of an array of numbers or days, as PostgreSQL writes it."""
    return array[1:-1].split(",")


def _write(
    cursor: psycopg.Cursor[Any],
    tenant_id: int,
    profiles: Sequence[_Profile],
    figures: dict[int, dict[Period, Figures]],
    at: datetime,
) -> None:
    new, known = [], []
    for profile in profiles:
        common = (profile.listed, profile.followers, stored(profile.aum), at)
        for period, found in figures[profile.account_id].items():
            values = (*common, *(_kept(value) for value in _values_of(found)))
            if period.value in profile.rows:
                known.append((profile.rows[period.value], *values))
            else:
                new.append((tenant_id, profile.id, period.value, *values))
    update_rows(cursor, MasterStats, _KEPT, known)
    insert_rows(cursor, MasterStats, ("tenant_id", "master_id", "period", *_KEPT), new)


def _kept(value: Any) -> Any:
    """As the database keeps it. What is too large for that is undefined: nobody could rank by it."""
    if not isinstance(value, Decimal):
        return value
    rounded = stored(value)
    return rounded if abs(rounded) < _LARGEST else None
