"""The customer's subscriptions: what they do now, resting them, changing them, ending them."""

from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from copytrade.models import CopySubscription, SubscriptionStatus, VolumeMode
from copytrade.selectors import subscription_owned, subscriptions_followed
from copytrade.services.endings import OpenCopies
from copytrade.services.subscriptions import subscription_end, subscription_update
from core.errors import DomainError
from portal import formats, reads
from portal.forms import CopySettingsForm
from portal.http import PortalRequest, attempt, customer_page, moved, refusal_sentence
from portal.words import PAUSE_REASONS, subscription_state

EDITED = (
    "volume_mode", "risk_multiplier", "fixed_volume", "min_volume", "max_volume", "copy_mode", "symbols_mode", "symbols",
)  # fmt: skip


@customer_page
def listing(request: PortalRequest) -> HttpResponse:
    """All living subscriptions with what they hold now."""
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


@customer_page
def pause(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """No new entries; open copies still follow the leader's exits."""
    return _rest(
        request,
        subscription_id,
        {"status": SubscriptionStatus.PAUSED},
        _("Paused. Open copies still follow the leader's exits."),
    )


@customer_page
def resume(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """Entries are copied again, from the next one on."""
    settings = {"status": SubscriptionStatus.ACTIVE, "enabled": True}
    return _rest(request, subscription_id, settings, _("Resumed. The next trade of the leader is copied."))


def _rest(request: PortalRequest, subscription_id: int, settings: dict[str, Any], said: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subscription_owned(request.viewer.actor, subscription_id)
    try:
        with attempt():
            subscription_update(subscription_id=subscription_id, settings=settings, at=request.at)
    except DomainError as error:
        return moved(request, reverse("portal:copying"), refusal_sentence(error), "bad")
    return moved(request, reverse("portal:copying"), said)


@customer_page
def edit(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """The settings of one subscription; they hold from the leader's next trade on."""
    subscription = subscription_owned(request.viewer.actor, subscription_id)
    context: dict[str, Any] = {"s": subscription, "part": "portal/parts/edit.html"}
    if request.method != "POST":
        initial = {field: _initial(getattr(subscription, field)) for field in EDITED}
        return _dialog(request, context | {"form": CopySettingsForm(initial=initial)})
    form = CopySettingsForm(request.POST)
    if not form.is_valid():
        return _dialog(request, context | {"form": form})
    settings = {field: form.cleaned_data[field] for field in EDITED}
    try:
        with attempt():
            subscription_update(subscription_id=subscription_id, settings=settings, at=request.at)
    except DomainError as error:
        return _dialog(request, context | {"form": form, "refused": refusal_sentence(error)})
    return moved(request, reverse("portal:copying"), _("Saved. The settings hold from the leader's next trade on."))


def _initial(value: Any) -> Any:
    if hasattr(value, "as_tuple"):
        return formats.typed(value) if value else ""
    return value


@customer_page
def stop(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """Ends a subscription: the dialog says how many open copies it concerns, and asks what becomes of them."""
    subscription = subscription_owned(request.viewer.actor, subscription_id)
    copies = reads.open_copies_of([subscription])[subscription.pk]
    context: dict[str, Any] = {"s": subscription, "copies": copies, "part": "portal/parts/stop.html"}
    if request.method != "POST":
        return _dialog(request, context)
    wish = request.POST.get("open_copies", OpenCopies.KEEP_EXITS)
    if wish not in (OpenCopies.KEEP_EXITS, OpenCopies.LET_GO):
        return _dialog(request, context | {"refused": _("Choose what becomes of the open copies.")})
    try:
        with attempt():
            subscription_end(subscription_id=subscription_id, open_copies=OpenCopies(wish), at=request.at)
    except DomainError as error:
        return _dialog(request, context | {"refused": refusal_sentence(error)})
    master = subscription.master
    assert master is not None, "a group's copies are not ended here"
    words = {"login": subscription.follower.login, "name": master.strategy_name}
    said = _("Account %(login)s no longer copies %(name)s.") % words
    return moved(request, reverse("portal:copying"), said)


def _dialog(request: PortalRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, context["part"] if request.htmx else "portal/dialog_page.html", context)
