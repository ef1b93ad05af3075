"""Deposits and withdrawals."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import forbidden, invalid
from core.money import round_money
from core.states import Origin
from infra.bulk import hot_cursor
from infra.push import publish_on_commit
from trading.domain.execution import balance_change
from trading.domain.values import Journal, Refused
from trading.refusals import sentence
from trading.services.book import book_write
from trading.services.desk import desk_open
from trading.services.snapshots import first_snapshot_write


def balance_operate(
    *, account_id: int, amount: Decimal, at: datetime, comment: str = "", origin: Origin = Origin.DEALER
) -> int:
    """Pays `amount` of account currency in (> 0) or out (< 0) and returns the order number of the operation.

    Raises 403 RET_TRADE_NO_MONEY when a withdrawal would go beyond the free margin, 400 INVALID_DATA for zero or for more
    digits than the currency has.
    """
    cursor = hot_cursor()
    desk = desk_open(cursor, [account_id])
    account = desk.accounts.get(account_id)
    if account is None:
        raise forbidden("PERMISSION_DENIED", _("This account does not exist."))
    if not amount or round_money(amount, account.currency) != amount:
        raise invalid("amount", _("must be an amount of the account's currency other than zero"))
    journal = Journal()
    reason = "DEPOSIT" if amount > 0 else "WITHDRAWAL"
    outcome = balance_change(journal, desk.market, account, amount, reason, comment, at, origin)
    if isinstance(outcome, Refused):
        raise forbidden(outcome.code, sentence(outcome.code))
    publish_on_commit(book_write(cursor, journal, desk.market))
    if amount > 0:
        first_snapshot_write(cursor, account, at)
    assert outcome.id is not None
    return outcome.id
