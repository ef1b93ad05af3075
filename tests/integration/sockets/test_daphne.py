"""The same socket behind the real server: frames as bytes, a client that does not read, a closing code that arrives."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from infra.push import Frame, publish
from tests.integration.sockets.conftest import World

ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def address(world: World, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A running Daphne on the test's database."""
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": urlunsplit(
            urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        ),
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PLAIN_STATIC": "1",
    }
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "config.asgi:application"]
    with (tmp_path / "daphne.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, (tmp_path / "daphne.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield "127.0.0.1", port
        process.terminate()
        process.wait(15)


@contextmanager
def signed_in(address: tuple[str, int], token: str, **options: Any) -> Iterator[ClientConnection]:
    host, port = address
    with connect(f"ws://{host}:{port}/ws/", compression=None, max_size=None, **options) as client:
        client.send(json.dumps({"authorization": token}))
        assert json.loads(client.recv(10)) == {"event": "authorization", "success": True}
        client.send(json.dumps({"event": "account.switch", "active_login": 0}))
        assert json.loads(client.recv(10))["success"] is True
        yield client


@pytest.mark.slow
def test_frames_of_every_length_arrive_in_order(world: World, address: tuple[str, int]) -> None:
    texts = [json.dumps("x" * size) for size in (0, 1, 122, 123, 124, 125, 126, 65_532, 65_533, 65_534, 300_000)]
    texts.append(json.dumps("äöü€😀" * 50, ensure_ascii=False))
    with signed_in(address, world.alice.token) as client:
        publish(Frame(world.alpha, world.alice.user.id, world.alice.login, "account", text) for text in texts)
        assert [client.recv(10) for _ in texts] == texts
        client.send("ping")
        assert client.recv(10) == "pong"


@pytest.mark.slow
def test_an_order_is_acknowledged_first_and_a_revoked_session_closed(world: World, address: tuple[str, int]) -> None:
    with signed_in(address, world.alice.token) as client:
        for n in range(50):
            order = {"login": world.alice.login, "cmd": n % 2, "volume": 1, "symbol": "EURUSD"}
            client.send(json.dumps({"event": "trade.open", "id": f"{n}", "data": order}))
            heard = [json.loads(client.recv(10)) for _ in range(3)]
            assert heard[0]["event"] == "trade.ack"
            assert [message[0] for message in heard[1:]] == ["o", "b"]
        publish([Frame(world.alpha, 0, 0, "session", world.alice.session_id)])
        with pytest.raises(ConnectionClosed):
            client.recv(10)
        assert client.close_code == 4401


@pytest.mark.slow
def test_a_client_that_does_not_read_gets_4408_and_holds_nobody_back(world: World, address: tuple[str, int]) -> None:
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    raw.connect(address)
    # with a queue of one message the client's own thread stops reading as well
    with (
        signed_in(address, world.alice.token, sock=raw, max_queue=1) as slow,
        signed_in(address, world.alice.token) as quick,
    ):
        text = json.dumps("x" * 100_000)
        frame = Frame(world.alpha, world.alice.user.id, world.alice.login, "account", text)
        for _ in range(150):
            publish([frame])
            assert quick.recv(10) == text
        heard = 0
        with suppress(ConnectionClosed):
            while True:
                slow.recv(10)
                heard += 1
        assert slow.close_code == 4408
        assert 0 < heard < 150
        quick.send("ping")
        assert quick.recv(10) == "pong"
