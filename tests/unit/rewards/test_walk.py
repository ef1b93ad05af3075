"""D24: however often and whenever a pair is looked at, it is charged what a slow computation at one go finds."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardTerms, RewardType
from core.days import DayBoundary
from rewards.domain.pairs import (
    FOR_EVER,
    Agreed,
    ClosedCopy,
    DayEquity,
    Facts,
    Pair,
    Walked,
    pair_begin,
    pair_resume,
    pair_walk,
)
from rewards.domain.terms_change import is_dearer
from tests.support.slow_rewards import Won, period_ends, slow_fees, trading_day

BEGIN = datetime(2026, 1, 30, 10, tzinfo=UTC)
NEW_YORK = DayBoundary("America/New_York", time(17))
HOUR = timedelta(hours=1)


def terms_of(terms: dict[str, Any]) -> RewardTerms:
    return RewardTerms(
        RewardType(terms["reward_type"]),
        BillingPeriod(terms.get("billing_period", "monthly")),
        fee_amount=terms.get("fee_amount", D(0)),
        fee_percent=terms.get("fee_percent", D(0)),
        hwm_enabled=terms.get("hwm_enabled", terms["reward_type"] == 1),
        hwm_convention=HwmConvention(terms.get("hwm_convention", "GROSS")),
        day_count=terms.get("day_count", 365),
    )


def facts(at: datetime, **more: Any) -> Facts:
    values: dict[str, Any] = {"boundary": NEW_YORK, "currency": "USD", "rates": {}}
    return Facts(at=at, **{**values, **more})


def copies(closed: list[Won]) -> list[ClosedCopy]:
    return [ClosedCopy(n, 1000 + n, won.at, won.lots, won.net) for n, won in enumerate(closed)]


def walks(pair: Pair, closed: list[ClosedCopy], looks: list[datetime], **more: Any) -> list[tuple[D, D]]:
    """(base, fee) of all charges above zero, when the pair is looked at at these instants."""
    found: list[tuple[D, D]] = []
    seen = 0
    for at in looks:
        new = [one for one in closed[seen:] if one.closed_at <= at]
        seen += len(new)
        pair.trades += new
        walked = pair_walk(pair, facts(at, **more))
        found += [(c.base, c.fee) for c in walked.charges if c.fee and not c.growing]
    return found


TERMS = [
    {"reward_type": 3, "fee_percent": D(10)},
    *({"reward_type": 0, "fee_amount": D(10), "billing_period": period} for period in ("weekly", "monthly")),
    *({"reward_type": 2, "fee_amount": D("1.5"), "billing_period": period} for period in ("weekly", "monthly")),
    *(
        {"reward_type": 1, "fee_percent": D(20), "billing_period": period, **how}
        for period in ("weekly", "monthly")
        for how in (
            {"hwm_convention": "GROSS"},
            {"hwm_convention": "NET"},
            {"hwm_convention": "CUMULATIVE"},
            {"hwm_enabled": False},
        )
    ),
]


@given(
    st.sampled_from(TERMS),
    st.lists(st.tuples(st.integers(1, 2400), st.integers(1, 50), st.integers(-20_000, 20_000)), max_size=25),
    st.lists(st.integers(0, 2399), max_size=12),
    st.booleans(),
)
def test_d24_histories_come_to_what_a_slow_computation_finds(terms, trades, looks, stopped):
    """Trades at any hour of a hundred days, looked at at any hours. Half an hour apart, so no two have one instant."""
    closed = sorted(
        (Won(BEGIN + HOUR * hour, D(lots) / 100, D(net) / 100) for hour, lots, net in trades), key=lambda won: won.at
    )
    until = BEGIN + HOUR * 2400
    instants = [*sorted(BEGIN + HOUR * hour + HOUR / 2 for hour in looks), until]
    pair = pair_begin(Agreed(1, terms_of(terms), "USD"), BEGIN, NEW_YORK)
    more = {"stop": until, "flat": True} if stopped else {}
    found = walks(pair, copies(closed), instants[:-1]) + walks_last(pair, copies(closed), instants, more)
    assert found == slow_fees(terms, BEGIN, until, closed, stopped=stopped)
    assert (pair.closed_at == until) is stopped


def walks_last(pair: Pair, closed: list[ClosedCopy], looks: list[datetime], more: dict[str, Any]) -> list[tuple[D, D]]:
    """The last look, at what was closed since the one before."""
    before = looks[-2] if len(looks) > 1 else BEGIN
    return walks(pair, [one for one in closed if one.closed_at > before], looks[-1:], **more)


@given(st.lists(st.integers(0, 2399), max_size=8), st.sampled_from(["weekly", "monthly"]), st.sampled_from([252, 365]))
def test_d24_a_management_fee_counts_each_day_once(looks, period, day_count):
    """Equity rises by 100 a day; what is looked at between charges nothing that the period's end does not."""
    terms = {"reward_type": 4, "fee_percent": D(2), "billing_period": period, "day_count": day_count}
    days, at = [], NEW_YORK.end_of(trading_day(BEGIN))
    while at <= BEGIN + HOUR * 2400:
        days.append(DayEquity(trading_day(at - HOUR), at, D(10_000) + 100 * len(days)))
        at = NEW_YORK.end_of(trading_day(at + HOUR))
    pair = pair_begin(Agreed(1, terms_of(terms), "USD"), BEGIN, NEW_YORK)
    found: list[D] = []
    for look in [*sorted(BEGIN + HOUR * hour for hour in looks), BEGIN + HOUR * 2400]:
        ended = [day for day in days if day.at <= look]
        told = pair_walk(pair, facts(look, days=ended, days_until=ended[-1].at if ended else None))
        found += [charge.base for charge in told.charges if not charge.growing]
    edges = [BEGIN, *period_ends(BEGIN, BEGIN + HOUR * 2400, period)]
    expected = [
        sum(d.equity for d in days if low < d.at <= high and (day_count == 365 or d.day.weekday() < 5))
        for low, high in pairwise(edges)
    ]
    assert found == expected


