"""Copy groups: a customer's own bundle of one leader and its followers, and what each follower has set."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount, User
from copytrade.domain.groups import GroupCopyMode, GroupPause, GroupStatus, PartialExit, group_status
from copytrade.domain.quarantine import QuarantineRelease
from copytrade.domain.values import Rounding, Sizing
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel


class CopyGroup(TenantModel):
    """One leader, its followers, and the settings that they share. Ended, never deleted.

    `version` rises with every change of the group or of anything below it; copy orders keep the one they were decided by.
    """

    customer = models.ForeignKey(User, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, null=True, related_name="+")
    pause_reason = models.CharField(max_length=16, blank=True, choices=[(p, p) for p in GroupPause], default="")
    copy_mode = models.CharField(max_length=16, choices=[(m, m) for m in GroupCopyMode], default="MULTIPLIER")
    copy_value = ExactDecimalField(default=1)  # a factor for MULTIPLIER, lots for FIXED
    sizing_mode = models.CharField(max_length=16, choices=[(s, s) for s in Sizing], default=Sizing.CONTRACTS.value)
    rounding_mode = models.CharField(
        max_length=32, choices=[(r, r) for r in Rounding], default=Rounding.ENTRY_DOWN_EXIT_UP.value
    )
    auto_variant = models.BooleanField(default=True)
    symbol_quarantine = models.BooleanField(default=True)
    quarantine_after_rejections = models.PositiveSmallIntegerField(default=1)
    quarantine_release = models.CharField(
        max_length=16, choices=[(r.value, r.value) for r in QuarantineRelease], default=QuarantineRelease.MANUAL.value
    )
    partial_exit = models.CharField(max_length=16, choices=[(p, p) for p in PartialExit], default="PROPORTIONAL")
    contract_mappings_enabled = models.BooleanField(default=False)
    reverse = models.BooleanField(default=False)
    copy_sl = models.BooleanField(default=True)
    copy_tp = models.BooleanField(default=True)
    copy_pending_orders = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "name"], condition=Q(ended_at__isnull=True), name="group_name_once"
            ),
            models.CheckConstraint(condition=Q(copy_value__gt=0), name="group_copy_value"),
        ]

    @property
    def status(self) -> GroupStatus:
        """The badge."""
        return group_status(has_leader=self.leader_id is not None, pause=self.pause_reason)


class GroupMember(TenantModel):
    """A follower of a group. An account is in one group at the most (D02). Ended, never deleted.

    It outlives the group's leaders: what is set for contracts stays when another leader comes.
    """

    group = models.ForeignKey(CopyGroup, on_delete=models.PROTECT, related_name="members")
    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    ratio = ExactDecimalField(default=1)
    synced_all = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at__isnull=True), name="group_member_one_living"
            ),
            models.CheckConstraint(condition=Q(ratio__gt=0), name="group_member_ratio"),
        ]


class ContractSetting(TenantModel):
    """What a group's follower has set for one of the leader's contracts (a root stands for all its deliveries)."""

    member = models.ForeignKey(GroupMember, on_delete=models.CASCADE, related_name="contracts")
    symbol = models.CharField(max_length=32)
    ratio = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    synced = models.BooleanField(default=True)
    cross_symbol = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "symbol"], name="contract_setting_once"),
            models.CheckConstraint(condition=Q(ratio__gte=1, ratio__lte=10), name="contract_setting_ratio"),
        ]


class ContractMapping(TenantModel):
    """Which contract stands for one of the leader's: the group's, or one follower's own."""

    group = models.ForeignKey(CopyGroup, on_delete=models.CASCADE, related_name="mappings")
    member = models.ForeignKey(GroupMember, on_delete=models.CASCADE, null=True, related_name="mappings")
    leader_symbol = models.CharField(max_length=32)
    follower_symbol = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "member", "leader_symbol"], nulls_distinct=False, name="contract_mapping_once"
            )
        ]


class GroupChange(TenantModel):
    """What a version of a group changed, by dotted names: told to whoever edits an older one."""

    group = models.ForeignKey(CopyGroup, on_delete=models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField()
    changed = models.TextField()
    user_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "version"], name="group_change_once")]
