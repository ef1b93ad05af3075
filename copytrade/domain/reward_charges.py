"""What a reward comes to (D24): one function for charges as they are made and for those that a dry run foresees. Pure.

Worked numbers: docs/algorithms/fees.md. Amounts are in the currency of the account that is charged, rounded as it is
booked; `rate` converts amounts of the terms into it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardTerms, RewardType
from core.days import month_later
from core.money import round_money
from core.rounding import ONE, ZERO

_PERCENT: Final = Decimal(100)
_SATURDAY: Final = 6
_WORKING_DAYS: Final = 252
_MICROSECOND: Final = timedelta(microseconds=1)
_Instant = TypeVar("_Instant", date, datetime)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the performance fee of a pair of accounts stands, in the currency of the account that is charged.

    `result` is the net result of all its closed copies so far, `paid` what was charged for it, `mark` the highest that
    the result less what was paid has been, as the convention takes it.
    """

    result: Decimal = ZERO
    paid: Decimal = ZERO
    mark: Decimal = ZERO


def charge(
    terms: RewardTerms, base: Decimal, currency: str, *, rate: Decimal = ONE, marks: Marks | None = None
) -> tuple[Decimal, Marks]:
    """The fee on a base, never below zero, and the marks after it.

    The base is, by type: the fee of a period; the net result of its closed copies; the lots closed in it; the net result
    of one closed copy; the sum of the equities of its days (`managed_base`).
    """
    marks = marks or Marks()
    share = terms.fee_percent / _PERCENT
    match terms.reward_type:
        case RewardType.SUBSCRIPTION_FEE:
            fee = base * rate
        case RewardType.VOLUME_REBATE:
            fee = base * terms.fee_amount * rate
        case RewardType.PROFIT_SHARE_PER_TRADE:
            fee = base * share
        case RewardType.MANAGEMENT_FEE:
            fee = base * share / terms.day_count
        case RewardType.PERFORMANCE_FEE_HWM:
            return _performance(terms, base, marks, currency)
    return max(ZERO, round_money(fee, currency)), marks


def _performance(terms: RewardTerms, won: Decimal, marks: Marks, currency: str) -> tuple[Decimal, Marks]:
    """`fee_percent` of what the result less rewards paid is above its mark; see D24 for the conventions."""
    share = terms.fee_percent / _PERCENT
    result = marks.result + won
    before = result - marks.paid
    if not terms.hwm_enabled:
        fee = won * share
    elif terms.hwm_convention is HwmConvention.CUMULATIVE:
        fee = result * share - marks.paid
    else:
        fee = (before - marks.mark) * share
    fee = max(ZERO, round_money(fee, currency))
    reached = before - fee if terms.hwm_convention is HwmConvention.NET else before
    return fee, Marks(result, marks.paid + fee, max(marks.mark, reached))


def managed_base(terms: RewardTerms, days: Iterable[tuple[date, Decimal]]) -> Decimal:
    """The sum of the equities at the ends of these days; of 252 days a year the week's five count."""
    counted = (equity for day, equity in days if terms.day_count > _WORKING_DAYS or day.isoweekday() < _SATURDAY)
    return sum((max(ZERO, equity) for equity in counted), ZERO)


def unused_part(fee: Decimal, begin: datetime, end: datetime, stop: datetime, currency: str) -> Decimal:
    """What is given back of a fee that was paid for the time from `begin` to `end`, when it is over at `stop`."""
    return round_money(fee * unused_share(begin, end, stop), currency)


def unused_share(begin: datetime, end: datetime, stop: datetime) -> Decimal:
    """The share of the time from `begin` to `end` that is left at `stop`: 1 before it, 0 after it."""
    whole, left = (end - begin) // _MICROSECOND, (end - max(stop, begin)) // _MICROSECOND
    return Decimal(left) / Decimal(whole) if left > 0 else ZERO


def period_begin(first: _Instant, number: int, billing: BillingPeriod) -> _Instant:
    """When period `number` begins, counted from 0, if the first one began at `first`; one that is paid once has months,
    by which it is given back and its terms may change."""
    if billing is BillingPeriod.WEEKLY:
        return first + timedelta(weeks=number)
    return month_later(first, number)
