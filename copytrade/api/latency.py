"""How fast copies are and what slippage costs (D28, X02)."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from copytrade.api.management import CopyView
from copytrade.selectors_latency import (
    HOUSE_VENUE,
    CopyLatency,
    CopySpeed,
    Percentiles,
    SourceSpeed,
    copy_latency,
)
from core.clock import unix
from infra.api.fields import Body, WholeNumberField
from infra.api.schema import describe
from infra.api.shapes import Shape, extended, many, nullable, number, record, seconds, text, whole, word
from infra.api.views import ApiView

MOST_HOURS: Final = 7 * 24


class LatencyQuery(Body):
    """How far back copies are counted."""

    hours = WholeNumberField(min_value=1, max_value=MOST_HOURS, default=24)


def _percentiles(p50: str, p95: str, p99: str) -> Shape:
    return nullable(record(p50=number(p50), p95=number(p95), p99=number(p99)))


_MONEY: Final = record(
    currency=text("USD"), total=number("12.4"), p50=number("0.1"), p95=number("1.2"), p99=number("2.5")
)
SPEED: Final = record(
    copies=whole(420),
    filled=whole(400),
    decide_ms=_percentiles("3.2", "6.1", "9.4"),
    send_ms=_percentiles("3.9", "7.3", "11.8"),
    fill_ms=_percentiles("3.9", "7.3", "11.8"),
    slippage=_percentiles("0", "3", "8"),
    slippage_money=many(_MONEY),
)
LATENCY: Final = extended(
    SPEED,
    hours=whole(24),
    since=seconds(),
    groups=many(extended(SPEED, group_id=whole(4), name=text("Funded"), leader_login=whole(100001))),
    masters=many(extended(SPEED, master_login=whole(100001), strategy_name=text("Steady Trend"))),
    venues=many(extended(SPEED, venue=word(HOUSE_VENUE))),
)


class LatencyView(CopyView):
    @describe("How fast copies of own accounts are, and their slippage", query=[LatencyQuery], answer=LATENCY)
    def get(self, request: Request) -> Response:
        """p50, p95 and p99 over the newest copies of the last `hours` in which an own account follows or leads: all
        together, then by group, by master and by venue.

        The times count from when the leader's fill was known. `slippage` is in points of 10^-digits, positive = worse for
        the follower; `slippage_money` is by account currency of the followers, `total` over these copies. Null where
        nothing was measured. The newest 5,000 copies count, shared evenly by the accounts that copied.
        """
        return Response(_answered(self))


class AllLatencyView(StaffView):
    @describe("How fast all copies are, and their slippage", query=[LatencyQuery], answer=LATENCY)
    def get(self, request: Request) -> Response:
        """As `/copytrade/latency`, over the copies of all leaders of the tenant: the newest 5,000, shared evenly by the
        leaders that were copied; at most 500 groups and masters, the busiest first."""
        return Response(_answered(self))


def _answered(view: ApiView) -> dict[str, Any]:
    hours = view.query(LatencyQuery)["hours"]
    return {"hours": hours, **_object(copy_latency(view.actor, hours=hours, at=view.at))}


def _object(found: CopyLatency) -> dict[str, Any]:
    return {
        "since": unix(found.since),
        **_speed(found.whole),
        "groups": [
            {"group_id": s.id, "name": s.name, "leader_login": s.leader_login, **_speed(s.speed)} for s in found.groups
        ],
        "masters": [_master(source) for source in found.masters],
        "venues": [{"venue": venue, **_speed(speed)} for venue, speed in found.venues],
    }


def _master(source: SourceSpeed) -> dict[str, Any]:
    return {"master_login": source.leader_login, "strategy_name": source.name, **_speed(source.speed)}


def _speed(speed: CopySpeed) -> dict[str, Any]:
    return {
        "copies": speed.copies,
        "filled": speed.filled_copies,
        "decide_ms": _three(speed.decided),
        "send_ms": _three(speed.sent),
        "fill_ms": _three(speed.filled),
        "slippage": _three(speed.slippage),
        "slippage_money": [
            {"currency": money.currency, "total": money.total, **_values(money.each)} for money in speed.slippage_money
        ],
    }


def _three(found: Percentiles | None) -> dict[str, Any] | None:
    return None if found is None else _values(found)


def _values(found: Percentiles) -> dict[str, Any]:
    return {"p50": found.p50, "p95": found.p95, "p99": found.p99}
