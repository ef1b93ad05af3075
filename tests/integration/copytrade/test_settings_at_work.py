"""R018, R026, R027, R035, R051, R058 to R062, R104 to R106, R114 to R118, D13, D20, D31: settings in real turns.

The rules have unit tests of their own; here each setting goes from the stored subscription to the follower's account.
"""

from decimal import Decimal as D

import pytest

from accounts.services import product_config_update
from copytrade.models import CopyFollower, CopyMaster, CopyMode, MasterStatus, SymbolsMode, VolumeMode
from copytrade.services.followers import follower_update
from copytrade.services.masters import master_update
from copytrade.services.subscriptions import subscription_update
from core.states import LinkState, Side
from tests.support.api import Api
from tests.support.copy_house import copy_house, decide, join
from tests.support.world import INSTRUMENTS

# --- How much


@pytest.mark.parametrize(
    ("settings", "copied"),
    [
        ({"volume_mode": VolumeMode.FIXED, "fixed_volume": D("0.25")}, "0.25"),
        ({"volume_mode": VolumeMode.MULTIPLIER, "risk_multiplier": D("0.5")}, "0.5"),
        ({"volume_mode": VolumeMode.MULTIPLIER, "risk_multiplier": D("2.0")}, "2"),
        ({"volume_mode": VolumeMode.EQUITY_RATIO}, "0.08"),  # 10,000 / 125,000
        ({"volume_mode": VolumeMode.BALANCE_RATIO}, "0.1"),  # 10,000 / 100,000
    ],
)
def test_each_volume_mode(world, settings, copied):
    house = copy_house(world.north, followers=0)
    house.open(house.leader, "5")
    house.wait(1)
    house.quote("EURUSD", "1.1502", "1.1504")  # the leader has 25,000 of open profit
    join(house, 1, house.leader.group, **settings)
    house.open(house.leader, "1")
    house.drain()
    assert house.story() == [("OPEN", "FILLED", D(copied))]
    house.prove(exact=True)


def test_entries_are_rounded_down_and_exits_up(world):
    house = copy_house(world.north, risk_multiplier=D("0.5"))
    trade = house.open(house.leader, "0.05")
    house.drain()
    house.close(house.leader, trade, "0.01")
    house.drain()
    # 0.025 down, then a fifth of 0.02 up
    assert house.story() == [("OPEN", "FILLED", D("0.02")), ("REDUCE", "FILLED", D("0.01"))]
    house.prove(exact=True)


def test_an_entry_above_the_largest_is_cut_and_one_below_the_smallest_left_out(world):
    house = copy_house(world.north, min_volume=D("0.2"), max_volume=D("0.3"))
    house.open(house.leader, "1")
    house.open(house.leader, "0.1")
    house.drain()
    assert house.story() == [("OPEN", "FILLED", D("0.3")), ("OPEN", "BELOW_MIN_VOLUME", 0)]


def test_no_more_positions_than_allowed(world):
    house = copy_house(world.north, max_positions=1)
    first = house.open(house.leader, "0.1")
    house.open(house.leader, "0.2")
    house.drain()
    house.close(house.leader, first)
    house.drain()
    house.open(house.leader, "0.3")
    house.drain()
    assert [row[:2] for row in house.story()] == [
        ("OPEN", "FILLED"),
        ("OPEN", "MAX_POSITIONS"),
        ("CLOSE", "FILLED"),
        ("OPEN", "FILLED"),
    ]
    assert house.held() == [("BUY", D("0.3"))]


# --- Whether


@pytest.mark.parametrize(
    ("mode", "symbols", "outcomes"),
    [
        (SymbolsMode.ALL, "", ["FILLED", "FILLED"]),
        (SymbolsMode.INCLUDE, "xau*", ["SYMBOL_FILTERED", "FILLED"]),
        (SymbolsMode.EXCLUDE, "XAUUSD", ["FILLED", "SYMBOL_FILTERED"]),
    ],
)
def test_symbols_are_included_or_excluded(world, mode, symbols, outcomes):
    house = copy_house(world.north, symbols_mode=mode, symbols=symbols)
    house.open(house.leader, "0.1")
    house.open(house.leader, "0.1", symbol="XAUUSD")
    house.drain()
    assert [outcome for _action, outcome, _volume in house.story()] == outcomes


