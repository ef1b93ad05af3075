"""A copy worker loses its connections, or hears no doorbell: nothing is missed."""

import time

import pytest
from django.db import connection

from copytrade.engine.listener import doorbell_quiet
from core import clock
from infra.database import owner_connection
from tests.support.copy_house import copy_house
from tests.support.processes import wait_until


@pytest.mark.slow
def test_a_worker_survives_the_loss_of_all_its_connections(world, product):
    house = copy_house(world.north, followers=3)
    worker = product.copy_worker()

    def opened() -> None:
        house.at = clock.now()
        house.open(house.leader, "0.01")

    def copied(count: int) -> bool:
        return all(len(house.held(number)) == count for number in range(3))

    opened()
    wait_until(lambda: copied(1), 60, f"the first trade is copied:\n{worker.tail()}")
    with owner_connection() as raw:
        ended = raw.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid NOT IN (pg_backend_pid(), %s)",
            [own_backend()],
        ).fetchone()
    assert ended is not None
    assert ended[0] >= 2  # the doorbell's and the drain's
    # the doorbell of this one may ring while nobody listens
    opened()
    wait_until(lambda: copied(2), 60, f"the second trade is copied:\n{worker.tail()}")
    assert worker.popen.poll() is None
    product.redis.flushdb()
    opened()
    wait_until(lambda: copied(3), 60, f"the third trade is copied:\n{worker.tail()}")
    house.prove(exact=True)


@pytest.mark.slow
def test_what_nobody_rang_for_is_found_by_the_sweep(world, product):
    house = copy_house(world.north, followers=2)
    product.copy_worker()
    house.at = clock.now()
    house.open(house.leader, "0.01")
    # Once it has copied this one, the worker's first look for what it missed is behind it: from now on only rings count.
    wait_until(lambda: house.lags() == [0], 60, "the worker copies what rings")
    house.at = clock.now()
    with doorbell_quiet():
        house.open(house.leader, "0.01")
    time.sleep(1.5)
    assert house.lags() == [1]  # the worker has heard nothing of it
    product.beat()
    wait_until(lambda: house.lags() == [0], 60, "the sweep copied the trade")
    assert house.outcomes() == {("OPEN", "FILLED", ""): 4}
    house.prove(exact=True)


def own_backend() -> int:
    """The test's own connection, which must stay."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
