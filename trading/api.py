"""REST of section 3: an account's money, its market orders and its records."""

from typing import Any, Final

from django.db.models import Sum
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import TradingAccount
from accounts.selectors import accounts
from core.errors import DomainError, invalid, not_found
from core.states import Origin, Reason
from infra.actor import ACCOUNT_SESSIONS, ALL_SESSIONS, CUSTOMER_SESSIONS, DEALING_SESSIONS, Actor
from infra.api.asking import Limits
from infra.api.fields import Body, CleanTextField, IdField, NumberChoiceField, WholeNumberField, WireDecimalField
from infra.api.paths import api_path
from infra.api.schema import LOGIN, describe
from infra.api.shapes import number, whole
from infra.api.tables import DECIMAL, TEXT, TIME, VOLUME, WHOLE, Column, Table
from infra.api.views import ApiView
from trading import api_shapes as shapes
from trading.commands import parse_close, parse_open
from trading.models import Trade
from trading.refusals import CONFLICTS, SENTENCES
from trading.selectors import trade_type, trades, wire_picture
from trading.selectors_access import TradableAccount, account_for_login, account_for_order, denied
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open

TRADES = Table(
    Trade,
    {
        "order": Column("id", WHOLE),
        "login": Column("account__login", WHOLE),
        "cmd": Column("cmd", WHOLE),
        "state": Column("state", WHOLE),
        "symbol": Column("symbol", TEXT),
        "reason": Column("reason", WHOLE),
        "volume": Column("volume", VOLUME),
        "open_time": Column("open_at", TIME),
        "close_time": Column("close_at", TIME),
        "open_price": Column("open_price", DECIMAL),
        "close_price": Column("close_price", DECIMAL),
        "sl": Column("sl", DECIMAL),
        "tp": Column("tp", DECIMAL),
        "profit": Column("floating", DECIMAL),
        "net_profit": Column("net", DECIMAL),
        "commission": Column("commission", DECIMAL),
        "storage": Column("storage", DECIMAL),
        "comment": Column("comment", TEXT),
        "digits": Column("digits", WHOLE),
        "expiration": Column("expiration_at", TIME),
        "parent_order": Column("parent_id", WHOLE),
    },
    order=[("open_time", "desc")],
    limits=Limits(most=50_000, required=True),
)
TOTALS = {
    "total_profit": Column(Sum("floating"), DECIMAL),
    "total_net_profit": Column(Sum("net"), DECIMAL),
    "total_commission": Column(Sum("commission"), DECIMAL),
    "total_storage": Column(Sum("storage"), DECIMAL),
    "total_volume": Column(Sum("volume"), VOLUME),
}

FOREIGN: Final = {403: ("PERMISSION_DENIED",), 404: ("RET_ERR_NOTFOUND",)}
"""A login or order that is not the session's; for staff one that does not exist."""
REFUSED: Final = {403: tuple(code for code in SENTENCES if code not in CONFLICTS), 404: FOREIGN[404]}
"""What any trade command may be refused with."""


class OpenBody(Body):
    """As read by `trading.commands.parse_open`; here for the schema. Volume: 100 = 1.00 lot."""

    login = IdField(required=False, help_text="required for customers and staff")
    cmd = NumberChoiceField([0, 1], help_text="0 buy, 1 sell")
    volume = WholeNumberField(min_value=1)
    symbol = CleanTextField(max_length=32)
    sl = WireDecimalField(required=False, min_value=0)
    tp = WireDecimalField(required=False, min_value=0)
    comment = CleanTextField(required=False)


class CloseBody(Body):
    """As read by `trading.commands.parse_close`; here for the schema."""

    order = IdField()
    volume = WholeNumberField(required=False, min_value=1, help_text="less than the position: a partial close")
    login = IdField(required=False)


class TradesQuery(Body):
    login = IdField(required=False)
    tradeType = WholeNumberField(min_value=0, max_value=4)


class AccountView(ApiView):
    """An account's money at current quotes."""

    session_types = ALL_SESSIONS
    customer_address = False

    @describe("An account's money at current quotes", answer=shapes.PICTURE, errors=FOREIGN)
    def get(self, request: Request, login: str) -> Response:
        return Response(wire_picture(account_of(self.actor, int(login))))


