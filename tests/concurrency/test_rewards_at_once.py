"""D25: several workers settle the same charges at once; each charge is made once, and nobody meets a deadlock.

First the race is shown: the same rows read without a claim are settled twice.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import connection

from infra.tenancy import tenant_scope
from rewards.models import AccrualState
from rewards.services import settling
from rewards.services.agreements import agreements_begin
from rewards.services.pairs import pairs_charge
from rewards.services.working import rewards_work
from tests.support.reward_house import RewardHouse, reward_house

WORKERS = 4
FOLLOWERS = 12

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
