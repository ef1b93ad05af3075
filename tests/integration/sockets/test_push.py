"""The way of a frame through Redis: one message per transaction, after the commit; outages stay outages of push."""

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis
from django.db import transaction

from accounts.services.sessions import session_revoke
from core import clock
from infra import push
from infra.embedded.valkey import ValkeyServer
from infra.push import Frame, held, publish, publish_on_commit
from tests.integration.sockets.conftest import Connect, World, in_database


def frame(text: str) -> Frame:
    return Frame(1, 2, 3, "account", text)


@pytest.fixture
def published(settings: Any) -> Iterator[Callable[[], list[list[str]]]]:
    """The texts of each message on the channel so far, read from Redis itself."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    subscription = client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(push.channel())
    subscription.get_message(timeout=1)

    def read() -> list[list[str]]:
        found = []
        while (message := subscription.get_message(timeout=0.3)) is not None:
            found.append([frame.text for frame in push.decode(message["data"])])
        return found

    yield read
    subscription.close()
    client.close()


@pytest.mark.django_db(transaction=True)
class TestOneMessagePerTransaction:
    def test_all_frames_of_a_transaction_are_one_message_after_its_commit(self, published: Any) -> None:
        with transaction.atomic():
            publish_on_commit([frame("a")])
            publish_on_commit([frame("b"), frame("c")])
            assert published() == []
        assert published() == [["a", "b", "c"]]

    def test_a_transaction_that_is_undone_tells_nothing(self, published: Any) -> None:
        with transaction.atomic():
            publish_on_commit([frame("a")])
            transaction.set_rollback(True)
        assert published() == []

    def test_a_savepoint_that_is_undone_takes_only_its_own_frames_along(self, published: Any) -> None:
        with transaction.atomic():
            publish_on_commit([frame("before")])
            with transaction.atomic():
                publish_on_commit([frame("undone")])
                transaction.set_rollback(True)
            with transaction.atomic():
                publish_on_commit([frame("kept")])
            publish_on_commit([frame("after")])
        assert published() == [["before", "after"], ["kept"]]

    def test_without_a_transaction_it_is_sent_at_once(self, published: Any) -> None:
        publish_on_commit([frame("a")])
        assert published() == [["a"]]

    def test_nothing_is_no_message(self, published: Any) -> None:
        publish([])
        publish_on_commit([])
        assert published() == []

    def test_what_is_held_is_given_to_the_holder_and_not_sent(self, published: Any) -> None:
        with held() as frames:
            with transaction.atomic():
                publish_on_commit([frame("a")])
            publish([frame("b")])
        assert [f.text for f in frames] == ["a", "b"]
        assert published() == []
        publish(frames)
        assert published() == [["a", "b"]]


class OwnRedis:
    """A Valkey that a test may stop and start."""

    def __init__(self, folder: Path) -> None:
        self._server = ValkeyServer(folder)
        self.url = self._server.url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self._server.command()
        self._process = subprocess.Popen(command.argv, cwd=command.cwd, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._server.is_ready(self._process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def own_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
    with TemporaryDirectory(prefix="ct-", dir="/tmp") as folder:
        if os.geteuid() == 0:
            Path(folder).chmod(0o755)
        server = OwnRedis(Path(folder))
        server.start()
        settings.REDIS_URL = server.url
        publisher = push._Publisher()
        monkeypatch.setattr(push, "_publisher", publisher)
        monkeypatch.setattr(push, "REST_SECONDS", 0.1)
        yield server
        server.stop()
        if publisher._client is not None:
            publisher._client.close()


@pytest.mark.django_db(transaction=True)
def test_a_lost_redis_is_logged_once_and_never_raises(own_redis: OwnRedis, caplog: pytest.LogCaptureFixture) -> None:
    publish([frame("a")])
    own_redis.stop()
    with caplog.at_level(logging.WARNING, "infra.push"):
        began = time.monotonic()
        for _ in range(200):
            publish([frame("b")])
        assert time.monotonic() - began < 30, "not one time-out for each"
        time.sleep(0.15)
        publish([frame("c")])
        assert len(caplog.records) == 1
        own_redis.start()
        time.sleep(0.15)
        publish([frame("d")])
        assert [record.message for record in caplog.records][1:] == ["push: Redis is back"]


async def test_sockets_live_through_an_outage(world: World, own_redis: OwnRedis, connect: Connect) -> None:
    client = await connect(world.alice.token, switch=0)
    told = Frame(world.alpha, world.alice.user.id, world.alice.login, "account", '"again"')
    own_redis.stop()
    order = {"login": world.alice.login, "cmd": 0, "volume": 1, "symbol": "EURUSD"}
    await client.say(event="trade.open", id="1", data=order)
    assert (await client.hear())["event"] == "trade.ack"
    await asyncio.to_thread(own_redis.start)
    while await client.receive_nothing(timeout=0.2):  # until the hub is subscribed again
        await asyncio.to_thread(publish, [told])
    assert await client.hear() == "again"


async def test_a_session_that_is_revoked_during_an_outage_ends_as_well(
    world: World, own_redis: OwnRedis, connect: Connect
) -> None:
    client, other = await connect(world.alice.token), await connect(world.bob.token)
    own_redis.stop()
    await asyncio.sleep(0.2)
    await in_database(world.alpha, lambda: session_revoke(session_id=world.alice.session_id, at=clock.now()))
    assert await client.closed() == 4401
    assert await other.silent()
