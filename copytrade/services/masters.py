"""A master's profile: created on a customer's REAL account, changed by its owner, ended and never deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from accounts.selectors import account_named
from copytrade.domain.limits import LIMITS
from copytrade.models import CopyMaster, CopySubscription, RewardPolicy
from copytrade.services.endings import OpenCopies, subscriptions_end
from copytrade.services.rewards import reward_policy_build, reward_policy_change, reward_policy_required
from copytrade.services.roles import accounts_lock, role_release, role_take
from core.errors import DomainError, Kind, conflict, not_found
from core.states import AccountMode, CopyRole
from infra.actor import Actor

OWNER_FIELDS: Final = (
    "enabled", "strategy_name", "description", "visibility", "allowed_follower_modes", "show_trade_history",
    "show_followers", "max_followers", *(f"bound_{name}" for name in LIMITS),
)  # fmt: skip
"""What the owner decides; `status` is the staff's."""

_END_ATTEMPTS: Final = 5


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
    """A new profile with its terms; its account becomes a leader.

    `settings` has values for `OWNER_FIELDS` (`strategy_name` at least), `reward_policy` the wire's keys, values typed.
    Errors: those of `master_candidate`, 400 `REWARD_POLICY_REQUIRED`, 400 `INVALID_REWARD_POLICY`, 403
    `INVALID_PAYOUT_ACCOUNT`, 403 `CIRCULAR_COPY`, 409 `RET_DUPLICATE_RECORD`.
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
    if CopyMaster.objects.filter(account_id=account.pk, ended_at__isnull=True).exists():
        raise conflict("RET_DUPLICATE_RECORD", _("This account has a master profile already."))
    master.save(force_insert=True)
    policy.master = master
    policy.save(force_insert=True)
    return master


def master_update(
    *,
    master_id: int,
    settings: Mapping[str, Any],
    reward_policy: Mapping[str, Any] | None,
    at: datetime,
) -> CopyMaster:
    """Changes what is given, and nothing else. 404 for a profile that has ended, else the errors of the terms."""
    master = _lock_living(master_id)
    if reward_policy:
        _change_policy(master, reward_policy)
    for field in OWNER_FIELDS:
        if field in settings:
            setattr(master, field, settings[field])
    master.updated_at = at
    master.save(update_fields=[*OWNER_FIELDS, "updated_at"])
    return master


def reward_policy_update(*, master_id: int, reward_policy: Mapping[str, Any], at: datetime) -> RewardPolicy:
    """Changes the terms of a living profile: they count from the next period on."""
    master = _lock_living(master_id)
    policy = _change_policy(master, reward_policy)
    CopyMaster.objects.filter(pk=master.pk).update(updated_at=at)
    return policy


def master_end(*, master_id: int, open_copies: OpenCopies = OpenCopies.KEEP_EXITS, at: datetime) -> None:
    """Ends a profile and all its subscriptions; their open copies as asked (D20).

    The account stays a leader while open copies follow it. 404 for a profile that has ended.
    """
    subscriptions = _lock_with_followers(master_id)
    master = _living(master_id)
    subscriptions_end(subscriptions, open_copies=open_copies, at=at)
    master.ended_at = master.updated_at = at
    master.save(update_fields=["ended_at", "updated_at"])
    role_release(master.account_id)


def _lock_with_followers(master_id: int) -> list[CopySubscription]:
    """Locks the leader and every follower of a master in one statement, and gives its living subscriptions.

    Who the followers are can only be known before the lock. One that came in between is found afterwards; then the
    locks are given back with their savepoint and taken again, because nothing may lock accounts twice.
    """
    leader_id = _living(master_id).account_id
    living = CopySubscription.objects.filter(master_id=master_id, ended_at__isnull=True).order_by("pk")
    for _attempt in range(_END_ATTEMPTS):
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


def _change_policy(master: CopyMaster, values: Mapping[str, Any]) -> RewardPolicy:
    policy: RewardPolicy = RewardPolicy.objects.select_related("payout_account").get(master_id=master.pk)
    reward_policy_change(policy, values, customer_id=master.customer_id)
    policy.save()
    return policy
