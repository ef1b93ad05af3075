"""Instruments: made and changed by administrators, or installed from the built-in catalogue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import psycopg
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.contracts import AssetClass, Variant
from core.errors import conflict, invalid
from core.rounding import STORED_DIGITS, is_multiple, stored
from core.sessions import ALWAYS_OPEN, Fault, SessionsError, sessions_of
from trading.catalogue import BY_SYMBOL, CONTRACTS, CatalogueContract
from trading.domain.storage import TRIPLE_DAY
from trading.models import Feed, Instrument

LOT_UNIT = Decimal("0.01")
"""The smallest step of a volume on the wire (D27)."""
CHANGEABLE = frozenset(
    {
        "description", "asset_class", "family", "variant", "contract_size", "tick_size", "tick_value", "digits",
        "profit_currency", "lot_min", "lot_max", "lot_step", "margin_percent", "margin_per_lot", "stale_quote_seconds",
        "sessions", "feed", "trade_enabled", "swap_long", "swap_short", "swap_triple_day",
    }
)  # fmt: skip

# What else appears in lists of symbols, addresses and topics is left out: comma, *, /, @ and white space.
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#&!+-]{0,31}")
_CURRENCY = re.compile(r"[A-Z0-9]{3,8}")
_POSITIVE = ("contract_size", "tick_size", "tick_value", "lot_min", "lot_max", "lot_step")
_NOT_NEGATIVE = ("margin_percent", "margin_per_lot", "stale_quote_seconds")
_LARGEST = Decimal(10) ** 15
_LARGEST_SECONDS = 2**31 - 1
_FAULTS = {
    Fault.FORM: gettext_lazy('"%(part)s" is neither "24/7" nor like "Sun 17:00-Fri 17:00 America/New_York"'),
    Fault.ZONE: gettext_lazy('"%(part)s" names no time zone'),
    Fault.HOURS: gettext_lazy('"%(part)s" has hours that end where or before they begin'),
}


def instrument_create(
    *,
    tenant_id: int,
    symbol: str,
    asset_class: str,
    contract_size: Decimal,
    tick_size: Decimal,
    digits: int,
    lot_min: Decimal,
    lot_max: Decimal,
    lot_step: Decimal,
    description: str = "",
    family: str = "",
    variant: str = Variant.STANDARD,
    tick_value: Decimal | None = None,
    profit_currency: str = "USD",
    margin_percent: Decimal = Decimal(1),
    margin_per_lot: Decimal = Decimal(0),
    stale_quote_seconds: int = 0,
    sessions: str = ALWAYS_OPEN,
    feed: str = Feed.NONE,
    trade_enabled: bool = True,
    swap_long: Decimal = Decimal(0),
    swap_short: Decimal = Decimal(0),
    swap_triple_day: int = TRIPLE_DAY,
) -> Instrument:
    """A new instrument. Volumes in lots; `tick_value` in the profit currency per lot, None for the default
    contract_size x tick_size. `sessions` is a line of `core.sessions`, `swap_long` and `swap_short` are points per lot and
    night, see `trading.domain.storage`.

    Raises 400 `INVALID_DATA` that names the field, 409 `RET_DUPLICATE_RECORD` for a symbol that the tenant has.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise invalid("symbol", _("must be 1 to 32 letters, digits or . _ # & ! + - and begin with a letter or digit"))
    instrument = Instrument(
        tenant_id=tenant_id,
        symbol=symbol,
        description=description,
        asset_class=asset_class,
        family=family,
        variant=variant,
        contract_size=contract_size,
        tick_size=tick_size,
        tick_value=tick_value if tick_value is not None else _worth_of_tick(contract_size, tick_size),
        digits=digits,
        profit_currency=profit_currency,
        lot_min=lot_min,
        lot_max=lot_max,
        lot_step=lot_step,
        margin_percent=margin_percent,
        margin_per_lot=margin_per_lot,
        stale_quote_seconds=stale_quote_seconds,
        sessions=sessions,
        feed=feed,
        trade_enabled=trade_enabled,
        swap_long=swap_long,
        swap_short=swap_short,
        swap_triple_day=swap_triple_day,
    )
    _check(instrument)
    try:
        with transaction.atomic():
            instrument.save(force_insert=True)
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            raise conflict("RET_DUPLICATE_RECORD", _("There is an instrument with this symbol already.")) from error
        raise
    return instrument


