"""R120: what lost one of its trades is put right; X11: the sync light says so, and since when."""

import json

import pytest

from copytrade.engine.commands import commands_drain
from copytrade.engine.drain import leader_drain
from copytrade.engine.reconcile import reconcile
from copytrade.models import LeaderShard, SyncLight, TradeLink
from copytrade.models_commands import CopyCommand
from copytrade.services.subscriptions import subscription_update
from core.states import LinkState, TradeState
from infra.push import held
from tests.support.copy_house import copy_house
from trading.models import Instrument, Trade


@pytest.fixture
def house(world):
    return copy_house(world.north)


def compare(house):
    """One pass; gives how many links were wrong and the frames of the lights."""
    with held() as frames:
        found = reconcile(tenant_id=house.place.id, at=house.at)
    return found, [json.loads(frame.text) for frame in frames if frame.event == "sync"]


def obey(house):
    return commands_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)


def lights(house):
    with house.place.scope():
        found = SyncLight.objects.order_by("symbol").values_list("symbol", "expected", "held", "state", "why", "since")
        return [(symbol, float(e), float(h), state, why, since) for symbol, e, h, state, why, since in found]


def lose_event(house):
    """The cursor passes what the leader did, as if the drain had gone wrong."""
    with house.place.scope():
        house.leader.refresh_from_db()
        LeaderShard.objects.update(cursor=house.leader.event_seq)


def test_r120_nothing_is_done_where_everything_is_right(house):
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade, "0.4")
    assert compare(house)[0] == 0
    house.drain()
    assert compare(house)[0] == 0
    with house.place.scope():
        assert not CopyCommand.objects.exists()
    assert house.held()[0][1] == house.links()[0].volume


def test_r120_what_the_leader_does_not_hold_any_more_is_closed(house):
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade)
    assert compare(house)[0] == 0  # the event is still to be copied
    lose_event(house)
    assert compare(house)[0] == 1
    assert compare(house)[0] == 0  # asked for once
    assert obey(house) == 1
    assert house.held() == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    house.prove(exact=True)


def test_under_open_only_it_is_let_go(house):
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        subscription_update(subscription_id=house.subscriptions[0].id, settings={"copy_mode": 1}, at=house.at)
    house.close(house.leader, trade)
    lose_event(house)
    assert compare(house)[0] == 1
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED]
    assert len(house.held()) == 1


def test_r120_a_link_without_its_ticket_ends(house):
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        Trade.objects.filter(account=house.followers[0]).update(state=TradeState.DELETED)
    assert compare(house)[0] == 1
    assert [(link.state, link.volume) for link in house.links()] == [(LinkState.CLOSED, 0)]
    assert compare(house)[0] == 0


def test_an_exit_that_is_tried_again_is_left_to_its_tries(house):
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        Instrument.objects.update(stale_quote_seconds=60)
    house.close(house.leader, trade)
    house.wait(61)
    house.drain()
    assert compare(house)[0] == 0
    house.wait(7 * 86400)
    obey(house)
    assert compare(house)[0] == 0  # given up: that was told, and is a person's business
    assert lights(house)[0][3:5] == ("OUT_OF_SYNC", "DIFFERENT_VOLUME")


def test_x11_the_light_and_what_is_told(house):
    trade = house.open(house.leader, "1")
    house.drain()
    login = house.followers[0].login
    _found, told = compare(house)
    (row,) = told
    since = row.pop("since")
    assert row == {
        "login": login, "symbol": "EURUSD", "expected": 100, "held": 100, "state": "IN_SYNC", "why": "",
    }  # fmt: skip
    assert compare(house)[1] == []
    house.wait(5)
    house.close(house.leader, trade, "0.5")
    _found, (late,) = compare(house)
    assert (late["state"], late["why"], late["since"]) == ("LATE", "EVENTS_WAITING", since + 5)
    house.drain()
    with house.place.scope():
        subscription_update(subscription_id=house.subscriptions[0].id, settings={"status": 1}, at=house.at)
    _found, (resting,) = compare(house)
    assert (resting["state"], resting["expected"], resting["held"]) == ("RESTING", 50, 50)
    with house.place.scope():
        Instrument.objects.update(stale_quote_seconds=60)
    house.close(house.leader, trade)
    house.wait(61)
    house.drain()
    _found, (failing,) = compare(house)
    assert (failing["state"], failing["why"]) == ("LATE", "RET_TRADE_OFFQUOTES")
    assert (failing["expected"], failing["held"]) == (0, 50)
    house.wait(1)
    house.quote("EURUSD", "1.1000", "1.1002")
    assert obey(house) == 1
    _found, (gone,) = compare(house)
    assert (gone["state"], gone["expected"], gone["held"]) == ("IN_SYNC", 0, 0)
    assert lights(house) == []


def test_x11_a_difference_that_nobody_works_on_is_out_of_sync(house):
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        Trade.objects.filter(account=house.followers[0]).update(volume="0.5")
    compare(house)
    assert lights(house)[0][:5] == ("EURUSD", 1.0, 0.5, "OUT_OF_SYNC", "DIFFERENT_VOLUME")


def test_x11_the_links_of_one_ticket_are_counted_together(world):
    house = copy_house(world.north, follower_netting=True)
    house.open(house.leader, "1")
    house.open(house.leader, "1")
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    assert ticket.volume == sum(link.volume for link in house.links()) == 2
    compare(house)
    assert lights(house)[0][1:5] == (2.0, 2.0, "IN_SYNC", "")
    with house.place.scope():
        Trade.objects.filter(pk=ticket.pk).update(volume="1.5")
    compare(house)
    assert lights(house)[0][1:5] == (2.0, 1.5, "OUT_OF_SYNC", "DIFFERENT_VOLUME")
    with house.place.scope():
        Trade.objects.filter(pk=ticket.pk).update(volume="0.4")  # less than one of them alone
    compare(house)
    assert lights(house)[0][1:5] == (2.0, 0.4, "OUT_OF_SYNC", "DIFFERENT_VOLUME")


def test_x11_by_rest(house, world, api):
    house.open(house.leader, "0.3")
    house.drain()
    bob = api(world.north.person("bob"), host=world.north.domain)
    (row,) = bob.get("/copytrade/sync").rows()
    assert {key: row[key] for key in ("login", "symbol", "expected", "held", "state", "why")} == {
        "login": house.followers[0].login, "symbol": "EURUSD", "expected": 30, "held": 30, "state": "IN_SYNC", "why": "",
    }  # fmt: skip
    assert api(world.north.person("alice"), host=world.north.domain).get("/copytrade/sync").rows() == []


def test_tenants_are_compared_each_on_its_own(world):
    houses = [copy_house(world.north), copy_house(world.south)]
    for house in houses:
        trade = house.open(house.leader, "1")
        house.drain()
        house.close(house.leader, trade)
        lose_event(house)
    assert compare(houses[0])[0] == 1
    with houses[1].place.scope():
        assert TradeLink.objects.filter(state=LinkState.ACTIVE).count() == 1
        assert not CopyCommand.objects.exists()
    assert leader_drain(tenant_id=world.south.id, leader_id=houses[1].leader.id, clock=lambda: houses[1].at) == 0
