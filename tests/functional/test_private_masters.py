"""A private master is invisible to other customers on every address and page: the walk of all of them, as a stranger.

Who names its login is told that it is not available, as the contract wants; nothing else of it is ever said.
"""

import re
from typing import Any

import pytest
from django.test import Client

from copytrade.models import CopyMaster
from copytrade.services.masters import master_update
from tests.functional.test_tenants_never_meet import ENDS_SESSIONS, OPEN_TO_ALL, addresses, ask, methods, text_of
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World

NAME = "Nobody knows of this strategy"
WORDS = "Nor of what it does"


@pytest.fixture(autouse=True)
def _no_rates(settings: Any) -> None:
    settings.API_RATES = None


@pytest.fixture
def house(world: World) -> CopyHouse:
    """A private master of Alice's that trades and has a follower, and shows everything to whoever may look at it."""
    made = copy_house(world.north)
    partly = made.open(made.leader, "1")
    made.close(made.leader, partly, "0.4")
    made.drain()
    with made.place.scope():
        hide = {"visibility": "private", "show_trade_history": True, "show_followers": True}
        words = {"strategy_name": NAME, "description": WORDS}
        master_update(master_id=CopyMaster.objects.get().pk, settings={**hide, **words}, reward_policy=None, at=made.at)
    return made


def paths(pattern: str, ids: dict[str, int | str]) -> str:
    return re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda m: str(ids.get(m[1] or m[2], 1)), "/" + pattern)


@pytest.mark.parametrize("kind", ["customer", "account"])
def test_a_stranger_finds_nothing_of_a_private_master(house: CopyHouse, world: World, kind: str):
    place = world.north
    carol = place.person("carol")
    own = carol.account
    with place.scope():
        master = CopyMaster.objects.get()
        trade = house.tickets(house.leader)[0].id
    login = house.leader.login

    def token() -> str:
        return place.session(carol.user, own if kind == "account" else None)

    with place.scope():
        before = CopyMaster.objects.filter(pk=master.pk).values().get()
    ids: dict[str, int | str] = {
        "login": login, "record_id": master.pk, "order": trade, "user_id": place.person("alice").id,
        "symbol": "EURUSD", "table": "trades",
    }  # fmt: skip
    bodies = [
        {"login": login, "limit": 50, "offset": 0, "tradeType": 0, "period": "ALL", "master_order": trade, "order": trade},
        {"master_login": login, "follower_login": own.login, "limit": 50, "offset": 0, "search": NAME[:12], "days": 30},
        {"where": f'[["strategy_name", "like", "{NAME[:6]}%"]]', "limit": 50, "offset": 0, "leader_login": login},
    ]  # fmt: skip
    secrets = [NAME, WORDS, str(login), str(trade), str(house.followers[0].login)]
    client, key, shown, asked = Client(raise_request_exception=True), token(), [], 0
    for pattern, view in addresses():
        if OPEN_TO_ALL.match(pattern) or pattern.startswith("manage/"):
            continue
        path = paths(pattern, ids)
        for method in methods(view):
            for body in bodies:
                response = ask(client, method, path, body, key)
                asked += 1
                text = text_of(response)
                found = [s for s in secrets if re.search(rf"(?<!\d){re.escape(s)}(?!\d)", text)]
                said = [s for s in found if s in (NAME, WORDS) or not (s in path or s in str(body))]
                if said or (found and response.status_code == 200 and not path.startswith("/app")):
                    shown.append((method, path, response.status_code, found, text[:200]))
        if ENDS_SESSIONS.search(pattern):
            key = token()
    assert shown == []
    assert asked > 200
    with place.scope():
        assert CopyMaster.objects.filter(pk=master.pk).values().get() == before


def test_the_walk_would_notice(house: CopyHouse, world: World):
    """Alice's own eyes find it on the same addresses, and so do Carol's once it is public."""
    place = world.north
    client = Client(raise_request_exception=True)
    carol = place.person("carol")
    login = house.leader.login
    query = {"login": login, "limit": 50, "offset": 0, "tradeType": 0, "period": "ALL"}
    pages = ["/copytrade/masters", "/copytrade/master/trades", "/copytrade/master/followers", "/app/masters"]

    def seen(token: str) -> list[bool]:
        return [any(s in text_of(ask(client, "GET", path, query, token)) for s in (NAME, f"{login}")) for path in pages]

    assert seen(place.person("alice").token) == [True] * 4
    assert not any(seen(carol.token)[:1] + seen(carol.token)[3:])
    with place.scope():
        master_update(
            master_id=CopyMaster.objects.get().pk, settings={"visibility": "public"}, reward_policy=None, at=house.at
        )
    assert seen(carol.token) == [True] * 4
