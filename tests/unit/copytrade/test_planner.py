"""What one event means for one subscription."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal as D

import pytest

from copytrade.domain.codes import SkipReason as R
from copytrade.domain.fair import fair_place
from copytrade.domain.guards import Skip
from copytrade.domain.planner import EntryPlan, ExitPlan, Release, is_entry_for, plan_entry, plan_exit
from core.states import EventKind, LinkState, Side
from tests.support.copies import EURUSD, book, entry, event, link, terms

CLOSE = event(EventKind.CLOSE, before="1", after="0")
REDUCE = event(EventKind.REDUCE, before="1", after="0.5")


def test_an_entry_becomes_an_order_with_the_leaders_stops():
    leader = event(sl=D("1.09"), tp=D("1.12"))
    assert plan_entry(entry(event=leader)) == EntryPlan(EURUSD, Side.BUY, D(1), D("1.09"), D("1.12"), D("1.10020"))


@pytest.mark.parametrize(
    ("change", "sl", "tp"),
    [
        ({"copy_sl": False}, "0", "1.12"),
        ({"copy_tp": False}, "1.09", "0"),
        ({"reverse_direction": True}, "1.12", "1.09"),  # the leader's target is where the reversed copy loses
        ({"reverse_direction": True, "copy_sl": False}, "0", "1.09"),
    ],
)
def test_stops_as_the_subscription_wants_them(change, sl, tp):
    plan = plan_entry(entry(event=event(sl=D("1.09"), tp=D("1.12")), settings=terms(**change)))
    assert isinstance(plan, EntryPlan)
    assert (plan.sl, plan.tp) == (D(sl), D(tp))


def test_a_refused_entry_says_why():
    assert plan_entry(entry(settings=terms(module_on=False))) == Skip(R.MODULE_DISABLED, {})


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, True), ({"ended": True}, False), ({"entries_from_seq": 10}, True), ({"entries_from_seq": 11}, False)],
)
def test_membership_begins_and_ends(change, expected):
    assert is_entry_for(event(), terms(**change)) is expected
    assert not is_entry_for(CLOSE, terms())


def test_a_full_close_takes_everything_whatever_the_state():
    hostile = terms(
        ended=True, enabled=False, status=2, module_on=False, master_active=False, follower_enabled=False,
        max_positions=1, min_equity=D(10**9), min_volume=D(100), max_signal_age_seconds=1, symbols_mode=1,
        role_is_follower=False, entries_from_seq=999, copy_mode=2,
    )  # fmt: skip
    one = link("0.7")
    assert plan_exit(CLOSE, hostile, book(one)) == ExitPlan([(one, D("0.7"))])


def test_a_partial_close():
    one = link("0.7")
    assert plan_exit(REDUCE, terms(), book(one)) == ExitPlan([(one, D("0.35"))])


def test_partial_closes_can_be_switched_off_and_the_full_close_still_comes():
    settings, one = terms(copy_partial_close=False), link("0.7")
    assert plan_exit(REDUCE, settings, book(one)) == Skip(R.PARTIAL_NOT_COPIED, {})
    assert plan_exit(CLOSE, settings, book(one)) == ExitPlan([(one, D("0.7"))])


def test_open_only_lets_go_at_the_full_close_and_keeps_the_link_until_then():
    settings, one = terms(copy_mode=1), link("0.7")
    released = plan_exit(CLOSE, settings, book(one))
    assert isinstance(released, Release)
    assert (released.links, released.skip.reason) == ([one], R.COPY_MODE)
    kept = plan_exit(REDUCE, settings, book(one))
    assert isinstance(kept, Release)
    assert (kept.links, kept.skip.reason) == ([], R.COPY_MODE)


def test_nothing_left_is_told_apart_from_never_copied_and_untracked():
    assert plan_exit(CLOSE, terms(), book()) is None
    assert plan_exit(CLOSE, terms(), book(link("0", state=LinkState.UNTRACKED))) is None
    assert plan_exit(CLOSE, terms(), book(link("0", state=LinkState.CLOSED))) == Skip(R.ALREADY_FLAT, {})
    remembered = book()
    remembered.add_ended(3, 500, LinkState.CLOSED)
    remembered.add_ended(3, 501, LinkState.UNTRACKED)
    assert plan_exit(CLOSE, terms(), remembered) == Skip(R.ALREADY_FLAT, {})
    assert plan_exit(replace(CLOSE, trade_id=501), terms(), remembered) is None
    assert plan_exit(CLOSE, terms(subscription_id=4), remembered) is None


def test_an_exit_touches_its_own_trade_and_subscription_only():
    mine = link("0.2", 1)
    links = book(mine, link("1", 2, leader_trade_id=501), link("1", 3, subscription_id=9))
    assert plan_exit(CLOSE, terms(), links) == ExitPlan([(mine, D("0.2"))])


# --- The fair line


def test_places_are_the_same_every_time_and_differ_by_event():
    line = [fair_place(7, s) for s in range(50)]
    assert line == [fair_place(7, s) for s in range(50)]
    assert len({fair_place(number, 1) for number in range(100)}) == 100


def test_nobody_is_always_first():
    """Of 10 subscriptions over 5,000 events each is first about 500 times, and stands in the middle on average."""
    firsts: Counter[int] = Counter()
    places: Counter[int] = Counter()
    for number in range(5000):
        line = sorted(range(10), key=lambda s: fair_place(number, s))
        firsts[line[0]] += 1
        for place, subscription in enumerate(line):
            places[subscription] += place
    # five standard deviations: 500 +- 106, and 4.5 +- 0.2
    assert all(394 < firsts[s] < 606 for s in range(10)), firsts
    assert all(4.3 < places[s] / 5000 < 4.7 for s in range(10)), places
