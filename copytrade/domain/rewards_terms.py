"""Which reward terms a master may ask: the table of types, as a pure check."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final

from core.rounding import ZERO


class RewardType(IntEnum):
    """What a reward is paid for."""

    SUBSCRIPTION_FEE = 0
    PERFORMANCE_FEE_HWM = 1
    VOLUME_REBATE = 2
    PROFIT_SHARE_PER_TRADE = 3
    MANAGEMENT_FEE = 4


class BillingPeriod(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    ONE_TIME = "one_time"


class HwmConvention(StrEnum):
    """How the high-water mark is taken (D24)."""

    GROSS = "GROSS"
    NET = "NET"
    CUMULATIVE = "CUMULATIVE"


class TermsProblem(StrEnum):
    """What is wrong with a field of the terms."""

    NOT_OF_THIS_TYPE = "NOT_OF_THIS_TYPE"
    PERIOD = "PERIOD"
    NOT_POSITIVE = "NOT_POSITIVE"
    TOO_HIGH = "TOO_HIGH"
    DAY_COUNT = "DAY_COUNT"


DEFAULT_PERIOD: Final = BillingPeriod.MONTHLY
DAY_COUNTS: Final = (365, 252)


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """Terms as they would be stored. `fee_amount` in the policy's currency, `fee_percent` in per cent.

    Fields that a type does not use hold their defaults.
    """

    reward_type: RewardType
    billing_period: BillingPeriod = DEFAULT_PERIOD
    fee_amount: Decimal = ZERO
    fee_percent: Decimal = ZERO
    hwm_enabled: bool = False
    hwm_convention: HwmConvention = HwmConvention.GROSS
    day_count: int = DAY_COUNTS[0]


@dataclass(frozen=True, slots=True)
class _Row:
    """One type of the table: its periods (none: it is charged at once), and the fee that it uses."""

    periods: tuple[BillingPeriod, ...]
    fee_field: str
    fee_percent_max: Decimal = ZERO


_REPEATED = (BillingPeriod.WEEKLY, BillingPeriod.MONTHLY)

_TABLE: Final[dict[RewardType, _Row]] = {
    RewardType.SUBSCRIPTION_FEE: _Row((*_REPEATED, BillingPeriod.ONE_TIME), "fee_amount"),
    RewardType.PERFORMANCE_FEE_HWM: _Row(_REPEATED, "fee_percent", Decimal(50)),
    RewardType.VOLUME_REBATE: _Row(_REPEATED, "fee_amount"),
    RewardType.PROFIT_SHARE_PER_TRADE: _Row((), "fee_percent", Decimal(50)),
    RewardType.MANAGEMENT_FEE: _Row(_REPEATED, "fee_percent", Decimal(10)),
}


def fields_of_type(reward_type: RewardType) -> frozenset[str]:
    """The fields that a type uses; the others keep their defaults."""
    row = _TABLE[reward_type]
    used = {row.fee_field}
    if row.periods:
        used.add("billing_period")
    if reward_type is RewardType.PERFORMANCE_FEE_HWM:
        used.add("hwm_enabled")
    return frozenset(used)


def terms_problem(terms: RewardTerms) -> tuple[str, TermsProblem] | None:
    """The first field that the type does not allow as it stands, and why; None for terms that are fine."""
    row = _TABLE[terms.reward_type]
    if terms.billing_period not in (row.periods or (DEFAULT_PERIOD,)):
        return "billing_period", TermsProblem.PERIOD if row.periods else TermsProblem.NOT_OF_THIS_TYPE
    fee = terms.fee_amount if row.fee_field == "fee_amount" else terms.fee_percent
    other_field, other = (
        ("fee_percent", terms.fee_percent) if row.fee_field == "fee_amount" else ("fee_amount", terms.fee_amount)
    )
    if other != 0:
        return other_field, TermsProblem.NOT_OF_THIS_TYPE
    if fee <= 0:
        return row.fee_field, TermsProblem.NOT_POSITIVE
    if row.fee_field == "fee_percent" and fee > row.fee_percent_max:
        return row.fee_field, TermsProblem.TOO_HIGH
    if terms.day_count not in DAY_COUNTS:
        return "day_count", TermsProblem.DAY_COUNT
    return None
