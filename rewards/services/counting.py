"""Counts closed copies: every closed record of a follower that a copy of the pair had opened, once.

Events of an account are numbered in the order in which they are committed, so a pair's cursor (`counted_seq`) misses
none, and the constraint on (pair, record) refuses one twice.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

# since: from when records may be new. A record's copies are found over its ticket; those that were untracked before it was
# closed have no part in it. On a netting account the ticket may have been added to by hand: then a record counts for as
# many lots as the links lost since they were counted last, what the copy engine closed before what anybody else did.
# Each step is held apart from the next one: planned together, they took minutes for four hundred pairs.
_COUNT_SQL = b"""
WITH behind AS MATERIALIZED (
  SELECT g.id, g.tenant_id, g.leader_id, g.follower_id, g.begun_at, g.counted_seq, b.seq, r.position_mode = 'NETTING' AS netting,
         (SELECT min(e.at) FROM trading_accountevent e
          WHERE e.account_id = g.follower_id AND e.seq > g.counted_seq AND e.seq <= b.seq
            AND e.kind IN ('REDUCE', 'CLOSE')) AS since
  FROM unnest(%s::bigint[], %s::bigint[]) AS b (id, seq)
  JOIN rewards_rewardagreement g ON g.id = b.id
  JOIN rewards_termsversion v ON v.id = g.terms_id AND v.reward_type IN (1, 2, 3)
  JOIN accounts_tradingaccount a ON a.id = g.follower_id
  JOIN accounts_accountgroup r ON r.id = a.group_id
), closed AS MATERIALIZED (
  SELECT b.*, t.*
  FROM behind b CROSS JOIN LATERAL (
    SELECT id AS record, coalesce(parent_id, id) AS ticket, volume, close_at, profit + commission + storage AS net
    FROM trading_trade
    WHERE account_id = b.follower_id AND close_at >= b.since AND state IN (3, 4) AND cmd IN (0, 1) OFFSET 0) t
  WHERE NOT EXISTS (SELECT 1 FROM rewards_rewardtrade w WHERE w.agreement_id = b.id AND w.record = t.record)
), linked AS (
  SELECT c.*, k.subscription_id, k.lost, c.netting AND EXISTS (
           SELECT 1 FROM trading_accountevent e
           WHERE e.account_id = c.follower_id AND e.seq > c.counted_seq AND e.seq <= c.seq AND e.trade_id = c.ticket
             AND e.at = c.close_at AND e.origin = 'COPY') AS by_copy,
         CASE WHEN c.netting THEN (
           SELECT coalesce(sum(w.lots), 0) FROM rewards_rewardtrade w
           WHERE w.agreement_id = c.id
             AND (SELECT coalesce(o.parent_id, o.id) FROM trading_trade o WHERE o.id = w.record) = c.ticket) END AS counted
  FROM closed c CROSS JOIN LATERAL (
    SELECT max(l.subscription_id) AS subscription_id, sum(l.opened_volume - l.volume) AS lost
    FROM (SELECT * FROM copytrade_tradelink
          WHERE follower_id = c.follower_id AND follower_trade_id = c.ticket AND state = 0
          UNION ALL
          SELECT * FROM copytrade_tradelink
          WHERE follower_id = c.follower_id AND follower_trade_id = c.ticket AND state <> 0) l
    WHERE l.leader_id = c.leader_id AND (l.state <> 2 OR c.close_at <= l.updated_at)
      AND (SELECT s.master_id IS NOT NULL AND s.created_at >= c.begun_at FROM copytrade_copysubscription s
           WHERE s.id = l.subscription_id)
  ) k
  WHERE k.subscription_id IS NOT NULL
), shared AS (
  SELECT l.*, CASE WHEN NOT netting THEN 1 ELSE round(least(volume, greatest(0, lost - counted - coalesce(
           sum(volume) OVER (PARTITION BY id, ticket ORDER BY by_copy DESC, close_at, record
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) / volume, 10) END AS share
  FROM linked l
)
INSERT INTO rewards_rewardtrade (tenant_id, agreement_id, subscription_id, record, closed_at, share, lots, net)
SELECT tenant_id, id, subscription_id, record, close_at, share, round(volume * share, 10), round(net * share, 10)
FROM shared ON CONFLICT DO NOTHING
"""


def copies_count(cursor: psycopg.Cursor[Any], upto: Mapping[int, int]) -> int:
    """Counts what these pairs (id -> number of the follower's last event to be looked at) closed since they were counted
    last, where their terms look at closed copies; gives how many records that were. The caller holds the pairs' rows."""
    return cursor.execute(_COUNT_SQL, [list(upto), list(upto.values())], prepare=True).rowcount
