"""REST of section 3 beyond market orders: pending orders, modifications, cancellation, flattening a position."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import invalid
from infra.api.fields import Body, CleanTextField, IdField, NumberChoiceField, WholeNumberField, WireDecimalField
from infra.api.paths import api_path
from infra.api.schema import describe
from infra.api.shapes import Shape, extended, many, record, text, whole
from infra.api.wire import LAST_SECOND, NotAccepted, read_text
from trading import api_shapes as shapes
from trading.api import TradeView, answered, hand_of
from trading.commands import (
    SYMBOL_LENGTH,
    ModifyCommand,
    parse_cancel,
    parse_modify_open,
    parse_modify_pending,
    parse_pending,
)
from trading.selectors_access import account_for_login
from trading.services.orders import order_cancel, order_modify, order_open_pending, position_flatten

_BY_HAND: Final = ("PERMISSION_DENIED", "MANUAL_TRADING_DISABLED", "COPIED_POSITION_PROTECTED")
_UNKNOWN: Final = {404: ("RET_ERR_NOTFOUND",)}
_PLACING: Final = (
    *_BY_HAND,
    "RET_TRADE_BAD_VOLUME",
    "RET_TRADE_BAD_STOPS",
    "RET_TRADE_MARKET_CLOSED",
    "RET_TRADE_OFFQUOTES",
    "RET_TRADE_DISABLE",
    "RET_TRADE_TOO_MANY_ORDERS",
)
_MODIFYING: Final = (
    *_BY_HAND,
    "RET_TRADE_INCORRECT_STATE",
    "RET_TRADE_BAD_STOPS",
    "RET_TRADE_MARKET_CLOSED",
    "RET_TRADE_OFFQUOTES",
    "RET_TRADE_DISABLE",
)
_OUTCOME = extended(
    shapes.CLOSED_ORDER,
    accepted=Shape({"type": "boolean"}, True),
    error=text(),
    message=text(),
)
FLATTENED: Final = record(
    login=whole(100001),
    symbol=text("EURUSD"),
    # Either the answer of a close, or what refused it.
    results=many(
        Shape({**_OUTCOME.schema, "required": ["accepted", "order"]}, shapes.CLOSED_ORDER.example),
    ),
)


class OpenPendingBody(Body):
    """As read by `trading.commands.parse_pending`; here for the schema. Volume: 100 = 1.00 lot."""

    login = IdField(required=False, help_text="required for customers and staff")
    cmd = NumberChoiceField([2, 3, 4, 5], help_text="2 buy limit, 3 sell limit, 4 buy stop, 5 sell stop")
    volume = WholeNumberField(min_value=1)
    symbol = CleanTextField(max_length=32)
    open_price = WireDecimalField(positive=True)
    sl = WireDecimalField(required=False, min_value=0)
    tp = WireDecimalField(required=False, min_value=0)
    expiration = WholeNumberField(
        required=False, min_value=0, max_value=LAST_SECOND, help_text="unix seconds in the future, 0 = never"
    )
    comment = CleanTextField(required=False)


class ModifyOpenBody(Body):
    """As read by `trading.commands.parse_modify_open`; here for the schema."""

    order = IdField()
    sl = WireDecimalField(required=False, min_value=0, help_text="0 clears")
    tp = WireDecimalField(required=False, min_value=0, help_text="0 clears")
    login = IdField(required=False)


class ModifyPendingBody(Body):
    """As read by `trading.commands.parse_modify_pending`; here for the schema."""

    order = IdField()
    open_price = WireDecimalField(required=False, positive=True)
    sl = WireDecimalField(required=False, min_value=0, help_text="0 clears")
    tp = WireDecimalField(required=False, min_value=0, help_text="0 clears")
    expiration = WholeNumberField(
        required=False, min_value=0, max_value=LAST_SECOND, help_text="unix seconds in the future, 0 = never"
    )
    login = IdField(required=False)


class CancelBody(Body):
    """As read by `trading.commands.parse_cancel`; here for the schema."""

    order = IdField()
    login = IdField(required=False)


class OpenPendingView(TradeView):
    """A limit or stop order. It waits for its price until it is filled, cancelled or expires, and needs no margin
    until then."""

    @describe(
        "Place a pending order",
        body=OpenPendingBody,
        sent={"login": 100001, "cmd": 2, "volume": 10, "symbol": "EURUSD", "open_price": "1.08", "sl": "1.07"},
        answer=shapes.ACCEPTED,
        errors={403: _PLACING, **_UNKNOWN},
    )
    def post(self, request: Request) -> Response:
        command = parse_pending(self.payload)
        account = self.account_to_trade(command.login)
        origin, reason = hand_of(self.actor)
        return answered(
            order_open_pending(
                account_id=account.id,
                symbol=command.symbol,
                side=command.side,
                kind=command.kind,
                volume=command.volume,
                open_price=command.open_price,
                sl=command.sl,
                tp=command.tp,
                expiration_at=command.expiration_at,
                comment=command.comment,
                origin=origin,
                reason=reason,
                at=self.at,
            )
        )


class RecordView(TradeView):
    """The base of commands that modify an order."""

    def modified(self, command: ModifyCommand) -> Response:
        account = self.account_of_order(command.order, command.login)
        origin, reason = hand_of(self.actor)
        return answered(
            order_modify(
                account_id=account.id,
                trade_id=command.order,
                changes=command.changes,
                stage=command.stage,
                origin=origin,
                reason=reason,
                at=self.at,
            )
        )


class ModifyOpenView(RecordView):
    """Sets, moves or takes away the stops of an open ticket. A key that is not sent leaves its stop alone."""

    @describe(
        "Change the stops of an open ticket",
        body=ModifyOpenBody,
        sent={"order": 5000001, "sl": "1.07", "tp": 0},
        answer=shapes.ACCEPTED,
        errors={403: _MODIFYING, **_UNKNOWN},
    )
    def put(self, request: Request) -> Response:
        return self.modified(parse_modify_open(self.payload))


class ModifyPendingView(RecordView):
    """Changes price, stops or expiration of a pending order. A key that is not sent leaves its value alone."""

    @describe(
        "Change a pending order",
        body=ModifyPendingBody,
        sent={"order": 5000001, "open_price": "1.079", "expiration": 0},
        answer=shapes.ACCEPTED,
        errors={403: _MODIFYING, **_UNKNOWN},
    )
    def put(self, request: Request) -> Response:
        return self.modified(parse_modify_pending(self.payload))


class CancelView(RecordView):
    """Takes a pending order back. Never refused for rate, module or pause."""

    never_throttled = True

    @describe(
        "Cancel a pending order",
        body=CancelBody,
        sent={"order": 5000001},
        answer=extended(shapes.ACCEPTED, state=Shape(shapes.ACCEPTED.schema["properties"]["state"], 6)),
        errors={403: (*_BY_HAND, "RET_TRADE_INCORRECT_STATE"), **_UNKNOWN, 409: ("RET_TRADE_INCORRECT_CMD",)},
    )
    def delete(self, request: Request) -> Response:
        command = parse_cancel(self.payload)
        account = self.account_of_order(command.order, command.login)
        origin, reason = hand_of(self.actor)
        return answered(
            order_cancel(account_id=account.id, trade_id=command.order, origin=origin, reason=reason, at=self.at)
        )


class FlattenView(TradeView):
    """Closes what one account holds in one contract, and nothing else. Each ticket has its own answer: one that cannot be
    closed does not hold up the others."""

    never_throttled = True

    @describe(
        "Close all tickets of an account in a contract",
        answer=FLATTENED,
        errors={403: ("PERMISSION_DENIED",), **_UNKNOWN},
    )
    def post(self, request: Request, login: str, symbol: str) -> Response:
        try:
            name = read_text(symbol, SYMBOL_LENGTH, 1)
        except NotAccepted as error:
            raise invalid("symbol", error.message) from error
        account = account_for_login(self.actor, int(login))
        origin, reason = hand_of(self.actor)
        results = position_flatten(account_id=account.id, symbol=name, origin=origin, reason=reason, at=self.at)
        return Response({"login": account.login, "symbol": name, "results": results})


order_patterns: list[Any] = [
    api_path("trade/open/pending", OpenPendingView),
    api_path("trade/modify/open", ModifyOpenView),
    api_path("trade/modify", ModifyOpenView),
    api_path("trade/modify/pending", ModifyPendingView),
    api_path("trade/cancel", CancelView),
    api_path("accounts/<int:login>/positions/<str:symbol>/flatten", FlattenView),
]
