"""Every address, with the other tenant's ids: nothing is shown, nothing is changed, nothing breaks.

The addresses are those of the resolver, so a new one is walked without anybody thinking of it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from accounts.models import TradingAccount
from copytrade.models import CopyFollower, CopyMaster, CopyOrder
from core import clock
from infra.tenancy import protected_tables
from rewards.models import RewardAccrual
from rewards.services.working import rewards_work
from tests.support.api import Api
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import Place

OPEN_TO_ALL = re.compile(r"^(health/|metrics|schema|docs|app/notices)")
"""Addresses without any tenant."""
ENDS_SESSIONS = re.compile(r"auth/|password|sign-out|otp")


def addresses() -> Iterator[tuple[str, Any]]:
    """Every pattern of the product with its view."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            else:
                yield prefix + str(pattern.pattern), pattern.callback

    for pattern, view in walk(get_resolver().url_patterns, ""):
        if "nothing_here" not in view.__name__:
            yield pattern.lstrip("^").removesuffix("$").removesuffix("/?"), view


def methods(view: Any) -> list[str]:
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if kind is None:
        return ["GET", "POST"]  # a page
    return [name.upper() for name in ("get", "post", "put", "delete") if hasattr(kind, name)]


@dataclass
class Secrets:
    """What belongs to one tenant: ids for questions, and texts that only an answer from that tenant can hold."""

    house: CopyHouse
    names: dict[str, list[Any]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, house: CopyHouse, trades: list[int]) -> "Secrets":
        place, leader, follower = house.place, house.leader, house.followers[0]
        with place.scope():
            master, profile = CopyMaster.objects.get(), CopyFollower.objects.get()
            reward = RewardAccrual.objects.get()
        tickets = [t.id for t in house.tickets(follower)]
        copies = [copy.id for copy in house.orders()]
        people = [place.person("alice").id, place.person("bob").id, place.owner.id]
        made = cls(house)
        made.names = {
            "login": [leader.login, follower.login],
            "user_id": people,
            "record_id": sorted(
                {master.id, profile.id, house.subscriptions[0].id, *copies[:1], group_of(house), reward.id}
            ),
            "master_id": [master.id],
            "subscription_id": [house.subscriptions[0].id],
            "order": [*trades[:1], *tickets[:1]],
            "table": ["orders", "positions", "trades"],
            "symbol": ["EURUSD"],
        }
        made.texts = [f"@{place.domain}", f"Secret of {place.slug}"]
        made.texts += [str(n) for n in (leader.login, follower.login, *trades, *tickets, reward.charge_order)]
        return made

    def paths(self, pattern: str) -> list[str]:
        """The address with each of this tenant's ids in its place."""
        found = re.search(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", pattern)
        if found is None:
            return [f"/{pattern}"]
        name = found[1] or found[2]
        assert name in self.names, f"no ids are known for <{name}> of {pattern}: add them here"
        return [
            path
            for value in self.names[name]
            for path in self.paths(pattern[: found.start()] + str(value) + pattern[found.end() :])
        ]

    def bodies(self) -> list[dict[str, Any]]:
        """Everything that a body or a query may name, of this tenant, with values that are fine otherwise."""
        leader, follower = self.names["login"]
        common = {
            "customer_id": self.names["user_id"][0],
            "email": f"alice@{self.house.place.domain}",
            "group": "hedging-copies",
            "cmd": 0,
            "volume": 1,
            "symbol": "EURUSD",
            "amount": "5",
            "comment": "x",
            "open_price": "1.05",
            "sl": "1.01",
            "confirm": True,
            "strategy_name": "Mine now",
            "visibility": "public",
            "enabled": 1,
            "reward_policy": {"reward_type": 3, "fee_percent": 10, "payout_account_login": leader},
            "reward_type": 3,
            "fee_percent": 10,
            "payout_account_login": leader,
            "status": 0,
            "open_copies": "let_go",
            "limit": 100,
            "offset": 0,
            "tradeType": 0,
            "period": "ALL",
        }
        return [
            {
                **common,
                "login": leader,
                "master_login": leader,
                "follower_login": follower,
                "order": self.names["order"][0],
            },
            {
                **common,
                "login": follower,
                "cmd": 2,
                "follower_login": leader,
                "master_login": follower,
                "order": self.names["order"][-1],
                "subscription_id": self.names["subscription_id"][0],
            },
        ]

    def state(self) -> dict[str, str]:
        """All rows of this tenant, as one sum per table."""
        with self.house.place.scope(), connection.cursor() as cursor:
            sums = {}
            for table in sorted(protected_tables()):
                cursor.execute(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
                sums[table] = str(cursor.fetchone())
        return sums

    def shown_in(self, text: str) -> list[str]:
        return [secret for secret in self.texts if re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", text)]


def group_of(house: CopyHouse) -> int:
    """A copy group of Alice's, led by the leader."""
    alice = house.place.person("alice")
    account = house.place.account(alice, house.leader.group)
    body = {
        "name": f"Secret of {house.place.slug}",
        "leader_login": house.leader.login,
        "followers": [{"login": account.login}],
    }
    answer = Api(token=alice.token, host=house.place.domain).post("/copytrade/groups", body)
    return int(answer["id"])


def house_of(place: Place) -> Secrets:
    made = copy_house(place, followers=1)
    trades = [made.open(made.leader, "0.5") for _number in range(2)]
    won = made.open(made.leader, "0.1")
    made.drain()
    made.quote("EURUSD", "1.1010", "1.1012")
    made.close(made.leader, won)
    made.drain()
    assert rewards_work(tenant_id=place.id, at=made.at) == 1
    with place.scope():
        CopyMaster.objects.update(strategy_name=f"Secret of {place.slug}")
        # Copied a moment ago, so that what looks back some hours has something to show.
        CopyOrder.objects.update(known_at=clock.now(), decided_at=clock.now(), filled_at=clock.now())
    assert place.owner.token
    return Secrets.of(made, trades)


def token_for(place: Place, kind: str, login: int = 0) -> str:
    """A new session of the tenant's own people."""
    person = {"customer": "alice", "other customer": "bob", "account": "alice", "staff": "owner"}[kind]
    user = place.owner.user if kind == "staff" else place.person(person).user
    account = None
    if kind == "account":
        with place.scope():
            account = TradingAccount.objects.filter(customer=user).first()
    return place.session(user, account, at=clock.now())


def ask(client: Client, method: str, path: str, body: dict[str, Any], token: str, host: str = "testserver") -> Any:
    """One request as a program makes it; pages get the token as a browser has it, and forms."""
    options: dict[str, Any] = {"SERVER_NAME": host, "REMOTE_ADDR": "10.9.8.7"}
    page = path == "/" or path.startswith("/app")
    if page:
        client.cookies["ct_token"] = token
    else:
        client.cookies.clear()
        options["headers"] = {"Authorization": token}
    flat = {key: value for key, value in body.items() if not isinstance(value, dict)}
    if method == "GET":
        return client.get(path, flat, **options)
    if page:
        return client.post(path, flat, **options)
    return client.generic(method, path, json.dumps(body), content_type="application/json", **options)


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode(errors="replace"))


@pytest.fixture
def both(world) -> tuple[Secrets, Secrets]:
    return house_of(world.north), house_of(world.south)


@pytest.fixture(autouse=True)
def _no_rates(settings):
    settings.API_RATES = None


@pytest.mark.parametrize("kind", ["customer", "account", "staff"])
def test_nothing_of_the_other_tenant(both, world, kind):
    north, _south = both
    before = north.state()
    client = Client(raise_request_exception=True)
    asked, wrong = 0, []
    for pattern, view in addresses():
        if OPEN_TO_ALL.match(pattern):
            continue
        token = token_for(world.south, kind)
        for method in methods(view):
            for path in north.paths(pattern):
                for body in north.bodies():
                    response = ask(client, method, path, body, token)
                    asked += 1
                    text = text_of(response)
                    shown = [s for s in north.shown_in(text) if not _is_echo(response, s, path, body)]
                    if response.status_code >= 500 or shown:
                        wrong.append((method, path, response.status_code, shown, text[:300]))
            if ENDS_SESSIONS.search(pattern):
                token = token_for(world.south, kind)
    assert wrong == []
    assert asked > 200
    changed = {table for table, total in north.state().items() if before[table] != total}
    assert changed == set()


def _is_echo(response: Any, secret: str, path: str, body: dict[str, Any]) -> bool:
    """A refusal may name the number that it was asked about, and a page may keep what was typed."""
    asked_for = secret in path or any(secret in str(value) for value in body.values())
    return asked_for and (response.status_code != 200 or path.startswith("/app"))


@pytest.mark.parametrize("kind", ["customer", "account", "staff"])
def test_a_token_is_worth_nothing_at_the_other_tenants_domain(both, world, kind):
    north, _south = both
    client = Client(raise_request_exception=True)
    token = token_for(world.south, kind)
    wrong = []
    for pattern, view in addresses():
        if OPEN_TO_ALL.match(pattern) or "sign" in pattern or "login" in pattern:
            continue
        for method in methods(view):
            path = north.paths(pattern)[0]
            response = ask(client, method, path, north.bodies()[0], token, host=world.north.domain)
            led_away = response.status_code == 302 and re.search(r"sign-in|^/(app|console)/?$", response["Location"])
            if not (response.status_code in (401, 403, 404) or led_away) or north.shown_in(
                text_of(response).replace(path, "")
            ):
                wrong.append((method, path, response.status_code, text_of(response)[:200]))
    assert wrong == []


def test_the_walk_would_notice(both, world):
    """The same questions by the tenant's own people do show and change its things: the walk is not blind."""
    north, _south = both
    before = north.state()
    client = Client(raise_request_exception=True)
    shown: set[str] = set()
    for kind in ("customer", "other customer", "staff"):
        for pattern, view in addresses():
            if OPEN_TO_ALL.match(pattern) or ENDS_SESSIONS.search(pattern):
                continue
            token = token_for(world.north, kind)
            for method in sorted(methods(view), key=["GET", "POST", "PUT", "DELETE"].index):
                for path in north.paths(pattern):
                    for body in north.bodies():
                        response = ask(client, method, path, body, token)
                        assert response.status_code < 500
                        if response.status_code == 200 and north.shown_in(text_of(response)):
                            shown.add(f"{method} /{pattern}")
    assert len(shown) >= 20, sorted(shown)
    assert {"GET /copytrade/latency", "GET /manage/latency", "GET /app/copying"} <= shown
    assert {"GET /copytrade/rewards", "GET /copytrade/rewards/statement", "GET /manage/rewards"} <= shown
    changed = {table for table, total in north.state().items() if before[table] != total}
    assert {"trading_trade", "ledger_transfer", "copytrade_copysubscription"} <= changed


def test_decimal_bodies_are_no_way_around(both, world, api):
    """Ids as 10.0, which is a whole number by the contract."""
    north, _south = both
    token = token_for(world.south, "customer")
    order = D(f"{north.names['order'][0]}.0")
    answer = api(token).delete("/trade/close", f'{{"order": {order}}}')
    assert (answer.status, answer.error) == (403, "PERMISSION_DENIED")
