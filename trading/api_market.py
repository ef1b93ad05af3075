"""REST of the market side: `/market` for terminals, `/manage/instruments` and `/manage/quotes` for staff."""

from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from core.contracts import AssetClass, Variant
from infra.actor import ADMIN_SESSIONS, ALL_SESSIONS, DEALING_SESSIONS, STAFF_SESSIONS
from infra.api.fields import (
    Body,
    CleanTextField,
    FlagField,
    IdField,
    ListOf,
    TextChoiceField,
    UnixTimeField,
    WholeNumberField,
    WireDecimalField,
    refuse_changes,
)
from infra.api.paths import api_path
from infra.api.schema import LOGIN, describe
from infra.api.shapes import record, whole
from infra.api.tables import DECIMAL, FLAG, TEXT, WHOLE, Column, Table
from infra.api.views import ApiView
from trading import api_shapes as shapes
from trading.models import Feed, Instrument
from trading.selectors_market import instruments, market_assets
from trading.services.instruments import CHANGEABLE, instrument_create, instrument_update
from trading.services.quotes import NewQuote, QuoteSource, quotes_store

MOST_QUOTES: Final = 1_000
SESSIONS: Final = (
    "`24/7`, or parts joined by `; `: `Sun 17:00-Fri 17:00 America/New_York` over the week, `Mon-Fri 09:30-16:00"
    " America/New_York` on each day, both with an optional `break 12:00-13:00` before the zone."
)
SWAP: Final = "Points of 10^-digits per lot and night, positive for the customer."
TRIPLE: Final = "The day whose night counts three times: 1 Monday to 7 Sunday; 0: every night of the week counts once."
EURUSD: Final = {
    "symbol": "EURUSD",
    "asset_class": "FX",
    "contract_size": 100000,
    "tick_size": "0.00001",
    "digits": 5,
    "lot_min": "0.01",
    "lot_max": 100,
    "lot_step": "0.01",
}

INSTRUMENTS = Table(
    Instrument,
    {
        "id": Column("id", WHOLE),
        "symbol": Column("symbol", TEXT),
        "description": Column("description", TEXT),
        "asset_class": Column("asset_class", TEXT),
        "family": Column("family", TEXT),
        "variant": Column("variant", TEXT),
        "contract_size": Column("contract_size", DECIMAL),
        "tick_size": Column("tick_size", DECIMAL),
        "tick_value": Column("tick_value", DECIMAL),
        "digits": Column("digits", WHOLE),
        "profit_currency": Column("profit_currency", TEXT),
        "lot_min": Column("lot_min", DECIMAL),
        "lot_max": Column("lot_max", DECIMAL),
        "lot_step": Column("lot_step", DECIMAL),
        "margin_percent": Column("margin_percent", DECIMAL),
        "margin_per_lot": Column("margin_per_lot", DECIMAL),
        "stale_quote_seconds": Column("stale_quote_seconds", WHOLE),
        "sessions": Column("sessions", TEXT),
        "feed": Column("feed", TEXT),
        "feed_paused": Column("feed_paused", FLAG),
        "trade": Column("trade_enabled", FLAG),
        "swap_long": Column("swap_long", DECIMAL),
        "swap_short": Column("swap_short", DECIMAL),
        "swap_triple_day": Column("swap_triple_day", WHOLE),
    },
    order=[("id", "desc")],
)


class MarketQuery(Body):
    """`login`: whose view of the market; required for staff."""

    login = IdField(required=False)


class InstrumentTerms(Body):
    """The terms of an instrument. Volumes are lots; `trade` 0 switches trading off."""

    symbol = CleanTextField(max_length=32, min_length=1)
    description = CleanTextField(required=False)
    asset_class = TextChoiceField(AssetClass)
    family = CleanTextField(max_length=32, required=False)
    variant = TextChoiceField(Variant, required=False)
    contract_size = WireDecimalField(positive=True)
    tick_size = WireDecimalField(positive=True)
    tick_value = WireDecimalField(positive=True, required=False)
    digits = WholeNumberField(min_value=0, max_value=10)
    profit_currency = CleanTextField(max_length=8, required=False)
    lot_min = WireDecimalField(positive=True)
    lot_max = WireDecimalField(positive=True)
    lot_step = WireDecimalField(positive=True)
    margin_percent = WireDecimalField(min_value=0, required=False)
    margin_per_lot = WireDecimalField(min_value=0, required=False)
    stale_quote_seconds = WholeNumberField(min_value=0, max_value=2**31 - 1, required=False)
    sessions = CleanTextField(required=False, help_text=SESSIONS)
    feed = TextChoiceField(Feed, required=False)
    trade = FlagField(required=False)
    swap_long = WireDecimalField(required=False, help_text=SWAP)
    swap_short = WireDecimalField(required=False, help_text=SWAP)
    swap_triple_day = WholeNumberField(min_value=0, max_value=7, required=False, help_text=TRIPLE)


