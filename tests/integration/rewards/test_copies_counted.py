"""D24: which closed records are copies of a pair, and how much of them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from copytrade.services.endings import OpenCopies
from core.states import AccountMode
from rewards.models import AccrualState, RewardTrade
from tests.support.copy_house import lead, subscribe
from tests.support.reward_house import RewardHouse, follow, reward_house
from tests.support.world import World

SETTLED = AccrualState.SETTLED
SHARE = {"reward_type": 3, "fee_percent": D(10)}
pytestmark = pytest.mark.django_db


def test_a_copy_that_the_follower_closes_by_hand_is_charged(world: World) -> None:
    house = reward_house(world.north, SHARE)
    house.open("0.10")
    house.price("1.1102")
    follower = house.house.followers[0]
    house.house.close(follower, house.house.tickets(follower)[0].id)
    house.work()
    assert house.charged() == [(D(100), D(10), SETTLED)]
    house.prove()


def test_what_the_follower_trades_by_himself_is_not(world: World) -> None:
    house = reward_house(world.north, SHARE)
    follower = house.house.followers[0]
    number = house.house.open(follower, "0.10")
    house.price("1.1102")
    house.house.close(follower, number)
    house.work()
    assert house.accruals() == []
    house.prove()


def test_a_copy_that_was_let_go_is_not_charged_any_more(world: World) -> None:
    house = reward_house(world.north, SHARE)
    number = house.open("0.10")
    house.close(number, "1.1012", "0.05")  # +5 while it was copied
    house.wait(seconds=1)
    house.leave(open_copies=OpenCopies.LET_GO)
    house.wait(seconds=1)
    house.price("1.1102")
    follower = house.house.followers[0]
    house.house.close(follower, house.house.tickets(follower)[0].id)
    house.work()
    assert house.charged() == [(D(5), D("0.5"), SETTLED)]
    assert house.agreement().closed_at is not None
    house.prove()


def netting_house(world: World) -> tuple[RewardHouse, int]:
    """A follower's position of 0.40 lots, of which 0.10 are copied of the leader's trade."""
    house = reward_house(world.north, SHARE, followers=0)
    follow(house, 1, group=house.place.netting)
    number = house.open("0.10")
    house.house.open(house.house.followers[0], "0.30")
    return house, number


def close_all(house: RewardHouse, bid: str, lots: str | None = None) -> None:
    """The follower closes a position by hand."""
    follower = house.house.followers[0]
    house.price(bid)
    house.house.close(follower, house.house.tickets(follower)[0].id, lots)
    house.house.at += timedelta(seconds=1)


def counted(house: RewardHouse) -> list[tuple[D, D]]:
    """(lots, net) of what was counted, in the order of closing."""
    with house.place.scope():
        return list(RewardTrade.objects.order_by("closed_at").values_list("lots", "net"))


@pytest.mark.parametrize("at_once", [True, False], ids=["looked at once", "looked at each time"])
def test_of_a_netting_position_the_copied_lots_are_charged(world: World, at_once: bool) -> None:
    house, number = netting_house(world)
    house.close(number, "1.1102")
    if not at_once:
        house.work()
    close_all(house, "1.1202")
    house.work()
    assert counted(house) == [(D("0.1"), D(100)), (D(0), D(0))]
    assert house.charged() == [(D(100), D(10), SETTLED)]
    house.prove()


def test_what_the_follower_takes_off_a_netting_position_is_his_own_first(world: World) -> None:
    house, number = netting_house(world)
    close_all(house, "1.1102", "0.32")  # his 0.30, and 0.02 of what is copied
    house.work()
    house.close(number, "1.1202")
    house.work()
    assert counted(house) == [(D("0.02"), D(20)), (D("0.08"), D(160))]
    assert [a.fee_amount for a in house.accruals()] == [2, 16]
    house.prove()


def test_several_masters_are_each_paid_for_their_own_copies(world: World) -> None:
    house = reward_house(world.north, SHARE, followers=0)
    follow(house, 1, profile={"max_master_count": 2})
    with house.place.scope():
        group = house.house.leader.group
    other = lead(house.place, house.place.person("carol"), group)
    subscribe(house.house, other, house.house.followers[0])
    house.trade("0.10", "1.1102")
    house.price("1.1000")
    number = house.house.open(other, "0.20")
    house.house.drain(other)
    house.price("1.1102")
    house.house.close(other, number)
    house.house.drain(other)
    house.work()
    paid = {(a.leader_id, a.base_amount, a.fee_amount) for a in house.accruals()}
    assert paid == {(house.house.leader.id, 100, 10), (other.id, 200, 20)}
    house.prove()


def test_play_money_pays_nobody(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(10)}, followers=0)
    follow(house, 1, group=house.place.group("play", account_mode=AccountMode.DEMO))
    house.work()
    assert house.accruals() == []


def test_counting_again_counts_nothing_twice(world: World) -> None:
    """Whatever the cursor says: the constraint refuses a record that was counted."""
    house = reward_house(world.north, SHARE)
    house.trade("0.10", "1.1102")
    house.work()
    rewind(house)
    house.work()
    assert house.charged() == [(D(100), D(10), SETTLED)]
    house.prove()


def rewind(house: RewardHouse) -> None:
    agreement = house.agreement()
    with house.place.scope():
        type(agreement).objects.filter(pk=agreement.pk).update(counted_seq=0)