def test_below_the_least_equity_nothing_is_opened(world):
    house = copy_house(world.north, min_equity=D("10000.01"))
    join(house, 1, house.followers[0].group, min_equity=D(10000))
    house.open(house.leader, "0.1")
    house.drain()
    assert [house.story(number)[0][1] for number in (0, 1)] == ["MIN_EQUITY", "FILLED"]


@pytest.mark.parametrize(("tolerance", "outcome"), [(9, "SLIPPAGE_TOLERANCE"), (10, "FILLED"), (0, "FILLED")])
def test_a_price_that_ran_away_is_not_followed(world, tolerance, outcome):
    house = copy_house(world.north, slippage_tolerance=D(tolerance))
    house.open(house.leader, "0.1")
    house.wait(3)
    house.quote("EURUSD", "1.1001", "1.1003")  # ten points
    house.drain()
    assert [row[1] for row in house.story()] == [outcome]


def test_without_a_fresh_price_nothing_is_opened(world):
    house = copy_house(world.north)
    house.place.instrument("GBPUSD", **INSTRUMENTS["EURUSD"], stale_quote_seconds=5)
    house.place.quote("GBPUSD", "1.3000", "1.3002", at=house.at)
    house.open(house.leader, "0.1", symbol="GBPUSD")
    house.wait(6)
    house.drain()
    assert house.story() == [("OPEN", "STALE_QUOTE", 0)]
    assert house.held() == []


def _master_off(house):
    master_id = CopyMaster.objects.get().pk
    master_update(master_id=master_id, settings={"enabled": False}, reward_policy=None, at=house.at)


def _master_paused(house):
    decide(house, MasterStatus.PAUSED)


def _master_inactive(house):
    decide(house, MasterStatus.INACTIVE)


def _follower_off(house):
    follower_update(follower_id=CopyFollower.objects.get().pk, settings={"enabled": False}, at=house.at)


def _module_off(_house):
    product_config_update(copy_trading=False)


def _close_only(house):
    settings = {"copy_mode": CopyMode.CLOSE_ONLY}
    subscription_update(subscription_id=house.subscriptions[0].id, settings=settings, at=house.at)


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        (_master_off, "MASTER_NOT_ACTIVE"),
        (_master_paused, "MASTER_NOT_ACTIVE"),
        (_master_inactive, "MASTER_NOT_ACTIVE"),
        (_follower_off, "FOLLOWER_DISABLED"),
        (_module_off, "MODULE_DISABLED"),
        (_close_only, "COPY_MODE"),
    ],
)
def test_whatever_is_switched_off_holds_back_entries_and_never_exits(world, switch, reason):
    house = copy_house(world.north)
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        switch(house)
    house.open(house.leader, "0.2")
    house.close(house.leader, trade, "0.4")
    house.close(house.leader, trade)
    house.drain()
    assert house.story()[1:] == [
        ("OPEN", reason, 0),
        ("REDUCE", "FILLED", D("0.4")),
        ("CLOSE", "FILLED", D("0.6")),
    ]
    assert house.held() == []
    house.prove()


# --- Exits


def test_open_only_leaves_the_position_and_lets_go_of_it_when_the_leader_is_flat(world):
    house = copy_house(world.north, copy_mode=CopyMode.OPEN_ONLY)
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade, "0.4")
    house.drain()
    assert [link.state for link in house.links()] == [LinkState.ACTIVE]
    house.close(house.leader, trade)
    house.drain()
    assert [row[:2] for row in house.story()][1:] == [("REDUCE", "COPY_MODE"), ("CLOSE", "COPY_MODE")]
    assert house.held() == [("BUY", D(1))]
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED]


def test_exit_with_leader_ignores_parts_and_closes_all_at_the_end(world):
    house = copy_house(world.north, copy_partial_close=False)
    trade = house.open(house.leader, "1")
    house.drain()
    house.close(house.leader, trade, "0.4")
    house.drain()
    assert house.held() == [("BUY", D(1))]
    house.close(house.leader, trade)
    house.drain()
    assert house.story()[1:] == [("REDUCE", "PARTIAL_NOT_COPIED", 0), ("CLOSE", "FILLED", D(1))]
    assert house.held() == []


@pytest.mark.parametrize("netting", [False, True], ids=["hedging", "netting"])
def test_the_leader_closes_five_and_the_follower_that_holds_two_closes_two(world, netting):
    house = copy_house(world.north, leader_netting=netting, follower_netting=netting)
    trade = house.open(house.leader, "5")
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    house.close(house.followers[0], copy.id, "3")
    house.close(house.leader, trade)
    house.drain()
    assert house.story()[1:] == [("CLOSE", "FILLED", D(2))]
    assert house.held() == []
    house.prove(exact=True)


