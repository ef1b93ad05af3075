"""Subscriptions that rest because rewards are not paid (D25), and go on once they are."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db.models import F

from copytrade.models import CopySubscription, SubscriptionStatus
from copytrade.services.endings import OpenCopies, copies_treat

PAUSED_FOR_REWARDS: Final = "REWARD_UNPAID"


def unpaid_pause(subscription_ids: Collection[int], *, at: datetime) -> list[int]:
    """Pauses those that copy, whose follower accounts are all locked; gives which they were. Exits are kept (D20)."""
    copying = CopySubscription.objects.filter(
        pk__in=list(subscription_ids), ended_at__isnull=True, status=SubscriptionStatus.ACTIVE
    )
    paused = sorted(copying.values_list("pk", flat=True))
    CopySubscription.objects.filter(pk__in=paused).update(
        status=SubscriptionStatus.PAUSED, pause_reason=PAUSED_FOR_REWARDS, version=F("version") + 1, updated_at=at
    )
    copies_treat(paused, open_copies=OpenCopies.KEEP_EXITS, at=at)
    return paused


def unpaid_lift(subscription_ids: Collection[int], *, at: datetime) -> int:
    """Lifts that pause, and no other, from subscriptions whose follower accounts are all locked; gives how many."""
    resting = CopySubscription.objects.filter(
        pk__in=list(subscription_ids),
        ended_at__isnull=True,
        status=SubscriptionStatus.PAUSED,
        pause_reason=PAUSED_FOR_REWARDS,
    )
    return resting.update(status=SubscriptionStatus.ACTIVE, pause_reason="", version=F("version") + 1, updated_at=at)