class TradeView(ApiView):
    """The base of the trading addresses."""

    session_types = CUSTOMER_SESSIONS | ACCOUNT_SESSIONS | DEALING_SESSIONS
    customer_address = False
    rate = "trade"

    def account_to_trade(self, login: int | None) -> TradableAccount:
        """The account that a command names, or the session's own; 400 when neither does."""
        named = login if login is not None else self.actor.login
        if named is None:
            raise invalid("login", _("is required"))
        return account_for_login(self.actor, named)

    def account_of_order(self, order: int, login: int | None) -> TradableAccount:
        """The order's account; 403 when the login that was sent along is another one."""
        account = account_for_order(self.actor, order)
        if login is not None and login != account.login:
            raise denied()
        return account


class OpenView(TradeView):
    """A market order: filled at the ask (buy) or bid (sell), or refused."""

    @describe(
        "Open a market order",
        body=OpenBody,
        sent={"login": 100001, "cmd": 0, "volume": 10, "symbol": "EURUSD", "sl": "1.08", "comment": "breakout"},
        answer=shapes.ACCEPTED,
        errors=REFUSED,
    )
    def post(self, request: Request) -> Response:
        command = parse_open(self.payload)
        account = self.account_to_trade(command.login)
        origin, reason = hand_of(self.actor)
        return answered(
            order_open(
                account_id=account.id,
                symbol=command.symbol,
                side=command.side,
                volume=command.volume,
                sl=command.sl,
                tp=command.tp,
                comment=command.comment,
                origin=origin,
                reason=reason,
                at=self.at,
            )
        )


class CloseView(TradeView):
    """Closes a ticket or a part of it. Never refused for rate, module or pause: it reduces a position."""

    never_throttled = True

    @describe(
        "Close a ticket or a part of it",
        body=CloseBody,
        sent={"order": 5000001, "volume": 5},
        answer=shapes.CLOSED_ORDER,
        errors=REFUSED,
    )
    def delete(self, request: Request) -> Response:
        command = parse_close(self.payload)
        account = self.account_of_order(command.order, command.login)
        origin, reason = hand_of(self.actor)
        return answered(
            order_close(
                account_id=account.id,
                trade_id=command.order,
                volume=command.volume,
                origin=origin,
                reason=reason,
                at=self.at,
            )
        )


class TradesView(ApiView):
    """The records of one account, or of all own accounts: open, closed, pending, balance operations."""

    session_types = ALL_SESSIONS
    customer_address = False

    @describe(
        "Records of one account, or of all own accounts",
        query=[
            *TRADES.parameters(),
            OpenApiParameter("login", LOGIN, description="required for staff"),
            OpenApiParameter(
                "tradeType",
                {"type": "integer", "minimum": 0, "maximum": 4},
                required=True,
                description="0 all, 1 open, 2 closed, 3 pending, 4 finance",
            ),
        ],
        answer=TRADES.shape(
            total_profit=number("12.4"),
            total_net_profit=number("11.7"),
            total_commission=number("-0.7"),
            total_storage=number(),
            total_volume=whole(10),
        ),
        errors=FOREIGN,
    )
    def get(self, request: Request) -> HttpResponse:
        asked = TRADES.asked(self.payload)
        query = self.query(TradesQuery)
        login = query.get("login")
        if login is None and self.actor.is_staff:
            raise invalid("login", _("is required"))
        account = None if login is None else account_of(self.actor, login)
        kind = trade_type(query["tradeType"], deleted_too="state" in asked.named)
        return TRADES.answer(asked, trades(self.actor, account).filter(kind), TOTALS)


def account_of(actor: Actor, login: int) -> TradingAccount:
    """The account with this login: 403 when it is not the actor's, 404 for staff."""
    account = accounts(actor).filter(login=login).first()
    if account is None:
        raise not_found(_("There is no such account.")) if actor.is_staff else denied()
    return account


def hand_of(actor: Actor) -> tuple[Origin, Reason]:
    """Whose hand an order of this session is."""
    return (Origin.DEALER, Reason.DEALER) if actor.is_staff else (Origin.MANUAL, Reason.CLIENT)


def answered(outcome: OrderAnswer | Refusal) -> Response:
    """The answer to an order; a refusal is raised, so that nothing of the request remains."""
    if isinstance(outcome, Refusal):
        error: DomainError = outcome.error()
        raise error
    return Response(outcome.wire)


patterns: list[Any] = [
    api_path("accounts/<int:login>", AccountView),
    api_path("trade/open", OpenView),
    api_path("trade/close", CloseView),
    api_path("trades", TradesView),
]
