"""D19: the follower's stop, from the stored limit to the refused entry and the paused subscription."""

import json
from datetime import timedelta
from decimal import Decimal as D

import pytest

from copytrade import ports, tasks
from copytrade.engine.commands import commands_drain
from copytrade.models import CopySubscription, SubscriptionMarks, SubscriptionStatus
from copytrade.services.follower_stops import follower_stops_check
from copytrade.services.subscriptions import subscription_end, subscription_update
from core import clock
from core.states import LinkState
from tests.support.copy_house import copy_house, join, subscribe
from trading.models import Quote

CLOSE_ALL = 1


def check(house):
    return follower_stops_check(tenant_id=house.place.id, at=house.at)


def marks(house, number=0):
    with house.place.scope():
        found = SubscriptionMarks.objects.get(subscription_id=house.subscriptions[number].pk)
        return found.start_equity, found.peak_equity


def subscription(house, number=0):
    with house.place.scope():
        return CopySubscription.objects.get(pk=house.subscriptions[number].pk)


def change(house, **settings):
    with house.place.scope():
        return subscription_update(subscription_id=house.subscriptions[0].pk, settings=settings, at=house.at)


def to(house, bid, ask):
    house.wait(1)
    house.quote("EURUSD", bid, ask)


def test_a_subscription_begins_where_its_followers_equity_is(world):
    house = copy_house(world.north)
    assert marks(house) == (D(10000), D(10000))
    house.open(house.followers[0], "1")
    to(house, "1.0902", "1.0904")  # 1,000 lost on 1.1002
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, at=house.at)
    house.subscriptions.append(subscribe(house, house.leader, house.followers[0]))
    assert marks(house, 1) == (D(9000), D(9000))


def test_payments_are_neither_profit_nor_loss(world):
    house = copy_house(world.north, max_loss=D(500), stop_action=CLOSE_ALL)
    house.place.deposit(house.followers[0], 5000, at=house.at)
    assert marks(house) == (D(15000), D(15000))
    house.place.deposit(house.followers[0], -9000, at=house.at)
    assert marks(house) == (D(6000), D(6000))
    house.place.deposit(house.leader, -9000, at=house.at)
    assert marks(house) == (D(6000), D(6000))
    assert check(house) == 0


def test_peaks_are_noted_and_never_fall(world):
    house = copy_house(world.north, max_drawdown_percent=D(20))
    house.open(house.followers[0], "1")
    to(house, "1.1202", "1.1204")
    check(house)
    assert marks(house) == (D(10000), D(12000))
    to(house, "1.1102", "1.1104")
    check(house)
    assert marks(house) == (D(10000), D(12000))


def test_close_all_pauses_when_the_limit_is_reached(world):
    house = copy_house(world.north, max_loss=D(1000), stop_action=CLOSE_ALL)
    join(house, 1, house.followers[0].group, max_loss=D(1000))
    join(house, 1, house.followers[0].group, max_loss=D(1001), stop_action=CLOSE_ALL)
    for account in house.followers:
        house.open(account, "1")
    to(house, "1.0903", "1.0905")
    assert check(house) == 0
    to(house, "1.0902", "1.0904")
    assert check(house) == 1
    stopped = subscription(house)
    assert (stopped.status, stopped.pause_reason, stopped.version) == (SubscriptionStatus.PAUSED, "FOLLOWER_STOP", 2)
    for number in (1, 2):
        assert (subscription(house, number).status, subscription(house, number).version) == (0, 1)
    assert check(house) == 0


def test_close_all_closes_the_copies_and_nothing_else(world):
    house = copy_house(world.north, max_loss=D(1000), stop_action=CLOSE_ALL)
    house.open(house.leader, "0.5")
    house.drain()
    own = house.open(house.followers[0], "0.6")
    to(house, "1.0902", "1.0904")
    assert check(house) == 1
    house.drain()
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)
    assert [t.id for t in house.tickets(house.followers[0])] == [own]
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    house.open(house.leader, "0.5")
    house.drain()
    assert house.story()[-1] == ("OPEN", "SUBSCRIPTION_PAUSED", 0)
    house.prove()


def test_whoever_resumes_is_measured_anew(world):
    house = copy_house(world.north, max_loss=D(1000), stop_action=CLOSE_ALL)
    house.open(house.followers[0], "1")
    to(house, "1.0902", "1.0904")
    assert check(house) == 1
    assert change(house, status=0).pause_reason == ""
    assert marks(house) == (D(9000), D(9000))
    assert check(house) == 0
    # a pause of the customer's own leaves the marks alone
    to(house, "1.0802", "1.0804")
    change(house, status=1)
    change(house, status=0)
    assert marks(house) == (D(9000), D(9000))
    assert check(house) == 1


