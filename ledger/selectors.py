"""Reads of the ledger."""

from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from core.rounding import ZERO
from ledger.models import LedgerAccount, Transfer

_house_accounts: dict[tuple[int, str, str], int] = {}


def house_account_id(tenant_id: int, kind: str, currency: str) -> int:
    """The ledger account of the house for a kind and currency; it exists since the first account in that currency.

    Remembered in the process, but only once the transaction that saw it has committed: it may be the one that made it.
    """
    key = (tenant_id, kind, currency)
    known = _house_accounts.get(key)
    if known is None:
        known = LedgerAccount.objects.values_list("id", flat=True).get(kind=kind, currency=currency)
        number = known
        transaction.on_commit(lambda: _house_accounts.__setitem__(key, number))
    return known


def house_accounts_forget() -> None:
    """Forgets what is remembered: for processes that outlive a database."""
    _house_accounts.clear()


def ledger_balance(ledger_account_id: int) -> Decimal:
    """Credits minus debits of one ledger account, in its currency."""
    total = Transfer.objects.filter(Q(debit_id=ledger_account_id) | Q(credit_id=ledger_account_id)).aggregate(
        credits=Sum("amount", filter=Q(credit_id=ledger_account_id)),
        debits=Sum("amount", filter=Q(debit_id=ledger_account_id)),
    )
    return (total["credits"] or ZERO) - (total["debits"] or ZERO)
