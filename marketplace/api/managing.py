"""What staff see of masters: the list with figures, one master with its history, and who is at risk behind it."""

from typing import Any, Final

from django.db.models import BigIntegerField, Case, DecimalField, ExpressionWrapper, F, TextField, Value, When
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from accounts.selectors import product_config
from copytrade.api import shapes as copy_shapes
from copytrade.api.objects import managed_master_object
from copytrade.models import CopyMaster, CopySubscription, MasterChange, MasterChangeKind, VolumeMode
from copytrade.selectors_exposure import followers_carry
from copytrade.selectors_masters import (
    account_qualification,
    followers_of_master,
    master_changes,
    master_to_manage,
    masters_of_same_customer,
)
from core.clock import unix
from core.rounding import plain
from infra.api.conditions import ColumnKind
from infra.api.schema import describe
from infra.api.shapes import extended, many, number, record, seconds, text, whole, word
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, WHOLE, Asked, Column, Table, csv_response
from marketplace.api.bodies import PeriodQuery
from marketplace.api.columns import FIGURES, PROFILE
from marketplace.api.statistics import REPORT, whole_report
from marketplace.domain.periods import Period
from marketplace.models import MasterStats
from marketplace.selectors_finding import masters_managed

MANAGED: Final = Table(
    MasterStats,
    {
        "id": PROFILE["id"],
        "login": PROFILE["login"],
        "strategy_name": PROFILE["strategy_name"],
        "customer": Column("master__customer__email", TEXT),
        "status": PROFILE["status"],
        "visibility": PROFILE["visibility"],
        "followers": Column("living_followers", WHOLE),
        "max_followers": PROFILE["max_followers"],
        **{name: FIGURES[name] for name in ("aum", "pnl", "win_rate", "max_drawdown", "risk_score", "sharp_ratio")},
    },
    filters={
        "customer_id": Column("master__customer_id", WHOLE),
        "currency": PROFILE["currency"],
        "created_time": PROFILE["created_time"],
        **{name: column for name, column in FIGURES.items() if name != "followers"},
    },
    order=[("created_time", "desc")],
    tie="master_id",
)


def _put_in(kind: ColumnKind) -> Column:
    return Column(ExpressionWrapper(F("follower_id"), output_field=BigIntegerField()), kind, filterable=False)


