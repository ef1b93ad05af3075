"""Proofs about copies: that links own what followers hold and no more, and that references lead somewhere."""

from typing import Final

from accounts.proof import Finding, proved

PROOFS: Final[dict[str, str]] = {
    "a link must name its leader's record": """
        SELECT l.id AS link, l.leader_trade_id AS record FROM copytrade_tradelink l
        LEFT JOIN trading_trade t ON t.id = l.leader_trade_id AND t.account_id = l.leader_id
        WHERE t.id IS NULL ORDER BY l.id
    """,
    "a link must name its follower's record, of its contract and side": """
        SELECT l.id AS link, l.follower_trade_id AS record, l.symbol, l.side FROM copytrade_tradelink l
        LEFT JOIN trading_trade t ON t.id = l.follower_trade_id AND t.account_id = l.follower_id
        WHERE t.id IS NULL OR t.instrument_id <> l.instrument_id
           OR t.cmd % 2 <> CASE l.side WHEN 'BUY' THEN 0 ELSE 1 END OR (l.state = 0 AND l.resting <> (t.cmd > 1))
        ORDER BY l.id
    """,
    "a link must belong to a subscription of its two accounts": """
        SELECT l.id AS link, l.subscription_id AS subscription FROM copytrade_tradelink l
        LEFT JOIN copytrade_copysubscription s
          ON s.id = l.subscription_id AND s.leader_id = l.leader_id AND s.follower_id = l.follower_id
        WHERE s.id IS NULL ORDER BY l.id
    """,
    "active links must not own more than their ticket holds": """
        SELECT l.follower_trade_id AS record, sum(l.volume) AS owned,
               coalesce(max(t.volume) FILTER (WHERE t.state = 0), 0) AS held
        FROM copytrade_tradelink l LEFT JOIN trading_trade t ON t.id = l.follower_trade_id
        WHERE l.state = 0 GROUP BY l.follower_trade_id
        HAVING sum(l.volume) > coalesce(max(t.volume) FILTER (WHERE t.state = 0), 0) ORDER BY 1
    """,
    "an active link must own something": """
        SELECT id AS link, follower_trade_id AS record FROM copytrade_tradelink
        WHERE state = 0 AND volume <= 0 ORDER BY id
    """,
    "a copy order must belong to a subscription of its two accounts": """
        SELECT c.id AS copy_order, c.subscription_id AS subscription FROM copytrade_copyorder c
        LEFT JOIN copytrade_copysubscription s
          ON s.id = c.subscription_id AND s.leader_id = c.leader_id AND s.follower_id = c.follower_id
        WHERE s.id IS NULL ORDER BY c.id
    """,
    "a copy order must name the event that it answers": """
        SELECT c.id AS copy_order, c.source_id AS event FROM copytrade_copyorder c
        LEFT JOIN trading_accountevent e ON e.id = c.source_id AND e.account_id = c.leader_id
        WHERE c.source_kind = 'E' AND e.id IS NULL ORDER BY c.id
    """,
    "a copy order must name records of its accounts": """
        SELECT c.id AS copy_order, c.leader_trade_id AS leader_record, c.follower_trade_id AS follower_record
        FROM copytrade_copyorder c
        LEFT JOIN trading_trade l ON l.id = c.leader_trade_id AND l.account_id = c.leader_id
        LEFT JOIN trading_trade f ON f.id = c.follower_trade_id AND f.account_id = c.follower_id
        WHERE (c.leader_trade_id IS NOT NULL AND l.id IS NULL) OR (c.follower_trade_id IS NOT NULL AND f.id IS NULL)
           OR (c.status = 'FILLED' AND c.follower_trade_id IS NULL)
        ORDER BY c.id
    """,
    "a shard must not be ahead of its leader": """
        SELECT a.login, s.number AS shard, s.cursor, a.event_seq
        FROM copytrade_leadershard s JOIN accounts_tradingaccount a ON a.id = s.leader_id
        WHERE s.cursor > a.event_seq ORDER BY a.login
    """,
    # It may be behind: an account that led, rested and leads again has its head moved by its next event.
    "an inbox head must not be ahead of its leader": """
        SELECT a.login, h.head_seq, a.event_seq
        FROM accounts_tradingaccount a JOIN copytrade_inboxhead h ON h.leader_id = a.id
        WHERE h.head_seq > a.event_seq ORDER BY a.login
    """,
}


def copies_prove(tenant_id: int) -> list[Finding]:
    """What is wrong with a tenant's links, copy orders and cursors."""
    return proved(tenant_id, PROOFS)
