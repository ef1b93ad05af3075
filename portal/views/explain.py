"""Why a leader's order was copied or not (X01): the whole story for one account, with the buttons that act on it."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import TradingAccount
from copytrade.domain.codes import RejectReason, SkipReason
from copytrade.models import CopyMaster, CopySubscription, SubscriptionStatus
from copytrade.selectors import masters_visible, subscriptions_followed
from copytrade.selectors_explain import Step, Story, explain
from core.errors import DomainError
from core.states import CopyStatus
from portal import reads
from portal.http import PortalRequest, Viewer, customer_page

_BY_SETTINGS: Final = frozenset(
    {
        SkipReason.COPY_MODE, SkipReason.SYMBOL_FILTERED, SkipReason.PENDING_NOT_COPIED, SkipReason.STOPS_NOT_COPIED,
        SkipReason.PARTIAL_NOT_COPIED, SkipReason.FOLLOWER_STOPPED, SkipReason.MIN_EQUITY, SkipReason.MAX_POSITIONS,
        SkipReason.INVALID_EQUITY, SkipReason.BELOW_MIN_VOLUME, SkipReason.ROUNDED_TO_ZERO, SkipReason.SLIPPAGE_TOLERANCE,
        SkipReason.SIGNAL_TOO_OLD, RejectReason.RET_TRADE_NO_MONEY, RejectReason.RET_TRADE_BAD_VOLUME,
        RejectReason.RET_TRADE_BAD_STOPS,
    }
)  # fmt: skip
"""Refusals that other settings of the subscription would have avoided."""
_RESUMABLE: Final = frozenset({SkipReason.SUBSCRIPTION_PAUSED, SkipReason.FOLLOWER_STOPPED})
_UNFOLLOWED: Final = frozenset({"NEVER_SUBSCRIBED", "SUBSCRIPTION_OVER", "SUBSCRIPTION_ENDED"})


@dataclass(frozen=True, slots=True)
class Act:
    """A button. `way`: LINK to a page, DIALOG on this one, or POST."""

    label: str | Promise
    icon: str
    url: str
    way: str


@dataclass(slots=True)
class Told:
    """A step as the page shows it: `badge` is a kind and a value of `portal.words.BADGES`."""

    step: Step
    badge: tuple[str, Any]
    act: Act | None = None


@customer_page
def why(request: PortalRequest, order: int, login: int) -> HttpResponse:
    """The page, or with htmx the part of it that is read anew. What does not exist and what is others' looks the same."""
    viewer = request.viewer
    zone = timezone.get_current_timezone()
    try:
        story = explain(viewer.actor, leader_order=order, follower_login=login, at=request.at, zone=zone)
    except DomainError as error:
        raise Http404 from error
    account = next((own for own in viewer.accounts if own.login == story.follower_login), None)
    context = {
        "story": story,
        "master": masters_visible(viewer.actor).filter(account__login=story.leader_login).first(),
        **_open_now(story, account),
    }
    context["steps"] = _told(story, viewer, account, context["master"])
    return render(request, "portal/parts/explain.html" if request.htmx else "portal/explain.html", context)


def _open_now(story: Story, account: TradingAccount | None) -> dict[str, Any]:
    """What the account holds of it: positions and orders that wait."""
    numbers = story.now.values.get("orders", ())
    if account is None or not numbers:
        return {"positions": [], "waiting": []}
    book = reads.book_of([account])
    return {
        "positions": [position for position in book.positions if position.order in numbers],
        "waiting": [waiting for waiting in book.waiting if waiting.order in numbers],
    }


def _told(story: Story, viewer: Viewer, account: TradingAccount | None, master: CopyMaster | None) -> list[Told]:
    """The steps; each button stands at the last step that it helps with."""
    subscription = None
    if account is not None:
        followed = subscriptions_followed(viewer.actor).filter(follower=account)
        subscription = followed.filter(leader__login=story.leader_login).first()
    told = [Told(step, _badge(step)) for step in story.steps]
    given: set[str] = set()
    for one in reversed(told):
        act = _act(one.step.code, subscription, master) if account is not None and viewer.copying else None
        if act is not None and act.url not in given:
            one.act = act
            given.add(act.url)
    return told


def _badge(step: Step) -> tuple[str, Any]:
    if step.what == "COPY":
        status = step.values.get("status")
        if status is not None:
            return "copy_order", CopyStatus(status)
        return "story", "WAITING" if step.code == "WAITING" else "COPY"
    return "story", step.what


def _act(code: str, subscription: CopySubscription | None, master: CopyMaster | None) -> Act | None:
    """The button that acts on a step, where there is one and it still makes a difference."""
    if subscription is None:
        if code not in _UNFOLLOWED or master is None:
            return None
        return Act(_("Follow"), "plus", reverse("portal:follow", args=[master.account.login]), "LINK")
    if code in _RESUMABLE and (subscription.status == SubscriptionStatus.PAUSED or not subscription.enabled):
        return Act(_("Resume"), "play", reverse("portal:resume", args=[subscription.pk]), "POST")
    if code in _BY_SETTINGS:
        return Act(_("Edit"), "pencil-square", reverse("portal:edit", args=[subscription.pk]), "DIALOG")
    return None
