"""A master's terms in words."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from copytrade.domain.rewards_terms import RewardType
from copytrade.models import CopyMaster, RewardPolicy
from portal import formats


def terms_of(master: CopyMaster) -> str:
    """What following costs, in one sentence."""
    policy: RewardPolicy | None = getattr(master, "reward_policy", None)
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


def _period(name: str) -> str:
    return {
        "weekly": pgettext("billing", "weekly"),
        "monthly": pgettext("billing", "monthly"),
        "one_time": pgettext("billing", "once"),
    }.get(name, name)
