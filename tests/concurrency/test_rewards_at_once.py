"""D25: several workers settle the same charges at once; each charge is made once, and nobody meets a deadlock.

First the race is shown: the same rows read without a claim are settled twice.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from random import Random
from threading import Barrier

import pytest
from django.db import connection

from copytrade.engine.drain import leader_drain
from core import clock
from core.rounding import half_even
from core.states import Side, TradeState
from infra.tenancy import tenant_scope
from rewards.models import AccrualState, RewardAccrual, RewardTrade
from rewards.services import settling
from rewards.services.agreements import agreements_begin
from rewards.services.pairs import pairs_charge
from rewards.services.working import rewards_work
from tests.support.reward_house import RewardHouse, reward_house
from trading.models import Trade
from trading.services.orders import order_close, order_open
from trading.services.quotes import NewQuote, quotes_store

WORKERS = 4
FOLLOWERS = 12
SECONDS = 6

pytestmark = pytest.mark.slow


@pytest.fixture
def house(transactional_db, world) -> RewardHouse:
    """Followers who owe 10 each to one master, and whom nobody has looked at yet."""
    made = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=FOLLOWERS)
    made.trade("0.10", "1.1102")
    return made


def all_at_once(work) -> list[BaseException | None]:
    """What `work` raised in each of the workers, which begin together."""
    ready = Barrier(WORKERS)

    def one(_number: int) -> BaseException | None:
        try:
            connection.ensure_connection()
            ready.wait(60)
            work()
        except BaseException as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, range(WORKERS)))


def accrue(house: RewardHouse) -> None:
    agreements_begin(tenant_id=house.place.id)
    pairs_charge(tenant_id=house.place.id, at=house.at)
    assert Counter(a.state for a in house.accruals()) == {AccrualState.ACCRUED: FOLLOWERS}


def taken(house: RewardHouse) -> D:
    """What all rewards together brought the master."""
    return house.balance(house.house.leader) - before(house)


def before(house: RewardHouse) -> D:
    with house.place.scope():
        return D(100_000) + sum(t.profit for t in house.house.leader.trade_set.filter(cmd__in=(0, 1)))


@pytest.mark.spoils_the_books
def test_d25_without_the_claim_a_charge_is_settled_twice(house):
    """The proof that there is a race: two who have read the same charge both make its payment."""
    accrue(house)
    ids = [house.accruals()[0].pk]

    def unclaimed() -> None:
        with tenant_scope(house.place.id):
            settling._settle(ids, house.at)

    assert all_at_once(unclaimed) == [None] * WORKERS
    assert taken(house) == 10 * WORKERS


def test_d25_several_workers_settle_each_charge_once(house, monkeypatch):
    monkeypatch.setattr(settling, "AT_ONCE", 3)
    accrue(house)

    def settle() -> None:
        settling.accruals_settle(tenant_id=house.place.id, at=house.at)

    assert all_at_once(settle) == [None] * WORKERS
    assert Counter(a.state for a in house.accruals()) == {AccrualState.SETTLED: FOLLOWERS}
    assert taken(house) == 10 * FOLLOWERS
    house.prove()


def test_d25_several_workers_charge_and_settle_once(house):
    """From the beginning: agreements, counting, charging and settling, all by all of them."""

    def work() -> None:
        for _time in range(3):
            rewards_work(tenant_id=house.place.id, at=house.at)

    assert all_at_once(work) == [None] * WORKERS
    house.work()
    assert Counter(a.state for a in house.accruals()) == {AccrualState.SETTLED: FOLLOWERS}
    assert taken(house) == 10 * FOLLOWERS
    house.prove()


@pytest.mark.timeout(300)
def test_d24_what_is_closed_while_it_is_counted_is_counted_once(transactional_db, world):
    """A leader trades, two drains copy, a follower closes by hand, and two workers charge all the time."""
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=4, balance=1_000_000)
    tenant, leader, follower = house.place.id, house.house.leader.id, house.house.followers[0].id
    over = time.monotonic() + SECONDS

    def trade(luck: Random) -> None:
        with tenant_scope(tenant):
            mine = list(Trade.objects.filter(account_id=leader, state=TradeState.OPEN).values_list("id", flat=True))
            bid = D("1.1") + D(luck.randint(-50, 80)) / 10_000
            posted = [NewQuote(symbol="EURUSD", bid=bid, ask=bid + D("0.0002"))]
            quotes_store(tenant_id=tenant, quotes=posted, at=clock.now(), source="POSTED")
        with tenant_scope(tenant):
            if len(mine) < 4:
                order_open(account_id=leader, symbol="EURUSD", side=Side.BUY, volume=D("0.10"), at=clock.now())
            else:
                order_close(account_id=leader, trade_id=luck.choice(mine), volume=D("0.05"), at=clock.now())

    def hand(luck: Random) -> None:
        with tenant_scope(tenant):
            mine = list(Trade.objects.filter(account_id=follower, state=TradeState.OPEN).values_list("id", flat=True))
            if mine:
                order_close(account_id=follower, trade_id=luck.choice(mine), volume=None, at=clock.now())

    def drain(_luck: Random) -> None:
        leader_drain(tenant_id=tenant, leader_id=leader, clock=clock.now)

    def work(_luck: Random) -> None:
        rewards_work(tenant_id=tenant, at=clock.now())

    def live(number: int, deed) -> BaseException | None:
        luck = Random(number)
        try:
            while time.monotonic() < over:
                deed(luck)
        except BaseException as error:
            return error
        finally:
            connection.close()
        return None

    deeds = [trade, hand, drain, drain, work, work]
    with ThreadPoolExecutor(len(deeds)) as pool:
        assert list(pool.map(live, range(len(deeds)), deeds)) == [None] * len(deeds)
    work(Random(0))
    with tenant_scope(tenant):
        closed = Trade.objects.filter(
            account__in=house.house.followers, cmd__in=(0, 1), state__in=(TradeState.CLOSED, TradeState.CLOSED_PART)
        )
        assert sorted(RewardTrade.objects.values_list("record", flat=True)) == sorted(
            closed.values_list("id", flat=True)
        )
        won = {t.id for t in closed if half_even((t.profit + t.commission + t.storage) / 10, 2) > 0}
        assert {a.source_order for a in RewardAccrual.objects.all()} == won
        assert won
    house.prove()
