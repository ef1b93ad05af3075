"""Terms in words: what following costs, and what that would come to."""

from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from copytrade.domain.reward_charges import Marks, charge
from copytrade.domain.rewards_terms import RewardTerms, RewardType
from copytrade.models import CopyMaster, RewardPolicy
from copytrade.services.rewards import stored_terms
from portal import formats
from rewards.models import TermsVersion

_RESULTS: Final = (Decimal(1000), Decimal(-400), Decimal(600))
_LOTS: Final = Decimal("1.25")
_WON: Final = Decimal(100)
_EQUITY: Final = Decimal(10_000)
_DAYS: Final = {365: 30, 252: 21}
"""Days of a month that are counted, by the days of a year."""


def terms_of(master: CopyMaster) -> str:
    """What following costs, in one sentence."""
    return terms_words(getattr(master, "reward_policy", None))


def terms_words(policy: RewardPolicy | TermsVersion | None) -> str:
    """Terms in one sentence: a master's, or a version of them."""
    if policy is None or not policy.enabled:
        return _("Following is free.")
    words = {
        "amount": f"{formats.money(policy.fee_amount, policy.currency)} {policy.currency}",
        "percent": formats.number(policy.fee_percent),
        "period": _period(policy.billing_period),
    }
    match RewardType(policy.reward_type):
        case RewardType.SUBSCRIPTION_FEE:
            if policy.billing_period == "one_time":
                return _("%(amount)s once, in advance.") % words
            return _("%(amount)s %(period)s, in advance.") % words
        case RewardType.PERFORMANCE_FEE_HWM:
            if policy.hwm_enabled:
                return _("%(percent)s %% of new profit above the high-water mark, settled %(period)s.") % words
            return _("%(percent)s %% of each period's profit, settled %(period)s.") % words
        case RewardType.VOLUME_REBATE:
            return _("%(amount)s for each closed lot copied, settled %(period)s.") % words
        case RewardType.PROFIT_SHARE_PER_TRADE:
            return _("%(percent)s %% of each copied trade closed with profit.") % words
        case RewardType.MANAGEMENT_FEE:
            return _("%(percent)s %% of your equity a year, settled %(period)s.") % words


def terms_example(policy: RewardPolicy | TermsVersion, currency: str) -> str:
    """What the terms would come to with round numbers, by the arithmetic of real charges; "" for terms that cost nothing.

    `currency` is that of results and equities.
    """
    if not policy.enabled:
        return ""
    terms = stored_terms(policy)
    match terms.reward_type:
        case RewardType.SUBSCRIPTION_FEE:
            return _(
                "It is due whatever the copies make: the first time with the next seconds, then as each period begins."
            )
        case RewardType.PERFORMANCE_FEE_HWM:
            return _(
                "For example: copies that make %(won)s, lose %(lost)s and make %(then)s %(currency)s in three periods are "
                "charged %(fees)s."
            ) % _performance(terms, currency)
        case RewardType.VOLUME_REBATE:
            cost = charge(terms, _LOTS, policy.currency)[0]
            return _("For example: %(lots)s lots that were closed in a period cost %(fee)s.") % {
                "lots": formats.lots(_LOTS),
                "fee": _money(cost, policy.currency),
            }
        case RewardType.PROFIT_SHARE_PER_TRADE:
            return _(
                "For example: a copy that is closed with %(won)s costs %(fee)s; one that is closed with a loss costs nothing."
            ) % {"won": _money(_WON, currency), "fee": _money(charge(terms, _WON, currency)[0], currency)}
        case RewardType.MANAGEMENT_FEE:
            fee = charge(terms, _EQUITY * _DAYS[terms.day_count], currency)[0]
            return _("For example: %(equity)s that stay for a month cost %(fee)s, whatever the copies make.") % {
                "equity": _money(_EQUITY, currency),
                "fee": _money(fee, currency),
            }


def _performance(terms: RewardTerms, currency: str) -> dict[str, str]:
    fees, marks = [], Marks()
    for result in _RESULTS:
        fee, marks = charge(terms, result, currency, marks=marks)
        fees.append(formats.money(fee, currency))
    won, lost, then = (formats.money(abs(result), currency) for result in _RESULTS)
    told = _("%(first)s, %(second)s and %(third)s %(currency)s") % {
        "first": fees[0], "second": fees[1], "third": fees[2], "currency": currency,
    }  # fmt: skip
    return {"won": won, "lost": lost, "then": then, "currency": currency, "fees": told}


def _money(amount: Decimal, currency: str) -> str:
    return f"{formats.money(amount, currency)} {currency}"


def _period(name: str) -> str:
    return {
        "weekly": pgettext("billing", "weekly"),
        "monthly": pgettext("billing", "monthly"),
        "one_time": pgettext("billing", "once"),
    }.get(name, name)