@pytest.mark.parametrize("netting", [False, True], ids=["hedging", "netting"])
def test_a_copy_that_was_closed_by_hand_stays_closed_until_the_leader_opens_anew(world, netting):
    house = copy_house(world.north, leader_netting=True, follower_netting=netting)
    house.open(house.leader, "1")
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    house.close(house.followers[0], copy.id)
    trade = house.open(house.leader, "1")
    house.close(house.leader, trade, "0.5")
    house.drain()
    assert house.story()[1:] == [("INCREASE", "NO_LINK", 0), ("REDUCE", "ALREADY_FLAT", 0)]
    assert house.held() == []
    house.open(house.leader, "2", Side.SELL)  # through zero: the closing half finds nothing, the opening half is new
    house.drain()
    assert house.story()[3:] == [("CLOSE", "ALREADY_FLAT", 0), ("OPEN", "FILLED", D("0.5"))]
    assert house.held() == [("SELL", D("0.5"))]
    house.prove(exact=True)


# --- Stops


@pytest.mark.parametrize(
    ("settings", "sl", "tp"),
    [
        ({}, "1.09", "1.12"),
        ({"copy_sl": False}, "0", "1.12"),
        ({"copy_tp": False}, "1.09", "0"),
    ],
)
def test_stops_of_the_entry_are_copied_as_wanted(world, settings, sl, tp):
    house = copy_house(world.north, **settings)
    house.open(house.leader, "0.1", sl=D("1.09"), tp=D("1.12"))
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    assert (copy.sl, copy.tp) == (D(sl), D(tp))


def test_an_entry_whose_stop_was_passed_is_never_opened_unprotected(world):
    house = copy_house(world.north, reverse_direction=True)
    house.open(house.leader, "1", tp=D("1.1010"))
    house.wait(1)
    house.quote("EURUSD", "1.1005", "1.1012")  # a wide spread: over the reversed copy's stop, below the leader's target
    house.drain()
    assert house.story() == [("OPEN", "RET_TRADE_BAD_STOPS", D(1))]
    assert house.held() == []


# --- What is shown


def test_only_copies_are_shown_and_the_last_25_of_them(world):
    house = copy_house(world.north)
    trades = [house.open(house.leader, "0.01") for _number in range(26)]
    kept = house.open(house.leader, "0.02")
    house.open(house.followers[0], "0.4")
    own = house.open(house.followers[0], "0.4")
    house.close(house.followers[0], own)
    house.drain()
    for trade in trades:
        house.close(house.leader, trade)
    house.drain()
    bob = Api(token=house.place.person("bob").token, host=house.place.domain)
    (position,) = bob.get("/copytrade/positions").rows()
    (link,) = [link for link in house.links() if link.state == LinkState.ACTIVE]
    assert (link.leader_trade_id, position["order"]) == (kept, link.follower_trade_id)
    closed, orders = bob.get("/copytrade/copied-trades"), bob.get("/copytrade/orders")
    assert (len(closed.rows()), closed["count"]) == (25, 26)
    assert (len(orders.rows()), orders["count"]) == (25, 53)
    assert {row["volume"] for row in closed.rows()} == {1}


# --- Stops on a shared netting position (D31)


def test_stops_are_copied_only_while_the_whole_position_is_one_copy(world):
    house = copy_house(world.north, follower_netting=True)
    house.open(house.leader, "0.3", sl=D("1.09"), tp=D("1.2"))
    house.drain()
    (position,) = house.tickets(house.followers[0])
    assert (position.sl, position.tp) == (D("1.09"), D("1.2"))
    house.open(house.leader, "0.2", sl=D("1.05"))
    house.drain()
    (position,) = house.tickets(house.followers[0])
    assert (position.volume, position.sl, position.tp) == (D("0.5"), D("1.09"), D("1.2"))
    assert [link.volume for link in house.links()] == [D("0.3"), D("0.2")]


def test_an_increase_of_a_copied_position_adds_to_its_link(world):
    house = copy_house(world.north, leader_netting=True, follower_netting=True)
    house.open(house.leader, "0.3")
    house.drain()
    house.open(house.leader, "0.2")
    house.drain()
    (link,) = house.links()
    assert (link.volume, link.opened_volume) == (D("0.5"), D("0.5"))
    house.prove(exact=True)
