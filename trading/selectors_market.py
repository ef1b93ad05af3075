"""Reads of the market side: what may be traded, at which quote."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from core.errors import forbidden, invalid, not_found
from core.rounding import ZERO
from core.sessions import is_open
from infra.actor import Actor
from trading.models import Instrument

OPEN, STALE, NO_QUOTES, CLOSED = "open", "stale", "no_quotes", "closed"
"""The states of an instrument's market, see `market_state`."""

_COLUMNS = (
    "symbol", "description", "asset_class", "profit_currency", "digits", "contract_size", "tick_size", "tick_value",
    "lot_min", "lot_max", "lot_step", "trade_enabled", "sessions", "stale_quote_seconds", "quote__bid", "quote__ask", "quote__at",
)  # fmt: skip


def instruments(actor: Actor) -> QuerySet[Instrument]:
    """All instruments of the actor's tenant, for staff."""
    if not actor.is_staff:
        raise forbidden("PERMISSION_DENIED", _("This is for staff."))
    return Instrument.objects.filter(tenant_id=actor.tenant_id)


def market_assets(actor: Actor, login: int | None, at: datetime) -> dict[str, dict[str, Any]]:
    """The tenant's instruments by symbol, with their last quotes, as an account sees them.

    Account sessions may leave the login out, customers too; staff must name one: 400 without. A login that is not the
    actor's is 403 `PERMISSION_DENIED`, for staff an unknown one 404. Volumes in lots; `bid` and `ask` are 0 without a
    quote.
    """
    if login is None:
        if actor.is_staff:
            raise invalid("login", _("is required"))
    elif not accounts(actor).filter(login=login).exists():
        if actor.is_staff:
            raise not_found(_("There is no such account."))
        raise forbidden("PERMISSION_DENIED", _("This account is not yours."))
    rows = Instrument.objects.filter(tenant_id=actor.tenant_id).order_by("symbol").values_list(*_COLUMNS)
    return {row[0]: _asset(row, at) for row in rows}


def market_state(
    *, trade_enabled: bool, sessions: str, stale_quote_seconds: int, quoted_at: datetime | None, at: datetime
) -> str:
    """The word for whether an instrument can be traded now.

    `closed`: trading is switched off, or the market is outside its sessions. `no_quotes`: never quoted. `stale`: the last
    quote is older than the instrument allows, so nothing is filled at it. Else `open`.
    """
    if not trade_enabled or not is_open(sessions, at):
        return CLOSED
    if quoted_at is None:
        return NO_QUOTES
    if stale_quote_seconds and at - quoted_at > timedelta(seconds=stale_quote_seconds):
        return STALE
    return OPEN


def _asset(row: tuple[Any, ...], at: datetime) -> dict[str, Any]:
    (
        symbol, description, asset_class, currency, digits, contract_size, tick_size, tick_value,
        lot_min, lot_max, lot_step, trade_enabled, sessions, stale_seconds, bid, ask, quoted_at,
    ) = row  # fmt: skip
    state = market_state(
        trade_enabled=trade_enabled,
        sessions=sessions,
        stale_quote_seconds=stale_seconds,
        quoted_at=quoted_at,
        at=at,
    )
    return {
        "symbol": symbol,
        "description": description,
        "group": asset_class,
        "currency": currency,
        "digits": digits,
        "contract_size": contract_size,
        "tick_size": tick_size,
        "tick_value": tick_value,
        "lot_min": lot_min,
        "lot_max": lot_max,
        "lot_step": lot_step,
        "bid": ZERO if bid is None else bid,
        "ask": ZERO if ask is None else ask,
        "trade": int(trade_enabled),
        "market_state": state,
    }
