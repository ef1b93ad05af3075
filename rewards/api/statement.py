"""The fee statement of a subscription (X04)."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.api.management import CopyView
from copytrade.domain.reward_charges import Marks
from core.clock import unix
from core.volume import wire_of
from infra.api.fields import Body, IdField, WholeNumberField
from infra.api.schema import describe
from infra.api.shapes import extended, flag, many, nullable, number, record, seconds, text, whole, word
from rewards.api.listing import REWARDS
from rewards.api.shapes import TERMS, terms_object
from rewards.models import RewardAgreement
from rewards.notices import reward_row
from rewards.selectors_statement import Copy, Day, Difference, Line, Operation, Statement, statement_of

LINES_MOST: Final = 1000


class StatementQuery(Body):
    """Whose statement, and which of its charges; sums and `differs` are always of all of them."""

    subscription_id = IdField()
    limit = WholeNumberField(min_value=0, max_value=LINES_MOST, default=100)
    offset = WholeNumberField(min_value=0, default=0)


_MARKS: Final = nullable(record(result=number("380"), paid=number("60"), mark=number("280")))
_OPERATION: Final = nullable(
    record(
        order=whole(5000101),
        login=whole(100002),
        amount=number("-4.78"),
        currency=text("USD"),
        reason=whole(100),
        copy_reward_accrual_id=nullable(whole(12)),
        time=seconds(),
    )
)
_COPY: Final = record(
    order=whole(5000077),
    parent_order=nullable(whole(5000042)),
    symbol=text("EURUSD"),
    volume=whole(10),
    profit=number("48"),
    commission=number("-0.2"),
    storage=number(),
    profit_booked=number("48"),
    share=number(1),
    lots=number("0.1"),
    net=number("47.8"),
    close_time=seconds(),
    differs=flag(0),
)
_DAY: Final = record(day=text("2026-03-02"), time=seconds(), equity=number("10012.4"), counted=number("10012.4"))
_LINE: Final = extended(
    REWARDS.row_shape(),
    terms=TERMS,
    rate=number(1),
    copies=many(_COPY),
    days=many(_DAY, empty=True),
    refund_of=nullable(whole(9), empty=True),
    marks_before=_MARKS,
    marks_after=_MARKS,
    formula=text("47.8 × 10 / 100"),
    base_recomputed=number("47.8"),
    fee_recomputed=number("4.78"),
    tenant_share_percent=number(10),
    tenant_share=number("0.48"),
    tenant_share_order=nullable(whole(5000103)),
    payout_rate=nullable(number(1)),
    payout_amount=nullable(number("4.3")),
    payout_recomputed=nullable(number("4.3")),
    payout_currency=text("USD"),
    charge=_OPERATION,
    payout=_OPERATION,
    settled_time=seconds(),
    differs=flag(0),
    differences=many(word(*Difference), empty=True),
)
_PAIR: Final = nullable(
    record(
        terms=TERMS,
        period_from=seconds(),
        period_to=seconds(),
        marks=record(result=number("380"), paid=number("60"), mark=number("280")),
        prepaid_until=seconds(0),
        begun_time=seconds(),
        ended_time=seconds(0),
    )
)
STATEMENT: Final = record(
    subscription_id=whole(21),
    master_login=whole(100001),
    strategy_name=text("Steady Trend"),
    follower_login=whole(100002),
    currency=text("USD"),
    time=seconds(),
    pair=_PAIR,
    accruals=many(_LINE),
    count=whole(1),
    totals=record(
        charged=number("4.78"),
        charged_recomputed=number("4.78"),
        given_back=number(),
        waiting=number(),
        failed=number(),
        tenant_share=number("0.48"),
        paid_out=many(record(currency=text("USD"), amount=number("4.3"))),
    ),
    differs=flag(0),
)


class StatementView(CopyView):
    @describe(
        "Every fee of a subscription, worked out anew from stored rows",
        query=[StatementQuery],
        answer=STATEMENT,
        errors={403: ("PERMISSION_DENIED",), 404: ("RET_ERR_NOTFOUND",)},
    )
    def get(self, request: Request) -> Response:
        """For the follower's owner and the master's, also after the subscription ended; newest charges first.

        Each charge has the terms that were frozen with it, what it was made from (closed copies with their records and
        what the ledger booked for them, ends of days, marks), the line with its numbers, the fee that comes of it now, and
        both balance operations as records and ledger have them. `differs` is 1 where anything does not come to the same,
        and `differences` names what.
        """
        asked = self.query(StatementQuery)
        found = statement_of(self.actor, asked["subscription_id"])
        first = asked["offset"]
        shown = found.lines[first : first + asked["limit"]]
        return Response({**_head(found), "time": unix(self.at), "accruals": [_line(line) for line in shown]})


def _head(found: Statement) -> dict[str, Any]:
    subscription, totals = found.subscription, found.totals
    assert subscription.master is not None
    return {
        "subscription_id": subscription.pk,
        "master_login": subscription.leader.login,
        "strategy_name": subscription.master.strategy_name,
        "follower_login": subscription.follower.login,
        "currency": subscription.follower.currency,
        "pair": None if found.agreement is None else _pair(found.agreement),
        "count": len(found.lines),
        "totals": {
            "charged": totals.charged,
            "charged_recomputed": totals.charged_again,
            "given_back": totals.given_back,
            "waiting": totals.waiting,
            "failed": totals.failed,
            "tenant_share": totals.tenant_share,
            "paid_out": [{"currency": name, "amount": amount} for name, amount in totals.paid_out.items()],
        },
        "differs": int(found.differs),
    }


def _pair(agreement: RewardAgreement) -> dict[str, Any]:
    return {
        "terms": terms_object(agreement.terms),
        "period_from": unix(agreement.period_from),
        "period_to": unix(agreement.period_to),
        "marks": _marks(Marks(agreement.result, agreement.paid, agreement.mark)),
        "prepaid_until": unix(agreement.prepaid_until),
        "begun_time": unix(agreement.begun_at),
        "ended_time": unix(agreement.ended_at),
    }


def _line(line: Line) -> dict[str, Any]:
    accrual = line.accrual
    paid = accrual.payout_amount is not None
    return {
        **reward_row(accrual),
        "terms": terms_object(accrual.terms),
        "rate": accrual.rate,
        "copies": [_copy(copy) for copy in line.copies],
        "days": [_day(day) for day in line.days],
        "refund_of": accrual.refund_of_id,
        "marks_before": _marks(line.marks),
        "marks_after": None if line.marks is None else _marks(line.marks_after),
        "formula": line.formula(),
        "base_recomputed": line.base_again,
        "fee_recomputed": line.fee_again,
        "tenant_share_percent": accrual.share_percent,
        "tenant_share": accrual.share_amount,
        "tenant_share_order": accrual.share_order,
        "payout_rate": accrual.payout_rate,
        "payout_amount": accrual.payout_amount,
        "payout_recomputed": line.payout_again if paid else None,
        "payout_currency": accrual.payout_currency,
        "charge": _operation(line.charged),
        "payout": _operation(line.paid_out),
        "settled_time": unix(accrual.settled_at),
        "differs": int(bool(line.differences)),
        "differences": line.differences,
    }


def _copy(copy: Copy) -> dict[str, Any]:
    record_ = copy.record
    return {
        "order": copy.counted.record,
        "parent_order": None if record_ is None else record_.parent_id,
        "symbol": "" if record_ is None else record_.symbol,
        "volume": 0 if record_ is None else wire_of(record_.volume),
        "profit": 0 if record_ is None else record_.profit,
        "commission": 0 if record_ is None else record_.commission,
        "storage": 0 if record_ is None else record_.storage,
        "profit_booked": copy.booked,
        "share": copy.counted.share,
        "lots": copy.counted.lots,
        "net": copy.counted.net,
        "close_time": unix(copy.counted.closed_at),
        "differs": int(copy.differs),
    }


def _day(day: Day) -> dict[str, Any]:
    return {"day": day.day.isoformat(), "time": unix(day.at), "equity": day.equity, "counted": day.counted}


def _marks(marks: Marks | None) -> dict[str, Any] | None:
    return None if marks is None else {"result": marks.result, "paid": marks.paid, "mark": marks.mark}


def _operation(operation: Operation | None) -> dict[str, Any] | None:
    if operation is None:
        return None
    return {
        "order": operation.order,
        "login": operation.login,
        "amount": operation.amount,
        "currency": operation.currency,
        "reason": operation.reason,
        "copy_reward_accrual_id": operation.accrual_id,
        "time": unix(operation.at),
    }
