"""How a pair of accounts is settled as time goes on (D24): what is charged, when periods end, when terms change. Pure.

`pair_walk` brings a pair from where it stands to an instant, however long ago it was looked at last, and gives the charges
that are due on the way. The rules in words: docs/algorithms/fees.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from copytrade.domain.reward_charges import Marks, charge, managed_base, period_begin
from copytrade.domain.rewards_terms import BillingPeriod, RewardTerms, RewardType
from core.days import ONE_DAY, DayBoundary
from core.rounding import ONE, ZERO

FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Until when a fee that is paid once has been paid."""
KEPT: Final = timedelta(days=180)
"""How long marks and prepaid periods outlive a subscription."""
NOTHING_DUE: Final = "NOTHING_DUE"
POLICY_DISABLED: Final = "POLICY_DISABLED"

BY_TRADES: Final = (RewardType.PERFORMANCE_FEE_HWM, RewardType.VOLUME_REBATE, RewardType.PROFIT_SHARE_PER_TRADE)
"""Types that look at closed copies."""
_IN_OWN_CURRENCY: Final = (RewardType.SUBSCRIPTION_FEE, RewardType.VOLUME_REBATE)
"""Types whose `fee_amount` is in the terms' currency."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A version of terms; `currency` is that of its `fee_amount`."""

    id: int
    terms: RewardTerms
    currency: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ClosedCopy:
    """A closed copy that no charge has looked at yet; lots and net result as far as copying opened it."""

    id: int
    record: int
    closed_at: datetime
    lots: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class DayEquity:
    """What the follower's account was worth at the end of a trading day."""

    day: date
    at: datetime
    equity: Decimal


@dataclass(slots=True)
class Pair:
    """Where a pair stands; fields as in `rewards.models.RewardAgreement`. `trades` come in the order of their closing."""

    agreed: Agreed
    anchor_day: date
    period_from: datetime
    period_to: datetime
    next_agreed: Agreed | None = None
    next_allowed: bool = True
    anchor_number: int = 1
    period_number: int = 1
    marks: Marks = field(default_factory=Marks)
    prepaid_until: datetime | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    trades: list[ClosedCopy] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the walk is told. `stop`: when the subscription ended, `master_stopped` because the master did; `flat`: nothing
    of it is open any more; `resumed_at`: when the pair's next subscription began. `policy_enabled` is the master's switch
    as it stands now, `running` whether a new prepaid period may begin. `days` are the ended days since the period began,
    complete up to `days_until`.
    """

    at: datetime
    boundary: DayBoundary
    currency: str
    rates: Mapping[str, Decimal]
    policy_enabled: bool = True
    running: bool = True
    stop: datetime | None = None
    master_stopped: bool = False
    flat: bool = False
    resumed_at: datetime | None = None
    days: Sequence[DayEquity] = ()
    days_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge in the follower's currency. `record`: of one closed copy, else of period `number`.

    Without `reason` it is to be settled, unless it is still `growing`; with one it is kept for the record only.
    """

    agreed: Agreed
    base: Decimal
    fee: Decimal
    rate: Decimal
    record: int | None = None
    number: int | None = None
    begin: datetime | None = None
    end: datetime | None = None
    before: Marks | None = None
    trades: tuple[int, ...] = ()
    reason: str = ""
    growing: bool = False


@dataclass(slots=True)
class Walked:
    """`counted`: closed copies that were looked at, charged or not. `refused`: the follower has not accepted the dearer
    terms that begin now, so the subscription has to end first. `back_from`: what is prepaid beyond is given back."""

    charges: list[Charge] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)
    refused: bool = False
    back_from: datetime | None = None


def period_end(pair: Pair, boundary: DayBoundary) -> datetime:
    """When the running period ends: with the day before the next one's. Periods begin and end with trading days, the first
    one with the subscription. After another day boundary came in, the first end that is later than the beginning."""
    while True:
        later = pair.period_number - pair.anchor_number + 1
        end = boundary.end_of(period_begin(pair.anchor_day, later, pair.agreed.terms.billing_period) - ONE_DAY)
        if end > pair.period_from:
            return end
        pair.anchor_number -= 1


def pair_begin(agreed: Agreed, at: datetime, boundary: DayBoundary) -> Pair:
    """A pair whose first period begins at `at`."""
    pair = Pair(agreed, boundary.day_of(at), at, at)
    pair.period_to = period_end(pair, boundary)
    return pair


