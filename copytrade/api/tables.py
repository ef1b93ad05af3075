"""The tables of copy trading: columns as in the contract, over what `selectors` lets the actor see."""

from decimal import Decimal
from typing import Any, Final

from django.db.models import BigIntegerField, DecimalField, F, Func, Value
from django.db.models.functions import Cast, JSONObject

from copytrade import reasons
from copytrade.models import CopyOrder, CopySubscription, TradeLink
from copytrade.selectors import market_of, refusal_params
from core.money import round_money
from core.states import Cmd, Side
from core.volume import lots_of
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, VOLUME, WHOLE, Asked, Column, Limits, Table
from trading.domain.valuation import price_profit
from trading.domain.values import Market
from trading.models import Trade

RECENT: Final = Limits(standard=25, most=1000)
_MARKET_CMDS: Final = {side.value: Cmd.of(side).value for side in Side}
_MARKET_SIDES: Final = {cmd: side for side, cmd in _MARKET_CMDS.items()}


class Milliseconds(Func):
    """The time from one instant to another, in milliseconds with three digits; null while one of them is missing."""

    template = "(EXTRACT(EPOCH FROM (%(expressions)s)) * 1000)"
    arg_joiner = " - "
    output_field = DecimalField(max_digits=20, decimal_places=3)


def _since_known(path: str) -> Column:
    return Column(Milliseconds(F(path), F("known_at")), DECIMAL)


def _side_of_cmd(cmd: int) -> str:
    return Cmd(cmd).side.value


def _cmd_of_side(side: str) -> int:
    return Cmd.of(Side(side)).value


def _detail(stored: Any) -> str:
    return reasons.detail(stored["reason"], refusal_params(stored["params"]) if stored["own"] else None)


