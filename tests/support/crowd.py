"""Many accounts and records at once, made by a few statements: for tests of sizes, where services would take minutes.

What they write is what the services would have written, as far as the books are concerned.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import TradingAccount
from infra.bulk import hot_cursor, insert_rows
from tests.support.world import BIRTH, Person, Place
from trading.models import Instrument, Trade

_RECORD: dict[str, Any] = {
    "cmd": 0,
    "volume": Decimal("0.01"),
    "open_price": Decimal("1.1"),
    "close_price": 0,
    "sl": 0,
    "tp": 0,
    "open_at": BIRTH,
    "expiration_at": None,
    "state": 0,
    "reason": 0,
    "copied": False,
    "profit": 0,
    "commission": 0,
    "storage": 0,
    "comment": "",
}


_ACCOUNTS = """
INSERT INTO accounts_tradingaccount (tenant_id, password, currency, leverage, enabled, balance, credit, event_seq, copy_role,
    manual_trading_mode, opened_at, group_id, customer_id)
SELECT tenant_id, '', currency, leverage, true, %s, 0, %s, 'NONE', 2, opened_at, group_id, customer_id
FROM accounts_tradingaccount, generate_series(1, %s) WHERE id = %s RETURNING id
"""
_LEDGER_ACCOUNTS = """
INSERT INTO ledger_ledgeraccount (id, tenant_id, kind, currency)
SELECT id, tenant_id, 'CUSTOMER', currency FROM accounts_tradingaccount WHERE id = ANY(%s)
"""
_LOGINS = """
INSERT INTO accounts_logindirectory (login, tenant_id)
SELECT login, tenant_id FROM accounts_tradingaccount WHERE id = ANY(%s)
"""
_DEPOSITS = """
INSERT INTO trading_trade (tenant_id, account_id, symbol, digits, cmd, state, reason, copied, volume, open_price, close_price,
    sl, tp, profit, commission, storage, comment, open_at, close_at)
SELECT tenant_id, id, '', 2, 6, 3, 2, false, 0, 0, 0, 0, 0, balance, 0, 0, '', opened_at, opened_at
FROM accounts_tradingaccount WHERE id = ANY(%s)
"""
_TRANSFERS = """
INSERT INTO ledger_transfer (id, tenant_id, debit_id, credit_id, amount, currency, reason, account_id, comment, booked_at)
SELECT t.id, t.tenant_id, h.id, t.account_id, t.profit, h.currency, 'DEPOSIT', t.account_id, '', t.open_at
FROM trading_trade t JOIN accounts_tradingaccount a ON a.id = t.account_id
JOIN ledger_ledgeraccount h ON h.tenant_id = a.tenant_id AND h.kind = 'CLEARING' AND h.currency = a.currency
WHERE t.account_id = ANY(%s) AND t.cmd = 6
"""
_EVENTS = """
INSERT INTO trading_accountevent (tenant_id, account_id, seq, kind, origin, symbol, side, volume_before, volume_after, price,
    bid, ask, sl, tp, equity, balance, at)
SELECT tenant_id, id, 1, 'BALANCE', 'DEALER', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, opened_at
FROM accounts_tradingaccount WHERE id = ANY(%s)
"""


def crowd(
    place: Place, customer: Person, size: int, balance: Decimal | int = 10_000, like: TradingAccount | None = None
) -> list[int]:
    """`size` accounts like the customer's first one (or another), with a deposit of `balance`; gives their ids."""
    pattern = customer.account if like is None else like
    with place.scope(), connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [balance, 1 if balance else 0, size, pattern.pk])
        ids = [row[0] for row in cursor.fetchall()]
        for statement in (_LEDGER_ACCOUNTS, _LOGINS, *((_DEPOSITS, _TRANSFERS, _EVENTS) if balance else ())):
            cursor.execute(statement, [ids])
        return ids


def records(place: Place, symbol: str, accounts: Sequence[int], rows: Sequence[dict[str, Any]]) -> list[int]:
    """A record for each of `rows`, dealt to the accounts in turn; gives their numbers. Open or pending unless written."""
    columns = ("tenant_id", "account_id", "instrument_id", "symbol", "digits", *_RECORD)
    with place.scope():
        instrument = Instrument.objects.get(symbol=symbol)
        fixed = (place.id, instrument.pk, symbol, instrument.digits)
        values = [
            (fixed[0], accounts[number % len(accounts)], *fixed[1:], *(_RECORD | row).values())
            for number, row in enumerate(rows)
        ]
        for start in range(0, len(values), 10_000):
            insert_rows(hot_cursor(), Trade, columns, values[start : start + 10_000])
        found = Trade.objects.filter(account_id__in=accounts, symbol=symbol).order_by("-id")[: len(rows)]
        return sorted(found.values_list("id", flat=True))
