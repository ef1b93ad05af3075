"""Tenants, people, sessions, account groups and trading accounts."""

from datetime import date, time

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.days import DayBoundary
from core.states import AccountMode, CopyRole, ManualTradingMode, PositionMode
from infra.fields import ExactDecimalField, NextLogin
from infra.tenancy import TenantModel


class Tenant(models.Model):
    """One operator: a broker, a prop firm, a club. Holds no customer data, so it carries no tenant wall."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    timezone = models.CharField(max_length=64, default="America/New_York")
    day_end = models.TimeField(default=time(17))  # when trading days end, on the clocks of `timezone`
    former_days = models.JSONField(
        default=list, blank=True
    )  # earlier [zone, hour, last day that ended so], oldest first
    live = models.BooleanField(default=True)  # False while a simulated past is written: doorbell and sweep rest
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug

    @property
    def days(self) -> DayBoundary:
        """When the trading days end, or ended."""
        former, until = None, date.min
        for zone, hour, last in self.former_days:
            former = DayBoundary(zone, time.fromisoformat(hour), former, until)
            until = date.fromisoformat(last)
        return DayBoundary(self.timezone, self.day_end, former, until)

    @days.setter
    def days(self, days: DayBoundary) -> None:
        self.timezone, self.day_end = days.zone, days.hour
        self.former_days = []
        while days.former is not None:
            until, days = days.until, days.former
            self.former_days.insert(0, [days.zone, days.hour.isoformat(), until.isoformat()])


class TenantDomain(models.Model):
    """A host name that leads to a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=253, unique=True)


class LoginDirectory(models.Model):
    """Which tenant a login belongs to; sign-in by login needs it before any tenant is known."""

    login = models.BigIntegerField(primary_key=True)
    tenant_id = models.BigIntegerField()


class MasterApproval(models.TextChoices):
    """How a new master's profile becomes active: at once, or when staff say so."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class CopyMeasure(models.TextChoices):
    """What is done where copying stays wrong, besides an alert."""

    ALERT = "ALERT"
    REDUCE = "REDUCE"
    FLATTEN = "FLATTEN"


class ProductConfig(TenantModel):
    """What a tenant has switched on, and its settings for it.

    `copy_default_*` is what a new subscription begins with where it names nothing; `copy_bound_*` is what no subscription
    is looser than (D19). `master_min_*` say who may be a master, the equity in the account's own currency (D21). 0: not
    set. `overleverage_threshold` is the exposure / equity of a follower that counts as critical (D22).
    `copy_failed_exit_action` is taken when an exit is given up (D11), `copy_out_of_sync_action` when copies have
    disagreed with their leader for so many seconds (X11). `reward_share_percent` is the tenant's part of every reward.
    """

    copy_trading = models.BooleanField(default=True)
    bot_trading = models.BooleanField(default=True)
    copy_default_max_positions = models.PositiveIntegerField(default=0)
    copy_default_min_equity = ExactDecimalField(default=0)
    copy_default_slippage_tolerance = ExactDecimalField(default=0)
    copy_default_max_loss = ExactDecimalField(default=0)
    copy_default_max_loss_percent = ExactDecimalField(default=0)
    copy_default_max_drawdown_percent = ExactDecimalField(default=0)
    copy_bound_max_positions = models.PositiveIntegerField(default=0)
    copy_bound_min_equity = ExactDecimalField(default=0)
    copy_bound_slippage_tolerance = ExactDecimalField(default=0)
    copy_bound_max_loss = ExactDecimalField(default=0)
    copy_bound_max_loss_percent = ExactDecimalField(default=0)
    copy_bound_max_drawdown_percent = ExactDecimalField(default=0)
    master_approval = models.CharField(max_length=8, choices=MasterApproval.choices, default=MasterApproval.AUTO)
    master_min_account_days = models.PositiveIntegerField(default=0)
    master_min_closed_trades = models.PositiveIntegerField(default=0)
    master_min_equity = ExactDecimalField(default=0)
    overleverage_threshold = ExactDecimalField(default=10)
    copy_failed_exit_action = models.CharField(max_length=8, choices=CopyMeasure.choices, default=CopyMeasure.ALERT)
    copy_out_of_sync_action = models.CharField(max_length=8, choices=CopyMeasure.choices, default=CopyMeasure.ALERT)
    copy_out_of_sync_seconds = models.PositiveIntegerField(default=60)
    reward_share_percent = ExactDecimalField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id"], name="product_config_one_per_tenant"),
            models.CheckConstraint(condition=Q(overleverage_threshold__gt=0), name="product_config_overleverage"),
            models.CheckConstraint(
                condition=Q(reward_share_percent__gte=0, reward_share_percent__lte=90),
                name="product_config_reward_share",
            ),
        ]


class Role(models.TextChoices):
    """What a person may do; staff roles are session types of the contract."""

    CUSTOMER = "CUSTOMER"
    MANAGER = "MANAGER"
    DEALER = "DEALER"
    ADMIN = "ADMIN"
    CRM_MANAGER = "CRM_MANAGER"
    CRM_ADMIN = "CRM_ADMIN"


class User(TenantModel):
    """A customer or a member of staff; an e-mail address is unique within its tenant."""

    email = models.EmailField(max_length=254)
    full_name = models.CharField(max_length=255, blank=True)
    password = models.CharField(max_length=255)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.CUSTOMER)
    owner = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    timezone = models.CharField(max_length=64, blank=True)  # blank: the browser's
    created_at = models.DateTimeField()
    # The second factor, sealed (`infra.crypto`). Once it is on, `otp_last_step` is the last 30 s step that was used.
    otp_enabled = models.BooleanField(default=False)
    otp_secret = models.CharField(max_length=255, blank=True)
    otp_last_step = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(otp_enabled=False) | ~Q(otp_secret=""), name="user_otp_has_secret"),
            models.UniqueConstraint("tenant_id", Lower("email"), name="user_email_once_per_tenant"),
            models.CheckConstraint(condition=Q(owner=False) | Q(role=Role.ADMIN), name="user_owner_is_admin"),
        ]

    @property
    def is_staff(self) -> bool:
        """Whether this is the tenant's staff rather than a customer."""
        return self.role != Role.CUSTOMER

    def set_password(self, raw: str) -> None:
        self.password = make_password(raw)

    def check_password(self, raw: str) -> bool:
        return check_password(raw, self.password)


