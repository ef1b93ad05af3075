"""Payments between customers' accounts: two balance operations and what the house does in between, booked together.

    counter = counter_open(account_ids)
    paid = counter.pay(Payment(...), at=at)
    counter.write(at=at)

A transfer touches one customer's account at the most, so the money passes through an account of the house: CLEARING, or
the FX accounts of both currencies when they differ. What rounding leaves stays in FX.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from core.rounding import ZERO, stored
from infra.bulk import hot_cursor, update_rows
from infra.push import publish_on_commit
from ledger.models import LedgerKind, Transfer
from ledger.selectors import house_account_id
from ledger.services import house_account_open
from trading.domain.execution import balance_change
from trading.domain.values import AccountState, Journal, Movement, Refused
from trading.models import Trade
from trading.services.book import book_write, tickets
from trading.services.desk import Desk, accounts_lock, desk_read
from trading.services.snapshots import first_snapshot_write


@dataclass(frozen=True, slots=True)
class Payment:
    """`taken` leaves the payer in its currency, `given` reaches the payee in its own. `share` goes to the house's revenue in
    `share_currency`, or comes from there when negative. `api_data` is kept on both records."""

    payer_id: int
    payee_id: int
    taken: Decimal
    given: Decimal
    share: Decimal
    share_currency: str
    reason: str
    comment: str
    api_data: str


@dataclass(slots=True)
class Paid:
    """Both balance operations; they and the transfer of the share have their numbers once the counter has written."""

    taken: Movement
    given: Movement
    payment: Payment
    share_order: int | None = None


@dataclass(slots=True)
class Counter:
    """The locked accounts at which payments are made."""

    cursor: psycopg.Cursor[Any]
    desk: Desk
    journal: Journal = field(default_factory=Journal)
    paid: list[Paid] = field(default_factory=list)
    fresh: set[int] = field(default_factory=set)

    def account(self, number: int) -> AccountState:
        return self.desk.accounts[number]

    def rate(self, source: str, target: str) -> Decimal | None:
        """Units of `target` for one of `source` now, as it is stored; None when no quoted pair leads there."""
        rate = self.desk.market.rate(source, target)
        return None if rate is None else stored(rate)

    def pay(self, payment: Payment, *, at: datetime) -> Paid | Refused:
        """Makes a payment; refused, with nothing changed, when the payer's free margin is not enough."""
        payer, payee = self.account(payment.payer_id), self.account(payment.payee_id)
        taken = self._operate(payer, -payment.taken, payment, at)
        if isinstance(taken, Refused):
            return taken
        given = self._operate(payee, payment.given, payment, at)
        assert not isinstance(given, Refused), "money in is never refused"
        taken.house = given.house = self._house(payer, payee)
        made = Paid(taken, given, payment)
        self.paid.append(made)
        return made

    def write(self, *, at: datetime) -> None:
        """Books everything that was paid; the terminals' frames go out with the commit."""
        if not self.paid:
            return
        for house, currency in sorted({(m.house, m.account.currency) for m in self.journal.movements}):
            house_account_open(tenant_id=self._tenant_id, kind=LedgerKind(house), currency=currency)
        publish_on_commit(book_write(self.cursor, self.journal, self.desk.market))
        records = [(m.id, paid.payment.api_data) for paid in self.paid for m in (paid.taken, paid.given)]
        update_rows(self.cursor, Trade, ("api_data",), records)
        self._shares_write(at)
        for payee in {paid.payment.payee_id for paid in self.paid} & self.fresh:
            first_snapshot_write(self.cursor, self.account(payee), at)

    @property
    def _tenant_id(self) -> int:
        return self.paid[0].taken.account.tenant_id

    def _operate(self, account: AccountState, amount: Decimal, payment: Payment, at: datetime) -> Movement | Refused:
        if not account.event_seq:
            self.fresh.add(account.id)
        return balance_change(self.journal, self.desk.market, account, amount, payment.reason, payment.comment, at)

    def _house(self, payer: AccountState, payee: AccountState) -> str:
        return LedgerKind.CLEARING if payer.currency == payee.currency else LedgerKind.FX

    def _shares_write(self, at: datetime) -> None:
        """One transfer for each share, between the house's account that the payment passed through and its revenue."""
        shared = [paid for paid in self.paid if paid.payment.share]
        rows = []
        for paid, number in zip(shared, tickets.take(self.cursor, len(shared)), strict=True):
            payment, paid.share_order = paid.payment, number
            passed = house_account_id(self._tenant_id, paid.taken.house, payment.share_currency)
            revenue = house_account_id(self._tenant_id, LedgerKind.REVENUE, payment.share_currency)
            debit, credit = (passed, revenue) if payment.share > ZERO else (revenue, passed)
            rows.append(
                Transfer(
                    id=number,
                    tenant_id=self._tenant_id,
                    debit_id=debit,
                    credit_id=credit,
                    amount=abs(payment.share),
                    currency=payment.share_currency,
                    reason=payment.reason,
                    batch=paid.taken.id,
                    comment=payment.comment,
                    booked_at=at,
                )
            )
        Transfer.objects.bulk_create(rows)


def counter_open(account_ids: Collection[int]) -> Counter:
    """Locks the accounts in one statement by ascending id and reads what payments need."""
    cursor = hot_cursor()
    rows = accounts_lock(cursor, sorted(set(account_ids)))
    return Counter(cursor, desk_read(cursor, rows, (), pending=()))
