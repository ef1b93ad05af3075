"""D22: when a follower carries too much."""

from decimal import Decimal as D

import pytest

from copytrade.domain.exposure import leverage_of, overleverage
from copytrade.domain.qualification import Qualification, shortfalls


@pytest.mark.parametrize(
    ("exposure", "equity", "leverage", "warning"),
    [
        ("0", "1000", "0", ""),
        ("7999.99", "1000", "7.99999", ""),
        ("8000", "1000", "8", "WARNING"),
        ("9999.99", "1000", "9.99999", "WARNING"),
        ("10000", "1000", "10", "CRITICAL"),
        ("1", "0", None, "CRITICAL"),
        ("1", "-5", None, "CRITICAL"),
        ("0", "-5", None, ""),
        (None, "1000", None, "UNKNOWN"),
    ],
)
def test_a_warning_from_80_percent_of_the_threshold_on(exposure, equity, leverage, warning):
    carried = None if exposure is None else D(exposure)
    assert leverage_of(carried, D(equity)) == (None if leverage is None else D(leverage))
    assert overleverage(carried, D(equity), D(10)).value == warning


def test_a_rule_of_nothing_asks_nothing():
    nothing = Qualification(0, 0, D(0))
    assert not nothing.asks_anything
    assert shortfalls(nothing, Qualification(0, 0, D(-5))) == []


@pytest.mark.parametrize(
    ("has", "missing"),
    [
        (Qualification(30, 10, D(1000)), []),
        (Qualification(29, 10, D(1000)), ["account_days"]),
        (Qualification(30, 9, D("999.99")), ["closed_trades", "equity"]),
        (Qualification(0, 0, D(-1)), ["account_days", "closed_trades", "equity"]),
    ],
)
def test_every_rule_that_is_not_met_is_named(has, missing):
    asked = Qualification(30, 10, D(1000))
    assert asked.asks_anything
    assert [found.rule for found in shortfalls(asked, has)] == missing