class InstrumentName(Body):
    """The one key that a change of an instrument cannot do without."""

    symbol = CleanTextField(max_length=32, min_length=1)


class PostedQuote(Body):
    """One quote; `time` in unix seconds, 0 or absent: now."""

    symbol = CleanTextField(max_length=32, min_length=1)
    bid = WireDecimalField(positive=True)
    ask = WireDecimalField(positive=True)
    time = UnixTimeField(required=False)


class PostedQuotes(Body):
    """Quotes in their order; all of them are taken, or none."""

    quotes = ListOf(PostedQuote(), min_items=1, max_items=MOST_QUOTES)


class MarketView(ApiView):
    """What can be traded, with the last quotes.

    `market_state` is `open`, `stale` (the last quote is older than the instrument allows), `no_quotes` (never quoted;
    `bid` and `ask` are 0) or `closed` (outside the trading sessions, or trading is switched off; then `trade` is 0).
    `group` is the asset class, `currency` the one in which the price is; `lot_min`, `lot_max` and `lot_step` are lots
    as decimals.
    """

    session_types = ALL_SESSIONS
    customer_address = False

    @describe(
        "What can be traded, with the last quotes",
        query=[OpenApiParameter("login", LOGIN, description="required for staff")],
        answer=shapes.MARKET,
        errors={403: ("PERMISSION_DENIED",), 404: ("RET_ERR_NOTFOUND",)},
    )
    def get(self, request: Request) -> Response:
        login = self.query(MarketQuery).get("login")
        return Response({"assets": market_assets(self.actor, login, self.at)})


class InstrumentsView(ApiView):
    """The tenant's instruments: every member of staff sees them, administrators make and change them."""

    session_types = STAFF_SESSIONS
    write_session_types = ADMIN_SESSIONS
    customer_address = False

    @describe("The tenant's instruments", query=INSTRUMENTS.parameters(), answer=INSTRUMENTS.shape())
    def get(self, request: Request) -> HttpResponse:
        return INSTRUMENTS.answer(INSTRUMENTS.asked(self.payload), instruments(self.actor))

    @describe(
        "Add an instrument",
        body=InstrumentTerms,
        sent=EURUSD,
        answer=shapes.INSTRUMENT,
        errors={409: ("RET_DUPLICATE_RECORD",)},
    )
    def post(self, request: Request) -> Response:
        terms = _stored_names(self.body(InstrumentTerms))
        return Response(record_of(instrument_create(tenant_id=self.actor.tenant_id, **terms)))

    @describe(
        "Change an instrument",
        body=InstrumentTerms,
        partial=True,
        sent={"symbol": "EURUSD", "margin_percent": 2},
        answer=shapes.INSTRUMENT,
        description="Changes the keys that are sent, of the instrument with this `symbol`. Setting `feed`, also to what"
        " it is, starts the simulation again after posted quotes.",
    )
    def put(self, request: Request) -> Response:
        symbol = self.body(InstrumentName)["symbol"]
        terms = _stored_names(self.body(InstrumentTerms, partial=True))
        changes = {name: value for name, value in terms.items() if name in CHANGEABLE}
        instrument = instrument_update(tenant_id=self.actor.tenant_id, symbol=symbol, changes=changes)
        refuse_changes(self.payload, id=instrument.pk)
        return Response(record_of(instrument))


class QuotesView(ApiView):
    """Quotes from outside. They take effect at once, and silence the simulation of their symbols until `feed` is set.

    `time` is in whole unix seconds. All quotes of a call are taken, or none.
    """

    session_types = DEALING_SESSIONS
    customer_address = False

    @describe(
        "Post quotes; all of them are taken, or none",
        body=PostedQuotes,
        sent={"quotes": [{"symbol": "EURUSD", "bid": "1.08412", "ask": "1.0842"}]},
        answer=record(accepted=whole()),
    )
    def post(self, request: Request) -> Response:
        posted = self.body(PostedQuotes)["quotes"]
        quotes = [NewQuote(q["symbol"], q["bid"], q["ask"], q.get("time")) for q in posted]
        quotes_store(tenant_id=self.actor.tenant_id, quotes=quotes, at=self.at, source=QuoteSource.POSTED)
        return Response({"accepted": len(quotes)})


def record_of(instrument: Instrument) -> dict[str, Any]:
    """An instrument as the table of instruments shows it."""
    record = {}
    for name, column in INSTRUMENTS.columns.items():
        value = getattr(instrument, str(column.source))
        record[name] = value if column.writer is None else column.writer(value)
    return record


def _stored_names(terms: dict[str, Any]) -> dict[str, Any]:
    if "trade" in terms:
        terms["trade_enabled"] = terms.pop("trade")
    return terms


market_patterns = [
    api_path("market", MarketView),
    api_path("manage/instruments", InstrumentsView),
    api_path("manage/quotes", QuotesView),
]
