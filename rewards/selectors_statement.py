"""The fee statement of a subscription (X04): every fee worked out anew from stored rows, beside what was charged.

Nothing is taken over from the charge but its frozen terms and rate: closed copies are read from the account's records and
from what the ledger booked for them, equities from the ended days, marks from the charges before. What does not come to
the same is named in `Line.differences` and never hidden.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db.models import Case, F, Sum, When

from copytrade.domain.reward_charges import Marks, charge, managed_base, unused_part, unused_share
from copytrade.domain.rewards_terms import RewardTerms, RewardType
from copytrade.models import CopySubscription
from copytrade.services.rewards import stored_terms
from core.rounding import ONE, ZERO, plain, stored
from core.states import Reason, TradeState
from infra.actor import Actor
from infra.fields import ExactDecimalField
from ledger.models import Transfer, TransferReason
from rewards.domain.formula import Write, fee_formula, plainly, unused_formula, used_formula
from rewards.models import AccrualState, RewardAccrual, RewardAgreement, RewardTrade
from rewards.selectors import LOADED, agreement_of, subscription_charged
from rewards.selectors_days import ended_days
from rewards.selectors_proof import marks_before, payout_again
from rewards.services.charges import MASTER_STOPPED
from trading.models import Trade


class Difference(StrEnum):
    """What of a charge does not come to the same when it is worked out anew."""

    COPIES = "COPIES"  # a closed copy is not what its record and the ledger say
    BASE = "BASE"
    MARKS = "MARKS"
    FEE = "FEE"
    SHARE = "SHARE"
    PAYOUT = "PAYOUT"
    CHARGE_OPERATION = "CHARGE_OPERATION"  # what was booked out of the follower's account
    PAYOUT_OPERATION = "PAYOUT_OPERATION"  # what was booked into the payout account
    SHARE_TRANSFER = "SHARE_TRANSFER"


@dataclass(frozen=True, slots=True)
class Copy:
    """A closed copy as it was counted (`lots`, `net`) beside its record. `booked`: the profit by the ledger."""

    counted: RewardTrade
    record: Trade | None
    booked: Decimal

    @property
    def lots_again(self) -> Decimal:
        return ZERO if self.record is None else stored(self.record.volume * self.counted.share)

    @property
    def net_again(self) -> Decimal:
        if self.record is None:
            return ZERO
        net = self.booked + self.record.commission + self.record.storage
        return stored(net * self.counted.share)

    @property
    def differs(self) -> bool:
        return self.lots_again != self.counted.lots or self.net_again != self.counted.net


@dataclass(frozen=True, slots=True)
class Day:
    """An ended trading day of a management fee; `counted` as the terms count days."""

    day: date
    at: datetime
    equity: Decimal
    counted: Decimal


@dataclass(frozen=True, slots=True)
class Operation:
    """A balance operation of a settled charge: `amount` by the ledger, `recorded` by the account's record, both signed."""

    order: int
    login: int
    currency: str
    amount: Decimal
    recorded: Decimal
    reason: int
    accrual_id: int | None
    at: datetime


