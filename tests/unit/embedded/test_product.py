"""What `make run` starts, and what it says when it cannot."""

import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from infra.embedded import product, servers
from infra.embedded.errors import EmbeddedError
from infra.embedded.servers import check_free_space, sentence_for


def test_a_busy_port_is_named_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError, match=rf"^Port {port} on 127\.0\.0\.1 cannot be used .*\.$"):
            product.check_port("127.0.0.1", port)
    product.check_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "80 00", "²"])
def test_a_port_that_is_none_is_refused_before_anything_starts(port: str) -> None:
    with pytest.raises(EmbeddedError, match="PORT must be a number"):
        product._port(port)


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(EmbeddedError, match="not an address of this machine"):
        product.check_port("no such host", 8000)


def test_a_full_disk_is_named_before_the_servers_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))

    with pytest.raises(EmbeddedError, match="The disk is full"):
        check_free_space(tmp_path)


def test_an_error_of_the_system_becomes_a_sentence() -> None:
    assert sentence_for(OSError(28, "No space left on device")) == "The disk is full: make room and start again."
    assert sentence_for(PermissionError(13, "Permission denied", "/x")) == "Permission denied: /x."


def test_every_process_of_the_product_is_started_with_the_same_environment() -> None:
    commands = product.commands("127.0.0.1", 8000, {"A": "1"})

    assert [command.name for command in commands] == ["web", "copy", "default", "beat", "market"]
    assert all(command.env == {"A": "1"} and not command.is_server for command in commands)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_given_url_of_another_kind_is_refused_without_showing_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=rf"^{name} must begin with [a-z:/ ]+\.$"):
        servers.start_servers(None, tmp_path, {name: "mysql://me:secret@db/x"})  # type: ignore[arg-type]


def test_given_servers_are_used_and_none_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_start", lambda *_: pytest.fail("nothing may be started"))
    given = {"DATABASE_URL": "postgres://db/x", "REDIS_URL": "redis://cache/0", "HOME": os.sep}

    assert servers.start_servers(None, tmp_path, given) == {  # type: ignore[arg-type]
        "DATABASE_URL": "postgres://db/x",
        "REDIS_URL": "redis://cache/0",
    }
