"""The limits of section 1, met through the addresses that terminals use."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from tests.support.api import Api
from tests.support.world import World

ApiOf = Callable[..., Api]


def opening(world: World, **more: Any) -> dict[str, Any]:
    return {"login": world.alice.login, "cmd": 0, "volume": 10, "symbol": "EURUSD", **more}


def orders(api: Api) -> list[int]:
    found = api.get("/trades", tradeType=1, limit=100, offset=0)
    assert found.status == 200, found.text
    return [row["order"] for row in found.rows()]


def test_a_repeated_order_is_one_trade(world: World, api: ApiOf) -> None:
    world.north.market()
    alice = api(world.alice)
    first, second = (alice.post("/trade/open", opening(world), Idempotency_Key="once") for _try in range(2))
    assert first.status == 200
    assert second.json == first.json
    assert orders(alice) == [first["order"]]
    other = alice.post("/trade/open", opening(world, volume=20), Idempotency_Key="once")
    assert (other.status, other.error) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert alice.post("/trade/open", opening(world), Idempotency_Key="twice").status == 200
    # A key belongs to its user.
    bobs = {**opening(world), "login": world.bob.login}
    assert api(world.bob).post("/trade/open", bobs, Idempotency_Key="once")["login"] == world.bob.login
    assert len(orders(alice)) == 2


def test_a_repeated_close_closes_once(world: World, api: ApiOf) -> None:
    world.north.market()
    alice = api(world.alice)
    order = alice.post("/trade/open", opening(world))["order"]
    part = {"order": order, "volume": 4}
    first, second = (alice.delete("/trade/close", part, Idempotency_Key="part") for _try in range(2))
    assert (first.status, first.json) == (200, second.json)
    rows = alice.get("/trades", tradeType=1, limit=10, offset=0).rows()
    assert [(row["order"], row["volume"]) for row in rows] == [(order, 6)]


def test_a_refused_order_may_be_tried_again_with_its_key(world: World, api: ApiOf) -> None:
    world.north.market()
    alice = api(world.alice)
    refused = alice.post("/trade/open", opening(world, sl=2), Idempotency_Key="again")
    assert (refused.status, refused.error) == (403, "RET_TRADE_BAD_STOPS")
    assert alice.post("/trade/open", opening(world), Idempotency_Key="again").status == 200


def test_trade_commands_are_counted_and_what_reduces_is_not(world: World, api: ApiOf, settings: Settings) -> None:
    world.north.market()
    settings.API_RATES = {"read": None, "trade": 1, "write": None}
    alice = api(world.alice)
    made = [alice.post("/trade/open", opening(world)) for _order in range(5)]
    assert {answer.status for answer in made} == {200}
    answers = [alice.post("/trade/open", opening(world)) for _order in range(3)]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) >= 2
    assert {answer.error for answer in refused} == {"RET_TOO_FREQUENT"}
    assert all(int(answer.headers["Retry-After"]) == answer["retry_after"] >= 1 for answer in refused)
    for answer in made:
        assert alice.delete("/trade/close", {"order": answer["order"]}).status == 200
    # Sessions are counted apart.
    assert api(world.alice.place.session(world.alice.user)).post("/trade/open", opening(world)).status == 200


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "-1", "0", "0.5", '"10"', "true", "9" * 400]
)
@pytest.mark.parametrize("field", ["volume", "login"])
def test_a_number_that_is_none_is_refused(world: World, api: ApiOf, field: str, number: str) -> None:
    world.north.market()
    sent = {key: str(value) if not isinstance(value, str) else f'"{value}"' for key, value in opening(world).items()}
    body = "{" + ", ".join(f'"{key}": {value}' for key, value in (sent | {field: number}).items()) + "}"
    answer = api(world.alice).post("/trade/open", body)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert orders(api(world.alice)) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "1e-400", "-1", "true", '"1e5"', "[]", "9" * 400])
def test_a_price_that_is_none_is_refused(world: World, api: ApiOf, number: str) -> None:
    world.north.market()
    body = f'{{"login": {world.alice.login}, "cmd": 0, "volume": 10, "symbol": "EURUSD", "sl": {number}}}'
    answer = api(world.alice).post("/trade/open", body)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert orders(api(world.alice)) == []


def test_a_body_may_have_one_mebibyte(world: World, api: ApiOf) -> None:
    world.north.market()
    limit = django_settings.API_MAX_BODY_BYTES
    fits = '{"login": 1, "x": "' + "x" * (limit - 21) + '"}'
    assert len(fits) == limit
    assert api(world.alice).post("/trade/open", fits).error == "INVALID_DATA"
    answer = api(world.alice).post("/trade/open", fits + " ")
    assert (answer.status, answer.error) == (413, "BODY_TOO_LARGE")
