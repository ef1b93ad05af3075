"""D11, R070, X11: what is done where copying stays wrong: alerts, and the measures that the tenant has chosen."""

import json
from decimal import Decimal as D

import pytest

from accounts.services import product_config_update
from copytrade.engine.commands import commands_drain
from copytrade.engine.reconcile import reconcile
from copytrade.models import FailedExit, SyncLight
from copytrade.services.measures import measures_take
from core.states import LinkState, TradeState
from infra.push import held
from tests.support.copy_house import copy_house, join
from trading.models import Instrument, Trade


@pytest.fixture
def house(world):
    return copy_house(world.north)


def obey(house):
    return commands_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)


def watch(house):
    """One pass of the watch; how many cases it met, and the notifications."""
    with held() as frames:
        reconcile(tenant_id=house.place.id, at=house.at)
        met = measures_take(tenant_id=house.place.id, at=house.at)
    return met, notices(frames)


def notices(frames):
    return [(frame.customer_id, frame.login, json.loads(frame.text)) for frame in frames if frame.kind == "notice"]


def tenant_sets(house, **values):
    with house.place.scope():
        product_config_update(**values)


def failed_exit(house):
    """The leader closes while there is no usable quote; gives the notifications of the turn."""
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade)
    with house.place.scope():
        Instrument.objects.filter(symbol="EURUSD").update(stale_quote_seconds=5)
    house.wait(10)
    with held() as frames:
        house.drain()
    return notices(frames)


def given_up(house):
    failed_exit(house)
    house.wait(7 * 86400)
    assert obey(house) == 1


def test_d11_the_customer_is_told_at_the_first_failure_and_not_at_every_try(house):
    ((customer, login, frame),) = failed_exit(house)
    bob = house.place.person("bob")
    assert (customer, login) == (bob.id, house.followers[0].login)
    kind, message, description, token, status, level, user, time, data = frame
    assert (kind, token, status, level, user) == ("n", "FAILED_EXIT", 0, 1, bob.id)
    assert message == "An exit could not be made"
    assert f"Account {login} still holds 1 lots of EURUSD" in description
    assert "Reason: There was no price" in description
    assert time == int(house.at.timestamp())
    assert (data["login"], data["symbol"], data["lots"], data["code"]) == (login, "EURUSD", 1, "RET_TRADE_OFFQUOTES")
    house.wait(1)
    with held() as frames:
        assert obey(house) == 1
    assert notices(frames) == []
    assert [json.loads(f.text)["attempts"] for f in frames if f.event == "failed_exit"] == [2]


def test_r070_an_exit_that_was_given_up_is_told_once_and_left_alone(house):
    given_up(house)
    met, told = watch(house)
    assert (met, [frame[3] for _customer, _login, frame in told]) == (1, ["EXIT_GIVEN_UP"])
    assert watch(house) == (0, [])
    assert obey(house) == 0
    assert house.held() == [("BUY", D(1))]


def test_d11_flatten_closes_all_that_is_copied_in_the_contract_and_nothing_by_hand(house):
    tenant_sets(house, copy_failed_exit_action="FLATTEN")
    given_up(house)
    house.quote("EURUSD", "1.1000", "1.1002")
    house.quote("XAUUSD", "2000.00", "2000.50")
    own = house.open(house.followers[0], "0.3")
    house.open(house.leader, "0.2", symbol="XAUUSD")
    house.drain()
    assert watch(house)[0] == 1
    assert obey(house) == 1
    assert [(t.symbol, t.volume) for t in house.tickets(house.followers[0]) if t.id != own] == [("XAUUSD", D("0.2"))]
    assert watch(house) == (0, [])
    house.prove()


