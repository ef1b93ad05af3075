"""D25, R127, R128, R129: charges are settled by two balance operations each, in a ledger that sums to zero."""

import json
from collections import Counter
from decimal import Decimal as D

import pytest

from accounts.models import ProductConfig
from copytrade.models import SubscriptionStatus
from copytrade.services.subscriptions import subscription_update
from core.errors import DomainError
from core.rounding import half_even
from core.states import Cmd, Reason
from ledger.models import Transfer
from rewards.models import AccrualState
from rewards.services.settling import accrual_retry
from tests.support.reward_house import RewardHouse, follow, reward_house
from tests.support.statements import statements
from tests.support.world import World
from trading.models import Quote, Trade

SETTLED, FAILED, CANCELLED = AccrualState.SETTLED, AccrualState.FAILED, AccrualState.CANCELLED
FEE = {"reward_type": 0, "fee_amount": D(25), "billing_period": "monthly"}
pytestmark = pytest.mark.django_db


def test_r127_r128_r129_two_operations_carry_the_reward(world: World) -> None:
    house = reward_house(world.north, FEE)
    leader, follower = house.house.leader, house.house.followers[0]
    before = house.balance(leader), house.balance(follower)
    house.work()
    accrual = house.accruals()[0]
    out, paid = house.record(accrual.charge_order), house.record(accrual.payout_order)
    assert (out.account_id, out.cmd, out.reason, out.profit) == (follower.id, Cmd.BALANCE_OUT, Reason.COPY_REWARD, -25)
    assert (paid.account_id, paid.cmd, paid.reason, paid.profit) == (leader.id, Cmd.BALANCE_IN, Reason.COPY_REWARD, 25)
    for record in (out, paid):
        assert json.loads(record.api_data)["copy_reward_accrual_id"] == accrual.pk
    assert (house.balance(leader), house.balance(follower)) == (before[0] + 25, before[1] - 25)
    assert house.house_balance("FX") == 0
    assert (accrual.payout_rate, accrual.settled_at) == (1, house.at)
    house.prove()


def test_d25_the_tenants_share_is_one_transfer_to_its_revenue(world: World) -> None:
    house = reward_house(world.north, FEE)
    with house.place.scope():
        ProductConfig.objects.update(reward_share_percent=D("12.5"))
    revenue, clearing = house.house_balance("REVENUE"), house.house_balance("CLEARING")
    house.work()
    accrual = house.accruals()[0]
    assert (accrual.share_amount, accrual.payout_amount) == (D("3.12"), D("21.88"))
    assert house.house_balance("REVENUE") == revenue + D("3.12")
    assert house.house_balance("CLEARING") == clearing
    with house.place.scope():
        booked = Transfer.objects.filter(reason="COPY_REWARD").values_list("pk", flat=True)
        assert set(booked) == {accrual.charge_order, accrual.payout_order, accrual.share_order}
    house.prove()


def test_d25_other_currencies_go_through_fx_and_the_rate_is_kept(world: World) -> None:
    house = reward_house(world.north, FEE, followers=0)
    follow(house, 1, group=house.place.group("euros", currency="EUR"))
    with house.place.scope():
        ProductConfig.objects.update(reward_share_percent=D(10))
    house.work()
    accrual = house.accruals()[0]
    mid = D("1.1001")
    assert accrual.rate == half_even(1 / mid, 10)
    assert (accrual.fee_amount, accrual.currency) == (D("22.73"), "EUR")
    assert accrual.share_amount == D("2.27")
    assert (accrual.payout_rate, accrual.payout_currency) == (mid, "USD")
    assert accrual.payout_amount == half_even(D("20.46") * mid, 2) == D("22.51")
    assert house.house_balance("FX", "EUR") == D("20.46")
    assert house.house_balance("FX", "USD") == D("-22.51")
    assert house.house_balance("REVENUE", "EUR") == D("2.27")
    house.prove()


def test_d25_without_a_rate_it_waits(world: World) -> None:
    house = reward_house(world.north, FEE, followers=0)
    follow(house, 1, group=house.place.group("francs", currency="CHF"))
    house.work()
    assert house.accruals() == []
    house.place.instrument("USDCHF", **CHF)
    house.house.quote("USDCHF", "0.8000", "0.8002")
    house.work()
    assert house.charged() == [(D(25), D("20"), SETTLED)]
    house.prove()


