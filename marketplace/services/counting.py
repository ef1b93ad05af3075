"""Counts closed trades into the days of their accounts. Set-based, any number of accounts at once.

A day is counted anew from its trades, never added to: whatever is repeated, killed or run twice comes to the same sums.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import psycopg

from core.days import ONE_DAY
from infra.bulk import pipelined
from marketplace.domain.calendar import Calendar
from marketplace.domain.figures import NO_TRADES, TradeSums
from marketplace.domain.periods import PERIODS, Period

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every trade."""

_FORGET_SQL = b"""
DELETE FROM marketplace_accountday d USING unnest(%s::bigint[], %s::date[]) AS w (account_id, day)
WHERE d.account_id = w.account_id AND d.day >= w.day
"""
_COUNT_SQL = b"""
INSERT INTO marketplace_accountday (tenant_id, account_id, day, symbol, trades, profit_trades, loss_trades, pnl, gross_profit,
                                    gross_loss, best, worst, volume, holding_seconds, last_close_at)
SELECT t.tenant_id, t.account_id, (%(days)s::date[])[least(width_bucket(t.close_at, %(ends)s::timestamptz[]) + 1, %(last)s)],
       t.symbol, count(*), count(*) FILTER (WHERE n.net > 0), count(*) FILTER (WHERE n.net < 0), sum(n.net),
       sum(greatest(n.net, 0)), sum(least(n.net, 0)), max(n.net), min(n.net), sum(t.volume),
       sum(extract(epoch FROM t.close_at - t.open_at)), max(t.close_at)
FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[]) AS w (account_id, since)
JOIN trading_trade t ON t.account_id = w.account_id AND t.close_at >= w.since AND t.state IN (3, 4) AND t.cmd IN (0, 1)
CROSS JOIN LATERAL (SELECT t.profit + t.commission + t.storage AS net) n
GROUP BY 1, 2, 3, 4
"""
_FIRST_EXIT_SQL = b"""
SELECT e.account_id, min(e.at) FROM unnest(%s::bigint[], %s::bigint[]) AS w (account_id, seq)
JOIN trading_accountevent e ON e.account_id = w.account_id AND e.seq > w.seq
WHERE e.kind IN ('REDUCE', 'CLOSE') GROUP BY e.account_id
"""
# Each day once, in the shortest period it belongs to; the longer ones hold all shorter ones.
_SUMS_SQL = b"""
SELECT account_id, width_bucket(day, %s::date[]), sum(trades), sum(profit_trades), sum(loss_trades), sum(pnl),
       sum(gross_profit), sum(gross_loss), max(best), min(worst), sum(holding_seconds), max(last_close_at)
FROM marketplace_accountday WHERE account_id = ANY(%s::bigint[]) GROUP BY 1, 2
"""
_LONGEST_FIRST: Final = tuple(reversed(PERIODS))


def first_exits(cursor: psycopg.Cursor[Any], seen: Mapping[int, int]) -> dict[int, datetime]:
    """When the first trade was closed after the event that each account is counted up to; absent where none was."""
    rows = cursor.execute(_FIRST_EXIT_SQL, [list(seen), list(seen.values())], prepare=True)
    return dict(rows.fetchall())


def days_count(cursor: psycopg.Cursor[Any], calendar: Calendar, since: Mapping[int, datetime]) -> None:
    """Counts the days of these accounts anew, from the one that each one's instant belongs to; `EVER` for all of them."""
    if not since:
        return
    days = {account_id: calendar.day_of(at) for account_id, at in since.items()}
    begins = [calendar.beginning_of(day) or EVER for day in days.values()]
    with pipelined():
        cursor.execute(_FORGET_SQL, [list(days), _first_days(calendar, days.values())], prepare=True)
        psycopg.Cursor(cursor.connection).execute(
            _COUNT_SQL,
            {
                "ids": list(days),
                "since": begins,
                "days": list(calendar.days),
                "ends": list(calendar.ends),
                "last": len(calendar.days),
            },
            prepare=True,
        )


def trade_sums(cursor: psycopg.Cursor[Any], ids: Sequence[int], today: date) -> dict[int, dict[Period, TradeSums]]:
    """The sums of every period by account, of the accounts that closed a trade."""
    begins = [period.begins(today) for period in _LONGEST_FIRST]
    edges = [begin + ONE_DAY for begin in begins if begin is not None]
    parts: dict[int, dict[int, TradeSums]] = {}
    for account_id, place, *sums in cursor.execute(_SUMS_SQL, [edges, list(ids)], prepare=True).fetchall():
        parts.setdefault(account_id, {})[place] = TradeSums(*sums)
    found = {}
    for account_id, places in parts.items():
        total, periods = NO_TRADES, {}
        for place in range(len(edges), -1, -1):
            total += places.get(place, NO_TRADES)
            periods[_LONGEST_FIRST[place]] = total
        found[account_id] = periods
    return found


def _first_days(calendar: Calendar, days: Any) -> list[date]:
    """The first day holds everything earlier, so what is older goes with it."""
    return [date.min if day == calendar.days[0] else day for day in days]