def instrument_update(*, tenant_id: int, symbol: str, changes: Mapping[str, Any]) -> Instrument:
    """Changes the given fields (of `CHANGEABLE`) and no others.

    Setting `feed`, also to what it is, ends the silence that posted quotes brought over the simulation.

    Raises 400 `INVALID_DATA` that names the field, also for a symbol that the tenant does not have.
    """
    instrument = Instrument.objects.select_for_update(no_key=True).filter(tenant_id=tenant_id, symbol=symbol).first()
    if instrument is None:
        raise invalid("symbol", _("is not an instrument"))
    if unknown := set(changes) - CHANGEABLE:
        raise TypeError(f"these fields of an instrument cannot be changed: {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        setattr(instrument, name, value)
    _check(instrument)
    written = set(changes)
    if "feed" in changes:
        instrument.feed_paused = False
        written.add("feed_paused")
    if written:
        instrument.save(update_fields=written)
    return instrument


def catalogue_install(
    *, tenant_id: int, symbols: Iterable[str] | None = None, feed: str = Feed.SIMULATED
) -> list[Instrument]:
    """The built-in contracts (all, or those named) as instruments of the tenant.

    Simulated ones are traded at any hour, as their quotes never rest; others in the sessions of their real market.

    Symbols that it has already stay as they are. Gives all of them, in the catalogue's order. Raises 400 `INVALID_DATA`
    for a symbol that is not in the catalogue.
    """
    wanted = set(BY_SYMBOL) if symbols is None else set(symbols)
    if unknown := sorted(wanted - set(BY_SYMBOL)):
        raise invalid("symbols", _("%(symbol)s is not in the catalogue") % {"symbol": unknown[0]})
    if feed not in Feed.values:
        raise invalid("feed", _("must be one of %(choices)s") % {"choices": ", ".join(Feed.values)})
    contracts = [contract for contract in CONTRACTS if contract.symbol in wanted]
    Instrument.objects.bulk_create(
        [Instrument(tenant_id=tenant_id, feed=feed, **_terms(contract, feed)) for contract in contracts],
        ignore_conflicts=True,
    )
    found = {i.symbol: i for i in Instrument.objects.filter(tenant_id=tenant_id, symbol__in=wanted)}
    return [found[contract.symbol] for contract in contracts]


def _terms(contract: CatalogueContract, feed: str) -> dict[str, Any]:
    terms = asdict(contract)
    return {**terms, "sessions": ALWAYS_OPEN} if feed == Feed.SIMULATED else terms


def _worth_of_tick(contract_size: Decimal, tick_size: Decimal) -> Decimal:
    """Contract size x tick size, as it can be stored; what is too large is left for `_check` to refuse."""
    return stored(min(contract_size * tick_size, _LARGEST + 1))


def _check(instrument: Instrument) -> None:
    """Whether the instrument as a whole makes sense; the database's constraints say the same of sizes and lots."""
    if instrument.asset_class not in list(AssetClass):
        raise invalid("asset_class", _("must be one of %(choices)s") % {"choices": ", ".join(AssetClass)})
    if instrument.variant not in list(Variant):
        raise invalid("variant", _("must be one of %(choices)s") % {"choices": ", ".join(Variant)})
    if instrument.feed not in Feed.values:
        raise invalid("feed", _("must be one of %(choices)s") % {"choices": ", ".join(Feed.values)})
    for field in _POSITIVE:
        if getattr(instrument, field) <= 0:
            raise invalid(field, _("must be above 0"))
    for field in _NOT_NEGATIVE:
        if getattr(instrument, field) < 0:
            raise invalid(field, _("must not be negative"))
    if instrument.lot_max < instrument.lot_min:
        raise invalid("lot_max", _("must not be below lot_min"))
    if not is_multiple(instrument.lot_step, LOT_UNIT):
        raise invalid("lot_step", _("must be a multiple of 0.01"))
    if not 0 <= instrument.digits <= STORED_DIGITS:
        raise invalid("digits", _("must be from 0 to %(most)s") % {"most": STORED_DIGITS})
    if instrument.stale_quote_seconds > _LARGEST_SECONDS:
        raise invalid("stale_quote_seconds", _("must be at most %(most)s") % {"most": _LARGEST_SECONDS})
    for field in (
        "contract_size",
        "tick_size",
        "tick_value",
        "lot_max",
        "lot_step",
        "margin_percent",
        "margin_per_lot",
    ):
        if getattr(instrument, field) > _LARGEST:
            raise invalid(field, _("must be at most %(most)s") % {"most": _LARGEST})
    if not _CURRENCY.fullmatch(instrument.profit_currency):
        raise invalid("profit_currency", _("must be 3 to 8 capital letters or digits"))
    try:
        sessions_of(instrument.sessions)
    except SessionsError as error:
        raise invalid("sessions", str(_FAULTS[error.fault]) % {"part": error.part}) from error
    if not 0 <= instrument.swap_triple_day <= 7:
        raise invalid("swap_triple_day", _("must be from 0 to 7"))
    for field in ("swap_long", "swap_short"):
        if abs(getattr(instrument, field)) > _LARGEST:
            raise invalid(field, _("must be at most %(most)s") % {"most": _LARGEST})
    for field, longest in (("description", 255), ("family", 32), ("sessions", 255)):
        if len(getattr(instrument, field)) > longest:
            raise invalid(field, _("must have at most %(most)s characters") % {"most": longest})
