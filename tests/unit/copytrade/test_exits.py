"""What an exit takes, and who pays when somebody else reduces a ticket."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.exits import exit_shares, outside_reduction
from core.rounding import ZERO, is_multiple
from core.states import EventKind, LinkState
from tests.support.copies import EURUSD, event, link
from tests.support.house import spec


def reduced(before, after):
    return event(EventKind.CLOSE if D(after) == 0 else EventKind.REDUCE, before=before, after=after)


def taken(leader, *volumes, contract=EURUSD):
    links = [link(volume, number, spec=contract) for number, volume in enumerate(volumes, 1)]
    return [(one.id, share) for one, share in exit_shares(leader, links)]


def test_the_cap_leader_closes_five_follower_holds_two():
    es = spec("ES")
    assert taken(reduced("5", "0"), "2", contract=es) == [(1, D(2))]
    assert taken(reduced("10", "5"), "2", contract=es) == [(1, D(1))]  # half of what is held, not five


@pytest.mark.parametrize(
    ("before", "after", "held", "share"),
    [
        ("1", "0.5", "0.5", "0.25"),
        ("1", "0.7", "0.05", "0.02"),  # 0.015 up: an exit leaves no remainder behind
        ("3", "2", "1", "0.34"),  # 0.3333 up
        ("1", "0.99", "0.01", "0.01"),  # a share of the smallest lot is the whole of it
        ("1", "0.5", "0.03", "0.02"),
    ],
)
def test_the_share_is_proportional_and_rounded_up(before, after, held, share):
    assert taken(reduced(before, after), held) == [(1, D(share))]


def test_what_would_be_left_below_the_minimum_goes_too():
    coarse = spec("EURUSD", lot_min=D("0.10"))
    assert taken(reduced("1", "0.4"), "0.20", contract=coarse) == [(1, D("0.20"))]  # 0.08 would be left
    assert taken(reduced("1", "0.5"), "0.20", contract=coarse) == [(1, D("0.10"))]


def test_several_tickets_pay_oldest_first_from_one_sum():
    assert taken(reduced("1", "0.5"), "0.3", "0.3", "0.4") == [(1, D("0.3")), (2, D("0.2"))]
    assert taken(reduced("1", "0"), "0.3", "0.3") == [(1, D("0.3")), (2, D("0.3"))]
    # rounded once on the sum: three thirds of a step would be three steps if each were rounded
    assert taken(reduced("3", "2"), "0.01", "0.01", "0.01") == [(1, D("0.01"))]


def test_ended_links_give_nothing():
    ended = link("0", 1, state=LinkState.UNTRACKED)
    assert exit_shares(reduced("1", "0"), [ended]) == []
    assert exit_shares(reduced("1", "0"), []) == []


hundredths = st.integers(1, 500).map(lambda n: D(n) / 100)


@given(st.lists(hundredths, min_size=1, max_size=6), hundredths, hundredths)
def test_shares_never_exceed_what_is_held_and_are_at_least_the_leaders_part(volumes, before, rest):
    after = max(ZERO, before - rest)
    event_ = reduced(str(before), str(after))
    links = [link(volume, number) for number, volume in enumerate(volumes, 1)]
    shares = exit_shares(event_, links)
    total, held = sum((s for _link, s in shares), ZERO), sum(volumes, ZERO)
    assert all(ZERO < share <= one.volume and is_multiple(share, D("0.01")) for one, share in shares)
    assert held * event_.volume / before <= total + D("1e-20")
    assert total <= held
    assert total == held or held - total >= EURUSD.lot_min
    assert [one.id for one, _share in shares] == [one.id for one in links[: len(shares)]]
    assert all(share == one.volume for one, share in shares[:-1])


# --- Reductions by others


@pytest.mark.parametrize(
    ("ticket", "reduced_by", "owned", "losses"),
    [
        ("1", "0.3", ["0.5"], ["0"]),  # 0.5 is nobody's and goes first
        ("1", "0.7", ["0.5"], ["0.2"]),
        ("1", "0.5", ["0.5", "0.5"], ["0.25", "0.25"]),
        ("1", "0.1", ["0.75", "0.25"], ["0.08", "0.02"]),  # 0.075 and 0.025: equal remainders, the oldest first
        ("0.3", "0.1", ["0.1", "0.1", "0.1"], ["0.04", "0.03", "0.03"]),
        ("1", "1", ["0.4", "0.6"], ["0.4", "0.6"]),
        ("1", "0.5", [], []),
        ("1", "0.4", ["0", "0.6"], ["0", "0"]),
    ],
)
def test_a_reduction_by_others(ticket, reduced_by, owned, losses):
    outcome = outside_reduction(D(ticket), D(reduced_by), [D(v) for v in owned], D("0.01"))
    assert outcome == [D(v) for v in losses]


@given(st.lists(st.integers(0, 500), max_size=8), st.integers(0, 500), st.integers(0, 4500), st.sampled_from([1, 10]))
def test_losses_are_exact_whole_steps_and_never_more_than_owned(owned_steps, unlinked, cut, width):
    step = D(width) / 100
    owned = [D(n) * step for n in owned_steps]
    ticket = sum(owned, ZERO) + D(unlinked) * step
    reduced_by = min(D(cut) * step, ticket)
    losses = outside_reduction(ticket, reduced_by, owned, step)
    assert sum(losses, ZERO) == max(ZERO, reduced_by - D(unlinked) * step)
    assert all(ZERO <= loss <= volume for loss, volume in zip(losses, owned, strict=True))
    assert all(is_multiple(loss, step) for loss in losses)
    total = sum(owned, ZERO)
    for loss, volume in zip(losses, owned, strict=True):
        exact = sum(losses, ZERO) * volume / total if total else ZERO
        assert abs(loss - exact) < step + D("1e-20")
