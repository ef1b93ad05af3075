"""Which side of copying an account is on: a leader or a follower, never both (D02), and who controls it (X08).

Every function here that decides or writes needs the account's row lock, taken before with `accounts_lock`.
"""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.models import (
    CopyFollower,
    CopyGroup,
    CopyMaster,
    CopySubscription,
    GroupMember,
    MasterStatus,
    TradeLink,
)
from core.errors import DomainError, forbidden
from core.states import CopyRole, LinkState, PositionMode


def accounts_lock(account_ids: Iterable[int]) -> dict[int, TradingAccount]:
    """Locks all accounts of the transaction, in one statement by ascending id, and gives them as they are now.

    To be called once in a transaction, before anything is read that the decision depends on. What belongs to the
    accounts is read in later statements: those see everything that was committed while this one waited.
    """
    locked = TradingAccount.objects.select_for_update(no_key=True).filter(pk__in=set(account_ids)).order_by("pk")
    return {account.pk: account for account in locked}


def role_take(account: TradingAccount, role: CopyRole) -> None:
    """Gives the locked `account` a role. 403 `CIRCULAR_COPY` while it holds the other one.

    A role whose last reason has gone without anybody having released it (the last link of an ended leader closes under
    its follower's lock) does not count.
    """
    if account.copy_role == role:
        return
    if account.copy_role != CopyRole.NONE and role_is_needed(account.pk, CopyRole(account.copy_role)):
        raise circular_copy(account.login)
    # The column may lag behind the profiles only in the harmless direction, but it is not trusted alone.
    other = CopyRole.FOLLOWER if role is CopyRole.LEADER else CopyRole.LEADER
    if role_is_needed(account.pk, other):
        raise circular_copy(account.login)
    _set_role(account, role)


def role_release(account_id: int) -> bool:
    """Takes the role from a locked account that has no reason left to hold one; says whether it holds none now.

    For everything that may have ended the last reason: the end of a profile, the end of the last active link.
    """
    account = TradingAccount.objects.only("id", "login", "copy_role").get(pk=account_id)
    if account.copy_role == CopyRole.NONE:
        return True
    if role_is_needed(account_id, CopyRole(account.copy_role)):
        return False
    _set_role(account, CopyRole.NONE)
    return True


def role_is_needed(account_id: int, role: CopyRole) -> bool:
    """Whether a living profile, a group or an active link still holds an account in `role`."""
    profiles: QuerySet[CopyMaster] | QuerySet[CopyFollower]
    groups: QuerySet[CopyGroup] | QuerySet[GroupMember]
    if role is CopyRole.LEADER:
        profiles = CopyMaster.objects.filter(account_id=account_id, ended_at__isnull=True).exclude(
            status=MasterStatus.REJECTED
        )
        groups = CopyGroup.objects.filter(leader_id=account_id, ended_at__isnull=True)
        side = Q(leader_id=account_id)
    elif role is CopyRole.FOLLOWER:
        profiles = CopyFollower.objects.filter(account_id=account_id, ended_at__isnull=True)
        groups = GroupMember.objects.filter(account_id=account_id, ended_at__isnull=True)
        side = Q(follower_id=account_id)
    else:
        return False
    if profiles.exists() or groups.exists() or CopySubscription.objects.filter(side, ended_at__isnull=True).exists():
        return True
    return TradeLink.objects.filter(side, state=LinkState.ACTIVE).exists()


def controller_admit(profile: CopyFollower, position_mode: PositionMode) -> None:
    """Whether the locked account of `profile` may get one more automatic controller.

    403 `MAX_MASTERS_REACHED` when the profile's own limit is used up, 403 `ALREADY_CONTROLLED` for a follower of a group
    and for a second one on a netting account, where two leaders' positions could not be told apart.
    """
    if GroupMember.objects.filter(account_id=profile.account_id, ended_at__isnull=True).exists():
        raise forbidden("ALREADY_CONTROLLED", _("This account is a follower of a copy group."))
    living = CopySubscription.objects.filter(follower_id=profile.account_id, ended_at__isnull=True).count()
    if living >= profile.max_master_count:
        message = _("This account already copies as many masters as its profile allows (%(most)s).")
        raise forbidden("MAX_MASTERS_REACHED", message % {"most": profile.max_master_count})
    if position_mode is PositionMode.NETTING and living:
        raise forbidden("ALREADY_CONTROLLED", _("A netting account can copy one master only, and it already does."))


def circular_copy(login: int) -> DomainError:
    """403 for an account that would be a leader and a follower."""
    message = _("Account %(login)s cannot be a leader and a follower at the same time.")
    return forbidden("CIRCULAR_COPY", message % {"login": login})


def _set_role(account: TradingAccount, role: CopyRole) -> None:
    account.copy_role = role
    TradingAccount.objects.filter(pk=account.pk).update(copy_role=role)
