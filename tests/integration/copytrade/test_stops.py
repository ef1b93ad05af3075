"""Later changes of the leader's stops on the followers' tickets, for every pair of position modes (D31)."""

from decimal import Decimal as D

import pytest

from copytrade.models import CopyMode, SubscriptionStatus
from core.states import LinkState, Side, TradeState
from tests.support.copy_house import copy_house
from trading.models import AccountEvent, Instrument, Order, Trade
from trading.services.orders import Changes, OrderAnswer, order_modify

MODES = {"hedging": False, "netting": True}


def change(house, account, number, **changes):
    with house.place.scope():
        answer = order_modify(
            account_id=account.id,
            trade_id=number,
            changes=Changes(**{k: D(v) for k, v in changes.items()}),
            at=house.at,
        )
    assert isinstance(answer, OrderAnswer)


def stops(house, number=0):
    return [(ticket.sl, ticket.tp) for ticket in house.tickets(house.followers[number])]


@pytest.mark.parametrize("follower", MODES)
@pytest.mark.parametrize("leader", MODES)
def test_changed_stops_are_copied(world, leader, follower):
    house = copy_house(
        world.north, leader_netting=MODES[leader], follower_netting=MODES[follower], risk_multiplier=D("0.5")
    )
    trade = house.open(house.leader, "1")
    change(house, house.leader, trade, sl="1.09", tp="1.12")
    house.drain()
    assert stops(house) == [(D("1.09"), D("1.12"))]
    change(house, house.leader, trade, sl="1.095")
    house.drain()
    assert stops(house) == [(D("1.095"), D("1.12"))]
    change(house, house.leader, trade, sl="0", tp="0")
    house.drain()
    assert stops(house) == [(0, 0)]
    assert house.story() == [("OPEN", "FILLED", D("0.5"))] + [("MODIFY", "FILLED", D("0.5"))] * 3
    assert house.lags() == [0]
    house.prove(exact=True)
    with house.place.scope():
        kinds = AccountEvent.objects.filter(account=house.followers[0]).order_by("seq").values_list("kind", flat=True)
        assert list(kinds) == ["BALANCE", "OPEN", "MODIFY", "MODIFY", "MODIFY"]


def test_on_a_hedging_follower_every_ticket_of_the_position_is_changed(world):
    house = copy_house(world.north, leader_netting=True)
    house.open(house.leader, "1")
    trade = house.open(house.leader, "0.5")
    change(house, house.leader, trade, sl="1.09")
    house.drain()
    assert stops(house) == [(D("1.09"), 0), (D("1.09"), 0)]
    assert house.story()[-1] == ("MODIFY", "FILLED", D("1.5"))
    with house.place.scope():
        legs = Order.objects.filter(account=house.followers[0], intent="MODIFY")
        assert sorted(legs.values_list("client_order_id", flat=True))[1].endswith(":1:0")


def test_a_shared_netting_position_keeps_its_stops_until_one_copy_owns_it(world):
    house = copy_house(world.north, follower_netting=True)
    first, second = house.open(house.leader, "0.3"), house.open(house.leader, "0.2")
    change(house, house.leader, first, sl="1.09")
    house.drain()
    assert stops(house) == [(0, 0)]
    assert house.story()[-1] == ("MODIFY", "STOPS_NOT_COPIED", 0)
    house.close(house.leader, second)
    change(house, house.leader, first, sl="1.08")
    house.drain()
    assert stops(house) == [(D("1.08"), 0)]


@pytest.mark.parametrize("hand", [False, True], ids=["copied", "by hand"])
def test_the_next_change_overwrites_what_a_hand_set(world, hand):
    house = copy_house(world.north, copy_tp=False)
    trade = house.open(house.leader, "0.3", sl=D("1.09"), tp=D("1.12"))
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    if hand:
        change(house, house.followers[0], copy.id, sl="1.05", tp="1.2")
    change(house, house.leader, trade, sl="1.085", tp="1.13")
    house.drain()
    assert stops(house) == [(D("1.085"), D("1.2") if hand else 0)]


