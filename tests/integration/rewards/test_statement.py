"""X04: the fee statement works every fee out anew from stored rows, for either side, and hides no difference."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from accounts.models import ProductConfig
from rewards.models import AccrualState, RewardAccrual, RewardTrade
from tests.support.reward_house import RewardHouse, reward_house
from tests.support.statements import statements
from tests.support.world import World

SHARE = {"reward_type": 3, "fee_percent": D(10)}
PATH = "/copytrade/rewards/statement"
pytestmark = pytest.mark.django_db


def ask(get: Callable[..., Any], house: RewardHouse, who: str = "bob", **query: Any) -> Any:
    answer = get(who, PATH, subscription_id=house.house.subscriptions[0].pk, **query)
    assert answer.status == 200, answer.text
    return answer.json


def test_x04_each_fee_is_worked_out_from_its_closed_copies(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, SHARE, commission="1")
    with house.place.scope():
        ProductConfig.objects.update(reward_share_percent=D(10))
    house.trade("0.10", "1.1050")
    house.trade("0.10", "1.0990")
    house.work()
    told = ask(get, house)
    assert (told["count"], told["differs"], told["currency"]) == (1, 0, "USD")
    assert (told["master_login"], told["follower_login"]) == (house.house.leader.login, house.house.followers[0].login)
    line, accrual = told["accruals"][0], house.accruals()[0]
    assert (line["formula"], line["fee_amount"], line["fee_recomputed"]) == ("47.8 × 10 / 100", D("4.78"), D("4.78"))
    assert (line["terms"]["version"], line["terms"]["fee_percent"]) == (1, 10)
    copy = line["copies"][0]
    assert (copy["order"], copy["profit"], copy["profit_booked"], copy["commission"]) == (
        accrual.source_order, 48, 48, D("-0.2"),
    )  # fmt: skip
    assert (copy["net"], copy["lots"], copy["share"], copy["differs"]) == (D("47.8"), D("0.1"), 1, 0)
    charge, payout = line["charge"], line["payout"]
    assert (charge["order"], charge["login"], charge["amount"], charge["reason"]) == (
        accrual.charge_order, house.house.followers[0].login, D("-4.78"), 100,
    )  # fmt: skip
    assert (payout["order"], payout["login"], payout["amount"]) == (
        accrual.payout_order, house.house.leader.login, D("4.3"),
    )  # fmt: skip
    assert charge["copy_reward_accrual_id"] == payout["copy_reward_accrual_id"] == accrual.pk
    assert (line["tenant_share"], line["tenant_share_percent"], line["payout_recomputed"]) == (D("0.48"), 10, D("4.3"))
    assert told["totals"] == {
        "charged": D("4.78"), "charged_recomputed": D("4.78"), "given_back": 0, "waiting": 0, "failed": 0,
        "tenant_share": D("0.48"), "paid_out": [{"currency": "USD", "amount": D("4.3")}],
    }  # fmt: skip


@pytest.mark.parametrize("convention", ["GROSS", "NET", "CUMULATIVE"])
def test_x04_marks_follow_from_the_charges_before(world: World, get: Callable[..., Any], convention: str) -> None:
    terms = {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly", "hwm_convention": convention}
    house = reward_house(world.north, terms)
    for bid in ("1.1102", "1.0972", "1.1082"):
        house.trade("0.10", bid)
        house.wait(days=7)
        house.work()
    told = ask(get, house)
    third, second, first = told["accruals"]
    assert told["differs"] == 0
    assert first["marks_before"] == {"result": 0, "paid": 0, "mark": 0}
    assert (first["marks_after"], second["marks_after"]) == (second["marks_before"], third["marks_before"])
    assert third["marks_after"] == told["pair"]["marks"]
    assert [line["fee_recomputed"] for line in (first, second)] == [20, 0]
    assert (second["state"], second["failure_reason"]) == (AccrualState.CANCELLED, "NOTHING_DUE")


def test_x04_a_management_fee_shows_its_days(world: World, get: Callable[..., Any]) -> None:
    terms = {"reward_type": 4, "fee_percent": D(2), "billing_period": "weekly", "day_count": 252}
    house = reward_house(world.north, terms)
    house.end_days()
    house.wait(days=7)
    house.end_days()
    house.work()
    line = ask(get, house)["accruals"][0]
    assert line["formula"] == "50000 × 2 / 100 / 252"
    assert (len(line["days"]), [day["counted"] for day in line["days"]].count(0)) == (7, 2)
    assert sum(day["counted"] for day in line["days"]) == line["base_recomputed"] == line["base_amount"] == 50_000
    assert (line["fee_recomputed"], line["differs"]) == (D("3.97"), 0)


def test_x04_lots_and_other_currencies(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, {"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"})
    house.trade("0.10", "1.1050")
    house.trade("0.15", "1.0990")
    house.wait(days=7)
    house.work()
    line = ask(get, house)["accruals"][0]
    assert (line["formula"], line["fee_recomputed"]) == ("0.25 × 3", D("0.75"))
    assert [copy["lots"] for copy in line["copies"]] == [D("0.1"), D("0.15")]


def test_x04_what_is_given_back_names_what_was_prepaid(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "weekly"})
    house.work()
    house.wait(days=2)
    house.master_leaves()
    house.work()
    told = ask(get, house)
    back, prepaid = told["accruals"]
    assert back["refund_of"] == prepaid["id"]
    assert back["fee_amount"] == back["fee_recomputed"] < 0
    assert back["formula"].startswith("−25 × ")
    assert (back["charge"]["amount"], back["payout"]["amount"]) == (-back["fee_amount"], back["fee_amount"])
    assert told["differs"] == 0
    assert told["totals"]["given_back"] == -back["fee_amount"]
    assert told["totals"]["charged"] == 25 + back["fee_amount"]


def test_x04_of_an_unpaid_prepaid_fee_only_what_was_used_is_charged(world: World, get: Callable[..., Any]) -> None:
    terms = {"reward_type": 0, "fee_amount": D(25), "billing_period": "weekly"}
    house = reward_house(world.north, terms, balance=20)
    house.work()
    house.wait(days=2)
    house.master_leaves()
    house.work()
    used, whole = ask(get, house)["accruals"]
    assert (whole["state"], whole["failure_reason"]) == (AccrualState.CANCELLED, "MASTER_STOPPED")
    assert used["state"] == AccrualState.SETTLED
    assert 0 < used["fee_amount"] == used["fee_recomputed"] < 25
    assert used["differs"] == whole["differs"] == 0
    assert used["formula"].startswith("25 × ")


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (lambda: RewardAccrual.objects.update(fee_amount=D(5)), {"FEE", "SHARE", "PAYOUT", "CHARGE_OPERATION"}),
        (lambda: RewardTrade.objects.update(net=D(50)), {"COPIES"}),
        (lambda: RewardTrade.objects.update(record=1), {"COPIES", "BASE", "FEE"}),
        (lambda: RewardAccrual.objects.update(base_amount=D(50)), {"BASE"}),
        (lambda: RewardAccrual.objects.update(payout_amount=D(1)), {"PAYOUT", "PAYOUT_OPERATION"}),
        (lambda: RewardAccrual.objects.update(share_amount=D(1)), {"SHARE", "SHARE_TRANSFER"}),
        (lambda: RewardAccrual.objects.update(charge_order=1), {"CHARGE_OPERATION"}),
    ],
)
def test_x04_no_difference_is_hidden(
    world: World, get: Callable[..., Any], change: Callable[[], object], differences: set[str]
) -> None:
    house = reward_house(world.north, SHARE)
    with house.place.scope():
        ProductConfig.objects.update(reward_share_percent=D(50))
    house.trade("0.10", "1.1050")
    house.work()
    with house.place.scope():
        change()
    told = ask(get, house)
    assert (told["differs"], told["accruals"][0]["differs"]) == (1, 1)
    assert set(told["accruals"][0]["differences"]) == differences


def test_x04_a_mark_that_was_moved_is_told(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly"})
    house.trade("0.10", "1.1102")
    house.wait(days=7)
    house.work()
    with house.place.scope():
        RewardAccrual.objects.update(mark_before=D(50))
    assert ask(get, house)["accruals"][0]["differences"] == ["MARKS"]


def test_x04_either_side_reads_it_and_nobody_else(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, SHARE)
    house.trade("0.10", "1.1050")
    house.work()
    assert ask(get, house, "alice")["accruals"] == ask(get, house, "bob")["accruals"]
    number = house.house.subscriptions[0].pk
    house.leave()
    assert ask(get, house, "alice")["count"] == 1
    assert (get("carol", PATH, subscription_id=number).status, get("charlie", PATH, subscription_id=number).status) == (
        403, 404,
    )  # fmt: skip
    assert get("carol", PATH, subscription_id=number).error == "PERMISSION_DENIED"
    assert get("bob", PATH, subscription_id=10**12).error == "RET_ERR_NOTFOUND"
    assert get("bob", PATH).error == "INVALID_DATA"
    assert get("bob", PATH, subscription_id=number, limit=1001).error == "INVALID_DATA"


def test_x04_a_longer_statement_asks_no_more_questions(world: World, get: Callable[..., Any]) -> None:
    house = reward_house(world.north, SHARE)
    house.trade("0.10", "1.1050")
    house.work()
    ask(get, house)  # the first request of a process looks domains up
    with statements() as few:
        ask(get, house)
    for _number in range(3):
        house.trade("0.10", "1.1050")
    house.work()
    with statements() as more:
        told = ask(get, house, limit=2, offset=1)
    assert (told["count"], len(told["accruals"])) == (4, 2)
    assert told["totals"]["charged"] == D("19.2")
    assert len(few) == len(more)
