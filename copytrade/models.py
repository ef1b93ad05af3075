"""Masters, followers, subscriptions, and what the copy engine remembers."""

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount, User
from copytrade.models_commands import CopyCommand as CopyCommand
from copytrade.models_commands import FailedExit as FailedExit
from copytrade.models_commands import SyncLight as SyncLight
from copytrade.models_groups import ContractMapping as ContractMapping
from copytrade.models_groups import ContractSetting as ContractSetting
from copytrade.models_groups import CopyGroup as CopyGroup
from copytrade.models_groups import GroupChange as GroupChange
from copytrade.models_groups import GroupMember as GroupMember
from copytrade.models_masters import MasterChange as MasterChange
from copytrade.models_masters import MasterChangeKind as MasterChangeKind
from copytrade.models_rules import EntryRejections as EntryRejections
from copytrade.models_rules import Quarantine as Quarantine
from copytrade.models_rules import SubscriptionMarks as SubscriptionMarks
from core.states import CopyStatus, LinkState, Side
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel


class MasterStatus(models.TextChoices):
    """A master's life (D21)."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    INACTIVE = "INACTIVE"
    REJECTED = "REJECTED"


class Visibility(models.TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


class FollowerModes(models.IntegerChoices):
    """Which followers a master admits."""

    REAL_ONLY = 0
    DEMO_ONLY = 1
    REAL_AND_DEMO = 2


class SubscriptionStatus(models.IntegerChoices):
    ACTIVE = 0
    PAUSED = 1
    DISABLED = 2


class CopyMode(models.IntegerChoices):
    FULL_SYNC = 0
    OPEN_ONLY = 1
    CLOSE_ONLY = 2


class VolumeMode(models.IntegerChoices):
    FIXED = 0
    MULTIPLIER = 1
    EQUITY_RATIO = 2
    BALANCE_RATIO = 3


class SymbolsMode(models.IntegerChoices):
    ALL = 0
    INCLUDE = 1
    EXCLUDE = 2


class CopyMaster(TenantModel):
    """A strategy profile on a REAL trading account. Ended, never deleted.

    `published_at` is when everybody could find it first; None for one that never could be found.
    `bound_*` is what no follower's subscription is looser than (D19); 0: not set.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT)
    customer = models.ForeignKey(User, on_delete=models.PROTECT)
    enabled = models.BooleanField(default=True)  # the owner's switch
    status = models.CharField(max_length=8, choices=MasterStatus.choices, default=MasterStatus.ACTIVE)  # staff's
    strategy_name = models.CharField(max_length=100)
    description = models.CharField(max_length=5000, blank=True)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.PRIVATE)
    allowed_follower_modes = models.SmallIntegerField(choices=FollowerModes.choices, default=FollowerModes.REAL_ONLY)
    show_trade_history = models.BooleanField(default=False)
    show_followers = models.BooleanField(default=False)
    max_followers = models.PositiveIntegerField(default=0)  # 0: no limit
    bound_max_positions = models.PositiveIntegerField(default=0)
    bound_min_equity = ExactDecimalField(default=0)
    bound_slippage_tolerance = ExactDecimalField(default=0)
    bound_max_loss = ExactDecimalField(default=0)
    bound_max_loss_percent = ExactDecimalField(default=0)
    bound_max_drawdown_percent = ExactDecimalField(default=0)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at__isnull=True), name="master_one_living_per_account"
            )
        ]

    @property
    def running(self) -> bool:
        """Whether its trades are copied to new tickets."""
        return self.enabled and self.status == MasterStatus.ACTIVE and self.ended_at is None

    @property
    def listed(self) -> bool:
        """Whether everybody in the tenant can find it."""
        return self.running and self.visibility == Visibility.PUBLIC


