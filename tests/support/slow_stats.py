"""A master's figures of a period from the raw rows (records, snapshots, balance operations), by definition (D26).

Shares nothing with `marketplace` but the tables of the trading house: every record is looked at for every figure.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import TradingAccount
from core.days import DayBoundary
from core.returns import risk_score
from tests.support.slow_returns import near, slow_figures
from trading.models import EquitySnapshot, Trade

LENGTHS = {"7D": 7, "30D": 30, "90D": 90, "365D": 365, "ALL": None}
EXACT = ("trades", "profit_trades", "loss_trades", "last_trade_at", "risk_score", "followers", "days")


def slow_stats(
    account: TradingAccount, period: str, at: datetime, boundary: DayBoundary, equity: Decimal
) -> dict[str, Any]:
    """Inside a scope. `equity` is the account's now; the account must be flat or be priced by the caller."""
    today, length = boundary.day_of(at), LENGTHS[period]
    begin = date.min if length is None else today - timedelta(days=length + 1)
    records = Trade.objects.filter(account=account, cmd__in=(0, 1), state__in=(3, 4))
    closed = [record for record in records if boundary.day_of(record.close_at) > begin]
    snapshots = list(EquitySnapshot.objects.filter(account=account, day__gte=begin).order_by("day"))
    results = [record.profit + record.commission + record.storage for record in closed]
    gains, losses = sum(r for r in results if r > 0), -sum(r for r in results if r < 0)
    count = len(results)
    age = (today - boundary.day_of(account.opened_at)).days
    series = slow_figures(*([getattr(s, name) for s in snapshots] for name in ("equity", "low", "flow")))
    days = (snapshots[-1].day - snapshots[0].day).days if snapshots else 0
    start = snapshots[0].equity if snapshots else None
    return {
        "pnl": sum(results, Decimal(0)),
        "roi": None if not start or start < 0 else (equity - _paid(account, snapshots) - start) / start,
        "twr": series["twr"],
        "equity_start": start,
        "equity_end": equity,
        "trades": count,
        "profit_trades": sum(r > 0 for r in results),
        "loss_trades": sum(r < 0 for r in results),
        "win_rate": _over(sum(r > 0 for r in results), count),
        "avg_pnl_per_trade": _over(sum(results), count),
        "best_trade": max(results, default=None),
        "worst_trade": min(results, default=None),
        "profit_factor": _over(gains, losses),
        "max_drawdown": series["max_drawdown"],
        "weekly_trades": Decimal(count * 7) / max(1, age if length is None else min(age, length)),
        "avg_holding_time": _over(sum(_seconds(r.open_at, r.close_at) for r in closed), count),
        "last_trade_at": max((r.close_at for r in closed), default=None),
        "sharp_ratio": series["sharpe"],
        "sortino_ratio": series["sortino"],
        "volatility": series["volatility"],
        "risk_score": risk_score(series["volatility"], series["max_drawdown"], days, count),
        "days": days,
    }


def differences(found: Any, expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The figures (attributes of `found`) that are not what was expected, to 1e-9."""
    return {
        name: (getattr(found, name), value)
        for name, value in expected.items()
        if not (getattr(found, name) == value if name in EXACT else near(getattr(found, name), value))
    }


def _paid(account: TradingAccount, snapshots: list[EquitySnapshot]) -> Decimal:
    """What was paid in less out since the first of these snapshots, by the balance operations themselves."""
    operations = Trade.objects.filter(account=account, cmd__in=(6, 8)).order_by("open_at", "id")
    first = EquitySnapshot.objects.filter(account=account).order_by("day").first()
    known = list(operations)
    if first is not None and snapshots[0].pk == first.pk:
        return sum((operation.profit for operation in known[1:]), Decimal(0))  # it holds the first deposit
    return sum((o.profit for o in known if o.open_at >= snapshots[0].at), Decimal(0))


def _over(part: Any, whole: Any) -> Decimal | None:
    return Decimal(part) / Decimal(whole) if whole else None


def _seconds(begin: datetime, end: datetime) -> Decimal:
    passed: timedelta = end - begin
    return Decimal(passed // timedelta(microseconds=1)) / 1_000_000