def test_reversed_copies_swap_them(world):
    house = copy_house(world.north, reverse_direction=True, copy_sl=False)
    trade = house.open(house.leader, "0.3")
    change(house, house.leader, trade, sl="1.09", tp="1.12")
    house.drain()
    assert stops(house) == [(0, D("1.09"))]
    assert house.orders()[-1].side == Side.SELL


def test_a_stop_that_was_passed_meanwhile_leaves_the_old_ones(world):
    house = copy_house(world.north)
    trade = house.open(house.leader, "0.3", sl=D("1.09"))
    house.drain()
    change(house, house.leader, trade, sl="1.0990")
    house.wait(1)
    house.quote("EURUSD", "1.0980", "1.0982")  # the leader is closed by it
    house.drain()
    assert house.story()[1:] == [("MODIFY", "RET_TRADE_BAD_STOPS", 0), ("CLOSE", "FILLED", D("0.3"))]
    with house.place.scope():
        copy = Trade.objects.get(account=house.followers[0], copied=True)
    assert (copy.sl, copy.state) == (D("1.09"), TradeState.CLOSED)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"copy_sl": False, "copy_tp": False}, "STOPS_NOT_COPIED"),
        ({"copy_mode": CopyMode.OPEN_ONLY}, "COPY_MODE"),
    ],
)
def test_what_is_not_wanted_is_told(world, settings, told):
    house = copy_house(world.north, **settings)
    trade = house.open(house.leader, "0.3")
    change(house, house.leader, trade, sl="1.09")
    house.drain()
    assert house.story()[1:] == [("MODIFY", told, 0)]
    assert stops(house) == [(0, 0)]


def test_a_pause_and_age_hold_no_change_back(world):
    house = copy_house(world.north)
    trade = house.open(house.leader, "0.3")
    house.drain()
    change(house, house.leader, trade, sl="1.09")
    with house.place.scope():
        house.subscriptions[0].status = SubscriptionStatus.PAUSED
        house.subscriptions[0].save()
    house.wait(3600)
    house.drain()
    assert stops(house) == [(D("1.09"), 0)]


def test_a_closed_copy_is_told_and_one_that_never_was_is_not(world):
    house = copy_house(world.north, followers=2)
    with house.place.scope():
        house.subscriptions[1].enabled = False
        house.subscriptions[1].save()
    trade = house.open(house.leader, "0.3")
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    house.close(house.followers[0], copy.id)
    change(house, house.leader, trade, sl="1.09")
    house.drain()
    assert house.story()[1:] == [("MODIFY", "ALREADY_FLAT", 0)]
    assert house.story(1) == [("OPEN", "SUBSCRIPTION_PAUSED", 0)]


# --- Flips (D29)


@pytest.mark.parametrize("follower", MODES)
def test_the_opening_half_of_a_flip_waits_for_an_empty_hand(world, follower):
    """The closing half finds no usable quote: what is left is not turned into its opposite, and not hedged either."""
    house = copy_house(world.north, leader_netting=True, follower_netting=MODES[follower])
    with house.place.scope():
        Instrument.objects.filter(symbol="XAUUSD").update(stale_quote_seconds=5)
    house.open(house.leader, "0.1", symbol="XAUUSD")
    house.drain()
    house.open(house.leader, "0.14", Side.SELL, symbol="XAUUSD")
    house.wait(6)
    house.drain()
    assert [row[:2] for row in house.story()][1:] == [("CLOSE", "RET_TRADE_OFFQUOTES"), ("OPEN", "CLOSE_ONLY")]
    assert house.held() == [("BUY", D("0.1"))]
    assert [link.state for link in house.links()] == [LinkState.ACTIVE]
    house.prove(exact=True)