CHF = {
    "asset_class": "FX", "family": "USDCHF", "profit_currency": "CHF", "digits": 5, "contract_size": D(100_000),
    "tick_size": D("0.00001"), "tick_value": D(1), "lot_min": D("0.01"), "lot_max": D(100), "lot_step": D("0.01"),
}  # fmt: skip


def test_d25_a_missing_rate_fails_a_charge_and_pauses_nobody(world: World) -> None:
    """The charge could be made, and then nobody can say what it is in the payout account's currency."""
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=0)
    house.place.instrument("USDCHF", **CHF)
    house.house.quote("USDCHF", "0.8000", "0.8002")
    follow(house, 1, group=house.place.group("francs", currency="CHF"))
    house.trade("0.10", "1.1102")
    with house.place.scope():
        Quote.objects.filter(instrument__symbol="USDCHF").delete()
    house.work()
    assert house.charged() == [(D("80.01"), D("8"), FAILED)]
    assert house.accruals()[0].failure_reason == "NO_CONVERSION_RATE"
    house.wait(days=8)
    house.work()
    assert house.subscription().status == SubscriptionStatus.ACTIVE
    house.house.quote("USDCHF", "0.8000", "0.8002")
    house.wait(days=1)
    house.work()
    assert house.charged() == [(D("80.01"), D("8"), SETTLED)]
    house.prove()


def test_d25_unpaid_for_seven_days_copying_is_paused_until_it_is_paid(world: World) -> None:
    house = reward_house(world.north, FEE, balance=10)
    house.work()
    accrual = house.accruals()[0]
    assert (accrual.state, accrual.failure_reason, accrual.tries) == (FAILED, "RET_TRADE_NO_MONEY", 1)
    assert house.work() == 0
    for day in range(1, 8):
        assert house.subscription().status == SubscriptionStatus.ACTIVE
        house.wait(days=1)
        assert house.work() == 1
        assert house.accruals()[0].tries == day + 1
    paused = house.subscription()
    assert (paused.status, paused.pause_reason) == (SubscriptionStatus.PAUSED, "REWARD_UNPAID")
    house.open("0.01")
    assert house.house.held() == []
    house.pay(0, "50")
    house.wait(days=1)
    house.work()
    assert house.charged() == [(D(25), D(25), SETTLED)]
    lifted = house.subscription()
    assert (lifted.status, lifted.pause_reason) == (SubscriptionStatus.ACTIVE, "")
    assert house.balance(house.house.followers[0]) == 35
    house.prove()


def test_d20_a_customer_lifts_the_pause_and_gets_it_again_while_nothing_is_paid(world: World) -> None:
    house = reward_house(world.north, FEE, balance=10)
    for _day in range(8):
        house.work()
        house.wait(days=1)
    assert house.subscription().pause_reason == "REWARD_UNPAID"
    pause(house, SubscriptionStatus.ACTIVE)
    assert house.subscription().status == SubscriptionStatus.ACTIVE
    house.work()
    assert house.subscription().pause_reason == "REWARD_UNPAID"
    house.prove()


def test_d25_a_pause_of_the_customer_is_neither_taken_over_nor_lifted(world: World) -> None:
    house = reward_house(world.north, FEE, balance=10)
    house.work()
    pause(house)
    house.wait(days=8)
    house.work()
    assert house.subscription().pause_reason == "CUSTOMER"
    house.pay(0, "50")
    house.wait(days=1)
    house.work()
    assert house.accruals()[0].state == SETTLED
    assert house.subscription().status == SubscriptionStatus.PAUSED
    house.prove()


def pause(house: RewardHouse, status: SubscriptionStatus = SubscriptionStatus.PAUSED) -> None:
    with house.place.scope():
        subscription_update(subscription_id=house.subscription().pk, settings={"status": status}, at=house.at)


def test_d25_money_in_positions_is_not_taken(world: World) -> None:
    """The margin of what is open stays where it is; the charge waits until it is free."""
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(50)}, balance=1000)
    first = house.open("0.50")  # margin 550
    second = house.open("0.30")  # margin 330: 120 are left
    house.close(second, "1.1052")  # +150
    house.price("1.0977")  # the first one floats at -125: 1150 - 125 - 550 = 475 free
    assert house.work() == 1
    assert house.charged() == [(D(150), D(75), SETTLED)]
    third = house.open("0.35")
    house.close(third, "1.1042")  # +140
    house.price("1.0880")  # the first one floats at -610: 1215 - 610 - 550 = 55 free
    house.work()
    assert house.charged()[1] == (D(140), D(70), FAILED)
    house.price("1.1000")
    house.close(first, "1.1012")
    house.wait(days=1)
    house.work()
    assert {state for _base, _fee, state in house.charged()} == {SETTLED}
    house.prove()


