"""The address of the dry run."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.api.bodies import SubscriptionSettingsBody
from core.clock import unix
from core.days import ONE_DAY
from infra.api.fields import IdField, WholeNumberField
from infra.api.schema import describe
from infra.api.shapes import many, nullable, number, record, seconds, text, whole
from infra.api.views import ApiView
from marketplace.domain.dry_run import DryRun
from marketplace.services.dry_run import dry_run_make

DAYS: Final = 30
DAYS_MOST: Final = 90

ANSWER: Final = record(
    period=text("30D"),
    equity_curve=many(record(time=seconds(), equity=number("10000"))),
    pnl=number("182.40"),
    trades=whole(41),
    copied=whole(38),
    skipped=many(record(reason=text("SYMBOL_FILTERED"), count=whole(3))),
    max_drawdown=nullable(number("0.034")),
    fees=number("18.24"),
)


class DryRunBody(SubscriptionSettingsBody):
    """A CopySubscription that is not made; the follower may be left out."""

    master_login = IdField()
    follower_login = IdField(required=False)
    days = WholeNumberField(min_value=1, max_value=DAYS_MOST, default=DAYS)


class DryRunView(ApiView):
    module = "copy_trading"

    @describe(
        "What a subscription would have done with a master's last days",
        body=DryRunBody,
        sent={"master_login": 100001, "days": 30, "volume_mode": 1, "risk_multiplier": "0.5"},
        answer=ANSWER,
        errors={
            400: ("ACCOUNT_NOT_FOUND",),
            403: ("INVALID_FOLLOWER_ACCOUNT", "MASTER_NOT_FOUND", "MASTER_NOT_AVAILABLE"),
        },
    )
    def post(self, request: Request) -> Response:
        """Replays the master's events of the last `days` through the rules of live copying, without delay, at the quotes
        of its own fills; nothing is stored. `follower_login` lends the terms and the present equity of an own account,
        otherwise the master's terms and its equity of then are taken; positions that are there already count for nothing.

        `trades` are the master's entries, `copied` those that would have been; `skipped` counts everything that would
        have been recorded as skipped or rejected, exits and changes included. `pnl` and the curve are after commission and
        storage, with what is open at the end at its value then. `fees` are commission plus what the master's terms would
        have charged, which `pnl` is not after. `max_drawdown` is a fraction. A master with very many events is replayed
        for the last part of the period; `period` says how many days it came to.
        """
        values = self.body(DryRunBody)
        values.pop("copy_existing_positions", None)
        made = dry_run_make(
            actor=self.actor,
            master_login=values.pop("master_login"),
            follower_login=values.pop("follower_login", None),
            days=values.pop("days"),
            settings=values,
            at=self.at,
        )
        return Response(dry_run_object(made))


def dry_run_object(made: DryRun) -> dict[str, Any]:
    """A dry run as the contract writes it."""
    return {
        "period": f"{-((made.begin - made.end) // ONE_DAY)}D",
        "equity_curve": [{"time": unix(point.time), "equity": point.equity} for point in made.curve],
        "pnl": made.pnl,
        "trades": made.trades,
        "copied": made.copied,
        "skipped": [{"reason": reason, "count": count} for reason, count in made.reasons],
        "max_drawdown": made.max_drawdown,
        "fees": made.fees,
    }