class ApiSession(TenantModel):
    """A signed-in person or account. The token names this row; revoking the row ends the token at once."""

    id = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    account = models.ForeignKey("TradingAccount", on_delete=models.CASCADE, null=True)  # SESSION_USER only
    session_type = models.CharField(max_length=24)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user", "expires_at"], name="session_of_user")]


class AccountGroup(TenantModel):
    """The terms that a set of trading accounts shares."""

    name = models.CharField(max_length=100)
    account_mode = models.CharField(max_length=4, choices=[(m, m) for m in AccountMode])
    currency = models.CharField(max_length=8, default="USD")
    leverage = models.PositiveIntegerField(default=100)
    position_mode = models.CharField(max_length=8, choices=[(m, m) for m in PositionMode], default=PositionMode.HEDGING)
    margin_call = ExactDecimalField(default=100)  # margin level in per cent
    stop_out = ExactDecimalField(default=50)  # margin level in per cent
    commission_per_lot = ExactDecimalField(default=0)  # account currency, per lot and side
    public_opening = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="account_group_name_once"),
            models.CheckConstraint(condition=Q(leverage__gte=1), name="account_group_leverage"),
            models.CheckConstraint(condition=Q(commission_per_lot__gte=0), name="account_group_commission"),
        ]


class TradingAccount(TenantModel):
    """A trading account. Its row is the one lock of everything that belongs to it.

    `balance` is the running sum of the account's ledger transfers, in account currency; `event_seq` numbers its account
    events without gaps. Neither these nor `copy_role` are indexed, so that updates stay on the page (heap-only tuples).
    """

    login = models.BigIntegerField(unique=True, db_default=NextLogin())
    customer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    group = models.ForeignKey(AccountGroup, on_delete=models.PROTECT)
    password = models.CharField(max_length=255)
    currency = models.CharField(max_length=8)
    leverage = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    balance = ExactDecimalField(default=0)
    credit = ExactDecimalField(default=0)
    event_seq = models.BigIntegerField(default=0)
    copy_role = models.CharField(max_length=8, choices=[(r, r) for r in CopyRole], default=CopyRole.NONE)
    manual_trading_mode = models.SmallIntegerField(default=ManualTradingMode.ALLOW_ALL)
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["customer", "login"], name="account_of_customer")]
        constraints = [models.CheckConstraint(condition=Q(leverage__gte=1), name="account_leverage")]

    @property
    def mode(self) -> AccountMode:
        """REAL or DEMO, from the group (needs `group` loaded)."""
        return AccountMode(self.group.account_mode)
