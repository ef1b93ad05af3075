"""What a master's page shows of the account's history: the equity with its falls and payments, months, symbols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Sum

from copytrade.models import CopyMaster
from core.returns import chained_index, daily_returns
from core.rounding import ONE, ZERO
from marketplace.domain.periods import Period
from marketplace.models import AccountDay, MasterStats
from portal.statistics import PERIODS, STATISTICS, Statistic
from trading.models import EquitySnapshot

SYMBOLS_MOST: Final = 30
BAR_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Point:
    """The account at the end of a day, in its currency. `drawdown` is how deep the day's low lay below the highest peak
    before it, as a fraction of zero or less with payments left out; `flow` what was paid in less what was paid out."""

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
class SymbolResult:
    """What one symbol brought in the period; `bar` is its length in a hundredth of the longest one."""

    symbol: str
    pnl: Decimal
    trades: int
    volume: Decimal
    bar: int


@dataclass(frozen=True, slots=True)
class Report:
    """A master's history: `points` of the period, the returns of all `months`, and `symbols` of the period."""

    points: list[Point]
    months: list[tuple[str, Decimal | None]]
    symbols: list[SymbolResult]


def report_of(master: CopyMaster, period: Period) -> Report:
    """A fixed number of queries; empty where nothing has been stored yet."""
    snapshots = list(EquitySnapshot.objects.filter(account_id=master.account_id).order_by("day"))
    today = snapshots[-1].day + timedelta(days=1) if snapshots else date.max
    begins = period.begins(today) if snapshots else None
    shown = [snapshot for snapshot in snapshots if begins is None or snapshot.day >= begins]
    return Report(_points(shown), _months(snapshots), _symbols(master, begins))


def _points(snapshots: Sequence[EquitySnapshot]) -> list[Point]:
    depths = falls(
        [snapshot.equity for snapshot in snapshots],
        [snapshot.low for snapshot in snapshots],
        [snapshot.flow for snapshot in snapshots],
    )
    return [
        # What the first day of a series paid belongs to the time before it.
        Point(s.at, s.equity, s.low, s.flow if place else ZERO, depth)
        for place, (s, depth) in enumerate(zip(snapshots, depths, strict=True))
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


def _months(snapshots: Sequence[EquitySnapshot]) -> list[tuple[str, Decimal | None]]:
    """Each month's return, chained from its days."""
    changes = daily_returns([s.equity for s in snapshots], [s.flow for s in snapshots])
    months: dict[str, Decimal | None] = {}
    for snapshot, change in zip(snapshots[1:], changes, strict=False):
        name = f"{snapshot.day:%Y-%m}"
        before = months.get(name)
        if change is None:
            months.setdefault(name, None)
        else:
            months[name] = (ONE + (before or ZERO)) * (ONE + change) - ONE
    return list(months.items())


def _symbols(master: CopyMaster, begins: date | None) -> list[SymbolResult]:
    days = AccountDay.objects.filter(account_id=master.account_id)
    if begins is not None:
        days = days.filter(day__gt=begins)
    sums = list(
        days.values("symbol")
        .annotate(result=Sum("pnl"), number=Sum("trades"), lots=Sum("volume"))
        .order_by("-result", "symbol")[:SYMBOLS_MOST]
    )
    longest = max((abs(row["result"]) for row in sums), default=ZERO) or ONE
    return [
        SymbolResult(
            row["symbol"], row["result"], row["number"], row["lots"], int(abs(row["result"]) / longest * BAR_WIDTH)
        )
        for row in sums
    ]


# --- Figures of all periods beside each other ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One statistic in every period that is kept."""

    statistic: Statistic
    values: list[Any]


def figures_by_period(master: CopyMaster) -> tuple[dict[str, MasterStats], list[FigureRow]]:
    """The stored figures by period, and the same as rows of a table."""
    stored = {stats.period: stats for stats in MasterStats.objects.filter(master=master)}
    rows = [
        FigureRow(statistic, [getattr(stored.get(period.value), statistic.name, None) for period in PERIODS])
        for statistic in STATISTICS
    ]
    return stored, rows
