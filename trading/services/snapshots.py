"""Equity snapshots: the first one at an account's first deposit, marks of lows and highs while a day runs, and the reads
that the end of a day needs. The end itself is in `day_end`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg

from accounts.models import Tenant
from core.days import ONE_DAY, DayBoundary
from core.rounding import plain
from infra.bulk import hot_cursor, insert_rows
from infra.tenancy import tenant_scope
from trading.domain.snapshots import DayFigures, DayOfEvents, Stand
from trading.domain.values import AccountState
from trading.models import EquitySnapshot
from trading.services.margin import position_prices

_FIRST_SQL = b"""
INSERT INTO trading_equitysnapshot (tenant_id, account_id, day, at, equity, balance, low, high, flow, event_seq)
SELECT %(tenant)s, %(account)s, %(day)s, %(at)s, %(equity)s, %(equity)s, %(equity)s, %(equity)s, %(equity)s, %(seq)s
WHERE NOT EXISTS (SELECT 1 FROM trading_equitysnapshot WHERE account_id = %(account)s)
"""
# One statement, so equity, payments and events are of one moment. What was paid since the last snapshot follows from the
# balances around each payment. Who has no snapshot of the day before is left out: his day has not begun yet. That snapshot
# is looked up account by account, because the planner knows nothing of a day that has just begun.
_MARKS_SQL = b"""
INSERT INTO trading_equitymark AS m (tenant_id, account_id, day, low, high)
SELECT a.tenant_id, a.id, %(day)s, r.result, r.result
FROM (
  SELECT t.account_id, sum(t.storage + v.point * t.volume
           * CASE WHEN t.cmd = 0 THEN v.bid - t.open_price ELSE t.open_price - v.ask END) AS floating
  FROM trading_trade t JOIN accounts_tradingaccount a ON a.id = t.account_id
  LEFT JOIN unnest(%(ids)s::bigint[], %(currencies)s::text[], %(bids)s::numeric[], %(asks)s::numeric[],
                   %(points)s::numeric[]) AS v (instrument_id, currency, bid, ask, point)
         ON v.instrument_id = t.instrument_id AND v.currency = a.currency
  WHERE t.state = 0 AND t.cmd IN (0, 1)
  GROUP BY t.account_id HAVING count(*) = count(v.instrument_id)
) p
JOIN accounts_tradingaccount a ON a.id = p.account_id
CROSS JOIN LATERAL (SELECT event_seq FROM trading_equitysnapshot WHERE account_id = a.id AND day = %(before)s LIMIT 1) s
CROSS JOIN LATERAL (
  SELECT a.balance + a.credit + p.floating - coalesce(sum(coalesce(n.balance, a.balance) - e.balance), 0) AS result
  FROM trading_accountevent e
  LEFT JOIN trading_accountevent n ON n.account_id = e.account_id AND n.seq = e.seq + 1
  WHERE e.account_id = a.id AND e.seq > s.event_seq AND e.kind = 'BALANCE'
) r
ORDER BY a.id
ON CONFLICT (account_id, day) DO UPDATE
SET low = least(m.low, excluded.low), high = greatest(m.high, excluded.high)
WHERE excluded.low < m.low OR excluded.high > m.high
"""
_LAST_SQL = b"""
SELECT a.id, s.day, s.equity, s.event_seq FROM unnest(%s::bigint[]) AS a (id)
CROSS JOIN LATERAL (SELECT day, equity, event_seq FROM trading_equitysnapshot
                    WHERE account_id = a.id AND day < %s ORDER BY day DESC LIMIT 1) s
"""
_MARKED_SQL = b"""
DELETE FROM trading_equitymark WHERE account_id = ANY(%s::bigint[]) AND day <= %s RETURNING account_id, day, low, high
"""
_EVENTS_SQL = b"""
WITH e AS (
  SELECT e.account_id, e.seq, e.at, e.equity, e.balance,
         CASE WHEN e.kind = 'BALANCE' THEN coalesce(lead(e.balance) OVER w, b.balance) - e.balance ELSE 0 END AS paid
  FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) AS b (account_id, seq, balance)
  JOIN trading_accountevent e ON e.account_id = b.account_id AND e.seq > b.seq
  WINDOW w AS (PARTITION BY e.account_id ORDER BY e.seq)
), f AS (
  SELECT e.*, sum(e.paid) OVER (PARTITION BY e.account_id ORDER BY e.seq) - e.paid AS paid_before,
         min(e.seq) FILTER (WHERE e.at >= %s) OVER (PARTITION BY e.account_id) AS seq_after
  FROM e
)
SELECT account_id,
       coalesce(sum(paid) FILTER (WHERE seq_after IS NULL OR seq < seq_after), 0),
       min(equity - paid_before) FILTER (WHERE seq_after IS NULL OR seq < seq_after),
       max(equity - paid_before) FILTER (WHERE seq_after IS NULL OR seq < seq_after),
       min(seq_after), min(equity) FILTER (WHERE seq = seq_after), min(balance) FILTER (WHERE seq = seq_after)
