"""Pending orders, stops and take profits that a quote makes due, and pending orders whose time has come.

Found by SQL from the records themselves, never from a book in memory: a market process that is killed loses nothing, and
two of them do no harm, because `keeping` decides again under the accounts' locks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import psycopg

from infra.bulk import hot_cursor
from infra.tenancy import tenant_scope
from trading.domain.triggers import CONDITIONS, Level, Tick
from trading.domain.values import QuoteNow
from trading.services.keeping import Suspects, suspects_keep, suspects_keep_within
from trading.services.margin import suspects_of_margin

_LIMITS: Final = (64, 1024, 16_384, 262_144, 4_194_304)
"""How many records of one condition and symbol are looked at, from the one that the market reaches first."""
_EVERY: Final = tuple(range(len(CONDITIONS)))

_STORED_SQL: Final = b"SELECT instrument_id, bid, ask FROM trading_quote WHERE tenant_id = %s ORDER BY instrument_id"
_EXPIRED_SQL: Final = b"""
SELECT account_id, id FROM trading_trade
WHERE state = 0 AND NOT copied AND expiration_at IS NOT NULL AND expiration_at <= %s ORDER BY account_id, id
"""


def triggers_run(
    *,
    tenant_id: int,
    ticks: Sequence[Tick],
    quotes: Mapping[int, QuoteNow],
    at: datetime,
    watch_margin: bool = False,
    last: bool = True,
) -> int:
    """Carries out what the ticks (at most one of an instrument) make due; gives the number of accounts that changed.

    Runs inside the transaction that holds the quotes' rows and takes the ticks; `quotes` are theirs, and those of earlier
    ticks of the same transaction. With `watch_margin`, accounts that hold these symbols are stopped out as well where
    they have to be. `last`: no more accounts will be locked by this transaction.
    """
    cursor = hot_cursor()
    suspects = Suspects(at, frozenset(tick.instrument_id for tick in ticks), quotes)
    _suspect(cursor, ticks, suspects)
    if watch_margin:
        suspects_of_margin(cursor, suspects, instruments=[tick.instrument_id for tick in ticks])
    return suspects_keep_within(tenant_id=tenant_id, suspects=suspects, last=last)


def triggers_sweep(*, tenant_id: int, at: datetime) -> int:
    """Carries out what is due at the stored quotes, and ends pending orders whose time has come.

    Every tick carries out what it makes due; left over is what was placed or changed at the very moment of a tick, which
    neither saw. Gives the number of accounts that changed.
    """
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        ticks = [Tick(*row) for row in cursor.execute(_STORED_SQL, [tenant_id], prepare=True)]
        suspects = Suspects(at, frozenset(tick.instrument_id for tick in ticks))
        _suspect(cursor, ticks, suspects)
        for account_id, number in cursor.execute(_EXPIRED_SQL, [at], prepare=True):
            suspects.add(account_id, number)
    return suspects_keep(tenant_id=tenant_id, suspects=suspects)


def _suspect(cursor: psycopg.Cursor[Any], ticks: Sequence[Tick], suspects: Suspects) -> None:
    """Adds the accounts with records that the ticks make due, or whose time has come meanwhile.

    First one record of every condition and symbol is looked at, the one that the market reaches first. Only where that one
    is due are there more to be read.
    """
    if not ticks:
        return
    reached: dict[int, list[Tick]] = {}
    by_id = {tick.instrument_id: tick for tick in ticks}
    for place, instrument_id, _account_id, _trade_id in _due(cursor, _EVERY, ticks, 1):
        reached.setdefault(place, []).append(by_id[instrument_id])
    for place, those in sorted(reached.items()):
        for limit in _LIMITS:
            rows = _due(cursor, (place,), those, limit)
            if max(Counter(row[1] for row in rows).values(), default=0) < limit:
                break
        for _place, _instrument_id, account_id, trade_id in rows:
            suspects.add(account_id, trade_id)


def _due(
    cursor: psycopg.Cursor[Any], places: tuple[int, ...], ticks: Sequence[Tick], limit: int
) -> list[tuple[int, int, int, int]]:
    ids, bids, asks = [t.instrument_id for t in ticks], [t.bid for t in ticks], [t.ask for t in ticks]
    return cursor.execute(_due_sql(places, limit), [ids, bids, asks], prepare=True).fetchall()


@cache
def _due_sql(places: tuple[int, ...], limit: int) -> bytes:
    """Rows of (place in CONDITIONS, instrument, account, record) of at most `limit` records per condition and instrument.

    Row level security keeps a comparison of numerics from becoming a condition of the index, because numeric operators
    are not leakproof. An order by the index's last column with a limit can be pushed down: so the records come in the
    order in which the market reaches them, and the comparison is made outside.
    """
    branches = b" UNION ALL ".join(_branch_sql(place, limit) for place in places)
    return (
        b"SELECT d.place, k.instrument_id, d.account_id, d.id"
        b" FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS k (instrument_id, bid, ask)"
        b" CROSS JOIN LATERAL (" + branches + b") AS d ORDER BY d.account_id, d.id"
    )


def _branch_sql(place: int, limit: int) -> bytes:
    condition = CONDITIONS[place]
    level, order, compared = condition.level.value, *(("DESC", ">=") if condition.falling else ("ASC", "<="))
    # A pending order that is a copy waits for its leader's order.
    stands = " AND NOT t.copied" if condition.level is Level.PRICE else f" AND t.{level} > 0"
    return (
        f"(SELECT {place} AS place, e.account_id, e.id FROM (SELECT t.account_id, t.id, t.{level} AS level"
        f" FROM trading_trade t WHERE t.instrument_id = k.instrument_id AND t.cmd = {condition.cmd.value} AND t.state = 0"
        f"{stands} ORDER BY t.{level} {order} LIMIT {limit}) AS e WHERE e.level {compared} k.{condition.watched})"
    ).encode()
