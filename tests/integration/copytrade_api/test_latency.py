"""D28, X02, R002: how fast copies are and what slippage costs, as percentiles by group, master and venue."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from copytrade import selectors_latency
from copytrade.models import CopyOrder
from core import clock
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.group_house import group_house
from tests.support.statements import statements

MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def house(world) -> CopyHouse:
    return copy_house(world.north, followers=2)


def copied(house: CopyHouse, number: int = 0, *, fills: list[float], slippage: list[str], ago: float = 1) -> None:
    """Copies of one follower as the engine stores them, filled so many milliseconds after the leader; decided in half of
    that time."""
    subscription, at = house.subscriptions[number], clock.now() - timedelta(hours=ago)
    with house.place.scope():
        CopyOrder.objects.bulk_create(
            CopyOrder(
                tenant_id=house.place.id, subscription_id=subscription.pk, source_id=1000 * number + place + 1,
                leader_id=subscription.leader_id, follower_id=subscription.follower_id, action="OPEN", symbol="EURUSD",
                side="BUY", volume=1, status="FILLED", settings_version=1, place=1, event_at=at, known_at=at,
                decided_at=at + MILLISECOND * fill / 2, sent_at=at + MILLISECOND * fill, filled_at=at + MILLISECOND * fill,
                slippage=D(points), slippage_money=D(points) / 10,
            )
            for place, (fill, points) in enumerate(zip(fills, slippage, strict=True))
        )  # fmt: skip


def asked(api, who, path: str = "/copytrade/latency", **query: Any) -> Any:
    answer = api(who).get(path, **query)
    assert answer.status == 200, answer.text
    return answer.json


def three(p50: object, p95: object, p99: object) -> dict[str, Any]:
    return {"p50": p50, "p95": p95, "p99": p99}


def test_d28_percentiles_are_values_that_were_measured(house, world, api):
    copied(house, fills=list(range(1, 201)), slippage=[str(place) for place in range(-99, 101)])
    told = asked(api, world.bob)
    assert (told["hours"], told["copies"], told["filled"]) == (24, 200, 200)
    assert told["decide_ms"] == three(50, 95, 99)
    assert told["send_ms"] == told["fill_ms"] == three(100, 190, 198)
    assert told["slippage"] == three(0, 90, 98)
    assert told["slippage_money"] == [{"currency": "USD", "total": 10, **three(0, 9, D("9.8"))}]


def test_d28_by_master_and_by_venue(house, world, api):
    copied(house, fills=[4, 8], slippage=["1", "3"])
    told = asked(api, world.bob)
    (master,) = told["masters"]
    assert (master["master_login"], master["strategy_name"]) == (house.leader.login, "Trend")
    assert master["fill_ms"] == three(4, 8, 8)
    (venue,) = told["venues"]
    assert (venue["venue"], venue["slippage"]) == ("HOUSE", three(1, 3, 3))
    assert told["groups"] == []


def test_d28_by_group(world, api):
    grouped = group_house(world.north)
    grouped.open(grouped.leader, "1")
    grouped.drain()
    with grouped.place.scope():
        now = clock.now()
        for order in CopyOrder.objects.all():
            CopyOrder.objects.filter(pk=order.pk).update(
                known_at=now, decided_at=now + 2 * MILLISECOND, filled_at=now + 5 * MILLISECOND
            )
    told = asked(api, world.alice)
    (group,) = told["groups"]
    assert group["leader_login"] == grouped.leader.login
    assert group["name"]
    assert (group["decide_ms"], group["fill_ms"]) == (three(2, 2, 2), three(5, 5, 5))
    assert told["masters"] == []


def test_x02_followers_have_their_own_copies_and_the_masters_owner_those_of_all(house, world, api):
    copied(house, 0, fills=[2], slippage=["0"])
    copied(house, 1, fills=[6], slippage=["4"])
    mine, theirs = asked(api, world.bob), asked(api, world.alice)
    assert (mine["copies"], theirs["copies"]) == (2, 2)
    assert theirs["masters"][0]["fill_ms"] == three(2, 6, 6)
    stranger = world.north.person("dora")
    assert asked(api, stranger)["copies"] == 0
    assert asked(api, stranger)["masters"] == asked(api, stranger)["venues"] == []


def test_x02_staff_have_all_of_their_tenant_and_nothing_of_another(house, world, api):
    copied(house, fills=[2, 4], slippage=["0", "1"])
    assert asked(api, world.north.crm, "/manage/latency")["copies"] == 2
    assert asked(api, world.south.crm, "/manage/latency")["copies"] == 0
    assert api(world.bob).get("/manage/latency").status == 403
    assert api(world.north.crm).get("/copytrade/latency").status == 401


def test_d28_only_what_was_measured_in_the_window_counts(house, world, api):
    copied(house, 0, fills=[3], slippage=["1"], ago=1)
    copied(house, 1, fills=[9], slippage=["2"], ago=30)
    with house.place.scope():
        CopyOrder.objects.filter(follower=house.followers[0]).update(status="SKIPPED", sent_at=None, filled_at=None)
    told = asked(api, world.bob)
    assert (told["copies"], told["filled"], told["send_ms"], told["fill_ms"]) == (1, 0, None, None)
    assert told["decide_ms"] == three(D("1.5"), D("1.5"), D("1.5"))
    assert asked(api, world.bob, hours=48)["copies"] == 2
    with house.place.scope():
        CopyOrder.objects.update(known_at=None, simulated=True)
    assert asked(api, world.bob, hours=48)["copies"] == 0


def test_one_copy_of_which_both_sides_are_own_counts_once(world, api):
    grouped = group_house(world.north)
    grouped.open(grouped.leader, "1")
    grouped.drain()
    with grouped.place.scope():
        CopyOrder.objects.update(known_at=clock.now(), decided_at=clock.now())
        there = CopyOrder.objects.count()
    assert asked(api, world.alice)["copies"] == there > 0


def test_every_account_has_the_same_share_of_what_is_read(house, world, api, monkeypatch):
    monkeypatch.setattr(selectors_latency, "MOST_COPIES", 6)
    copied(house, 0, fills=list(range(1, 21)), slippage=["0"] * 20)
    copied(house, 1, fills=[100, 200], slippage=["0", "0"])
    # Three each: of the busy one the newest, of the other what there is.
    assert asked(api, world.bob)["fill_ms"] == three(20, 200, 200)
    assert asked(api, world.bob)["copies"] == 5


@pytest.mark.parametrize("hours", ["0", "169", "1.5", "x"])
def test_a_window_that_is_none_is_refused(house, world, api, hours):
    answer = api(world.bob).get("/copytrade/latency", hours=hours)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert "hours" in answer["message"]


def test_the_number_of_queries_does_not_depend_on_what_was_copied(house, world, api):
    def sent() -> int:
        with statements() as texts:
            asked(api, world.bob)
        return len(texts)

    asked(api, world.bob)
    before = sent()
    copied(house, 0, fills=[1, 2, 3], slippage=["0", "1", "2"])
    copied(house, 1, fills=[1], slippage=["0"])
    assert sent() == before
