"""D24: changed terms begin with the next period; dearer ones need the follower's acceptance."""

import json
from decimal import Decimal as D

import pytest
from django.test import TestCase

from core.errors import DomainError
from infra.push import Frame, held
from rewards.models import AccrualState, TermsVersion
from tests.support.reward_house import RewardHouse, reward_house
from tests.support.world import World

SETTLED = AccrualState.SETTLED
WEEKLY = {"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"}
pytestmark = pytest.mark.django_db


def told(house: RewardHouse) -> list[Frame]:
    """The frames of one run."""
    with held() as frames, TestCase.captureOnCommitCallbacks(execute=True):
        house.work()
    return frames


def notices(frames: list[Frame]) -> list[tuple[str, int]]:
    return [(json.loads(f.text)[3], f.customer_id) for f in frames if f.kind == "notice"]


def week(house: RewardHouse) -> None:
    """A lot is closed, and the week ends."""
    house.trade("0.10", "1.1050")
    house.wait(days=7)
    house.work()


def test_d24_terms_are_frozen_as_versions_that_nobody_can_change(world: World) -> None:
    house = reward_house(world.north, WEEKLY)
    house.wait(seconds=5)
    house.change(fee_amount=D(4))
    house.change(fee_amount=D(4))
    with house.place.scope():
        versions = list(TermsVersion.objects.order_by("number"))
    assert [v.number for v in versions] == [1, 2, 3]
    assert [v.fee_amount for v in versions] == [0, 3, 4]
    assert versions[2].created_at == house.at


def test_d24_cheaper_terms_begin_with_the_next_period(world: World) -> None:
    house = reward_house(world.north, WEEKLY)
    house.work()
    house.wait(days=1)
    house.change(fee_amount=D(2))
    assert notices(told(house)) == [("TERMS_CHANGED", world.bob.id)]
    assert not house.agreement().next_dearer
    week(house)
    week(house)
    assert [a.fee_amount for a in house.accruals()] == [D("0.3"), D("0.2")]
    assert [a.terms.fee_amount for a in house.accruals()] == [3, 2]
    house.prove()


def test_d24_dearer_terms_begin_with_the_next_period_when_they_are_accepted(world: World) -> None:
    house = reward_house(world.north, WEEKLY)
    house.work()
    house.wait(days=1)
    house.change(fee_amount=D(5))
    assert notices(told(house)) == [("TERMS_DEARER", world.bob.id)]
    assert notices(told(house)) == []
    waiting = house.agreement()
    assert (waiting.terms.fee_amount, waiting.next_terms.fee_amount, waiting.next_dearer) == (3, 5, True)
    house.accept(waiting.next_terms.number)
    house.accept(waiting.next_terms.number)
    week(house)
    week(house)
    assert [a.fee_amount for a in house.accruals()] == [D("0.3"), D("0.5")]
    assert house.agreement().next_terms is None
    house.prove()


def test_d24_without_acceptance_the_subscription_ends_with_the_period_and_keeps_its_exits(world: World) -> None:
    house = reward_house(world.north, WEEKLY)
    house.work()
    house.wait(days=1)
    house.change(fee_amount=D(5))
    number = house.open("0.10")
    house.wait(days=6)
    frames = told(house)
    assert notices(frames) == [("TERMS_DEARER", world.bob.id), ("TERMS_NOT_ACCEPTED", world.bob.id)]
    assert house.subscription().ended_at == house.at
    assert house.house.held() == [("BUY", D("0.1"))]
    house.close(number, "1.1050")
    house.work()
    assert house.house.held() == []
    assert [a.fee_amount for a in house.accruals()] == [D("0.3")]
    assert house.agreement().closed_at is not None
    house.prove()


def test_d24_a_subscription_fee_is_not_charged_for_a_period_whose_terms_were_not_accepted(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(10), "billing_period": "weekly"})
    house.work()
    house.wait(days=1)
    house.change(fee_amount=D(20))
    house.work()
    house.wait(days=8)
    house.work()
    assert house.charged() == [(D(10), D(10), SETTLED)]
    assert house.subscription().ended_at is not None
    house.prove()


def test_d24_terms_that_were_changed_again_are_accepted_anew(world: World) -> None:
    house = reward_house(world.north, WEEKLY)
    house.work()
    with pytest.raises(DomainError) as nothing:
        house.accept(3)
    assert nothing.value.code == "RET_ERR_NOTFOUND"
    house.wait(days=1)
    house.change(fee_amount=D(5))
    house.work()
    house.accept(3)
    house.wait(days=1)
    house.change(fee_amount=D(6))
    house.work()
    assert house.agreement().accepted_at is None
    with pytest.raises(DomainError) as old:
        house.accept(3)
    assert (old.value.code, old.value.extra["version"]) == ("CHANGED_MEANWHILE", 4)
    house.wait(days=1)
    house.change(fee_amount=D(3))
    house.work()
    assert not house.agreement().next_dearer
    house.wait(days=7)
    house.work()
    assert house.subscription().ended_at is None


def test_d24_another_type_begins_with_the_next_period(world: World) -> None:
    """What was closed before belongs to the old terms, and only to them."""
    house = reward_house(world.north, WEEKLY)
    house.work()
    house.wait(days=1)
    house.change(reward_type=3, fee_percent=D(10))
    house.work()
    house.accept(house.agreement().next_terms.number)
    week(house)
    house.trade("0.10", "1.1050")
    house.work()
    assert [(a.reward_type, a.base_amount) for a in house.accruals()] == [(2, D("0.1")), (3, D(48))]
    house.prove()


def test_d24_whoever_subscribes_agrees_to_the_terms_of_that_moment(world: World) -> None:
    """Also when they are changed before anybody looked."""
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)})
    house.wait(seconds=1)
    house.change(fee_percent=D(40))
    house.trade("0.10", "1.1050")
    house.work()
    assert house.charged() == [(D(48), D("4.8"), SETTLED)]
    assert house.agreement().next_dearer
    house.prove()


def test_r127_both_sides_hear_of_a_reward(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(10)}, balance=5)
    frames = told(house)
    rewards = [(f.customer_id, f.staff, json.loads(f.text)) for f in frames if f.event == "reward"]
    assert [(customer, staff) for customer, staff, _row in rewards] == [(world.bob.id, True), (world.alice.id, False)]
    assert rewards[0][2]["state"] == AccrualState.FAILED
    assert rewards[0][2]["failure_reason"] == "RET_TRADE_NO_MONEY"
    assert notices(frames) == [("REWARD_FAILED", world.bob.id)]
    house.pay(0, "50")
    house.wait(days=1)
    rows = [json.loads(f.text) for f in told(house) if f.event == "reward"]
    assert [row["state"] for row in rows] == [SETTLED, SETTLED]
    assert rows[0]["charge_order"] == house.accruals()[0].charge_order