def test_d25_a_failed_charge_is_tried_again_when_staff_ask(world: World) -> None:
    house = reward_house(world.north, FEE, balance=10)
    house.work()
    number = house.accruals()[0].pk
    house.pay(0, "50")
    assert house.work() == 0
    with house.place.scope():
        accrual_retry(accrual_id=number, at=house.at)
    assert house.work() == 1
    assert house.accruals()[0].state == SETTLED
    with house.place.scope():
        for wrong, code in ((number, "RET_TRADE_INCORRECT_STATE"), (number + 1, "RET_ERR_NOTFOUND")):
            with pytest.raises(DomainError) as refused:
                accrual_retry(accrual_id=wrong, at=house.at)
            assert refused.value.code == code
    house.prove()


def test_d24_the_master_gives_back_what_was_prepaid(world: World) -> None:
    house = reward_house(world.north, FEE, followers=2)
    with house.place.scope():
        ProductConfig.objects.update(reward_share_percent=D(20))
    house.work()
    before = house.balance(house.house.leader), house.balance(house.house.followers[0])
    paid = house.accruals(0)[0]
    house.house.at = paid.period_from + (paid.period_to - paid.period_from) * 3 / 5
    house.price("1.1000")
    house.master_leaves()
    house.work()
    back = house.accruals(0)[1]
    assert (back.refund_of_id, back.base_amount, back.fee_amount, back.state) == (paid.pk, 25, -10, SETTLED)
    assert (back.share_amount, back.payout_amount) == (-2, -8)
    assert house.record(back.charge_order).profit == 10
    assert house.record(back.payout_order).profit == -8
    after = house.balance(house.house.leader), house.balance(house.house.followers[0])
    assert after == (before[0] - 16, before[1] + 10)
    assert house.house_balance("REVENUE") == 2 * D("3")
    house.prove()


def test_d24_of_a_prepaid_fee_that_is_not_paid_only_the_used_time_is_charged(world: World) -> None:
    house = reward_house(world.north, FEE, balance=10)
    house.work()
    paid = house.accruals()[0]
    house.house.at = paid.period_from + (paid.period_to - paid.period_from) / 5
    house.price("1.1000")
    house.master_leaves()
    house.work()
    assert house.charged() == [(D(25), D(25), CANCELLED), (D(5), D(5), SETTLED)]
    house.prove()


def test_d24_who_leaves_by_himself_gets_nothing_back(world: World) -> None:
    house = reward_house(world.north, FEE)
    house.work()
    house.wait(days=10)
    house.leave()
    house.work()
    house.wait(days=1)
    house.master_leaves()
    house.work()
    assert house.charged() == [(D(25), D(25), SETTLED)]
    house.prove()


def test_d24_deleting_a_master_settles_what_is_owed(world: World) -> None:
    house = reward_house(world.north, {"reward_type": 1, "fee_percent": D(10)}, followers=2)
    house.trade("0.10", "1.1102")
    house.master_leaves()
    house.work()
    assert house.charged(0) == house.charged(1) == [(D(100), D(10), SETTLED)]
    house.prove()


def test_d25_a_run_has_the_same_number_of_statements_however_many_pay(world: World) -> None:
    counted = []
    for place, followers in ((world.north, 2), (world.south, 12)):
        house = reward_house(place, {"reward_type": 3, "fee_percent": D(10)}, followers=followers)
        house.work()
        house.trade("0.10", "1.1102")
        with statements() as made:
            house.work()
        assert Counter(a.state for a in house.accruals()) == {SETTLED: followers}
        counted.append(len(made))
    assert counted[0] == counted[1]


def test_d25_tenants_never_meet(world: World) -> None:
    houses = [reward_house(place, FEE) for place in (world.north, world.south)]
    houses[0].work()
    assert [len(house.accruals()) for house in houses] == [1, 0]
    houses[1].work()
    assert [len(house.accruals()) for house in houses] == [1, 1]
    with world.south.scope():
        assert Trade.objects.filter(reason=Reason.COPY_REWARD).count() == 2
    for house in houses:
        house.prove()
