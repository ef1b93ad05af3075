"""The customer's subscriptions and what they do now."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from copytrade.models import CopySubscription, VolumeMode
from copytrade.selectors import subscriptions_followed
from portal import formats, reads
from portal.http import PortalRequest, customer_page
from portal.words import PAUSE_REASONS, subscription_state


@customer_page
def listing(request: PortalRequest) -> HttpResponse:
    """All living subscriptions with what they hold now. With copy trading off they can still be ended."""
    found = subscriptions_followed(request.viewer.actor).select_related("leader", "follower", "master")
    subscriptions = list(found.filter(follower__in=request.viewer.shown).order_by("-created_at", "-pk"))
    copies = reads.open_copies_of(subscriptions)
    rows = [_row(subscription, copies[subscription.pk]) for subscription in subscriptions]
    return render(request, "portal/copying.html", {"rows": rows})


def _row(subscription: CopySubscription, copies: reads.OpenCopiesNow) -> dict[str, Any]:
    state = subscription_state(enabled=subscription.enabled, status=subscription.status)
    return {
        "s": subscription,
        "state": state,
        "why": PAUSE_REASONS.get(subscription.pause_reason, "") if state == "paused" else "",
        "volume": volume_words(subscription),
        "copies": copies,
    }


def volume_words(subscription: CopySubscription) -> str:
    """The sizing of a subscription in a few words."""
    if subscription.volume_mode == VolumeMode.FIXED:
        return _("%(lots)s lots fixed") % {"lots": formats.lots(subscription.fixed_volume)}
    factor = formats.number(subscription.risk_multiplier)
    if subscription.volume_mode == VolumeMode.MULTIPLIER:
        return _("× %(factor)s") % {"factor": factor}
    if subscription.volume_mode == VolumeMode.EQUITY_RATIO:
        return _("equity ratio × %(factor)s") % {"factor": factor}
    return _("balance ratio × %(factor)s") % {"factor": factor}
