"""A leader's trades on the followers' accounts, for every pair of position modes."""

import json
from decimal import Decimal as D

import pytest

from accounts.models import TradingAccount
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyOrder
from core.states import CopyStatus, LinkState, Origin, Side
from ledger.models import Transfer
from tests.support.copy_house import copy_house, join
from trading.models import AccountEvent, Order, Trade

MODES = {"hedging": False, "netting": True}


@pytest.fixture
def house(world):
    """One leader, one follower at half size, commission 3 a lot."""
    return copy_house(world.north, commission="3", risk_multiplier=D("0.5"))


@pytest.mark.parametrize("follower", MODES)
@pytest.mark.parametrize("leader", MODES)
def test_open_partial_and_full_close(world, leader, follower):
    house = copy_house(
        world.north,
        leader_netting=MODES[leader],
        follower_netting=MODES[follower],
        followers=2,
        risk_multiplier=D("0.5"),
    )
    trade = house.open(house.leader, "1")
    assert house.drain() == 1
    assert house.held(0) == house.held(1) == [("BUY", D("0.5"))]
    house.prove(exact=True)

    house.close(house.leader, trade, "0.3")
    house.drain()
    assert house.held() == [("BUY", D("0.35"))]
    house.prove(exact=True)

    house.close(house.leader, trade)
    house.drain()
    assert house.held(0) == house.held(1) == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    assert house.story() == [
        ("OPEN", "FILLED", D("0.5")),
        ("REDUCE", "FILLED", D("0.15")),
        ("CLOSE", "FILLED", D("0.35")),
    ]
    assert house.lags() == [0]
    house.prove(exact=True)


@pytest.mark.parametrize("follower", MODES)
def test_an_increase_joins_what_was_copied(world, follower):
    house = copy_house(world.north, leader_netting=True, follower_netting=MODES[follower])
    trade = house.open(house.leader, "1")
    house.open(house.leader, "0.5")
    house.drain()
    tickets = [("BUY", D("1.5"))] if MODES[follower] else [("BUY", D("1")), ("BUY", D("0.5"))]
    assert house.held() == tickets
    # what is one position stays one link
    assert len(house.links()) == (1 if MODES[follower] else 2)
    house.prove(exact=True)
    # a third of 1.5, from the oldest
    house.close(house.leader, trade, "0.5")
    house.drain()
    assert sum(volume for _side, volume in house.held()) == 1
    assert [link.volume for link in house.links()] == ([D("1")] if MODES[follower] else [D("0.5"), D("0.5")])
    house.prove(exact=True)
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == []
    house.prove(exact=True)


@pytest.mark.parametrize("follower", MODES)
@pytest.mark.parametrize("turns", [1, 2])
def test_a_flip_closes_and_opens(world, follower, turns):
    house = copy_house(world.north, leader_netting=True, follower_netting=MODES[follower])
    house.open(house.leader, "1")
    house.drain()
    house.open(house.leader, "1.4", Side.SELL)
    house.drain()
    assert house.held() == [("SELL", D("0.4"))]
    assert house.story()[1:] == [("CLOSE", "FILLED", D(1)), ("OPEN", "FILLED", D("0.4"))]
    first, second = house.links()
    assert (first.state, second.state) == (LinkState.CLOSED, LinkState.ACTIVE)
    assert first.leader_trade_id != second.leader_trade_id
    house.prove(exact=True)


def test_a_hedged_leader_on_a_netting_follower(world):
    """Two tickets of one side share the follower's position; the other side is refused and its exit is nobody's."""
    house = copy_house(world.north, follower_netting=True)
    first, second = house.open(house.leader, "1"), house.open(house.leader, "0.5")
    against = house.open(house.leader, "0.2", Side.SELL)
    house.drain()
    assert house.held() == [("BUY", D("1.5"))]
    assert house.story()[-1] == ("OPEN", "OPPOSITE_SIDE", 0)
    house.close(house.leader, first)
    house.close(house.leader, against)
    house.drain()
    assert house.held() == [("BUY", D("0.5"))]
    house.prove(exact=True)
    house.close(house.leader, second)
    house.drain()
    assert house.held() == []
    assert [row[:2] for row in house.story()][3:] == [("CLOSE", "FILLED"), ("CLOSE", "FILLED")]


def test_reversed_copies(world):
    house = copy_house(world.north, reverse_direction=True)
    trade = house.open(house.leader, "1", sl=D("1.0900"), tp=D("1.1200"))
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    assert (ticket.cmd, ticket.sl, ticket.tp) == (1, D("1.12"), D("1.09"))
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == []
    house.prove()


