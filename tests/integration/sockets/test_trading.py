"""Orders by socket: acknowledgements, refusals, repetition, and whose account it is."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import TradingAccount
from accounts.tokens import Claims
from config.terminal import orders
from config.terminal.access import Signed
from core.clock import now
from core.states import CopyRole, ManualTradingMode
from infra.actor import Actor, SessionType
from tests.integration.sockets.conftest import Client, Connect, World, in_database
from tests.support.statements import statements
from trading.models import Order, Trade
from trading.selectors_access import TradableAccount

OPEN = {"cmd": 0, "volume": 10, "symbol": "EURUSD"}


def is_answer(message: Any) -> bool:
    return isinstance(message, dict)


async def command(client: Client, event: str, command_id: Any, data: Any) -> Any:
    """The answer to a command; frames that come before it are left out."""
    await client.say(event=event, id=command_id, data=data)
    return (await client.hear_until(is_answer))[-1]


async def trades_of(world: World, login: int) -> list[Trade]:
    return await in_database(
        world.alpha, lambda: list(Trade.objects.filter(account__login=login, cmd__lt=6).order_by("id"))
    )


async def test_an_order_is_acknowledged_before_its_own_frames(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    for n in range(20):
        await client.say(event="trade.open", id=f"id-{n}", data=OPEN)
        ack, order, balance = await client.hear(), await client.hear(), await client.hear()
        assert (ack["event"], ack["id"]) == ("trade.ack", f"id-{n}")
        told = {key: ack["data"][key] for key in ("accepted", "state", "login", "symbol", "cmd", "volume")}
        expected = {"state": 0, "login": world.alice.login, "symbol": "EURUSD", "cmd": 0, "volume": 10}
        assert told == expected | {"accepted": True}
        assert order[:3] == ["o", ack["data"]["order"], world.alice.login]
        assert balance[:2] == ["b", world.alice.login]


async def test_others_of_the_account_hear_the_order_too(world: World, connect: Connect) -> None:
    trader = await connect(world.alice.token, switch=world.alice.login)
    watcher = await connect(world.alice.token, switch=0)
    stranger = await connect(world.bob.token, switch=0)
    order = (await command(trader, "trade.open", "1", OPEN))["data"]["order"]
    assert (await watcher.hear())[:2] == ["o", order]
    assert await stranger.silent()


async def test_close_and_partial_close(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    order = (await command(client, "trade.open", "1", OPEN))["data"]["order"]
    part = await command(client, "trade.close", "2", {"order": order, "volume": 4})
    assert part["event"] == "trade.ack"
    assert part["data"]["close_volume"] == 4
    rest = await command(client, "trade.close", "3", {"order": order})
    assert rest["data"]["close_volume"] == 6
    again = await command(client, "trade.close", "4", {"order": order})
    assert (again["event"], again["error"]) == ("trade.error", "RET_TRADE_INCORRECT_STATE")


async def test_the_account_of_an_own_record_is_not_asked_for_and_that_of_anothers_is(
    world: World, connect: Connect
) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    later = await connect(world.alice.token)
    first = (await command(client, "trade.open", "1", OPEN))["data"]["order"]
    second = (await command(client, "trade.open", "2", OPEN))["data"]["order"]
    with statements() as sent:
        assert (await command(client, "trade.close", "3", {"order": first}))["event"] == "trade.ack"
    assert not [text for text in sent if "JOIN accounts_tradingaccount" in text]
    with statements() as sent:
        assert (await command(later, "trade.close", "4", {"order": second}))["event"] == "trade.ack"
    assert len([text for text in sent if "JOIN accounts_tradingaccount" in text]) == 1


def test_the_records_that_a_socket_remembers_are_limited() -> None:
    actor = Actor(session_type=SessionType.CUSTOMER, user_id=1, tenant_id=1)
    desk = orders.Desk(Signed(actor, Claims(uuid4(), "CUSTOMER", 1, 1, None, now())), in_browser=False)
    for number in range(orders.REMEMBERED + 5):
        desk.remember(number, TradableAccount(7, 70))
    assert list(desk.opened) == list(range(5, orders.REMEMBERED + 5))


async def test_the_same_id_gives_the_same_answer_and_no_second_trade(world: World, connect: Connect) -> None:
    first = await connect(world.alice.token, switch=world.alice.login)
    answer = await command(first, "trade.open", "same", OPEN)
    later = await connect(world.alice.token)
    again = await command(later, "trade.open", "same", {**OPEN, "login": world.alice.login, "volume": 10.0, "sl": 0})
    assert again == answer
    other = await command(later, "trade.open", "same", {**OPEN, "login": world.alice.login, "volume": 11})
    assert (other["event"], other["error"]) == ("trade.error", "IDEMPOTENCY_KEY_REUSED")
    assert len(await trades_of(world, world.alice.login)) == 1


async def test_a_refusal_is_told_and_remembered(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    for _ in range(2):
        answer = await command(client, "trade.open", "big", {**OPEN, "volume": 10_000})
        assert (answer["event"], answer["id"], answer["error"]) == ("trade.error", "big", "RET_TRADE_NO_MONEY")
        assert answer["message"]
    stored = await in_database(world.alpha, lambda: list(Order.objects.values_list("client_order_id", "refusal")))
    assert stored == [("ws:big", "RET_TRADE_NO_MONEY")]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "cmd"),
        ({**OPEN, "cmd": 2}, "cmd"),
        ({**OPEN, "volume": 0}, "volume"),
        ({**OPEN, "volume": 1.5}, "volume"),
        ({**OPEN, "volume": "1"}, "volume"),
        ({**OPEN, "symbol": "NOPE"}, "symbol"),
        ({**OPEN, "symbol": ""}, "symbol"),
        ({**OPEN, "sl": -1}, "sl"),
        ({**OPEN, "comment": "x" * 256}, "comment"),
        ({**OPEN, "login": "1"}, "login"),
        ([], "data"),
        (None, "data"),
    ],
)
async def test_bad_data_is_named_and_changes_nothing(world: World, connect: Connect, data: Any, field: str) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    answer = await command(client, "trade.open", "1", data)
    assert (answer["event"], answer["id"], answer["error"]) == ("trade.error", "1", "INVALID_DATA")
    assert answer["message"].startswith(field)
    assert await trades_of(world, world.alice.login) == []


@pytest.mark.parametrize("command_id", [None, "", "x" * 65, 5, [], {}])
async def test_a_command_needs_an_id(world: World, connect: Connect, command_id: Any) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    answer = await command(client, "trade.open", command_id, OPEN)
    assert (answer["event"], answer["error"]) == ("trade.error", "INVALID_DATA")
    assert await trades_of(world, world.alice.login) == []


@pytest.mark.parametrize("event", sorted(orders.COMMANDS))
async def test_a_command_without_its_fields_is_refused(world: World, connect: Connect, event: str) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    answer = await command(client, event, "1", {})
    assert (answer["event"], answer["id"], answer["error"]) == ("trade.error", "1", "INVALID_DATA")


@pytest.mark.parametrize("switch", [None, 0])
async def test_without_one_active_account_the_login_is_needed(
    world: World, connect: Connect, switch: int | None
) -> None:
    client = await connect(world.alice.token, switch=switch)
    assert (await command(client, "trade.open", "1", OPEN))["error"] == "INVALID_DATA"
    named = await command(client, "trade.open", "2", {**OPEN, "login": world.alice.accounts[1].login})
    assert named["data"]["login"] == world.alice.accounts[1].login


async def test_an_account_session_trades_its_account_and_no_other(world: World, connect: Connect) -> None:
    client = await connect(world.alice.account_token)
    assert (await command(client, "trade.open", "1", OPEN))["data"]["login"] == world.alice.login
    other = await command(client, "trade.open", "2", {**OPEN, "login": world.alice.accounts[1].login})
    assert other["error"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("owner", ["bob", "charlie"])
async def test_foreign_accounts_and_orders_are_refused(world: World, connect: Connect, owner: str) -> None:
    theirs = getattr(world, owner)
    other = await connect(theirs.token, switch=theirs.login, host="localhost")
    order = (await command(other, "trade.open", "1", OPEN))["data"]["order"]
    client = await connect(world.alice.token, switch=world.alice.login)
    opened = await command(client, "trade.open", "1", {**OPEN, "login": theirs.login})
    closed = await command(client, "trade.close", "2", {"order": order})
    assert [opened["error"], closed["error"]] == ["PERMISSION_DENIED"] * 2


async def test_a_login_that_differs_from_the_orders_is_refused(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    order = (await command(client, "trade.open", "1", OPEN))["data"]["order"]
    wrong = {"order": order, "login": world.alice.accounts[1].login}
    assert (await command(client, "trade.close", "2", wrong))["error"] == "PERMISSION_DENIED"
    right = {"order": order, "login": world.alice.login}
    assert (await command(client, "trade.close", "3", right))["event"] == "trade.ack"


async def test_dealers_trade_for_any_account_of_their_tenant_and_others_of_the_staff_do_not(
    world: World, connect: Connect
) -> None:
    dealer = await connect(world.dealer.token)
    done = await command(dealer, "trade.open", "1", {**OPEN, "login": world.bob.login})
    assert done["event"] == "trade.ack"
    foreign = await command(dealer, "trade.open", "2", {**OPEN, "login": world.charlie.login})
    assert foreign["error"] == "RET_ERR_NOTFOUND"
    assert [(t.reason) for t in await trades_of(world, world.bob.login)] == [2]
    crm = await connect(world.crm.token)
    assert (await command(crm, "trade.open", "3", {**OPEN, "login": world.bob.login}))["error"] == "PERMISSION_DENIED"


async def test_commands_of_a_socket_are_carried_out_in_order(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    for n in range(30):
        await client.say(event="trade.open", id=f"n{n}", data={**OPEN, "volume": 1 + n % 3})
    heard: list[Any] = []
    while len(heard) < 30:
        heard.extend(m for m in await client.hear_until(is_answer) if is_answer(m))
    assert [m["id"] for m in heard] == [f"n{n}" for n in range(30)]
    assert [m["data"]["order"] for m in heard] == sorted(m["data"]["order"] for m in heard)


async def test_a_waiting_socket_does_not_hold_up_others(world: World, connect: Connect) -> None:
    slow = await connect(world.alice.token, switch=world.alice.login)
    quick = await connect(world.bob.token, switch=world.bob.login)
    holding, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold() -> None:
        from accounts.models import TradingAccount

        TradingAccount.objects.select_for_update(no_key=True).get(pk=world.alice.accounts[0].pk)
        loop.call_soon_threadsafe(holding.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10)

    holder = asyncio.create_task(in_database(world.alpha, hold))
    await asyncio.wait_for(holding.wait(), 5)
    await slow.say(event="trade.open", id="1", data=OPEN)
    assert (await command(quick, "trade.open", "1", OPEN))["event"] == "trade.ack"
    assert await slow.receive_nothing(0.1)
    release.set()
    await holder
    assert (await slow.hear())["event"] == "trade.ack"


async def test_openings_are_limited_and_closes_never(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.API_RATES = {"trade": 1}
    monkeypatch.setattr(orders, "BURST_SECONDS", 2)
    client = await connect(world.alice.token, switch=world.alice.login)
    answers = [await command(client, "trade.open", f"o{n}", OPEN) for n in range(4)]
    assert answers[0]["event"] == "trade.ack"
    assert answers[-1]["error"] == "RET_TOO_FREQUENT"
    assert answers[-1]["retry_after"] >= 1
    order = answers[0]["data"]["order"]
    for n in range(3):
        closed = await command(client, "trade.close", f"c{n}", {"order": order, "volume": 1})
        assert closed["event"] == "trade.ack"


async def test_numbers_are_read_from_their_text(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    await client.send_to(
        text_data='{"event":"trade.open","id":"1","data":'
        '{"cmd":0,"volume":10.0,"symbol":"EURUSD","sl":1.0000000001,"tp":"1.2000000001"}}'
    )
    assert (await client.hear())["event"] == "trade.ack"
    [trade] = await trades_of(world, world.alice.login)
    assert (trade.sl, trade.tp) == (Decimal("1.0000000001"), Decimal("1.2000000001"))


async def test_a_follower_that_may_not_trade_by_hand_is_told_so(world: World, connect: Connect) -> None:
    def bound() -> None:
        account = TradingAccount.objects.filter(login=world.alice.login)
        account.update(copy_role=CopyRole.FOLLOWER, manual_trading_mode=ManualTradingMode.DISABLED)

    client = await connect(world.alice.token, switch=world.alice.login)
    order = (await command(client, "trade.open", "1", OPEN))["data"]["order"]
    await in_database(world.alpha, bound)
    for event, number, data in (("trade.open", "2", OPEN), ("trade.close", "3", {"order": order})):
        answer = await command(client, event, number, data)
        assert (answer["event"], answer["error"]) == ("trade.error", "MANUAL_TRADING_DISABLED")
        assert "switched off" in answer["message"]
    assert len(await trades_of(world, world.alice.login)) == 1
