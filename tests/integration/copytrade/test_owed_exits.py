"""Where an exit is owed nothing is opened (D11, D13), and not a moment longer than it is."""

from decimal import Decimal as D

import pytest

from copytrade.engine.commands import commands_drain
from copytrade.services.subscriptions import subscription_update
from core.states import Side
from tests.support.copy_house import copy_house
from tests.support.world import INSTRUMENTS


@pytest.fixture(params=[False, True], ids=["hedging", "netting"])
def owing(world, request):
    """The leader has closed half of what he had in GBPUSD; for want of a price the follower still owes that."""
    house = copy_house(world.north, leader_netting=request.param, follower_netting=request.param)
    house.place.instrument("GBPUSD", **INSTRUMENTS["EURUSD"] | {"family": "GBPUSD"}, stale_quote_seconds=5)
    house.quote("GBPUSD", "1.3000", "1.3002")
    ticket = house.open(house.leader, "1", symbol="GBPUSD")
    house.drain()
    house.close(house.leader, ticket, "0.5")
    house.wait(6)
    house.drain()
    house.quote("GBPUSD", "1.3000", "1.3002")
    assert house.story()[-1] == ("REDUCE", "RET_TRADE_OFFQUOTES", D("0.5"))
    return house, ticket


def test_what_the_leaders_close_has_settled_keeps_nothing_shut_in_the_same_turn(owing):
    house, ticket = owing
    house.close(house.leader, ticket)
    house.open(house.leader, "2", Side.SELL, symbol="GBPUSD")
    assert house.drain() == 1
    assert house.story()[-2:] == [("CLOSE", "FILLED", D(1)), ("OPEN", "FILLED", D(2))]
    assert house.held() == [("SELL", D(2))]


def test_what_another_try_has_settled_keeps_nothing_shut_in_the_same_turn(world):
    house = copy_house(world.north)
    house.place.instrument("GBPUSD", **INSTRUMENTS["EURUSD"] | {"family": "GBPUSD"}, stale_quote_seconds=5)
    house.quote("GBPUSD", "1.3000", "1.3002")
    first = house.open(house.leader, "1", symbol="GBPUSD")
    house.drain()
    house.close(house.leader, first, "0.5")
    house.wait(6)
    house.drain()
    house.quote("GBPUSD", "1.3000", "1.3002")
    house.open(house.leader, "0.3", symbol="GBPUSD")
    house.drain()
    assert house.story()[-1] == ("OPEN", "CLOSE_ONLY", 0)
    with house.place.scope():
        number = house.subscriptions[0].pk
        subscription_update(subscription_id=number, settings={}, copy_existing_positions=True, at=house.at)
    house.wait(1)
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.pk, clock=lambda: house.at)
    assert house.held() == [("BUY", D("0.5")), ("BUY", D("0.3"))]
