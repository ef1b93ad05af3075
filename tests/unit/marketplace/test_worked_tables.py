"""D23, D26: every row of the worked tables in docs/algorithms/statistics.md."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from core.days import ONE_DAY
from core.returns import risk_score, series_figures
from core.rounding import stored
from marketplace.domain.figures import Snapshots, Standing, TradeSums, period_figures
from marketplace.domain.periods import Period

TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "statistics.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(cell: str) -> D | None:
    return None if cell == "null" else D(cell)


def kept(value: D | None) -> D | None:
    return None if value is None else stored(value)


def numbers(cell: str) -> list[D]:
    return [] if cell == "none" else [D(part) for part in cell.split()]


@pytest.mark.parametrize("row", rows("Periods"), ids=" ".join)
def test_periods(row):
    period, running, snapshot, first = Period(row[0]), *(date.fromisoformat(cell) for cell in row[1:])
    assert period.begins(running) == snapshot == first - ONE_DAY


@pytest.mark.parametrize("row", rows("Worked trades"), ids=" ".join)
def test_trades(row):
    results, closed_at = numbers(row[0]), datetime(2026, 3, 2, tzinfo=UTC)
    sums = TradeSums()
    for place, result in enumerate(results):
        one = TradeSums(
            trades=1,
            profit_trades=int(result > 0),
            loss_trades=int(result < 0),
            pnl=result,
            gross_profit=max(result, D(0)),
            gross_loss=min(result, D(0)),
            best=result,
            worst=result,
            holding_seconds=D(60),
            last_close_at=closed_at + timedelta(hours=place),
        )
        sums += one
    standing = Standing(D(1000), D(0), age_days=14)
    figures = period_figures({Period.MONTH: sums}, Snapshots(), standing, date(2026, 3, 20))[Period.MONTH]
    found = (
        figures.trades, figures.profit_trades, figures.pnl, figures.win_rate, figures.avg_pnl_per_trade,
        figures.best_trade, figures.worst_trade, figures.profit_factor, figures.weekly_trades,
    )  # fmt: skip
    assert [kept(value) if isinstance(value, D) else value for value in found] == [number(cell) for cell in row[1:]]
    last = closed_at + timedelta(hours=len(results) - 1) if results else None
    assert figures.last_trade_at == last
    assert figures.avg_holding_time == (60 if results else None)


@pytest.mark.parametrize("row", rows("Worked series"), ids=" ".join)
def test_series(row):
    found = series_figures(*(numbers(cell) for cell in row[:3]), [0])[0]
    values = (found.twr, found.max_drawdown, found.volatility, found.sharpe, found.sortino)
    assert [kept(value) for value in values] == [number(cell) for cell in row[3:]]


@pytest.mark.parametrize("row", rows("Worked risk"), ids=" ".join)
def test_risk(row):
    volatility, fall, days, trades, score = row
    assert risk_score(D(volatility), D(fall), int(days), int(trades)) == (None if score == "null" else int(score))
