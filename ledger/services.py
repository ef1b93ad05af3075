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
    for kind in _HOUSE_KINDS:
        house_account_open(tenant_id=account.tenant_id, kind=kind, currency=account.currency)


def house_account_open(*, tenant_id: int, kind: LedgerKind, currency: str) -> None:
    """Opens an account of the house where it is missing."""
    with connection.cursor() as cursor:
        # One sequence for both keeps a customer's ledger account and its trading account under one id.
        cursor.execute(
            "INSERT INTO ledger_ledgeraccount (id, tenant_id, kind, currency)"
            " SELECT nextval('accounts_tradingaccount_id_seq'), %s, %s, %s WHERE NOT EXISTS"
            " (SELECT 1 FROM ledger_ledgeraccount WHERE tenant_id = %s AND kind = %s AND currency = %s)"
            " ON CONFLICT DO NOTHING",
            [tenant_id, kind, currency, tenant_id, kind, currency],
        )
