"""The statistics of masters: one master's whole report, and the totals of the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.models import Tenant
from copytrade.models import CopyMaster
from core.days import ONE_DAY
from core.returns import return_on_start
from core.rounding import ZERO, stored
from infra.bulk import hot_cursor
from marketplace.domain.figures import Snapshots
from marketplace.domain.periods import Period
from marketplace.domain.report import EquityPoint, MonthReturn, PnlPoint, monthly_returns, pnl_history
from marketplace.models import AccountDay, MasterStats
from trading.domain.snapshots import DayOfEvents, Stand, day_figures
from trading.domain.valuation import picture
from trading.models import DayEnd, EquityMark, EquitySnapshot
from trading.services.desk import desk_open
from trading.services.snapshots import boundary_of, days_of_events, last_stands

FAILED_FALL: Final = Decimal("0.95")
"""Who fell this far from a peak has failed."""
_AFTER_ALL: Final = date.max


@dataclass(frozen=True, slots=True)
class SymbolResult:
    """What a master closed in one symbol: net result in account currency, records, lots."""

    symbol: str
    profit: Decimal
    orders: int
    volume: Decimal


@dataclass(frozen=True, slots=True)
class MastersTotals:
    """What became of all masters that ever were to be found: `closed` ended their profile, `failed` lost nearly
    everything, `pnl` is what all of them closed, by account currency."""

    masters: int
    closed: int
    failed: int
    profitable: int
    losing: int
    pnl: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class MasterReport:
    """A master's figures and history of one period. `roi`, `equity_end` and the last points are those of this moment."""

    stats: MasterStats
    monthly_returns: list[MonthReturn]
    profit_per_symbol: list[SymbolResult]
    pnl_history: list[PnlPoint]
    equity_history: list[EquityPoint]


def master_report(master: CopyMaster, period: Period, at: datetime) -> MasterReport:
    """The report of a master whom the caller may see. A fixed number of queries, whatever the length of the history."""
    today = running_day(master.tenant_id, at)
    begins = period.begins(today)
    live = _point_now(master.account_id, today, at)
    kept = EquitySnapshot.objects.filter(account_id=master.account_id, day__gte=begins or date.min).order_by("day")
    rows = list(kept.values_list("day", "at", "equity", "low", "high", "flow"))
    ended = [EquityPoint(*row[1:]) for row in rows]
    days, points = [row[0] for row in rows], [*ended, live]
    series = Snapshots(days, [point.equity for point in ended], flow=[point.flow for point in ended])
    closed = AccountDay.objects.filter(account_id=master.account_id, day__gt=begins or date.min)
    results = dict(closed.values_list("day").annotate(result=Sum("pnl")))
    stats = _figures(master, period)
    stats.equity_end = live.equity
    stats.roi = _roi(points)
    return MasterReport(
        stats=stats,
        monthly_returns=monthly_returns(series),
        profit_per_symbol=_symbols(closed),
        pnl_history=pnl_history(points, [*days, today], results),
        equity_history=points,
    )


def running_day(tenant_id: int, at: datetime) -> date:
    """The trading day that is running: the first that has not ended, as days really ended."""
    by_clock = boundary_of(Tenant.objects.get(pk=tenant_id)).day_of(at)
    ended = DayEnd.objects.filter(boundary_at__lte=at, day__gte=by_clock).aggregate(last=Max("day"))["last"]
    return by_clock if ended is None else ended + ONE_DAY


def masters_totals(period: Period = Period.ALL) -> MastersTotals:
    """All masters that ever were to be found in the tenant, whatever became of them (X07). One query."""
    ever = MasterStats.objects.filter(period=period, master__published_at__isnull=False)
    rows = list(
        ever.order_by()
        .values_list("master__account__currency")
        .annotate(
            masters=Count("pk"),
            closed=Count("pk", filter=Q(master__ended_at__isnull=False)),
            failed=Count("pk", filter=Q(max_drawdown__gte=FAILED_FALL)),
            profitable=Count("pk", filter=Q(pnl__gt=0)),
            losing=Count("pk", filter=Q(pnl__lt=0)),
            total=Sum("pnl"),
        )
        .order_by("master__account__currency")
    )
    masters, closed, failed, profitable, losing = (sum(row[place] for row in rows) for place in range(1, 6))
    return MastersTotals(masters, closed, failed, profitable, losing, {row[0]: row[6] for row in rows})


def _figures(master: CopyMaster, period: Period) -> MasterStats:
    """The kept figures; a profile that was not counted yet has none."""
    kept = MasterStats.objects.filter(master=master, period=period).first()
    return kept or MasterStats(tenant_id=master.tenant_id, master=master, period=period)


def _roi(points: Sequence[EquityPoint]) -> Decimal | None:
    """The return from the first point to the last one; None while there is only one."""
    if len(points) < 2:
        return None
    paid = sum((point.flow for point in points[1:]), ZERO)
    roi = return_on_start(points[0].equity, points[-1].equity, paid)
    return None if roi is None else stored(roi)


def _symbols(closed: QuerySet[AccountDay]) -> list[SymbolResult]:
    """The best first."""
    sums = closed.values_list("symbol").annotate(profit=Sum("pnl"), orders=Sum("trades"), lots=Sum("volume"))
    return [SymbolResult(*row) for row in sums.order_by("-profit", "symbol")]


def _point_now(account_id: int, today: date, at: datetime) -> EquityPoint:
    """The account as it stands, as if the running day ended now; with marks as far as they have been set."""
    cursor = hot_cursor()
    desk = desk_open(cursor, [account_id], lock=False, pending=())
    account = desk.accounts[account_id]
    last = last_stands(cursor, [account_id], _AFTER_ALL)
    stands = {account_id: last[account_id][1] if account_id in last else Stand()}
    told = days_of_events(cursor, [account], stands, datetime.max.replace(tzinfo=at.tzinfo))
    marks = EquityMark.objects.filter(account_id=account_id, day=today).values_list("low", "high").first()
    day = day_figures(
        stands[account_id],
        told.get(account_id, DayOfEvents()),
        picture(account, desk.market).equity,
        account.balance,
        marks,
        account.currency,
    )
    return EquityPoint(at, day.equity, day.low, day.high, day.flow)
