"""What is asked of the engine beside events: existing positions, closes on request; exits that failed are not lost."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from copytrade.engine.commands import command_turn, commands_drain
from copytrade.models import CopyOrder
from copytrade.models_commands import CopyCommand, FailedExit
from copytrade.services.commands import position_close, position_untrack
from copytrade.services.endings import OpenCopies
from copytrade.services.masters import master_end
from copytrade.services.subscriptions import subscription_end, subscription_update
from core.errors import DomainError
from core.states import LinkState, Side
from tests.support.copy_house import copy_house, subscribe
from trading.models import Instrument


@pytest.fixture
def house(world):
    return copy_house(world.north)


def obey(house, leader=None):
    """Carries out what was asked; gives the number of commands."""
    return commands_drain(tenant_id=house.place.id, leader_id=(leader or house.leader).id, clock=lambda: house.at)


def owed(house):
    with house.place.scope():
        return list(FailedExit.objects.order_by("id"))


def waiting(house):
    with house.place.scope():
        return CopyCommand.objects.filter(done_at__isnull=True).count()


def update(house, **asked):
    with house.place.scope():
        settings = asked.pop("settings", {})
        subscription_update(subscription_id=house.subscriptions[0].id, settings=settings, at=house.at, **asked)


def stale(house):
    """Time passes without quotes, so that the contract cannot be traded."""
    with house.place.scope():
        Instrument.objects.update(stale_quote_seconds=60)
    house.wait(61)


def story(house, number=0):
    """As the house tells it, in the order in which it was decided."""
    found = sorted(house.orders(number), key=lambda order: order.id)
    return [(o.action, o.reason or o.status, o.volume.normalize() + 0) for o in found]


# --- Existing positions (R119, D09)


def test_r119_existing_positions_are_copied_on_request(world):
    house = copy_house(world.north)
    own = house.open(house.leader, "1")
    house.open(house.leader, "0.4", Side.SELL)
    house.drain()
    late = house.place.person("bob")
    assert late
    before = house.open(house.leader, "0.2")
    house.drain()
    update(house, copy_existing_positions=True)  # nothing that had a link already
    assert obey(house) == 0
    assert len(house.held()) == 3
    assert before > own


def test_r119_a_new_subscription_with_existing_positions(world):
    house = copy_house(world.north, followers=1)
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].id, at=house.at)
    trade = house.open(house.leader, "1", sl=D("1.05"))
    pending_close = house.open(house.leader, "0.5")
    # 31 seconds later: the age counts from the request
    house.wait(31)
    house.quote("EURUSD", "1.1000", "1.1002")
    house.subscriptions[0] = subscribe(house, house.leader, house.followers[0], max_signal_age_seconds=30)
    assert house.held() == []
    update(house, copy_existing_positions=True)
    house.close(house.leader, pending_close, "0.2")
    # The shard has not come to what the leader had done before the request: the command waits.
    assert obey(house) == 0
    assert house.drain() == 1
    assert obey(house) == 2
    assert house.held() == [("BUY", D(1)), ("BUY", D("0.3"))]
    assert [t.sl for t in house.tickets(house.followers[0])] == [D("1.05"), D(0)]
    kinds = {(o.source_kind, o.action, o.status) for o in house.orders()}
    assert kinds == {("C", "OPEN", "FILLED")}
    house.close(house.leader, trade)
    house.close(house.leader, pending_close)
    house.drain()
    assert house.held() == []
    house.prove(exact=True)


def test_a_change_after_the_request_comes_to_the_copy_exactly_once(world):
    """The position is copied as it was at the shard's cursor; what the leader did since comes as an event."""
    house = copy_house(world.north, followers=1)
    update(house, settings={"status": 1})
    trade = house.open(house.leader, "1")
    house.drain()
    update(house, settings={"status": 0}, copy_existing_positions=True)
    house.close(house.leader, trade, "0.5")  # not drained yet
    assert obey(house) == 1
    assert house.held() == [("BUY", D(1))]
    house.drain()
    assert house.held() == [("BUY", D("0.5"))]
    house.prove(exact=True)


def test_an_existing_position_that_is_closed_before_its_turn_is_not_opened(world):
    house = copy_house(world.north, followers=1)
    update(house, settings={"status": 1})
    trade = house.open(house.leader, "1")
    house.drain()
    update(house, settings={"status": 0}, copy_existing_positions=True)
    house.close(house.leader, trade)
    assert obey(house) == 1
    assert story(house)[-1] == ("OPEN", "CLOSED_BEFORE_COPY", 0)
    house.drain()
    assert house.held() == []


