"""Secrets at rest: bound to their row, readable while their key is in the ring."""

from base64 import b64encode
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from infra.crypto import Unreadable, seal, unseal

HERE: dict[str, Any] = {"tenant_id": 1, "table": "accounts_user", "row": 7}
OLD, NEW = b64encode(b"o" * 32).decode(), b64encode(b"n" * 32).decode()


def test_what_is_sealed_is_opened_and_says_nothing() -> None:
    sealed = seal("a secret ä", **HERE)
    assert "secret" not in sealed
    assert unseal(sealed, **HERE) == "a secret ä"
    assert seal("a secret ä", **HERE) != sealed


@pytest.mark.parametrize("elsewhere", [{"tenant_id": 2}, {"table": "accounts_apisession"}, {"row": 8}])
def test_it_cannot_be_opened_elsewhere(elsewhere: dict) -> None:
    sealed = seal("a secret", **HERE)
    with pytest.raises(Unreadable):
        unseal(sealed, **(HERE | elsewhere))


@pytest.mark.parametrize(
    "damage", [lambda s: s[:-4] + "AAAA", lambda s: "2" + s[1:], lambda s: "", lambda s: "1.x", lambda s: s + "!"]
)
def test_what_is_damaged_is_not_opened(damage: object) -> None:
    with pytest.raises(Unreadable):
        unseal(damage(seal("a secret", **HERE)), **HERE)  # type: ignore[operator]


def test_keys_are_introduced_and_replaced_without_a_pause(settings: Settings) -> None:
    derived = seal("first", **HERE)
    settings.ENCRYPTION_KEYS = [OLD]
    assert unseal(derived, **HERE) == "first"
    old = seal("second", **HERE)
    assert old.split(".")[1] != derived.split(".")[1]
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert unseal(old, **HERE) == "second"
    assert seal("third", **HERE).split(".")[1] != old.split(".")[1]
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(Unreadable):
        unseal(old, **HERE)


@pytest.mark.parametrize("key", ["short", "", b64encode(b"x" * 31).decode(), "ä" * 43])
def test_a_key_of_another_form_is_a_mistake_of_the_operator(settings: Settings, key: str) -> None:
    settings.ENCRYPTION_KEYS = [key]
    with pytest.raises(ImproperlyConfigured):
        seal("a secret", **HERE)
