"""The trade ticket, and closing from the positions table."""

import hashlib
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from core.errors import DomainError
from core.money import round_money
from core.states import Cmd, Origin, Reason, Side, TicketKind
from infra.bulk import hot_cursor
from portal import formats, reads
from portal.forms import CloseForm, TicketForm
from portal.http import PortalRequest, attempt, customer_page, moved, refusal_sentence
from portal.views.dashboard import positions_context
from portal.words import BADGES
from trading.domain.valuation import margin_needed
from trading.services.desk import desk_open
from trading.services.orders import OrderAnswer, order_close, order_open, order_open_pending


@customer_page
def ticket(request: PortalRequest) -> HttpResponse:
    """The page with ticket, market and positions; with htmx the part that is asked for."""
    viewer = request.viewer
    if not viewer.accounts:
        return render(request, "portal/trade.html")
    given = request.POST if request.method == "POST" else request.GET
    account = viewer.own(given["login"]) if given.get("login") else viewer.shown[0]
    watch = reads.market_watch()
    watched = next((w for w in watch if w.instrument.symbol == given.get("symbol")), None) or _first(watch)
    context: dict[str, Any] = {"account": account, "watch": watch, "watched": watched}
    if request.htmx.target == "live-part":
        return render(
            request, "portal/parts/trade_positions.html", positions_context(reads.book_of(viewer.shown), viewer.actor)
        )
    if watched is None:
        return render(request, "portal/trade.html", context)
    if request.htmx.target == "estimate":
        return render(request, "portal/parts/estimate.html", context | _estimate(account, watched, given))
    outcome = _ordered(request, account, watched) if request.method == "POST" else None
    context |= outcome or {"form": _blank(watched, given)}
    context |= _estimate(account, watched, context["form"].data or context["form"].initial)
    if request.htmx:
        response = render(request, "portal/parts/ticket.html", context)
        if "done" in context:
            response["HX-Trigger"] = "reread-all"
        return response
    return render(request, "portal/trade.html", context | positions_context(reads.book_of(viewer.shown), viewer.actor))


def _first(watch: list[reads.Watched]) -> reads.Watched | None:
    return next((w for w in watch if w.quote is not None), watch[0] if watch else None)


def _blank(watched: reads.Watched, given: Any) -> TicketForm:
    """A fresh ticket; a volume that was typed stays when only the account changes, stops go with their symbol."""
    kept = {name: given[name] for name in ("kind", "expires") if given.get(name)}
    if given.get("was") == watched.instrument.symbol and given.get("volume"):
        kept["volume"] = given["volume"]
    return TicketForm(initial={"attempt": uuid4().hex, "volume": formats.typed(watched.instrument.lot_min), **kept})


def _ordered(request: PortalRequest, account: TradingAccount, watched: reads.Watched) -> dict[str, Any]:
    """What became of the order: a sentence, and a ticket with the input kept and a new attempt."""
    form = TicketForm(request.POST)
    if not form.is_valid():
        if "side" in form.errors or "attempt" in form.errors:
            return {"form": form, "refused": _("Choose Buy or Sell.")}
        return {"form": _again(form)}
    data = form.cleaned_data
    symbol, side = watched.instrument.symbol, Side(data["side"])
    if request.POST.get("symbol") != symbol:
        return {"form": _again(form), "refused": _("This symbol cannot be traded.")}
    kind = TicketKind(data["kind"])
    order: dict[str, Any] = {
        "account_id": account.pk,
        "symbol": symbol,
        "side": side,
        **{name: data[name] for name in ("volume", "sl", "tp")},
        "at": request.at,
        "origin": Origin.MANUAL,
        "reason": Reason.WEB,
        "client_order_id": f"web:{data['attempt']}",
    }
    if kind is not TicketKind.MARKET:
        order |= {"kind": kind, "open_price": data["price"], "expiration_at": data["expires"]}
    order["request_hash"] = _hash(*(order[name] for name in order if name not in ("at", "client_order_id")))
    try:
        with attempt():
            answer = order_open(**order) if kind is TicketKind.MARKET else order_open_pending(**order)
    except DomainError as error:
        return {"form": _again(form), "refused": refusal_sentence(error)}
    if not isinstance(answer, OrderAnswer):
        return {"form": _again(form), "refused": answer.message}
    if kind is not TicketKind.MARKET:
        return {"form": _again(form), "done": _placed(answer, watched, Cmd.of(side, kind), data)}
    return {"form": _again(form), "done": _opened(answer, watched, side, data["volume"])}


