"""Followers that the benchmark repeats are what the services would have made: the proofs hold and they are copied to."""

import pytest

from benchmarks.seeding import followers_repeat
from copytrade.models import CopySubscription
from infra.database import owner_connection
from tests.support.copy_house import copy_house
from tests.support.proof import proved_wrong
from tests.support.world import World

MANY = 260


@pytest.mark.django_db(transaction=True)
def test_repeated_followers_are_copied_to_and_prove_right(world: World) -> None:
    house = copy_house(world.north)
    first = house.followers[0]
    with owner_connection() as owner:
        followers_repeat(
            owner,
            tenant_id=house.place.id,
            leader_id=house.leader.pk,
            model_id=first.pk,
            customers=[first.customer_id],
            many=MANY,
        )
    assert proved_wrong() == []
    with house.place.scope():
        shards = CopySubscription.objects.order_by("pk").values_list("shard__number", flat=True)
        assert [list(shards).count(number) for number in (1, 2)] == [131, 130]
    trade = house.open(house.leader, "1")
    assert house.drain() == 2
    house.close(house.leader, trade)
    assert house.drain() == 2
    assert house.outcomes() == {("OPEN", "FILLED", ""): MANY + 1, ("CLOSE", "FILLED", ""): MANY + 1}
    assert proved_wrong() == []
