"""One leader account copied to one follower account: agreed, changed and ended by the follower's owner."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import AccountGroup, ProductConfig, TradingAccount
from accounts.selectors import account_named, product_config
from copytrade.domain.limits import LIMITS
from copytrade.models import (
    CopyFollower,
    CopyMaster,
    CopySubscription,
    FollowerModes,
    MasterStatus,
    SubscriptionStatus,
    Visibility,
    VolumeMode,
)
from copytrade.ports import following_tell
from copytrade.services.commands import existing_ask
from copytrade.services.endings import OpenCopies, copies_treat, subscriptions_end
from copytrade.services.follower_stops import PAUSED_BY_STOP, marks_begin
from copytrade.services.resting import resting_cancel
from copytrade.services.roles import accounts_lock, circular_copy, controller_admit
from copytrade.services.shards import shard_assign
from core.errors import conflict, forbidden, invalid, not_found
from core.states import AccountMode, CopyRole, PositionMode
from infra.actor import Actor

SETTINGS: Final = (
    "enabled", "status", "copy_mode", "volume_mode", "risk_multiplier", "fixed_volume", "copy_sl", "copy_tp",
    "copy_partial_close", "copy_pending_orders", "fill_wait_seconds", "reverse_direction", "max_volume", "min_volume",
    "max_positions", "symbols_mode", "symbols", "auto_variant", "min_equity", "slippage_tolerance",
    "max_signal_age_seconds", "max_loss", "max_loss_percent", "max_drawdown_percent", "stop_action",
)  # fmt: skip
"""What the follower's owner decides; volumes in lots."""

PAUSED_BY_CUSTOMER: Final = "CUSTOMER"
HELD_BY_OTHERS: Final = frozenset({"STAFF", "BREACH"})
"""Pauses that a customer does not lift (D20)."""

_MODES_ADMITTED: Final = {
    FollowerModes.REAL_ONLY: frozenset({AccountMode.REAL}),
    FollowerModes.DEMO_ONLY: frozenset({AccountMode.DEMO}),
    FollowerModes.REAL_AND_DEMO: frozenset(AccountMode),
}


def subscription_create(
    *,
    actor: Actor,
    master_login: int,
    follower_login: int,
    settings: Mapping[str, Any],
    copy_existing_positions: bool = False,
    at: datetime,
) -> CopySubscription:
    """A new subscription: entries are copied from the leader's next event on, with `copy_existing_positions` also what
    the leader holds now.

    `settings` has values for `SETTINGS`, each in its range; a limit that is not named is the tenant's default. Errors:
    400 `INVALID_DATA`, 400 `ACCOUNT_NOT_FOUND`, and in this order the 403s `INVALID_FOLLOWER_ACCOUNT`,
    `MASTER_NOT_FOUND`, `MASTER_NOT_AVAILABLE`, `FOLLOWER_NOT_FOUND`, `FOLLOWER_MODE_NOT_ALLOWED`, `CIRCULAR_COPY`,
    `MAX_MASTERS_REACHED`, `ALREADY_CONTROLLED`, `MASTER_FULL`; a living pair is 409 `RET_DUPLICATE_RECORD`.
    """
    subscription = subscription_draft(settings, product_config())
    subscription.created_at = subscription.updated_at = at
    follower = account_named(actor, follower_login, foreign_code="INVALID_FOLLOWER_ACCOUNT")
    leader_id = _master_of(master_login).account_id
    locked = accounts_lock({leader_id, follower.pk})
    leader, follower = locked[leader_id], locked[follower.pk]
    master = _admit(leader, follower)
    subscription.tenant_id = leader.tenant_id
    subscription.leader = leader
    subscription.follower = follower
    subscription.master = master
    subscription.shard = shard_assign(leader)
    subscription.entries_from_seq = leader.event_seq + 1
    subscription.save(force_insert=True)
    marks_begin(subscription, at=at)
    if copy_existing_positions:
        existing_ask(subscription, at=at)
    following_tell([master.pk])
    return subscription


def subscription_draft(settings: Mapping[str, Any], config: ProductConfig) -> CopySubscription:
    """A subscription that is not stored: its settings checked, a limit that is not named the tenant's default."""
    draft = CopySubscription()
    _apply(draft, {**{name: getattr(config, f"copy_default_{name}") for name in LIMITS}, **settings})
    return draft


def subscription_update(
    *,
    subscription_id: int,
    settings: Mapping[str, Any],
    copy_existing_positions: bool = False,
    open_copies: OpenCopies = OpenCopies.KEEP_EXITS,
    at: datetime,
) -> CopySubscription:
    """Changes what is given; `version` rises when that differs from what was. 404 for one that has ended.

    `open_copies` says what becomes of open copies when this change stops or rests copying. 403 `PERMISSION_DENIED` for
    lifting a pause that is not the customer's to lift.
    """
    subscription = _lock_living(subscription_id)
    before = _settings_of(subscription)
    stopped = subscription.pause_reason == PAUSED_BY_STOP
    _apply(subscription, settings)
    if stopped and subscription.status == SubscriptionStatus.ACTIVE:
        # Measured from where it was, the limit would be reached again at once.
        marks_begin(subscription, at=at)
    if not _rests_pending(subscription):
        resting_cancel([subscription.pk], at=at)
    if open_copies is not OpenCopies.KEEP_EXITS:
        if subscription.enabled and subscription.status == SubscriptionStatus.ACTIVE:
            raise invalid("open_copies", _("open copies can only be closed or let go when copying stops"))
        copies_treat([subscription.pk], open_copies=open_copies, at=at)
    if _settings_of(subscription) != before:
        subscription.version += 1
    subscription.updated_at = at
    subscription.save(update_fields=[*SETTINGS, "pause_reason", "version", "updated_at"])
    if copy_existing_positions:
        existing_ask(subscription, at=at)
    return subscription


