"""What the addresses of section 3 and the market side answer, for the description of the API."""

from typing import Final

from core.contracts import AssetClass, Variant
from core.states import AccountMode, Cmd, TradeState
from infra.api.shapes import Shape, by_name, code, extended, flag, many, number, record, text, whole, word
from trading.models import Feed
from trading.selectors_market import CLOSED, NO_QUOTES, OPEN, STALE

PICTURE: Final = record(
    login=whole(100001),
    balance=number("10000"),
    credit=number(),
    equity=number("10012.4"),
    profit=number("12.4"),
    margin=number("108.42"),
    margin_free=number("9903.98"),
    margin_level=number("9234.83"),
    currency=text("USD"),
    leverage=whole(100),
    group=text("Real USD"),
    account_mode=word(*AccountMode),
    locks=many(text("RISK"), empty=True),
)
ACCEPTED: Final = record(
    accepted=Shape({"const": True}, True),
    order=whole(5000001),
    state=code(*TradeState),
    login=whole(100001),
    symbol=text("EURUSD"),
    cmd=code(*Cmd),
    volume=whole(10),
    price=number("1.0842"),
)
CLOSED_ORDER: Final = extended(ACCEPTED, state=Shape(ACCEPTED.schema["properties"]["state"], 3), close_volume=whole(10))
MARKET: Final = record(
    assets=by_name(
        record(
            symbol=text("EURUSD"),
            description=text("Euro vs US Dollar"),
            group=word(*AssetClass),
            currency=text("USD"),
            digits=whole(5),
            contract_size=number("100000"),
            tick_size=number("0.00001"),
            tick_value=number("1"),
            lot_min=number("0.01"),
            lot_max=number("100"),
            lot_step=number("0.01"),
            bid=number("1.08412"),
            ask=number("1.0842"),
            trade=flag(),
            market_state=word(OPEN, STALE, NO_QUOTES, CLOSED),
        ),
        "EURUSD",
    )
)
INSTRUMENT: Final = record(
    id=whole(1),
    symbol=text("EURUSD"),
    description=text("Euro vs US Dollar"),
    asset_class=word(*AssetClass),
    family=text("EURUSD"),
    variant=word(*Variant),
    contract_size=number("100000"),
    tick_size=number("0.00001"),
    tick_value=number("1"),
    digits=whole(5),
    profit_currency=text("USD"),
    lot_min=number("0.01"),
    lot_max=number("100"),
    lot_step=number("0.01"),
    margin_percent=number(1),
    margin_per_lot=number(),
    stale_quote_seconds=whole(0),
    sessions=text("24/7"),
    feed=word(*Feed),
    feed_paused=flag(0),
    trade=flag(),
    swap_long=number("-2.5"),
    swap_short=number("0.8"),
    swap_triple_day=whole(3),
)
