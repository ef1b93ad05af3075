"""How a fee was worked out, as a line that a person can work through again. Pure.

`fee_formula` writes what `copytrade.domain.reward_charges.charge` computes before it rounds; a test evaluates every line.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from copytrade.domain.reward_charges import Marks
from copytrade.domain.rewards_terms import HwmConvention, RewardTerms, RewardType
from core.rounding import ONE, plain

Write = Callable[[Decimal], str]

_SECOND = timedelta(seconds=1) // timedelta.resolution


def plainly(value: Decimal) -> str:
    """A number with a point, without grouping, exponent or trailing zeros."""
    return format(plain(value), "f")


def fee_formula(
    terms: RewardTerms, base: Decimal, *, rate: Decimal = ONE, marks: Marks | None = None, write: Write = plainly
) -> str:
    """The line of a charge on `base`; `marks` as they stood before it."""
    percent = f"{write(terms.fee_percent)} / 100"
    converted = "" if rate == ONE else f" × {write(rate)}"
    match terms.reward_type:
        case RewardType.SUBSCRIPTION_FEE:
            return f"{_number(base, write)}{converted}"
        case RewardType.VOLUME_REBATE:
            return f"{_number(base, write)} × {write(terms.fee_amount)}{converted}"
        case RewardType.PROFIT_SHARE_PER_TRADE:
            return f"{_number(base, write)} × {percent}"
        case RewardType.MANAGEMENT_FEE:
            return f"{_number(base, write)} × {percent} / {terms.day_count}"
        case RewardType.PERFORMANCE_FEE_HWM:
            return f"max(0, {_performance(terms, base, marks or Marks(), percent, write)})"


def _performance(terms: RewardTerms, base: Decimal, marks: Marks, percent: str, write: Write) -> str:
    if not terms.hwm_enabled:
        return f"{_number(base, write)} × {percent}"
    result = f"{_number(marks.result, write)}{_added(base, write)}"
    if terms.hwm_convention is HwmConvention.CUMULATIVE:
        return f"({result}) × {percent}{_less(marks.paid, write)}"
    return f"({result}{_less(marks.paid, write)}{_less(marks.mark, write)}) × {percent}"


def unused_formula(fee: Decimal, begin: datetime, end: datetime, stop: datetime, *, write: Write = plainly) -> str:
    """The line of what is given back of a fee for the time from `begin` to `end` that was over at `stop`, in seconds."""
    left = max(end - max(stop, begin), timedelta(0))
    return f"{_number(-fee, write)} × {write(_seconds(left))} / {write(_seconds(end - begin))}"


def used_formula(fee: Decimal, begin: datetime, end: datetime, stop: datetime, *, write: Write = plainly) -> str:
    """The line of what remains to be charged of a prepaid fee when only the time up to `stop` was used, in seconds."""
    used = max(min(stop, end) - begin, timedelta(0))
    return f"{_number(fee, write)} × {write(_seconds(used))} / {write(_seconds(end - begin))}"


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta.resolution) / _SECOND


def _number(value: Decimal, write: Write) -> str:
    return write(value) if value >= 0 else f"−{write(-value)}"


def _added(value: Decimal, write: Write) -> str:
    return f" + {write(value)}" if value >= 0 else f" − {write(-value)}"


def _less(value: Decimal, write: Write) -> str:
    return f" − {write(value)}" if value >= 0 else f" + {write(-value)}"