@dataclass(slots=True)
class Line:
    """One charge: what it was made from, what it comes to again, and how it was settled."""

    accrual: RewardAccrual
    terms: RewardTerms
    copies: list[Copy] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    prepaid: RewardAccrual | None = None
    """The prepaid charge of which a part is given back, or of which only a part was used."""
    marks: Marks | None = None
    marks_after: Marks | None = None
    base_again: Decimal = ZERO
    fee_again: Decimal = ZERO
    charged: Operation | None = None
    paid_out: Operation | None = None
    share: Transfer | None = None
    share_again: Decimal = ZERO
    payout_again: Decimal = ZERO
    differences: list[Difference] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        return self.accrual.state == AccrualState.SETTLED

    def formula(self, write: Write = plainly) -> str:
        """How the fee is worked out, with its numbers; `write` writes one number."""
        accrual, prepaid = self.accrual, self.prepaid
        if prepaid is None:
            return fee_formula(self.terms, self.base_again, rate=accrual.rate, marks=self.marks, write=write)
        begin, end, stop = _prepaid_times(accrual, prepaid)
        if accrual.refund_of_id is not None:
            return unused_formula(prepaid.fee_amount, begin, end, stop, write=write)
        line = used_formula(prepaid.base_amount, begin, end, stop, write=write)
        return line if accrual.rate == ONE else f"{line} × {write(accrual.rate)}"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a statement in the follower's currency; `paid_out` by currency."""

    charged: Decimal
    charged_again: Decimal
    given_back: Decimal
    waiting: Decimal
    failed: Decimal
    tenant_share: Decimal
    paid_out: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Statement:
    """All charges of a subscription, newest first. `agreement`: where its pair stands; None before it has begun, and
    where nothing is ever charged."""

    subscription: CopySubscription
    agreement: RewardAgreement | None
    lines: list[Line]

    @property
    def differs(self) -> bool:
        return any(line.differences for line in self.lines)

    @property
    def totals(self) -> Totals:
        settled = [line for line in self.lines if line.settled]
        paid_out: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in settled:
            paid_out[line.accrual.payout_currency] += line.accrual.payout_amount or ZERO
        return Totals(
            charged=_sum(line.accrual.fee_amount for line in settled),
            charged_again=_sum(line.fee_again for line in settled),
            given_back=-_sum(line.accrual.fee_amount for line in settled if line.accrual.fee_amount < 0),
            waiting=_sum(line.accrual.fee_amount for line in self.lines if line.accrual.state in _WAITING),
            failed=_sum(line.accrual.fee_amount for line in self.lines if line.accrual.state == AccrualState.FAILED),
            tenant_share=_sum(line.accrual.share_amount for line in settled),
            paid_out=dict(paid_out),
        )


_WAITING: Final = (AccrualState.ACCRUED, AccrualState.SETTLING)


def statement_of(actor: Actor, subscription_id: int) -> Statement:
    """The statement of a subscription to a master, also of one that has ended, for either side and for staff: 404 for an
    unknown one, 403 for others'. A fixed number of queries."""
    subscription = subscription_charged(actor, subscription_id)
    found = RewardAccrual.objects.select_related(*LOADED).filter(subscription_id=subscription_id)
    accruals = list(found.order_by("-created_at", "-pk"))
    return Statement(subscription, agreement_of(subscription_id), _lines(accruals))


def _lines(accruals: Sequence[RewardAccrual]) -> list[Line]:
    lines = [Line(accrual, stored_terms(accrual.terms), prepaid=accrual.refund_of) for accrual in accruals]
    if not lines:
        return []
    copies, days, marks = _copies(accruals), _days(accruals), _marks(accruals)
    stopped = {a.period_from: a for a in accruals if a.failure_reason == MASTER_STOPPED}
    operations, shares = _operations(accruals), _shares(accruals)
    for line in lines:
        accrual = line.accrual
        line.copies = copies.get(accrual.pk, [])
        line.marks = marks.get(accrual.pk)
        if accrual.reward_type == RewardType.MANAGEMENT_FEE:
            line.days = _days_of(line, days.get(accrual.follower_id, ()))
        if accrual.reward_type == RewardType.SUBSCRIPTION_FEE and accrual.failure_reason != MASTER_STOPPED:
            line.prepaid = line.prepaid or stopped.get(accrual.period_from)
        line.charged = operations.get(accrual.charge_order or 0)
        line.paid_out = operations.get(accrual.payout_order or 0)
        line.share = shares.get(accrual.share_order or 0)
        _work_out(line)
        _compare(line)
    return lines


