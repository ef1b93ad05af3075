"""What a series of daily equities says of whoever traded them: returns, falls, and how even they were.

A series is three sequences of equal length, one entry a day, the oldest first: `equity` at the end of the day, `flow` (what
was paid in less what was paid out in the day) and `low` (the lowest equity of the day, as if its whole flow had been there
from the beginning). The first entry is where the series starts; its low and flow are not looked at. A day that is missing
makes the next one longer. Formulas: docs/algorithms/statistics.md.

Nobody can lose more than everything: a day's return is at least -1, and an index that came to zero stays there. A day that
begins with nothing, or with less, has no return.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final

from core.rounding import ONE, ZERO, ceil_to_step

TRADING_DAYS_A_YEAR: Final = 252
RATED_DAYS: Final = 30
"""Below these many days there is no risk score."""
RATED_TRADES: Final = 20
"""Below these many closed trades there is no risk score."""
EVEN: Final = Decimal("1e-12")
"""A deviation of returns below this is what rounding leaves of none at all."""

_EXACT = Context(prec=40)
_YEAR = Decimal(TRADING_DAYS_A_YEAR).sqrt(_EXACT)
_VOLATILITY_MOST = Decimal("0.60")
_DRAWDOWN_MOST = Decimal("0.50")


@dataclass(frozen=True, slots=True)
class SeriesFigures:
    """The figures of one series. Fractions, or None where they are not defined; `max_drawdown` is 0 or more."""

    returns: int
    """How many days have a return."""
    twr: Decimal | None
    max_drawdown: Decimal | None
    volatility: Decimal | None
    sharpe: Decimal | None
    sortino: Decimal | None


NO_FIGURES: Final = SeriesFigures(0, None, None, None, None, None)


def series_figures(
    equity: Sequence[Decimal], low: Sequence[Decimal], flow: Sequence[Decimal], starts: Sequence[int]
) -> dict[int, SeriesFigures]:
    """The figures of the series that begin at each of `starts` (places in the sequences) and end with the last day.

    One pass from the last day back to the earliest start: every series ends on the same day, so whatever a later start
    needs has been seen by then. Going back, `worst` is the lowest point still to come as a fraction of the index of the
    day, which makes the fall from that day `1 - worst`.
    """
    found: dict[int, SeriesFigures] = {}
    wanted = set(starts)
    if not wanted:
        return found
    with localcontext(_EXACT):
        count, total, squares, negatives = 0, ZERO, ZERO, ZERO
        index, fall = ONE, ZERO
        worst: Decimal | None = None
        for place in range(len(equity) - 1, min(wanted) - 1, -1):
            if place in wanted:
                found[place] = _figures(count, total, squares, negatives, index, None if worst is None else fall)
            before = equity[place - 1]
            if place == 0 or before <= ZERO:
                continue
            paid = flow[place]
            factor = (equity[place] - paid) / before
            lowest = (low[place] - paid) / before
            if factor < ZERO:
                factor = ZERO
            if lowest < ZERO:
                lowest = ZERO
            worst = lowest if worst is None else min(lowest, factor * worst)
            if ONE - worst > fall:
                fall = ONE - worst
            index *= factor
            change = factor - ONE
            square = change * change
            count += 1
            total += change
            squares += square
            if change < ZERO:
                negatives += square
    return found


def daily_returns(equity: Sequence[Decimal], flow: Sequence[Decimal]) -> list[Decimal | None]:
    """(equity - flow) / equity of the day before - 1, of every day but the first; None where a day began with nothing."""
    with localcontext(_EXACT):
        return [
            None if before <= ZERO else max((now - paid) / before, ZERO) - ONE
            for before, now, paid in zip(equity, equity[1:], flow[1:], strict=False)
        ]


def chained_index(equity: Sequence[Decimal], flow: Sequence[Decimal]) -> list[Decimal]:
    """What one unit became by the end of each day, payments left out; the first entry is 1."""
    index = [ONE] if equity else []
    with localcontext(_EXACT):
        for change in daily_returns(equity, flow):
            index.append(index[-1] if change is None else index[-1] * (ONE + change))
    return index


def return_on_start(start: Decimal | None, end: Decimal, paid: Decimal) -> Decimal | None:
    """(end - what was paid in less what was paid out - start) / start; None without a start above zero."""
    return None if start is None or start <= ZERO else _EXACT.divide(end - paid - start, start)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` / `whole`; None for a whole of zero."""
    return _EXACT.divide(part, whole) if whole else None


def risk_score(volatility: Decimal | None, max_drawdown: Decimal | None, days: int, trades: int) -> int | None:
    """1 (calm) to 10, by annualised volatility and largest fall; None below 30 days or 20 closed trades (D23)."""
    if volatility is None or max_drawdown is None or days < RATED_DAYS or trades < RATED_TRADES:
        return None
    with localcontext(_EXACT):
        shaken = min(ONE, volatility / _VOLATILITY_MOST) + min(ONE, max_drawdown / _DRAWDOWN_MOST)
        return min(10, max(1, int(ceil_to_step(5 * shaken, ONE))))


def _figures(
    count: int, total: Decimal, squares: Decimal, negatives: Decimal, index: Decimal, fall: Decimal | None
) -> SeriesFigures:
    """From how many returns there are, their sum, the sum of their squares and of the negative ones' squares."""
    if not count:
        return NO_FIGURES
    mean = total / count
    deviation = max((squares - total * mean) / (count - 1), ZERO).sqrt() if count > 1 else None
    downside = (negatives / count).sqrt()
    return SeriesFigures(
        returns=count,
        twr=index - ONE,
        max_drawdown=fall,
        volatility=None if deviation is None else deviation * _YEAR,
        sharpe=None if deviation is None or deviation < EVEN else mean / deviation * _YEAR,
        sortino=None if downside < EVEN else mean / downside * _YEAR,
    )
