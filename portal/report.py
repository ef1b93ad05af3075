"""What a master's page shows of the account's history: the equity with its falls and payments, months, symbols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from copytrade.models import CopyMaster
from core.returns import chained_index
from core.rounding import ONE, ZERO
from marketplace.domain.figures import Snapshots
from marketplace.domain.periods import Period
from marketplace.domain.report import EquityPoint, monthly_returns
from marketplace.models import MasterStats
from marketplace.selectors_stats import SymbolResult, master_report
from portal.statistics import PERIODS, STATISTICS, Statistic
from trading.models import EquitySnapshot

SYMBOLS_MOST: Final = 30
BAR_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Point:
    """The account at the end of a day, or now, in its currency. `drawdown` is how deep the day's low lay below the
    highest peak before it, as a fraction of zero or less with payments left out; `flow` what was paid in less what was
    paid out."""

    at: datetime
    equity: Decimal
    low: Decimal
    flow: Decimal
    drawdown: Decimal

    def drawn(self) -> dict[str, Any]:
        """As `static/portal/charts.js` reads it."""
        return {
            "time": int(self.at.timestamp()),
            "equity": self.equity,
            "drawdown": self.drawdown,
            "flow": self.flow,
        }


@dataclass(frozen=True, slots=True)
class SymbolBar:
    """What one symbol brought in the period; `bar` is its length in a hundredth of the longest one."""

    result: SymbolResult
    bar: int


@dataclass(frozen=True, slots=True)
class Report:
    """A master's history: `stats`, `points` and `symbols` of the period, the returns of all `months`."""

    stats: MasterStats
    points: list[Point]
    months: list[tuple[str, Decimal | None]]
    symbols: list[SymbolBar]


def report_of(master: CopyMaster, period: Period, at: datetime) -> Report:
    """A fixed number of queries; empty where nothing has been stored yet."""
    report = master_report(master, period, at)
    return Report(report.stats, _points(report.equity_history), _months(master), _bars(report.profit_per_symbol))


def _points(history: Sequence[EquityPoint]) -> list[Point]:
    depths = falls(
        [point.equity for point in history], [point.low for point in history], [point.flow for point in history]
    )
    return [
        # What the first day of a series paid belongs to the time before it.
        Point(point.at, point.equity, point.low, point.flow if place else ZERO, depth)
        for place, (point, depth) in enumerate(zip(history, depths, strict=True))
    ]


def falls(equity: Sequence[Decimal], low: Sequence[Decimal], flow: Sequence[Decimal]) -> list[Decimal]:
    """How deep each day's low lay below the highest peak before it: zero or less, the deepest of them is what
    `max_drawdown` says (D26). The first day has none."""
    index = chained_index(equity, flow)
    found, peak = [ZERO] if equity else [], ONE
    for place in range(1, len(equity)):
        peak = max(peak, index[place - 1])
        before = equity[place - 1]
        lowest = index[place - 1] * max((low[place] - flow[place]) / before, ZERO) if before > 0 else index[place - 1]
        found.append(min(lowest / peak - ONE, ZERO))
    return found


def _months(master: CopyMaster) -> list[tuple[str, Decimal | None]]:
    """The returns of all months, whatever the period: a year is read as a whole."""
    kept = EquitySnapshot.objects.filter(account_id=master.account_id).order_by("day")
    rows = list(kept.values_list("day", "equity", "flow"))
    series = Snapshots([row[0] for row in rows], [row[1] for row in rows], flow=[row[2] for row in rows])
    return [(found.month, found.value) for found in monthly_returns(series)]


def _bars(results: Sequence[SymbolResult]) -> list[SymbolBar]:
    longest = max((abs(result.profit) for result in results), default=ZERO) or ONE
    return [SymbolBar(result, int(abs(result.profit) / longest * BAR_LENGTH)) for result in results[:SYMBOLS_MOST]]


# --- Figures of all periods beside each other ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One statistic in every period that is kept."""

    statistic: Statistic
    values: list[Any]


def figures_by_period(master: CopyMaster) -> list[FigureRow]:
    """The stored figures of all periods as rows of a table."""
    stored = {stats.period: stats for stats in MasterStats.objects.filter(master=master)}
    return [
        FigureRow(statistic, [getattr(stored.get(period.value), statistic.name, None) for period in PERIODS])
        for statistic in STATISTICS
    ]
