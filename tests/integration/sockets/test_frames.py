"""Which socket hears which frame."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from infra import outbox, push
from infra.hub import account_key, hub
from infra.outbox import Message
from infra.push import Frame
from tests.integration.sockets.conftest import PATIENCE, Client, Connect, World, application, in_database
from trading.services.quotes import NewQuote, quotes_store


class Last:
    """Listens for the frame behind all others: when it is heard, they have been handed out."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def deliver(self, message: Message) -> None:
        self.heard.set()

    def deliver_copy(self, frame: Frame) -> None:
        raise AssertionError("it listens to no copies")

    def end(self, code: int) -> None:
        raise AssertionError("it has no session")


async def publish(*frames: Frame) -> None:
    """Publishes the frames and waits until the hub has handed them out."""
    nobody, last = account_key(0, 0), Last()
    hub().join(nobody, last)
    await asyncio.to_thread(push.publish, [*frames, Frame(0, 0, 0, "account", "last")])
    await asyncio.wait_for(last.heard.wait(), PATIENCE)
    hub().leave(nobody, last)


async def heard_by(clients: dict[str, Client], text: str) -> set[str]:
    """Who has heard `text`."""
    found = set()
    for name, client in clients.items():
        await client.send_to(text_data="ping")
        if (said := await client.receive_from(timeout=PATIENCE)) != "pong":
            assert said == text
            assert await client.receive_from(timeout=PATIENCE) == "pong"
            found.add(name)
    return found


async def post_quote(world: World, symbol: str, bid: str) -> None:
    quote = NewQuote(symbol, Decimal(bid), Decimal(bid) + 1)
    await in_database(
        world.alpha,
        lambda: quotes_store(tenant_id=world.alpha, quotes=[quote], at=clock.now(), source="POSTED"),
    )


async def test_an_account_frame_goes_to_the_active_login_and_to_all_own(world: World, connect: Connect) -> None:
    alice = world.alice
    clients = {
        "active": await connect(alice.token, switch=alice.login),
        "all own": await connect(alice.token, switch=0),
        "account session": await connect(alice.account_token),
        "dealer": await connect(world.dealer.token, switch=alice.login),
        "other active": await connect(alice.token, switch=alice.accounts[1].login),
        "none active": await connect(alice.token),
        "bob": await connect(world.bob.token, switch=0),
        "charlie": await connect(world.charlie.token, host="beta.test", switch=0),
    }
    await publish(Frame(world.alpha, alice.user.id, alice.login, "account", '["b",1]'))
    assert await heard_by(clients, '["b",1]') == {"active", "all own", "account session", "dealer"}


async def test_frames_of_another_tenant_are_never_heard(world: World, connect: Connect) -> None:
    alice, charlie = world.alice, world.charlie
    clients = {"alice": await connect(alice.token, switch=0), "dealer": await connect(world.dealer.token)}
    for client in clients.values():
        await client.say(event="subscribe", data=["EURUSD", "@copy"])
        await client.hear()
    await publish(
        Frame(charlie.tenant_id, alice.user.id, alice.login, "account", "1"),
        Frame(charlie.tenant_id, alice.user.id, alice.login, "copy", "2", "copy.order"),
        Frame(charlie.tenant_id, 0, 0, "quote", "3", "EURUSD"),
        Frame(charlie.tenant_id, alice.user.id, 0, "notice", "4"),
        Frame(charlie.tenant_id, 0, 0, "session", alice.session_id),
    )
    assert await heard_by(clients, "") == set()


async def test_an_account_session_never_hears_of_the_customers_other_accounts(world: World, connect: Connect) -> None:
    alice = world.alice
    client = await connect(alice.account_token, switch=0)
    await client.say(event="subscribe", data=["@copy"])
    other = alice.accounts[1].login
    await publish(
        Frame(world.alpha, alice.user.id, other, "account", "1"),
        Frame(world.alpha, alice.user.id, other, "copy", "2", "copy.order"),
        Frame(world.alpha, alice.user.id, 0, "notice", "3"),
        Frame(world.alpha, alice.user.id, alice.login, "notice", "4"),
    )
    assert await client.hear() == 4
    await client.say(event="account.switch", active_login=other)
    assert await client.hear() == {"event": "account.switch", "success": False, "error": "PERMISSION_DENIED"}


async def test_copy_activity_is_numbered_by_socket(world: World, connect: Connect) -> None:
    alice = world.alice
    client = await connect(alice.token)
    deaf = await connect(alice.token, switch=0)
    await client.say(event="subscribe", data=["@copy"])
    assert await client.silent()
    frame = Frame(world.alpha, alice.user.id, alice.login, "copy", '{"id":7}', "copy.order")
    await publish(frame, frame)
    assert [await client.hear(), await client.hear()] == [
        {"event": "copy.order", "seq": n, "data": {"id": 7}} for n in (1, 2)
    ]
    assert await deaf.silent()
    await client.say(event="unsubscribe", data=["@copy"])
    await publish(frame)
    assert await client.silent()


