"""Hears from copying who may be found and who follows whom, inside the transactions that decide it."""

from collections.abc import Collection
from typing import Final

from infra.bulk import hot_cursor
from marketplace.domain.periods import PERIODS

# A new master is in every ranking at once, uncounted as it is.
_LIST_SQL: Final = b"""
INSERT INTO marketplace_masterstats (tenant_id, master_id, period, listed, pnl, equity_end, trades, profit_trades,
                                     loss_trades, followers, aum, weekly_trades, days)
SELECT m.tenant_id, m.id, p.period, l.listed, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM copytrade_copymaster m
CROSS JOIN unnest(%s::text[]) AS p (period)
CROSS JOIN LATERAL (
  SELECT m.ended_at IS NULL AND m.enabled AND m.status = 'ACTIVE' AND m.visibility = 'public' AS listed
) l
WHERE m.id = ANY(%s::bigint[])
ON CONFLICT (master_id, period) DO UPDATE SET listed = excluded.listed
WHERE marketplace_masterstats.listed <> excluded.listed
"""
_NOTE_SQL: Final = b"""
INSERT INTO marketplace_statschange (tenant_id, account_id)
SELECT tenant_id, account_id FROM copytrade_copymaster WHERE id = ANY(%s::bigint[])
"""


def profiles_listed(master_ids: Collection[int]) -> None:
    """A port of copying: these profiles were made, changed or ended; lists them, or no longer, and has them counted."""
    cursor = hot_cursor()
    cursor.execute(_LIST_SQL, [[period.value for period in PERIODS], list(master_ids)], prepare=True)
    cursor.execute(_NOTE_SQL, [list(master_ids)], prepare=True)


def following_noted(master_ids: Collection[int]) -> None:
    """A port of copying: somebody began or ceased to follow these masters; has their followers counted soon."""
    hot_cursor().execute(_NOTE_SQL, [list(master_ids)], prepare=True)
