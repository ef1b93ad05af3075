"""The life of a copy group: created, changed, paused, resumed, ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.domain.groups import GroupPause
from copytrade.models import CopyGroup, GroupMember
from copytrade.selectors_groups import contract_catalogue
from copytrade.services.endings import OpenCopies, copies_treat, subscriptions_end
from copytrade.services.groups.editing import Edit, group_edit, group_save, living_subscriptions
from copytrade.services.groups.members import Wanted, accounts_named, members_add, members_subscribe
from copytrade.services.groups.terms import Mapped, contract_set, mappings_replace
from copytrade.services.resting import resting_review
from copytrade.services.roles import accounts_lock, circular_copy, role_release, role_take
from core.errors import DomainError, Kind, conflict, forbidden
from core.states import CopyRole
from infra.actor import Actor

SETTINGS: Final = (
    "copy_mode", "copy_value", "sizing_mode", "rounding_mode", "auto_variant", "symbol_quarantine",
    "quarantine_after_rejections", "quarantine_release", "partial_exit", "contract_mappings_enabled", "reverse",
    "copy_sl", "copy_tp", "copy_pending_orders",
)  # fmt: skip
"""What all followers of a group share, besides its mappings."""


@dataclass(frozen=True, slots=True)
class NewFollower:
    """A follower as a group is created with it: `contracts` by symbol as `contract_set` takes them."""

    wanted: Wanted
    synced_all: bool = True
    mappings: Sequence[Mapped] = ()
    contracts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def group_create(
    *,
    actor: Actor,
    name: str,
    leader_login: int,
    followers: Sequence[NewFollower],
    settings: Mapping[str, Any],
    mappings: Sequence[Mapped],
    at: datetime,
) -> CopyGroup:
    """A new group, active at once. `settings` has values for `SETTINGS`.

    Errors: 403 `BROKER_CONNECTION_REQUIRED`, 400 `ACCOUNT_NOT_FOUND`, 403 `INVALID_ACCOUNT`, 403 `CIRCULAR_COPY`, 403
    `ACCOUNT_IN_OTHER_GROUP`, 403 `ALREADY_CONTROLLED`, 409 `RET_DUPLICATE_RECORD`, those of mappings and contracts.
    """
    if not accounts(actor).exists():
        raise forbidden("BROKER_CONNECTION_REQUIRED", _("Connect a broker or open an account first."))
    wishes = [follower.wanted for follower in followers]
    named = accounts_named(actor, leader_login, wishes)
    if any(wish.login == leader_login for wish in wishes):
        raise circular_copy(leader_login)
    locked = accounts_lock(account.pk for account in named.values())
    leader = locked[named[leader_login].pk]
    group = CopyGroup(
        tenant_id=leader.tenant_id,
        customer_id=actor.user_id,
        name=name,
        leader=leader,
        created_at=at,
        updated_at=at,
        **{key: settings[key] for key in SETTINGS if key in settings},
    )
    role_take(leader, CopyRole.LEADER)
    _insert(group)
    members = members_add(group, [(locked[named[wish.login].pk], wish) for wish in wishes], at=at)
    members_subscribe(group, leader, members, at=at)
    _set_terms(Edit(group, members, locked), followers, mappings, at)
    return group


def group_update(
    *,
    actor: Actor,
    group_id: int,
    settings: Mapping[str, Any],
    mappings: Sequence[Mapped] | None,
    version: int | None,
    at: datetime,
) -> None:
    """Changes what is given of `SETTINGS`, and replaces the mappings if given. 409 `CHANGED_MEANWHILE`."""
    edit = group_edit(group_id, version=version)
    for name in SETTINGS:
        if name in settings and getattr(edit.group, name) != settings[name]:
            setattr(edit.group, name, settings[name])
            edit.note(name)
    if mappings is not None and mappings_replace(edit.group, None, mappings, contract_catalogue(at)):
        edit.note("mappings")
    group_save(edit, SETTINGS, actor=actor, at=at)
    resting_review([member.account_id for member in edit.members], at=at)


def group_pause(*, actor: Actor, group_id: int, open_copies: OpenCopies, at: datetime) -> None:
    """No new entries until the group is resumed; open copies as asked (D20). 409 `NOT_CONFIGURED` without a leader."""
    edit = group_edit(group_id)
    _configured(edit)
    copies_treat([subscription.pk for subscription in living_subscriptions(edit.group)], open_copies=open_copies, at=at)
    # Whoever paused it before keeps it paused: a customer's pause must not make a breach liftable.
    if not edit.group.pause_reason:
        edit.group.pause_reason = GroupPause.CUSTOMER.value
        edit.note("pause_reason")
    group_save(edit, ("pause_reason",), actor=actor, at=at)


def group_resume(*, actor: Actor, group_id: int, at: datetime) -> None:
    """Entries are copied again, from the leader's next trade on.

    409 `NOT_CONFIGURED` without a leader or followers, 409 `LEADER_BREACHED`, 403 `PERMISSION_DENIED` for the staff's pause.
    """
    edit = group_edit(group_id)
    _configured(edit)
    if not edit.members:
        raise conflict("NOT_CONFIGURED", _("The group has no followers. Add one first."))
    if edit.group.pause_reason == GroupPause.BREACH:
        raise conflict("LEADER_BREACHED", _("The leader has hit a risk limit. Lift that first."))
    if edit.group.pause_reason == GroupPause.STAFF:
        raise forbidden("PERMISSION_DENIED", _("This pause was not made by you and cannot be lifted by you."))
    if edit.group.pause_reason:
        edit.group.pause_reason = GroupPause.NONE.value
        edit.note("pause_reason")
    group_save(edit, ("pause_reason",), actor=actor, at=at)


def group_delete(*, actor: Actor, group_id: int, confirm: bool, open_copies: OpenCopies, at: datetime) -> None:
    """Ends a group with all its followers; open copies as asked (D20). 400 `CONFIRMATION_REQUIRED`."""
    if not confirm:
        raise DomainError(Kind.INVALID, "CONFIRMATION_REQUIRED", _("Say that you mean it: send confirm."))
    edit = group_edit(group_id)
    group = edit.group
    subscriptions_end(living_subscriptions(group), open_copies=open_copies, at=at)
    GroupMember.objects.filter(pk__in=[member.pk for member in edit.members]).update(ended_at=at)
    group.ended_at = at
    edit.note("ended_at")
    group_save(edit, ("ended_at",), actor=actor, at=at)
    for account_id in edit.accounts:
        role_release(account_id)


def _insert(group: CopyGroup) -> None:
    try:
        with transaction.atomic():
            group.save(force_insert=True)
    except IntegrityError as error:
        message = _("You have a group of this name already.")
        raise conflict("RET_DUPLICATE_RECORD", message) from error


def _set_terms(edit: Edit, followers: Sequence[NewFollower], mappings: Sequence[Mapped], at: datetime) -> None:
    """What a new group and its followers set for contracts."""
    catalogue = contract_catalogue(at)
    mappings_replace(edit.group, None, mappings, catalogue)
    by_login = {member.account.login: member for member in edit.members}
    for follower in followers:
        member = by_login[follower.wanted.login]
        if not follower.synced_all:
            member.synced_all = False
            member.save(update_fields=["synced_all"])
        mappings_replace(edit.group, member, follower.mappings, catalogue)
        for symbol, settings in follower.contracts.items():
            contract_set(edit, member, symbol, settings, catalogue)


def _configured(edit: Edit) -> None:
    if edit.group.leader_id is None:
        raise conflict("NOT_CONFIGURED", _("The group has no leader. Choose one first."))
