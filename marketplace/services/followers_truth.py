"""Counts what masters' followers really had and won, a closed trading day at a time, and shows it with masters' figures.

A day of all masters of a tenant is one statement over rows that never change any more: account events between two
snapshots, copy orders of the day. Nothing of it is in anybody's way; whatever is killed or repeated comes to the same.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import psycopg
from django.db.models import Max

from core.days import ONE_DAY
from core.rounding import plain
from infra.bulk import hot_cursor, update_rows
from infra.tenancy import tenant_scope
from marketplace.domain.followers_truth import FollowedDay, truth_of
from marketplace.domain.periods import PERIODS
from marketplace.models import FollowersDay, FollowersReach, MasterStats, StatsCursor
from trading.domain.values import QuoteNow
from trading.models import DailyQuote, DayEnd
from trading.services.desk import desk_open

DAYS_AT_ONCE: Final = 30
"""Days of one tenant that are counted before others get their turn."""
MASTERS_AT_ONCE: Final = 250

_CURRENCIES_SQL = b"""
SELECT DISTINCT f.currency, l.currency FROM copytrade_copysubscription s
JOIN accounts_tradingaccount f ON f.id = s.follower_id JOIN accounts_tradingaccount l ON l.id = s.leader_id
WHERE s.master_id IS NOT NULL AND s.created_at < %s
"""
# followed: who followed at any time of the day or still held copies from before, with the snapshots around the day.
# booked: what each event of their tickets did to the balance. rewarded: what they paid the master, or got back.
# missed: the leader's results of trades without a copy.
_COUNT_SQL = b"""
WITH rates AS MATERIALIZED (
  SELECT * FROM unnest(%(sources)s::text[], %(targets)s::text[], %(rates)s::numeric[]) AS r (source, target, rate)
), followed AS MATERIALIZED (
  SELECT s.id, s.tenant_id, s.master_id, s.leader_id, s.follower_id, s.volume_mode, s.risk_multiplier, s.fixed_volume,
         s.reverse_direction, s.created_at, s.ended_at, s.ended_at IS NULL OR s.ended_at > %(begin)s AS living,
         g.commission_per_lot, r.rate, b.equity AS equity_before, b.balance AS balance_before, b.event_seq AS seq_before,
         n.balance AS balance_after, n.event_seq AS seq_after
  FROM copytrade_copysubscription s
  JOIN copytrade_copymaster m ON m.id = s.master_id
  JOIN accounts_tradingaccount f ON f.id = s.follower_id AND f.customer_id <> m.customer_id
  JOIN accounts_accountgroup g ON g.id = f.group_id
  JOIN accounts_tradingaccount l ON l.id = s.leader_id
  JOIN rates r ON r.source = f.currency AND r.target = l.currency
  JOIN trading_equitysnapshot n ON n.account_id = s.follower_id AND n.day = %(day)s
  CROSS JOIN LATERAL (SELECT equity, balance, event_seq FROM trading_equitysnapshot
                      WHERE account_id = s.follower_id AND day < %(day)s ORDER BY day DESC LIMIT 1) b
  WHERE s.created_at < %(end)s
), accounts AS (
  SELECT DISTINCT follower_id, seq_before, seq_after, balance_after FROM followed
), happened AS (
  SELECT e.account_id, e.trade_id, e.kind, abs(e.volume_after - e.volume_before) AS lots,
         coalesce(lead(e.balance) OVER (PARTITION BY e.account_id ORDER BY e.seq), a.balance_after) - e.balance AS booked
  FROM accounts a
  JOIN trading_accountevent e ON e.account_id = a.follower_id AND e.seq > a.seq_before AND e.seq <= a.seq_after
), copied AS (
  SELECT f.id, sum(h.booked) AS result,
         sum(h.lots * f.commission_per_lot) FILTER (WHERE h.kind IN ('OPEN', 'INCREASE', 'REDUCE', 'CLOSE')) AS fees
  FROM happened h JOIN followed f ON f.follower_id = h.account_id
  WHERE EXISTS (SELECT 1 FROM copytrade_tradelink k WHERE k.follower_id = h.account_id
                AND k.follower_trade_id = h.trade_id AND k.subscription_id = f.id)
  GROUP BY f.id
), slipped AS (
  SELECT f.id, sum(o.slippage_money) AS slippage
  FROM followed f JOIN copytrade_copyorder o ON o.follower_id = f.follower_id AND o.subscription_id = f.id
       AND o.decided_at >= %(begin)s AND o.decided_at < %(end)s
  WHERE o.slippage_money IS NOT NULL GROUP BY f.id
), rewarded AS (
  SELECT f.id, -sum(t.profit) AS fees
  FROM followed f JOIN trading_trade t ON t.account_id = f.follower_id AND t.reason = 100
       AND t.open_at >= %(begin)s AND t.open_at < %(end)s
  WHERE (nullif(t.api_data, '')::jsonb ->> 'subscription_id')::bigint = f.id GROUP BY f.id
), leaders AS (
  SELECT l.leader_id, b.equity AS equity, b.balance AS balance, b.event_seq AS seq_before, n.event_seq AS seq_after,
         n.balance AS balance_after
  FROM (SELECT DISTINCT leader_id FROM followed) l
  JOIN trading_equitysnapshot n ON n.account_id = l.leader_id AND n.day = %(day)s
  CROSS JOIN LATERAL (SELECT equity, balance, event_seq FROM trading_equitysnapshot
                      WHERE account_id = l.leader_id AND day < %(day)s ORDER BY day DESC LIMIT 1) b
), earned AS (
  SELECT e.account_id, e.trade_id, e.kind, e.volume_before, l.equity, l.balance,
         coalesce(lead(e.balance) OVER (PARTITION BY e.account_id ORDER BY e.seq), l.balance_after) - e.balance AS booked
  FROM leaders l
  JOIN trading_accountevent e ON e.account_id = l.leader_id AND e.seq > l.seq_before AND e.seq <= l.seq_after
), missed AS (
  SELECT f.id, sum(e.booked * CASE WHEN f.reverse_direction THEN -1 ELSE 1 END * CASE f.volume_mode
           WHEN 0 THEN f.fixed_volume / e.volume_before
           WHEN 1 THEN f.risk_multiplier
           WHEN 2 THEN f.risk_multiplier * f.equity_before * f.rate / nullif(e.equity, 0)
           ELSE f.risk_multiplier * f.balance_before * f.rate / nullif(e.balance, 0) END) AS skipped
  FROM earned e JOIN trading_trade t ON t.id = e.trade_id
  JOIN followed f ON f.leader_id = e.account_id AND f.living AND t.open_at >= f.created_at
       AND (f.ended_at IS NULL OR t.open_at < f.ended_at)
  WHERE e.kind IN ('REDUCE', 'CLOSE') AND NOT EXISTS (
    SELECT 1 FROM copytrade_tradelink k WHERE k.leader_trade_id = e.trade_id AND k.subscription_id = f.id)
  GROUP BY f.id
)
INSERT INTO marketplace_followersday (tenant_id, master_id, day, followers, capital, result, slippage, fees, skipped)
SELECT f.tenant_id, f.master_id, %(day)s, count(*) FILTER (WHERE f.living),
       coalesce(sum(f.equity_before * f.rate) FILTER (WHERE f.living), 0),
       sum((coalesce(c.result, 0) - coalesce(r.fees, 0)) * f.rate),
       coalesce(sum(s.slippage * f.rate), 0), sum((coalesce(c.fees, 0) + coalesce(r.fees, 0)) * f.rate),
       coalesce(sum(m.skipped), 0)
