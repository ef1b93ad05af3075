"""Callers for the addresses of rewards: Alice leads, Bob follows, Charlie is of another tenant."""

from collections.abc import Callable
from typing import Any

import pytest

from core import clock
from tests.support.api import Answer
from tests.support.world import World


@pytest.fixture
def get(world: World, api: Callable[..., Any]) -> Callable[..., Answer]:
    """`get("bob", "/copytrade/rewards", limit=5)` in north, `get("owner", ...)` for staff."""

    def call(who: str, path: str, **query: Any) -> Answer:
        return api(token_of(world, who)).get(path, **query)

    return call


@pytest.fixture
def post(world: World, api: Callable[..., Any]) -> Callable[..., Answer]:
    def call(who: str, path: str, **body: Any) -> Answer:
        return api(token_of(world, who)).post(path, body)

    return call


def token_of(world: World, who: str) -> str:
    if who == "charlie":
        return world.charlie.token
    person = getattr(world.north, who) if who in ("owner", "manager", "dealer", "crm") else world.north.person(who)
    return world.north.session(person.user, at=clock.now())
