"""A master's figures of a period, from the sums of its trades, its daily snapshots and how it stands now.

Definitions: docs/algorithms/statistics.md (D23, D26). Money in account currency, not rounded; ratios as fractions; None is
undefined.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from core.returns import NO_FIGURES, SeriesFigures, return_on_start, risk_score, series_figures, share
from core.rounding import ZERO
from marketplace.domain.periods import PERIODS, Period

DAYS_A_WEEK: Final = 7
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class TradeSums:
    """Sums over closed market trades. `best` and `worst` are single results; `gross_loss` is zero or negative."""

    trades: int = 0
    profit_trades: int = 0
    loss_trades: int = 0
    pnl: Decimal = ZERO
    gross_profit: Decimal = ZERO
    gross_loss: Decimal = ZERO
    best: Decimal | None = None
    worst: Decimal | None = None
    holding_seconds: Decimal = ZERO
    last_close_at: datetime | None = None

    def __add__(self, other: "TradeSums") -> "TradeSums":
        if not other.trades:
            return self
        if not self.trades:
            return other
        return TradeSums(
            trades=self.trades + other.trades,
            profit_trades=self.profit_trades + other.profit_trades,
            loss_trades=self.loss_trades + other.loss_trades,
            pnl=self.pnl + other.pnl,
            gross_profit=self.gross_profit + other.gross_profit,
            gross_loss=self.gross_loss + other.gross_loss,
            best=max(_known(self.best, other.best)),
            worst=min(_known(self.worst, other.worst)),
            holding_seconds=self.holding_seconds + other.holding_seconds,
            last_close_at=max(_known(self.last_close_at, other.last_close_at)),
        )


def _known(*values: _Value | None) -> list[_Value]:
    return [value for value in values if value is not None]


NO_TRADES: Final = TradeSums()


@dataclass(frozen=True, slots=True)
class Snapshots:
    """An account's daily snapshots, the oldest first: see `core.returns` for equity, low and flow."""

    days: Sequence[date] = ()
    equity: Sequence[Decimal] = ()
    low: Sequence[Decimal] = ()
    flow: Sequence[Decimal] = ()

    def start_of(self, period: Period, today: date) -> int | None:
        """The place of the period's first snapshot; None without one."""
        begins = period.begins(today)
        place = 0 if begins is None else bisect_left(self.days, begins)
        return place if place < len(self.days) else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands now: its equity, what was paid in less out since its last snapshot, and its age in days."""

    equity: Decimal
    paid: Decimal
    age_days: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is kept of a master for one period; the names are those of the contract."""

    pnl: Decimal
    roi: Decimal | None
    twr: Decimal | None
    equity_start: Decimal | None
    equity_end: Decimal
    trades: int
    profit_trades: int
    loss_trades: int
    win_rate: Decimal | None
    avg_pnl_per_trade: Decimal | None
    best_trade: Decimal | None
    worst_trade: Decimal | None
    profit_factor: Decimal | None
    max_drawdown: Decimal | None
    weekly_trades: Decimal
    avg_holding_time: Decimal | None
    last_trade_at: datetime | None
    sharp_ratio: Decimal | None
    sortino_ratio: Decimal | None
    volatility: Decimal | None
    risk_score: int | None
    days: int


def period_figures(
    sums: Mapping[Period, TradeSums], snapshots: Snapshots, standing: Standing, today: date
) -> dict[Period, Figures]:
    """The figures of every period. `sums` are those of the trades closed in it, `today` is the running trading day."""
    starts = {period: snapshots.start_of(period, today) for period in PERIODS}
    places = [place for place in starts.values() if place is not None]
    series = series_figures(snapshots.equity, snapshots.low, snapshots.flow, places)
    paid = _paid_since(snapshots, standing, places)
    found = {}
    for period, start in starts.items():
        own = NO_FIGURES if start is None else series[start]
        days = 0 if start is None else (snapshots.days[-1] - snapshots.days[start]).days
        equity_start = None if start is None else snapshots.equity[start]
        roi = None if start is None else return_on_start(equity_start, standing.equity, paid[start])
        found[period] = _figures(period, sums.get(period, NO_TRADES), own, days, equity_start, roi, standing)
    return found


def _paid_since(snapshots: Snapshots, standing: Standing, places: Sequence[int]) -> dict[int, Decimal]:
    """What was paid in less out since each of these snapshots."""
    found, total, behind = {}, standing.paid, len(snapshots.flow)
    for place in sorted(set(places), reverse=True):
        total += sum(snapshots.flow[place + 1 : behind], ZERO)
        found[place], behind = total, place + 1
    return found


def _figures(
    period: Period,
    sums: TradeSums,
    series: SeriesFigures,
    days: int,
    equity_start: Decimal | None,
    roi: Decimal | None,
    standing: Standing,
) -> Figures:
    count = Decimal(sums.trades)
    lived = max(1, standing.age_days if period.days is None else min(period.days, standing.age_days))
    return Figures(
        pnl=sums.pnl,
        roi=roi,
        twr=series.twr,
        equity_start=equity_start,
        equity_end=standing.equity,
        trades=sums.trades,
        profit_trades=sums.profit_trades,
        loss_trades=sums.loss_trades,
        win_rate=share(Decimal(sums.profit_trades), count),
        avg_pnl_per_trade=share(sums.pnl, count),
        best_trade=sums.best,
        worst_trade=sums.worst,
        profit_factor=share(sums.gross_profit, -sums.gross_loss),
        max_drawdown=series.max_drawdown,
        weekly_trades=share(count * DAYS_A_WEEK, Decimal(lived)) or ZERO,
        avg_holding_time=share(sums.holding_seconds, count),
        last_trade_at=sums.last_close_at,
        sharp_ratio=series.sharpe,
        sortino_ratio=series.sortino,
        volatility=series.volatility,
        risk_score=risk_score(series.volatility, series.max_drawdown, days, sums.trades),
        days=days,
    )
