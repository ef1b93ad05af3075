"""The figures of a series of daily equities, computed from their definitions (D23, D26) by exact fractions, one at a time.

Shares nothing with `core.returns`: every fall is looked for between every two days, every mean is taken anew.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

DIGITS = Context(prec=60)


def root(value: Fraction) -> Decimal:
    return DIGITS.sqrt(decimal_of(value))


def decimal_of(value: Fraction) -> Decimal:
    return DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))


def slow_figures(equity: Sequence[Decimal], low: Sequence[Decimal], flow: Sequence[Decimal]) -> dict[str, Any]:
    """twr, max_drawdown, volatility, sharpe and sortino of the whole series; None where undefined."""
    e, lows, paid = ([Fraction(value) for value in values] for values in (equity, low, flow))
    factors: list[Fraction | None] = []
    depths: list[Fraction | None] = []
    for day in range(1, len(e)):
        begun = e[day - 1] > 0
        factors.append(max(Fraction(0), (e[day] - paid[day]) / e[day - 1]) if begun else None)
        depths.append(max(Fraction(0), (lows[day] - paid[day]) / e[day - 1]) if begun else None)
    index = [Fraction(1)]
    for factor in factors:
        index.append(index[-1] if factor is None else index[-1] * factor)
    returns = [factor - 1 for factor in factors if factor is not None]
    if not returns:
        return dict.fromkeys(("twr", "max_drawdown", "volatility", "sharpe", "sortino"))
    fall = Fraction(0)
    for peak in range(len(index)):
        for later in range(peak + 1, len(index)):
            depth = depths[later - 1]
            if index[peak] > 0 and depth is not None:
                fall = max(fall, 1 - index[later - 1] * depth / index[peak])
    count = len(returns)
    mean = sum(returns, Fraction(0)) / count
    year = DIGITS.sqrt(Decimal(252))
    deviation = None
    if count > 1:
        deviation = root(sum(((r - mean) ** 2 for r in returns), Fraction(0)) / (count - 1))
    downside = root(sum((r**2 for r in returns if r < 0), Fraction(0)) / count)
    return {
        "twr": decimal_of(index[-1] - 1),
        "max_drawdown": decimal_of(fall),
        "volatility": None if deviation is None else DIGITS.multiply(deviation, year),
        "sharpe": ratio(mean, deviation, year),
        "sortino": ratio(mean, downside, year),
    }


def ratio(mean: Fraction, deviation: Decimal | None, year: Decimal) -> Decimal | None:
    if deviation is None or deviation < Decimal("1e-12"):
        return None
    return DIGITS.multiply(DIGITS.divide(decimal_of(mean), deviation), year)


def near(one: Decimal | None, other: Decimal | None) -> bool:
    """Equal to 1e-9, of what is larger than one relatively."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= Decimal("1e-9") * max(Decimal(1), abs(other))
