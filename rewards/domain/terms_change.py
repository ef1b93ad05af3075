"""Whether changed terms ask more of a follower than those that were agreed (D24). Pure.

Terms that cannot be compared count as dearer: then the follower is asked.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardTerms, RewardType

_A_YEAR: Final = {BillingPeriod.WEEKLY: 52, BillingPeriod.MONTHLY: 12, BillingPeriod.ONE_TIME: 1}


def is_dearer(old: RewardTerms | None, new: RewardTerms | None, *, same_currency: bool = True) -> bool:
    """None stands for terms that are switched off and cost nothing."""
    if new is None or old == new:
        return False
    if old is None or old.reward_type is not new.reward_type:
        return True
    match new.reward_type:
        case RewardType.SUBSCRIPTION_FEE:
            return not same_currency or _once_and_again(old, new) or _a_year(new) > _a_year(old)
        case RewardType.VOLUME_REBATE:
            return not same_currency or new.fee_amount > old.fee_amount
        case RewardType.PROFIT_SHARE_PER_TRADE:
            return new.fee_percent > old.fee_percent
        case RewardType.MANAGEMENT_FEE:
            # 252 charges five of seven days, which are more than 252 of 365.
            return new.fee_percent > old.fee_percent or new.day_count < old.day_count
        case RewardType.PERFORMANCE_FEE_HWM:
            return new.fee_percent > old.fee_percent or not _looks_as_kindly(old, new)


def _a_year(terms: RewardTerms) -> Decimal:
    return terms.fee_amount * _A_YEAR[terms.billing_period]


def _once_and_again(old: RewardTerms, new: RewardTerms) -> bool:
    """What is paid once cannot be compared with what is paid each period."""
    return (old.billing_period is BillingPeriod.ONE_TIME) != (new.billing_period is BillingPeriod.ONE_TIME)


def _looks_as_kindly(old: RewardTerms, new: RewardTerms) -> bool:
    """Whether the new mark can only lead to less: the same one, a mark where there was none, GROSS instead of another, or
    one that is taken less often."""
    if old.hwm_enabled and not new.hwm_enabled:
        return False
    less_often = old.billing_period is BillingPeriod.WEEKLY or new.billing_period is BillingPeriod.MONTHLY
    same_look = replace(old, fee_percent=new.fee_percent, billing_period=new.billing_period) == new
    gentler = new.hwm_enabled and (not old.hwm_enabled or new.hwm_convention is HwmConvention.GROSS)
    return less_often and (same_look or gentler)