def _work_out(line: Line) -> None:
    """Base, fee, share and payout, from the rows that were read."""
    accrual = line.accrual
    line.base_again = _base_of(line)
    if accrual.refund_of is not None:
        begin, end, stop = _prepaid_times(accrual, accrual.refund_of)
        line.fee_again = -unused_part(accrual.refund_of.fee_amount, begin, end, stop, accrual.currency)
    else:
        line.fee_again, line.marks_after = charge(
            line.terms, line.base_again, accrual.currency, rate=plain(accrual.rate), marks=line.marks
        )
    line.share_again, line.payout_again = payout_again(accrual)


def _base_of(line: Line) -> Decimal:
    match line.terms.reward_type:
        case RewardType.PERFORMANCE_FEE_HWM | RewardType.PROFIT_SHARE_PER_TRADE:
            return _sum(copy.net_again for copy in line.copies)
        case RewardType.VOLUME_REBATE:
            return _sum(copy.lots_again for copy in line.copies)
        case RewardType.MANAGEMENT_FEE:
            return managed_base(line.terms, ((day.day, day.equity) for day in line.days))
        case RewardType.SUBSCRIPTION_FEE:
            if line.prepaid is None:
                return line.terms.fee_amount
            if line.accrual.refund_of_id is not None:
                return plain(line.prepaid.fee_amount)
            begin, end, stop = _prepaid_times(line.accrual, line.prepaid)
            return stored(line.prepaid.base_amount * (1 - unused_share(begin, end, stop)))


def _compare(line: Line) -> None:
    """Names what differs between what was charged and what it comes to again."""
    accrual = line.accrual
    told = {
        Difference.COPIES: any(copy.differs for copy in line.copies),
        Difference.BASE: line.base_again != accrual.base_amount,
        Difference.MARKS: line.marks is not None and line.marks != marks_before(accrual),
        Difference.FEE: line.fee_again != accrual.fee_amount,
    }
    if line.settled:
        told |= {
            Difference.SHARE: line.share_again != accrual.share_amount,
            Difference.PAYOUT: line.payout_again != accrual.payout_amount,
            Difference.CHARGE_OPERATION: not _books(line.charged, accrual, accrual.follower.login, -accrual.fee_amount),
            Difference.PAYOUT_OPERATION: not _books(
                line.paid_out, accrual, accrual.payout_account.login, accrual.payout_amount
            ),
            Difference.SHARE_TRANSFER: abs(accrual.share_amount) != (line.share.amount if line.share else ZERO),
        }
    line.differences = [what for what, differs in told.items() if differs]


def _books(operation: Operation | None, accrual: RewardAccrual, login: int, amount: Decimal | None) -> bool:
    """Whether the record and its transfer say that this charge moved this amount."""
    return (
        operation is not None
        and (operation.login, operation.accrual_id, operation.reason) == (login, accrual.pk, Reason.COPY_REWARD)
        and operation.amount == operation.recorded == amount
    )


def _prepaid_times(accrual: RewardAccrual, prepaid: RewardAccrual) -> tuple[datetime, datetime, datetime]:
    """From when to when a prepaid charge was for, and when that was over."""
    stop = accrual.period_from if accrual.refund_of_id is not None else accrual.period_to
    assert prepaid.period_from is not None
    assert prepaid.period_to is not None
    assert stop is not None
    return prepaid.period_from, prepaid.period_to, stop


# --- What is read -------------------------------------------------------------------------------------------------------


def _copies(accruals: Sequence[RewardAccrual]) -> dict[int, list[Copy]]:
    """The closed copies of each charge in the order of their closing, each with its record and what was booked for it."""
    counted = list(RewardTrade.objects.filter(accrual_id__in=[a.pk for a in accruals]).order_by("closed_at", "record"))
    if not counted:
        return {}
    follower_id, numbers = accruals[0].follower_id, [one.record for one in counted]
    closed = (TradeState.CLOSED, TradeState.CLOSED_PART)
    records = Trade.objects.filter(account_id=follower_id, pk__in=numbers, state__in=closed).in_bulk()
    booked = _booked(follower_id, numbers, counted[0].closed_at, counted[-1].closed_at)
    found: defaultdict[int, list[Copy]] = defaultdict(list)
    for one in counted:
        found[one.accrual_id or 0].append(Copy(one, records.get(one.record), booked.get(one.record, ZERO)))
    return found