FROM followed f LEFT JOIN copied c ON c.id = f.id LEFT JOIN slipped s ON s.id = f.id LEFT JOIN missed m ON m.id = f.id
LEFT JOIN rewarded r ON r.id = f.id
WHERE f.living OR c.id IS NOT NULL OR r.id IS NOT NULL
GROUP BY f.tenant_id, f.master_id
ON CONFLICT (master_id, day) DO UPDATE SET followers = excluded.followers, capital = excluded.capital,
  result = excluded.result, slippage = excluded.slippage, fees = excluded.fees, skipped = excluded.skipped
"""
_COLUMNS: Final = (
    "followers_return", "followers_gap", "gap_slippage", "gap_fees", "gap_skipped", "gap_other",
)  # fmt: skip


def followers_truth_refresh(*, tenant_id: int, at: datetime) -> int:
    """Counts closed days of the tenant's followers that are not counted yet, the oldest first, up to `DAYS_AT_ONCE`; once
    all are, masters' figures show them. Gives the number of days that were counted. Idempotent.

    Figures are shown only when the masters' own of that day are there, so that both sides of the gap are of one day.
    """
    counted = 0
    while counted < DAYS_AT_ONCE and _next_day(tenant_id):
        counted += 1
    with tenant_scope(tenant_id):
        reach = _reach(hot_cursor(), tenant_id)
        last = DayEnd.objects.filter(finished_at__isnull=False).aggregate(last=Max("day"))["last"]
        if reach is None or reach.counted is None or reach.counted != last or reach.shown == last:
            return counted
        if StatsCursor.objects.filter(living=True).exclude(day__gte=last).exists():
            return counted
        _show(last)
        FollowersReach.objects.filter(pk=reach.pk).update(shown=last)
    return counted


def _reach(cursor: psycopg.Cursor[Any], tenant_id: int) -> FollowersReach | None:
    """The tenant's reach, locked; None while somebody else has it."""
    cursor.execute(
        b"INSERT INTO marketplace_followersreach (tenant_id) VALUES (%s) ON CONFLICT (tenant_id) DO NOTHING",
        [tenant_id],
    )
    found: FollowersReach | None = (
        FollowersReach.objects.select_for_update(no_key=True, skip_locked=True).filter(tenant_id=tenant_id).first()
    )
    return found


