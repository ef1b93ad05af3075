"""A copy worker is killed at every step of a turn of commands, and while an exit waits to be tried again."""

import pytest

from copytrade.models import CopyOrder
from copytrade.models_commands import CopyCommand, FailedExit
from copytrade.services.endings import OpenCopies
from copytrade.services.subscriptions import subscription_update
from core import clock
from core.states import LinkState
from tests.crash.test_every_step import IN_COMMANDS
from tests.support.copy_house import copy_house
from tests.support.processes import running, wait_until
from trading.models import Instrument

FOLLOWERS = 3


@pytest.fixture
def product(transactional_db, tmp_path):
    with running(tmp_path, quick=True) as made:
        yield made


@pytest.fixture
def house(transactional_db, world):
    made = copy_house(world.north, followers=FOLLOWERS)
    made.at = clock.now()
    made.quote("EURUSD", "1.1000", "1.1002")
    return made


def waiting(house):
    with house.place.scope():
        return CopyCommand.objects.filter(done_at__isnull=True).count()


def ask(house, **asked):
    house.at = clock.now()
    with house.place.scope():
        for subscription in house.subscriptions:
            subscription_update(subscription_id=subscription.id, at=house.at, **asked)


def everybody_once(house, *, status):
    with house.place.scope():
        orders = list(CopyOrder.objects.filter(source_kind="C").values_list("subscription_id", "action", "status"))
    assert sorted(orders) == sorted((s.id, status[0], status[1]) for s in house.subscriptions)


@pytest.mark.slow
@pytest.mark.parametrize("step", IN_COMMANDS)
def test_existing_positions_are_opened_once_and_closed_once(house, product, step):
    ask(house, settings={"status": 1})
    house.open(house.leader, "0.10")
    house.drain()
    product.arm(step)
    worker = product.copy_worker()

    ask(house, settings={"status": 0}, copy_existing_positions=True)
    wait_until(lambda: not worker.alive, 60, f"killed at {step}")
    product.copy_worker()
    wait_until(lambda: not waiting(house), 60, "all is copied")
    everybody_once(house, status=("OPEN", "FILLED"))
    assert [len(house.held(number)) for number in range(FOLLOWERS)] == [1] * FOLLOWERS
    house.prove(exact=True)

    ask(house, settings={"status": 2}, open_copies=OpenCopies.CLOSE)
    wait_until(lambda: not waiting(house), 60, "all is closed")
    assert [house.held(number) for number in range(FOLLOWERS)] == [[]] * FOLLOWERS
    assert all(link.state == LinkState.CLOSED for number in range(FOLLOWERS) for link in house.links(number))
    house.prove(exact=True)


@pytest.mark.slow
def test_d11_r071_an_exit_that_failed_is_made_when_quotes_come_back(house, product):
    worker = product.copy_worker()
    trade = house.open(house.leader, "0.10")
    wait_until(lambda: all(house.held(number) for number in range(FOLLOWERS)), 60, "all is copied")
    # The leader closes at a quote that is too old for everybody who comes after.
    with house.place.scope():
        Instrument.objects.filter(symbol="EURUSD").update(stale_quote_seconds=1)
    house.at = clock.now()
    worker.kill()
    house.quote("EURUSD", "1.1000", "1.1002")
    house.close(house.leader, trade)
    wait_until(lambda: (clock.now() - house.at).total_seconds() > 1.2, 60, "the quote is old")
    worker = product.copy_worker()
    product.beat()  # later tries are in the sweep's hands

    def debts():
        with house.place.scope():
            return list(FailedExit.objects.filter(state="OPEN", attempts__gt=1))

    wait_until(lambda: len(debts()) == FOLLOWERS, 60, "the exits were tried again")
    worker.kill()
    product.redis.flushdb()
    assert all(house.held(number) for number in range(FOLLOWERS))

    with house.place.scope():
        Instrument.objects.filter(symbol="EURUSD").update(stale_quote_seconds=0)
    house.at = clock.now()
    house.quote("EURUSD", "1.1010", "1.1012")
    product.copy_worker()
    wait_until(lambda: not waiting(house), 60, "the exits are made")
    assert [house.held(number) for number in range(FOLLOWERS)] == [[]] * FOLLOWERS
    everybody_once(house, status=("CLOSE", "FILLED"))
    house.prove(exact=True)
