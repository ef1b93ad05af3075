"""Margin call and stop-out: whose equity has become too small for its margin.

One statement finds the accounts of a tenant, at prices and rates computed once per symbol and account currency. It rounds
nothing, so it suspects a little more than there is; `keeping` decides under the accounts' locks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from core.money import currency_digits
from core.rounding import ONE, ZERO
from infra.bulk import hot_cursor
from infra.push import publish_on_commit
from infra.tenancy import tenant_scope
from trading.domain.values import Market
from trading.frames import balance_frame
from trading.services.desk import desk_open
from trading.services.keeping import Suspects, suspects_keep

_OPEN = b"t.state = 0 AND t.cmd IN (0, 1)"
_OF_SYMBOLS = b"""
 AND t.account_id IN (SELECT o.account_id FROM trading_trade o
                      WHERE o.instrument_id = ANY(%s::bigint[]) AND o.state = 0 AND o.cmd IN (0, 1))
"""
_HELD_SQL = b"""
SELECT DISTINCT t.instrument_id, t.symbol, a.currency
FROM trading_trade t JOIN accounts_tradingaccount a ON a.id = t.account_id WHERE %(open)b
""".replace(b"%(open)b", _OPEN)
# Amounts are exact here and rounded per record there: half a unit of profit and half a unit of margin for each record, and
# half a hundredth of the level.
_LEVELS_SQL = b"""
SELECT f.account_id,
       (f.equity - f.slack) * 100 <= (f.margin + f.slack) * (g.stop_out + 0.005),
       f.equity * 100 <= f.margin * (g.margin_call + 0.005),
       f.equity * 100 <= f.margin * (g.stop_out + 0.005)
FROM (
  SELECT a.id AS account_id, a.group_id, count(*) * max(v.unit) AS slack,
         a.balance + a.credit + sum(t.storage + v.point * t.volume
           * CASE WHEN t.cmd = 0 THEN v.bid - t.open_price ELSE t.open_price - v.ask END) AS equity,
         sum(t.volume * (v.flat + v.factor * t.open_price / a.leverage)) AS margin
  FROM trading_trade t
  JOIN accounts_tradingaccount a ON a.id = t.account_id
  LEFT JOIN unnest(%s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
                   %s::numeric[]) AS v (instrument_id, currency, bid, ask, point, factor, flat, unit)
         ON v.instrument_id = t.instrument_id AND v.currency = a.currency
  WHERE %(open)b
  GROUP BY a.id HAVING count(*) = count(v.instrument_id)
) f JOIN accounts_accountgroup g ON g.id = f.group_id
WHERE f.margin > 0 AND (f.equity - f.slack) * 100 <= (f.margin + f.slack) * (greatest(g.margin_call, g.stop_out) + 0.005)
""".replace(b"%(open)b", _OPEN)
_HELD_WITH_SQL = _HELD_SQL + _OF_SYMBOLS
_LEVELS_WITH_SQL = _LEVELS_SQL.replace(_OPEN, _OPEN + _OF_SYMBOLS)

_CALL: Final = 1
_OUT: Final = 2
"""What is remembered of an account: that it is at or below margin call, or stop-out."""


def margin_watch(*, tenant_id: int, at: datetime, levels: dict[int, int] | None = None) -> int:
    """Stops out whoever has to be, and tells terminals when an account comes into margin call or out of it.

    `levels` is what the process knew of this tenant's accounts the last time, and is brought up to date: without it,
    everybody in margin call is told. Gives the number of accounts that were stopped out.
    """
    known = {} if levels is None else levels
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        suspects = Suspects(at)
        found = _levels(cursor, suspects, ())
        changed = [account_id for account_id in {*known, *found} if known.get(account_id) != found.get(account_id)]
        known.clear()
        known.update(found)
        if changed:
            desk = desk_open(cursor, sorted(changed), lock=False)
            publish_on_commit(balance_frame(account, desk.market) for account in desk.accounts.values())
    return suspects_keep(tenant_id=tenant_id, suspects=suspects)


def suspects_of_margin(cursor: psycopg.Cursor[Any], suspects: Suspects, instruments: Sequence[int]) -> None:
    """Adds the accounts with positions in these instruments that seem to be at or below their stop-out level."""
    _levels(cursor, suspects, instruments)


def position_prices(cursor: psycopg.Cursor[Any]) -> list[list[Any]]:
    """What the tenant's positions are priced with: the columns of `v`, for every symbol and account currency held."""
    held = cursor.execute(_HELD_SQL, prepare=True).fetchall()
    market = desk_open(cursor, [], sorted({row[1] for row in held}), lock=False).market
    return _prices(market, [(row[0], row[2]) for row in held])


def _levels(cursor: psycopg.Cursor[Any], suspects: Suspects, instruments: Sequence[int]) -> dict[int, int]:
    """Adds who seems to be at or below stop-out; gives what the level is of those at or below margin call."""
    chosen = [list(instruments)] if instruments else []
    held = cursor.execute(_HELD_WITH_SQL if chosen else _HELD_SQL, chosen, prepare=True).fetchall()
    if not held:
        return {}
    market = desk_open(cursor, [], sorted({row[1] for row in held}), lock=False, quotes=suspects.quotes).market
    columns = _prices(market, [(row[0], row[2]) for row in held])
    found = {}
    sql = _LEVELS_WITH_SQL if chosen else _LEVELS_SQL
    for account_id, suspected, called, out in cursor.execute(sql, [*columns, *chosen], prepare=True):
        if suspected:
            suspects.add(account_id)
        if called or out:
            found[account_id] = _OUT if out else _CALL
    return found


def _prices(market: Market, held: Sequence[tuple[int, str]]) -> list[list[Any]]:
    """The columns of `v`: per symbol and account currency what a price, a point and a lot are worth there."""
    rows = []
    for instrument_id, currency in held:
        spec = market.spec(instrument_id)
        quote, rate = market.quote(spec), market.rate(spec.profit_currency, currency)
        if quote is None or rate is None:
            continue  # whoever holds it cannot be priced
        flat = spec.margin_per_lot if spec.asset_class == "FUTURE" else ZERO
        factor = ZERO if flat else spec.contract_size * spec.margin_percent
        unit = ONE.scaleb(-currency_digits(currency))
        row = (instrument_id, currency, quote.bid, quote.ask, spec.point_value * rate, factor * rate, flat * rate, unit)
        rows.append(row)
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
