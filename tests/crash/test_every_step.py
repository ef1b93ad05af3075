"""Killed at every numbered step of the path: afterwards everything is as if nothing had happened (X06).

The same actions are carried out twice: in one tenant undisturbed, in another with processes that die in the middle while
Redis loses everything. Then the two are compared, follower by follower.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import TradingAccount
from copytrade.domain import shards
from copytrade.engine.listener import doorbell_quiet
from copytrade.models import CopyOrder
from core import clock
from core.states import Side
from infra import faults
from infra.database import owner_connection
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.processes import Product, running, wait_until
from tests.support.terminal import Outsider, Terminal

FOLLOWERS = 7
SHARD_SIZE = 3
SHARDS = 3
IN_THE_WORKER = (
    "copy.claimed", "copy.locked", "copy.read", "copy.decided", "copy.written", "copy.committed", "copy.published",
)  # fmt: skip
IN_COMMANDS = ("command.claimed", "command.read", "command.decided", "command.written", "command.committed")
"""Passed in `test_commands_killed`."""
IN_THE_SWEEP = ("sweep.found",)
IN_THE_STATISTICS = ("stats.counted",)
"""Passed in `test_keeping` of the marketplace."""
IN_THE_REWARDS = (
    "rewards.counted", "rewards.charged", "rewards.accrued", "rewards.booked", "rewards.settled", "rewards.done",
)  # fmt: skip
"""Passed in `test_rewards_killed`."""
BY_SOCKET = ("order.locked", "order.written", "order.committed", "order.answered")
BY_REST = ("order.locked", "request.committed")
PACKAGES = (
    "core",
    "infra",
    "accounts",
    "ledger",
    "trading",
    "copytrade",
    "rewards",
    "marketplace",
    "bots",
    "portal",
    "config",
)


@pytest.fixture
def product(transactional_db, tmp_path):
    with running(tmp_path, quick=True) as made:
        yield made


@pytest.fixture
def houses(transactional_db, world, monkeypatch) -> tuple[CopyHouse, CopyHouse]:
    """The one that is disturbed, and the one that is not; seven followers in three shards, half of them with half."""
    monkeypatch.setattr(shards, "SHARD_SIZE", SHARD_SIZE)
    made = tuple(
        copy_house(place, followers=FOLLOWERS, commission="3", volume_mode=1, risk_multiplier=1)
        for place in (world.north, world.south)
    )
    assert len(made[0].lags()) == SHARDS
    return made[0], made[1]


def actions(house: CopyHouse) -> list[Callable[[], Any]]:
    """Two trades that are opened, reduced and closed; one shard after the other copies each of the five."""
    opened: dict[str, int] = {}

    def first() -> None:
        opened["first"] = house.open(house.leader, "0.10")

    def second() -> None:
        opened["second"] = house.open(house.leader, "0.20", Side.SELL, "XAUUSD")

    return [
        first,
        second,
        lambda: house.close(house.leader, opened["first"], "0.04"),
        lambda: house.close(house.leader, opened["first"]),
        lambda: house.close(house.leader, opened["second"]),
    ]


def undisturbed(house: CopyHouse) -> None:
    with doorbell_quiet():
        for act in actions(house):
            house.at = clock.now()
            act()
            house.drain()


def state(house: CopyHouse) -> list[Any]:
    """What every follower has and was told, without numbers and times."""
    found = []
    for number, account in enumerate(house.followers):
        links = [(k.symbol, k.side, k.volume, k.opened_volume, k.realised, k.state) for k in house.links(number)]
        with house.place.scope():
            balance = TradingAccount.objects.get(pk=account.pk).balance
            orders = CopyOrder.objects.filter(follower=account).order_by("source_id", "id")
            told = [(o.action, o.symbol, o.side, o.volume, o.status, o.reason, o.slippage) for o in orders]
        found.append((house.held(number), links, told, balance))
    return found


def settled(house: CopyHouse) -> bool:
    return house.lags() == [0] * SHARDS


@pytest.mark.slow
@pytest.mark.parametrize("place", IN_THE_WORKER)
def test_a_worker_killed_at_a_step_while_opening_and_while_reducing(place, houses, product):
    house, twin = houses
    undisturbed(twin)
    # The second shard of the first action; then, in the worker that takes over, the second shard of the third one.
    kills = [2, (2 if place in ("copy.committed", "copy.published") else 3) - 1 + SHARDS + 2]
    product.arm(place, kills.pop(0))
    worker = product.copy_worker()
    deaths = 0
    for act in actions(house):
        house.at = clock.now()
        act()
        wait_until(lambda worker=worker: not worker.alive or settled(house), 60, f"copied or died:\n{worker.tail()}")
        if not worker.alive:
            deaths += 1
            product.redis.flushdb()
            assert not settled(house)
            if kills:
                product.arm(place, kills.pop(0))
            worker = product.copy_worker()
            wait_until(lambda: settled(house), 60, f"the next worker copied the rest:\n{worker.tail()}")
    assert deaths == 2
    assert state(house) == state(twin)
    house.prove(exact=True)


def listening() -> bool:
    """Whether a worker's doorbell has been installed, and had a moment to look for what was written before."""
    with owner_connection() as raw:
        heard = raw.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            " AND state = 'idle' AND state_change < clock_timestamp() - interval '0.2 s'"
        ).fetchone()
    return heard is not None