def _next_day(tenant_id: int) -> bool:
    """Counts the next closed day; False when there is none, or somebody else is counting."""
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        reach = _reach(cursor, tenant_id)
        if reach is None:
            return False
        ended = DayEnd.objects.filter(finished_at__isnull=False).order_by("day")
        if reach.counted is not None:
            ended = ended.filter(day__gt=reach.counted)
        day = ended.first()
        if day is None:
            return False
        before = DayEnd.objects.filter(day__lt=day.day).order_by("-day").values_list("boundary_at", flat=True).first()
        _count(cursor, day.day, before or day.boundary_at - ONE_DAY, day.boundary_at)
        FollowersReach.objects.filter(pk=reach.pk).update(counted=day.day)
    return True


def _count(cursor: psycopg.Cursor[Any], day: date, begin: datetime, end: datetime) -> None:
    pairs = cursor.execute(_CURRENCIES_SQL, [end]).fetchall()
    quotes = DailyQuote.objects.filter(day=day).values_list("instrument_id", "bid", "ask", "at")
    market = desk_open(cursor, [], lock=False).market.quoted(
        {number: QuoteNow(plain(bid), plain(ask), made) for number, bid, ask, made in quotes}
    )
    rated = [(source, target, rate) for source, target in pairs if (rate := market.rate(source, target)) is not None]
    columns = list(zip(*rated, strict=True)) or [(), (), ()]
    values = dict(zip(("sources", "targets", "rates"), map(list, columns), strict=True))
    cursor.execute(_COUNT_SQL, {**values, "day": day, "begin": begin, "end": end})


def _show(last: date) -> None:
    """Writes what the closed days come to into the figures of every master and period where it differs."""
    ids = sorted(set(FollowersDay.objects.order_by().values_list("master_id", flat=True).distinct()))
    for first in range(0, len(ids), MASTERS_AT_ONCE):
        masters = ids[first : first + MASTERS_AT_ONCE]
        days: dict[int, list[tuple[date, FollowedDay]]] = {}
        rows = FollowersDay.objects.filter(master_id__in=masters, day__lte=last).order_by("day")
        for master_id, day, *figures in rows.values_list(
            "master_id", "day", "capital", "result", "slippage", "fees", "skipped"
        ):
            days.setdefault(master_id, []).append((day, FollowedDay(*figures)))
        stats = MasterStats.objects.filter(master_id__in=masters).values_list(
            "pk", "master_id", "period", "twr", *_COLUMNS
        )
        update_rows(hot_cursor(), MasterStats, _COLUMNS, list(_changed(stats, days, last)))


def _changed(
    stats: Iterable[tuple[Any, ...]], days: dict[int, list[tuple[date, FollowedDay]]], last: date
) -> Iterable[tuple[Any, ...]]:
    begins = {period.value: period.begins(last + ONE_DAY) for period in PERIODS}
    for number, master_id, period, twr, *known in stats:
        first = begins[period]
        truth = truth_of((day for at, day in days.get(master_id, []) if first is None or at > first), twr)
        found: list[Decimal | None] = [
            truth.followers_return, truth.gap, truth.slippage, truth.fees, truth.skipped, truth.other,
        ]  # fmt: skip
        if found != known:
            yield (number, *found)
