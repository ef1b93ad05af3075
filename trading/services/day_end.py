"""The end of a trading day: its quotes are kept, storage grows, and every account gets its snapshot. Once.

A day is ended 250 accounts a transaction, in ascending order; how far it came stands in `DayEnd`, in the same transaction
as what was done, so whoever is killed loses nothing and doubles nothing. What an account did between the boundary and the
moment when its turn comes is not part of the day: the figures are those before its first event after the boundary.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import psycopg
from django.db.models import Max

from accounts.models import Tenant
from core.days import ONE_DAY
from core.rounding import ZERO, plain
from infra.bulk import hot_cursor, insert_rows, update_rows
from infra.push import publish_on_commit
from infra.retry import retried
from infra.tenancy import tenant_scope
from trading.domain.snapshots import DayFigures, DayOfEvents, Stand, day_figures
from trading.domain.storage import SwapTerms, night_storage
from trading.domain.valuation import picture
from trading.domain.values import AccountState, Journal, Market, QuoteNow
from trading.frames import account_frames
from trading.models import DailyQuote, DayEnd, Instrument, StorageCharge, Trade
from trading.services.desk import desk_open
from trading.services.snapshots import (
    boundary_of,
    days_of_events,
    last_stands,
    marks_take,
    snapshots_write,
)

logger = logging.getLogger("trading.day_end")

ACCOUNTS_MAX: Final = 250
"""Accounts of one transaction: an order of one of them waits no longer than that takes."""

_BEGIN_SQL = b"""
INSERT INTO trading_dayend (tenant_id, day, boundary_at, last_account_id, accounts, started_at)
VALUES (%s, %s, %s, 0, 0, %s) ON CONFLICT (tenant_id, day) DO NOTHING RETURNING id
"""
_QUOTES_SQL = b"""
INSERT INTO trading_dailyquote (tenant_id, instrument_id, day, bid, ask, at)
SELECT tenant_id, instrument_id, %s, bid, ask, at FROM trading_quote WHERE tenant_id = %s ORDER BY instrument_id
"""
_CLAIM_SQL = b"""
SELECT id, last_account_id FROM trading_dayend WHERE day = %s AND finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
"""
_NEXT_SQL = b"SELECT id FROM accounts_tradingaccount WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"
_MOVE_SQL = b"UPDATE trading_dayend SET last_account_id = %s, accounts = accounts + %s WHERE id = %s"
_FINISH_SQL = b"UPDATE trading_dayend SET finished_at = %s WHERE id = %s"
_CHARGE = ("tenant_id", "account_id", "trade_id", "day", "nights", "points", "volume", "conversion_rate", "amount")


@dataclass(frozen=True, slots=True)
class _Day:
    """What all accounts of the day have in common."""

    tenant_id: int
    day: date
    boundary_at: datetime
    quotes: Mapping[int, QuoteNow]
    terms: Mapping[int, SwapTerms]


def days_due(*, tenant_id: int, at: datetime) -> list[date]:
    """The tenant's trading days that are over at `at` and not ended, the oldest first.

    A tenant whose days were never ended begins with the last one; days before it existed are none.
    """
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        boundary = boundary_of(tenant)
        over = boundary.ended_before(at)
        begun = DayEnd.objects.aggregate(last=Max("day"))["last"]
        if begun is None:
            return [over] if boundary.end_of(over) > tenant.created_at else []
        unfinished = (
            DayEnd.objects.filter(finished_at=None, day__lte=over).order_by("day").values_list("day", flat=True)
        )
        return [*unfinished, *(begun + ONE_DAY * step for step in range(1, (over - begun).days + 1))]


def days_catch_up(*, tenant_id: int, at: datetime) -> int:
    """Ends all days that are due, one after the other; gives how many were finished.

    Stops at one that somebody else is ending at this moment.
    """
    finished = 0
    for day in days_due(tenant_id=tenant_id, at=at):
        if not day_end(tenant_id=tenant_id, day=day, at=at):
            break
        finished += 1
    return finished


def day_end(*, tenant_id: int, day: date, at: datetime) -> bool:
    """Ends a trading day that is over at `at`, or goes on ending it. Whether the day is finished now.

    Its quotes are those in force when this is first called; a day that is ended late is priced at them. Idempotent. False
    when somebody else is at it. Days are ended in their order.
    """
    common = _begin(tenant_id, day, at)
    while (left := retried(partial(_chunk, common, at))) is not None:
        if not left:
            return True
    with tenant_scope(tenant_id):
        return DayEnd.objects.filter(day=day, finished_at__isnull=False).exists()


def _begin(tenant_id: int, day: date, at: datetime) -> _Day:
    with tenant_scope(tenant_id):
        boundary_at = boundary_of(Tenant.objects.get(pk=tenant_id)).end_of(day)
        if at < boundary_at:
            raise ValueError(f"the trading day {day} is not over at {at}")
        cursor = hot_cursor()
        begun = cursor.execute(_BEGIN_SQL, [tenant_id, day, boundary_at, at], prepare=True).fetchone()
        if begun is not None:
            cursor.execute(_QUOTES_SQL, [day, tenant_id], prepare=True)
        quotes = DailyQuote.objects.filter(day=day).values_list("instrument_id", "bid", "ask", "at")
        swaps = Instrument.objects.values_list("id", "swap_long", "swap_short", "swap_triple_day")
        return _Day(
            tenant_id=tenant_id,
            day=day,
            boundary_at=boundary_at,
            quotes={number: QuoteNow(plain(bid), plain(ask), made) for number, bid, ask, made in quotes},
            terms={number: SwapTerms(plain(long), plain(short), triple) for number, long, short, triple in swaps},
        )


def _chunk(common: _Day, at: datetime) -> int | None:
    """Ends the day for the next accounts; how many they were, 0 when none was left, None when it is not ours to end."""
    with tenant_scope(common.tenant_id):
        cursor = hot_cursor()
        claimed = cursor.execute(_CLAIM_SQL, [common.day], prepare=True).fetchone()
        if claimed is None:
            return None
        number, done = claimed
        ids = [row[0] for row in cursor.execute(_NEXT_SQL, [common.tenant_id, done, ACCOUNTS_MAX], prepare=True)]
        if ids:
            _accounts_end(cursor, common, ids)
            cursor.execute(_MOVE_SQL, [ids[-1], len(ids), number], prepare=True)
        else:
            cursor.execute(_FINISH_SQL, [at, number], prepare=True)
        return len(ids)


def _accounts_end(cursor: psycopg.Cursor[Any], common: _Day, ids: list[int]) -> None:
    desk = desk_open(cursor, ids, pending=())
    closing = desk.market.quoted(common.quotes)
    accounts = list(desk.accounts.values())
    journal = Journal()
    charges = [charge for account in accounts for charge in _nights(journal, common, closing, account)]
    update_rows(cursor, Trade, ("storage",), [(t.id, t.storage) for t in journal.changed.values()])
    insert_rows(cursor, StorageCharge, _CHARGE, charges)
    _snapshots(cursor, common, closing, accounts, charges)
    publish_on_commit(account_frames(journal, desk.market))


def _nights(journal: Journal, common: _Day, closing: Market, account: AccountState) -> list[tuple[Any, ...]]:
    """Adds the night's storage to the account's tickets that were open at the boundary; gives the charges' rows."""
    rows: list[tuple[Any, ...]] = []
    for ticket in account.tickets:
        if ticket.open_at >= common.boundary_at:
            continue
        terms = common.terms[ticket.spec.id]
        nights, points = terms.nights(common.day), terms.points(ticket.side)
        if not nights or not points:
            continue
        rate = closing.rate(ticket.spec.profit_currency, account.currency)
        if rate is None:
            logger.warning("no rate for the storage of ticket %s on %s", ticket.id, common.day)
            continue
        amount = night_storage(ticket, terms, nights, rate, account.currency)
        if not amount:
            continue
        ticket.storage += amount
        journal.touch(account, ticket)
        journal.accounts[account.id] = account
        rows.append(
            (account.tenant_id, account.id, ticket.id, common.day, nights, points, ticket.volume, rate, amount)
        )  # fmt: skip
    return rows


