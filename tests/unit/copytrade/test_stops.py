"""The follower's stops from the leader's: the table of docs/algorithms/stops.md, and what a change of stops means."""

from decimal import Decimal as D

import pytest

from copytrade.domain.codes import SkipReason as R
from copytrade.domain.guards import Skip
from copytrade.domain.planner import StopsPlan, plan_stops
from copytrade.domain.stops import Stops, follower_stops, same_market
from core.states import EventKind, LinkState, Side
from tests.support.copies import EURUSD, book, event, link, terms
from tests.support.house import spec

MODIFY = event(EventKind.MODIFY, before="1", after="1", sl=D("1.09"), tp=D("1.12"))
ES = spec("ES", id=900, family="ES", tick_size=D("0.25"))
QUARTERS = spec("EURUSD", id=901, family="EUR", tick_size=D("0.0025"))
EUR = spec("EURUSD", id=902, family="EUR")


def stops(
    leader, follower, *, side=Side.BUY, fill="1.1002", sl="1.09", tp="1.12", price="1.1002", kept=None, **settings
):
    made = follower_stops(
        event(EventKind.MODIFY, sl=D(sl), tp=D(tp), price=D(price)),
        terms(**settings),
        leader=leader,
        spec=follower,
        side=side,
        fill=D(fill),
        kept=kept or Stops(),
    )
    return made.sl, made.tp


def test_the_same_contract_gets_the_same_prices():
    assert stops(EURUSD, EURUSD) == stops(None, EURUSD) == (D("1.09"), D("1.12"))


def test_no_stop_stays_none():
    assert stops(EURUSD, EURUSD, sl="0") == (0, D("1.12"))
    assert stops(EURUSD, EURUSD, sl="0", tp="0", kept=Stops(D("1.08"), D("1.13"))) == (0, 0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"copy_sl": False}, ("1.08", "1.12")),
        ({"copy_tp": False}, ("1.09", "1.13")),
        ({"reverse_direction": True}, ("1.12", "1.09")),
        ({"reverse_direction": True, "copy_sl": False}, ("1.08", "1.09")),
        ({"reverse_direction": True, "copy_tp": False}, ("1.12", "1.13")),
    ],
)
def test_the_flags_name_the_followers_side(settings, expected):
    side = Side.SELL if "reverse_direction" in settings else Side.BUY
    kept = Stops(D("1.08"), D("1.13"))
    assert stops(EURUSD, EURUSD, side=side, kept=kept, **settings) == tuple(D(price) for price in expected)


@pytest.mark.parametrize(
    ("side", "sl", "tp", "expected"),
    [
        (Side.BUY, "1.0910", "1.1210", ("1.0900", "1.1225")),
        (Side.SELL, "1.1210", "1.0910", ("1.1225", "1.0900")),
        (Side.BUY, "1.0900", "1.1225", ("1.0900", "1.1225")),  # on the tick: as it is
    ],
)
def test_within_a_family_prices_are_rounded_away_from_the_market(side, sl, tp, expected):
    assert stops(EUR, QUARTERS, side=side, sl=sl, tp=tp) == tuple(D(price) for price in expected)


def test_another_contract_gets_the_same_relative_distance_from_its_own_fill():
    # 1 % below and 2 % above 1.10; the copy was filled at 5000.25: 4950.2475 and 5100.255
    assert stops(EURUSD, ES, fill="5000.25", price="1.1", sl="1.089", tp="1.122") == (D("4950"), D("5100.5"))


def test_a_stop_never_vanishes_by_rounding():
    assert stops(EUR, QUARTERS, sl="0.0001") == (D("0.0025"), D("1.12"))


def test_contracts_without_a_family_are_no_family():
    assert not same_market(spec("EURUSD", id=1, family=""), spec("EURUSD", id=2, family=""))
    assert same_market(EUR, QUARTERS)


# --- What a change means


def test_a_change_goes_to_every_linked_ticket_whatever_the_state():
    hostile = terms(
        ended=True, enabled=False, status=2, module_on=False, master_active=False, follower_enabled=False,
        max_signal_age_seconds=1, symbols_mode=1, role_is_follower=False, entries_from_seq=999, copy_mode=2,
    )  # fmt: skip
    first, second = link("0.7"), link("0.2", 2)
    assert plan_stops(MODIFY, hostile, book(first, second)) == StopsPlan([first, second])


def test_one_flag_is_enough_and_none_is_told():
    assert plan_stops(MODIFY, terms(copy_sl=False), book(link("1"))) != Skip(R.STOPS_NOT_COPIED, {})
    assert plan_stops(MODIFY, terms(copy_sl=False, copy_tp=False), book(link("1"))) == Skip(R.STOPS_NOT_COPIED, {})


def test_open_only_leaves_the_stops_alone():
    assert plan_stops(MODIFY, terms(copy_mode=1), book(link("1"))) == Skip(R.COPY_MODE, {})


def test_without_a_link_it_depends_on_what_was():
    links = book()
    assert plan_stops(MODIFY, terms(), links) is None
    links.add_ended(3, 500, LinkState.UNTRACKED)
    assert plan_stops(MODIFY, terms(), links) is None
    links.add_ended(3, 500, LinkState.CLOSED)
    assert plan_stops(MODIFY, terms(), links) == Skip(R.ALREADY_FLAT, {})
