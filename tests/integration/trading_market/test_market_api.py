"""`/market` and `/manage/quotes`: who sees what, and what is taken."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from tests.integration.trading_market.world import World
from trading.models import Instrument, Quote

EURUSD = {"symbol": "EURUSD", "bid": 1.1, "ask": "1.1002"}
ASSET = {
    "symbol": "EURUSD",
    "description": "",
    "group": "FX",
    "currency": "USD",
    "digits": 5,
    "contract_size": 100_000,
    "tick_size": Decimal("0.00001"),
    "tick_value": 1,
    "lot_min": Decimal("0.01"),
    "lot_max": 100,
    "lot_step": Decimal("0.01"),
    "bid": 0,
    "ask": 0,
    "trade": 1,
    "market_state": "no_quotes",
}


def asset(world: World, symbol: str = "EURUSD") -> dict[str, Any]:
    status, answer = world.alice.get("/market")
    assert status == 200
    found: dict[str, Any] = answer["assets"][symbol]
    return found


def test_the_market_before_and_after_a_quote(world: World) -> None:
    assert asset(world) == ASSET
    assert world.dealer.post("/manage/quotes", {"quotes": [EURUSD]}) == (200, {"accepted": 1})
    assert asset(world) == ASSET | {"bid": Decimal("1.1"), "ask": Decimal("1.1002"), "market_state": "open"}
    assert asset(world, "GBPUSD")["market_state"] == "no_quotes"


def test_a_quote_grows_stale_and_a_contract_is_closed(world: World, now: datetime) -> None:
    world.dealer.post("/manage/quotes", {"quotes": [EURUSD]})
    with world.in_alpha():
        Instrument.objects.filter(symbol="EURUSD").update(stale_quote_seconds=60)
        assert asset(world)["market_state"] == "open"
        Quote.objects.update(at=now - timedelta(seconds=62))
        assert asset(world)["market_state"] == "stale"
        Instrument.objects.filter(symbol="EURUSD").update(trade_enabled=False)
    assert (asset(world)["market_state"], asset(world)["trade"]) == ("closed", 0)


def test_who_sees_the_market(world: World) -> None:
    login, other, foreign = world.alice.login, world.bob.login, world.charlie.login
    denied = (403, "PERMISSION_DENIED")
    for read in (world.alice.get, world.alice.get_as_account):
        assert read("/market")[0] == 200
        assert read("/market/", login=login)[0] == 200
        for unseen in (other, foreign, 999_999_999):
            status, answer = read("/market", login=unseen)
            assert (status, answer["error"]) == denied
    for staff in (world.dealer, world.admin, world.crm_manager):
        assert staff.get("/market", login=login)[0] == 200
        status, answer = staff.get("/market")
        assert (status, answer["error"], answer["field"]) == (400, "INVALID_DATA", "login")
        for unseen in (foreign, 999_999_999):
            status, answer = staff.get("/market", login=unseen)
            assert (status, answer["error"]) == (404, "RET_ERR_NOTFOUND")


@pytest.mark.parametrize("login", ["abc", "1.5", "-1", "0", "99999999999999999999"])
def test_a_login_that_is_none(world: World, login: str) -> None:
    status, answer = world.alice.get("/market", login=login)
    assert (status, answer["error"], answer["field"]) == (400, "INVALID_DATA", "login")


def test_the_market_needs_a_session_of_its_tenant(world: World) -> None:
    world.alice.host = "south.example"
    status, answer = world.alice.get("/market")
    assert (status, answer["error"]) == (401, "UNAUTHORIZED")


def test_charlie_sees_his_own_tenants_quotes_only(world: World) -> None:
    world.admin.post("/manage/quotes", {"quotes": [EURUSD]})
    assert world.charlie.get("/market")[1]["assets"]["EURUSD"]["bid"] == 0


@pytest.mark.parametrize(
    ("quotes", "field"),
    [
        ([], "quotes"),
        ({}, "quotes"),
        ([7], "quotes[0]"),
        ([EURUSD] * 1001, "quotes"),
        ([EURUSD, {"symbol": "EURUSD", "bid": 1}], "quotes[1].ask"),
        ([EURUSD | {"symbol": "NOPE"}], "quotes[0].symbol"),
        ([EURUSD | {"symbol": ["EURUSD"]}], "quotes[0].symbol"),
        ([EURUSD | {"bid": 0}], "quotes[0].bid"),
        ([EURUSD | {"bid": "NaN"}], "quotes[0].bid"),
        ([EURUSD | {"bid": True}], "quotes[0].bid"),
        ([EURUSD | {"bid": 1.2}], "quotes[0].ask"),
        ([EURUSD | {"bid": "0.00000000001"}], "quotes[0].bid"),
        ([EURUSD | {"ask": "1" + "0" * 20}], "quotes[0].ask"),
        ([EURUSD | {"time": -1}], "quotes[0].time"),
        ([EURUSD | {"time": 1.5}], "quotes[0].time"),
        ([EURUSD | {"time": "1700000000"}], "quotes[0].time"),
        ([EURUSD | {"time": None}], "quotes[0].time"),
        ([EURUSD, EURUSD | {"time": 253_402_300_799}], "quotes[1].time"),
    ],
)
def test_a_wrong_quote_is_named_and_none_taken(world: World, quotes: Any, field: str) -> None:
    status, answer = world.dealer.post("/manage/quotes", {"quotes": quotes})
    assert (status, answer["error"], answer["field"]) == (400, "INVALID_DATA", field)
    assert asset(world) == ASSET


@pytest.mark.parametrize("text", ['{"quotes": [{"symbol": "EURUSD", "bid": NaN, "ask": 1}]}', "[", "[]", ""])
def test_what_is_no_call(world: World, text: str) -> None:
    status, answer = world.dealer.post("/manage/quotes", text)
    assert (status, answer["error"]) == (400, "INVALID_DATA")


def test_the_times_of_quotes(world: World) -> None:
    now = clock.unix(clock.now())
    timed = [EURUSD | {"time": now - 5}, EURUSD | {"time": now - 5, "bid": 1.09}]
    assert world.dealer.post("/manage/quotes", {"quotes": timed})[0] == 200
    assert asset(world)["bid"] == Decimal("1.09")
    status, answer = world.dealer.post("/manage/quotes", {"quotes": [EURUSD | {"time": now - 6}]})
    assert (status, answer["field"]) == (400, "quotes[0].time")
    assert world.dealer.post("/manage/quotes", {"quotes": [EURUSD | {"time": now + 90}]})[0] == 400
    assert world.dealer.post("/manage/quotes", {"quotes": [EURUSD | {"time": 0}]})[0] == 200


def test_a_thousand_quotes_in_one_call(world: World) -> None:
    quotes = [EURUSD | {"bid": f"1.{number:04}"} for number in range(1, 1001)]
    assert world.manager.post("/manage/quotes", {"quotes": quotes}) == (200, {"accepted": 1000})
    assert asset(world)["bid"] == Decimal("1.1")


@pytest.mark.parametrize(
    ("who", "status"), [("admin", 200), ("manager", 200), ("dealer", 200), ("crm_manager", 403), ("crm_admin", 403)]
)
def test_who_posts_quotes(world: World, who: str, status: int) -> None:
    assert getattr(world, who).post("/manage/quotes", {"quotes": [EURUSD]})[0] == status
