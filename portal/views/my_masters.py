"""The customer's own masters: offering a strategy, changing it, resting it, ending it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.models import CopyMaster, CopySubscription
from copytrade.selectors import master_owned, masters_visible, reward_policy_of
from copytrade.selectors_masters import status_reasons
from copytrade.services.endings import OpenCopies
from copytrade.services.masters import master_create, master_end, master_update
from core.errors import DomainError
from core.states import AccountMode, CopyRole
from portal import formats, reads
from portal.forms_master import NEW_MASTER, MasterForm, master_initial
from portal.http import PortalRequest, attempt, copying_page, customer_page, moved, refusal_sentence
from portal.master_reads import figures_of
from portal.reward_reads import earned_by
from portal.statistics import PERIODS, USUAL_PERIOD
from portal.terms import terms_of
from portal.words import MASTER_STATES, QUALIFICATIONS
from rewards.selectors import terms_waiting


@copying_page
def listing(request: PortalRequest) -> HttpResponse:
    """All own masters, those that ended too: their history stays."""
    actor = request.viewer.actor
    own = CopyMaster.objects.filter(customer_id=actor.user_id).select_related("account", "reward_policy")
    found = list(own.order_by("-created_at", "-pk"))
    visible: Any = masters_visible(actor).filter(customer_id=actor.user_id)
    followers = {master.pk: master.followers for master in visible}
    figures = figures_of(found, USUAL_PERIOD)
    reasons = status_reasons(master.pk for master in found)
    earned = earned_by(master.pk for master in found)
    rows = [
        {
            "master": master,
            "followers": followers.get(master.pk, 0),
            "terms": terms_of(master),
            "says": MASTER_STATES.get(master.status, ""),
            "reason": reasons.get(master.pk, ""),
            "stats": figures.get(master.pk),
            "earned": earned.get(master.pk, []),
        }
        for master in found
    ]
    living = [row for row in rows if row["master"].ended_at is None]
    ended = [row for row in rows if row["master"].ended_at is not None]
    return render(request, "portal/my_masters.html", {"rows": living, "ended": ended, "period": PERIODS[USUAL_PERIOD]})


# --- Offering and changing ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """An own account in the form of a new master; `reason` says why it cannot be chosen."""

    account: TradingAccount
    reason: str


@copying_page
def create(request: PortalRequest) -> HttpResponse:
    """A new profile on one of the own accounts."""
    candidates = _candidates(request)
    free = [candidate.account.login for candidate in candidates if not candidate.reason]
    context: dict[str, Any] = {"candidates": candidates, "possible": bool(free)}
    if request.method != "POST":
        payout = {"payout_account_login": free[0]} if free else {}
        form = MasterForm(initial={**NEW_MASTER, **payout}, accounts=request.viewer.accounts)
        return _form(request, context | {"form": form, "picked": free[0] if free else None})
    form = MasterForm(request.POST, accounts=request.viewer.accounts)
    picked = next((login for login in free if str(login) == request.POST.get("login")), None)
    context |= {"form": form, "picked": picked}
    if picked is None:
        return _form(request, context | {"refused": _("Choose one of your accounts.")})
    if not form.is_valid():
        return _form(request, context)
    try:
        with attempt():
            made = master_create(
                actor=request.viewer.actor,
                login=picked,
                settings=form.profile(),
                reward_policy=form.terms(),
                at=request.at,
            )
    except DomainError as error:
        return _form(request, context | {"refused": refusal_sentence(error), "rules": _rules(error)})
    said = MASTER_STATES.get(made.status) or _("Your strategy is offered.")
    return moved(request, reverse("portal:my-masters"), str(said))


@copying_page
def change(request: PortalRequest, master_id: int) -> HttpResponse:
    """Profile and terms of a living master."""
    master = master_owned(request.viewer.actor, master_id)
    policy = reward_policy_of(master)
    context: dict[str, Any] = {
        "master": master,
        "says": MASTER_STATES.get(master.status, ""),
        "possible": True,
        "behind": terms_waiting(master.pk),
    }
    if request.method != "POST":
        form = MasterForm(initial=master_initial(master, policy), accounts=request.viewer.accounts)
        return _form(request, context | {"form": form})
    form = MasterForm(request.POST, accounts=request.viewer.accounts)
    if not form.is_valid():
        return _form(request, context | {"form": form})
    try:
        with attempt():
            master_update(
                master_id=master.pk,
                settings=form.profile(),
                reward_policy=form.terms(),
                actor=request.viewer.actor,
                at=request.at,
            )
    except DomainError as error:
        return _form(request, context | {"form": form, "refused": refusal_sentence(error)})
    return moved(request, reverse("portal:my-masters"), _("Saved. Changed terms count from the next period on."))


def _form(request: PortalRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "portal/master_form.html", context)


def _rules(error: DomainError) -> list[str]:
    """What the operator asks of an account before it can lead, as far as the refusal tells."""
    return [
        str(QUALIFICATIONS[rule["rule"]])
        % {"required": formats.number(Decimal(rule["required"])), "actual": formats.number(Decimal(rule["actual"]))}
        for rule in error.extra.get("rules", [])
    ]


def _candidates(request: PortalRequest) -> list[Candidate]:
    taken = set(
        CopyMaster.objects.filter(account__in=request.viewer.accounts, ended_at__isnull=True).values_list(
            "account_id", flat=True
        )
    )
    return [Candidate(account, _obstacle(account, account.pk in taken)) for account in request.viewer.accounts]


def _obstacle(account: TradingAccount, taken: bool) -> str:
    """Why this account cannot lead, in a sentence; the service decides again under the lock."""
    if account.mode is not AccountMode.REAL:
        return _("It is a demo account; masters trade real ones.")
    if taken:
        return _("It has a master profile already.")
    if account.copy_role == CopyRole.FOLLOWER:
        return _("It follows others: an account is a leader or a follower, never both.")
    return ""


# --- Resting and ending -------------------------------------------------------------------------------------------------


@customer_page
def rest(request: PortalRequest, master_id: int) -> HttpResponse:
    """The owner's switch off: no new copies, not listed; open copies follow the exits."""
    return _switch(request, master_id, False, _("Paused. Nothing new is copied; open copies still follow your exits."))


