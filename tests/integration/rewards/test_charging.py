"""D24, R107, R121, R125: each reward type is charged, with real copies."""

from decimal import Decimal as D

import pytest

from copytrade.models import MasterStatus
from rewards.models import AccrualState, RewardAgreement
from tests.support.copy_house import decide
from tests.support.reward_house import RewardHouse, follow, reward_house
from tests.support.statements import statements
from tests.support.world import World

SETTLED, CANCELLED = AccrualState.SETTLED, AccrualState.CANCELLED
pytestmark = pytest.mark.django_db


def test_r121_a_profit_share_is_charged_for_each_copy_closed_with_profit(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=2, commission="1")
    house.trade("0.10", "1.1050")  # 10,000 x 0.0048 = 48, less 0.10 commission on each side
    house.trade("0.10", "1.0990")
    assert house.work() == 2
    assert house.charged(0) == house.charged(1) == [(D("47.8"), D("4.78"), SETTLED)]
    first = house.accruals(0)[0]
    closed = house.record(first.source_order)
    assert (closed.account_id, closed.profit + closed.commission) == (house.house.followers[0].id, D("47.8"))
    assert house.work() == 0
    assert len(house.accruals()) == 2
    house.prove()


def test_r121_a_copy_closed_in_parts_is_charged_part_by_part(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(20)})
    number = house.open("0.10")
    house.close(number, "1.1012", "0.04")
    house.work()
    house.close(number, "1.1102")
    house.work()
    assert house.charged() == [(D("4"), D("0.8"), SETTLED), (D("60"), D("12"), SETTLED)]
    house.prove()


def test_whoever_closes_nothing_is_passed_over(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=2)
    house.work()
    house.open("0.10")
    with statements() as sent:
        house.work()
    with house.place.scope():
        seqs = RewardAgreement.objects.order_by("follower_id").values_list("counted_seq", "follower__event_seq")
        assert all(counted == last for counted, last in seqs)
    assert not [text for text in sent if "rewards_rewardtrade" in text]
    assert house.accruals() == []


def test_r125_a_subscription_fee_is_charged_in_advance_each_period(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "weekly"})
    house.work()
    assert house.charged() == [(D(25), D(25), SETTLED)]
    accrual = house.accruals()[0]
    assert accrual.period_from == house.subscription().created_at
    # Subscribed on Monday morning in New York's zone: the week ends with Sunday's trading day, at 17:00 there.
    assert accrual.period_to.isoformat() == "2026-03-08T21:00:00+00:00"
    house.wait(days=6)
    house.work()
    assert len(house.accruals()) == 1
    house.wait(days=1)
    house.work()
    assert [a.period_from for a in house.accruals()] == [accrual.period_from, accrual.period_to]
    house.prove()


def test_r125_what_is_paid_once_is_paid_once(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "one_time"})
    house.work()
    house.wait(days=100)
    house.work()
    assert house.charged() == [(D(25), D(25), SETTLED)]
    house.prove()


def test_r125_a_volume_rebate_is_charged_per_closed_lot(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"})
    house.trade("0.10", "1.1050")
    house.trade("0.15", "1.0990")
    house.work()
    assert house.accruals() == []
    house.wait(days=7)
    house.work()
    assert house.charged() == [(D("0.25"), D("0.75"), SETTLED)]
    house.wait(days=7)
    house.work()
    assert len(house.accruals()) == 1
    house.prove()


@pytest.mark.parametrize(
    ("convention", "fees"), [("GROSS", ["20", "0", "6"]), ("NET", ["20", "0", "10"]), ("CUMULATIVE", ["20", "0", "10"])]
)
def test_r125_a_performance_fee_is_charged_above_its_mark(world: World, convention: str, fees: list[str]) -> None:
    terms = {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly", "hwm_convention": convention}
    house = reward_house(world.north, terms)
    for bid in ("1.1102", "1.0972", "1.1082"):  # +100, -30, +80 for 0.10 lots
        house.trade("0.10", bid)
        house.wait(days=7)
        house.work()
    assert [a.base_amount for a in house.accruals()] == [100, -30, 80]
    assert [a.fee_amount for a in house.accruals()] == [D(fee) for fee in fees]
    assert [a.state for a in house.accruals()] == [SETTLED, CANCELLED, SETTLED]
    house.prove()


def test_r125_without_a_mark_each_periods_gain_is_charged(world: World) -> None:
    terms = {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly", "hwm_enabled": False}
    house = reward_house(world.north, terms)
    for bid in ("1.1102", "1.0972", "1.1082"):
        house.trade("0.10", bid)
        house.wait(days=7)
        house.work()
    assert [a.fee_amount for a in house.accruals()] == [20, 0, 16]
    house.prove()


@pytest.mark.parametrize(("day_count", "fee", "base"), [(365, "3.84", 70_000), (252, "3.97", 50_000)])
def test_r125_a_management_fee_grows_each_day_and_is_settled_with_its_period(
    world: World, day_count: int, fee: str, base: int
) -> None:
    terms = {"reward_type": 4, "fee_percent": D(2), "billing_period": "weekly", "day_count": day_count}
    house = reward_house(world.north, terms)
    house.end_days()
    house.work()
    assert house.accruals() == []
    house.wait(days=2)
    house.work()
    assert house.accruals() == []  # the days are not ended yet
    house.end_days()
    house.work()
    growing = house.accruals()[0]
    assert (growing.base_amount, growing.state, growing.next_try_at) == (20_000, AccrualState.ACCRUED, None)
    house.wait(days=5)
    house.end_days()
    house.work()
    assert house.charged()[0] == (D(base), D(fee), SETTLED)
    assert house.accruals()[0].pk == growing.pk
    house.prove()


def test_d24_leaving_settles_the_running_period(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(20), "billing_period": "monthly"})
    house.trade("0.10", "1.1102")
    house.leave()
    house.work()
    assert house.charged() == [(D(100), D(20), SETTLED)]
    assert house.agreement().closed_at == house.at
    house.prove()


def test_d24_copies_that_are_closed_after_leaving_are_charged_when_all_are_flat(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(20), "billing_period": "monthly"})
    number = house.open("0.10")
    house.leave()
    house.work()
    assert house.agreement().closed_at is None
    house.wait(days=3)
    house.close(number, "1.1102")
    house.work()
    assert house.charged() == [(D(100), D(20), SETTLED)]
    assert house.agreement().closed_at is not None
    house.prove()


def test_d24_nothing_between_accounts_of_one_customer(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25)}, followers=0)
    members = house.place._members
    members["bob"] = members["alice"]
    follow(house, 1)
    house.work()
    assert house.accruals() == []
    house.prove()


