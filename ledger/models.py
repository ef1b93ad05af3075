"""Double entry: every movement of money is one row that debits one account and credits another."""

from django.db import models
from django.db.models import F, Q

from accounts.models import TradingAccount
from infra.fields import ExactDecimalField, NextTicket
from infra.tenancy import TenantModel


class LedgerKind(models.TextChoices):
    """Whose money an account of the ledger holds."""

    CUSTOMER = "CUSTOMER"  # a trading account; its ledger account has the trading account's id
    TRADING = "TRADING"  # the house's trading result
    REVENUE = "REVENUE"  # commissions and storage earned
    CLEARING = "CLEARING"  # deposits and withdrawals under way outside
    FX = "FX"  # the bridge between currencies


class TransferReason(models.TextChoices):
    """Why money moved."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    TRADE_PROFIT = "TRADE_PROFIT"
    COMMISSION = "COMMISSION"
    STORAGE = "STORAGE"
    COPY_REWARD = "COPY_REWARD"


class LedgerAccount(TenantModel):
    """One account of the ledger, in one currency.

    A customer's ledger account carries the id of its trading account, and the others draw from the same sequence, so the
    copy path needs no look-up to book a trade.
    """

    id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=16, choices=LedgerKind.choices)
    currency = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "kind", "currency"],
                condition=~Q(kind=LedgerKind.CUSTOMER),
                name="house_ledger_account_once",
            )
        ]


class Transfer(TenantModel):
    """One movement: `amount` leaves `debit_id` and reaches `credit_id`. Append-only: the application may not change it.

    The id comes from the ticket sequence because a balance operation's id is the order number that people see.
    `account` is the customer's account it touches (at most one); `reference` the trade that caused it.
    """

    id = models.BigIntegerField(primary_key=True, db_default=NextTicket())
    debit_id = models.BigIntegerField()
    credit_id = models.BigIntegerField()
    amount = ExactDecimalField()
    currency = models.CharField(max_length=8)
    reason = models.CharField(max_length=16, choices=TransferReason.choices)
    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False
    )
    reference = models.BigIntegerField(null=True)
    batch = models.BigIntegerField(null=True)
    comment = models.CharField(max_length=255, blank=True, default="")
    booked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "booked_at"], name="transfer_of_account")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit_id=F("credit_id")), name="transfer_between_two"),
        ]
