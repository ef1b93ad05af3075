"""Pending orders and modifications by socket."""

import time
from decimal import Decimal
from typing import Any

import pytest

from config.terminal import orders
from tests.integration.sockets.conftest import Client, Connect, World, in_database
from trading.models import Trade

LIMIT = {"cmd": 2, "volume": 10, "symbol": "EURUSD", "open_price": 1.09}
OPEN = {"cmd": 0, "volume": 10, "symbol": "EURUSD"}


async def command(client: Client, event: str, command_id: str, **data: Any) -> Any:
    """The answer to a command; frames that come before it are left out."""
    await client.say(event=event, id=command_id, data=data)
    return (await client.hear_until(lambda message: isinstance(message, dict)))[-1]


async def placed(client: Client, command_id: str = "p", **changes: Any) -> int:
    order: int = (await command(client, "trade.open.pending", command_id, **{**LIMIT, **changes}))["data"]["order"]
    return order


async def stored(world: World, order: int) -> Trade:
    return await in_database(world.alpha, lambda: Trade.objects.get(pk=order))


async def test_a_life_of_a_pending_order_with_its_frames(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    steps: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
        ("trade.open.pending", {**LIMIT, "comment": "dip"}, (2, 1.09, 0, 0, "dip", 0)),
        ("trade.modify", {"open_price": 1.08, "sl": 1.07}, (2, 1.08, 1.07, 0, "dip", 1)),
        ("trade.cancel", {}, (2, 1.08, 1.07, 6, "dip [cancelled]", 2)),
    ]
    order = 0
    for n, (event, data, told) in enumerate(steps):
        await client.say(event=event, id=str(n), data=data | ({"order": order} if order else {}))
        ack, frame, balance = await client.hear(), await client.hear(), await client.hear()
        assert (ack["event"], ack["id"]) == ("trade.ack", str(n))
        order = order or ack["data"]["order"]
        assert (ack["data"]["order"], ack["data"]["state"], ack["data"]["cmd"]) == (order, told[3], 2)
        assert (frame[1], frame[4], frame[6], frame[11], frame[12], frame[16], frame[17]) == (order, *told)
        assert balance[:3] == ["b", world.alice.login, 10000]


async def test_modify_goes_by_what_the_order_is(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    ticket = (await command(client, "trade.open", "1", **OPEN))["data"]["order"]
    waiting = await placed(client)
    for n, order in enumerate((ticket, waiting)):
        done = await command(client, "trade.modify", f"m{n}", order=order, sl=1.05, tp=1.3)
        assert done["event"] == "trade.ack"
        assert (await stored(world, order)).sl == Decimal("1.05")
    expires = int(time.time()) + 60
    assert (await command(client, "trade.modify", "e", order=waiting, expiration=expires))["event"] == "trade.ack"
    assert (await stored(world, waiting)).expiration_at is not None
    of_pending: list[dict[str, Any]] = [{"open_price": 1.05}, {"expiration": expires}]
    for n, changes in enumerate(of_pending):
        refused = await command(client, "trade.modify", f"w{n}", order=ticket, **changes)
        assert refused["error"] == "RET_TRADE_INCORRECT_STATE"
    assert (await command(client, "trade.cancel", "c", order=ticket))["error"] == "RET_TRADE_INCORRECT_CMD"


async def test_repeated_ids_over_connections(world: World, connect: Connect) -> None:
    first = await connect(world.alice.token, switch=world.alice.login)
    order = await placed(first)
    modified = await command(first, "trade.modify", "m", order=order, sl=1.05)
    cancelled = await command(first, "trade.cancel", "c", order=order)
    later = await connect(world.alice.token)
    assert await placed(later, login=world.alice.login, open_price="1.0900") == order
    assert await command(later, "trade.modify", "m", order=order, sl="1.050") == modified
    assert await command(later, "trade.cancel", "c", order=order) == cancelled
    other = await command(later, "trade.modify", "m", order=order, sl=1.05, tp=0)
    assert other["error"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize(
    ("event", "data", "error", "named"),
    [
        ("trade.open.pending", {**LIMIT, "open_price": 2}, "RET_TRADE_BAD_STOPS", ""),
        ("trade.open.pending", {**LIMIT, "open_price": 0}, "INVALID_DATA", "open_price"),
        ("trade.open.pending", {**LIMIT, "cmd": 0}, "INVALID_DATA", "cmd"),
        ("trade.open.pending", {**LIMIT, "expiration": 5}, "INVALID_DATA", "expiration"),
        ("trade.open.pending", {**LIMIT, "symbol": "GBPUSD"}, "RET_TRADE_OFFQUOTES", ""),
        ("trade.modify", {"order": 999_999_999, "sl": 1}, "PERMISSION_DENIED", ""),
        ("trade.modify", {"order": 1, "sl": None}, "INVALID_DATA", "sl"),
        ("trade.cancel", {"order": 999_999_999}, "PERMISSION_DENIED", ""),
        ("trade.cancel", {"order": "1"}, "INVALID_DATA", "order"),
    ],
)
async def test_refusals(
    world: World, connect: Connect, event: str, data: dict[str, Any], error: str, named: str
) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    answer = await command(client, event, "x", **data)
    assert (answer["event"], answer["error"]) == ("trade.error", error)
    assert named in answer["message"]
    kept = await in_database(world.alpha, lambda: Trade.objects.filter(cmd__lt=6).count())
    assert kept == 0


@pytest.mark.parametrize("owner", ["bob", "charlie"])
async def test_foreign_orders(world: World, connect: Connect, owner: str) -> None:
    theirs = getattr(world, owner)
    order = await placed(await connect(theirs.token, switch=theirs.login, host="localhost"))
    client = await connect(world.alice.token, switch=world.alice.login)
    for event in ("trade.modify", "trade.cancel"):
        assert (await command(client, event, event, order=order, sl=1))["error"] == "PERMISSION_DENIED"
    assert (await command(client, "trade.open.pending", "p", **LIMIT, login=theirs.login))[
        "error"
    ] == "PERMISSION_DENIED"


async def test_a_login_is_needed_to_place_but_not_to_change(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=0)
    assert (await command(client, "trade.open.pending", "1", **LIMIT))["error"] == "INVALID_DATA"
    order = await placed(client, "2", login=world.alice.login)
    assert (await command(client, "trade.modify", "3", order=order, sl=1))["event"] == "trade.ack"
    wrong = await command(client, "trade.cancel", "4", order=order, login=world.alice.accounts[1].login)
    assert wrong["error"] == "PERMISSION_DENIED"
    assert (await command(client, "trade.cancel", "5", order=order))["event"] == "trade.ack"


async def test_placing_is_limited_and_cancelling_never(
    world: World, connect: Connect, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_RATES = {"trade": 1}
    monkeypatch.setattr(orders, "BURST_SECONDS", 1)
    client = await connect(world.alice.token, switch=world.alice.login)
    order = await placed(client)
    assert (await command(client, "trade.modify", "1", order=order, sl=1))["error"] == "RET_TOO_FREQUENT"
    errors = [(await command(client, "trade.cancel", f"c{n}", order=order)).get("error") for n in range(10)]
    assert errors == [None, *["RET_TRADE_INCORRECT_STATE"] * 9]
