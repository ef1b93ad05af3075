"""A master's history of a period as lists: what pages draw and terminals read beside the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.returns import daily_returns, return_on_start
from core.rounding import ONE, ZERO
from marketplace.domain.figures import Snapshots


@dataclass(frozen=True, slots=True)
class MonthReturn:
    """The daily returns of a calendar month, chained; None where none of its days has one."""

    month: str
    """`YYYY-MM` of the trading days."""
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class PnlPoint:
    """What had been closed by an instant since the period began, and the return on the equity it began with."""

    at: datetime
    pnl: Decimal
    roi: Decimal | None


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """An account at the end of a day, or now: see `trading.models.EquitySnapshot`."""

    at: datetime
    equity: Decimal
    low: Decimal
    high: Decimal
    flow: Decimal


def monthly_returns(snapshots: Snapshots) -> list[MonthReturn]:
    """Of every month in which a day of the series ended after the first one, the oldest first."""
    months: dict[str, Decimal | None] = {}
    changes = daily_returns(snapshots.equity, snapshots.flow)
    for day, change in zip(snapshots.days[1:], changes, strict=True):
        month = f"{day:%Y-%m}"
        grown = months.get(month)
        months[month] = grown if change is None else (ONE if grown is None else grown) * (ONE + change)
    return [MonthReturn(month, None if grown is None else grown - ONE) for month, grown in months.items()]


def pnl_history(points: Sequence[EquityPoint], days: Sequence[date], results: Mapping[date, Decimal]) -> list[PnlPoint]:
    """One point for every point of the equity, in their order; `days` are their trading days, `results` what was closed
    on each day of the period. A lonely point has no start to be measured by."""
    start = points[0].equity if len(points) > 1 else None
    found: list[PnlPoint] = []
    closed = sorted(results.items())
    place, total, paid = 0, ZERO, ZERO
    for number, (point, day) in enumerate(zip(points, days, strict=True)):
        while place < len(closed) and closed[place][0] <= day:
            total += closed[place][1]
            place += 1
        paid += point.flow if number else ZERO
        found.append(PnlPoint(point.at, total, return_on_start(start, point.equity, paid)))
    return found
