"""The statistics of one master."""

from datetime import datetime
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.models import CopyMaster
from copytrade.selectors_masters import master_shown
from core.clock import unix
from core.rounding import stored
from core.volume import wire_of
from infra.api.schema import describe
from infra.api.shapes import extended, many, nullable, number, record, seconds, text, whole
from marketplace.api.bodies import MasterStatsQuery
from marketplace.api.looking import UNSEEN, LookingView
from marketplace.api.objects import STATS, stats_object
from marketplace.domain.periods import Period
from marketplace.selectors_stats import MasterReport, master_report

REPORT: Final = extended(
    STATS,
    login=whole(100001),
    currency=text("USD"),
    monthly_returns=many(record(month=text("2026-03"), **{"return": nullable(number("0.021"))})),
    profit_per_symbol=many(record(symbol=text("EURUSD"), profit=number("120.5"), orders=whole(7), volume=whole(70))),
    pnl_history=many(record(time=seconds(), pnl=number("120.5"), roi=nullable(number("0.012")))),
    equity_history=many(
        record(
            time=seconds(), equity=number("10120.5"), low=number("9980"), high=number("10150"), flow=number()
        )
    ),
)  # fmt: skip


class MasterStatsView(LookingView):
    @describe(
        "A master's statistics for a period",
        query=[MasterStatsQuery],
        answer=REPORT,
        errors={403: UNSEEN},
    )
    def get(self, request: Request) -> Response:
        """How a master did, to everybody who may see it: definitions in `docs/algorithms/statistics.md`.

        Ratios are fractions (0.1 = 10 %), what is undefined is null. `roi`, `equity_end` and the last points of both
        histories are those of this moment; the first point is where the period starts, and its `flow` belongs to the
        time before.
        """
        query: dict[str, Any] = self.query(MasterStatsQuery)
        master = master_shown(self.actor, query["login"])
        return Response(whole_report(master, query["period"], self.at))


def whole_report(master: CopyMaster, period: Period, at: datetime) -> dict[str, Any]:
    """The statistics of a master whom the caller may see."""
    report = master_report(master, period, at)
    return {"login": master.account.login, "currency": master.account.currency, **report_object(report)}


def report_object(report: MasterReport) -> dict[str, Any]:
    """Figures and lists as the contract names them."""
    return {
        **stats_object(report.stats),
        "monthly_returns": [
            {"month": one.month, "return": None if one.value is None else stored(one.value)}
            for one in report.monthly_returns
        ],
        "profit_per_symbol": [
            {"symbol": one.symbol, "profit": one.profit, "orders": one.orders, "volume": wire_of(one.volume)}
            for one in report.profit_per_symbol
        ],
        "pnl_history": [
            {"time": unix(point.at), "pnl": point.pnl, "roi": None if point.roi is None else stored(point.roi)}
            for point in report.pnl_history
        ],
        "equity_history": [
            {
                "time": unix(point.at),
                "equity": point.equity,
                "low": point.low,
                "high": point.high,
                "flow": point.flow,
            }
            for point in report.equity_history
        ],
    }
