"""Who listens: many frames are made only for people with a socket, and for everybody as soon as anything is unsure."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from copytrade.engine import telling
from infra import audience, push
from infra.audience import ANYBODY, audience_of
from infra.hub import Hub, customer_key
from infra.push import Frame
from tests.integration.sockets.conftest import Connect, World
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World as TwoTenants
from tests.unit.push.test_hub import Ear


@pytest.fixture
def store(settings: Any) -> Iterator[Any]:
    """Redis, knowing nobody."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def house(transactional_db: None, store: Any) -> CopyHouse:
    """Two followers of one customer, who copy another's account."""
    return copy_house(TwoTenants().north, followers=2)


def forget_doubts(store: Any) -> None:
    """The time after which Redis is trusted again has passed."""
    assert store.delete(audience._unsure()) == 1


async def told(here: Hub, *ears: tuple[int, int]) -> None:
    for ear in ears:
        await here.announce(ear)


async def test_nobody_is_left_out_before_redis_was_told_of_anybody(store: Any) -> None:
    assert audience_of(1, [7]) == ANYBODY


async def test_nobody_is_left_out_until_all_processes_have_had_their_turn(store: Any) -> None:
    here = Hub()
    await told(here, (1, 7))
    assert audience_of(1, [7, 8]) == ANYBODY
    assert store.ttl(audience._unsure()) in range(math.ceil(audience.REFRESH_SECONDS), audience.UNSURE_SECONDS + 1)
    forget_doubts(store)
    assert [audience_of(1, [7, 8]).hears(person) for person in (7, 8)] == [True, False]
    await here.stop()


async def test_people_are_told_apart_by_tenant_and_from_staff(store: Any) -> None:
    here = Hub()
    await told(here, (1, 7))
    forget_doubts(store)
    assert not audience_of(2, [7]).hears(7)
    assert not audience_of(1, [7]).staff
    await told(here, (1, audience.STAFF))
    assert audience_of(1, [7]).staff
    assert not audience_of(2, [7]).staff
    await here.stop()


async def test_nobody_is_left_out_after_redis_has_lost_everything(store: Any) -> None:
    here = Hub()
    await told(here, (1, 7))
    forget_doubts(store)
    store.flushdb()
    assert audience_of(1, [8]) == ANYBODY
    await told(here, (1, 7))
    assert audience_of(1, [8]) == ANYBODY
    await here.stop()


async def test_who_has_no_socket_any_more_is_forgotten(store: Any) -> None:
    here = Hub()
    await told(here, (1, 7))
    assert store.ttl(audience._key((1, 7))) in range(
        math.ceil(audience.REFRESH_SECONDS) + 1, audience.KNOWN_SECONDS + 1
    )
    await here.stop()


async def test_everybody_is_told_again_when_the_subscription_stands(store: Any) -> None:
    here, ear = Hub(), Ear()
    here.join(customer_key(1, 7), ear)
    await here.start()
    forget_doubts(store)
    assert audience_of(1, [7, 8]).hears(7)
    assert not audience_of(1, [7, 8]).hears(8)
    await here.stop()


def test_without_redis_nobody_is_left_out(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(push, "_publisher", push._Publisher())
    assert audience_of(1, [7]) == ANYBODY


async def test_a_socket_is_announced_before_it_is_answered(world: World, connect: Connect, store: Any) -> None:
    await connect(world.alice.token)
    forget_doubts(store)
    heard = audience_of(world.alpha, [world.alice.user.pk, world.bob.user.pk])
    assert heard.hears(world.alice.user.pk)
    assert not heard.hears(world.bob.user.pk)
    assert not heard.staff


async def test_an_account_session_is_announced_as_its_customer(world: World, connect: Connect, store: Any) -> None:
    await connect(world.alice.account_token)
    forget_doubts(store)
    assert audience_of(world.alpha, [world.alice.user.pk]).hears(world.alice.user.pk)


async def test_staff_are_announced_when_they_ask_for_copying(world: World, connect: Connect, store: Any) -> None:
    socket = await connect(world.dealer.token)
    forget_doubts(store)
    assert not audience_of(world.alpha, []).staff
    await socket.say(event="subscribe", data=["@copy"])
    assert await socket.silent()
    assert audience_of(world.alpha, []).staff


@pytest.fixture
def spoken(store: Any, settings: Any) -> Iterator[Callable[[], list[Frame]]]:
    """The frames of the channel so far."""
    subscription = store.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(push.channel())
    subscription.get_message(timeout=1)

    def read() -> list[Frame]:
        found: list[Frame] = []
        while (message := subscription.get_message(timeout=0.5)) is not None:
            found += push.decode(message["data"])
        return found

    yield read
    subscription.close()


@pytest.mark.parametrize("ears", ["nobody", "follower", "leader", "staff", "unsure"])
def test_frames_of_many_copies_are_made_for_those_who_listen(
    house: CopyHouse, store: Any, spoken: Any, ears: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "ASKED_FROM", 2)
    store.set(audience._since(), 1)
    follower, leader = house.followers[0].customer_id, house.leader.customer_id
    ear = {"follower": follower, "leader": leader, "staff": audience.STAFF}.get(ears)
    if ear is not None:
        store.set(audience._key((house.place.id, ear)), 1)
    if ears == "unsure":
        store.set(audience._unsure(), 1)
    house.open(house.leader, "1")
    spoken()
    house.drain()
    kinds = Counter((frame.event or frame.kind, frame.customer_id, frame.staff) for frame in spoken())
    both = {("copy.order", follower, True): 2, ("copy.position", follower, True): 2}
    theirs = both | {("account", follower, True): 4}
    leaders = {("copy.order", leader, False): 2}
    expected = {"nobody": {}, "follower": theirs, "leader": leaders, "staff": both, "unsure": theirs | leaders}
    assert kinds == expected[ears]


def test_frames_of_few_copies_are_made_for_everybody(house: CopyHouse, store: Any, spoken: Any) -> None:
    store.set(audience._since(), 1)
    house.open(house.leader, "1")
    spoken()
    house.drain()
    assert len(spoken()) == 10