def test_d24_a_policy_that_is_switched_off_charges_nothing(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10), "enabled": False})
    house.trade("0.10", "1.1102")
    house.work()
    assert house.accruals() == []
    house.prove()


def switched_off_later(house: RewardHouse) -> None:
    house.wait(days=1)
    house.change(enabled=False)
    house.trade("0.10", "1.1102")
    house.work()


@pytest.mark.parametrize(
    "terms", [{"reward_type": 3, "fee_percent": D(10)}, {"reward_type": 1, "fee_percent": D(10)}], ids=["3", "1"]
)
def test_d24_switching_off_holds_at_once(world: World, terms: dict[str, object]) -> None:
    house = reward_house(world.north, terms)
    house.work()
    switched_off_later(house)
    house.wait(days=31)
    house.work()
    assert house.accruals() == []
    house.prove()


def test_d24_the_marks_of_a_pair_survive_leaving(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly"})
    house.trade("0.10", "1.1102")  # +100
    house.leave()
    house.work()
    house.wait(days=30)
    house.rejoin()
    house.trade("0.10", "1.0972")  # -30
    house.trade("0.10", "1.1052")  # +50
    house.wait(days=7)
    house.work()
    assert house.charged() == [(D(100), D(20), SETTLED), (D(20), D(0), CANCELLED)]
    house.prove()


def test_d24_the_marks_of_a_pair_are_forgotten_after_180_days(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly"})
    house.trade("0.10", "1.1102")
    house.leave()
    house.work()
    house.wait(days=181)
    house.work()
    house.rejoin()
    house.trade("0.10", "1.1052")
    house.wait(days=7)
    house.work()
    assert house.charged() == [(D(100), D(20), SETTLED), (D(50), D(10), SETTLED)]
    house.prove()


def test_d24_what_is_prepaid_survives_leaving(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "monthly"})
    house.work()
    house.leave()
    house.work()
    house.wait(days=10)
    house.rejoin()
    house.work()
    assert len(house.accruals()) == 1
    house.wait(days=21)
    house.work()
    begun = [a.period_from.date().isoformat() for a in house.accruals()]
    assert begun == ["2026-03-02", "2026-04-01"]
    house.prove()


def test_d24_a_subscription_fee_waits_while_the_master_rests(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 0, "fee_amount": D(25), "billing_period": "weekly"})
    house.work()
    house.wait(days=1)
    decided(house, MasterStatus.PAUSED)
    house.wait(days=8)
    house.work()
    assert len(house.accruals()) == 1
    decided(house, MasterStatus.ACTIVE)
    house.work()
    assert house.charged() == [(D(25), D(25), SETTLED)] * 2
    second = house.accruals()[1]
    assert second.period_from < house.at < second.period_to
    house.prove()


def decided(house: RewardHouse, status: MasterStatus) -> None:
    with house.place.scope():
        decide(house.house, status)


def test_d24_leaving_settles_the_management_fee_of_the_days_that_ended(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 4, "fee_percent": D(10), "billing_period": "monthly"})
    house.end_days()
    house.wait(days=3)
    house.leave()
    house.work()
    assert house.charged() == []  # the last of the days is not ended yet
    house.end_days()
    house.work()
    assert house.charged() == [(D(30_000), D("8.22"), SETTLED)]
    house.wait(days=3)
    house.end_days()
    house.work()
    assert len(house.accruals()) == 1
    house.prove()


def test_d24_the_first_deposit_is_the_end_of_no_day(world: World) -> None:
    """It writes a snapshot as well, which is not charged."""
    house = reward_house(world.north, {"reward_type": 4, "fee_percent": D(10), "billing_period": "weekly"}, followers=0)
    follow(house, 1, balance=1)
    house.end_days()
    house.wait(days=1)
    house.end_days()
    house.work()
    assert [a.base_amount for a in house.accruals()] == [1]


def test_d24_periods_that_nobody_looked_at_are_charged_one_by_one(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 2, "fee_amount": D(10), "billing_period": "weekly"})
    for lots in ("0.10", "0.20", "0.30"):
        house.trade(lots, "1.1050")
        house.wait(days=7)
    house.work()
    assert house.charged() == [(D(lots), D(fee), SETTLED) for lots, fee in (("0.1", 1), ("0.2", 2), ("0.3", 3))]
    house.prove()
