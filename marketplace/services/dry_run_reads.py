"""What a dry run reads: the master's events of the period, the market of that time, and the terms of the account.

Always the same number of statements, whatever the period holds. Nothing is locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import psycopg

from accounts.models import Tenant
from copytrade.domain.values import LeaderEvent
from copytrade.engine.reads import events_after
from core.days import ONE_DAY
from core.rounding import ZERO, plain
from core.states import CopyRole
from trading.domain.storage import SwapTerms
from trading.domain.valuation import picture
from trading.domain.values import AccountState, Market, QuoteNow
from trading.models import DailyQuote, Instrument
from trading.services.desk import accounts_lock, desk_read
from trading.services.snapshots import boundary_of

EVENTS_MOST: Final = 20_000
"""Of a master that did more in the period, only the end of it is replayed: somebody waits for the answer."""

_QUOTES_BEFORE: Final = timedelta(days=7)
"""How far back a quote may lie that was in force when the period began."""

# The snapshot in force when the period began, else the account's first.
_STAND_SQL: Final = b"""
(SELECT at, equity, event_seq FROM trading_equitysnapshot WHERE account_id = %(account)s AND at <= %(begin)s
 ORDER BY day DESC LIMIT 1)
UNION ALL
(SELECT at, equity, event_seq FROM trading_equitysnapshot WHERE account_id = %(account)s ORDER BY day LIMIT 1)
LIMIT 1
"""
_FIRST_SEQ_SQL: Final = b"""
SELECT greatest(%(seq)s, event_seq - %(most)s) FROM accounts_tradingaccount WHERE id = %(account)s
"""


@dataclass(frozen=True, slots=True)
class DayOver:
    """The end of a trading day: the quotes kept of it, none where it was not ended, and the nights it counts for."""

    at: datetime
    day: date
    quotes: Mapping[int, QuoteNow]


@dataclass(frozen=True, slots=True)
class Past:
    """A period of a master's past, and the account that is to live through it.

    `market` has the contracts at the quotes in force at the end, `quotes` are those at the beginning.
    """

    begin: datetime
    end: datetime
    events: list[LeaderEvent]
    days: list[DayOver]
    market: Market
    quotes: dict[int, QuoteNow]
    swaps: Mapping[int, SwapTerms]
    account: AccountState


def past_read(cursor: psycopg.Cursor[Any], *, leader_id: int, account_id: int, begin: datetime, end: datetime) -> Past:
    """The leader's past from `begin` to `end`, for an account with the terms of `account_id`.

    The account is a follower without positions. With the leader's own terms it begins with the leader's equity
    at `begin`, with any other account's with that account's equity as it is now.
    """
    stand = cursor.execute(_STAND_SQL, {"account": leader_id, "begin": begin}, prepare=True).fetchone()
    known = stand[2] if stand else 0
    first = {"account": leader_id, "seq": known, "most": EVENTS_MOST}
    ((seq,),) = cursor.execute(_FIRST_SEQ_SQL, first, prepare=True).fetchall()
    events = [event for event in events_after(cursor, leader_id, seq, EVENTS_MOST) if begin <= event.at <= end]
    rows = accounts_lock(cursor, [account_id], lock=False)
    desk = desk_read(cursor, rows, {event.symbol for event in events}, pending=(), families=True)
    own = desk.accounts[account_id]
    equity = picture(own, desk.market).equity
    if account_id == leader_id and stand is not None:
        equity = plain(stand[1])
    if seq > known and events:  # the period had more than is replayed
        begin = events[0].at
        equity = events[0].equity if account_id == leader_id else equity
    days, before = _days(own.tenant_id, desk.market, begin, end)
    return Past(
        begin=begin,
        end=end,
        events=events,
        days=days,
        market=desk.market,
        quotes=_quotes_at_first(desk.market, days, before),
        swaps={
            number: SwapTerms(plain(long), plain(short), triple)
            for number, long, short, triple in Instrument.objects.values_list(
                "id", "swap_long", "swap_short", "swap_triple_day"
            )
        },
        account=replace(
            own,
            enabled=True if account_id == leader_id else own.enabled,
            balance=equity,
            credit=ZERO,
            event_seq=0,
            copy_role=CopyRole.FOLLOWER,
            tickets=[],
            pending=[],
        ),
    )


def _days(tenant_id: int, market: Market, begin: datetime, end: datetime) -> tuple[list[DayOver], dict[int, QuoteNow]]:
    """The days that end in the period, and the quotes of the last days before them."""
    boundary = boundary_of(Tenant.objects.get(pk=tenant_id))
    first = boundary.day_of(begin)
    kept: dict[date, dict[int, QuoteNow]] = {}
    rows = DailyQuote.objects.filter(
        instrument_id__in=[spec.id for spec in market.specs],
        day__gte=first - _QUOTES_BEFORE,
        day__lte=end.date() + ONE_DAY,
    )
    for number, day, bid, ask, at in rows.order_by("day").values_list("instrument_id", "day", "bid", "ask", "at"):
        kept.setdefault(day, {})[number] = QuoteNow(plain(bid), plain(ask), at)
    before: dict[int, QuoteNow] = {}
    for day, quotes in kept.items():
        if day < first:
            before |= quotes
    days, day = [], first
    while (over := boundary.end_of(day)) < end:
        days.append(DayOver(over, day, kept.get(day, {})))
        day += ONE_DAY
    return days, before


def _quotes_at_first(market: Market, days: list[DayOver], before: Mapping[int, QuoteNow]) -> dict[int, QuoteNow]:
    """Quotes to begin with: those before the period; what has none, its first in the period, else the one of now."""
    quotes: dict[int, QuoteNow] = {}
    for spec in market.specs:
        later = (day.quotes[spec.id] for day in days if spec.id in day.quotes)
        found = before.get(spec.id) or next(later, None) or market.quote(spec)
        if found is not None:
            quotes[spec.id] = found
    return quotes
