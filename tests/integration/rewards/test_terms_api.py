"""D24 by address: a follower answers dearer terms, a master's owner sees what waits."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from core.clock import unix
from tests.support.reward_house import RewardHouse, reward_house
from tests.support.world import World

WEEKLY = {"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"}
pytestmark = pytest.mark.django_db


def dearer(world: World, **more: Any) -> RewardHouse:
    """Three USD a lot are agreed, five wait for the next week."""
    house = reward_house(world.north, WEEKLY, **more)
    house.work()
    house.wait(days=1)
    house.change(fee_amount=D(5))
    house.work()
    return house


def address(house: RewardHouse) -> str:
    return f"/copytrade/subscription/{house.house.subscriptions[0].pk}/terms"


def test_d24_the_follower_sees_both_terms_and_accepts(
    world: World, get: Callable[..., Any], post: Callable[..., Any]
) -> None:
    house = dearer(world)
    told = get("bob", address(house)).json
    assert (told["terms"]["fee_amount"], told["next_terms"]["fee_amount"], told["next_terms"]["version"]) == (3, 5, 3)
    assert (told["dearer"], told["must_accept"], told["accepted_time"]) == (1, 1, 0)
    assert told["period_to"] == unix(house.agreement().period_to)
    answer = post("bob", address(house), version=3, accept=1)
    assert answer.status == 200, answer.text
    assert (answer["must_accept"], answer["accepted_time"] > 0) == (0, True)
    assert get("alice", address(house)).json == answer.json
    house.wait(days=7)
    house.work()
    told = get("bob", address(house)).json
    assert (told["terms"]["fee_amount"], told["next_terms"], told["must_accept"]) == (5, None, 0)
    assert house.subscription().ended_at is None


def test_d24_who_takes_the_acceptance_back_is_let_go_with_the_period(
    world: World, get: Callable[..., Any], post: Callable[..., Any]
) -> None:
    house = dearer(world)
    post("bob", address(house), version=3, accept=1)
    assert post("bob", address(house), version=3, accept=0)["must_accept"] == 1
    house.wait(days=7)
    house.work()
    assert house.subscription().ended_at is not None
    told = get("bob", address(house)).json
    assert (told["next_terms"], told["must_accept"]) == (None, 0)


def test_d24_answers_that_are_refused_change_nothing(world: World, post: Callable[..., Any]) -> None:
    house = dearer(world)
    old = post("bob", address(house), version=2, accept=1)
    assert (old.status, old.error, old["version"]) == (409, "CHANGED_MEANWHILE", 3)
    assert post("bob", address(house), version=3).error == "INVALID_DATA"
    assert post("alice", address(house), version=3, accept=1).error == "PERMISSION_DENIED"
    assert post("carol", address(house), version=3, accept=1).error == "PERMISSION_DENIED"
    assert post("charlie", address(house), version=3, accept=1).error == "RET_ERR_NOTFOUND"
    assert post("owner", address(house), version=3, accept=1).error == "INVALID_CUSTOMER_SESSION"
    assert house.agreement().accepted_at is None
    house.change(fee_amount=D(2))
    house.work()
    assert post("bob", address(house), version=4, accept=1)["dearer"] == 0


def test_where_nothing_waits_there_is_nothing_to_answer(
    world: World, get: Callable[..., Any], post: Callable[..., Any]
) -> None:
    house = reward_house(world.north, WEEKLY)
    assert get("bob", address(house))["terms"] is None
    house.work()
    assert get("bob", address(house))["terms"]["fee_amount"] == 3
    assert post("bob", address(house), version=2, accept=1).error == "RET_ERR_NOTFOUND"
    assert get("carol", address(house)).error == "PERMISSION_DENIED"


def test_d24_the_masters_owner_sees_what_waits_for_the_next_period(
    world: World, get: Callable[..., Any], post: Callable[..., Any]
) -> None:
    house = reward_house(world.north, WEEKLY, followers=2)
    path = f"/copytrade/master/{house.master.pk}/reward-policy"
    house.work()
    assert get("alice", path)["waiting"] is None
    house.wait(days=1)
    house.change(fee_amount=D(5))
    told = get("alice", path).json
    ends = [unix(house.agreement(number).period_to) for number in (0, 1)]
    waiting = {"version": 3, "followers": 2, "to_accept": 2, "first_time": min(ends), "last_time": max(ends)}
    assert (told["fee_amount"], told["waiting"]) == (5, waiting)
    house.work()
    post("bob", address(house), version=3, accept=1)
    assert get("alice", path)["waiting"] == {**waiting, "to_accept": 1}
    house.wait(days=7)
    house.work()
    assert get("alice", path)["waiting"] is None
    assert get("bob", path).error == "PERMISSION_DENIED"
