"""Pending orders of the own accounts: changing and cancelling one."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from core.errors import DomainError
from core.states import Origin, Reason
from portal import formats, reads
from portal.forms import PendingForm
from portal.http import PortalRequest, attempt, customer_page, moved, refusal_sentence
from portal.waiting import WaitingOrder
from trading.domain.states import Stage
from trading.services.orders import Changes, OrderAnswer, order_cancel, order_modify


def _found(request: PortalRequest, order: int) -> tuple[WaitingOrder, TradingAccount]:
    book = reads.book_of(request.viewer.accounts) if request.viewer.accounts else None
    waiting = next((w for w in book.waiting if w.order == order), None) if book else None
    if waiting is None:
        raise Http404
    return waiting, request.viewer.own(waiting.login)


@customer_page
def modify(request: PortalRequest, order: int) -> HttpResponse:
    """Price, stops and expiration of one that waits."""
    waiting, account = _found(request, order)
    if request.method != "POST":
        stops = {
            name: formats.typed(value) if value else "" for name, value in (("sl", waiting.sl), ("tp", waiting.tp))
        }
        form = PendingForm(initial={"price": formats.typed(waiting.price), "expires": waiting.expires_at, **stops})
        return _dialog(request, waiting, form)
    form = PendingForm(request.POST)
    if not form.is_valid():
        return _dialog(request, waiting, form)
    data = form.cleaned_data
    changes = Changes(
        sl=data["sl"],
        tp=data["tp"],
        open_price=data["price"],
        expiration_at=data["expires"],
        never_expires=data["expires"] is None,
    )
    try:
        with attempt():
            answer = order_modify(
                account_id=account.pk,
                trade_id=order,
                changes=changes,
                at=request.at,
                stage=Stage.PENDING,
                origin=Origin.MANUAL,
                reason=Reason.WEB,
            )
    except DomainError as error:
        return _dialog(request, waiting, form, refusal_sentence(error))
    if not isinstance(answer, OrderAnswer):
        return _dialog(request, waiting, form, answer.message)
    return _said(request, _("Order %(order)s was changed.") % {"order": order})


@customer_page
def cancel(request: PortalRequest, order: int) -> HttpResponse:
    """Takes one back."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    _waiting, account = _found(request, order)
    try:
        with attempt():
            answer = order_cancel(
                account_id=account.pk, trade_id=order, at=request.at, origin=Origin.MANUAL, reason=Reason.WEB
            )
    except DomainError as error:
        return _said(request, refusal_sentence(error), "bad")
    if not isinstance(answer, OrderAnswer):
        return _said(request, answer.message, "bad")
    return _said(request, _("Order %(order)s was cancelled.") % {"order": order})


def _said(request: PortalRequest, text: str, tone: str = "good") -> HttpResponse:
    if not request.htmx:
        return moved(request, reverse("portal:trade"), text, tone)
    response = render(request, "portal/parts/said.html", {"notice": {"tone": tone, "text": text}})
    response["HX-Trigger"] = "reread-all"
    return response


def _dialog(request: PortalRequest, waiting: WaitingOrder, form: Any, refused: str = "") -> HttpResponse:
    part = "portal/parts/modify_order.html"
    context = {"w": waiting, "form": form, "refused": refused, "part": part}
    return render(request, part if request.htmx else "portal/dialog_page.html", context)