def pair_resume(pair: Pair, agreed: Agreed, at: datetime, boundary: DayBoundary) -> None:
    """A new subscription of a pair whose last one is settled: by new terms, with its marks and what is prepaid.

    What is prepaid is used up before a new period begins to be charged.
    """
    pair.agreed, pair.next_agreed = agreed, None
    pair.ended_at = pair.closed_at = None
    _period_next(pair, at, boundary, anew=True)
    if agreed.terms.reward_type is not RewardType.SUBSCRIPTION_FEE:
        return
    once = agreed.terms.billing_period is BillingPeriod.ONE_TIME
    if pair.prepaid_until == FOR_EVER and not once:
        pair.prepaid_until = None
    if pair.prepaid_until is not None and at < pair.prepaid_until < FOR_EVER:
        pair.period_to = pair.prepaid_until
        pair.anchor_day = boundary.day_of(pair.prepaid_until)
        pair.anchor_number = pair.period_number + 1


def pair_walk(pair: Pair, facts: Facts) -> Walked:
    """Brings the pair to `facts.at`, as far as that can be: it waits for days that are not ended yet and for rates."""
    walked = Walked()
    while pair.closed_at is None:
        _prepay(pair, facts, walked)
        _share_trades(pair, facts, walked)
        end = _next_end(pair, facts)
        if end is None or not _complete(pair, facts, end):
            break
        if end == pair.period_to and pair.ended_at is None and _must_ask(pair) and facts.stop is None:
            walked.refused = True
            break
        if not _period_close(pair, facts, end, walked):
            break
        _go_on(pair, facts, end, walked)
    if pair.closed_at is None:
        _grow(pair, facts, walked)
    return walked


def _next_end(pair: Pair, facts: Facts) -> datetime | None:
    """The next instant at which a period is settled: its end, the subscription's, or that of its last copy."""
    ends = [pair.period_to]
    if pair.ended_at is None:
        stop = _stop(pair, facts)
        ends += [] if stop is None else [stop]
    elif facts.resumed_at is not None:
        ends.append(max(facts.resumed_at, pair.period_from))
    elif facts.flat:
        ends.append(facts.at)
    end = min(ends)
    return end if end <= facts.at else None


def _stop(pair: Pair, facts: Facts) -> datetime | None:
    """When the subscription ended: with the period, where it ended because the next terms were not accepted."""
    if facts.stop is not None and _must_ask(pair):
        return min(facts.stop, pair.period_to)
    return facts.stop


def _complete(pair: Pair, facts: Facts, end: datetime) -> bool:
    """Whether everything about the time until `end` is known."""
    if pair.agreed.terms.reward_type is not RewardType.MANAGEMENT_FEE or pair.ended_at is not None:
        return True
    # A day that ends at this very instant belongs to the period.
    last = facts.boundary.end_of(facts.boundary.ended_before(end))
    return last <= pair.period_from or (facts.days_until is not None and facts.days_until >= last)


def _must_ask(pair: Pair) -> bool:
    return pair.next_agreed is not None and not pair.next_allowed


def _charges(pair: Pair, facts: Facts) -> bool:
    """Whether the terms cost anything: both as agreed and by the master's switch now."""
    return pair.agreed.enabled and facts.policy_enabled


def _rate(pair: Pair, facts: Facts) -> Decimal | None:
    if pair.agreed.terms.reward_type not in _IN_OWN_CURRENCY or pair.agreed.currency == facts.currency:
        return ONE
    return facts.rates.get(pair.agreed.currency)


def _prepay(pair: Pair, facts: Facts, walked: Walked) -> None:
    """Charges the running period of a subscription fee, once it may begin."""
    terms, rate = pair.agreed.terms, _rate(pair, facts)
    stopped = pair.ended_at is not None or (facts.stop is not None and facts.stop <= pair.period_from)
    paid = pair.prepaid_until is not None and pair.prepaid_until > pair.period_from
    if terms.reward_type is not RewardType.SUBSCRIPTION_FEE or stopped or paid or rate is None:
        return
    if not (facts.running and _charges(pair, facts)):
        return
    fee, _marks = charge(terms, terms.fee_amount, facts.currency, rate=rate)
    once = terms.billing_period is BillingPeriod.ONE_TIME
    walked.charges.append(
        Charge(
            pair.agreed, terms.fee_amount, fee, rate, number=pair.period_number, begin=pair.period_from,
            end=pair.period_to, reason="" if fee else NOTHING_DUE,
        )
    )  # fmt: skip
    pair.prepaid_until = FOR_EVER if once else pair.period_to


def _share_trades(pair: Pair, facts: Facts, walked: Walked) -> None:
    """Charges closed copies one by one, where the terms say so."""
    if pair.agreed.terms.reward_type is not RewardType.PROFIT_SHARE_PER_TRADE:
        return
    for trade in _take(pair, pair.period_to, walked):
        fee, _marks = charge(pair.agreed.terms, trade.net, facts.currency)
        if fee and _charges(pair, facts):
            walked.charges.append(Charge(pair.agreed, trade.net, fee, ONE, record=trade.record, trades=(trade.id,)))


