"""The dashboard: what the accounts are worth, what is open, what was copied; and the same lists as CSV."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render

from copytrade.selectors import subscriptions_followed
from core.rounding import ZERO
from core.states import CopyStatus, Side
from infra.actor import Actor
from portal import reads
from portal.copy_rows import CopyOrderRow, copy_orders
from portal.exports import csv_answer
from portal.http import PortalRequest, Viewer, customer_page

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

BLANK_POSITION = reads.Position(
    order=0, login=0, currency="", symbol="", digits=0, side=Side.BUY, volume=ZERO, open_price=ZERO, current_price=None,
    sl=ZERO, tp=ZERO, profit=ZERO, opened_at=_BEGINNING, copied=False, leader="", point_value=ZERO, lot_min=ZERO,
    lot_step=ZERO,
)  # fmt: skip
BLANK_COPY_ORDER = CopyOrderRow(
    id=0, time=_BEGINNING, action="", symbol="", side=Side.BUY, volume=ZERO, status=CopyStatus.PENDING, reason="",
    detail="", latency_ms=None, leader_login=0, follower_login=0, leader_order=0,
)  # fmt: skip
BLANK_COPIED_TRADE = reads.CopiedTrade(
    order=0, login=0, currency="", symbol="", digits=0, side=Side.BUY, volume=ZERO, open_price=ZERO, close_price=ZERO,
    result=ZERO, closed_at=_BEGINNING,
)  # fmt: skip
"""Rows whose cells the live script fills."""


@customer_page
def dashboard(request: PortalRequest) -> HttpResponse:
    """The page, or with htmx the part of it that is read anew after a reconnection."""
    shown = request.viewer.shown
    if not shown:
        return render(request, "portal/dashboard.html")
    book = reads.book_of(shown)
    filled, refused = reads.copies_today(shown, request.at)
    orders, trades = copy_orders(request.viewer), reads.copied_trades(request.viewer.actor, shown)
    context = positions_context(book, request.viewer.actor) | {
        # Switched off, copying is shown to whom it has left something.
        "copying_shown": request.viewer.copying or bool(orders) or bool(trades),
        "equity": book.totals("equity"),
        "profit": book.totals("profit"),
        "copied_open": sum(position.copied for position in book.positions),
        "today_filled": filled,
        "today_refused": refused,
        "copy_orders": orders,
        "copied_trades": trades,
        "blank_copy_order": BLANK_COPY_ORDER,
        "blank_copied_trade": BLANK_COPIED_TRADE,
    }
    return render(request, "portal/parts/dashboard.html" if request.htmx else "portal/dashboard.html", context)


def positions_context(book: reads.Book, actor: Actor) -> dict[str, Any]:
    """What the positions table and the live script need."""
    return {"book": book, "blank_position": BLANK_POSITION, "live_data": _live_data(book, actor)}


def _live_data(book: reads.Book, actor: Actor) -> dict[str, Any]:
    """Contracts and accounts for the live script; numbers as text, exact."""
    return {
        "accounts": {
            now.account.login: {
                "currency": now.account.currency,
                "equity": now.picture.equity,
                "profit": now.picture.profit,
            }
            for now in book.accounts
        },
        "leaders": dict(subscriptions_followed(actor).values_list("leader__login", "master__strategy_name")),
        "symbols": {
            watched.instrument.symbol: {
                "digits": watched.instrument.digits,
                "points": {
                    currency: watched.instrument.tick_value / watched.instrument.tick_size * rate
                    for currency in {now.account.currency for now in book.accounts}
                    if (rate := book.market.rate(watched.instrument.profit_currency, currency)) is not None
                },
                "quote": [watched.quote.bid, watched.quote.ask] if watched.quote else None,
            }
            for watched in reads.market_watch()
        },
    }


# --- CSV ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[str, ...]
    rows: Iterable[Any]


@customer_page
def export(request: PortalRequest, table: str) -> HttpResponse:
    """The rows that the page shows, as CSV with exact numbers and times with their offset."""
    found = _table(table, request.viewer)
    return csv_answer(table, found.columns, ([getattr(row, column) for column in found.columns] for row in found.rows))


def _table(name: str, viewer: Viewer) -> _Table:
    columns: tuple[str, ...]
    match name:
        case "positions":
            columns = (
                "order", "login", "symbol", "side", "volume", "open_price", "current_price", "sl", "tp", "profit", "currency",
                "leader", "opened_at",
            )  # fmt: skip
            return _Table(columns, reads.book_of(viewer.shown).positions)
        case "copy-orders":
            columns = (
                "id", "time", "action", "symbol", "side", "volume", "status", "reason", "detail", "latency_ms", "leader_login",
                "follower_login",
            )  # fmt: skip
            return _Table(columns, copy_orders(viewer))
        case "copied-trades":
            columns = (
                "order", "login", "symbol", "side", "volume", "open_price", "close_price", "result", "currency", "closed_at",
            )  # fmt: skip
            return _Table(columns, reads.copied_trades(viewer.actor, viewer.shown))
    raise Http404