_FIXED: Final = "Fixed"
_PROPORTIONAL: Final = "Proportional"
_IS_FIXED: Final = When(volume_mode=VolumeMode.FIXED, then=Value(_FIXED))
AT_RISK: Final = Table(
    CopySubscription,
    {
        "subscription_id": Column("id", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        "customer": Column("follower__customer__email", TEXT),
        "currency": Column("follower__currency", TEXT),
        "status": Column("status", WHOLE),
        "pause_reason": Column("pause_reason", TEXT),
        "enabled": Column("enabled", FLAG),
        "subscribed_time": Column("created_at", TIME),
        "copy_mode": Column(Case(_IS_FIXED, default=Value(_PROPORTIONAL), output_field=TextField()), TEXT),
        "ratio": Column(
            Case(
                When(volume_mode=VolumeMode.FIXED, then=F("fixed_volume")),
                default=F("risk_multiplier"),
                output_field=DecimalField(max_digits=30, decimal_places=10),
            ),
            DECIMAL,
        ),
        # What moves with every quote is put in afterwards; until then the follower's account stands in its place.
        "equity": _put_in(DECIMAL),
        "exposure": _put_in(DECIMAL),
        "leverage": _put_in(DECIMAL),
        "warning": _put_in(TEXT),
        "open_pnl": _put_in(DECIMAL),
        "copied_pnl": Column("pnl", DECIMAL, filterable=False),
        "copied_trades": Column("copied_trades", WHOLE),
    },
    order=[("subscribed_time", "desc")],
)
_CHANGE: Final = record(
    time=seconds(),
    kind=word(*MasterChangeKind),
    by=text("desk@example.com"),
    session_type=text("SESSION_MANAGER"),
    reason=text("Drawdown beyond what was agreed."),
    before=text('{"status": "ACTIVE"}'),
    after=text('{"status": "PAUSED"}'),
)
_DETAIL: Final = extended(
    copy_shapes.MANAGED_MASTER,
    stats=REPORT,
    qualification=record(account_days=whole(412), closed_trades=whole(230), equity=number("10250.4")),
    changes=many(_CHANGE),
    others=many(copy_shapes.MANAGED_MASTER, empty=True),
)


class ManagedMastersView(StaffView):
    @describe(
        "The tenant's masters with their figures", query=[*MANAGED.parameters(), PeriodQuery], answer=MANAGED.shape()
    )
    def get(self, request: Request) -> HttpResponse:
        """Every living master, whatever its status; the figures are those of all its history unless a period is named."""
        asked = MANAGED.asked(self.payload)
        return MANAGED.answer(asked, masters_managed(self.actor, _period(self.query(PeriodQuery))))


class ManagedMasterView(StaffView):
    @describe("One master with its figures, history and qualification", query=[PeriodQuery], answer=_DETAIL)
    def get(self, request: Request, record_id: str) -> Response:
        """A master, an ended one too: the statistics of all its history unless a period is named, what was changed about it, by
        whom and why, what the operator's rules would see, and the customer's other masters."""
        period = _period(self.query(PeriodQuery))
        master = master_to_manage(self.actor, int(record_id))
        others = masters_of_same_customer(self.actor, master).select_related("customer")
        has = account_qualification(master.account, at=self.at)
        return Response(
            {
                **managed_master_object(master),
                "stats": whole_report(master, period, self.at),
                "qualification": {
                    "account_days": has.account_days,
                    "closed_trades": has.closed_trades,
                    "equity": has.equity,
                },
                "changes": [_change(change) for change in master_changes(master)],
                "others": [managed_master_object(other) for other in others],
            }
        )


class ManagedFollowersView(StaffView):
    @describe("A master's followers and what they carry", query=AT_RISK.parameters(), answer=AT_RISK.shape())
    def get(self, request: Request, record_id: str) -> HttpResponse:
        """Everybody who copies a master, at current quotes, in the currency of each follower.

        `copy_mode` is Fixed (then `ratio` is in lots) or Proportional. `exposure` is the gross notional of all open copies
        of the account, `leverage` that divided by its equity; `warning` is WARNING from 80 % of the tenant's
        `overleverage_threshold` on, CRITICAL from all of it on, UNKNOWN without a price. `copied_pnl` is what the closed
        copies brought after costs and what the open ones would bring (`open_pnl`).
        """
        asked = AT_RISK.asked(self.payload)
        master = master_to_manage(self.actor, int(record_id))
        table = at_risk(asked, master)
        return csv_response(table["structure"], table["rows"]) if asked.as_csv else Response(table)


def at_risk(asked: Asked, master: CopyMaster) -> dict[str, Any]:
    """The table of a master's followers at current quotes, with a fixed number of queries."""
    table = AT_RISK.read(asked, followers_of_master(master, everybody=True))
    place = {name: index for index, name in enumerate(table["structure"])}
    threshold = plain(product_config().overleverage_threshold)
    carried = followers_carry((row[place["equity"]] for row in table["rows"]), threshold=threshold)
    for row in table["rows"]:
        found = carried[row[place["equity"]]]
        opened = found.open_pnl.get(row[place["subscription_id"]], 0)
        closed = row[place["copied_pnl"]]
        row[place["equity"]] = found.equity
        row[place["exposure"]] = found.exposure
        row[place["leverage"]] = found.leverage
        row[place["warning"]] = found.warning.value
        row[place["open_pnl"]] = opened
        row[place["copied_pnl"]] = None if opened is None else closed + opened
    return table


def _period(query: dict[str, Any]) -> Period:
    return query.get("period") or query.get("stats_period") or Period.ALL


def _change(change: MasterChange) -> dict[str, Any]:
    return {
        "time": unix(change.at),
        "kind": change.kind,
        "by": "" if change.by is None else change.by.email,
        "session_type": change.by_session,
        "reason": change.reason,
        "before": change.before,
        "after": change.after,
    }