SUBSCRIPTIONS: Final = Table(
    CopySubscription,
    {
        "id": Column("id", WHOLE),
        "master_login": Column("leader__login", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        "enabled": Column("enabled", FLAG),
        "status": Column("status", WHOLE),
        "pause_reason": Column("pause_reason", TEXT),
        "copy_mode": Column("copy_mode", WHOLE),
        "volume_mode": Column("volume_mode", WHOLE),
        "risk_multiplier": Column("risk_multiplier", DECIMAL),
        "fixed_volume": Column("fixed_volume", VOLUME),
        "copy_sl": Column("copy_sl", FLAG),
        "copy_tp": Column("copy_tp", FLAG),
        "copy_partial_close": Column("copy_partial_close", FLAG),
        "copy_pending_orders": Column("copy_pending_orders", FLAG),
        "fill_wait_seconds": Column("fill_wait_seconds", WHOLE),
        "copy_existing_positions": Column(Cast(Value(0), BigIntegerField()), WHOLE),
        "reverse_direction": Column("reverse_direction", FLAG),
        "max_volume": Column("max_volume", VOLUME),
        "min_volume": Column("min_volume", VOLUME),
        "max_positions": Column("max_positions", WHOLE),
        "symbols_mode": Column("symbols_mode", WHOLE),
        "symbols": Column("symbols", TEXT),
        "auto_variant": Column("auto_variant", FLAG),
        "min_equity": Column("min_equity", DECIMAL),
        "slippage_tolerance": Column("slippage_tolerance", DECIMAL),
        "max_signal_age_seconds": Column("max_signal_age_seconds", WHOLE),
        "max_loss": Column("max_loss", DECIMAL),
        "max_loss_percent": Column("max_loss_percent", DECIMAL),
        "max_drawdown_percent": Column("max_drawdown_percent", DECIMAL),
        "stop_action": Column("stop_action", WHOLE),
        "created_time": Column("created_at", TIME),
        "updated_time": Column("updated_at", TIME),
    },
    aliases={"master_account": "master_login", "follower_account": "follower_login", "subscription_id": "id"},
    order=[("updated_time", "desc")],
    limits=Limits(most=50_000, required=True),
)

ORDERS: Final = Table(
    CopyOrder,
    {
        "id": Column("id", WHOLE),
        "time": Column("decided_at", TIME),
        "group_id": Column("group_id", WHOLE),
        "subscription_id": Column("subscription_id", WHOLE),
        "leader_login": Column("leader__login", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        "master_order": Column("leader_trade_id", WHOLE),
        "follower_order": Column("follower_trade_id", WHOLE),
        "action": Column("action", TEXT),
        "symbol": Column("symbol", TEXT),
        "follower_symbol": Column("follower_symbol", TEXT),
        "side": Column("side", TEXT),
        "volume": Column("volume", VOLUME),
        "status": Column("status", TEXT),
        "reason": Column("reason", TEXT),
        "detail": Column(
            JSONObject(reason=F("reason"), params=F("params"), own=F("own")), TEXT, to_wire=_detail, filterable=False
        ),
        "decide_ms": _since_known("decided_at"),
        "send_ms": _since_known("sent_at"),
        "fill_ms": _since_known("filled_at"),
        "slippage": Column("slippage", DECIMAL),
        "slippage_money": Column("slippage_money", DECIMAL),
    },
    order=[("time", "desc")],
    limits=RECENT,
)

LINKS: Final = Table(
    TradeLink,
    {
        "id": Column("id", WHOLE),
        "subscription_id": Column("subscription_id", WHOLE),
        "master_login": Column("leader__login", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        "master_order": Column("leader_trade_id", WHOLE),
        "follower_order": Column("follower_trade_id", WHOLE),
        "symbol": Column("symbol", TEXT),
        "cmd": Column("side", WHOLE, to_wire=_cmd_of_side, from_wire=lambda cmd: _MARKET_SIDES.get(cmd, "")),
        "volume": Column("volume", VOLUME),
        "state": Column("state", WHOLE),
        "created_time": Column("created_at", TIME),
        "updated_time": Column("updated_at", TIME),
    },
    order=[("created_time", "desc")],
)

POSITIONS: Final = Table(
    TradeLink,
    {
        "order": Column("follower_trade_id", WHOLE),
        "login": Column("follower__login", WHOLE),
        "group_id": Column("group_id", WHOLE),
        "subscription_id": Column("subscription_id", WHOLE),
        "symbol": Column("symbol", TEXT),
        "side": Column("side", TEXT),
        "volume": Column("volume", VOLUME),
        "entry_price": Column("entry_price", DECIMAL),
        # Both move with every quote: `positions_answer` puts them in. Until then the currency stands in the second.
        "current_price": Column("entry_price", DECIMAL, filterable=False),
        "pnl": Column("follower__currency", DECIMAL, filterable=False),
        "leader_login": Column("leader__login", WHOLE),
        "opened_time": Column("created_at", TIME),
    },
    order=[("opened_time", "desc")],
    limits=RECENT,
)

COPIED_TRADES: Final = Table(
    Trade,
    {
        "order": Column("id", WHOLE),
        "login": Column("account__login", WHOLE),
        "symbol": Column("symbol", TEXT),
        "side": Column("cmd", TEXT, to_wire=_side_of_cmd, from_wire=lambda side: _MARKET_CMDS.get(side, -1)),
        "volume": Column("volume", VOLUME),
        "open_price": Column("open_price", DECIMAL),
        "close_price": Column("close_price", DECIMAL),
        "pnl": Column("net_profit", DECIMAL),
        "close_time": Column("close_at", TIME),
    },
    order=[("close_time", "desc")],
    limits=RECENT,
)


def positions_read(asked: Asked, queryset: Any) -> dict[str, Any]:
    """The table of positions at current quotes, with a fixed number of queries.

    `current_price` is where the position would be closed, `pnl` what that would bring before costs in account currency;
    both null without a quote.
    """
    table = POSITIONS.read(asked, queryset)
    place = {name: index for index, name in enumerate(table["structure"])}
    market = market_of(row[place["symbol"]] for row in table["rows"]) if table["rows"] else None
    for row in table["rows"]:
        assert market is not None
        price, pnl = _valued(
            market,
            symbol=row[place["symbol"]],
            side=Side(row[place["side"]]),
            lots=lots_of(row[place["volume"]]),
            entry_price=row[place["entry_price"]],
            currency=row[place["pnl"]],
        )
        row[place["current_price"]], row[place["pnl"]] = price, pnl
    return table


def _valued(
    market: Market, *, symbol: str, side: Side, lots: Decimal, entry_price: Decimal, currency: str
) -> tuple[Decimal | None, Decimal | None]:
    spec = market.find(symbol)
    quote = None if spec is None else market.quote(spec)
    if spec is None or quote is None:
        return None, None
    price = quote.exit_price(side)
    rate = market.rate(spec.profit_currency, currency)
    if rate is None:
        return price, None
    return price, round_money(price_profit(spec, side, lots, entry_price, price) * rate, currency)
