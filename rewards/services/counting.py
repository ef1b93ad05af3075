"""Counts closed copies: every closed record of a follower that a copy of the pair had opened, once.

Events of an account are numbered in the order in which they are committed, so a pair's cursor (`counted_seq`) misses
none, and the constraint on (pair, record) refuses one twice.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

# since: from when records may be new. A record's copies are found over its ticket; those that were untracked before it was
# closed have no part in it. On a netting account the ticket may have been added to by hand: then only a share of it is
# copied, that of the lots that copying opened.
_COUNT_SQL = b"""
WITH behind AS (
  SELECT g.id, g.tenant_id, g.leader_id, g.follower_id, g.begun_at, r.position_mode = 'NETTING' AS netting,
         (SELECT min(e.at) FROM trading_accountevent e
          WHERE e.account_id = g.follower_id AND e.seq > g.counted_seq AND e.seq <= b.seq
            AND e.kind IN ('REDUCE', 'CLOSE')) AS since
  FROM unnest(%s::bigint[], %s::bigint[]) AS b (id, seq)
  JOIN rewards_rewardagreement g ON g.id = b.id
  JOIN rewards_termsversion v ON v.id = g.terms_id AND v.reward_type IN (1, 2, 3)
  JOIN accounts_tradingaccount a ON a.id = g.follower_id
  JOIN accounts_accountgroup r ON r.id = a.group_id
), closed AS (
  SELECT b.*, t.id AS record, coalesce(t.parent_id, t.id) AS ticket, t.volume, t.close_at,
         t.profit + t.commission + t.storage AS net
  FROM behind b
  JOIN trading_trade t ON t.account_id = b.follower_id AND t.close_at >= b.since AND t.state IN (3, 4) AND t.cmd IN (0, 1)
), shared AS (
  SELECT c.*, k.subscription_id, CASE WHEN c.netting THEN least(1, round(k.opened / (
           SELECT sum(o.volume) FROM trading_trade o
           WHERE o.account_id = c.follower_id AND (o.id = c.ticket OR o.parent_id = c.ticket)), 10)) ELSE 1 END AS share
  FROM closed c CROSS JOIN LATERAL (
    SELECT max(l.subscription_id) AS subscription_id, sum(l.opened_volume) AS opened
    FROM (SELECT * FROM copytrade_tradelink
          WHERE follower_id = c.follower_id AND follower_trade_id = c.ticket AND state = 0
          UNION ALL
          SELECT * FROM copytrade_tradelink
          WHERE follower_id = c.follower_id AND follower_trade_id = c.ticket AND state <> 0) l
    JOIN copytrade_copysubscription s ON s.id = l.subscription_id AND s.master_id IS NOT NULL
         AND s.created_at >= c.begun_at
    WHERE l.leader_id = c.leader_id AND (l.state <> 2 OR c.close_at <= l.updated_at)
  ) k
  WHERE k.opened > 0
)
INSERT INTO rewards_rewardtrade (tenant_id, agreement_id, subscription_id, record, closed_at, share, lots, net)
SELECT tenant_id, id, subscription_id, record, close_at, share, round(volume * share, 10), round(net * share, 10)
FROM shared ON CONFLICT DO NOTHING
"""


def copies_count(cursor: psycopg.Cursor[Any], upto: Mapping[int, int]) -> int:
    """Counts what these pairs (id -> number of the follower's last event to be looked at) closed since they were counted
    last, where their terms look at closed copies; gives how many records that were. The caller holds the pairs' rows."""
    return cursor.execute(_COUNT_SQL, [list(upto), list(upto.values())], prepare=True).rowcount