async def test_staff_hear_each_topic_once(world: World, connect: Connect) -> None:
    alice, bob = world.alice, world.bob
    client = await connect(world.crm.token)
    await client.say(event="subscribe", data=["@copy", "@masters"])
    assert await client.silent()
    await publish(
        Frame(world.alpha, alice.user.id, alice.login, "copy", "1", "copy.order"),
        Frame(world.alpha, bob.user.id, bob.login, "copy", "1", "copy.order", staff=False),
        Frame(world.alpha, alice.user.id, 0, "copy", "2", "master"),
        Frame(world.alpha, alice.user.id, 0, "copy", "3", "bot"),
    )
    assert [(await client.hear())["data"] for _ in range(2)] == [1, 2]
    assert await client.silent()


@pytest.mark.parametrize(("topic", "code"), [("@masters", "PERMISSION_DENIED"), ("@nothing", "INVALID_DATA")])
async def test_a_customer_gets_no_staff_topics(world: World, connect: Connect, topic: str, code: str) -> None:
    client = await connect(world.alice.token)
    await client.say(event="subscribe", data=[topic])
    answer = await client.hear()
    assert (answer["event"], answer["error"]) == ("error", code)


async def test_a_subscription_starts_with_the_stored_quote_and_goes_on(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token)
    await client.say(event="subscribe", data=["EURUSD", "GBPUSD"])
    kind, symbol, bid, ask, seconds = await client.hear()
    assert (kind, symbol, bid, ask) == ("t", "EURUSD", 1.1, 1.1002)
    assert isinstance(seconds, int)
    await post_quote(world, "GBPUSD", "1.3")
    assert (await client.hear())[:3] == ["t", "GBPUSD", 1.3]
    await client.say(event="unsubscribe", data=["GBPUSD"])
    assert await client.silent()
    await asyncio.sleep(0.12)
    await post_quote(world, "GBPUSD", "1.4")
    await asyncio.sleep(0.05)
    assert await client.silent()


async def test_unknown_symbols_are_named_and_the_others_subscribed(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token)
    await client.say(event="subscribe", data=["NOPE", "GBPUSD"])
    answer = await client.hear()
    assert answer["error"] == "INVALID_DATA"
    assert "NOPE" in answer["message"]
    assert "GBPUSD" not in answer["message"]
    await post_quote(world, "GBPUSD", "1.3")
    assert (await client.hear())[1] == "GBPUSD"


async def test_at_most_ten_quotes_a_second_and_the_latest_wins(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token)
    await client.say(event="subscribe", data=["GBPUSD"])
    assert await client.silent()
    began = asyncio.get_running_loop().time()
    for n in range(100):
        await publish(Frame(world.alpha, 0, 0, "quote", json.dumps(n), "GBPUSD"))
        await asyncio.sleep(0.004)
    heard = await client.hear_until(lambda quote: quote == 99)
    seconds = asyncio.get_running_loop().time() - began
    assert heard[0] == 0
    assert len(heard) <= 2 + seconds / 0.1


@pytest.mark.parametrize("login", ["bob", "charlie", "nobody"])
async def test_a_foreign_login_cannot_be_switched_to(world: World, connect: Connect, login: str) -> None:
    numbers = {"bob": world.bob.login, "charlie": world.charlie.login, "nobody": 999_999_999}
    client = await connect(world.alice.token, switch=0)
    await client.say(event="account.switch", active_login=numbers[login])
    assert await client.hear() == {"event": "account.switch", "success": False, "error": "PERMISSION_DENIED"}
    await publish(Frame(world.alpha, world.alice.user.id, world.alice.login, "account", '"still"'))
    assert await client.hear() == "still"


async def test_a_dealer_switches_within_the_tenant_only_and_crm_not_at_all(world: World, connect: Connect) -> None:
    denied = {"event": "account.switch", "success": False, "error": "PERMISSION_DENIED"}
    dealer = await connect(world.dealer.token, switch=world.bob.login)
    await dealer.say(event="account.switch", active_login=world.charlie.login)
    assert await dealer.hear() == denied
    crm = await connect(world.crm.token)
    await crm.say(event="account.switch", active_login=world.bob.login)
    assert await crm.hear() == denied


async def test_a_client_that_does_not_read_is_dropped_and_holds_nobody_back(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr("config.consumers.outbox_for", lambda send: outbox.AsgiOutbox(send, max_messages=50))
    alice = world.alice
    incoming: asyncio.Queue[Any] = asyncio.Queue()
    outgoing: list[Any] = []
    reading = asyncio.Event()
    reading.set()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            await reading.wait()
        outgoing.append(message)

    scope = {"type": "websocket", "path": "/ws/", "headers": [(b"host", b"alpha.test")], "query_string": b""}
    slow = asyncio.create_task(application(scope, incoming.get, send))  # type: ignore[arg-type]
    for text in (
        json.dumps({"authorization": alice.token}),
        json.dumps({"event": "account.switch", "active_login": 0}),
    ):
        incoming.put_nowait({"type": "websocket.receive", "text": text})
    incoming._queue.appendleft({"type": "websocket.connect"})  # type: ignore[attr-defined]
    while len(outgoing) < 3:
        await asyncio.sleep(0.01)
    quick = await connect(alice.token, switch=0)
    reading.clear()
    for n in range(60):
        await publish(Frame(world.alpha, alice.user.id, alice.login, "account", json.dumps(n)))
        assert await quick.hear() == n
    while outgoing[-1]["type"] != "websocket.close":
        await asyncio.sleep(0.01)
    assert outgoing[-1] == {"type": "websocket.close", "code": 4408}
    incoming.put_nowait({"type": "websocket.disconnect", "code": 4408})
    await asyncio.wait_for(slow, PATIENCE)