def _placed(answer: OrderAnswer, watched: reads.Watched, cmd: Cmd, data: dict[str, Any]) -> str:
    said = _("%(kind)s placed: %(lots)s lots of %(symbol)s at %(price)s, order %(order)s.")
    return said % {
        "kind": BADGES["order"][cmd][0],
        "lots": formats.lots(data["volume"]),
        "symbol": watched.instrument.symbol,
        "price": formats.price(data["price"], watched.instrument.digits),
        "order": answer.order,
    }


def _opened(answer: OrderAnswer, watched: reads.Watched, side: Side, volume: Decimal) -> str:
    words = {
        "lots": formats.lots(volume),
        "symbol": watched.instrument.symbol,
        "price": formats.price(Decimal(str(answer.wire["price"])), watched.instrument.digits),
        "order": answer.order,
    }
    if side is Side.BUY:
        return _("Bought %(lots)s lots of %(symbol)s at %(price)s, order %(order)s.") % words
    return _("Sold %(lots)s lots of %(symbol)s at %(price)s, order %(order)s.") % words


def _again(form: Any) -> Any:
    """The same form, with the input kept and a new attempt, so that the next click is a new order."""
    form.data = {**form.data.dict(), "attempt": uuid4().hex}
    return form


def _hash(*parts: object) -> str:
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def _estimate(account: TradingAccount, watched: reads.Watched, given: Any) -> dict[str, Any]:
    """Margin and commission of the order as it is typed now; nothing while the volume is no number."""
    volume = _typed(given.get("volume"))
    desk = desk_open(hot_cursor(), [account.pk], [watched.instrument.symbol], lock=False)
    state = desk.accounts[account.pk]
    spec = desk.market.find(watched.instrument.symbol)
    quote = None if spec is None else desk.market.quote(spec)
    if volume is None or spec is None or quote is None:
        return {"estimate": None, "quote": quote}
    return {
        "quote": quote,
        "estimate": {
            "margin": margin_needed(state, desk.market, spec, volume, quote.ask),
            "commission": round_money(state.commission_per_lot * volume, state.currency),
            "notional": volume * spec.contract_size,
            "currency": state.currency,
        },
    }


def _typed(value: object) -> Decimal | None:
    field = TicketForm.base_fields["volume"]
    try:
        number: Decimal = field.clean(value)
    except Exception:
        return None
    return number


@customer_page
def close(request: PortalRequest, order: int) -> HttpResponse:
    """The dialog with the numbers, and the closing itself: all of a ticket, or a part."""
    book = reads.book_of(request.viewer.accounts) if request.viewer.accounts else None
    position = next((p for p in book.positions if p.order == order), None) if book else None
    if position is None:
        raise Http404
    account = request.viewer.own(position.login)
    if request.method != "POST":
        form = CloseForm(initial={"attempt": uuid4().hex, "volume": formats.typed(position.volume)})
        return _close_dialog(request, position, form)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _close_dialog(request, position, _again(form))
    volume = form.cleaned_data["volume"]
    try:
        with attempt():
            answer = order_close(
                account_id=account.pk,
                trade_id=order,
                volume=None if volume == position.volume else volume,
                at=request.at,
                origin=Origin.MANUAL,
                reason=Reason.WEB,
                client_order_id=f"web:{form.cleaned_data['attempt']}",
                request_hash=_hash("close", order, volume),
            )
    except DomainError as error:
        return _close_dialog(request, position, _again(form), refusal_sentence(error))
    if not isinstance(answer, OrderAnswer):
        return _close_dialog(request, position, _again(form), answer.message)
    text = _("Closed %(lots)s lots of %(symbol)s at %(price)s.") % {
        "lots": formats.lots(volume),
        "symbol": position.symbol,
        "price": formats.price(Decimal(str(answer.wire["price"])), position.digits),
    }
    if not request.htmx:
        return moved(request, reverse("portal:dashboard"), text)
    response = render(request, "portal/parts/said.html", {"notice": {"tone": "good", "text": text}})
    response["HX-Trigger"] = "reread-all"
    return response


def _close_dialog(request: PortalRequest, position: reads.Position, form: CloseForm, refused: str = "") -> HttpResponse:
    context = {"p": position, "form": form, "refused": refused, "part": "portal/parts/close.html"}
    return render(request, "portal/parts/close.html" if request.htmx else "portal/dialog_page.html", context)
