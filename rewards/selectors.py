"""The reads of rewards. Those for request code take the actor and never give what it may not see."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.models import CopySubscription
from core.errors import forbidden, not_found
from infra.actor import Actor
from rewards.models import RewardAccrual, RewardAgreement, RewardTrade

_LOADED = ("leader", "follower", "payout_account", "terms", "refund_of")


def rewards(actor: Actor) -> QuerySet[RewardAccrual]:
    """Charges of the actor's accounts as follower, as master, or as where they are paid to; all of the tenant for staff."""
    found = RewardAccrual.objects.select_related(*_LOADED)
    if actor.is_staff:
        return found
    own = accounts(actor).order_by().values("pk")
    return found.filter(Q(follower_id__in=own) | Q(leader_id__in=own) | Q(payout_account_id__in=own))


def rewards_of_subscription(actor: Actor, subscription_id: int) -> QuerySet[RewardAccrual]:
    """The charges of one subscription, also of one that has ended, for either side and for staff: 404 for an unknown one,
    403 for others'."""
    found = CopySubscription.objects.select_related("leader", "follower").filter(
        pk=subscription_id, master__isnull=False
    )
    subscription = found.first()
    if subscription is None:
        raise not_found(_("There is no such subscription."))
    sides = {subscription.leader.customer_id, subscription.follower.customer_id}
    if not actor.is_staff and actor.user_id not in sides:
        raise forbidden("PERMISSION_DENIED", _("This record is not yours."))
    return RewardAccrual.objects.select_related(*_LOADED).filter(subscription_id=subscription_id)


def closed_copies(accrual_ids: list[int]) -> QuerySet[RewardTrade]:
    """The closed copies that these charges are on, in the order of their closing."""
    return RewardTrade.objects.filter(accrual_id__in=accrual_ids).order_by("accrual_id", "closed_at", "record")


def waiting_terms(actor: Actor) -> QuerySet[RewardAgreement]:
    """Pairs of the actor's follower accounts for which new terms wait (`terms`, `next_terms` loaded)."""
    own = accounts(actor).order_by().values("pk")
    waiting = RewardAgreement.objects.select_related("terms", "next_terms", "leader", "follower", "subscription")
    return waiting.filter(
        follower_id__in=own, next_terms__isnull=False, ended_at__isnull=True, forgotten_at__isnull=True
    )
