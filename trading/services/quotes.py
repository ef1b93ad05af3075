"""Quotes: the last one of each instrument, written set-based under the locks of the quote rows.

A quote takes effect with its transaction: what it makes due (`triggers`) is carried out before the rows are free again.

Order of locks, here and in the market process: quote rows by ascending instrument id, before any trading account.
Posted quotes wait for them; the simulation does not, it leaves out what somebody else is writing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import psycopg
from django.db import transaction
from django.utils.translation import gettext as _

from core.clock import unix
from core.errors import invalid
from core.rounding import plain
from infra.bulk import hot_cursor
from infra.push import Frame, publish_on_commit
from trading.domain.triggers import Tick
from trading.domain.values import QuoteNow
from trading.frames import quote_text
from trading.models import Feed
from trading.services.triggers import triggers_run

AHEAD = timedelta(seconds=60)
"""How far a quote's time may be in the future: clocks of feeds differ."""


class QuoteSource(StrEnum):
    """Who a quote is from; stored with it."""

    POSTED = "POSTED"
    SIMULATED = "SIMULATED"
    REPLAYED = "REPLAYED"  # a recorded feed


@dataclass(frozen=True, slots=True)
class NewQuote:
    """A quote to be taken. Without `at` it is of now, and in order after whatever is there."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstrumentQuote:
    """A simulated quote of a known instrument; `first` when it may be the instrument's first."""

    instrument_id: int
    symbol: str
    bid: Decimal
    ask: Decimal
    first: bool = False


_FIND = b"""
SELECT i.symbol, i.id, q.instrument_id IS NULL
FROM trading_instrument i LEFT JOIN trading_quote q ON q.instrument_id = i.id
WHERE i.tenant_id = %s AND i.symbol = ANY(%s::text[])
"""
_INSERT = b"""
INSERT INTO trading_quote (tenant_id, instrument_id, bid, ask, at, source)
SELECT %s, n.id, n.bid, n.ask, %s, %s FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS n (id, bid, ask)
ORDER BY n.id ON CONFLICT (instrument_id) DO NOTHING RETURNING instrument_id
"""
_LOCK = b"""
SELECT instrument_id, at FROM trading_quote WHERE instrument_id = ANY(%s::bigint[])
ORDER BY instrument_id FOR NO KEY UPDATE
"""
_WRITE = b"""
UPDATE trading_quote q SET bid = n.bid, ask = n.ask, at = n.at, source = %s
FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::timestamptz[]) AS n (id, bid, ask, at)
WHERE q.instrument_id = n.id
"""
_PAUSE = b"UPDATE trading_instrument SET feed_paused = true WHERE id = ANY(%s::bigint[]) AND NOT feed_paused"
_LOCK_FREE = _LOCK + b"SKIP LOCKED"
_WRITE_SIMULATED = b"""
UPDATE trading_quote q SET bid = n.bid, ask = n.ask, at = %s, source = %s
FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS n (id, bid, ask)
JOIN trading_instrument i ON i.id = n.id AND i.feed = %s AND NOT i.feed_paused
WHERE q.instrument_id = n.id AND q.at <= %s RETURNING q.instrument_id
"""


def quotes_store(*, tenant_id: int, quotes: Sequence[NewQuote], at: datetime, source: str) -> None:
    """Takes all quotes, or none, and carries out what each makes due; the last one of a symbol stays in force.

    Quotes are taken in their order: several of one symbol one after the other. Posted and replayed ones also stop out
    accounts that hold these symbols, and silence the simulation of their symbols until `feed` is set again. Times are
    compared as the wire has them, in whole seconds; equal ones are taken in order of arrival. Waits for whoever else
    writes these symbols. Accounts whose records are due are locked: the caller's transaction locks no account before.
    Raises 400 `INVALID_DATA` that names the quote: unknown symbol, not 0 < bid <= ask, more than 60 s after `at`,
    earlier than the symbol's last quote.
    """
    _check(quotes, at)
    if not quotes:
        return
    with transaction.atomic():
        cursor = hot_cursor()
        known = _locked(cursor, tenant_id, quotes, at, source)
        steps = _steps(quotes, known, at)
        last = {number: now for step in steps for number, now in step.items()}
        rows = sorted((number, now.bid, now.ask, now.at) for number, now in last.items())
        symbols = {known[quote.symbol][0]: quote.symbol for quote in quotes}
        simulated = source == QuoteSource.SIMULATED
        publish_on_commit(_frame(tenant_id, symbols[number], now.bid, now.ask, now.at) for number, now in last.items())
        taken: dict[int, QuoteNow] = {}
        for number, step in enumerate(steps, 1):
            if number == len(steps):
                ids, bids, asks, instants = (list(column) for column in zip(*rows, strict=True))
                cursor.execute(_WRITE, [source, ids, bids, asks, instants], prepare=True)
                if not simulated:
                    cursor.execute(_PAUSE, [ids], prepare=True)
            taken |= step
            triggers_run(
                tenant_id=tenant_id,
                ticks=[Tick(instrument_id, now.bid, now.ask) for instrument_id, now in step.items()],
                quotes=taken,
                at=at,
                watch_margin=not simulated,
                last=number == len(steps),
            )


