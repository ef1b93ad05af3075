"""Who may open a socket, in which tenant, and how long it lives."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from accounts.services.sessions import session_open, session_revoke
from config import consumers
from core import clock
from tests.integration.sockets.conftest import Connect, World, in_database

OK = {"event": "authorization", "success": True}
INVALID = {"event": "authorization", "success": False, "error": "INVALID_TOKEN"}


@pytest.mark.parametrize("person", ["alice", "bob", "dealer", "crm"])
async def test_a_valid_token_opens_the_socket(world: World, connect: Connect, person: str) -> None:
    client = await connect()
    await client.say(authorization=getattr(world, person).token)
    assert await client.hear() == OK


async def test_bearer_is_accepted_in_front_of_the_token(world: World, connect: Connect) -> None:
    client = await connect()
    await client.say(authorization=f"Bearer {world.alice.token}")
    assert await client.hear() == OK


@pytest.mark.parametrize("token", ["", "x", "a.b.c", None, 7, True, [], {}, "ä" * 300])
async def test_an_invalid_token_is_told_and_closed(world: World, connect: Connect, token: Any) -> None:
    client = await connect()
    await client.say(authorization=token)
    assert await client.hear() == INVALID
    assert await client.closed() == 4401


@pytest.mark.parametrize("text", ["ping", "{", "[]", '{"event": "subscribe", "data": ["EURUSD"]}', "5", "null"])
async def test_anything_before_the_authorization_closes(world: World, connect: Connect, text: str) -> None:
    client = await connect()
    await client.send_to(text_data=text)
    assert await client.closed() == 4401


async def test_saying_nothing_closes(world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "AUTHORIZATION_SECONDS", 0.05)
    client = await connect()
    assert await client.closed() == 4401


async def test_a_token_does_not_count_on_another_tenants_domain(world: World, connect: Connect) -> None:
    client = await connect(host="beta.test:8000")
    await client.say(authorization=world.alice.token)
    assert await client.hear() == INVALID
    assert await client.closed() == 4401


async def test_a_host_that_is_nobodys_domain_follows_the_token(world: World, connect: Connect) -> None:
    await connect(world.charlie.token, host="localhost:8000")


async def test_an_expired_token_is_refused(world: World, connect: Connect) -> None:
    past = clock.now() - timedelta(hours=13)
    issued = await in_database(world.alpha, lambda: session_open(user=world.alice.user, at=past))
    client = await connect()
    await client.say(authorization=issued.token)
    assert await client.hear() == INVALID


async def test_a_session_that_expires_ends_its_socket(world: World, connect: Connect) -> None:
    nearly = clock.now() - timedelta(hours=12) + timedelta(seconds=2)
    issued = await in_database(world.alpha, lambda: session_open(user=world.alice.user, at=nearly))
    client = await connect(issued.token)
    assert await client.silent()
    assert await client.closed() == 4401
    assert clock.now() >= issued.session.expires_at


async def test_a_revoked_session_ends_its_sockets_and_no_others(world: World, connect: Connect) -> None:
    mine, again, other = (
        await connect(world.alice.token),
        await connect(world.alice.token),
        await connect(world.bob.token),
    )

    await in_database(world.alpha, lambda: session_revoke(session_id=world.alice.session_id, at=clock.now()))
    assert [await mine.closed(), await again.closed()] == [4401, 4401]
    assert await other.silent()


async def test_a_revoked_session_cannot_trade_even_when_nobody_was_told(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.services.sessions.publish_on_commit", lambda frames: None, raising=False)
    client = await connect(world.alice.token, switch=world.alice.login)
    await in_database(world.alpha, lambda: session_revoke(session_id=world.alice.session_id, at=clock.now()))
    await asyncio.sleep(1.05)
    await client.say(event="trade.open", id="1", data={"cmd": 0, "volume": 1, "symbol": "EURUSD"})
    assert await client.closed() == 4401


async def test_a_browser_is_let_in_by_its_cookie(world: World, connect: Connect) -> None:
    cookie = f"a=b; ct_token={world.alice.token}"
    client = await connect(cookie=cookie, origin="https://alpha.test")
    assert await client.hear() == OK


@pytest.mark.parametrize("origin", ["https://evil.test", "https://alpha.test.evil.test", "null", "", "https://[", None])
async def test_the_cookie_does_not_count_for_pages_of_others(
    world: World, connect: Connect, origin: str | None
) -> None:
    headers = {} if origin is None else {"origin": origin}
    client = await connect(cookie=f"ct_token={world.alice.token}", **headers)
    await client.send_to(text_data="ping")
    assert await client.closed() == 4401


async def test_a_stale_cookie_does_not_keep_a_token_out(world: World, connect: Connect) -> None:
    client = await connect(cookie="ct_token=old", origin="https://alpha.test")
    await client.say(authorization=world.alice.token)
    assert await client.hear() == OK


async def test_a_new_token_replaces_the_session_and_what_it_heard(world: World, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=world.alice.login)
    await client.say(authorization=world.bob.token)
    assert await client.hear() == OK
    await client.say(event="trade.open", id="1", data={"cmd": 0, "volume": 1, "symbol": "EURUSD"})
    assert (await client.hear())["error"] == "INVALID_DATA"
    await client.say(event="account.switch", active_login=world.alice.login)
    assert (await client.hear())["error"] == "PERMISSION_DENIED"