def test_a_flatten_that_fails_is_tried_again_for_as_long(house):
    tenant_sets(house, copy_failed_exit_action="FLATTEN")
    given_up(house)
    assert watch(house)[0] == 1
    assert obey(house) == 1
    with house.place.scope():
        states = list(FailedExit.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["EXPIRED", "OPEN"]
    house.quote("EURUSD", "1.1000", "1.1002")
    house.wait(1)
    assert obey(house) == 1
    assert house.held() == []
    house.prove(exact=True)


# --- Out of sync


def diverge(house):
    """The follower's ticket holds less than its link owns, which nothing but a mistake can bring about."""
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        Trade.objects.filter(account=house.followers[0], state=TradeState.OPEN).update(volume=D("0.6"))
    assert watch(house) == (0, [])


def light(house):
    with house.place.scope():
        return SyncLight.objects.filter(follower=house.followers[0]).values_list("state", flat=True).first()


def test_x11_out_of_sync_alerts_after_the_set_time_and_once(house):
    diverge(house)
    house.wait(59)
    assert watch(house) == (0, [])
    house.wait(1)
    met, told = watch(house)
    ((_customer, login, frame),) = told
    assert (met, frame[3], frame[5]) == (1, "OUT_OF_SYNC", 2)
    assert f"Account {login} should hold 1 lots of EURUSD because of copying and holds 0.6." in frame[2]
    assert watch(house) == (0, [])
    assert light(house) == "OUT_OF_SYNC"
    assert house.held() == [("BUY", D("0.6"))]


def test_x11_the_time_is_the_tenants(house):
    tenant_sets(house, copy_out_of_sync_seconds=5)
    diverge(house)
    house.wait(5)
    assert watch(house)[0] == 1


def test_x11_reduce_brings_links_down_to_what_is_held_and_opens_nothing(house):
    tenant_sets(house, copy_out_of_sync_action="REDUCE")
    diverge(house)
    house.wait(60)
    assert watch(house)[0] == 1
    assert obey(house) == 0
    assert [link.volume for link in house.links()] == [D("0.6")]
    watch(house)
    assert light(house) == "IN_SYNC"
    (ticket,) = house.tickets(house.leader)
    house.close(house.leader, ticket.id)
    house.drain()
    assert house.held() == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]


def test_x11_flatten_closes_all_that_is_copied_there(house):
    tenant_sets(house, copy_out_of_sync_action="FLATTEN")
    join(house, 1, house.followers[0].group)
    diverge(house)
    house.wait(60)
    assert watch(house)[0] == 1
    assert obey(house) == 1
    assert house.held(0) == []
    assert house.held(1) == [("BUY", D(1))]


def test_x11_a_new_difference_is_met_anew(house):
    tenant_sets(house, copy_out_of_sync_action="REDUCE")
    diverge(house)
    house.wait(60)
    assert watch(house)[0] == 1
    watch(house)
    with house.place.scope():
        Trade.objects.filter(account=house.followers[0], state=TradeState.OPEN).update(volume=D("0.2"))
    assert watch(house) == (0, [])
    house.wait(60)
    assert watch(house)[0] == 1
    assert [link.volume for link in house.links()] == [D("0.2")]


def test_x11_the_heartbeat_of_each_leader(house, world, api):
    first = house.at
    house.open(house.leader, "1")
    bob = api(world.north.person("bob"), host=world.north.domain)
    beat = {"login": house.leader.login, "last_event_time": int(first.timestamp()), "waiting": 1}
    (before,) = bob.get("/copytrade/sync").json["leaders"]
    assert {name: before[name] for name in beat} == beat
    house.drain()
    house.wait(30)
    house.open(house.leader, "1")
    (behind,) = bob.get("/copytrade/sync").json["leaders"]
    assert behind == {
        "login": house.leader.login,
        "last_event_time": int(house.at.timestamp()),
        "handled_event_time": int(first.timestamp()),
        "waiting": 1,
    }
    house.drain()
    alice = api(world.north.person("alice"), host=world.north.domain)
    (level,) = alice.get("/copytrade/sync").json["leaders"]
    assert (level["handled_event_time"], level["waiting"]) == (int(house.at.timestamp()), 0)
    assert api(world.charlie).get("/copytrade/sync").json["leaders"] == []
