"""The words of rewards: why one could not be paid and what to do now, and what of a fee does not come out."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from copytrade.domain.rewards_terms import RewardType
from rewards.selectors_statement import Difference

BASES: Final[dict[int, Promise]] = {
    RewardType.SUBSCRIPTION_FEE: _("fee of the period"),
    RewardType.PERFORMANCE_FEE_HWM: _("result of the period's copies"),
    RewardType.VOLUME_REBATE: _("lots that were closed"),
    RewardType.PROFIT_SHARE_PER_TRADE: _("result of the copy"),
    RewardType.MANAGEMENT_FEE: _("sum of the days' equities"),
}
"""What a fee is taken of."""

PAID_REASONS: Final[dict[str, Promise]] = {
    "RET_TRADE_NO_MONEY": _("Account %(login)s has not enough free margin. Pay in or close a position."),
    "NO_CONVERSION_RATE": _("There is no exchange rate at the moment. You need not do anything."),
    "NOTHING_DUE": _("The fee came to nothing."),
    "POLICY_DISABLED": _("The master switched the fee off before the period was over."),
    "MASTER_STOPPED": _("The master stopped. Only the time until then is charged, as a fee of its own."),
}
"""To whoever pays: why a charge is not paid, and what to do."""

EARNED_REASONS: Final[dict[str, Promise]] = {
    **PAID_REASONS,
    "RET_TRADE_NO_MONEY": _("Account %(login)s, which pays, has not enough free margin. You need not do anything."),
}
"""To whoever is paid."""

TRIED_AGAIN: Final = _("It is tried again by itself.")

DIFFERENCES: Final[dict[Difference, Promise]] = {
    Difference.COPIES: _("a closed copy is not what its record and the ledger say"),
    Difference.BASE: _("the amount that the fee is taken of"),
    Difference.MARKS: _("the high-water mark before the fee"),
    Difference.FEE: _("the fee"),
    Difference.SHARE: _("the operator's share"),
    Difference.PAYOUT: _("what was paid out"),
    Difference.CHARGE_OPERATION: _("the balance operation that charged it"),
    Difference.PAYOUT_OPERATION: _("the balance operation that paid it out"),
    Difference.SHARE_TRANSFER: _("the transfer of the operator's share"),
}