def subscription_end(
    *, subscription_id: int, open_copies: OpenCopies = OpenCopies.KEEP_EXITS, at: datetime
) -> CopySubscription:
    """Ends a subscription; its open copies as asked (D20). 404 for one that has ended."""
    subscription = _lock_living(subscription_id)
    subscriptions_end([subscription], open_copies=open_copies, at=at)
    return subscription


def _admit(leader: TradingAccount, follower: TradingAccount) -> CopyMaster:
    """Whether the locked accounts may be joined, by everything that the contract asks, in its order."""
    master = _master_of(leader.login)
    _available(master, follower.customer_id)
    profile = CopyFollower.objects.filter(account_id=follower.pk, ended_at__isnull=True).first()
    if profile is None:
        raise forbidden(
            "FOLLOWER_NOT_FOUND", _("Account %(login)s has no follower profile.") % {"login": follower.login}
        )
    group = AccountGroup.objects.get(pk=follower.group_id)
    if AccountMode(group.account_mode) not in _MODES_ADMITTED[FollowerModes(master.allowed_follower_modes)]:
        message = _("This master does not admit %(mode)s accounts.")
        raise forbidden("FOLLOWER_MODE_NOT_ALLOWED", message % {"mode": group.account_mode})
    if leader.pk == follower.pk or follower.copy_role != CopyRole.FOLLOWER:
        raise circular_copy(follower.login)
    if leader.copy_role != CopyRole.LEADER:
        raise circular_copy(leader.login)
    if CopySubscription.objects.filter(leader=leader, follower=follower, ended_at__isnull=True).exists():
        raise conflict("RET_DUPLICATE_RECORD", _("This account copies this master already."))
    controller_admit(profile, PositionMode(group.position_mode))
    _place_left(master)
    return master


def _master_of(login: int) -> CopyMaster:
    master = CopyMaster.objects.filter(account__login=login, ended_at__isnull=True).first()
    if master is None:
        raise forbidden("MASTER_NOT_FOUND", _("There is no master with the login %(login)s.") % {"login": login})
    return master


def _available(master: CopyMaster, customer_id: int) -> None:
    reachable = master.visibility == Visibility.PUBLIC or master.customer_id == customer_id
    if not (master.enabled and master.status == MasterStatus.ACTIVE and reachable):
        raise forbidden("MASTER_NOT_AVAILABLE", _("This master takes no followers at the moment."))


def _place_left(master: CopyMaster) -> None:
    if not master.max_followers:
        return
    taken = CopySubscription.objects.filter(master_id=master.pk, ended_at__isnull=True).count()
    if taken >= master.max_followers:
        raise forbidden("MASTER_FULL", _("This master has as many followers as it admits."))


def _lock_living(subscription_id: int) -> CopySubscription:
    """The living subscription, under its follower account's lock."""
    accounts_lock([_living(subscription_id).follower_id])
    return _living(subscription_id)


def _living(subscription_id: int) -> CopySubscription:
    subscription = (
        CopySubscription.objects.select_related("leader", "follower", "master")
        .filter(pk=subscription_id, ended_at__isnull=True)
        .first()
    )
    if subscription is None:
        raise not_found(_("There is no such subscription."))
    return subscription


def _apply(subscription: CopySubscription, settings: Mapping[str, Any]) -> None:
    """Takes the settings over, with the pause's reason, and checks what several of them must be together."""
    if "status" in settings:
        _set_status(subscription, SubscriptionStatus(settings["status"]))
    for field in SETTINGS:
        if field in settings and field != "status":
            setattr(subscription, field, settings[field])
    if subscription.volume_mode == VolumeMode.FIXED and subscription.fixed_volume <= 0:
        raise invalid("fixed_volume", _("must be above 0 for volume_mode 0"))
    if subscription.max_volume and subscription.min_volume > subscription.max_volume:
        raise invalid("min_volume", _("must not be above max_volume"))


def _set_status(subscription: CopySubscription, status: SubscriptionStatus) -> None:
    held = subscription.pause_reason in HELD_BY_OTHERS
    if status is SubscriptionStatus.ACTIVE:
        if held:
            raise forbidden("PERMISSION_DENIED", _("This pause was not made by you and cannot be lifted by you."))
        subscription.pause_reason = ""
    elif not held:
        # A pause for another reason stays what it is when the customer pauses too; switching off is no pause.
        if status is SubscriptionStatus.DISABLED:
            subscription.pause_reason = ""
        elif subscription.status != SubscriptionStatus.PAUSED:
            subscription.pause_reason = PAUSED_BY_CUSTOMER
    subscription.status = status


def _rests_pending(subscription: CopySubscription) -> bool:
    """Whether copies of pending orders may wait under these settings."""
    running = subscription.enabled and subscription.status == SubscriptionStatus.ACTIVE
    return running and subscription.copy_pending_orders and not subscription.reverse_direction


def _settings_of(subscription: CopySubscription) -> list[Any]:
    return [getattr(subscription, field) for field in (*SETTINGS, "pause_reason")]