@pytest.mark.parametrize("rest", [{"status": 1}, {"status": 2}, {"enabled": False}])
def test_what_rests_is_not_stopped(world, rest):
    house = copy_house(world.north, max_loss=D(1000), stop_action=CLOSE_ALL)
    change(house, **rest)
    house.open(house.followers[0], "1")
    to(house, "1.0902", "1.0904")
    assert check(house) == 0
    assert subscription(house).pause_reason != "FOLLOWER_STOP"


def test_an_account_that_cannot_be_priced_is_left_alone(world):
    house = copy_house(world.north, max_loss=D(1), max_drawdown_percent=D(1), stop_action=CLOSE_ALL)
    house.open(house.followers[0], "1")
    with house.place.scope():
        Quote.objects.all().delete()
    assert check(house) == 0
    assert marks(house) == (D(10000), D(10000))


def test_the_task_watches_every_live_tenant(world, monkeypatch):
    house = copy_house(world.north, max_loss=D(1000), stop_action=CLOSE_ALL)
    house.open(house.followers[0], "1")
    to(house, "1.0902", "1.0904")
    monkeypatch.setattr(clock, "now", lambda: house.at + timedelta(seconds=1))
    tasks.watch()
    assert subscription(house).pause_reason == "FOLLOWER_STOP"


# --- Entries


@pytest.mark.parametrize(
    ("limits", "equities", "outcomes"),
    [
        ({"max_loss": D(1000)}, ("1.0903", "1.0902"), ["FILLED", "FOLLOWER_STOPPED"]),
        ({"max_loss_percent": D(10)}, ("1.0903", "1.0902"), ["FILLED", "FOLLOWER_STOPPED"]),
        ({"max_drawdown_percent": D(10)}, ("1.0903", "1.0902"), ["FILLED", "FOLLOWER_STOPPED"]),
        ({}, ("1.0903", "1.0902"), ["FILLED", "FILLED"]),
    ],
)
def test_an_entry_behind_the_limit_is_refused(world, limits, equities, outcomes):
    house = copy_house(world.north, fixed_volume=D("0.01"), volume_mode=0, max_signal_age_seconds=0, **limits)
    house.open(house.followers[0], "1")
    for bid in equities:
        to(house, bid, f"{D(bid) + D('0.0002')}")
        house.open(house.leader, "0.01")
        house.drain()
        for ticket in house.tickets(house.leader):
            house.close(house.leader, ticket.id)
        house.drain()
    entries = [row for row in house.story() if row[0] == "OPEN"]
    assert [row[1] for row in entries] == outcomes


def test_the_refusal_tells_loss_and_limit_and_ends_with_the_loss(world):
    house = copy_house(world.north, max_loss=D(1000))
    trade = house.open(house.followers[0], "1")
    to(house, "1.0902", "1.0904")
    house.open(house.leader, "0.01")
    house.drain()
    (order,) = house.orders()
    assert (order.reason, json.loads(order.params)) == ("FOLLOWER_STOPPED", {"loss": "1000", "limit": "1000"})
    assert subscription(house).status == SubscriptionStatus.ACTIVE
    to(house, "1.1002", "1.1004")
    house.close(house.followers[0], trade)
    house.open(house.leader, "0.02")
    house.drain()
    assert house.story()[-1] == ("OPEN", "FILLED", D("0.02"))


def test_a_peak_within_the_turn_needs_no_note(world):
    house = copy_house(world.north, max_drawdown_percent=D(5))
    house.open(house.followers[0], "1")
    to(house, "1.1202", "1.1204")
    house.open(house.leader, "0.01")
    house.drain()
    assert house.story() == [("OPEN", "FILLED", D("0.01"))]


def test_a_disabled_account_enters_nothing(world):
    house = copy_house(world.north)
    with house.place.scope():
        house.followers[0].enabled = False
        house.followers[0].save(update_fields=["enabled"])
    house.open(house.leader, "0.01")
    house.drain()
    assert house.story() == [("OPEN", "ACCOUNT_LOCKED", 0)]


def test_a_risk_rule_of_the_account_refuses_an_entry(world):
    house = copy_house(world.north)
    join(house, 1, house.followers[0].group)
    first = house.followers[0].pk
    ports.entry_risks.append(lambda account, _market, spec, side: "MAX_LOTS" if account.id == first else "")
    try:
        house.open(house.leader, "0.01")
        house.drain()
    finally:
        ports.entry_risks.pop()
    assert [house.story(n)[0][1] for n in (0, 1)] == ["RISK_LIMIT", "FILLED"]
    assert json.loads(house.orders()[0].params) == {"rule": "MAX_LOTS"}