def _take(pair: Pair, end: datetime, walked: Walked) -> list[ClosedCopy]:
    """The closed copies before `end`, which are looked at now and never again."""
    taken = [trade for trade in pair.trades if trade.closed_at < end]
    pair.trades = pair.trades[len(taken) :]
    walked.counted += [trade.id for trade in taken]
    return taken


def _period_close(pair: Pair, facts: Facts, end: datetime, walked: Walked) -> bool:
    """Settles the running period at `end`; False when a rate is missing."""
    terms, rate = pair.agreed.terms, _rate(pair, facts)
    if terms.reward_type is RewardType.VOLUME_REBATE and rate is None:
        return False
    if terms.reward_type is not RewardType.PROFIT_SHARE_PER_TRADE:
        # What was closed at the very instant of a stop belongs to it.
        taken = _take(pair, end if end == pair.period_to else end + timedelta.resolution, walked)
        if terms.reward_type in BY_TRADES and taken and rate is not None and _charges(pair, facts):
            walked.charges.append(_charge_of_trades(pair, facts, taken, end, rate))
    if terms.reward_type is RewardType.MANAGEMENT_FEE and pair.ended_at is None:
        _manage(pair, facts, end, walked, growing=False)
    return True


def _charge_of_trades(pair: Pair, facts: Facts, taken: Sequence[ClosedCopy], end: datetime, rate: Decimal) -> Charge:
    performance = pair.agreed.terms.reward_type is RewardType.PERFORMANCE_FEE_HWM
    base = sum((trade.net if performance else trade.lots for trade in taken), ZERO)
    before = pair.marks
    fee, pair.marks = charge(pair.agreed.terms, base, facts.currency, rate=rate, marks=before)
    return Charge(
        pair.agreed, base, fee, rate, number=pair.period_number, begin=pair.period_from, end=end,
        before=before if performance else None, trades=tuple(trade.id for trade in taken),
        reason="" if fee else NOTHING_DUE,
    )  # fmt: skip


def _manage(pair: Pair, facts: Facts, end: datetime, walked: Walked, *, growing: bool) -> None:
    """The management fee of the running period's days up to `end`."""
    days = [(day.day, day.equity) for day in facts.days if pair.period_from < day.at <= end]
    base = managed_base(pair.agreed.terms, days)
    fee, _marks = charge(pair.agreed.terms, base, facts.currency)
    if not days or (growing and not _charges(pair, facts)):
        return
    reason = "" if fee or growing else NOTHING_DUE
    walked.charges.append(
        Charge(
            pair.agreed, base, fee, ONE, number=pair.period_number, begin=pair.period_from, end=end,
            reason=reason if _charges(pair, facts) else POLICY_DISABLED, growing=growing,
        )
    )  # fmt: skip


def _grow(pair: Pair, facts: Facts, walked: Walked) -> None:
    if pair.agreed.terms.reward_type is RewardType.MANAGEMENT_FEE and pair.ended_at is None and facts.days:
        _manage(pair, facts, min(facts.at, pair.period_to), walked, growing=True)


def _go_on(pair: Pair, facts: Facts, end: datetime, walked: Walked) -> None:
    """What comes after a settled period: the next one, or the time in which what is still open is closed, or nothing."""
    if pair.ended_at is not None:
        if end == pair.period_to:
            _period_next(pair, end, facts.boundary)
        else:
            pair.closed_at = end
    elif end == _stop(pair, facts):
        _stop_at(pair, facts, end, walked)
    else:
        anew = False
        if facts.stop is None and pair.next_agreed is not None:
            anew = pair.next_agreed.terms.billing_period is not pair.agreed.terms.billing_period
            pair.agreed, pair.next_agreed = pair.next_agreed, None
            pair.prepaid_until = None if pair.prepaid_until is None else min(pair.prepaid_until, end)
        _period_next(pair, end, facts.boundary, anew=anew)


def _stop_at(pair: Pair, facts: Facts, end: datetime, walked: Walked) -> None:
    """The subscription is over; what is still open is closed in what is left of the period, and in those after it."""
    if facts.master_stopped and pair.prepaid_until is not None and pair.prepaid_until > end:
        walked.back_from = pair.prepaid_until = end
    pair.ended_at = pair.period_from = end
    pair.period_number += 1
    pair.anchor_number += 1
    pair.period_to = period_end(pair, facts.boundary)


def _period_next(pair: Pair, begin: datetime, boundary: DayBoundary, *, anew: bool = False) -> None:
    """The next period begins; with `anew` dates are counted from its first day."""
    pair.period_number += 1
    pair.period_from = begin
    if anew:
        pair.anchor_day, pair.anchor_number = boundary.day_of(begin), pair.period_number
    pair.period_to = period_end(pair, boundary)
