"""How many follow a master, and what they have. Accounts of the master's own customer count nowhere (D26)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from core.rounding import ZERO
from trading.domain.values import Market
from trading.services.margin import position_prices

# What an account has is its balance, its credit and what its positions would bring, those that can be priced.
_FOLLOWING_SQL = b"""
WITH v AS MATERIALIZED (
  SELECT * FROM unnest(%(ids)s::bigint[], %(currencies)s::text[], %(bids)s::numeric[], %(asks)s::numeric[],
                       %(points)s::numeric[]) AS v (instrument_id, currency, bid, ask, point)
)
SELECT s.master_id, a.currency, count(*), sum(a.balance + a.credit + coalesce(p.floating, 0))
FROM copytrade_copysubscription s
JOIN copytrade_copymaster m ON m.id = s.master_id
JOIN accounts_tradingaccount a ON a.id = s.follower_id AND a.customer_id <> m.customer_id
LEFT JOIN LATERAL (
  SELECT sum(t.storage + v.point * t.volume
             * CASE WHEN t.cmd = 0 THEN v.bid - t.open_price ELSE t.open_price - v.ask END) AS floating
  FROM trading_trade t JOIN v ON v.instrument_id = t.instrument_id AND v.currency = a.currency
  WHERE t.account_id = a.id AND t.state = 0 AND t.cmd IN (0, 1)
) p ON true
WHERE s.master_id = ANY(%(masters)s::bigint[]) AND s.ended_at IS NULL
GROUP BY 1, 2
"""
_PRICES = ("ids", "currencies", "bids", "asks", "points")


@dataclass(slots=True)
class Following:
    """The number of living subscriptions to a master, and their accounts' equity in the master's currency."""

    number: int = 0
    assets: Decimal = ZERO


def followings(cursor: psycopg.Cursor[Any], masters: Mapping[int, str], market: Market) -> dict[int, Following]:
    """Who follows these masters (id -> account currency); absent without followers.

    Accounts in a currency that cannot be converted are counted, and their equity is left out.
    """
    found: dict[int, Following] = {}
    if not masters:
        return found
    values = dict(zip(_PRICES, position_prices(cursor), strict=False))
    for master_id, currency, number, equity in cursor.execute(
        _FOLLOWING_SQL, {**values, "masters": list(masters)}, prepare=True
    ).fetchall():
        following = found.setdefault(master_id, Following())
        following.number += number
        following.assets += equity * (market.rate(currency, masters[master_id]) or ZERO)
    return found