@pytest.mark.slow
def test_worker_and_beat_killed_in_the_sweep(houses, product):
    """Nobody rings: what is copied is copied by the sweep, or by what a worker finds when it starts."""
    house, twin = houses
    undisturbed(twin)
    (place,) = IN_THE_SWEEP
    beat = product.beat()
    deaths = 0
    for act in actions(house):
        product.arm(place)
        worker = product.copy_worker()
        wait_until(listening, 60, "the worker listens")
        with doorbell_quiet():
            house.at = clock.now()
            act()
        wait_until(lambda worker=worker: not worker.alive or settled(house), 60, f"it sweeps:\n{worker.tail()}")
        if worker.alive:  # it was late, and found the event when it began to listen
            worker.kill()
            continue
        deaths += 1
        assert not settled(house)
        beat.kill()
        product.redis.flushdb()
        beat = product.beat()
        worker = product.copy_worker()
        wait_until(lambda: settled(house), 60, f"the sweep copied it:\n{worker.tail()}")
        worker.kill()
    assert deaths >= 3
    assert state(house) == state(twin)
    house.prove(exact=True)


def carried_out(product: Product, ask: Callable[[], dict[str, Any]], place: str) -> dict[str, Any]:
    """The answer to a command that is asked for, with its web process dying at `place`, until there is one."""
    product.arm(place)
    web = product.web()
    try:
        answer: dict[str, Any] | None = ask()
    except Exception:
        # The connection broke; whether the command was carried out is not known to who sent it.
        answer = None
    wait_until(lambda: not web.alive, 60, f"the web process dies at {place}:\n{web.tail()}")
    product.redis.flushdb()
    web = product.web()
    again = ask()
    assert answer is None or answer == again
    web.kill()
    return again


def session(house: CopyHouse) -> str:
    return house.place.person("alice").token


@pytest.mark.slow
def test_a_web_process_killed_at_a_step_of_an_order_by_socket(houses, product):
    """The client sends its command again with the same id, and hears the answer of the first time if there was one."""
    house, twin = houses
    product.copy_worker()

    def ask(number: str, event: str, **data: Any) -> Callable[[], dict[str, Any]]:
        def send() -> dict[str, Any]:
            with Terminal(product.address, session(house)) as terminal:
                return terminal.command(event, number, **data)

        return send

    opened = []
    for number, place in enumerate(BY_SOCKET):
        house.at = clock.now()
        command = {"login": house.leader.login, "cmd": 0, "volume": 10, "symbol": "EURUSD"}
        answer = carried_out(product, ask(f"open-{number}", "trade.open", **command), place)
        opened.append(answer["order"])
        wait_until(lambda: settled(house), 60, "the order is copied")
    for number, (place, order) in enumerate(zip(BY_SOCKET, opened, strict=True)):
        carried_out(product, ask(f"close-{number}", "trade.close", order=order), place)
        wait_until(lambda: settled(house), 60, "the close is copied")

    with doorbell_quiet():
        orders = [twin.open(twin.leader, "0.10") for _place in BY_SOCKET]
        twin.drain()
        for order in orders:
            twin.close(twin.leader, order)
            twin.drain()
    assert len(set(opened)) == len(BY_SOCKET)
    assert state(house) == state(twin)
    house.prove(exact=True)


@pytest.mark.slow
def test_a_web_process_killed_at_a_step_of_an_order_by_rest(houses, product):
    """The same by REST, where `Idempotency-Key` says that it is the same order."""
    house, twin = houses
    product.copy_worker()
    opened = []
    for number, place in enumerate(BY_REST):
        body = {"login": house.leader.login, "cmd": 0, "volume": 10, "symbol": "EURUSD"}

        def ask(body: dict[str, Any] = body, key: str = f"order-{number}") -> dict[str, Any]:
            with Outsider(product.address, session(house)) as caller:
                answer = caller.post("/trade/open", body, key=key)
            assert answer.status == 200, answer.text
            return dict(answer.json)

        opened.append(carried_out(product, ask, place)["order"])
        wait_until(lambda: settled(house), 60, "the order is copied")
    with doorbell_quiet():
        for _place in BY_REST:
            twin.open(twin.leader, "0.10")
            twin.drain()
    assert len(set(opened)) == len(BY_REST)
    assert [t.id for t in house.tickets(house.leader)] == opened
    assert state(house) == state(twin)
    house.prove(exact=True)


def test_every_place_is_killed_at():
    """A place in the product that nobody kills at proves nothing; one that is not there, neither."""
    found = {
        place
        for path in Path(settings.BASE_DIR).glob("*/**/*.py")
        if path.relative_to(settings.BASE_DIR).parts[0] in PACKAGES
        for place in re.findall(r'\bfault\("([^"]+)"\)', path.read_text())
    }
    assert found == {
        *IN_THE_WORKER,
        *IN_COMMANDS,
        *IN_THE_SWEEP,
        *IN_THE_STATISTICS,
        *IN_THE_REWARDS,
        *BY_SOCKET,
        *BY_REST,
    }


def test_nothing_in_the_product_arms_a_place():
    """Neither a setting nor a variable of the environment: only who imports `arm` can, and only tests do."""
    product = {
        path.relative_to(settings.BASE_DIR).as_posix(): path.read_text()
        for path in Path(settings.BASE_DIR).glob("*/**/*.py")
        if path.relative_to(settings.BASE_DIR).parts[0] in PACKAGES
    }
    users = {name for name, text in product.items() if "infra.faults" in text or "infra import faults" in text}
    assert "copytrade/engine/drain.py" in users
    assert {name for name in users if "from infra.faults import fault\n" not in product[name]} == set()
    assert {name for name in users if "_armed" in product[name] or re.search(r"\barm\(", product[name])} == set()
    assert not re.search(r"os\.environ|getenv|import settings", product["infra/faults.py"])
    before = dict(faults._armed)
    assert before == {}
    faults.fault("copy.claimed")  # and we are still here