def _snapshots(
    cursor: psycopg.Cursor[Any],
    common: _Day,
    closing: Market,
    accounts: list[AccountState],
    charges: list[tuple[Any, ...]],
) -> None:
    ids = [account.id for account in accounts]
    last = last_stands(cursor, ids, common.day)
    marks = marks_take(cursor, ids, common.day)
    stands = {number: last[number][1] if number in last else Stand() for number in ids}
    events = days_of_events(cursor, accounts, stands, common.boundary_at)
    tonight = dict.fromkeys(ids, ZERO)
    for charge in charges:
        tonight[charge[1]] += charge[-1]
    found: list[tuple[AccountState, DayFigures, int]] = []
    for account in accounts:
        told = events.get(account.id, DayOfEvents())
        if told.seq_after is None or told.equity_after is None or told.balance_after is None:
            equity, balance, seq = picture(account, closing).equity, account.balance, account.event_seq
        else:
            equity, balance, seq = told.equity_after + tonight[account.id], told.balance_after, told.seq_after - 1
        if account.id not in last and not told.flow and not balance:
            continue  # there never was any money
        since_yesterday = account.id in last and last[account.id][0] == common.day - ONE_DAY
        between = marks.get(account.id) if since_yesterday else None
        figures = day_figures(stands[account.id], told, equity, balance, between, account.currency)
        found.append((account, figures, seq))
    snapshots_write(cursor, common.day, common.boundary_at, found)
