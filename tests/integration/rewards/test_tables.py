"""GET /copytrade/rewards and /manage/rewards: whose rewards are shown, and how they are asked for."""

import json
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from core.clock import unix
from infra.actor import Actor, SessionType
from rewards.api.listing import REWARDS
from rewards.models import AccrualState
from rewards.notices import reward_frames
from rewards.selectors import rewards
from tests.support.reward_house import RewardHouse, reward_house
from tests.support.statements import statements
from tests.support.world import World

COLUMNS = (
    "id, subscription_id, master_login, follower_login, payout_account_login, reward_type, source_order, charge_order, "
    "payout_order, period_from, period_to, base_amount, fee_amount, currency, state, failure_reason, created_time, "
    "updated_time"
)
SHARE = {"reward_type": 3, "fee_percent": D(10)}
pytestmark = pytest.mark.django_db


def paid(world: World, **more: Any) -> RewardHouse:
    """Two profits shared, of one follower."""
    house = reward_house(world.north, SHARE, **more)
    house.trade("0.10", "1.1050")
    house.trade("0.20", "1.1052")
    house.work()
    return house


def test_r078_both_sides_see_what_was_paid_and_nobody_else(world: World, get: Callable[..., Any]) -> None:
    house = paid(world)
    first = house.accruals()[0]
    for who in ("bob", "alice"):
        answer = get(who, "/copytrade/rewards")
        assert answer.json["structure"] == COLUMNS.split(", ")
        assert answer.json["count"] == 2
        assert [row["fee_amount"] for row in answer.rows()] == [D("10"), D("4.8")]
    assert answer.rows()[1] == {
        "id": first.pk,
        "subscription_id": house.house.subscriptions[0].pk,
        "master_login": house.house.leader.login,
        "follower_login": house.house.followers[0].login,
        "payout_account_login": house.house.leader.login,
        "reward_type": 3,
        "source_order": first.source_order,
        "charge_order": first.charge_order,
        "payout_order": first.payout_order,
        "period_from": 0,
        "period_to": 0,
        "base_amount": D("48"),
        "fee_amount": D("4.8"),
        "currency": "USD",
        "state": AccrualState.SETTLED,
        "failure_reason": "",
        "created_time": unix(first.created_at),
        "updated_time": unix(first.updated_at),
    }
    for who in ("carol", "charlie"):
        assert get(who, "/copytrade/rewards").json["count"] == 0


def test_r078_rewards_are_filtered_sorted_and_paged(world: World, get: Callable[..., Any]) -> None:
    house = paid(world)
    rows = get("bob", "/copytrade/rewards", where=[["fee_amount", ">", 5]]).rows()
    assert [row["fee_amount"] for row in rows] == [D("10")]
    rows = get("bob", "/copytrade/rewards", orderBy=["fee_amount", "asc"], limit=1).rows()
    assert [row["fee_amount"] for row in rows] == [D("4.8")]
    login = house.house.followers[0].login
    assert get("bob", "/copytrade/rewards", whereIn=[["follower_login", [login]]]).json["count"] == 2
    assert get("bob", "/copytrade/rewards", where=[["state", "=", 3]]).json["count"] == 0
    assert get("bob", "/copytrade/rewards", where=[["tries", "=", 3]]).error == "INVALID_DATA"
    assert get("bob", "/copytrade/rewards", limit=1001).error == "INVALID_DATA"
    assert get("bob", "/copytrade/rewards", format="csv").text.splitlines()[0] == COLUMNS.replace(" ", "")
    assert get("owner", "/copytrade/rewards").error == "INVALID_CUSTOMER_SESSION"


def test_the_row_that_goes_to_sockets_is_the_row_of_the_table(world: World, get: Callable[..., Any]) -> None:
    house = paid(world)
    with house.place.scope():
        accrual = rewards(Actor(SessionType.ADMIN, 0, house.place.id)).order_by("-created_at", "-pk")[0]
        frames = reward_frames([accrual])
    told = json.loads(frames[0].text, parse_float=D)
    assert told == get("bob", "/copytrade/rewards").rows()[0]
    assert {frame.login for frame in frames} == {house.house.leader.login, house.house.followers[0].login}
    assert list(REWARDS.columns) == list(told)


def test_staff_see_all_rewards_and_those_that_failed(world: World, get: Callable[..., Any]) -> None:
    house = paid(world, followers=2)
    house.trade("0.10", "1.1050")
    house.pay(0, str(-house.balance(house.house.followers[0])))
    house.work()
    assert get("crm", "/manage/rewards").json["count"] == 6
    failed = get("crm", "/manage/rewards", where=[["state", "=", 3]]).rows()
    assert [(row["follower_login"], row["failure_reason"]) for row in failed] == [
        (house.house.followers[0].login, "RET_TRADE_NO_MONEY")
    ]
    assert get("bob", "/manage/rewards").error == "PERMISSION_DENIED"


def test_d25_staff_have_a_failed_reward_tried_again_at_once(
    world: World, get: Callable[..., Any], post: Callable[..., Any]
) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "one_time"}, balance=20)
    house.work()
    failed = house.accruals()[0]
    assert failed.state == AccrualState.FAILED
    house.pay(0, "100")
    path = f"/manage/rewards/{failed.pk}/retry"
    assert post("crm", path).error == post("dealer", path).error == post("bob", path).error == "PERMISSION_DENIED"
    assert post("manager", "/manage/rewards/1/retry").error == "RET_ERR_NOTFOUND"
    assert house.work() == 0
    answer = post("manager", path)
    assert (answer["id"], answer["state"]) == (failed.pk, AccrualState.FAILED)
    with house.place.scope():
        due = type(failed).objects.get(pk=failed.pk).next_try_at
    house.house.at = max(house.at, due)
    house.price("1.1000")
    assert house.work() == 1
    assert house.charged() == [(25, 25, AccrualState.SETTLED)]
    refused = post("manager", path)
    assert (refused.status, refused.error) == (409, "RET_TRADE_INCORRECT_STATE")
    house.prove()


def test_a_longer_table_asks_no_more_questions(world: World, get: Callable[..., Any]) -> None:
    house = paid(world)
    get("bob", "/copytrade/rewards")  # the first request of a process looks domains up
    with statements() as few:
        get("bob", "/copytrade/rewards")
    house.trade("0.10", "1.1050")
    house.work()
    with statements() as more:
        assert get("bob", "/copytrade/rewards").json["count"] == 3
    assert len(few) == len(more)


def test_r128_the_operations_stand_among_the_accounts_records(world: World, get: Callable[..., Any]) -> None:
    house = paid(world)
    first = house.accruals()[0]
    for who, account, cmd, amount in (
        ("bob", house.house.followers[0], 8, D("-4.8")),
        ("alice", house.house.leader, 6, D("4.8")),
    ):
        query = {"login": account.login, "tradeType": 4, "limit": 10, "offset": 0, "where": [["reason", "=", 100]]}
        oldest = get(who, "/trades", **query).rows()[-1]
        assert (oldest["cmd"], oldest["profit"], oldest["comment"]) == (cmd, amount, f"COPY_REWARD {first.pk}")
        assert oldest["order"] == (first.charge_order if cmd == 8 else first.payout_order)
