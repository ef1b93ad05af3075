"""Pending orders of a leader on the followers' accounts, for every pair of position modes (D30)."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from copytrade.selectors import positions
from copytrade.selectors_proof import copies_prove
from core.states import Cmd, LinkState, Side, TicketKind, TradeState
from infra.actor import Actor, SessionType
from tests.support.resting import MODES, PAIRS, cancel, modify, place, quote, resting_house, shadow_of, sweep, waiting
from trading.models import Trade
from trading.services.orders import Refusal

# --- Placed, changed, filled, taken back


@pytest.mark.parametrize(("leader", "follower"), PAIRS)
def test_a_pending_order_rests_with_the_follower_until_the_leaders_is_filled(world, leader, follower):
    house = resting_house(world, leader, follower)
    order = place(house, house.leader, sl=D("1.05"), tp=D("1.2"))
    house.drain()
    assert waiting(house) == [(Cmd.BUY_LIMIT, D("0.5"), D("1.09"))]
    shadow = shadow_of(house)
    assert (shadow.sl, shadow.tp, shadow.reason) == (D("1.05"), D("1.2"), 3)
    (link,) = house.links()
    assert (link.state, link.resting, link.leader_trade_id) == (LinkState.ACTIVE, True, order)
    modify(house, house.leader, order, open_price=D("1.08"), sl=D("1.06"))
    house.drain()
    assert waiting(house) == [(Cmd.BUY_LIMIT, D("0.5"), D("1.08"))]
    quote(house, "1.0798", "1.0800")
    house.drain()
    assert (waiting(house), house.held()) == ([], [("BUY", D("0.5"))])
    copy = shadow_of(house)
    assert (copy.id, copy.open_price, copy.sl, copy.tp) == (shadow.id, D("1.08"), D("1.06"), D("1.2"))
    (link,) = house.links()
    assert (link.resting, link.entry_price, link.follower_trade_id) == (False, D("1.08"), copy.id)
    house.close(house.leader, order)
    house.drain()
    assert house.held() == []
    assert house.story() == [
        ("PLACE", "FILLED", D("0.5")),
        ("MODIFY", "FILLED", D("0.5")),
        ("OPEN", "FILLED", D("0.5")),
        ("CLOSE", "FILLED", D("0.5")),
    ]
    assert house.lags() == [0]
    house.prove(exact=True)


@pytest.mark.parametrize(("leader", "follower"), PAIRS)
def test_the_leaders_cancel_takes_the_copy_back(world, leader, follower):
    house = resting_house(world, leader, follower)
    order = place(house, house.leader)
    house.drain()
    cancel(house, house.leader, order)
    house.drain()
    assert house.tickets(house.followers[0]) == []
    assert house.story() == [("PLACE", "FILLED", D("0.5")), ("CANCEL", "FILLED", D("0.5"))]
    assert [(link.state, link.volume) for link in house.links()] == [(LinkState.CLOSED, 0)]
    shadow = shadow_of(house)
    assert (shadow.state, shadow.comment) == (TradeState.DELETED, "[cancelled]")
    house.prove(exact=True)


def test_the_leaders_expiry_takes_the_copy_back_and_nothing_else_does(world):
    house = resting_house(world)
    order = place(house, house.leader, expiration_at=house.at + timedelta(seconds=60))
    house.drain()
    assert shadow_of(house).expiration_at == house.at + timedelta(seconds=60)
    house.wait(61)
    sweep(house)
    assert len(waiting(house)) == 1  # the sweep ended the leader's, the copy waits for the engine
    with house.place.scope():
        assert Trade.objects.get(pk=order).state == TradeState.DELETED
    house.drain()
    assert waiting(house) == []
    assert shadow_of(house).comment == "[expired]"
    house.prove(exact=True)


def test_an_order_that_the_house_refuses_to_fill_takes_the_copy_back(world):
    house = resting_house(world, fixed_volume=D("0.1"), volume_mode=0)
    place(house, house.leader, volume="100")
    house.drain()
    assert waiting(house) == [(Cmd.BUY_LIMIT, D("0.1"), D("1.09"))]
    quote(house, "1.0898", "1.0900")  # 109,000 of margin
    house.drain()
    assert waiting(house) == []
    assert [row[:2] for row in house.story()] == [("PLACE", "FILLED"), ("CANCEL", "FILLED")]


@pytest.mark.parametrize("follower", MODES)
def test_the_market_never_fills_a_copy(world, follower):
    """The leader's order moved away without the copy knowing yet: the copy's price comes, and it waits."""
    house = resting_house(world, follower=follower)
    order = place(house, house.leader)
    house.drain()
    modify(house, house.leader, order, open_price=D("1.0800"))
    quote(house, "1.0890", "1.0892")
    sweep(house)
    assert (waiting(house), house.held()) != ([], [])
    assert len(waiting(house)) == 1
    house.drain()
    assert waiting(house) == [(Cmd.BUY_LIMIT, D("0.5"), D("1.08"))]


# --- How it is filled


@pytest.mark.parametrize(
    ("kind", "side", "price", "reached", "now", "filled"),
    [
        (TicketKind.LIMIT, Side.BUY, "1.0900", ("1.0898", "1.0900"), ("1.0910", "1.0912"), "1.0900"),
        (TicketKind.LIMIT, Side.BUY, "1.0900", ("1.0898", "1.0900"), ("1.0888", "1.0890"), "1.0890"),
        (TicketKind.LIMIT, Side.SELL, "1.1100", ("1.1100", "1.1102"), ("1.1090", "1.1092"), "1.1100"),
        (TicketKind.STOP, Side.BUY, "1.1100", ("1.1098", "1.1100"), ("1.1108", "1.1110"), "1.1110"),
        (TicketKind.STOP, Side.SELL, "1.0900", ("1.0900", "1.0902"), ("1.0890", "1.0892"), "1.0890"),
    ],
)
def test_a_limit_is_never_filled_worse_than_its_price_and_a_stop_at_the_market(
    world, kind, side, price, reached, now, filled
):
    house = resting_house(world)
    place(house, house.leader, price, kind=kind, side=side)
    house.drain()
    quote(house, *reached)
    house.wait(2)
    quote(house, *now)
    house.drain()
    assert shadow_of(house).open_price == D(filled)
    assert house.held() == [(side, D("0.5"))]
    house.prove(exact=True)


@pytest.mark.parametrize(
    ("settings", "seconds", "told"),
    [
        ({"slippage_tolerance": D(20)}, 0, "SLIPPAGE_TOLERANCE"),
        ({"max_signal_age_seconds": 5}, 10, "SIGNAL_TOO_OLD"),
    ],
)
def test_a_fill_that_a_guard_refuses_takes_the_copy_back(world, settings, seconds, told):
    house = resting_house(world, **settings)
    order = place(house, house.leader, "1.1100", kind=TicketKind.STOP)
    house.drain()
    quote(house, "1.1098", "1.1100")
    if not seconds:
        house.wait(2)
        quote(house, "1.1108", "1.1110")
    house.wait(seconds)
    house.drain()
    assert house.tickets(house.followers[0]) == []
    house.close(house.leader, order)
    house.drain()
    assert [row[:2] for row in house.story()] == [("PLACE", "FILLED"), ("OPEN", told), ("CLOSE", "ALREADY_FLAT")]
    house.prove(exact=True)


def test_a_stop_that_was_passed_at_the_fill_is_never_opened_unprotected(world):
    house = resting_house(world)
    order = place(house, house.leader, "1.1100", kind=TicketKind.STOP, tp=D("1.1150"))
    house.drain()
    quote(house, "1.1098", "1.1100")
    modify(house, house.leader, order, tp=D(0))
    quote(house, "1.1160", "1.1162")
    house.drain()
    assert house.story()[1:] == [("OPEN", "RET_TRADE_BAD_STOPS", D("0.5")), ("MODIFY", "ALREADY_FLAT", 0)]
    assert house.tickets(house.followers[0]) == []


def test_no_money_at_the_fill_ends_the_copy(world):
    house = resting_house(world, balance=100)
    place(house, house.leader)
    house.drain()
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.story() == [("PLACE", "FILLED", D("0.5")), ("OPEN", "RET_TRADE_NO_MONEY", D("0.5"))]
    assert house.tickets(house.followers[0]) == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    house.prove(exact=True)


def test_on_netting_a_copy_joins_the_position_of_another_one_without_its_stops(world):
    house = resting_house(world, follower="netting")
    house.open(house.leader, "1", sl=D("1.05"))
    second = place(house, house.leader, sl=D("1.07"))
    house.drain()
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.held() == [("BUY", D(1))]
    (position,) = house.tickets(house.followers[0])
    assert position.sl == D("1.05")
    first, joined = house.links()
    assert first.follower_trade_id == joined.follower_trade_id == position.id
    assert (joined.leader_trade_id, joined.resting, joined.volume) == (second, False, D("0.5"))
    house.prove(exact=True)
    house.close(house.leader, second)
    house.drain()
    assert house.held() == [("BUY", D("0.5"))]
    house.prove(exact=True)


@pytest.mark.parametrize("follower", MODES)
def test_an_order_that_the_leaders_netting_position_takes_in_is_copied_as_its_increase(world, follower):
    house = resting_house(world, "netting", follower)
    house.open(house.leader, "1")
    place(house, house.leader)
    house.drain()
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert [row[:2] for row in house.story()] == [
        ("OPEN", "FILLED"), ("PLACE", "FILLED"), ("CANCEL", "FILLED"), ("INCREASE", "FILLED"),
    ]  # fmt: skip
    assert sum(volume for _side, volume in house.held()) == D(1)
    assert waiting(house) == []
    house.prove(exact=True)


@pytest.mark.parametrize(("leader", "follower"), [("netting", "netting"), ("netting", "hedging")])
def test_a_leaders_target_by_a_pending_order_closes_and_never_opens(world, leader, follower):
    house = resting_house(world, leader, follower)
    house.open(house.leader, "1")
    place(house, house.leader, "1.1100", side=Side.SELL)
    house.drain()
    assert waiting(house) == [(Cmd.SELL_LIMIT, D("0.5"), D("1.11"))]
    quote(house, "1.1100", "1.1102")
    house.drain()
    assert house.tickets(house.followers[0]) == []
    assert [row[:2] for row in house.story()] == [
        ("OPEN", "FILLED"), ("PLACE", "FILLED"), ("CANCEL", "FILLED"), ("CLOSE", "FILLED"),
    ]  # fmt: skip
    house.prove(exact=True)


# --- Where there is no copy


@pytest.mark.parametrize("settings", [{"copy_pending_orders": False}, {"reverse_direction": True}])
def test_what_is_not_copied_is_told_and_opened_at_market_when_filled(world, settings):
    house = resting_house(world, **settings)
    order = place(house, house.leader)
    modify(house, house.leader, order, open_price=D("1.0890"))
    house.drain()
    assert house.story() == [("PLACE", "PENDING_NOT_COPIED", 0)]
    quote(house, "1.0888", "1.0890")
    house.drain()
    assert house.story()[1:] == [("OPEN", "FILLED", D("0.5"))]
    assert house.held() == [("SELL" if "reverse_direction" in settings else "BUY", D("0.5"))]
    house.prove(exact=True)


def test_an_order_that_is_gone_before_it_is_copied_leaves_nothing(world):
    house = resting_house(world)
    cancel(house, house.leader, place(house, house.leader))
    house.drain()
    assert house.story() == [("PLACE", "CLOSED_BEFORE_COPY", 0)]
    assert house.tickets(house.followers[0]) == []


def test_an_order_placed_and_filled_in_one_turn_is_copied_once(world):
    house = resting_house(world)
    place(house, house.leader)
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.story() == [("PLACE", "FILLED", D("0.5")), ("OPEN", "FILLED", D("0.5"))]
    assert house.held() == [("BUY", D("0.5"))]
    house.prove(exact=True)


# --- The follower's own hand


def test_the_follower_may_take_the_copy_back_and_gets_nothing_at_market_then(world):
    house = resting_house(world)
    order = place(house, house.leader)
    house.drain()
    refused = modify(house, house.followers[0], shadow_of(house).id, open_price=D("0.5"))
    assert isinstance(refused, Refusal)
    assert refused.code == "RET_TRADE_INCORRECT_STATE"
    cancel(house, house.followers[0], shadow_of(house).id)
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    modify(house, house.leader, order, open_price=D("1.0890"))
    quote(house, "1.0888", "1.0890")
    house.drain()
    assert [row[:2] for row in house.story()][1:] == [("MODIFY", "ALREADY_FLAT"), ("OPEN", "ALREADY_FLAT")]
    assert house.tickets(house.followers[0]) == []
    house.prove(exact=True)


def test_a_resting_copy_is_no_position(world):
    house = resting_house(world, max_positions=1)
    place(house, house.leader)
    house.drain()
    bob = house.place.person("bob")
    with house.place.scope():
        assert not positions(Actor(SessionType.CUSTOMER, bob.id, house.place.id)).exists()
    house.open(house.leader, "1")
    house.drain()
    assert house.story()[-1] == ("OPEN", "FILLED", D("0.5"))
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.story()[-1] == ("OPEN", "MAX_POSITIONS", 0)
    assert waiting(house) == []


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_copies_that_rest_and_that_were_taken_back_are_in_order(world, side):
    """What `copy_check` proves holds for links with pending records as for those with positions."""
    house = resting_house(world)
    price = "1.0900" if side is Side.BUY else "1.1100"
    place(house, house.leader, price, side=side)
    cancelled = place(house, house.leader, price, side=side)
    house.drain()
    cancel(house, house.leader, cancelled)
    house.drain()
    assert [(k.state, k.resting) for k in house.links()] == [(LinkState.ACTIVE, True), (LinkState.CLOSED, True)]
    assert copies_prove(world.north.id) == []