@copying_page
def wake(request: PortalRequest, master_id: int) -> HttpResponse:
    """The owner's switch on."""
    return _switch(request, master_id, True, _("Resumed. Your next trade is copied."))


def _switch(request: PortalRequest, master_id: int, on: bool, said: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    master = master_owned(request.viewer.actor, master_id)
    try:
        with attempt():
            master_update(
                master_id=master.pk,
                settings={"enabled": on},
                reward_policy=None,
                actor=request.viewer.actor,
                at=request.at,
            )
    except DomainError as error:
        return moved(request, reverse("portal:my-masters"), refusal_sentence(error), "bad")
    return moved(request, reverse("portal:my-masters"), said)


@customer_page
def end(request: PortalRequest, master_id: int) -> HttpResponse:
    """Ends a profile for good: the dialog says how many followers and open copies it concerns, and asks what becomes of
    them."""
    master = master_owned(request.viewer.actor, master_id)
    context: dict[str, Any] = {"master": master, "part": "portal/parts/end_master.html", **_concerned(master)}
    if request.method != "POST":
        return _dialog(request, context)
    wish = request.POST.get("open_copies", OpenCopies.KEEP_EXITS)
    if wish not in list(OpenCopies):
        return _dialog(request, context | {"refused": _("Choose what becomes of the open copies.")})
    try:
        with attempt():
            master_end(master_id=master.pk, open_copies=OpenCopies(wish), at=request.at)
    except DomainError as error:
        return _dialog(request, context | {"refused": refusal_sentence(error)})
    return moved(request, reverse("portal:my-masters"), _("The strategy has ended; its history stays."))


def _dialog(request: PortalRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, context["part"] if request.htmx else "portal/dialog_page.html", context)


def _concerned(master: CopyMaster) -> dict[str, Any]:
    """How many subscriptions end, how many copies are open, and their floating result by currency."""
    subscriptions: Sequence[CopySubscription] = list(
        CopySubscription.objects.filter(master=master, ended_at__isnull=True).select_related("follower")
    )
    copies = reads.open_copies_of(subscriptions).values()
    return {
        "followers": len(subscriptions),
        "copies": sum(held.number for held in copies),
        "floating": reads.totals((held.currency, held.floating) for held in copies if held.number),
    }
