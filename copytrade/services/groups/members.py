"""Who is in a group: the staged edit, all or nothing (R161 to R167), and the roles that go with it (D02)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from accounts.selectors import account_named
from copytrade.domain.groups import GroupPause, pause_after_edit
from copytrade.models import CopyGroup, CopySubscription, GroupMember
from copytrade.services.endings import OpenCopies, subscriptions_end
from copytrade.services.groups.editing import (
    Edit,
    group_edit,
    group_save,
    has_open_copies,
    living_subscriptions,
)
from copytrade.services.roles import circular_copy, role_release, role_take
from copytrade.services.shards import shard_assign
from core.errors import conflict, forbidden, invalid
from core.rounding import ONE
from core.states import CopyRole
from infra.actor import Actor


class Keep(Enum):
    """A key that the request does not carry."""

    AS_IT_IS = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A follower as the edit wants it; a ratio of None stays what it is, and is 1 for a new one."""

    login: int
    ratio: Decimal | None = None


def group_members_update(
    *,
    actor: Actor,
    group_id: int,
    leader_login: int | Keep | None,
    followers: Sequence[Wanted] | None,
    open_copies: OpenCopies | None,
    reactivate: bool,
    version: int | None,
    at: datetime,
) -> None:
    """Makes leader and followers what the edit says; None for `leader_login` removes the leader, for `followers` keeps them.

    Errors: 400 `ACCOUNT_NOT_FOUND`, 403 `INVALID_ACCOUNT`, 403 `CIRCULAR_COPY`, 403 `ACCOUNT_IN_OTHER_GROUP`, 403
    `ALREADY_CONTROLLED`, 409 `LEADER_HAS_OPEN_COPIES` while `open_copies` is not chosen, 409 `CHANGED_MEANWHILE`.
    """
    named = accounts_named(actor, leader_login, followers)
    edit = group_edit(group_id, version=version, also=[account.pk for account in named.values()])
    group = edit.group
    leader_id = group.leader_id if isinstance(leader_login, Keep) else _id_of(named, leader_login)
    if followers is None:
        followers = [Wanted(member.account.login) for member in edit.members]
    _apart(edit, leader_id, followers, named)
    leader_changed = leader_id != group.leader_id
    if leader_changed:
        _leader_may_go(group, open_copies)
    wanted = {wish.login: wish for wish in followers}
    removed = [member for member in edit.members if member.account.login not in wanted]
    added = [wish for wish in followers if all(member.account.login != wish.login for member in edit.members)]
    released = _take_out(edit, removed, leader_changed=leader_changed, open_copies=open_copies, at=at)
    if leader_changed:
        edit.note("leader_login")
        group.leader_id = leader_id
    pause = pause_after_edit(
        GroupPause(group.pause_reason),
        leader_changed=leader_changed,
        has_leader=leader_id is not None,
        followers=followers,
        followers_added=bool(added),
        reactivate=reactivate,
    )
    if pause.value != group.pause_reason:
        edit.note("pause_reason")
        group.pause_reason = pause.value
    _ratios_set(edit, wanted)
    edit.note(*(f"followers.{wish.login}" for wish in added))
    group_save(edit, ("leader_id", "pause_reason"), actor=actor, at=at)
    for account_id in released:
        role_release(account_id)
        edit.accounts[account_id].refresh_from_db(fields=["copy_role"])
    living = [member for member in edit.members if member not in removed]
    leader = None if leader_id is None else edit.accounts[leader_id]
    if leader is not None and leader_changed:
        role_take(leader, CopyRole.LEADER)
    joined = members_add(group, [(edit.accounts[named[wish.login].pk], wish) for wish in added], at=at)
    if leader is not None:
        members_subscribe(group, leader, [*living, *joined] if leader_changed else joined, at=at)


def accounts_named(
    actor: Actor, leader_login: int | Keep | None, followers: Sequence[Wanted] | None
) -> dict[int, TradingAccount]:
    """The actor's accounts of an edit by login: 400 for a follower named twice, the leader's errors first."""
    logins = [] if leader_login is None or isinstance(leader_login, Keep) else [leader_login]
    named = {login: account_named(actor, login) for login in logins}
    seen: set[int] = set()
    for index, wish in enumerate(followers or ()):
        if wish.login in seen:
            raise invalid(f"followers[{index}].login", _("stands twice"))
        seen.add(wish.login)
        named[wish.login] = account_named(actor, wish.login)
    return named


