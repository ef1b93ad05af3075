"""The copy panel by REST: close and untrack a copied position, and the exits that are owed."""

from datetime import timedelta

import pytest

from accounts.services import product_config_update
from copytrade.engine.commands import commands_drain
from copytrade.models_commands import CopyCommand
from copytrade.services.modules import module_check
from core.clock import unix
from core.states import LinkState
from infra.api import views
from infra.push import held
from tests.support.copy_house import copy_house
from trading.models import Instrument


@pytest.fixture
def house(world):
    made = copy_house(world.north)
    made.trade = made.open(made.leader, "1")
    made.drain()
    return made


@pytest.fixture
def bob(world, api):
    return api(world.north.person("bob"), host=world.north.domain)


@pytest.fixture
def alice(world, api):
    return api(world.north.person("alice"), host=world.north.domain)


def ticket(house):
    (found,) = house.tickets(house.followers[0])
    return found.id


def obey(house):
    return commands_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)


def test_r045_a_copied_position_is_closed(house, bob):
    number = ticket(house)
    answer = bob.post(f"/copytrade/positions/{number}/close", {})
    assert (answer.status, answer.json) == (200, {"order": number, "symbol": "EURUSD", "volume": 100})
    with house.place.scope():
        house.at = CopyCommand.objects.get().due_at
    house.quote("EURUSD", "1.1000", "1.1002")
    assert obey(house) == 1
    assert house.held() == []
    assert bob.post(f"/copytrade/positions/{number}/close", {}).status == 404
    house.prove(exact=True)


def test_r046_a_copied_position_is_untracked(house, bob):
    number = ticket(house)
    answer = bob.post(f"/copytrade/positions/{number}/untrack", {})
    assert (answer.status, answer.json) == (200, {"order": number, "symbol": "EURUSD", "volume": 100})
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED]
    house.close(house.leader, house.trade)
    house.drain()
    assert len(house.held()) == 1
    assert bob.post(f"/copytrade/positions/{number}/untrack", {}).status == 404


@pytest.mark.parametrize("what", ["close", "untrack"])
def test_positions_of_others_are_not_touched(house, alice, api, what):
    number = ticket(house)
    refused = alice.post(f"/copytrade/positions/{number}/{what}", {})
    assert (refused.status, refused.error) == (403, "PERMISSION_DENIED")
    assert api(host=house.place.domain).post(f"/copytrade/positions/{number}/{what}", {}).status == 401
    assert alice.post(f"/copytrade/positions/999999999/{what}", {}).status == 404
    assert [link.state for link in house.links()] == [LinkState.ACTIVE]


def test_closing_is_never_refused_for_the_module(house, bob):
    before = list(views._module_checks)
    views.set_module_check(module_check)
    with house.place.scope():
        product_config_update(copy_trading=False)
    try:
        assert bob.get("/copytrade/failed-exits").status == 403
        assert bob.post(f"/copytrade/positions/{ticket(house)}/close", {}).status == 200
    finally:
        views._module_checks[:] = before


def test_r068_failed_exits_are_shown_and_told(house, alice, bob):
    with house.place.scope():
        Instrument.objects.update(stale_quote_seconds=60)
    house.close(house.leader, house.trade)
    house.wait(61)
    with held() as frames:
        house.drain()
    answer = bob.get("/copytrade/failed-exits")
    (row,) = answer.rows()
    assert row.pop("id") > 0
    assert row == {
        "login": house.followers[0].login,
        "symbol": "EURUSD",
        "volume": 100,
        "attempts": 1,
        "next_attempt_time": unix(house.at) + 1,
        "expires_time": unix(house.at + timedelta(days=7)),
        "last_error": "RET_TRADE_OFFQUOTES",
        "state": "OPEN",
    }
    told = [frame for frame in frames if frame.event == "failed_exit"]
    assert [(frame.login, '"last_error":"RET_TRADE_OFFQUOTES"' in frame.text) for frame in told] == [
        (house.followers[0].login, True)
    ]
    assert alice.get("/copytrade/failed-exits").rows() == []
