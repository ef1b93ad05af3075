"""What ends a session ends its open sockets at once, whichever way it came: and no others."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.services import account_update, session_open, user_update
from core import clock
from tests.integration.sockets.conftest import Connect, World, in_database
from tests.support.api import Answer, Api

PASSWORD = "long enough"


async def asked(token: str, path: str, body: Any = None) -> Answer:
    """A POST from a thread of its own, as the web server makes it."""

    def post() -> Answer:
        try:
            return Api(token=token, host="alpha.test").post(path, body)
        finally:
            connection.close()

    return await asyncio.to_thread(post)


async def second_session(world: World) -> str:
    return (await in_database(world.alpha, lambda: session_open(user=world.alice.user, at=clock.now()))).token


async def test_logout_ends_the_sockets_of_its_session_only(world: World, connect: Connect) -> None:
    elsewhere = await connect(await second_session(world))
    here = await connect(world.alice.token, switch=world.alice.login)
    assert (await asked(world.alice.token, "/customer/auth/logout")).status == 200
    assert await here.closed() == 4401
    assert await elsewhere.silent()


async def test_a_new_password_ends_all_other_sockets(world: World, connect: Connect) -> None:
    here = await connect(world.alice.token)
    others = [await connect(await second_session(world)), await connect(world.alice.account_token)]
    body = {"password": PASSWORD, "new_password": "another long one"}
    assert (await asked(world.alice.token, "/customer/auth/password", body)).status == 200
    assert [await other.closed() for other in others] == [4401, 4401]
    assert await here.silent()


@pytest.mark.parametrize(
    "change",
    [
        lambda world: user_update(user_id=world.alice.user.id, enabled=False, at=clock.now()),
        lambda world: user_update(user_id=world.alice.user.id, password="set by staff", at=clock.now()),
    ],
    ids=["disabled", "new password"],
)
async def test_what_staff_change_ends_every_socket_of_the_customer(
    world: World, connect: Connect, change: Callable[[World], object]
) -> None:
    mine = [await connect(world.alice.token), await connect(world.alice.account_token)]
    bobs = await connect(world.bob.token)
    await in_database(world.alpha, lambda: change(world))
    assert [await socket.closed() for socket in mine] == [4401, 4401]
    assert await bobs.silent()


async def test_disabling_an_account_ends_the_sockets_of_its_own_sessions(world: World, connect: Connect) -> None:
    own, customers = await connect(world.alice.account_token), await connect(world.alice.token)
    account_id = world.alice.accounts[0].id
    await in_database(world.alpha, lambda: account_update(account_id=account_id, enabled=False, at=clock.now()))
    assert await own.closed() == 4401
    assert await customers.silent()


async def test_a_refused_logout_ends_nothing(world: World, connect: Connect) -> None:
    here = await connect(world.alice.token)
    assert (await asked(world.alice.token, "/customer/auth/logout", b"{")).status == 400
    assert await here.silent()
