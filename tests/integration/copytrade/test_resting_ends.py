"""Rest and end of copying take resting copies of pending orders back (D30)."""

from decimal import Decimal as D

import pytest

from copytrade.engine.commands import commands_drain
from copytrade.models import CopyMaster, CopyMode, MasterStatus, SubscriptionStatus
from copytrade.services.endings import OpenCopies
from copytrade.services.follower_stops import follower_stops_check
from copytrade.services.masters import master_update
from copytrade.services.subscriptions import subscription_end, subscription_update
from core.states import LinkState
from tests.support.copy_house import decide
from tests.support.resting import cancel, place, quote, resting_house, waiting


@pytest.mark.parametrize(
    "settings",
    [
        {"status": SubscriptionStatus.PAUSED},
        {"enabled": False},
        {"copy_pending_orders": False},
        {"reverse_direction": True},
    ],
)
def test_rest_takes_resting_copies_back_at_once(world, settings):
    house = resting_house(world)
    place(house, house.leader)
    house.drain()
    with house.place.scope():
        subscription_update(subscription_id=house.subscriptions[0].pk, settings=settings, at=house.at)
    assert waiting(house) == []
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED]
    house.prove(exact=True)
    if "status" in settings:
        with house.place.scope():
            subscription_update(subscription_id=house.subscriptions[0].pk, settings={"status": 0}, at=house.at)
        quote(house, "1.0898", "1.0900")
        house.drain()
        assert house.story()[1:] == [("OPEN", "FILLED", D("0.5"))]


@pytest.mark.parametrize("way", ["staff", "owner"])
def test_a_master_that_rests_takes_resting_copies_back_at_once(world, way):
    house = resting_house(world)
    place(house, house.leader)
    house.open(house.leader, "0.3")
    house.drain()
    with house.place.scope():
        if way == "staff":
            decide(house, MasterStatus.PAUSED)
        else:
            master_id = CopyMaster.objects.get().pk
            master_update(master_id=master_id, settings={"enabled": False}, reward_policy=None, at=house.at)
    assert waiting(house) == []
    # What is open stays with the leader's exits.
    assert sorted(link.state for link in house.links()) == [LinkState.ACTIVE, LinkState.UNTRACKED]
    house.prove(exact=True)


def test_d20_staff_can_have_open_copies_closed(world):
    house = resting_house(world)
    house.open(house.leader, "0.3")
    house.drain()
    with house.place.scope():
        decide(house, MasterStatus.INACTIVE, open_copies=OpenCopies.CLOSE)
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.pk, clock=lambda: house.at)
    assert house.held() == []
    house.prove(exact=True)


@pytest.mark.parametrize("open_copies", list(OpenCopies))
def test_the_end_takes_resting_copies_back_at_once(world, open_copies):
    house = resting_house(world)
    order = place(house, house.leader)
    house.drain()
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, open_copies=open_copies, at=house.at)
    assert waiting(house) == []
    cancel(house, house.leader, order)
    house.drain()
    assert len(house.story()) == 1
    house.prove(exact=True)


def test_what_rests_otherwise_takes_them_back_at_the_fill(world):
    house = resting_house(world)
    place(house, house.leader)
    house.drain()
    with house.place.scope():
        house.subscriptions[0].copy_mode = CopyMode.CLOSE_ONLY
        house.subscriptions[0].save()
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.story()[1:] == [("OPEN", "COPY_MODE", 0)]
    assert waiting(house) == []


def test_a_stop_that_closes_all_takes_resting_copies_back(world):
    house = resting_house(world, max_loss=D(1000), stop_action=1, balance=10_000)
    house.open(house.leader, "2")
    place(house, house.leader, "1.0500")
    house.drain()
    assert len(waiting(house)) == 1
    quote(house, "1.0850", "1.0852")
    follower_stops_check(tenant_id=house.place.id, at=house.at)
    assert waiting(house) == []
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.pk, clock=lambda: house.at)
    assert house.held() == []
    house.prove(exact=True)