def members_add(
    group: CopyGroup, wishes: Iterable[tuple[TradingAccount, Wanted]], *, at: datetime
) -> list[GroupMember]:
    """Locked accounts become followers of the group.

    403 `CIRCULAR_COPY` for a leader, 403 `ACCOUNT_IN_OTHER_GROUP`, 403 `ALREADY_CONTROLLED` while it copies masters.
    """
    wishes = list(wishes)
    for account, _wish in wishes:
        role_take(account, CopyRole.FOLLOWER)
    for account, _wish in wishes:
        if GroupMember.objects.filter(account=account, ended_at__isnull=True).exists():
            message = _("Account %(login)s is a follower of another group.")
            raise forbidden("ACCOUNT_IN_OTHER_GROUP", message % {"login": account.login})
        if CopySubscription.objects.filter(follower=account, ended_at__isnull=True).exists():
            message = _("Account %(login)s copies a master already.")
            raise forbidden("ALREADY_CONTROLLED", message % {"login": account.login})
    return [
        GroupMember.objects.create(
            tenant_id=group.tenant_id,
            group=group,
            account=account,
            ratio=ONE if wish.ratio is None else wish.ratio,
            created_at=at,
        )
        for account, wish in wishes
    ]


def members_subscribe(
    group: CopyGroup, leader: TradingAccount, members: Iterable[GroupMember], *, at: datetime
) -> None:
    """The members copy the locked `leader`, from its next event on (R168)."""
    for member in members:
        CopySubscription.objects.create(
            tenant_id=group.tenant_id,
            leader=leader,
            follower_id=member.account_id,
            group=group,
            member=member,
            shard=shard_assign(leader),
            entries_from_seq=leader.event_seq + 1,
            created_at=at,
            updated_at=at,
        )


def _id_of(named: dict[int, TradingAccount], login: int | None) -> int | None:
    return None if login is None else named[login].pk


def _apart(edit: Edit, leader_id: int | None, followers: Sequence[Wanted], named: dict[int, TradingAccount]) -> None:
    """The leader is no follower of its own group."""
    for wish in followers:
        account = named.get(wish.login) or edit.member(wish.login).account
        if account.pk == leader_id:
            raise circular_copy(wish.login)


def _leader_may_go(group: CopyGroup, open_copies: OpenCopies | None) -> None:
    """D15: not while copies are open, unless it is chosen what becomes of them or the leader was breached."""
    if group.leader_id is None or open_copies is not None or group.pause_reason == GroupPause.BREACH:
        return
    if has_open_copies(group):
        message = _("Copies of this leader are open. Choose what becomes of them.")
        raise conflict("LEADER_HAS_OPEN_COPIES", message)


def _take_out(
    edit: Edit,
    removed: Sequence[GroupMember],
    *,
    leader_changed: bool,
    open_copies: OpenCopies | None,
    at: datetime,
) -> list[int]:
    """Ends the removed members and the subscriptions that the edit ends; the accounts that may have no role any more."""
    group = edit.group
    gone = {member.pk for member in removed}
    subscriptions = [s for s in living_subscriptions(group) if leader_changed or s.member_id in gone]
    subscriptions_end(subscriptions, open_copies=open_copies or OpenCopies.KEEP_EXITS, at=at)
    GroupMember.objects.filter(pk__in=gone).update(ended_at=at)
    edit.note(*(f"followers.{member.account.login}" for member in removed))
    old_leader = [group.leader_id] if leader_changed and group.leader_id is not None else []
    return [*old_leader, *(member.account_id for member in removed)]


def _ratios_set(edit: Edit, wanted: dict[int, Wanted]) -> None:
    for member in edit.members:
        wish = wanted.get(member.account.login)
        if wish is None or wish.ratio is None or wish.ratio == member.ratio:
            continue
        member.ratio = wish.ratio
        member.save(update_fields=["ratio"])
        edit.note(f"followers.{wish.login}.ratio")
