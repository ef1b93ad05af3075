"""What an instance keeps beside its data."""

from pathlib import Path

import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.state import instance_lock, is_running, publish_urls, read_urls, secret_key


def test_the_secret_key_is_made_once_and_only_the_user_can_read_it(tmp_path: Path) -> None:
    key = secret_key(tmp_path)

    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_key_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()

    assert len(secret_key(tmp_path)) >= 50


def test_a_second_instance_on_the_same_state_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with (
        instance_lock(tmp_path),
        pytest.raises(EmbeddedError, match=r"^Already running .*: stop that one first\.$"),
        instance_lock(tmp_path),
    ):
        pass


def test_addresses_are_known_only_while_the_instance_runs(tmp_path: Path) -> None:
    with instance_lock(tmp_path):
        publish_urls(tmp_path, {"REDIS_URL": "redis://here"})
        assert is_running(tmp_path)
        assert read_urls(tmp_path) == {"REDIS_URL": "redis://here"}
        assert (tmp_path / "instance.json").stat().st_mode & 0o777 == 0o600

    assert not is_running(tmp_path)
    with pytest.raises(EmbeddedError, match="Nothing is running"):
        read_urls(tmp_path)
