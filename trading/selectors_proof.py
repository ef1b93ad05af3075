"""Proofs about trades: that records say what was booked, and that references without foreign keys lead somewhere."""

from typing import Final

from accounts.proof import Finding, findings_of, proved

_BALANCE_OPERATIONS = "(6, 8)"
_SIGNED = "CASE WHEN m.credit_id = m.account_id THEN m.amount ELSE -m.amount END"

BOOKED: Final[dict[str, str]] = {
    "a transfer must refer to a record of its account": """
        SELECT m.id AS transfer, m.reason, m.reference FROM ledger_transfer m
        LEFT JOIN trading_trade t ON t.id = m.reference AND t.account_id = m.account_id
        WHERE CASE WHEN m.reason IN ('TRADE_PROFIT', 'COMMISSION', 'STORAGE') THEN t.id IS NULL
                   ELSE m.reference IS NOT NULL AND t.id IS NULL END
        ORDER BY m.id
    """,
    "a record's profit must be what was booked for it": f"""
        SELECT t.id AS record, t.profit, coalesce(sum({_SIGNED}), 0) AS booked
        FROM trading_trade t
        LEFT JOIN ledger_transfer m ON m.reference = t.id AND m.account_id = t.account_id AND m.reason = 'TRADE_PROFIT'
        WHERE t.cmd NOT IN {_BALANCE_OPERATIONS}
        GROUP BY t.id HAVING t.profit <> coalesce(sum({_SIGNED}), 0) ORDER BY t.id
    """,
    "a closed record's storage must be what was booked for it": f"""
        SELECT t.id AS record, t.storage, coalesce(sum({_SIGNED}), 0) AS booked
        FROM trading_trade t
        LEFT JOIN ledger_transfer m ON m.reference = t.id AND m.account_id = t.account_id AND m.reason = 'STORAGE'
        WHERE t.cmd NOT IN {_BALANCE_OPERATIONS} AND t.state IN (3, 4)
        GROUP BY t.id HAVING t.storage <> coalesce(sum({_SIGNED}), 0) ORDER BY t.id
    """,
    # A part that is split off takes its share of the commission along that was booked for the whole ticket.
    "the commission of a ticket and its parts must be what was booked for them": f"""
        SELECT r.root AS ticket, r.commission, coalesce(b.booked, 0) AS booked
        FROM (SELECT coalesce(parent_id, id) AS root, sum(commission) AS commission FROM trading_trade
              WHERE cmd NOT IN {_BALANCE_OPERATIONS} GROUP BY 1) r
        LEFT JOIN (SELECT coalesce(t.parent_id, t.id) AS root, sum({_SIGNED}) AS booked
                   FROM ledger_transfer m JOIN trading_trade t ON t.id = m.reference AND t.account_id = m.account_id
                   WHERE m.reason = 'COMMISSION' GROUP BY 1) b ON b.root = r.root
        WHERE r.commission <> coalesce(b.booked, 0) ORDER BY r.root
    """,
    "a balance operation must be one transfer with its number and amount": f"""
        SELECT coalesce(t.id, m.id) AS record, t.profit, {_SIGNED} AS booked
        FROM (SELECT * FROM trading_trade WHERE cmd IN {_BALANCE_OPERATIONS}) t
        FULL JOIN (SELECT * FROM ledger_transfer
                   WHERE account_id IS NOT NULL AND reason NOT IN ('TRADE_PROFIT', 'COMMISSION', 'STORAGE')) m
          ON m.id = t.id AND m.account_id = t.account_id
        WHERE t.id IS NULL OR m.id IS NULL OR t.profit <> {_SIGNED} ORDER BY 1
    """,
}
"""What the ledger's own proof asks of trades."""