FROM f GROUP BY account_id
"""
_PRICES = ("ids", "currencies", "bids", "asks", "points")
_SNAPSHOT = ("tenant_id", "account_id", "day", "at", "equity", "balance", "low", "high", "flow", "event_seq")


def boundary_of(tenant: Tenant) -> DayBoundary:
    """When the tenant's trading days end."""
    return tenant.days


def first_snapshot_write(cursor: psycopg.Cursor[Any], account: AccountState, at: datetime) -> None:
    """The account as its first deposit left it, as a snapshot of the day before; nothing when there is one already.

    The caller holds the account's lock and has written the deposit.
    """
    day = boundary_of(Tenant.objects.get(pk=account.tenant_id)).ended_before(at)
    values = {"tenant": account.tenant_id, "account": account.id, "day": day, "at": at, "equity": account.balance}
    cursor.execute(_FIRST_SQL, {**values, "seq": account.event_seq}, prepare=True)


def equity_marks_update(*, tenant_id: int, at: datetime) -> None:
    """Lowers and raises the marks of the running day to where the equity of accounts with positions stands now.

    Set-based, about once a minute; whatever happens between is seen by the account's own events, which carry its equity.
    Accounts with a position that cannot be priced are left out.
    """
    with tenant_scope(tenant_id):
        day = boundary_of(Tenant.objects.get(pk=tenant_id)).day_of(at)
        cursor = hot_cursor()
        columns = dict(zip(_PRICES, position_prices(cursor), strict=False))
        cursor.execute(_MARKS_SQL, {**columns, "day": day, "before": day - ONE_DAY}, prepare=True)


def last_stands(cursor: psycopg.Cursor[Any], ids: Sequence[int], day: date) -> dict[int, tuple[date, Stand]]:
    """The last snapshot before the day, of the accounts that have one."""
    rows = cursor.execute(_LAST_SQL, [ids, day], prepare=True)
    return {row[0]: (row[1], Stand(plain(row[2]), row[3])) for row in rows}


def marks_take(cursor: psycopg.Cursor[Any], ids: Sequence[int], day: date) -> dict[int, tuple[Decimal, Decimal]]:
    """The marks of the day, by account. They are deleted, with any older ones."""
    rows = cursor.execute(_MARKED_SQL, [ids, day], prepare=True).fetchall()
    return {row[0]: (row[2], row[3]) for row in rows if row[1] == day}


def days_of_events(
    cursor: psycopg.Cursor[Any], accounts: Sequence[AccountState], stands: Mapping[int, Stand], boundary_at: datetime
) -> dict[int, DayOfEvents]:
    """What the events after each account's stand say of the day that ends at `boundary_at`; absent without any.

    The accounts are as they are now, under their locks.
    """
    columns = [[a.id for a in accounts], [stands[a.id].event_seq for a in accounts], [a.balance for a in accounts]]
    rows = cursor.execute(_EVENTS_SQL, [*columns, boundary_at], prepare=True).fetchall()
    return {row[0]: DayOfEvents(*row[1:]) for row in rows}


def snapshots_write(
    cursor: psycopg.Cursor[Any],
    day: date,
    boundary_at: datetime,
    figures: Sequence[tuple[AccountState, DayFigures, int]],
) -> None:
    """Writes the day's snapshots; the number is that of the last event that belongs to the day."""
    rows = [
        (a.tenant_id, a.id, day, boundary_at, f.equity, f.balance, f.low, f.high, f.flow, seq) for a, f, seq in figures
    ]
    insert_rows(cursor, EquitySnapshot, _SNAPSHOT, rows)
