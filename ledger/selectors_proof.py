"""The proof of the ledger: that money neither appears nor vanishes, and that what accounts show was booked."""

from typing import Final

from accounts.proof import Finding, findings_of
from infra.tenancy import tenant_scope
from ledger import ports

_ENTRIES = """
SELECT t.id, t.currency, t.batch, t.debit_id AS account, -t.amount AS amount FROM ledger_transfer t
UNION ALL
SELECT t.id, t.currency, t.batch, t.credit_id, t.amount FROM ledger_transfer t
"""

PROOFS: Final[dict[str, str]] = {
    "a transfer's amount must be above zero": "SELECT id AS transfer, amount FROM ledger_transfer WHERE amount <= 0",
    "a transfer must have two different accounts": (
        "SELECT id AS transfer, debit_id AS account FROM ledger_transfer WHERE debit_id = credit_id"
    ),
    "both accounts of a transfer must exist, in its currency": f"""
        SELECT e.id AS transfer, e.account, e.currency, coalesce(a.currency, 'missing') AS account_currency
        FROM ({_ENTRIES}) e LEFT JOIN ledger_ledgeraccount a ON a.id = e.account
        WHERE a.id IS NULL OR a.currency <> e.currency ORDER BY e.id
    """,
    "the accounts of a currency and batch must add up to zero": f"""
        SELECT a.currency, e.batch, sum(e.amount) AS rest
        FROM ({_ENTRIES}) e JOIN ledger_ledgeraccount a ON a.id = e.account
        GROUP BY a.currency, e.batch HAVING sum(e.amount) <> 0 ORDER BY a.currency
    """,
    "a transfer must name the one customer's account that it touches": """
        SELECT t.id AS transfer, t.account_id AS named, d.id AS debit, c.id AS credit
        FROM ledger_transfer t
        LEFT JOIN ledger_ledgeraccount d ON d.id = t.debit_id AND d.kind = 'CUSTOMER'
        LEFT JOIN ledger_ledgeraccount c ON c.id = t.credit_id AND c.kind = 'CUSTOMER'
        WHERE (d.id IS NOT NULL AND c.id IS NOT NULL) OR coalesce(d.id, c.id) IS DISTINCT FROM t.account_id ORDER BY t.id
    """,
    "a trading account must have its ledger account, in its currency": """
        SELECT t.login, t.currency, coalesce(l.currency, 'missing') AS ledger_currency
        FROM accounts_tradingaccount t
        LEFT JOIN ledger_ledgeraccount l ON l.id = t.id AND l.kind = 'CUSTOMER'
        WHERE l.id IS NULL OR l.currency <> t.currency ORDER BY t.login
    """,
    "a customer's ledger account must belong to a trading account": """
        SELECT l.id AS account FROM ledger_ledgeraccount l LEFT JOIN accounts_tradingaccount t ON t.id = l.id
        WHERE (l.kind = 'CUSTOMER') <> (t.id IS NOT NULL) ORDER BY l.id
    """,
    "an account's balance must be the sum of its transfers": f"""
        SELECT t.login, t.balance, coalesce(sum(e.amount), 0) AS booked
        FROM accounts_tradingaccount t LEFT JOIN ({_ENTRIES}) e ON e.account = t.id
        GROUP BY t.id HAVING t.balance <> coalesce(sum(e.amount), 0) ORDER BY t.login
    """,
}


def ledger_prove(tenant_id: int) -> list[Finding]:
    """What is wrong with a tenant's ledger, or with records of higher layers that contradict it; nothing when all is
    well."""
    with tenant_scope(tenant_id):
        found = findings_of(PROOFS)
        for prover in ports.provers:
            found += prover()
    return found
