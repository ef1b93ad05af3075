"""The sweep goes on when one leader cannot be drained."""

import pytest

from copytrade.engine.sweep import waiting_leaders
from copytrade.tasks import sweep
from core import clock
from infra.database import owner_connection
from tests.support.copy_house import copy_house, join, lead


@pytest.fixture
def houses(transactional_db, world):
    """Two leaders in one tenant with a follower each."""
    first = copy_house(world.north)
    first.at = clock.now()
    second = lead(world.north, world.north.person("carol"), first.leader.group)
    first_leader, first.leader = first.leader, second
    join(first, 1, second.group)
    first.leader = first_leader
    return first, second


def test_a_follower_held_by_somebody_holds_up_its_own_leader_only(houses):
    house, second = houses
    assert house.leader.id < second.id  # the one that cannot be drained comes first
    house.open(house.leader, "1")
    house.open(second, "1")
    with owner_connection() as raw:
        with raw.transaction():
            raw.execute(
                "SELECT 1 FROM accounts_tradingaccount WHERE id = %s FOR NO KEY UPDATE", [house.followers[0].id]
            )
            sweep()
            assert [len(house.held(number)) for number in (0, 1)] == [0, 1]
            assert waiting_leaders() == [(house.place.id, house.leader.id)]
        sweep()
    assert [len(house.held(number)) for number in (0, 1)] == [1, 1]
    assert waiting_leaders() == []
    house.prove(exact=True)


def test_a_tenant_whose_past_is_being_written_rests(houses):
    house, _second = houses
    tenant = house.place.tenant
    house.open(house.leader, "1")
    tenant.live = False
    tenant.save()
    assert waiting_leaders() == []
    tenant.live = True
    tenant.save()
    assert waiting_leaders() == [(house.place.id, house.leader.id)]