def test_d24_a_management_fee_waits_for_the_end_of_its_last_day():
    pair = pair_begin(
        Agreed(1, terms_of({"reward_type": 4, "fee_percent": D(2), "billing_period": "weekly"}), "USD"), BEGIN, NEW_YORK
    )
    end = pair.period_to
    days = [DayEquity(trading_day(BEGIN), end - timedelta(days=1), D(100))]
    told = pair_walk(pair, facts(end + HOUR, days=days, days_until=end - timedelta(days=1)))
    assert [charge.growing for charge in told.charges] == [True]
    told = pair_walk(pair, facts(end + HOUR, days=days, days_until=end))
    assert [charge.growing for charge in told.charges] == [False]


def test_d24_a_fee_that_is_paid_once_is_paid_once_in_180_days():
    once = Agreed(1, terms_of({"reward_type": 0, "fee_amount": D(10), "billing_period": "one_time"}), "USD")
    pair = pair_begin(once, BEGIN, NEW_YORK)
    assert walks(pair, [], [BEGIN, BEGIN + timedelta(days=70)]) == [(10, 10)]
    assert pair.prepaid_until == FOR_EVER
    stop = BEGIN + timedelta(days=71)
    assert walks(pair, [], [stop], stop=stop, flat=True) == []
    pair_resume(pair, once, stop + timedelta(days=50), NEW_YORK)
    assert walks(pair, [], [stop + timedelta(days=100)]) == []
    monthly = Agreed(2, terms_of({"reward_type": 0, "fee_amount": D(7), "billing_period": "monthly"}), "USD")
    stop += timedelta(days=101)
    assert walks(pair, [], [stop], stop=stop, flat=True) == []
    pair_resume(pair, monthly, stop, NEW_YORK)
    assert walks(pair, [], [stop]) == [(7, 7)]


def test_d24_a_missing_rate_is_waited_for():
    pair = pair_begin(
        Agreed(1, terms_of({"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"}), "EUR"), BEGIN, NEW_YORK
    )
    pair.trades = copies([Won(BEGIN + HOUR, D(1), D(5))])
    at = BEGIN + timedelta(days=8)
    assert pair_walk(pair, facts(at)) == Walked()
    charged = pair_walk(pair, facts(at, rates={"EUR": D("1.1")})).charges
    assert [(one.base, one.fee, one.rate) for one in charged] == [(1, D("3.3"), D("1.1"))]


