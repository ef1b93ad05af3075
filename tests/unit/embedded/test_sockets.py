"""A socket lives next to its data only where every client can reach it by that path."""

import os
from pathlib import Path

import pytest

from infra.embedded import sockets
from infra.embedded.errors import EmbeddedError
from infra.embedded.sockets import LONGEST_PATH, socket_directory, usable


def test_a_path_of_the_longest_length_is_usable_and_one_byte_more_is_not() -> None:
    path = Path("/" + "x" * (LONGEST_PATH - 1))

    assert usable(path)
    assert not usable(Path(f"{path}x"))


@pytest.mark.parametrize("name", ["with blank", "with%percent", "with,comma", "with'quote", "with#hash", "mit-ü"])
def test_a_path_that_clients_read_differently_is_not_usable(name: str) -> None:
    assert not usable(Path("/run") / name / "valkey.sock")


def test_a_short_plain_folder_holds_its_own_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    assert socket_directory(Path("/srv/var/valkey"), "valkey.sock", os.geteuid()) == Path("/srv/var/valkey")


@pytest.mark.parametrize("name", ["with blank", "deep" * 40])
def test_another_folder_gets_a_private_one_that_stays_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets.tempfile, "gettempdir", lambda: "/tmp")
    data = tmp_path / name

    found = socket_directory(data, "valkey.sock", os.geteuid())
    try:
        assert found.parent == Path("/tmp")
        assert found.stat().st_mode & 0o777 == 0o700
        assert socket_directory(data, "valkey.sock", os.geteuid()) == found
        assert socket_directory(tmp_path / f"{name} 2", "x", os.geteuid()) != found
    finally:
        found.rmdir()
        socket_directory(tmp_path / f"{name} 2", "x", os.geteuid()).rmdir()


def test_a_folder_that_others_could_have_prepared_is_refused(tmp_path: Path) -> None:
    found = socket_directory(tmp_path / "with blank", "valkey.sock", os.geteuid())
    try:
        found.chmod(0o777)
        with pytest.raises(EmbeddedError, match="made by somebody else"):
            socket_directory(tmp_path / "with blank", "valkey.sock", os.geteuid())
    finally:
        found.rmdir()
