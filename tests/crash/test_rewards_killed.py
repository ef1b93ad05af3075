"""A default worker is killed at every step of charging and settling: afterwards everybody has been charged once (D25)."""

from collections import Counter
from decimal import Decimal as D

import pytest

from rewards.models import AccrualState
from tests.crash.test_every_step import IN_THE_REWARDS
from tests.support.processes import running, wait_until
from tests.support.reward_house import reward_house

FOLLOWERS = 3


@pytest.fixture
def product(transactional_db, tmp_path):
    with running(tmp_path, quick=True) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", IN_THE_REWARDS)
def test_d25_everybody_is_charged_once(product, world, step):
    house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)}, followers=FOLLOWERS)
    house.trade("0.10", "1.1102")
    house.trade("0.20", "1.1102")
    house.trade("0.10", "1.0902")
    balances = [house.balance(account) for account in (house.house.leader, *house.house.followers)]
    product.arm(step)
    worker = product.default_worker()
    product.beat()
    wait_until(lambda: not worker.alive, 120, f"killed at {step}")
    product.redis.flushdb()
    product.default_worker()

    def settled() -> bool:
        return Counter(a.state for a in house.accruals()) == {AccrualState.SETTLED: 2 * FOLLOWERS}

    wait_until(settled, 120, "all is settled", every=0.2)
    expected = [balances[0] + 30 * FOLLOWERS, *(balance - 30 for balance in balances[1:])]
    assert [house.balance(account) for account in (house.house.leader, *house.house.followers)] == expected
    assert sorted((a.follower_id, a.fee_amount) for a in house.accruals()) == sorted(
        (account.id, fee) for account in house.house.followers for fee in (10, 20)
    )
    house.prove()