class RewardPolicy(TenantModel):
    """The terms a master asks. Part of the profile; the rewards app accrues and settles by them."""

    master = models.OneToOneField(CopyMaster, on_delete=models.CASCADE, related_name="reward_policy")
    reward_type = models.SmallIntegerField()
    enabled = models.BooleanField(default=True)
    billing_period = models.CharField(max_length=8, default="monthly")
    fee_amount = ExactDecimalField(default=0)
    fee_percent = ExactDecimalField(default=0)
    currency = models.CharField(max_length=8)
    payout_account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT)
    hwm_enabled = models.BooleanField(default=True)
    hwm_convention = models.CharField(max_length=10, default="GROSS")
    day_count = models.PositiveSmallIntegerField(default=365)


class CopyFollower(TenantModel):
    """Copy settings of a follower's account. Ended, never deleted."""

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT)
    customer = models.ForeignKey(User, on_delete=models.PROTECT)
    enabled = models.BooleanField(default=True)
    max_master_count = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at__isnull=True), name="follower_one_living_per_account"
            )
        ]


class LeaderShard(TenantModel):
    """Up to 250 subscriptions of one leader with a cursor of their own: the unit of work of the drain (`domain/shards.py`
    deals them).

    `cursor` is the last handled `seq` of the leader's events. It moves in the transaction that writes the copies and
    nowhere else: it is the only progress there is.
    """

    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT)
    number = models.PositiveIntegerField()
    cursor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["leader", "number"], name="shard_number_once")]


class InboxHead(models.Model):
    """The newest event of each leader, readable without a tenant so that the sweep finds what a doorbell missed.

    Ids and counters only; carries no tenant wall.
    """

    leader_id = models.BigIntegerField(primary_key=True)
    tenant_id = models.BigIntegerField()
    head_seq = models.BigIntegerField()


class CopySubscription(TenantModel):
    """One leader account copied to one follower account, because of a master or of a group. Ended, never deleted.

    Of a group's subscription the settings are the group's and the member's; those here stay as they are by default.

    `entries_from_seq`: entries with a smaller leader `seq` are never copied (membership begins here). `version` rises
    with every change and is stored on each copy order, so a decision can be read beside the settings it used.
    """

    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, null=True, related_name="subscriptions")
    group = models.ForeignKey(CopyGroup, on_delete=models.PROTECT, null=True, related_name="subscriptions")
    member = models.ForeignKey(GroupMember, on_delete=models.PROTECT, null=True, related_name="subscriptions")
    shard = models.ForeignKey(LeaderShard, on_delete=models.PROTECT, related_name="subscriptions")
    entries_from_seq = models.BigIntegerField()
    enabled = models.BooleanField(default=True)
    status = models.SmallIntegerField(choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE)
    pause_reason = models.CharField(max_length=16, blank=True, default="")
    copy_mode = models.SmallIntegerField(choices=CopyMode.choices, default=CopyMode.FULL_SYNC)
    volume_mode = models.SmallIntegerField(choices=VolumeMode.choices, default=VolumeMode.MULTIPLIER)
    risk_multiplier = ExactDecimalField(default=1)
    fixed_volume = ExactDecimalField(default=0)  # lots
    copy_sl = models.BooleanField(default=True)
    copy_tp = models.BooleanField(default=True)
    copy_partial_close = models.BooleanField(default=True)
    copy_pending_orders = models.BooleanField(default=False)
    fill_wait_seconds = models.PositiveIntegerField(default=2)
    reverse_direction = models.BooleanField(default=False)
    max_volume = ExactDecimalField(default=0)  # lots, 0: not set
    min_volume = ExactDecimalField(default=0)  # lots, 0: not set
    max_positions = models.PositiveIntegerField(default=0)
    symbols_mode = models.SmallIntegerField(choices=SymbolsMode.choices, default=SymbolsMode.ALL)
    symbols = models.CharField(max_length=2000, blank=True, default="")
    auto_variant = models.BooleanField(default=False)
    min_equity = ExactDecimalField(default=0)
    slippage_tolerance = ExactDecimalField(default=0)  # points of 10^-digits, 0: off
    max_signal_age_seconds = models.PositiveIntegerField(default=30)  # 0: no limit
    max_loss = ExactDecimalField(default=0)
    max_loss_percent = ExactDecimalField(default=0)
    max_drawdown_percent = ExactDecimalField(default=0)
    stop_action = models.SmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["follower"], name="subscription_of_follower"),
            models.Index(fields=["shard"], name="subscription_of_shard"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["leader", "follower"], condition=Q(ended_at__isnull=True), name="subscription_one_living_pair"
            ),
            models.CheckConstraint(
                condition=Q(master__isnull=False, group__isnull=True, member__isnull=True)
                | Q(master__isnull=True, group__isnull=False, member__isnull=False),
                name="subscription_master_or_group",
            ),
        ]


