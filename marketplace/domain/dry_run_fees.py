"""What a master's terms would have cost a follower (D24), from what a dry run closed and was worth. Pure.

Periods run from the beginning of the dry run, as if the subscription had begun then; the running one is settled at the
end, as it would be when copying stops.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardTerms, RewardType
from core.days import month_later
from core.money import round_money
from core.rounding import ZERO
from marketplace.domain.dry_run import Closed, CurvePoint

_PERCENT = Decimal(100)
_SATURDAY = 6


def reward_fees(
    terms: RewardTerms,
    convention: HwmConvention,
    *,
    closed: Sequence[Closed],
    curve: Sequence[CurvePoint],
    rate: Decimal,
    currency: str,
) -> Decimal:
    """The sum of all charges in the follower's `currency`.

    `curve` begins and ends with the dry run and has a point at each end of a day; `rate` converts amounts of the terms.
    """
    begin, end = curve[0].time, curve[-1].time
    match terms.reward_type:
        case RewardType.SUBSCRIPTION_FEE:
            once = terms.billing_period is BillingPeriod.ONE_TIME
            charges = [terms.fee_amount * rate for _period in ([begin] if once else list(_begins(terms, begin, end)))]
        case RewardType.VOLUME_REBATE:
            charges = [lots * terms.fee_amount * rate for lots in _per_period(terms, closed, begin, end, "lots")]
        case RewardType.PROFIT_SHARE_PER_TRADE:
            charges = [trade.net * terms.fee_percent / _PERCENT for trade in closed if trade.net > ZERO]
        case RewardType.MANAGEMENT_FEE:
            charges = _managed(terms, curve)
        case RewardType.PERFORMANCE_FEE_HWM:
            return _performance(terms, convention, _per_period(terms, closed, begin, end, "net"), currency)
    return sum((round_money(charge, currency) for charge in charges), ZERO)


def _performance(terms: RewardTerms, convention: HwmConvention, results: Sequence[Decimal], currency: str) -> Decimal:
    """`fee_percent` of what the result less rewards paid is above its mark; see D24 for the conventions."""
    share = terms.fee_percent / _PERCENT
    result, paid, mark = ZERO, ZERO, ZERO
    for won in results:
        result += won
        if not terms.hwm_enabled:
            fee = max(ZERO, won) * share
        elif convention is HwmConvention.CUMULATIVE:
            fee = max(ZERO, result * share - paid)
        else:
            fee = max(ZERO, result - paid - mark) * share
        fee = round_money(fee, currency)
        before = result - paid
        paid += fee
        mark = max(mark, before if convention is HwmConvention.GROSS else before - fee)
    return paid


def _managed(terms: RewardTerms, curve: Sequence[CurvePoint]) -> list[Decimal]:
    """A day's share of the yearly percent of each day's last equity; of 252 days a year the week's five count."""
    days = [p for p in curve[1:-1] if terms.day_count > 252 or p.time.isoweekday() < _SATURDAY]
    yearly = sum((max(ZERO, point.equity) for point in days), ZERO) * terms.fee_percent / _PERCENT
    return [yearly / terms.day_count]


def _per_period(
    terms: RewardTerms, closed: Sequence[Closed], begin: datetime, end: datetime, field: str
) -> list[Decimal]:
    """The sum of `field` over what was closed in each period."""
    begins = [*_begins(terms, begin, end), end]
    sums = [ZERO] * (len(begins) - 1)
    number = 0
    for trade in closed:
        while number < len(sums) - 1 and trade.at >= begins[number + 1]:
            number += 1
        sums[number] += getattr(trade, field)
    return sums


def _begins(terms: RewardTerms, begin: datetime, end: datetime) -> Iterator[datetime]:
    """When periods begin, the first with the dry run."""
    number, at = 0, begin
    while at < end:
        yield at
        number += 1
        weekly = terms.billing_period is BillingPeriod.WEEKLY
        at = begin + timedelta(weeks=number) if weekly else month_later(begin, number)
