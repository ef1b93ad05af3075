"""What masters are paid: the terms that were agreed, how far each pair of accounts is settled, and every charge."""

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount
from copytrade.models import CopyMaster, CopySubscription
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel


class TermsVersion(TenantModel):
    """A master's terms as they were from `created_at` until the next version. Written once and never changed, so that
    whatever names a version names frozen terms. Fields as in `copytrade.RewardPolicy`."""

    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, related_name="terms_versions", db_index=False)
    number = models.PositiveIntegerField()
    reward_type = models.SmallIntegerField()
    enabled = models.BooleanField()
    billing_period = models.CharField(max_length=8)
    fee_amount = ExactDecimalField()
    fee_percent = ExactDecimalField()
    currency = models.CharField(max_length=8)
    payout_account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    hwm_enabled = models.BooleanField()
    hwm_convention = models.CharField(max_length=10)
    day_count = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["master", "number"], name="terms_version_once")]


class RewardAgreement(TenantModel):
    """How far a master's account and a follower's account are settled with each other.

    `terms` are in force; `next_terms` wait for the next period, and for the follower's acceptance (`accepted_at`) when
    they are `next_dearer`. The running period is number `period_number` of the pair and ends at `period_to`; dates are
    counted from `anchor_day`, on which period `anchor_number` began. Copies closed by the
    follower's account events up to `counted_seq` are among `trades`.

    Equities of days that ended up to `days_until` are in a running management fee.

    `result`, `paid` and `mark` are those of the performance fee (`copytrade.domain.reward_charges.Marks`) in the
    follower's currency; up to `prepaid_until` a subscription fee has been charged. Both survive the subscription's end
    by 180 days; then the pair is forgotten and a new subscription begins from nothing. `closed_at`: everything of the
    subscription that ended at `ended_at` has been charged.
    """

    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(CopySubscription, on_delete=models.PROTECT, related_name="+")
    terms = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    next_terms = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    next_dearer = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(null=True)
    anchor_day = models.DateField()
    anchor_number = models.PositiveIntegerField(default=1)
    period_number = models.PositiveIntegerField(default=1)
    period_from = models.DateTimeField()
    period_to = models.DateTimeField()
    counted_seq = models.BigIntegerField()
    days_until = models.DateTimeField(null=True)
    result = ExactDecimalField(default=0)
    paid = ExactDecimalField(default=0)
    mark = ExactDecimalField(default=0)
    prepaid_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant_id", "period_to"], name="agreement_period_over", condition=Q(closed_at__isnull=True)
            ),
            models.Index(fields=["subscription"], name="agreement_of_subscription"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["leader", "follower"], condition=Q(forgotten_at__isnull=True), name="agreement_one_per_pair"
            )
        ]


class AccrualState(models.IntegerChoices):
    """How far a charge came. A charge that is settled in one transaction is never seen as settling."""

    ACCRUED = 0
    SETTLING = 1
    SETTLED = 2
    FAILED = 3
    CANCELLED = 4