def test_what_is_written_about_an_entry(house):
    trade = house.open(house.leader, "1", comment="mine")
    house.wait(2.25)
    house.quote("EURUSD", "1.1003", "1.1005")
    house.drain()
    follower, subscription = house.followers[0], house.subscriptions[0]
    with house.place.scope():
        event = AccountEvent.objects.get(account=house.leader, kind="OPEN")
        (copy,) = CopyOrder.objects.all()
        (ticket,) = Trade.objects.filter(account=follower, cmd=0)
        order = Order.objects.get(account=follower)
        (link,) = house.links()
        transfers = list(Transfer.objects.filter(account=follower).order_by("id").values_list("reason", "amount"))
        events = AccountEvent.objects.filter(account=follower).order_by("seq")
        own = list(events.values_list("seq", "kind", "origin", "balance", "equity"))
        balance = TradingAccount.objects.get(pk=follower.pk).balance
    assert (copy.subscription_id, copy.source_kind, copy.source_id) == (subscription.id, "E", event.id)
    assert (copy.leader_id, copy.follower_id) == (house.leader.id, follower.id)
    assert (copy.leader_trade_id, copy.follower_trade_id) == (trade, ticket.id)
    assert (copy.action, copy.symbol, copy.follower_symbol, copy.side) == ("OPEN", "EURUSD", "EURUSD", "BUY")
    assert (copy.volume, copy.status, copy.reason, copy.params) == (D("0.5"), CopyStatus.FILLED, "", "")
    assert (copy.settings_version, copy.simulated) == (1, False)
    assert (copy.event_at, copy.known_at) == (event.at, event.at)
    assert copy.decided_at == copy.sent_at == copy.filled_at == house.at
    assert (copy.slippage, copy.slippage_money) == (D(30), D("15.00"))  # 0.0003 x 100,000 x 0.5

    assert (ticket.volume, ticket.open_price, ticket.reason, ticket.copied) == (D("0.5"), D("1.1005"), 3, True)
    assert ticket.commission == D("-1.50")
    assert (order.origin, order.status, order.trade_id) == (Origin.COPY, "FILLED", ticket.id)
    assert order.client_order_id == f"c:E{event.id}:{subscription.id}:0:0"
    assert (order.quote_bid, order.quote_ask, order.price) == (D("1.1003"), D("1.1005"), D("1.1005"))
    assert (link.leader_trade_id, link.follower_trade_id, link.subscription_id) == (trade, ticket.id, subscription.id)
    assert (link.volume, link.opened_volume, link.entry_price) == (D("0.5"), D("0.5"), D("1.1005"))
    assert (link.commission, link.realised, link.state) == (D("-1.50"), 0, LinkState.ACTIVE)
    assert transfers == [("DEPOSIT", D(10000)), ("COMMISSION", D("1.50"))]
    assert balance == D("9998.50")
    assert own == [
        (1, "BALANCE", "DEALER", 0, 0),
        (2, "OPEN", "COPY", D(10000), D(10000)),
    ]


def test_what_is_written_about_an_exit(house):
    trade = house.open(house.leader, "1")
    house.drain()
    house.quote("EURUSD", "1.1100", "1.1102")
    house.close(house.leader, trade)
    house.drain()
    with house.place.scope():
        copy = CopyOrder.objects.get(action="CLOSE")
        ticket = Trade.objects.get(account=house.followers[0], cmd=0)
        booked = Transfer.objects.filter(account=house.followers[0], reference=ticket.id).order_by("id")
        transfers = list(booked.values_list("reason", "amount"))
    assert (copy.side, copy.volume, copy.follower_trade_id) == ("SELL", D("0.5"), ticket.id)
    assert (copy.slippage, copy.slippage_money) == (0, 0)
    assert (ticket.state, ticket.close_price, ticket.profit) == (3, D("1.11"), D("490.00"))
    assert ticket.commission == D("-3.00")
    assert transfers == [("COMMISSION", D("1.50")), ("TRADE_PROFIT", D("490.00")), ("COMMISSION", D("1.50"))]
    (link,) = house.links()
    assert (link.realised, link.commission, link.volume) == (D("490.00"), D("-3.00"), 0)
    house.prove(exact=True)


def test_a_simulated_past_has_no_marks(house):
    house.open(house.leader, "1")
    leader_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at, simulated=True)
    (copy,) = house.orders()
    assert copy.simulated
    assert (copy.known_at, copy.sent_at, copy.filled_at) == (None, None, None)
    assert copy.decided_at == house.at


def test_one_follower_without_money_does_not_disturb_the_others(world):
    house = copy_house(world.north, followers=2)
    join(house, 1, house.followers[0].group, balance=100)
    join(house, 1, house.followers[0].group)
    trade = house.open(house.leader, "1")
    house.drain()
    assert [house.held(n) for n in range(4)] == [[("BUY", D(1))], [("BUY", D(1))], [], [("BUY", D(1))]]
    (copy,) = house.orders(2)
    assert (copy.status, copy.reason) == (CopyStatus.REJECTED, "RET_TRADE_NO_MONEY")
    assert (copy.volume, copy.follower_trade_id, copy.filled_at) == (D(1), None, None)
    assert house.links(2) == []
    with house.place.scope():
        assert not Order.objects.filter(account=house.followers[2]).exists()
        assert TradingAccount.objects.get(pk=house.followers[2].pk).event_seq == 1
    house.close(house.leader, trade)
    house.drain()
    assert len(house.orders(2)) == 1  # an exit of what was never copied leaves no row
    house.prove(exact=True)


def test_refusals_keep_the_values_they_are_told_with(world):
    house = copy_house(world.north, min_volume=D(2))
    house.open(house.leader, "1")
    house.drain()
    (copy,) = house.orders()
    assert (copy.status, copy.reason, copy.volume) == (CopyStatus.SKIPPED, "BELOW_MIN_VOLUME", 0)
    assert json.loads(copy.params) == {"volume": "1", "min_volume": "2"}
