"""The way every change of a group is made: lock its accounts, compare versions, write, remember what changed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.models import CopyGroup, CopySubscription, GroupChange, GroupMember, TradeLink
from copytrade.services.roles import accounts_lock
from core.errors import DomainError, conflict, not_found
from core.states import LinkState
from infra.actor import Actor

_ATTEMPTS: Final = 5


@dataclass(slots=True)
class Edit:
    """A living group whose leader and followers are locked, with what has been changed so far."""

    group: CopyGroup
    members: list[GroupMember]
    accounts: dict[int, TradingAccount]
    changed: list[str] = field(default_factory=list)

    def note(self, *names: str) -> None:
        """Remembers that something was changed."""
        self.changed += [name for name in names if name not in self.changed]

    def member(self, login: int) -> GroupMember:
        """The living follower of that login; 404 without one."""
        found = next((member for member in self.members if member.account.login == login), None)
        if found is None:
            raise not_found(_("This account is no follower of the group."))
        return found


def group_edit(group_id: int, *, version: int | None = None, also: Collection[int] = ()) -> Edit:
    """Locks the accounts of a group and those in `also`, and gives the group as it is then.

    Who they are can only be known before the lock; whoever changed that meanwhile has raised the version, and then the
    locks are given back with their savepoint and taken again. 409 `CHANGED_MEANWHILE` when `version` is not the group's.
    """
    for _attempt in range(_ATTEMPTS):
        before = _living(group_id)
        known = {member.account_id for member in _members_of(before)}
        leader = set() if before.leader_id is None else {before.leader_id}
        savepoint = transaction.savepoint()
        locked = accounts_lock({*known, *leader, *also})
        group = _living(group_id)
        if group.version == before.version:
            transaction.savepoint_commit(savepoint)
            if version is not None and version != group.version:
                raise changed_meanwhile(group, version)
            return Edit(group, _members_of(group), locked)
        transaction.savepoint_rollback(savepoint)
    raise conflict("CHANGED_MEANWHILE", _("This group is being changed at this moment. Try again."))


def group_save(edit: Edit, fields: Iterable[str], *, actor: Actor, at: datetime) -> None:
    """Writes the group's own `fields` and the next version, if anything was changed. 409 when somebody was faster."""
    if not edit.changed:
        return
    group, before = edit.group, edit.group.version
    group.version, group.updated_at = before + 1, at
    values: dict[str, Any] = {name: getattr(group, name) for name in fields}
    written = CopyGroup.objects.filter(pk=group.pk, version=before).update(
        **values, version=group.version, updated_at=at
    )
    if not written:
        raise changed_meanwhile(_living(group.pk), before)
    GroupChange.objects.create(
        tenant_id=group.tenant_id,
        group=group,
        version=group.version,
        changed="\n".join(edit.changed),
        user_id=actor.user_id,
        created_at=at,
    )


def changed_meanwhile(group: CopyGroup, version: int) -> DomainError:
    """409 for an edit of an older version, with what was changed since."""
    lists = GroupChange.objects.filter(group=group, version__gt=version).values_list("changed", flat=True)
    names = sorted({name for changed in lists for name in changed.splitlines()})
    message = _("This group was changed meanwhile. Look at it again before you save.")
    return conflict("CHANGED_MEANWHILE", message, version=group.version, changed=names)


def living_subscriptions(group: CopyGroup) -> list[CopySubscription]:
    """The group's subscriptions that have not ended."""
    return list(CopySubscription.objects.filter(group=group, ended_at__isnull=True).order_by("pk"))


def has_open_copies(group: CopyGroup) -> bool:
    """Whether a copied position of the group's leaders is open, also of subscriptions that have ended."""
    ids = CopySubscription.objects.filter(group=group).values("pk")
    return TradeLink.objects.filter(subscription_id__in=ids, state=LinkState.ACTIVE).exists()


def _living(group_id: int) -> CopyGroup:
    group = CopyGroup.objects.filter(pk=group_id, ended_at__isnull=True).first()
    if group is None:
        raise not_found(_("There is no such group."))
    return group


def _members_of(group: CopyGroup) -> list[GroupMember]:
    living = GroupMember.objects.filter(group=group, ended_at__isnull=True)
    return list(living.select_related("account").order_by("pk"))
