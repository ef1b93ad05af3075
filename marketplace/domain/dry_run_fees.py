"""What a master's terms would have cost a follower (D24), from what a dry run closed and was worth. Pure.

Periods run from the beginning of the dry run, as if the subscription had begun then; the running one is settled at the
end, as it would be when copying stops.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from copytrade.domain.reward_charges import Marks, charge, managed_base, period_begin
from copytrade.domain.rewards_terms import BillingPeriod, RewardTerms, RewardType
from core.rounding import ZERO
from marketplace.domain.dry_run import Closed, CurvePoint


def reward_fees(
    terms: RewardTerms, *, closed: Sequence[Closed], curve: Sequence[CurvePoint], rate: Decimal, currency: str
) -> Decimal:
    """The sum of all charges in the follower's `currency`.

    `curve` begins and ends with the dry run and has a point at each end of a day; `rate` converts amounts of the terms.
    """
    paid, marks = ZERO, Marks()
    for base in _bases(terms, closed, curve):
        fee, marks = charge(terms, base, currency, rate=rate, marks=marks)
        paid += fee
    return paid


def _bases(terms: RewardTerms, closed: Sequence[Closed], curve: Sequence[CurvePoint]) -> Sequence[Decimal]:
    """What is charged one after the other: trades, or periods."""
    begin, end = curve[0].time, curve[-1].time
    match terms.reward_type:
        case RewardType.PROFIT_SHARE_PER_TRADE:
            return [trade.net for trade in closed if trade.net > ZERO]
        case RewardType.SUBSCRIPTION_FEE:
            once = terms.billing_period is BillingPeriod.ONE_TIME
            return [terms.fee_amount for _period in ([begin] if once else _begins(terms, begin, end))]
        case RewardType.VOLUME_REBATE:
            return _per_period(terms, [(trade.at, trade.lots) for trade in closed], begin, end)
        case RewardType.PERFORMANCE_FEE_HWM:
            return _per_period(terms, [(trade.at, trade.net) for trade in closed], begin, end)
        case RewardType.MANAGEMENT_FEE:
            ends = [(point.time, managed_base(terms, [(point.time, point.equity)])) for point in curve[1:-1]]
            return _per_period(terms, ends, begin, end)


def _per_period(
    terms: RewardTerms, amounts: Sequence[tuple[datetime, Decimal]], begin: datetime, end: datetime
) -> list[Decimal]:
    """The sum of the amounts of each period, which come in the order of their instants."""
    begins = [*_begins(terms, begin, end), end]
    sums = [ZERO] * (len(begins) - 1)
    number = 0
    for at, amount in amounts:
        while number < len(sums) - 1 and at >= begins[number + 1]:
            number += 1
        sums[number] += amount
    return sums


def _begins(terms: RewardTerms, begin: datetime, end: datetime) -> Iterator[datetime]:
    """When periods begin, the first with the dry run."""
    number, at = 0, begin
    while at < end:
        yield at
        number += 1
        at = period_begin(begin, number, terms.billing_period)
