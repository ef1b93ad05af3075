"""Whatever is sent: an error that says so, and a socket that goes on."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.sockets.conftest import PATIENCE, Connect, World
from tests.integration.sockets.test_trading import is_answer

EVENTS = ("subscribe", "unsubscribe", "account.switch", "trade.open", "trade.close", "trade.cancel", "authorize", "")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
trade_fields = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("login", "cmd", "volume", "symbol", "sl", "tp", "comment", "order"), anything)
)
messages = st.one_of(
    anything.map(json.dumps),
    st.text(min_size=1, max_size=200),
    st.fixed_dictionaries(
        {"event": st.sampled_from(EVENTS) | anything},
        optional={"id": anything, "data": trade_fields | anything, "active_login": anything},
    ).map(json.dumps),
)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        "1",
        '"ping"',
        "{}",
        '{"event": 1}',
        '{"event": null}',
        '{"event": "unknown"}',
        '{"event": "__class__"}',
        '{"event": "websocket.disconnect"}',
        '{"event": "subscribe"}',
        '{"event": "subscribe", "data": "EURUSD"}',
        '{"event": "subscribe", "data": [1]}',
        '{"event": "subscribe", "data": [null]}',
        '{"event": "subscribe", "data": ["\\u0000"]}',
        '{"event": "subscribe", "data": ["\\ud800"]}',
        json.dumps({"event": "subscribe", "data": ["x"] * 1001}),
        '{"event": "account.switch"}',
        '{"event": "account.switch", "active_login": -1}',
        '{"event": "account.switch", "active_login": "5"}',
        '{"event": "account.switch", "active_login": 1e999999}',
        '{"event": "account.switch", "active_login": NaN}',
        '{"event": "account.switch", "active_login": ' + "9" * 5000 + "}",
        "[" * 30_000,
        '{"event": "' + "x" * 70_000 + '"}',
        '{"event": "' + "ä" * 40_000 + '"}',
        "\ud800",
    ],
)
async def test_garbage_is_answered_and_the_socket_stays(world: World, connect: Connect, text: str) -> None:
    client = await connect(world.alice.token)
    await client.send_to(text_data=text)
    answer = await client.hear()
    assert (answer["event"], answer["error"]) == ("error", "INVALID_DATA")
    assert answer["message"]
    assert await client.silent()


async def test_bytes_are_no_messages(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token)
    await client.send_to(bytes_data=b"ping")
    assert (await client.hear())["error"] == "INVALID_DATA"
    assert await client.silent()


async def test_twenty_errors_in_a_row_close_the_socket(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token)
    for _ in range(2):
        for _ in range(19):
            await client.send_to(text_data="{")
            assert (await client.hear())["error"] == "INVALID_DATA"
        assert await client.silent()
    for _ in range(20):
        await client.send_to(text_data="{")
        assert (await client.hear())["error"] == "INVALID_DATA"
    assert await client.closed() == 1008


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(messages, min_size=1, max_size=15))
async def test_nothing_that_is_said_breaks_a_socket(world: World, connect: Connect, said: list[Any]) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    for text in said:
        await client.send_to(text_data=text)
    await client.say(event="trade.open", id="the last one", data={"cmd": 9})
    heard = []
    while not (heard and heard[-1].get("id") == "the last one"):
        text = await client.receive_from(timeout=PATIENCE)
        if text != "pong" and is_answer(message := json.loads(text)):
            heard.append(message)
    assert "INTERNAL_ERROR" not in {message.get("error") for message in heard}