def test_d09_the_request_is_the_event_for_age_and_slippage(world):
    house = copy_house(world.north, followers=1, max_signal_age_seconds=30, slippage_tolerance=D(5))
    update(house, settings={"status": 1})
    house.open(house.leader, "1")
    house.drain()
    house.quote("EURUSD", "1.2000", "1.2002")  # far from the leader's fill
    update(house, settings={"status": 0}, copy_existing_positions=True)
    obey(house)
    assert story(house)[-1] == ("OPEN", "FILLED", 1)
    house.open(house.leader, "0.1")
    update(house, settings={"status": 1})
    house.drain()
    update(house, settings={"status": 0}, copy_existing_positions=True)
    house.wait(31)
    house.quote("EURUSD", "1.2000", "1.2002")
    obey(house)
    assert story(house)[-1] == ("OPEN", "SIGNAL_TOO_OLD", 0)


# --- Closing on request (D20, R045, R046, D14)


@pytest.mark.parametrize("way", ["disabled", "ended", "master"])
def test_d20_open_copies_are_closed_when_copying_stops(house, way):
    house.open(house.leader, "1")
    house.open(house.leader, "0.5")
    house.drain()
    with house.place.scope():
        if way == "disabled":
            update(house, settings={"status": 2}, open_copies=OpenCopies.CLOSE)
        elif way == "ended":
            subscription_end(subscription_id=house.subscriptions[0].id, open_copies=OpenCopies.CLOSE, at=house.at)
        else:
            master_end(master_id=house.subscriptions[0].master_id, open_copies=OpenCopies.CLOSE, at=house.at)
    assert obey(house) == 2
    assert house.held() == []
    assert story(house)[-2:] == [("CLOSE", "FILLED", 1), ("CLOSE", "FILLED", D("0.5"))]
    assert obey(house) == 0
    house.prove(exact=True)


def test_open_copies_are_not_closed_while_copying_goes_on(house):
    with pytest.raises(DomainError):
        update(house, open_copies=OpenCopies.CLOSE)


def test_r045_closing_from_the_panel_takes_what_is_linked_and_no_more(world):
    house = copy_house(world.north, follower_netting=True)
    house.open(house.leader, "0.3")
    house.drain()
    house.open(house.followers[0], "0.2")  # the customer's own
    (position,) = house.tickets(house.followers[0])
    with house.place.scope():
        for _click in range(2):
            position_close(account_id=house.followers[0].id, trade_id=position.id, at=house.at)
    assert waiting(house) == 1
    assert obey(house) == 1
    assert house.held() == [("BUY", D("0.2"))]
    with house.place.scope(), pytest.raises(DomainError):
        position_close(account_id=house.followers[0].id, trade_id=position.id, at=house.at)
    house.prove()


def test_the_leaders_close_a_hand_and_the_panel_close_once(house):
    trade = house.open(house.leader, "1")
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    with house.place.scope():
        position_close(account_id=house.followers[0].id, trade_id=ticket.id, at=house.at)
    house.close(house.leader, trade)
    house.drain()
    assert obey(house) == 1
    assert story(house)[1:] == [("CLOSE", "FILLED", 1), ("CLOSE", "ALREADY_FLAT", 0)]
    house.prove(exact=True)


def test_r046_d14_untracked_positions_are_left_alone(house):
    trade = house.open(house.leader, "1")
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    with house.place.scope():
        position_untrack(account_id=house.followers[0].id, trade_id=ticket.id, at=house.at)
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == [("BUY", D(1))]
    assert story(house) == [("OPEN", "FILLED", 1)]
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED]


# --- Exits that failed (D11, R068 to R071)


def failed(house, volume=None):
    """The leader closes (a part) while the follower's exit finds no usable quote; gives the leader's trade."""
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade, volume)
    stale(house)
    house.drain()
    return trade


def test_d11_an_exit_that_the_house_refused_is_made_later(house):
    failed(house)
    assert story(house)[-1] == ("CLOSE", "RET_TRADE_OFFQUOTES", 1)
    assert house.held() == [("BUY", D(1))]
    (debt,) = owed(house)
    assert (debt.volume, debt.attempts, debt.last_error, debt.state) == (1, 1, "RET_TRADE_OFFQUOTES", "OPEN")
    assert debt.next_attempt_at - house.at == timedelta(seconds=1)
    assert debt.expires_at - house.at == timedelta(days=7)
    assert obey(house) == 0  # not yet
    house.wait(1)
    assert obey(house) == 1
    (debt,) = owed(house)
    assert (debt.attempts, debt.next_attempt_at - house.at) == (2, timedelta(seconds=2))
    house.wait(2)
    house.quote("EURUSD", "1.1010", "1.1012")
    assert obey(house) == 1
    (debt,) = owed(house)
    assert (debt.attempts, debt.state) == (3, "DONE")
    assert house.held() == []
    assert story(house)[1:] == [("CLOSE", "RET_TRADE_OFFQUOTES", 1), ("CLOSE", "FILLED", 1)]
    assert waiting(house) == 0
    house.prove(exact=True)


