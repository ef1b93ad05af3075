"""A copy worker is killed, and Redis loses everything at that moment: after a restart everybody has exactly one copy."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from accounts.models import TradingAccount
from copytrade.models import CopyOrder, LeaderShard, TradeLink
from core import clock
from core.states import LinkState, TradeState
from infra.database import owner_connection
from infra.tenancy import tenant_scope
from tests.support.copy_house import copy_house
from tests.support.processes import wait_until
from trading.models import Trade

FOLLOWERS = 600
SHARDS = 3
RECOVERY_SECONDS = 60
"""From the start of the new worker until the last copy; nearly all of it is the start of Django."""


@pytest.fixture
def house(transactional_db, world):
    """600 followers in three shards, committed."""
    made = copy_house(world.north, followers=FOLLOWERS, risk_multiplier=1)
    made.at = clock.now()  # the worker's clock is the real one, and so must be the leader's
    with made.place.scope():
        assert LeaderShard.objects.count() == SHARDS
    with owner_connection() as raw:
        raw.execute("ANALYZE")
    return made


@contextmanager
def held(*accounts: TradingAccount) -> Iterator[Callable[[], bool]]:
    """Somebody else works on these accounts: a shard that needs one of them cannot finish. Says whether one waits."""
    with owner_connection() as raw, owner_connection() as asking, raw.transaction():
        raw.execute(
            "SELECT id FROM accounts_tradingaccount WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [[account.id for account in accounts]],
        )

        def waited_for() -> bool:
            # on a connection of its own: inside a transaction the view does not change
            waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
            return asking.execute(waiting, [raw.info.backend_pid]).fetchone() is not None

        yield waited_for


def copies_of(house, action: str) -> int:
    with house.place.scope():
        return CopyOrder.objects.filter(action=action, status="FILLED").count()


def settled(house) -> bool:
    return house.lags() == [0] * SHARDS


def crash(house, product, worker) -> None:
    """The worker is killed and Redis is emptied."""
    worker.kill()
    product.redis.flushdb()


def everybody_has_one(house, trade: int) -> None:
    with house.place.scope():
        copies = Counter(
            CopyOrder.objects.filter(leader_trade_id=trade, action="OPEN", status="FILLED").values_list(
                "follower_id", flat=True
            )
        )
        tickets = Counter(Trade.objects.filter(copied=True, state=TradeState.OPEN).values_list("account_id", flat=True))
        links = TradeLink.objects.filter(leader_trade_id=trade, state=LinkState.ACTIVE).count()
    one_each = {account.id: 1 for account in house.followers}
    assert copies == one_each
    assert tickets == one_each
    assert links == FOLLOWERS
    house.prove(exact=True)


def everybody_is_flat(house, trade: int) -> None:
    with house.place.scope():
        closes = Counter(
            CopyOrder.objects.filter(leader_trade_id=trade, action="CLOSE").values_list("follower_id", "status")
        )
        assert not Trade.objects.filter(account__in=house.followers, state=TradeState.OPEN).exists()
    assert closes == {(account.id, "FILLED"): 1 for account in house.followers}
    house.prove(exact=True)


def recovers(house, product):
    worker = product.copy_worker()
    wait_until(lambda: settled(house), RECOVERY_SECONDS, f"all is copied:\n{worker.tail()}")
    return worker


@pytest.mark.slow
def test_killed_before_in_the_middle_and_while_closing(house, product):
    one_of_each_shard = [house.followers[0], house.followers[50], house.followers[500]]
    worker = product.copy_worker()

    # Before any shard is done.
    with held(*one_of_each_shard) as waited_for:
        house.at = clock.now()
        trade = house.open(house.leader, "0.01")
        wait_until(waited_for, 60, "the worker is in its first shard", every=0.005)
        crash(house, product, worker)
        assert copies_of(house, "OPEN") == 0
    worker = recovers(house, product)
    everybody_has_one(house, trade)

    # While closing, after two of three shards.
    with held(one_of_each_shard[2]) as waited_for:
        house.at = clock.now()
        house.close(house.leader, trade)
        wait_until(lambda: copies_of(house, "CLOSE") == 500, 60, "two shards are done", every=0.005)
        wait_until(waited_for, 60, "the worker is in its third shard", every=0.005)
        crash(house, product, worker)
        assert copies_of(house, "CLOSE") == 500
    worker = recovers(house, product)
    everybody_is_flat(house, trade)

    # In the middle of an opening: one shard is done, the second is being copied.
    with held(one_of_each_shard[1]) as waited_for:
        house.at = clock.now()
        trade = house.open(house.leader, "0.01")
        wait_until(lambda: copies_of(house, "OPEN") == FOLLOWERS + 250, 60, "one shard is done", every=0.005)
        wait_until(waited_for, 60, "the worker is in its second shard", every=0.005)
        crash(house, product, worker)
        assert copies_of(house, "OPEN") == FOLLOWERS + 250
    worker = recovers(house, product)
    everybody_has_one(house, trade)

    # Wherever it happens to be, nobody held anything: right after the first copies became visible.
    house.at = clock.now()
    house.close(house.leader, trade)
    wait_until(lambda: copies_of(house, "CLOSE") > FOLLOWERS, 60, "the first copies are there", every=0)
    crash(house, product, worker)
    recovers(house, product)
    everybody_is_flat(house, trade)

    with tenant_scope(house.place.id):
        head = TradingAccount.objects.get(pk=house.leader.pk).event_seq
        assert set(LeaderShard.objects.values_list("cursor", flat=True)) == {head}
