"""D23, D26: what a series of daily equities says, against a slow computation from the definitions."""

from decimal import Decimal as D

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.returns import (
    NO_FIGURES,
    chained_index,
    daily_returns,
    return_on_start,
    risk_score,
    series_figures,
    share,
)
from tests.support.slow_returns import near, slow_figures

cents = st.integers(-2_000_000, 100_000_000).map(lambda n: D(n) / 100)
payments = st.one_of(st.just(D(0)), st.integers(-5_000_000, 20_000_000).map(lambda n: D(n) / 100))


@st.composite
def histories(draw):
    """(equity, low, flow) of up to sixty days: mostly small changes, payments, now and then nothing left at all."""
    equity, low, flow = [draw(cents)], [D(0)], [D(0)]
    for _day in range(draw(st.integers(0, 60))):
        paid = draw(payments)
        change = D(draw(st.integers(-400, 400))) / 10_000
        end = draw(st.one_of(st.just(equity[-1] * (1 + change) + paid), cents))
        equity.append(round(end, 2))
        flow.append(paid)
        low.append(equity[-1] - D(draw(st.integers(0, 1_000_000))) / 100)
    return equity, low, flow


def figures_of(equity, low, flow, start=0):
    return series_figures(equity, low, flow, [start])[start]


@given(histories(), st.data())
@example(([D(0)], [D(0)], [D(0)]), None)
@example(([D(100), D(0), D(50), D(60)], [D(100), D(0), D(0), D(50)], [D(0), D(0), D(50), D(0)]), None)
@example(([D(100), D(-20), D(-20), D(1000), D(1100)], [D(0)] * 5, [D(0), D(0), D(0), D(1020), D(0)]), None)
def test_d26_every_start_has_the_figures_of_the_definitions(history, data):
    equity, low, flow = history
    starts = range(len(equity)) if data is None else data.draw(st.sets(st.integers(0, len(equity) - 1), min_size=1))
    found = series_figures(equity, low, flow, list(starts))
    assert set(found) == set(starts)
    for start, figures in found.items():
        expected = slow_figures(equity[start:], low[start:], flow[start:])
        for name, value in expected.items():
            assert near(getattr(figures, name), value), (start, name, getattr(figures, name), value)


@given(histories())
def test_returns_and_index_are_those_of_the_twr(history):
    equity, low, flow = history
    index, returns = chained_index(equity, flow), daily_returns(equity, flow)
    assert len(index) == len(equity) == len(returns) + 1
    figures = figures_of(equity, low, flow)
    assert figures.returns == sum(change is not None for change in returns)
    assert near(figures.twr, index[-1] - 1 if figures.returns else None)


def test_a_series_of_one_day_says_nothing():
    assert figures_of([D(100)], [D(90)], [D(100)]) == NO_FIGURES
    assert series_figures([], [], [], []) == {}
    assert (daily_returns([], []), chained_index([], [])) == ([], [])


def test_one_return_has_no_deviation():
    figures = figures_of([D(100), D(90)], [D(100), D(80)], [D(0), D(0)])
    assert (figures.twr, figures.max_drawdown, figures.volatility, figures.sharpe) == (D("-0.1"), D("0.2"), None, None)
    assert near(figures.sortino, -D(252).sqrt())


def test_flat_days_have_no_ratio():
    figures = figures_of([D(100)] * 9, [D(100)] * 9, [D(0)] * 9)
    assert (figures.twr, figures.max_drawdown, figures.volatility) == (0, 0, 0)
    assert (figures.sharpe, figures.sortino) == (None, None)


def test_even_gains_have_no_ratio_either():
    """A third more each day: the returns differ by what rounding leaves, which is no deviation."""
    equity = [D(3)]
    for _day in range(30):
        equity.append(equity[-1] * 4 / 3)
    figures = figures_of(equity, equity, [D(0)] * 31)
    assert figures.volatility is not None
    assert figures.volatility < D("1e-17")
    assert (figures.sharpe, figures.sortino) == (None, None)


def test_payments_are_neither_gain_nor_loss():
    figures = figures_of([D(100), D(600), D(50)], [D(100), D(600), D(50)], [D(0), D(500), D(-550)])
    assert (figures.twr, figures.max_drawdown) == (0, 0)


def test_a_fall_is_measured_to_a_low_within_a_day():
    """Up to 110, then down to 66 within a day that ends at 99: 40 % of the peak."""
    figures = figures_of([D(100), D(110), D(99)], [D(100), D(95), D(66)], [D(0)] * 3)
    assert figures.max_drawdown == D("0.4")


def test_who_lost_everything_stays_at_zero_whatever_is_paid_in_later():
    equity, low = [D(100), D(0), D(500), D(750)], [D(100), D(0), D(500), D(500)]
    flow = [D(0), D(0), D(500), D(0)]
    assert chained_index(equity, flow) == [1, 0, 0, 0]
    assert daily_returns(equity, flow) == [-1, None, D("0.5")]
    figures = figures_of(equity, low, flow)
    assert (figures.twr, figures.max_drawdown, figures.returns) == (-1, 1, 2)
    after = figures_of(equity, low, flow, 2)
    assert (after.twr, after.max_drawdown) == (D("0.5"), 0)


def test_below_zero_is_everything_and_no_more():
    figures = figures_of([D(100), D(-30)], [D(100), D(-50)], [D(0), D(0)])
    assert (figures.twr, figures.max_drawdown) == (-1, 1)


@pytest.mark.parametrize(
    ("start", "end", "paid", "result"),
    [("100", "150", "20", "0.3"), ("100", "0", "0", "-1"), ("0", "50", "50", None), ("-5", "50", "0", None)],
)
def test_roi(start, end, paid, result):
    assert return_on_start(D(start), D(end), D(paid)) == (None if result is None else D(result))


def test_no_start_no_roi_and_no_whole_no_share():
    assert return_on_start(None, D(100), D(0)) is None
    assert share(D(3), D(0)) is None
    assert share(D(1), D(4)) == D("0.25")


@pytest.mark.parametrize(
    ("volatility", "drawdown", "days", "trades", "score"),
    [
        ("0", "0", 30, 20, 1),
        ("0.12", "0.1", 30, 20, 2),
        ("0.1200000001", "0.1", 30, 20, 3),
        ("0.6", "0", 30, 20, 5),
        ("0.3", "0.25", 30, 20, 5),
        ("0.6", "0.5", 30, 20, 10),
        ("5", "1", 300, 2000, 10),
        ("0.3", "0.25", 29, 20, None),
        ("0.3", "0.25", 30, 19, None),
        (None, "0.25", 30, 20, None),
        ("0.3", None, 30, 20, None),
    ],
)
def test_d23_risk_score(volatility, drawdown, days, trades, score):
    assert risk_score(volatility and D(volatility), drawdown and D(drawdown), days, trades) == score
