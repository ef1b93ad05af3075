"""R043, R044, R047 to R050, X02: tables of what was copied."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from copytrade.models import CopyOrder, CopySubscription, TradeLink
from core.ids import copy_client_order_id
from infra.tenancy import tenant_scope
from tests.support.api import Api
from tests.support.copying import AT, Cast, Customer
from tests.support.world import World
from trading.models import Instrument, Order, Quote, Trade

ORDER_COLUMNS = (
    "id time group_id subscription_id leader_login follower_login master_order follower_order action symbol "
    "follower_symbol side volume status reason detail decide_ms send_ms fill_ms slippage slippage_money"
)


@pytest.fixture
def copied(cast: Cast) -> CopySubscription:
    """Bob copies Alice."""
    return cast.house.subscription(cast.bob, cast.house.master(cast.alice), cast.house.follower(cast.bob))


def order_make(subscription: CopySubscription, source_id: int = 1, **values: Any) -> CopyOrder:
    standard = {
        "action": "OPEN",
        "symbol": "EURUSD",
        "follower_symbol": "EURUSD",
        "side": "BUY",
        "volume": Decimal("0.5"),
        "status": "FILLED",
        "settings_version": 1,
        "place": 1,
        "event_at": AT,
        "known_at": AT,
        "decided_at": AT + timedelta(microseconds=1_734),
        "leader_trade_id": 11,
        "follower_trade_id": 12,
    }
    with tenant_scope(subscription.tenant_id):
        return CopyOrder.objects.create(
            tenant_id=subscription.tenant_id,
            subscription_id=subscription.pk,
            source_id=source_id,
            leader_id=subscription.leader_id,
            follower_id=subscription.follower_id,
            **standard | values,
        )


def instrument_make(cast: Cast, symbol: str, quote: tuple[str, str] | None, **values: Any) -> Instrument:
    standard = {
        "asset_class": "FX", "contract_size": 100_000, "tick_size": Decimal("0.00001"), "tick_value": 1, "digits": 5,
        "lot_min": Decimal("0.01"), "lot_max": 100, "lot_step": Decimal("0.01"),
    }  # fmt: skip
    with tenant_scope(cast.house.id):
        instrument = Instrument.objects.create(tenant_id=cast.house.id, symbol=symbol, **standard | values)
        if quote is not None:
            bid, ask = map(Decimal, quote)
            Quote.objects.create(
                tenant_id=cast.house.id, instrument=instrument, bid=bid, ask=ask, at=AT, source="POSTED"
            )
    return instrument


def link_make(subscription: CopySubscription, instrument: Instrument, **values: Any) -> TradeLink:
    standard = {
        "leader_trade_id": 11, "follower_trade_id": 12, "side": "BUY", "volume": Decimal("0.5"),
        "opened_volume": Decimal("0.5"), "entry_price": Decimal("1.1"), "created_at": AT, "updated_at": AT,
    }  # fmt: skip
    with tenant_scope(subscription.tenant_id):
        return TradeLink.objects.create(
            tenant_id=subscription.tenant_id,
            subscription_id=subscription.pk,
            leader_id=subscription.leader_id,
            follower_id=subscription.follower_id,
            instrument_id=instrument.pk,
            symbol=instrument.symbol,
            **standard | values,
        )


def trade_make(subscription: CopySubscription, number: int, **values: Any) -> Trade:
    standard = {
        "symbol": "EURUSD", "digits": 5, "cmd": 0, "state": 3, "copied": True, "volume": Decimal("0.5"),
        "open_price": Decimal("1.1"), "close_price": Decimal("1.2"), "profit": 50, "commission": -3, "storage": -1,
        "open_at": AT, "close_at": AT,
    }  # fmt: skip
    with tenant_scope(subscription.tenant_id):
        return Trade.objects.create(
            id=number, tenant_id=subscription.tenant_id, account_id=subscription.follower_id, **standard | values
        )


def queries_of(person: Customer, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert person.get(path).status == 200
    return len(seen)


def test_copy_orders_have_the_contracts_columns(cast: Cast, copied: CopySubscription):
    made = order_make(
        copied,
        sent_at=AT + timedelta(microseconds=2_500),
        filled_at=AT + timedelta(milliseconds=1500),
        slippage=Decimal("1.5"),
        slippage_money=Decimal("0.75"),
    )
    answer = cast.bob.get("/copytrade/orders")
    assert " ".join(answer.json["structure"]) == ORDER_COLUMNS
    assert answer.rows() == [
        {
            "id": made.pk,
            "time": int(AT.timestamp()),
            "group_id": None,
            "subscription_id": copied.pk,
            "leader_login": copied.leader.login,
            "follower_login": copied.follower.login,
            "master_order": 11,
            "follower_order": 12,
            "action": "OPEN",
            "symbol": "EURUSD",
            "follower_symbol": "EURUSD",
            "side": "BUY",
            "volume": 50,
            "status": "FILLED",
            "reason": "",
            "detail": "",
            "decide_ms": Decimal("1.734"),
            "send_ms": Decimal("2.5"),
            "fill_ms": 1500,
            "slippage": Decimal("1.5"),
            "slippage_money": Decimal("0.75"),
        }
    ]


def test_what_was_not_reached_is_null(cast: Cast, copied: CopySubscription):
    order_make(copied, status="PENDING", follower_trade_id=None)
    order_make(copied, 2, known_at=None, simulated=True)
    simulated, pending = cast.bob.get("/copytrade/orders").rows()
    assert pending["decide_ms"] == Decimal("1.734")
    assert [pending[key] for key in ("send_ms", "fill_ms", "slippage", "slippage_money", "follower_order")] == [
        None
    ] * 5
    assert [simulated[key] for key in ("decide_ms", "send_ms", "fill_ms")] == [None] * 3


def test_the_figures_of_a_refusal_are_the_followers_owners_alone(cast: Cast, copied: CopySubscription):
    order_make(
        copied,
        status="SKIPPED",
        reason="MIN_EQUITY",
        params=json.dumps({"equity": "4321.09", "min_equity": 5000.10}),
        volume=0,
    )
    bobs, alices = cast.bob.get("/copytrade/orders").rows()[0], cast.alice.get("/copytrade/orders").rows()[0]
    assert "4321.09" in bobs["detail"]
    assert "5000.1" in bobs["detail"]
    assert alices["detail"] == "The follower's equity is below the subscription's minimum."
    assert alices["reason"] == bobs["reason"] == "MIN_EQUITY"
    assert cast.charlie.get("/copytrade/orders").json["count"] == 0
    with_condition = cast.alice.get("/copytrade/orders", where=[["detail", "like", "%4321%"]])
    assert with_condition.error == (400, "INVALID_DATA")


def test_copy_orders_come_newest_first_and_can_be_filtered(cast: Cast, copied: CopySubscription):
    for number in range(1, 31):
        order_make(
            copied,
            number,
            decided_at=AT + timedelta(seconds=number // 2),
            symbol="EURUSD" if number % 2 else "XAUUSD",
            status="SKIPPED" if number % 3 == 0 else "FILLED",
            reason="NO_LINK" if number % 3 == 0 else "",
        )
    page = cast.bob.get("/copytrade/orders")
    ids = [row["id"] for row in page.rows()]
    assert (len(ids), page.json["count"]) == (25, 30)
    assert ids == sorted(ids, reverse=True)
    assert cast.bob.get("/copytrade/orders", offset=25).json["count"] == 30
    assert len(cast.bob.get("/copytrade/orders", offset=25).rows()) == 5
    assert (
        cast.bob.get("/copytrade/orders", where=[["reason", "=", "NO_LINK"], ["symbol", "=", "XAUUSD"]]).json["count"]
        == 5
    )
    assert (
        cast.bob.get("/copytrade/orders", where=[["volume", "=", 50]], whereIn=[["status", ["FILLED"]]]).json["count"]
        == 20
    )
    slow = cast.bob.get("/copytrade/orders", where=[["decide_ms", ">=", 10_000]], orderBy=["decide_ms", "asc"])
    assert slow.json["count"] == 11
    assert cast.bob.get("/copytrade/orders", where=[["group_id", "=", 1]]).json["count"] == 0
    assert cast.bob.get("/copytrade/orders", orderBy=["group_id", "desc"]).json["count"] == 30
    for bad in ({"limit": 1001}, {"where": [["leader__password", "=", "x"]]}, {"where": [["own", "=", 1]]}):
        assert cast.bob.get("/copytrade/orders", **bad).error == (400, "INVALID_DATA")
    text = cast.bob.get("/copytrade/orders", format="csv", limit=1).text
    assert text.splitlines()[0] == ORDER_COLUMNS.replace(" ", ",")
    assert len(text.splitlines()) == 2


def test_one_copy_order_with_its_legs(cast: Cast, copied: CopySubscription):
    order = order_make(copied, 7)
    longer = order_make(copied, 77)
    with tenant_scope(cast.house.id):
        for source_id, trade in ((7, 12), (77, 99)):
            Order.objects.create(
                tenant_id=cast.house.id,
                account_id=copied.follower_id,
                client_order_id=copy_client_order_id(source_kind="E", source_id=source_id, subscription_id=copied.pk),
                intent="OPEN",
                side="BUY",
                volume=Decimal("0.5"),
                status="FILLED",
                origin="COPY",
                trade_id=trade,
                price=Decimal("1.2345"),
                quote_bid=Decimal("1.2344"),
                quote_ask=Decimal("1.2345"),
                created_at=AT,
            )
    single = cast.bob.get(f"/copytrade/orders/{order.pk}").json
    row = next(row for row in cast.bob.get("/copytrade/orders").rows() if row["id"] == order.pk)
    assert single == {
        **row,
        "legs": [{"order": 12, "symbol": "EURUSD", "volume": 50, "price": Decimal("1.2345"), "status": "FILLED"}],
        "quote_used": {"bid": Decimal("1.2344"), "ask": Decimal("1.2345")},
    }
    assert cast.alice.get(f"/copytrade/orders/{longer.pk}").json["legs"][0]["order"] == 99
    third = cast.house.master(cast.bob)
    own = cast.house.subscription(cast.bob, third, cast.house.follower(cast.bob))
    bobs = order_make(own, 8)
    assert cast.bob.get(f"/copytrade/orders/{bobs.pk}").json["legs"] == []
    assert cast.bob.get(f"/copytrade/orders/{bobs.pk}").json["quote_used"] is None
    assert cast.alice.get(f"/copytrade/orders/{bobs.pk}").error == (403, "PERMISSION_DENIED")
    assert cast.charlie.get(f"/copytrade/orders/{bobs.pk}").error == (404, "RET_ERR_NOTFOUND")


def test_positions_at_current_quotes(cast: Cast, copied: CopySubscription):
    eurusd = instrument_make(cast, "EURUSD", ("1.10100", "1.10120"))
    usdjpy = instrument_make(
        cast, "USDJPY", ("150.000", "150.010"), tick_size=Decimal("0.001"), tick_value=100, profit_currency="JPY"
    )
    silent = instrument_make(cast, "GBPUSD", None)
    link_make(copied, eurusd)
    link_make(copied, usdjpy, follower_trade_id=13, side="SELL", volume=1, entry_price=151)
    link_make(copied, silent, follower_trade_id=14)
    link_make(copied, eurusd, follower_trade_id=15, state=1, volume=0)
    answer = cast.bob.get("/copytrade/positions", orderBy=["order", "asc"])
    assert " ".join(answer.json["structure"]) == (
        "order login group_id subscription_id symbol side volume entry_price current_price pnl leader_login opened_time"
    )
    first, second, third = answer.rows()
    assert first == {
        "order": 12,
        "login": copied.follower.login,
        "group_id": None,
        "subscription_id": copied.pk,
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": 50,
        "entry_price": Decimal("1.1"),
        "current_price": Decimal("1.101"),
        "pnl": 50,
        "leader_login": copied.leader.login,
        "opened_time": int(AT.timestamp()),
    }
    # 0.990 x 100,000 yen at the mid of 150.005.
    assert (second["current_price"], second["pnl"]) == (Decimal("150.01"), Decimal("659.98"))
    assert (third["current_price"], third["pnl"]) == (None, None)
    assert cast.bob.get("/copytrade/positions", where=[["pnl", ">", 0]]).error == (400, "INVALID_DATA")
    assert (
        cast.bob.get("/copytrade/positions", format="csv", limit=1, orderBy=["order", "asc"])
        .text.splitlines()[1]
        .startswith("12,")
    )
    # What followers of hers hold is not the leader's own.
    assert cast.alice.get("/copytrade/positions").json["count"] == 0
    assert cast.charlie.get("/copytrade/positions").json["count"] == 0


def test_copied_trades_show_the_result_after_costs(cast: Cast, copied: CopySubscription):
    trade_make(copied, 21)
    trade_make(copied, 22, cmd=1, state=4, close_at=AT + timedelta(seconds=5))
    trade_make(copied, 23, copied=False)
    trade_make(copied, 24, state=0, close_at=None)
    answer = cast.bob.get("/copytrade/copied-trades")
    columns = "order login symbol side volume open_price close_price pnl close_time"
    assert " ".join(answer.json["structure"]) == columns
    newest, oldest = answer.rows()
    assert oldest == {
        "order": 21,
        "login": copied.follower.login,
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": 50,
        "open_price": Decimal("1.1"),
        "close_price": Decimal("1.2"),
        "pnl": 46,
        "close_time": int(AT.timestamp()),
    }
    assert (newest["order"], newest["side"]) == (22, "SELL")
    sells = cast.bob.get("/copytrade/copied-trades", where=[["side", "=", "SELL"], ["pnl", "=", 46]])
    assert [row["order"] for row in sells.rows()] == [22]
    assert cast.alice.get("/copytrade/copied-trades").json["count"] == 0


def test_trade_links_show_both_sides(cast: Cast, copied: CopySubscription):
    eurusd = instrument_make(cast, "EURUSD", ("1.1", "1.2"))
    link = link_make(copied, eurusd)
    gone = link_make(copied, eurusd, side="SELL", state=2, volume=0)
    for person in (cast.alice, cast.bob):
        untracked, active = person.get("/copytrade/trade-links").rows()
        assert active == {
            "id": link.pk,
            "subscription_id": copied.pk,
            "master_login": copied.leader.login,
            "follower_login": copied.follower.login,
            "master_order": 11,
            "follower_order": 12,
            "symbol": "EURUSD",
            "cmd": 0,
            "volume": 50,
            "state": 0,
            "created_time": int(AT.timestamp()),
            "updated_time": int(AT.timestamp()),
        }
        assert (untracked["id"], untracked["cmd"], untracked["state"]) == (gone.pk, 1, 2)
        assert person.get("/copytrade/trade-links", where=[["cmd", "=", 1]]).json["count"] == 1
    assert cast.charlie.get("/copytrade/trade-links").json["count"] == 0


def test_queries_do_not_grow_with_the_rows(cast: Cast, copied: CopySubscription):
    eurusd = instrument_make(cast, "EURUSD", ("1.1", "1.2"))
    makers: dict[str, Callable[[int], object]] = {
        "/copytrade/orders": lambda number: order_make(copied, number),
        "/copytrade/positions": lambda number: link_make(copied, eurusd, follower_trade_id=number),
        "/copytrade/copied-trades": lambda number: trade_make(copied, number),
        "/copytrade/trade-links": lambda number: link_make(copied, eurusd, leader_trade_id=number),
        "/copytrade/subscriptions?limit=100&offset=0": lambda number: cast.house.subscription(
            cast.bob, cast.house.master(cast.alice), cast.house.follower(cast.bob)
        ),
    }
    for path, make in makers.items():
        cast.bob.get(path)
        make(1001)
        few = queries_of(cast.bob, path)
        for number in range(1002, 1010):
            make(number)
        assert queries_of(cast.bob, path) == few, path


@pytest.mark.parametrize(
    "path",
    [
        "my",
        "masters",
        "subscriptions?limit=1&offset=0",
        "orders",
        "orders/1",
        "positions",
        "copied-trades",
        "trade-links",
    ],
)
def test_only_customers_look(cast: Cast, path: str):
    assert cast.nobody.get(f"/copytrade/{path}").error == (401, "INVALID_CUSTOMER_SESSION")


def test_sessions_of_accounts_and_staff_are_no_customers(world: World):
    for token in (world.alice.account_token, world.north.dealer.token, world.owner.token):
        answer = Api(token=token).get("/copytrade/my")
        assert (answer.status, answer.error) == (401, "INVALID_CUSTOMER_SESSION")
