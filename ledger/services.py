"""Writes of the ledger that are not trades: opening its accounts."""

from django.db import connection

from accounts.models import TradingAccount
from ledger.models import LedgerAccount, LedgerKind

_HOUSE_KINDS = (LedgerKind.TRADING, LedgerKind.REVENUE, LedgerKind.CLEARING)


def accounts_open(*, account: TradingAccount) -> None:
    """Opens the ledger account of a new trading account (same id), and the house's in that currency where missing."""
    LedgerAccount.objects.create(
        id=account.id, tenant_id=account.tenant_id, kind=LedgerKind.CUSTOMER, currency=account.currency
    )
    with connection.cursor() as cursor:
        for kind in _HOUSE_KINDS:
            # One sequence for both keeps a customer's ledger account and its trading account under one id.
            cursor.execute(
                "INSERT INTO ledger_ledgeraccount (id, tenant_id, kind, currency)"
                " SELECT nextval('accounts_tradingaccount_id_seq'), %s, %s, %s WHERE NOT EXISTS"
                " (SELECT 1 FROM ledger_ledgeraccount WHERE tenant_id = %s AND kind = %s AND currency = %s)"
                " ON CONFLICT DO NOTHING",
                [account.tenant_id, kind, account.currency, account.tenant_id, kind, account.currency],
            )
