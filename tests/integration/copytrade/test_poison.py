"""An event that cannot be carried out for one follower is set aside for that one; the others are copied."""

import logging
from decimal import Decimal as D

import pytest

from core.clock import now
from core.ids import copy_client_order_id
from tests.support.copy_house import copy_house
from trading.models import AccountEvent, Order

pytestmark = pytest.mark.django_db(transaction=True)


def _occupy(house, follower, subscription_id):
    """Takes the order id that the follower's next copy needs, so that its row cannot be written."""
    with house.place.scope():
        event = AccountEvent.objects.filter(account=house.leader).latest("seq")
        Order.objects.create(
            tenant_id=follower.tenant_id,
            account=follower,
            client_order_id=copy_client_order_id(source_kind="E", source_id=event.id, subscription_id=subscription_id),
            intent="REFUSED",
            side="BUY",
            volume=0,
            status="REJECTED",
            refusal="RET_TRADE_NO_MONEY",
            origin="COPY",
            created_at=now(),
        )


def test_one_bad_follower_does_not_hold_up_the_others(world, caplog):
    house = copy_house(world.north, followers=5)
    house.open(house.leader, "1")
    bad = house.subscriptions[2]
    _occupy(house, bad.follower, bad.id)
    with caplog.at_level(logging.CRITICAL, logger="copytrade.engine"):
        house.drain()
    assert house.outcomes() == {("OPEN", "FILLED", ""): 4, ("OPEN", "SKIPPED", "EVENT_FAILED"): 1}
    assert house.story(2) == [("OPEN", "EVENT_FAILED", 0)]
    assert any(str(bad.id) in record.getMessage() for record in caplog.records)
    assert house.lags() == [0]
    house.prove(exact=True)


def test_the_next_event_is_copied_to_everybody_again(world):
    house = copy_house(world.north, followers=3)
    house.open(house.leader, "1")
    bad = house.subscriptions[0]
    _occupy(house, bad.follower, bad.id)
    house.drain()
    house.open(house.leader, "2")
    house.drain()
    assert house.held(0) == [("BUY", D(2))]
    assert house.held(1) == [("BUY", D(1)), ("BUY", D(2))]


def test_an_exit_that_cannot_be_written_keeps_its_link(world):
    house = copy_house(world.north, followers=2)
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade)
    bad = house.subscriptions[1]
    _occupy(house, bad.follower, bad.id)
    house.drain()
    assert house.held(0) == []
    assert house.held(1) == [("BUY", D(1))]
    assert [link.volume for link in house.links(1)] == [D(1)]
    assert house.story(1)[-1] == ("CLOSE", "EVENT_FAILED", 0)