def test_r069_the_tries_are_spaced(house):
    failed(house)
    waits = []
    for _try in range(10):
        (debt,) = owed(house)
        waits.append((debt.next_attempt_at - house.at).total_seconds())
        house.wait(waits[-1])
        assert obey(house) == 1
    assert waits == [1, 2, 5, 10, 30, 60, 120, 300, 300, 300]


def test_r070_an_exit_is_given_up_after_seven_days(house):
    failed(house)
    house.wait(7 * 86400)
    assert obey(house) == 1
    assert [debt.state for debt in owed(house)] == ["EXPIRED"]
    assert waiting(house) == 0
    assert house.held() == [("BUY", D(1))]


def test_while_an_exit_is_owed_nothing_is_opened_there(house):
    failed(house)
    house.quote("EURUSD", "1.1000", "1.1002")
    house.quote("XAUUSD", "2000.00", "2000.50")
    house.open(house.leader, "0.3")
    house.open(house.leader, "0.1", symbol="XAUUSD")
    house.drain()
    assert story(house)[-2:] == [("OPEN", "CLOSE_ONLY", 0), ("OPEN", "FILLED", D("0.1"))]
    house.wait(1)
    obey(house)
    house.open(house.leader, "0.3")
    house.drain()
    assert story(house)[-1] == ("OPEN", "FILLED", D("0.3"))


def test_a_partial_exit_that_failed_does_not_spoil_the_next_one(house):
    trade = failed(house, "0.5")
    (debt,) = owed(house)
    assert debt.volume == D("0.5")
    house.quote("EURUSD", "1.1000", "1.1002")
    house.close(house.leader, trade, "0.25")  # half of the rest: a quarter of the copy
    house.drain()
    assert house.held() == [("BUY", D("0.75"))]
    house.wait(1)
    obey(house)
    assert house.held() == [("BUY", D("0.25"))]
    assert [debt.state for debt in owed(house)] == ["DONE"]
    house.prove(exact=True)


def test_a_full_exit_takes_what_is_owed_along(house):
    trade = failed(house, "0.5")
    house.quote("EURUSD", "1.1000", "1.1002")
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == []
    assert [debt.state for debt in owed(house)] == ["DONE"]
    house.wait(1)
    assert obey(house) == 1
    assert waiting(house) == 0
    assert len(story(house)) == 3


def test_two_exits_that_failed_are_one_debt(house):
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade, "0.5")
    house.close(house.leader, trade, "0.25")
    stale(house)
    house.drain()
    (debt,) = owed(house)
    assert debt.volume == D("0.75")
    house.quote("EURUSD", "1.1000", "1.1002")
    house.wait(1)
    obey(house)
    assert house.held() == [("BUY", D("0.25"))]
    house.prove(exact=True)


def test_a_retry_never_closes_what_was_opened_by_hand_since(world):
    house = copy_house(world.north, follower_netting=True)
    failed(house)
    house.quote("EURUSD", "1.1000", "1.1002")
    assert len(house.tickets(house.followers[0])) == 1
    house.open(house.followers[0], "0.5")
    house.wait(1)
    obey(house)
    assert house.held() == [("BUY", D("0.5"))]
    house.prove()


def test_already_flat_ends_a_failed_exit(house):
    failed(house)
    house.quote("EURUSD", "1.1000", "1.1002")
    (ticket,) = house.tickets(house.followers[0])
    house.close(house.followers[0], ticket.id)
    house.open(house.leader, "0.2")
    house.drain()
    assert house.held() == [("BUY", D("0.2"))]  # what is flat owes nothing
    house.wait(1)
    obey(house)
    assert [debt.state for debt in owed(house)] == ["DONE"]
    assert house.held() == [("BUY", D("0.2"))]


def test_a_close_from_the_panel_that_failed_is_tried_again_too(house):
    house.open(house.leader, "1")
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    stale(house)
    with house.place.scope():
        position_close(account_id=house.followers[0].id, trade_id=ticket.id, at=house.at)
    assert obey(house) == 1
    assert story(house)[-1] == ("CLOSE", "RET_TRADE_OFFQUOTES", 1)
    house.wait(1)
    house.quote("EURUSD", "1.1000", "1.1002")
    assert obey(house) == 1
    assert house.held() == []


def test_many_exits_that_fail_together_all_come_back(world):
    house = copy_house(world.north, followers=7)
    failed(house)
    assert house.outcomes()["CLOSE", "REJECTED", "RET_TRADE_OFFQUOTES"] == 7
    assert len(owed(house)) == 7
    house.wait(1)
    house.quote("EURUSD", "1.1000", "1.1002")
    assert command_turn(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at) == 7
    assert [house.held(number) for number in range(7)] == [[]] * 7
    with house.place.scope():
        assert CopyOrder.objects.filter(source_kind="C", status="FILLED").count() == 7
    house.prove(exact=True)