def quotes_simulate(*, tenant_id: int, quotes: Sequence[InstrumentQuote], at: datetime) -> int:
    """Stores a step of the live simulation, carries out what it makes due, and gives the number of symbols that moved.

    Left out: symbols that somebody else is writing at this moment, symbols whose feed is no longer simulated (a quote
    was posted), and symbols whose last quote is later than `at`. Waits for no row but one that is being made.
    """
    if not quotes:
        return 0
    by_id = {quote.instrument_id: quote for quote in quotes}
    with transaction.atomic():
        cursor = hot_cursor()
        firsts = [(q.instrument_id, q.bid, q.ask) for q in quotes if q.first]
        _insert(cursor, tenant_id, firsts, at, QuoteSource.SIMULATED.value)
        free = [row[0] for row in cursor.execute(_LOCK_FREE, [sorted(by_id)], prepare=True)]
        # a statement of its own: it must see what the former holder of the lock has committed
        taken = [by_id[number] for number in free]
        moved = cursor.execute(
            _WRITE_SIMULATED,
            [
                at,
                QuoteSource.SIMULATED.value,
                free,
                [q.bid for q in taken],
                [q.ask for q in taken],
                Feed.SIMULATED.value,
                at,
            ],
            prepare=True,
        ).fetchall()
        taken_now = [by_id[number] for (number,) in moved]
        publish_on_commit(_frame(tenant_id, quote.symbol, quote.bid, quote.ask, at) for quote in taken_now)
        triggers_run(
            tenant_id=tenant_id,
            ticks=[Tick(quote.instrument_id, quote.bid, quote.ask) for quote in taken_now],
            quotes={quote.instrument_id: QuoteNow(plain(quote.bid), plain(quote.ask), at) for quote in taken_now},
            at=at,
        )
    return len(moved)


def _check(quotes: Sequence[NewQuote], at: datetime) -> None:
    for index, quote in enumerate(quotes):
        if quote.bid <= 0:
            raise invalid(f"quotes[{index}].bid", _("must be above 0"))
        if quote.ask < quote.bid:
            raise invalid(f"quotes[{index}].ask", _("must not be below bid"))
        if quote.at is not None and unix(quote.at) > unix(at + AHEAD):
            raise invalid(f"quotes[{index}].time", _("must not be more than 60 seconds ahead"))


def _locked(
    cursor: psycopg.Cursor[Any], tenant_id: int, quotes: Sequence[NewQuote], at: datetime, source: str
) -> dict[str, tuple[int, datetime | None]]:
    """Instrument id and time of the last quote by symbol, all rows locked; None for a symbol's first quote."""
    symbols = sorted({quote.symbol for quote in quotes})
    found = {row[0]: row for row in cursor.execute(_FIND, [tenant_id, symbols], prepare=True)}
    missing: dict[str, tuple[int, Decimal, Decimal]] = {}
    for index, quote in enumerate(quotes):
        if quote.symbol not in found:
            raise invalid(f"quotes[{index}].symbol", _("is not an instrument"))
        _symbol, number, is_missing = found[quote.symbol]
        if is_missing:
            missing.setdefault(quote.symbol, (number, quote.bid, quote.ask))
    # Rows are made before any is locked: whoever waits for one that is being made holds no older row then.
    made = _insert(cursor, tenant_id, missing.values(), at, source)
    ids = [row[1] for row in found.values()]
    times: dict[int, datetime] = dict(cursor.execute(_LOCK, [ids], prepare=True).fetchall())
    return {symbol: (row[1], None if row[1] in made else times[row[1]]) for symbol, row in found.items()}


def _insert(
    cursor: psycopg.Cursor[Any],
    tenant_id: int,
    rows: Iterable[tuple[int, Decimal, Decimal]],
    at: datetime,
    source: str,
) -> set[int]:
    """Makes the rows of instruments that never had a quote; gives the ids of those made here, not by somebody else."""
    rows = sorted(rows)
    if not rows:
        return set()
    ids, bids, asks = (list(column) for column in zip(*rows, strict=True))
    return {row[0] for row in cursor.execute(_INSERT, [tenant_id, at, source, ids, bids, asks], prepare=True)}


def _steps(
    quotes: Sequence[NewQuote], known: dict[str, tuple[int, datetime | None]], at: datetime
) -> list[dict[int, QuoteNow]]:
    """The quotes by instrument, cut where a symbol comes again; refused when one is too early."""
    steps: list[dict[int, QuoteNow]] = [{}]
    times: dict[str, datetime] = {}
    for index, quote in enumerate(quotes):
        number, stored_at = known[quote.symbol]
        times[quote.symbol] = _instant(quote, times.get(quote.symbol, stored_at), at, f"quotes[{index}].time")
        if number in steps[-1]:
            steps.append({})
        steps[-1][number] = QuoteNow(plain(quote.bid), plain(quote.ask), times[quote.symbol])
    return steps


def _instant(quote: NewQuote, before: datetime | None, at: datetime, field: str) -> datetime:
    when = quote.at or at
    if before is None or when >= before:
        return when
    if quote.at is not None and unix(quote.at) < unix(before):
        raise invalid(field, _("is earlier than the symbol's last quote"))
    return before


def _frame(tenant_id: int, symbol: str, bid: Decimal, ask: Decimal, at: datetime) -> Frame:
    text = quote_text(symbol, bid, ask, unix(at))
    return Frame(tenant_id=tenant_id, customer_id=0, login=0, kind="quote", text=text, event=symbol)