class CopyOrder(TenantModel):
    """What was decided for one subscription about one source, and why. One per (subscription, source) for ever (D10).

    `source_kind` is "E" (leader's account event) or "C" (copy command). `params` holds the values a refusal is told
    with, as JSON text: a JSON column would switch off set-based inserts. Clock marks are null in a simulated past.
    """

    subscription_id = models.BigIntegerField()
    source_kind = models.CharField(max_length=1, default="E")
    source_id = models.BigIntegerField()
    leader = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    follower = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    leader_trade_id = models.BigIntegerField(null=True)
    follower_trade_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=10)
    symbol = models.CharField(max_length=32)
    follower_symbol = models.CharField(max_length=32, blank=True)
    side = models.CharField(max_length=4, choices=[(s, s) for s in Side])
    volume = ExactDecimalField(default=0)
    status = models.CharField(max_length=8, choices=[(s, s) for s in CopyStatus])
    reason = models.CharField(max_length=40, blank=True, default="")
    params = models.TextField(blank=True, default="")
    settings_version = models.PositiveIntegerField()
    place = models.PositiveIntegerField()  # the fair line (X12): the draw that orders the event's followers
    simulated = models.BooleanField(default=False)
    event_at = models.DateTimeField()
    known_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    filled_at = models.DateTimeField(null=True)
    slippage = ExactDecimalField(null=True)  # points of 10^-digits, positive: worse for the follower
    slippage_money = ExactDecimalField(null=True)  # follower's account currency

    class Meta:
        indexes = [
            models.Index(fields=["follower", "-decided_at", "-id"], name="copy_order_of_follower"),
            models.Index(fields=["leader", "-decided_at", "-id"], name="copy_order_of_leader"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscription_id", "source_kind", "source_id"], name="copy_order_once")
        ]


class TradeLink(TenantModel):
    """What one subscription owns of a follower's ticket because of one leader's trade.

    `volume` (lots) is what is owned now; the active links of a ticket never add up to more than the ticket. A `resting`
    link owns a pending record that waits for the leader's order to be filled; `entry_price` is then its price.
    """

    subscription_id = models.BigIntegerField()
    leader = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    follower = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    leader_trade_id = models.BigIntegerField()
    follower_trade_id = models.BigIntegerField()
    instrument_id = models.BigIntegerField()
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4, choices=[(s, s) for s in Side])
    volume = ExactDecimalField()
    opened_volume = ExactDecimalField()
    entry_price = ExactDecimalField()
    commission = ExactDecimalField(default=0)
    realised = ExactDecimalField(default=0)
    state = models.SmallIntegerField(choices=[(s.value, s.name) for s in LinkState], default=LinkState.ACTIVE)
    resting = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["leader_trade_id", "subscription_id"], name="link_of_leader_trade"),
            models.Index(
                fields=["follower", "follower_trade_id"], name="link_active", condition=Q(state=LinkState.ACTIVE)
            ),
            models.Index(  # whose copy a closed record was: rewards and statistics ask
                fields=["follower", "follower_trade_id"], name="link_ended", condition=~Q(state=LinkState.ACTIVE)
            ),
            models.Index(fields=["follower"], name="link_resting", condition=Q(state=LinkState.ACTIVE, resting=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(volume__gte=0), name="link_volume"),
            models.CheckConstraint(condition=Q(volume=0) | Q(state=LinkState.ACTIVE), name="link_ended_owns_nothing"),
        ]