def test_d24_a_changed_day_boundary_neither_repeats_nor_leaves_out_a_period():
    weekly = Agreed(1, terms_of({"reward_type": 0, "fee_amount": D(10), "billing_period": "weekly"}), "USD")
    pair = pair_begin(weekly, BEGIN, NEW_YORK)
    walks(pair, [], [BEGIN])
    moved = NEW_YORK.changed("Europe/London", time(0), BEGIN + timedelta(days=3))
    assert moved is not None
    edges = []
    for day in range(1, 60):
        before = pair.period_from
        pair_walk(pair, facts(BEGIN + timedelta(days=day), boundary=moved))
        if pair.period_from != before:
            edges.append(pair.period_from)
        assert pair.period_to > pair.period_from
    spans = [later - earlier for earlier, later in pairwise(edges)]
    assert all(timedelta(days=6) <= span <= timedelta(days=8) for span in spans)


@pytest.mark.parametrize(
    ("old", "new", "dearer"),
    [
        ({"reward_type": 3, "fee_percent": D(10)}, {"reward_type": 3, "fee_percent": D(11)}, True),
        ({"reward_type": 3, "fee_percent": D(10)}, {"reward_type": 3, "fee_percent": D(9)}, False),
        ({"reward_type": 3, "fee_percent": D(10)}, {"reward_type": 1, "fee_percent": D(1)}, True),
        ({"reward_type": 0, "fee_amount": D(10)}, {"reward_type": 0, "fee_amount": D(10)}, False),
        (
            {"reward_type": 0, "fee_amount": D(10)},
            {"reward_type": 0, "fee_amount": D(3), "billing_period": "weekly"},
            True,
        ),
        (
            {"reward_type": 0, "fee_amount": D(10)},
            {"reward_type": 0, "fee_amount": D(2), "billing_period": "weekly"},
            False,
        ),
        (
            {"reward_type": 0, "fee_amount": D(10)},
            {"reward_type": 0, "fee_amount": D(1), "billing_period": "one_time"},
            True,
        ),
        ({"reward_type": 2, "fee_amount": D(3)}, {"reward_type": 2, "fee_amount": D("3.1")}, True),
        (
            {"reward_type": 2, "fee_amount": D(3)},
            {"reward_type": 2, "fee_amount": D(3), "billing_period": "weekly"},
            False,
        ),
        ({"reward_type": 4, "fee_percent": D(2)}, {"reward_type": 4, "fee_percent": D(2), "day_count": 252}, True),
        ({"reward_type": 4, "fee_percent": D(2), "day_count": 252}, {"reward_type": 4, "fee_percent": D(2)}, False),
        (
            {"reward_type": 1, "fee_percent": D(10)},
            {"reward_type": 1, "fee_percent": D(10), "hwm_enabled": False},
            True,
        ),
        (
            {"reward_type": 1, "fee_percent": D(10), "hwm_enabled": False},
            {"reward_type": 1, "fee_percent": D(10)},
            False,
        ),
        (
            {"reward_type": 1, "fee_percent": D(10)},
            {"reward_type": 1, "fee_percent": D(5), "hwm_convention": "NET"},
            True,
        ),
        (
            {"reward_type": 1, "fee_percent": D(10), "hwm_convention": "NET"},
            {"reward_type": 1, "fee_percent": D(10), "hwm_convention": "GROSS"},
            False,
        ),
        (
            {"reward_type": 1, "fee_percent": D(10)},
            {"reward_type": 1, "fee_percent": D(10), "billing_period": "weekly"},
            True,
        ),
    ],
)
def test_d24_which_terms_are_dearer(old, new, dearer):
    assert is_dearer(terms_of(old), terms_of(new)) is dearer


def test_d24_terms_that_are_switched_off_are_the_cheapest():
    terms = terms_of({"reward_type": 3, "fee_percent": D(10)})
    assert is_dearer(None, terms)
    assert not is_dearer(terms, None)
    assert not is_dearer(None, None)
    assert is_dearer(
        terms_of({"reward_type": 2, "fee_amount": D(3)}),
        terms_of({"reward_type": 2, "fee_amount": D(2)}),
        same_currency=False,
    )
