"""When copying begins, rests and ends; hands on copied tickets; what comes too late; what comes twice."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from copytrade.models import CopyOrder, CopySubscription, LeaderShard
from copytrade.services.endings import OpenCopies
from copytrade.services.subscriptions import subscription_end, subscription_update
from core.states import LinkState, Side
from tests.support.copy_house import copy_house, join, subscribe


@pytest.fixture
def house(world):
    return copy_house(world.north)


# --- Hands


def test_a_copied_ticket_closed_by_hand_ends_its_link(house):
    trade = house.open(house.leader, "1")
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    house.close(house.followers[0], ticket.id)
    (link,) = house.links()
    assert (link.state, link.volume) == (LinkState.CLOSED, 0)
    own = house.open(house.followers[0], "0.3")

    house.close(house.leader, trade, "0.5")
    house.close(house.leader, trade)
    house.drain()
    assert house.story()[1:] == [("REDUCE", "ALREADY_FLAT", 0), ("CLOSE", "ALREADY_FLAT", 0)]
    assert [t.id for t in house.tickets(house.followers[0])] == [own]
    house.prove()


def test_a_copied_ticket_reduced_by_hand_takes_its_links_along(world):
    house = copy_house(world.north, follower_netting=True)
    first, second = house.open(house.leader, "0.3"), house.open(house.leader, "0.1")
    house.drain()
    house.open(house.followers[0], "0.2")  # 0.2 of the 0.6 belong to nobody's copy
    (position,) = house.tickets(house.followers[0])

    house.close(house.followers[0], position.id, "0.2")
    assert [link.volume for link in house.links()] == [D("0.3"), D("0.1")]
    house.close(house.followers[0], position.id, "0.2")  # pro rata 0.15 and 0.05
    assert [link.volume for link in house.links()] == [D("0.15"), D("0.05")]
    house.prove()

    house.close(house.leader, first)
    house.drain()
    assert house.held() == [("BUY", D("0.05"))]
    house.close(house.leader, second)
    house.drain()
    assert house.held() == []
    house.prove()


def test_a_flip_by_hand_ends_the_links_of_the_old_side(world):
    house = copy_house(world.north, follower_netting=True)
    trade = house.open(house.leader, "1")
    house.drain()
    house.open(house.followers[0], "1.5", Side.SELL)
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == [("SELL", D("0.5"))]
    assert house.story()[-1] == ("CLOSE", "ALREADY_FLAT", 0)


def test_the_followers_own_tickets_are_left_alone(house):
    own = house.open(house.followers[0], "0.4")
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade)
    house.drain()
    assert [t.id for t in house.tickets(house.followers[0])] == [own]
    house.prove()


# --- Beginning, resting, ending


def test_entries_before_the_subscription_are_not_copied_nor_their_exits(house):
    before = house.open(house.leader, "1")
    join(house, 1, house.followers[0].group)
    after = house.open(house.leader, "0.5")
    house.drain()
    assert house.held(0) == [("BUY", D(1)), ("BUY", D("0.5"))]
    assert house.story(1) == [("OPEN", "FILLED", D("0.5"))]
    house.close(house.leader, before)
    house.close(house.leader, after)
    house.drain()
    assert house.story(1)[1:] == [("CLOSE", "FILLED", D("0.5"))]
    house.prove(exact=True)


def test_an_increase_of_a_trade_from_before_is_not_copied(world):
    house = copy_house(world.north, leader_netting=True)
    house.open(house.leader, "1")
    join(house, 1, house.followers[0].group)
    house.open(house.leader, "1")
    house.drain()
    assert house.story(1) == [("INCREASE", "NO_LINK", 0)]


@pytest.mark.parametrize("way", ["ended", "paused", "disabled", "let_go"])
def test_ways_to_stop(house, way):
    trade = house.open(house.leader, "1")
    house.drain()
    subscription = house.subscriptions[0]
    with house.place.scope():
        if way == "ended":
            subscription_end(subscription_id=subscription.id, at=house.at)
        elif way == "let_go":
            subscription_end(subscription_id=subscription.id, open_copies=OpenCopies.LET_GO, at=house.at)
        else:
            status = {"paused": 1, "disabled": 2}[way]
            subscription_update(subscription_id=subscription.id, settings={"status": status}, at=house.at)
    house.open(house.leader, "0.2")
    house.close(house.leader, trade)
    house.drain()
    entries = [] if way in ("ended", "let_go") else [("OPEN", "SUBSCRIPTION_PAUSED", D(0))]
    exits = [] if way == "let_go" else [("CLOSE", "FILLED", D(1))]
    assert house.story()[1:] == entries + exits
    assert house.held() == ([("BUY", D(1))] if way == "let_go" else [])
    assert house.links()[0].state == (LinkState.UNTRACKED if way == "let_go" else LinkState.CLOSED)
    assert house.lags() == [0]
    house.prove()


def test_what_was_made_during_a_pause_is_never_copied_later(house):
    subscription = house.subscriptions[0]
    with house.place.scope():
        subscription_update(subscription_id=subscription.id, settings={"status": 1}, at=house.at)
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        subscription_update(subscription_id=subscription.id, settings={"status": 0}, at=house.at)
    house.close(house.leader, trade, "0.5")
    house.drain()
    assert house.story() == [("OPEN", "SUBSCRIPTION_PAUSED", 0)]
    house.open(house.leader, "0.1")
    house.drain()
    copies = house.orders()
    assert [c.status for c in copies] == ["SKIPPED", "FILLED"]
    assert copies[0].settings_version < copies[1].settings_version


def test_a_new_subscription_of_the_same_pair_leaves_the_old_copies_to_the_old_one(house):
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].id, at=house.at)
    second = subscribe(house, house.leader, house.followers[0], risk_multiplier=D("0.1"))
    house.open(house.leader, "1")
    house.drain()
    assert house.held() == [("BUY", D(1)), ("BUY", D("0.1"))]
    house.close(house.leader, trade)
    house.drain()
    assert house.held() == [("BUY", D("0.1"))]
    assert [link.subscription_id for link in house.links()] == [house.subscriptions[0].id, second.id]
    house.prove(exact=True)


# --- Too late


def test_a_signal_is_too_old_after_31_seconds_but_an_exit_never_is(house):
    first = house.open(house.leader, "1")
    house.drain()
    house.open(house.leader, "0.5")
    house.close(house.leader, first)
    house.wait(31)
    house.drain()
    assert house.story()[1:] == [("OPEN", "SIGNAL_TOO_OLD", 0), ("CLOSE", "FILLED", D(1))]
    assert house.held() == []


def test_what_is_closed_again_before_it_could_be_copied_is_not_sent(house):
    closed = house.open(house.leader, "1")
    house.close(house.leader, closed, "0.5")
    kept = house.open(house.leader, "0.2")
    house.close(house.leader, closed)
    house.close(house.leader, kept, "0.1")
    assert house.drain() == 1
    assert house.story() == [
        ("OPEN", "CLOSED_BEFORE_COPY", 0),
        ("OPEN", "FILLED", D("0.2")),
        ("REDUCE", "FILLED", D("0.1")),
    ]
    house.prove(exact=True)


def test_a_backlog_longer_than_a_turn_is_copied_in_order(house):
    trades = [house.open(house.leader, "0.01") for _number in range(130)]
    for trade in trades[:5]:
        house.close(house.leader, trade)
    # 135 events: the closes are beyond the first hundred, so their entries are sent and closed afterwards
    assert house.drain() == 2
    assert len(house.held()) == 125
    assert house.lags() == [0]
    house.prove(exact=True)


# --- Twice


def test_a_second_drain_does_nothing(house):
    house.open(house.leader, "1")
    assert house.drain() == 1
    assert house.drain() == 0
    assert len(house.orders()) == 1


def test_the_database_refuses_a_second_copy_order_of_the_same_event(house):
    """As if the cursor had been lost: the turn fails as a whole and leaves everything as it was."""
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        LeaderShard.objects.update(cursor=house.leader.event_seq)  # as it was known before the opening
    house.drain()
    with house.place.scope():
        assert LeaderShard.objects.get().cursor == house.leader.event_seq
    assert house.held() == [("BUY", D(1))]
    assert len(house.orders()) == 1
    house.prove(exact=True)


def test_copy_orders_are_unique_by_subscription_and_source(house):
    house.open(house.leader, "1")
    house.drain()
    (copy,) = house.orders()
    copy.pk = None
    with house.place.scope(), pytest.raises(IntegrityError, match="copy_order_once"), transaction.atomic():
        CopyOrder.objects.bulk_create([copy])


# --- Shards


def test_followers_are_dealt_to_shards_with_cursors_of_their_own(world):
    house = copy_house(world.north, followers=61)
    with house.place.scope():
        sizes = [
            CopySubscription.objects.filter(shard=shard).count() for shard in LeaderShard.objects.order_by("number")
        ]
    assert sizes == [50, 11]
    house.open(house.leader, "0.1")
    assert house.drain() == 2
    assert house.outcomes() == {("OPEN", "FILLED", ""): 61}
    assert house.lags() == [0, 0]
    house.prove(exact=True)


def test_leader_without_followers_moves_on(world):
    house = copy_house(world.north)
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].id, at=house.at)
    house.open(house.leader, "1")
    assert house.drain() == 1
    assert house.lags() == [0]
    assert house.orders() == []