def _booked(account_id: int, records: Collection[int], since: datetime, until: datetime) -> dict[int, Decimal]:
    """The trading profit that the ledger holds for each of these records."""
    signed = Case(
        When(credit_id=F("account_id"), then=F("amount")), default=-F("amount"), output_field=ExactDecimalField()
    )
    profits = Transfer.objects.filter(
        account_id=account_id,
        booked_at__range=(since, until),
        reason=TransferReason.TRADE_PROFIT,
        reference__in=list(records),
    )
    sums = profits.order_by().values("reference").annotate(booked=Sum(signed)).values_list("reference", "booked")
    return {number: booked for number, booked in sums if number is not None}


def _days(accruals: Sequence[RewardAccrual]) -> dict[int, Any]:
    managed = [a for a in accruals if a.reward_type == RewardType.MANAGEMENT_FEE and a.period_from and a.period_to]
    if not managed:
        return {}
    begins, ends = zip(*((a.period_from, a.period_to) for a in managed), strict=True)
    return ended_days({a.follower_id for a in managed}, min(begins), max(ends))


def _days_of(line: Line, days: Iterable[Any]) -> list[Day]:
    begin, end = line.accrual.period_from, line.accrual.period_to
    assert begin is not None
    assert end is not None
    return [
        Day(one.day, one.at, one.equity, managed_base(line.terms, [(one.day, one.equity)]))
        for one in days
        if begin < one.at <= end
    ]


def _marks(accruals: Sequence[RewardAccrual]) -> dict[int, Marks]:
    """For each performance fee where the ones before it left the pair, those of earlier subscriptions too."""
    pairs = {a.agreement_id for a in accruals if a.reward_type == RewardType.PERFORMANCE_FEE_HWM}
    if not pairs:
        return {}
    found: dict[int, Marks] = {}
    after: defaultdict[int, Marks] = defaultdict(Marks)
    performance = RewardAccrual.objects.select_related("terms").filter(
        agreement_id__in=pairs, reward_type=RewardType.PERFORMANCE_FEE_HWM
    )
    for one in performance.order_by("agreement_id", "period_number"):
        marks = found[one.pk] = after[one.agreement_id]
        base = plain(one.base_amount)
        after[one.agreement_id] = charge(stored_terms(one.terms), base, one.currency, marks=marks)[1]
    return found


def _operations(accruals: Sequence[RewardAccrual]) -> dict[int, Operation]:
    """The balance operations of settled charges by order number: the record's, at the amount that the ledger booked."""
    numbers = {number for a in accruals for number in (a.charge_order, a.payout_order) if number is not None}
    transfers = Transfer.objects.filter(pk__in=numbers, reason=TransferReason.COPY_REWARD).in_bulk()
    found = {}
    for record in Trade.objects.select_related("account").filter(pk__in=numbers):
        transfer = transfers.get(record.pk)
        if transfer is None or transfer.account_id != record.account_id:
            continue
        amount = transfer.amount if transfer.credit_id == record.account_id else -transfer.amount
        data = json.loads(record.api_data or "{}")
        found[record.pk] = Operation(
            order=record.pk,
            login=record.account.login,
            currency=transfer.currency,
            amount=amount,
            recorded=record.profit,
            reason=record.reason,
            accrual_id=data.get("copy_reward_accrual_id"),
            at=transfer.booked_at,
        )
    return found


def _shares(accruals: Sequence[RewardAccrual]) -> dict[int, Transfer]:
    numbers = [a.share_order for a in accruals if a.share_order is not None]
    return Transfer.objects.filter(pk__in=numbers, reason=TransferReason.COPY_REWARD).in_bulk() if numbers else {}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
