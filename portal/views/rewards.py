"""Rewards: what own accounts paid and earned, how each fee came about, and the answer to dearer terms."""

from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from copytrade.selectors import subscription_owned
from core.errors import DomainError
from core.rounding import half_even
from portal import formats
from portal.exports import csv_answer
from portal.http import PortalRequest, attempt, copying_page, moved, refusal_sentence
from portal.reads import ROWS_SHOWN, Total
from portal.reward_reads import COLUMNS, EARNED, PAID, STATES, RewardRow, rewards_shown, sums_of
from portal.terms import terms_example, terms_words
from portal.words_rewards import DIFFERENCES
from rewards.models import RewardAgreement
from rewards.selectors import waiting_terms
from rewards.selectors_statement import Line, statement_of
from rewards.services.agreements import reward_terms_accept, reward_terms_refuse

LINES_SHOWN: Final = 20
_STATE_WORDS: Final = {
    "": gettext_lazy("All"),
    "settled": gettext_lazy("Paid"),
    "open": gettext_lazy("Not paid yet"),
    "failed": gettext_lazy("Failed"),
}


@copying_page
def listing(request: PortalRequest) -> HttpResponse:
    """What the shown accounts paid as followers, or earned as masters."""
    side, state = _asked(request)
    page = _page(request, side, state)
    query = f"side={side}&" + (f"state={state}&" if state else "")
    context = {
        "side": side,
        "state": state,
        "states": list(_STATE_WORDS.items()),
        "page": page,
        "rows": [RewardRow(reward, side) for reward in page],
        "sums": sums_of(rewards_shown(request.viewer, side), side),
        "query": query,
        "export": f"{reverse('portal:rewards-csv')}?{query}page={page.number}",
    }
    return render(request, "portal/rewards.html", context)


@copying_page
def export(request: PortalRequest) -> HttpResponse:
    """The rows that are shown, as CSV with exact numbers."""
    side, state = _asked(request)
    rows = (RewardRow(reward, side).exported() for reward in _page(request, side, state))
    return csv_answer(f"rewards-{side}", COLUMNS, rows)


def _asked(request: PortalRequest) -> tuple[str, str]:
    side = EARNED if request.GET.get("side") == EARNED else PAID
    state = request.GET.get("state", "")
    return side, state if state in STATES else ""


def _page(request: PortalRequest, side: str, state: str) -> Page[Any]:
    return Paginator(rewards_shown(request.viewer, side, state), ROWS_SHOWN).get_page(request.GET.get("page"))


# --- The statement ------------------------------------------------------------------------------------------------------


@copying_page
def statement(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """Every fee of a subscription worked out anew, for either side. With `all` everything on one page, opened, to print; with
    `reward` the page that has this one, opened."""
    actor = request.viewer.actor
    found = statement_of(actor, subscription_id)
    whole = "all" in request.GET
    wanted = request.GET.get("reward", "")
    number = request.GET.get("page") or _page_of(found.lines, wanted)
    page = Paginator(found.lines, max(1, len(found.lines)) if whole else LINES_SHOWN).get_page(number)
    follows = found.subscription.follower.customer_id == actor.user_id
    context = {
        "found": found,
        "s": found.subscription,
        "side": PAID if follows else EARNED,
        "follows": follows,
        "page": page,
        "whole": whole,
        "wanted": wanted,
        "lines": [_told(line, PAID if follows else EARNED) for line in page],
        "open": found.totals.waiting + found.totals.failed,
        "paid_out": [Total(currency, amount) for currency, amount in found.totals.paid_out.items()],
        "marks": [line for line in found.lines if line.marks is not None],
        "terms": None if found.agreement is None else terms_words(found.agreement.terms),
        "waiting": _waiting(request, subscription_id),
    }
    return render(request, "portal/reward_statement.html", context)


def _page_of(lines: Sequence[Line], wanted: str) -> int:
    """The page that has the wanted reward, the first one for none."""
    places = (place for place, line in enumerate(lines) if str(line.accrual.pk) == wanted)
    return next(places, 0) // LINES_SHOWN + 1


def _told(line: Line, side: str) -> dict[str, Any]:
    return {
        "line": line,
        "row": RewardRow(line.accrual, side),
        "formula": line.formula(_number),
        "terms": terms_words(line.accrual.terms),
        "differs": [DIFFERENCES[what] for what in line.differences],
    }


def _number(value: Any) -> str:
    """Amounts of a line as they are, at most with the digits that the database keeps."""
    return formats.number(half_even(value, 10))


# --- Dearer terms -------------------------------------------------------------------------------------------------------


@copying_page
def terms(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """The terms that wait for the next period: a dialog with both terms, and the follower's answer."""
    subscription = subscription_owned(request.viewer.actor, subscription_id)
    agreement = _waiting(request, subscription_id)
    context: dict[str, Any] = {"s": subscription, "agreement": agreement, "part": "portal/parts/reward_terms.html"}
    if agreement is not None:
        currency = subscription.follower.currency
        context |= {"now": terms_words(agreement.terms), "then": terms_words(agreement.next_terms)}
        context["example"] = terms_example(agreement.next_terms, currency) if agreement.next_terms else ""
    if request.method != "POST":
        return _dialog(request, context)
    version = request.POST.get("version", "")
    accepts = "accept" in request.POST
    try:
        with attempt():
            number = int(version) if version.isdecimal() else 0
            if accepts:
                reward_terms_accept(subscription_id=subscription_id, version=number, at=request.at)
            else:
                reward_terms_refuse(subscription_id=subscription_id, version=number)
    except DomainError as error:
        return _dialog(request, context | {"refused": refusal_sentence(error)})
    said = (
        _("Accepted. The new terms hold from the next period on.")
        if accepts
        else _("Not accepted. The subscription ends with its period; open copies keep the leader's exits.")
    )
    return moved(request, reverse("portal:copying"), said)


def _waiting(request: PortalRequest, subscription_id: int) -> RewardAgreement | None:
    return waiting_terms(request.viewer.actor).filter(subscription_id=subscription_id).first()


def _dialog(request: PortalRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, context["part"] if request.htmx else "portal/dialog_page.html", context)
