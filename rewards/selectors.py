"""The reads of rewards. Those for request code take the actor and never give what it may not see."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.models import CopySubscription
from core.errors import forbidden, not_found
from infra.actor import Actor
from rewards.models import RewardAccrual, RewardAgreement, TermsVersion
from rewards.services.agreements import dearer

LOADED = ("leader", "follower", "payout_account", "terms__payout_account", "refund_of")


def rewards(actor: Actor) -> QuerySet[RewardAccrual]:
    """Charges of the actor's accounts as follower, as master, or as where they are paid to; all of the tenant for staff."""
    found = RewardAccrual.objects.select_related(*LOADED)
    if actor.is_staff:
        return found
    own = accounts(actor).order_by().values("pk")
    return found.filter(Q(follower_id__in=own) | Q(leader_id__in=own) | Q(payout_account_id__in=own))


def subscription_charged(actor: Actor, subscription_id: int) -> CopySubscription:
    """A subscription to a master, also one that has ended, for either side and for staff (`leader`, `follower` and `master`
    loaded): 404 for an unknown one, 403 for others'."""
    found = CopySubscription.objects.select_related("leader", "follower", "master").filter(master__isnull=False)
    subscription = found.filter(pk=subscription_id).first()
    if subscription is None:
        raise not_found(_("There is no such subscription."))
    sides = {subscription.leader.customer_id, subscription.follower.customer_id}
    if not actor.is_staff and actor.user_id not in sides:
        raise forbidden("PERMISSION_DENIED", _("This record is not yours."))
    return subscription


def agreement_of(subscription_id: int) -> RewardAgreement | None:
    """Where a subscription's pair stands (`terms`, `next_terms` loaded); None before it has begun, after another
    subscription took it over, and where nothing is ever charged."""
    found = RewardAgreement.objects.select_related("terms__payout_account", "next_terms__payout_account").filter(
        subscription_id=subscription_id
    )
    return found.order_by("-pk").first()


def waiting_terms(actor: Actor) -> QuerySet[RewardAgreement]:
    """Pairs of the actor's follower accounts for which new terms wait (`terms`, `next_terms` loaded)."""
    own = accounts(actor).order_by().values("pk")
    waiting = RewardAgreement.objects.select_related(
        "terms", "next_terms", "leader", "follower", "subscription__master"
    )
    return waiting.filter(
        follower_id__in=own, next_terms__isnull=False, ended_at__isnull=True, forgotten_at__isnull=True
    )


@dataclass(frozen=True, slots=True)
class TermsWaiting:
    """A master's newest terms, where pairs are still charged by older ones: how many, how many of them have to accept first
    and have not, and when the first and the last of them begin the next period."""

    version: int
    followers: int
    to_accept: int
    first: datetime
    last: datetime


def terms_waiting(master_id: int) -> TermsWaiting | None:
    """What waits for the next periods of a master's followers; None when all are charged by the newest terms."""
    newest = TermsVersion.objects.filter(master_id=master_id).order_by("-number").first()
    if newest is None:
        return None
    behind = RewardAgreement.objects.filter(master_id=master_id, ended_at__isnull=True, forgotten_at__isnull=True)
    accepted = Q(next_terms_id=newest.pk, accepted_at__isnull=False)
    groups = list(
        behind.exclude(terms_id=newest.pk)
        .order_by()
        .values("terms_id")
        .annotate(
            followers=Count("pk"),
            missing=Count("pk", filter=~accepted),
            first=Min("period_to"),
            last=Max("period_to"),
        )
    )
    if not groups:
        return None
    known = TermsVersion.objects.in_bulk([group["terms_id"] for group in groups])
    return TermsWaiting(
        version=newest.number,
        followers=sum(group["followers"] for group in groups),
        to_accept=sum(group["missing"] for group in groups if dearer(known[group["terms_id"]], newest)),
        first=min(group["first"] for group in groups),
        last=max(group["last"] for group in groups),
    )
