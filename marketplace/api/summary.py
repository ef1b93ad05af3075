"""Copying in the tenant at a glance, for staff."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from infra.api.schema import describe
from infra.api.shapes import many, nullable, number, record, text, whole
from marketplace.models import MasterStats
from marketplace.selectors_finding import copying_summary
from marketplace.selectors_stats import masters_totals

_AMOUNTS: Final = many(record(currency=text("USD"), amount=number("1250000")))
_MASTER: Final = record(
    id=whole(7),
    login=whole(100001),
    strategy_name=text("Steady Trend"),
    status=text("ACTIVE"),
    followers=whole(12),
    pnl=number("1250.5"),
    roi=nullable(number("0.125")),
)
_SUMMARY: Final = record(
    masters=whole(40),
    active=whole(31),
    pending=whole(2),
    closed=whole(6),
    failed=whole(1),
    profitable=whole(25),
    losing=whole(15),
    followers=whole(310),
    aum=_AMOUNTS,
    pnl=_AMOUNTS,
    most_copied=many(_MASTER),
    top_performers=many(_MASTER),
)


class CopySummaryView(StaffView):
    @describe("Copying at a glance", answer=_SUMMARY)
    def get(self, request: Request) -> Response:
        """Masters, followers and money, by account currency.

        `masters`, `closed`, `failed`, `profitable`, `losing` and `pnl` are those of all masters that ever were to be found,
        so that the ones that failed stay in the picture; `active`, `pending`, `followers` and `aum` are those of now.
        """
        now, ever = copying_summary(self.actor), masters_totals()
        return Response(
            {
                "masters": ever.masters,
                "active": now.active,
                "pending": now.pending,
                "closed": ever.closed,
                "failed": ever.failed,
                "profitable": ever.profitable,
                "losing": ever.losing,
                "followers": now.followers,
                "aum": _amounts(now.aum),
                "pnl": _amounts(ever.pnl),
                "most_copied": [_master(figures) for figures in now.most_copied],
                "top_performers": [_master(figures) for figures in now.top_performers],
            }
        )


def _amounts(by_currency: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    return [{"currency": currency, "amount": amount} for currency, amount in by_currency.items()]


def _master(figures: MasterStats) -> dict[str, Any]:
    return {
        "id": figures.master_id,
        "login": figures.master.account.login,
        "strategy_name": figures.master.strategy_name,
        "status": figures.master.status,
        "followers": figures.living_followers,  # type: ignore[attr-defined]
        "pnl": figures.pnl,
        "roi": figures.roi,
    }