class RewardAccrual(TenantModel):
    """One charge by frozen terms: of a period, or of the closed copy `source_order`. Docs: docs/algorithms/fees.md.

    `fee_amount` is in `currency`, that of the account that is charged, and follows from `terms`, `base_amount`, `rate`
    (policy's currency -> `currency`) and, for the performance fee, the marks before it (`*_before`). `refund_of` names
    the prepaid charge of which `fee_amount`, negative, is given back: the payout account pays then.

    Settled: `charge_order` took `fee_amount` from the follower, `payout_order` paid `payout_amount` in `payout_currency`
    (at `payout_rate`) to `payout_account`; `share_amount` of the fee went to the tenant by the transfer `share_order`.
    A running period of a management fee has no `next_try_at` yet and grows each day. `tries` counts attempts that failed.
    """

    agreement = models.ForeignKey(RewardAgreement, on_delete=models.PROTECT, related_name="accruals", db_index=False)
    subscription = models.ForeignKey(CopySubscription, on_delete=models.PROTECT, related_name="+")
    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    payout_account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    terms = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    reward_type = models.SmallIntegerField()
    source_order = models.BigIntegerField(null=True)
    refund_of = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="refund")
    period_number = models.PositiveIntegerField(null=True)
    period_from = models.DateTimeField(null=True)
    period_to = models.DateTimeField(null=True)
    base_amount = ExactDecimalField()
    fee_amount = ExactDecimalField()
    currency = models.CharField(max_length=8)
    rate = ExactDecimalField(default=1)
    result_before = ExactDecimalField(null=True)
    paid_before = ExactDecimalField(null=True)
    mark_before = ExactDecimalField(null=True)
    state = models.SmallIntegerField(choices=AccrualState, default=AccrualState.ACCRUED)
    failure_reason = models.CharField(max_length=40, blank=True, default="")
    tries = models.PositiveIntegerField(default=0)
    first_failed_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    charge_order = models.BigIntegerField(null=True)
    payout_order = models.BigIntegerField(null=True)
    payout_amount = ExactDecimalField(null=True)
    payout_currency = models.CharField(max_length=8, blank=True, default="")
    payout_rate = ExactDecimalField(null=True)
    share_order = models.BigIntegerField(null=True)
    share_percent = ExactDecimalField(default=0)
    share_amount = ExactDecimalField(default=0)
    settled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant_id", "next_try_at"],
                name="accrual_due",
                condition=Q(state__in=(0, 3), next_try_at__isnull=False),
            ),
            models.Index(fields=["follower", "-created_at", "-id"], name="accrual_of_follower"),
            models.Index(fields=["leader", "-created_at", "-id"], name="accrual_of_leader"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "source_order"],
                condition=Q(source_order__isnull=False),
                name="accrual_once_per_trade",
            ),
            models.UniqueConstraint(
                fields=["agreement", "period_number"],
                condition=Q(period_number__isnull=False),
                name="accrual_once_per_period",
            ),
            models.CheckConstraint(
                condition=Q(source_order__isnull=False, period_number__isnull=True, refund_of__isnull=True)
                | Q(source_order__isnull=True, period_number__isnull=False, refund_of__isnull=True)
                | Q(source_order__isnull=True, period_number__isnull=True, refund_of__isnull=False),
                name="accrual_of_trade_period_or_refund",
            ),
            models.CheckConstraint(
                condition=Q(fee_amount__gte=0, refund_of__isnull=True) | Q(fee_amount__lt=0, refund_of__isnull=False),
                name="accrual_only_refunds_are_negative",
            ),
            models.CheckConstraint(
                condition=Q(state=AccrualState.SETTLED, charge_order__isnull=False, payout_order__isnull=False)
                | (~Q(state=AccrualState.SETTLED) & Q(charge_order__isnull=True, payout_order__isnull=True)),
                name="accrual_settled_has_its_orders",
            ),
        ]


class RewardTrade(TenantModel):
    """A copy of a pair that was closed, or the part of one: what terms that look at results or lots are charged on.

    `record` is the closed record's order number; `lots` and `net` (profit + commission + storage, in the follower's
    currency) are the `share` of it that was copied: all of it, unless its ticket was added to by hand.
    `counted_at`: it is in `accrual`, or was found to be owed nothing.
    """

    agreement = models.ForeignKey(RewardAgreement, on_delete=models.PROTECT, related_name="trades", db_index=False)
    subscription = models.ForeignKey(CopySubscription, on_delete=models.PROTECT, related_name="+", db_index=False)
    record = models.BigIntegerField()
    closed_at = models.DateTimeField()
    share = ExactDecimalField(default=1)
    lots = ExactDecimalField()
    net = ExactDecimalField()
    counted_at = models.DateTimeField(null=True)
    accrual = models.ForeignKey(RewardAccrual, on_delete=models.PROTECT, related_name="trades", null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["agreement", "closed_at"], name="reward_trade_waiting", condition=Q(counted_at__isnull=True)
            )
        ]
        constraints = [models.UniqueConstraint(fields=["agreement", "record"], name="reward_trade_once")]
