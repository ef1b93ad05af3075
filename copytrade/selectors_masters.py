"""The reads of masters for everybody who looks at one from outside: what is visible, to whom, and who else they are.

Those for request code take the actor and never give what it may not see.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.domain.qualification import Qualification
from copytrade.models import (
    CopyMaster,
    CopyOrder,
    CopySubscription,
    MasterChange,
    MasterChangeKind,
    MasterStatus,
    Visibility,
)
from core.errors import forbidden, not_found
from core.rounding import plain
from core.states import CopyStatus, EventKind, TradeState
from infra.actor import Actor
from infra.fields import ExactDecimalField
from trading.models import Trade
from trading.selectors import MARKET_CMDS, account_picture

LISTED: Final = Q(status=MasterStatus.ACTIVE, enabled=True, visibility=Visibility.PUBLIC, ended_at__isnull=True)
"""Profiles that everybody in the tenant can find."""


def is_owner(actor: Actor, master: CopyMaster) -> bool:
    """Whether this is the owning customer, or the session of the master's own account."""
    if actor.is_account:
        return actor.account_id == master.account_id
    return actor.is_customer and actor.user_id == master.customer_id


def master_shown(actor: Actor, login: int) -> CopyMaster:
    """The living profile of an account, for looking at it from any session.

    403 `MASTER_NOT_FOUND` when the tenant has none of that login; 403 `MASTER_NOT_AVAILABLE` when it is not listed,
    except to its owner and to staff.
    """
    found = masters_living().filter(account__login=login).first()
    if found is None:
        raise forbidden("MASTER_NOT_FOUND", _("There is no master with the login %(login)s.") % {"login": login})
    if not (found.listed or actor.is_staff or is_owner(actor, found)):
        raise forbidden("MASTER_NOT_AVAILABLE", _("This master cannot be looked at at the moment."))
    return found


def trade_history_shown(actor: Actor, master: CopyMaster) -> None:
    """403 `TRADE_HISTORY_NOT_PUBLIC` unless the master shows its trades or this is its owner; staff are bound too."""
    if not (master.show_trade_history or is_owner(actor, master)):
        raise forbidden("TRADE_HISTORY_NOT_PUBLIC", _("This master does not show its trades."))


def followers_shown(actor: Actor, master: CopyMaster) -> None:
    """403 `FOLLOWERS_NOT_PUBLIC` unless the master shows its followers or this is its owner; staff are bound too."""
    if not (master.show_followers or is_owner(actor, master)):
        raise forbidden("FOLLOWERS_NOT_PUBLIC", _("This master does not show its followers."))


def followers_of_master(master: CopyMaster, *, everybody: bool = False) -> QuerySet[CopySubscription]:
    """The living subscriptions to a master, each with what it has copied and closed so far.

    `copied_trades` closed records, `pnl` what they brought after commission and storage in the follower's currency,
    `volume` their lots. Followers of the master's own customer count nowhere but with `everybody`.
    """
    living = CopySubscription.objects.filter(master_id=master.pk, ended_at__isnull=True)
    if not everybody:
        living = living.exclude(follower__customer_id=master.customer_id)
    return with_copied_results(living)


def with_copied_results(subscriptions: QuerySet[CopySubscription]) -> QuerySet[Any]:
    """Each subscription with what it has copied and closed so far, in the follower's currency: `copied_trades`, `pnl`,
    `volume` as `followers_of_master` says."""
    entries = CopyOrder.objects.filter(
        subscription_id=OuterRef(OuterRef("pk")),
        status=CopyStatus.FILLED,
        action__in=(EventKind.OPEN, EventKind.INCREASE),
    ).values("follower_trade_id")
    closed = (
        Trade.objects.filter(
            Q(pk__in=entries) | Q(parent_id__in=entries),
            account_id=OuterRef("follower_id"),
            state__in=(TradeState.CLOSED, TradeState.CLOSED_PART),
        )
        .order_by()
        .values("account_id")
    )

    def total(value: Any, field: Any) -> Any:
        return Coalesce(Subquery(closed.annotate(total=value).values("total")), Value(0), output_field=field)

    return subscriptions.annotate(
        copied_trades=total(Count("pk"), BigIntegerField()),
        pnl=total(Sum(F("profit") + F("commission") + F("storage")), ExactDecimalField()),
        volume=total(Sum("volume"), ExactDecimalField()),
    )


def masters_living() -> QuerySet[CopyMaster]:
    """Living profiles with account, customer and terms."""
    return CopyMaster.objects.filter(ended_at__isnull=True).select_related(
        "account", "customer", "reward_policy__payout_account"
    )


def masters_of_same_customer(actor: Actor, master: CopyMaster) -> QuerySet[CopyMaster]:
    """The other profiles of a master's customer, newest first, so that nobody is judged by the survivors alone (X07).

    Everybody sees those that are public, and of the ended ones those that ever were to be found, whatever became of
    them. What was never published stays out, and so does a living profile that is private. Owner and staff see all.
    """
    others = (
        CopyMaster.objects.filter(customer_id=master.customer_id)
        .exclude(pk=master.pk)
        .select_related("account", "reward_policy__payout_account")
        .order_by("-created_at", "-pk")
    )
    if actor.is_staff or (actor.is_customer and actor.user_id == master.customer_id):
        return others
    shown = Q(ended_at__isnull=False) | Q(visibility=Visibility.PUBLIC)
    return others.filter(shown, published_at__isnull=False)


def master_to_manage(actor: Actor, master_id: int) -> CopyMaster:
    """A profile by its id, an ended one too, for staff; 404 for an unknown id and for another tenant's."""
    _staff_only(actor)
    found = (
        CopyMaster.objects.select_related("account", "customer", "reward_policy__payout_account")
        .filter(pk=master_id)
        .first()
    )
    if found is None:
        raise not_found(_("There is no such master."))
    return found


def master_applications(actor: Actor) -> QuerySet[CopyMaster]:
    """Profiles that wait for the staff's decision."""
    _staff_only(actor)
    return CopyMaster.objects.filter(status=MasterStatus.PENDING, ended_at__isnull=True)


def master_application_named(actor: Actor, master_id: int) -> CopyMaster:
    """A living profile named by its id in a body of staff; 404 for an unknown one."""
    _staff_only(actor)
    found = masters_living().filter(pk=master_id).first()
    if found is None:
        raise not_found(_("There is no such master."))
    return found


def status_reasons(master_ids: Iterable[int]) -> dict[int, str]:
    """Why masters stand where they stand, by id, as staff wrote it last; absent for those that staff never touched."""
    decided = MasterChange.objects.filter(master_id__in=list(master_ids), kind=MasterChangeKind.STATUS)
    return dict(decided.order_by("pk").values_list("master_id", "reason"))


def master_changes(master: CopyMaster) -> QuerySet[MasterChange]:
    """What was changed about a profile, newest first, with who did it."""
    return MasterChange.objects.filter(master=master).select_related("by").order_by("-at", "-pk")


def account_qualification(account: TradingAccount, *, at: datetime) -> Qualification:
    """What an account has to show where rules ask for something; the equity at current quotes."""
    closed: Any = Trade.objects.filter(
        account_id=account.pk, cmd__in=MARKET_CMDS, state__in=(TradeState.CLOSED, TradeState.CLOSED_PART)
    )
    return Qualification(
        account_days=(at - account.opened_at).days,
        closed_trades=closed.count(),
        equity=plain(account_picture(account.pk).equity),
    )


def _staff_only(actor: Actor) -> None:
    if not actor.is_staff:
        raise forbidden("PERMISSION_DENIED", _("This is for staff."))
