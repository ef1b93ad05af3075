"""A master's profile: begun on a customer's REAL account, changed by its owner, judged by staff, ended, never deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from accounts.selectors import account_named, product_config
from copytrade.models import (
    CopyMaster,
    CopySubscription,
    MasterChangeKind,
    MasterStatus,
    RewardPolicy,
)
from copytrade.services.endings import OpenCopies, copies_treat, subscriptions_end
from copytrade.services.master_life import (
    OWNER_FIELDS,
    change_record,
    master_first_status,
    master_qualify,
    settings_of,
)
from copytrade.services.rewards import reward_policy_build, reward_policy_change, reward_policy_required, terms_of
from copytrade.services.roles import accounts_lock, role_release, role_take
from core.errors import DomainError, Kind, conflict, invalid, not_found
from core.states import AccountMode, CopyRole
from infra.actor import Actor

_LOCK_ATTEMPTS: Final = 5


def master_candidate(*, actor: Actor, login: int) -> TradingAccount:
    """The account that a new master would stand on: the actor's, and REAL.

    400 `ACCOUNT_NOT_FOUND`, 403 `INVALID_ACCOUNT`, 400 `MASTER_ACCOUNT_MUST_BE_REAL`.
    """
    account = account_named(actor, login)
    if account.mode is not AccountMode.REAL:
        raise DomainError(Kind.INVALID, "MASTER_ACCOUNT_MUST_BE_REAL", _("Only a REAL account can be a master's."))
    return account


def master_create(
    *,
    actor: Actor,
    login: int,
    settings: Mapping[str, Any],
    reward_policy: Mapping[str, Any] | None,
    at: datetime,
) -> CopyMaster:
    """A new profile with its terms; its account becomes a leader. PENDING where staff decide about it.

    `settings` has values for `OWNER_FIELDS` (`strategy_name` at least), `reward_policy` the wire's keys, values typed.
    Errors: those of `master_candidate`, 400 `REWARD_POLICY_REQUIRED`, 400 `INVALID_REWARD_POLICY`, 403
    `INVALID_PAYOUT_ACCOUNT`, 403 `CIRCULAR_COPY`, 403 `MASTER_NOT_QUALIFIED`, 409 `RET_DUPLICATE_RECORD`.
    """
    account = master_candidate(actor=actor, login=login)
    if reward_policy is None:
        raise reward_policy_required()
    master = CopyMaster(
        tenant_id=account.tenant_id,
        account=account,
        customer_id=account.customer_id,
        created_at=at,
        updated_at=at,
        **{field: settings[field] for field in OWNER_FIELDS if field in settings},
    )
    policy = reward_policy_build(master=master, account=account, values=reward_policy)
    locked = accounts_lock([account.pk])[account.pk]
    role_take(locked, CopyRole.LEADER)
    config = product_config()
    master_qualify(locked, config, at=at)
    if CopyMaster.objects.filter(account_id=account.pk, ended_at__isnull=True).exists():
        raise conflict("RET_DUPLICATE_RECORD", _("This account has a master profile already."))
    master.status = master_first_status(locked, config)
    _mark_published(master, at)
    master.save(force_insert=True)
    policy.master = master
    policy.save(force_insert=True)
    begun = {**settings_of(master), "status": master.status, "reward_policy": terms_of(policy)}
    change_record(master, MasterChangeKind.CREATED, actor=actor, before={}, after=begun, at=at)
    return master


def master_update(
    *,
    master_id: int,
    settings: Mapping[str, Any],
    reward_policy: Mapping[str, Any] | None,
    at: datetime,
    actor: Actor | None = None,
    open_copies: OpenCopies = OpenCopies.KEEP_EXITS,
) -> CopyMaster:
    """Changes what is given, and nothing else. 404 for a profile that has ended, else the errors of the terms.

    When it is switched off, copies of pending orders are taken back and `open_copies` says what becomes of open ones
    (D20); in any other change that is 400 `INVALID_DATA`.
    """
    rests = settings.get("enabled") is False
    subscriptions = _lock_with_followers(master_id) if rests else []
    master = _living(master_id) if rests else _lock_living(master_id)
    if reward_policy:
        _change_policy(master, reward_policy, actor=actor, at=at)
    before = settings_of(master)
    for field in OWNER_FIELDS:
        if field in settings:
            setattr(master, field, settings[field])
    _rest(subscriptions, open_copies, rests=rests, at=at)
    _mark_published(master, at)
    master.updated_at = at
    master.save(update_fields=[*OWNER_FIELDS, "published_at", "updated_at"])
    change_record(master, MasterChangeKind.SETTINGS, actor=actor, before=before, after=settings_of(master), at=at)
    return master


def master_status_set(
    *,
    actor: Actor,
    master_id: int,
    status: MasterStatus,
    reason: str,
    open_copies: OpenCopies = OpenCopies.KEEP_EXITS,
    expected: MasterStatus | None = None,
    at: datetime,
) -> CopyMaster:
    """Staff's decision about a profile, kept with its reason (D21). Anything but ACTIVE rests copying, as D20 says.

    With `expected`, 409 `ALREADY_DECIDED` when it stands elsewhere by now.

    400 `INVALID_DATA` for PENDING, where a profile only begins, and for `open_copies` beside ACTIVE; 403 `CIRCULAR_COPY`
    when a rejected profile comes back and its account follows by now; 404 for a profile that has ended.
    """
    if status is MasterStatus.PENDING:
        raise invalid("status", _("PENDING is where a profile begins; it cannot be set"))
    subscriptions = _lock_with_followers(master_id)
    master = _living(master_id)
    if expected is not None and master.status != expected:
        raise conflict(
            "ALREADY_DECIDED", _("This was decided already: the master is %(status)s.") % {"status": master.status}
        )
    before = {"status": master.status}
    if master.status == MasterStatus.REJECTED and status is not MasterStatus.REJECTED:
        role_take(master.account, CopyRole.LEADER)
    master.status = status
    _rest(subscriptions, open_copies, rests=status is not MasterStatus.ACTIVE, at=at)
    _mark_published(master, at)
    master.updated_at = at
    master.save(update_fields=["status", "published_at", "updated_at"])
    if status is MasterStatus.REJECTED:
        role_release(master.account_id)
    after = {"status": master.status}
    change_record(master, MasterChangeKind.STATUS, actor=actor, before=before, after=after, reason=reason, at=at)
    return master


def reward_policy_update(
    *, master_id: int, reward_policy: Mapping[str, Any], at: datetime, actor: Actor | None = None
) -> RewardPolicy:
    """Changes the terms of a living profile: they count from the next period on."""
    master = _lock_living(master_id)
    policy = _change_policy(master, reward_policy, actor=actor, at=at)
    CopyMaster.objects.filter(pk=master.pk).update(updated_at=at)
    return policy


def master_end(
    *, master_id: int, open_copies: OpenCopies = OpenCopies.KEEP_EXITS, at: datetime, actor: Actor | None = None
) -> None:
    """Ends a profile and all its subscriptions; their open copies as asked (D20).

    The account stays a leader while open copies follow it. 404 for a profile that has ended.
    """
    subscriptions = _lock_with_followers(master_id)
    master = _living(master_id)
    subscriptions_end(subscriptions, open_copies=open_copies, at=at)
    master.ended_at = master.updated_at = at
    master.save(update_fields=["ended_at", "updated_at"])
    role_release(master.account_id)
    ended = {"ended": True, "subscriptions": len(subscriptions), "open_copies": open_copies.value}
    change_record(master, MasterChangeKind.ENDED, actor=actor, before={}, after=ended, at=at)


def _rest(subscriptions: list[CopySubscription], open_copies: OpenCopies, *, rests: bool, at: datetime) -> None:
    """What resting does to the copies of subscriptions whose followers are locked; nothing while copying goes on."""
    if rests:
        copies_treat([subscription.pk for subscription in subscriptions], open_copies=open_copies, at=at)
    elif open_copies is not OpenCopies.KEEP_EXITS:
        raise invalid("open_copies", _("open copies can only be closed or let go when copying stops"))


def _mark_published(master: CopyMaster, at: datetime) -> None:
    if master.listed and master.published_at is None:
        master.published_at = at


def _lock_with_followers(master_id: int) -> list[CopySubscription]:
    """Locks the leader and every follower of a master in one statement, and gives its living subscriptions.

    Who the followers are can only be known before the lock. One that came in between is found afterwards; then the
    locks are given back with their savepoint and taken again, because nothing may lock accounts twice.
    """
    leader_id = _living(master_id).account_id
    living = CopySubscription.objects.filter(master_id=master_id, ended_at__isnull=True).order_by("pk")
    for _attempt in range(_LOCK_ATTEMPTS):
        expected = set(living.values_list("follower_id", flat=True))
        savepoint = transaction.savepoint()
        accounts_lock({leader_id, *expected})
        subscriptions = list(living.all())  # asked anew, whatever an earlier attempt has read
        if {subscription.follower_id for subscription in subscriptions} <= expected:
            transaction.savepoint_commit(savepoint)
            return subscriptions
        transaction.savepoint_rollback(savepoint)
    raise conflict("CHANGED_MEANWHILE", _("Followers are joining at this moment. Try again."))


def _lock_living(master_id: int) -> CopyMaster:
    """The living profile, under its account's lock."""
    accounts_lock([_living(master_id).account_id])
    return _living(master_id)


def _living(master_id: int) -> CopyMaster:
    master = CopyMaster.objects.select_related("account").filter(pk=master_id, ended_at__isnull=True).first()
    if master is None:
        raise not_found(_("There is no such master."))
    return master


def _change_policy(master: CopyMaster, values: Mapping[str, Any], *, actor: Actor | None, at: datetime) -> RewardPolicy:
    policy: RewardPolicy = RewardPolicy.objects.select_related("payout_account").get(master_id=master.pk)
    before = terms_of(policy)
    reward_policy_change(policy, values, customer_id=master.customer_id)
    policy.save()
    change_record(master, MasterChangeKind.TERMS, actor=actor, before=before, after=terms_of(policy), at=at)
    return policy
