"""A house that the whole module shares: requests of the contract test are committed, and there are thousands of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from accounts import directory
from tests.support.api import Api
from tests.support.database import empty_all_tables
from tests.support.world import PASSWORD, Person, World


@dataclass
class House:
    """A tenant in which something of everything exists, and the names by which requests call it."""

    world: World
    known: dict[str, list[Any]]

    def token(self, path: str) -> str:
        """A new session of the type that an address asks for: requests may end theirs."""
        who: Person = self.world.owner if path.startswith("/manage") else self.world.alice
        return who.place.session(who.user)


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        directory.forget()
        patch.setattr("django.conf.settings.API_RATES", None)
        patch.setattr("django.conf.settings.SIGN_IN_FAILURES_PER_USER", 10**6)
        patch.setattr("django.conf.settings.SIGN_IN_FAILURES_PER_ADDRESS", 10**6)
        try:
            yield House(*_built())
        finally:
            empty_all_tables()


def _built() -> tuple[World, dict[str, list[Any]]]:
    world = World()
    north, alice, bob = world.north, world.alice, world.bob
    north.market()
    second = north.account(alice, north.real)
    orders = [
        _made(who, "/trade/open", {"login": who.login, "cmd": 0, "volume": 10, "symbol": "EURUSD"}, "order")
        for who in (alice, bob)
    ]
    terms = {"reward_type": 0, "fee_amount": 10}
    public = {"strategy_name": "Steady", "visibility": "public", "allowed_follower_modes": 2, "reward_policy": terms}
    ids = [
        _made(bob, "/copytrade/master", {"login": bob.login, **public}),
        _made(alice, "/copytrade/master", {"login": alice.login, **public}),
        _made(alice, "/copytrade/follower", {"login": second.login}),
        _made(alice, "/copytrade/subscription", {"master_login": bob.login, "follower_login": second.login}),
    ]
    third, fourth = (north.account(alice, north.real) for _number in range(2))
    bundle = {"name": "Funded", "leader_login": third.login, "followers": [{"login": fourth.login}]}
    ids.append(_made(alice, "/copytrade/groups", bundle))
    known: dict[str, list[Any]] = {
        "id": sorted({*ids, alice.id, north.dealer.id}),
        "customer_id": [alice.id],
        "order": orders,
        "symbol": ["EURUSD", "XAUUSD"],
        "group": ["real"],
        "email": [alice.email, world.owner.email],
        "password": [PASSWORD],
        "tenant": ["north"],
        "login": [alice.login, second.login, bob.login, fourth.login],
        "master_login": [bob.login, alice.login],
        "master_order": orders,
        "follower_login": [second.login],
        "limit": [5],
        "offset": [0],
        "where": ['[["id", ">=", 1]]', '[["login", "!=", 5]]', '[["symbol", "like", "E%"]]'],
        "whereNot": ['[["id", 4]]'],
        "whereIn": ['[["login", [1, 2, 3]]]', '[["id", []]]'],
        "whereNotIn": ['[["id", [1, 2, 3]]]', '[["order", [9]]]'],
        "whereBetween": ['[["id", [1, 1000000]]]'],
        "whereNotBetween": ['[["id", [5, 6]]]', '[["time", [0, 9]]]'],
        "orderBy": ['["id", "DESC"]', '[["login", "asc"]]'],
        "otp_code": ["123456"],
    }
    return world, known


def _made(who: Person, path: str, body: dict[str, Any], key: str = "id") -> int:
    answer = Api(token=who.token).post(path, body)
    assert answer.status == 200, answer.text
    return int(answer[key])