REFERENCES: Final[dict[str, str]] = {
    **{
        f"{what} must belong to an account of the tenant": f"""
            SELECT x.id AS {name}, x.account_id AS account
            FROM {table} x LEFT JOIN accounts_tradingaccount a ON a.id = x.account_id WHERE a.id IS NULL ORDER BY x.id
        """
        for what, name, table in (
            ("a record", "record", "trading_trade"),
            ("an order", "number", "trading_order"),
            ("an event", "event", "trading_accountevent"),
            ("a night's storage", "charge", "trading_storagecharge"),
            ("a snapshot", "snapshot", "trading_equitysnapshot"),
        )
    },
    **{
        f"{what} must name an instrument of the tenant": f"""
            SELECT x.id AS {name}, x.instrument_id AS instrument
            FROM {table} x LEFT JOIN trading_instrument i ON i.id = x.instrument_id
            WHERE i.id IS NULL AND (x.instrument_id IS NOT NULL OR {needed}) ORDER BY x.id
        """
        for what, name, table, needed in (
            ("a market record", "record", "trading_trade", f"x.cmd NOT IN {_BALANCE_OPERATIONS}"),
            ("a filled order", "number", "trading_order", "x.status = 'FILLED'"),
            ("a trade's event", "event", "trading_accountevent", "x.kind <> 'BALANCE'"),
        )
    },
    "a filled order must name a record of its account": """
        SELECT o.id AS number, o.trade_id AS record FROM trading_order o
        LEFT JOIN trading_trade t ON t.id = o.trade_id AND t.account_id = o.account_id
        WHERE t.id IS NULL AND (o.trade_id IS NOT NULL OR o.status = 'FILLED') ORDER BY o.id
    """,
    "a trade's event must name a record of its account": """
        SELECT e.id AS event, e.kind, e.trade_id AS record FROM trading_accountevent e
        LEFT JOIN trading_trade t ON t.id = e.trade_id AND t.account_id = e.account_id
        WHERE t.id IS NULL AND (e.trade_id IS NOT NULL OR e.kind <> 'BALANCE') ORDER BY e.id
    """,
    "an event must name an order of its account": """
        SELECT e.id AS event, e.order_id AS number FROM trading_accountevent e
        LEFT JOIN trading_order o ON o.id = e.order_id AND o.account_id = e.account_id
        WHERE e.order_id IS NOT NULL AND o.id IS NULL ORDER BY e.id
    """,
    "a night's storage must name a record of its account": """
        SELECT c.id AS charge, c.trade_id AS record FROM trading_storagecharge c
        LEFT JOIN trading_trade t ON t.id = c.trade_id AND t.account_id = c.account_id
        WHERE t.id IS NULL ORDER BY c.id
    """,
    # A part that is split off takes its share of the storage along.
    "the storage of a ticket and its parts must be what its nights added": f"""
        SELECT r.root AS ticket, r.storage, coalesce(c.added, 0) AS added
        FROM (SELECT coalesce(parent_id, id) AS root, sum(storage) AS storage FROM trading_trade
              WHERE cmd NOT IN {_BALANCE_OPERATIONS} GROUP BY 1) r
        LEFT JOIN (SELECT trade_id AS root, sum(amount) AS added FROM trading_storagecharge GROUP BY 1) c
          ON c.root = r.root
        WHERE r.storage <> coalesce(c.added, 0) ORDER BY r.root
    """,
    "a part must name the ticket that it was split off": """
        SELECT t.id AS record, t.parent_id AS ticket FROM trading_trade t
        LEFT JOIN trading_trade p ON p.id = t.parent_id AND p.account_id = t.account_id
        WHERE t.parent_id IS NOT NULL AND p.id IS NULL ORDER BY t.id
    """,
    "an account's events must be numbered without gaps up to its counter": """
        SELECT a.login, a.event_seq, count(e.id) AS events, min(e.seq) AS first, max(e.seq) AS last
        FROM accounts_tradingaccount a LEFT JOIN trading_accountevent e ON e.account_id = a.id
        GROUP BY a.id
        HAVING count(e.id) <> a.event_seq OR coalesce(min(e.seq), 1) <> 1 OR coalesce(max(e.seq), 0) <> a.event_seq
        ORDER BY a.login
    """,
    "a record must have the volume that its last event left": """
        SELECT t.id AS record, t.state, t.volume, e.volume_after
        FROM trading_trade t
        JOIN LATERAL (SELECT volume_after FROM trading_accountevent e
                      WHERE e.account_id = t.account_id AND e.trade_id = t.id ORDER BY e.seq DESC LIMIT 1) e ON true
        WHERE e.volume_after <> CASE WHEN t.state = 0 THEN t.volume ELSE 0 END ORDER BY t.id
    """,
    "a netting account must have one position in an instrument at the most": """
        SELECT a.login, t.symbol, count(*) AS positions
        FROM trading_trade t
        JOIN accounts_tradingaccount a ON a.id = t.account_id
        JOIN accounts_accountgroup g ON g.id = a.group_id AND g.position_mode = 'NETTING'
        WHERE t.state = 0 AND t.cmd IN (0, 1) GROUP BY a.login, t.symbol, t.instrument_id HAVING count(*) > 1 ORDER BY a.login
    """,
}


def records_prove() -> list[Finding]:
    """Whether records say what was booked; a prover of the ledger, inside the tenant's scope."""
    return findings_of(BOOKED)


def trades_prove(tenant_id: int) -> list[Finding]:
    """What is wrong with the references and counters of a tenant's orders, trades and events."""
    return proved(tenant_id, REFERENCES)
