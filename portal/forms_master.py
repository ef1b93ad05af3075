"""The form of a master's profile and terms: what a person types, read strictly; the services decide."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import TradingAccount
from copytrade.domain.limits import LIMITS
from copytrade.domain.rewards_terms import DAY_COUNTS, BillingPeriod, HwmConvention, RewardType, fields_of_type
from copytrade.models import CopyMaster, FollowerModes, RewardPolicy, Visibility
from portal import formats
from portal.forms import ExactField, OptionalField
from portal.words import BILLING_PERIODS, FEE_TYPES, FOLLOWER_MODES, HWM_CONVENTIONS, VISIBILITIES

FREE: Final = "free"
_NO_FEE: Final = {"reward_type": RewardType.PROFIT_SHARE_PER_TRADE, "enabled": False, "fee_percent": Decimal(1)}
"""Every master has terms; those of a free one are switched off, and a switched off fee still has to be a possible one."""


class MasterForm(forms.Form):
    """Profile and terms. Which fee fields count depends on the kind of fee; the others are not read."""

    strategy_name = forms.CharField(label=_("Name of the strategy"), max_length=100)
    description = forms.CharField(
        label=_("About the strategy"),
        help_text=_("What it trades, how long, how it limits losses. Followers read this first."),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    visibility = forms.ChoiceField(label=_("Who can find it"), choices=list(VISIBILITIES.items()))
    allowed_follower_modes = forms.TypedChoiceField(
        label=_("Admits"), choices=[(int(mode), word) for mode, word in FOLLOWER_MODES.items()], coerce=int
    )
    max_followers = forms.IntegerField(
        label=_("Most followers"),
        help_text=_("0: no limit."),
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    show_trade_history = forms.BooleanField(label=_("Show my closed and open trades to everybody"), required=False)
    show_followers = forms.BooleanField(
        label=_("Show my followers to everybody, with masked e-mail addresses"), required=False
    )
    bound_max_positions = forms.IntegerField(
        label=_("Open positions, at most"),
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    bound_min_equity = ExactField(label=_("Equity, at least"), required=False)
    bound_slippage_tolerance = ExactField(label=_("Slippage, at most"), required=False)
    bound_max_loss = ExactField(label=_("Loss, at most"), required=False)
    bound_max_loss_percent = ExactField(label=_("Loss of the start, at most"), most=Decimal(100), required=False)
    bound_max_drawdown_percent = ExactField(label=_("Fall from the peak, at most"), most=Decimal(100), required=False)
    fee = forms.ChoiceField(
        label=_("Kind of fee"),
        choices=[(FREE, _("Free")), *((str(kind.value), FEE_TYPES[kind]) for kind in RewardType)],
    )
    billing_period = forms.ChoiceField(
        label=_("Charged"),
        choices=[(period.value, BILLING_PERIODS[period]) for period in BillingPeriod],
        required=False,
    )
    fee_amount = OptionalField(label=_("Amount"), most=Decimal(1_000_000))
    fee_percent = OptionalField(label=_("Share"), most=Decimal(50))
    hwm_enabled = forms.BooleanField(
        label=_("Only new profit above the high-water mark"),
        help_text=_("Losses are made good before a fee is due again."),
        required=False,
    )
    hwm_convention = forms.ChoiceField(
        label=_("High-water mark"), choices=[(c.value, HWM_CONVENTIONS[c]) for c in HwmConvention], required=False
    )
    day_count = forms.TypedChoiceField(
        label=_("Days of a year"), choices=[(days, str(days)) for days in DAY_COUNTS], coerce=int, required=False
    )
    payout_account_login = forms.TypedChoiceField(label=_("Fees are paid into"), coerce=int, required=False)

    PROFILE: Final = (
        "strategy_name", "description", "visibility", "allowed_follower_modes", "max_followers", "show_trade_history",
        "show_followers",
    )  # fmt: skip
    BOUNDS: Final = tuple(f"bound_{name}" for name in LIMITS)

    def __init__(self, *args: Any, accounts: Iterable[TradingAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payout: Any = self.fields["payout_account_login"]
        payout.choices = [(account.login, f"{account.login} · {account.currency}") for account in accounts]

    def profile(self) -> dict[str, Any]:
        """The values of the profile."""
        data = self.cleaned_data
        return {name: data[name] for name in self.PROFILE} | {name: data[name] or 0 for name in self.BOUNDS}

    @property
    def bounded(self) -> bool:
        """Whether a bound is set, or was typed wrongly."""
        return any(self[name].value() or name in self.errors for name in self.BOUNDS)

    def terms(self) -> dict[str, Any]:
        """The terms as the services take them: the fields of this kind of fee and no others."""
        data = self.cleaned_data
        payout = {"payout_account_login": data["payout_account_login"]} if data["payout_account_login"] else {}
        if data["fee"] == FREE:
            return {**_NO_FEE, **payout}
        kind = RewardType(int(data["fee"]))
        used = fields_of_type(kind)
        found: dict[str, Any] = {"reward_type": kind, "enabled": True, **payout}
        found |= {name: data[name] for name in ("fee_amount", "fee_percent") if name in used and data[name] is not None}
        if "billing_period" in used and data["billing_period"]:
            found["billing_period"] = data["billing_period"]
        if kind is RewardType.PERFORMANCE_FEE_HWM:
            found["hwm_enabled"] = data["hwm_enabled"]
            found["hwm_convention"] = data["hwm_convention"] or HwmConvention.GROSS.value
        if kind is RewardType.MANAGEMENT_FEE and data["day_count"]:
            found["day_count"] = data["day_count"]
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("fee", FREE) != FREE:
            kind = RewardType(int(data["fee"]))
            for name in ("fee_amount", "fee_percent"):
                if name in fields_of_type(kind) and name not in self.errors and not data.get(name):
                    self.add_error(name, _("A fee must be above 0."))
        return data


NEW_MASTER: Final = {
    "visibility": Visibility.PRIVATE.value,
    "allowed_follower_modes": FollowerModes.REAL_ONLY.value,
    "max_followers": 0,
    "fee": str(RewardType.PERFORMANCE_FEE_HWM.value),
    "billing_period": BillingPeriod.MONTHLY.value,
    "fee_percent": "20",
    "hwm_enabled": True,
}
"""What the form of a new master begins with."""


def master_initial(master: CopyMaster, policy: RewardPolicy) -> dict[str, Any]:
    """The form's values for a profile as it stands."""
    return {
        **{name: getattr(master, name) for name in MasterForm.PROFILE},
        **{
            name: formats.typed(Decimal(value)) if (value := getattr(master, name)) else ""
            for name in MasterForm.BOUNDS
        },
        "fee": str(policy.reward_type) if policy.enabled else FREE,
        "billing_period": policy.billing_period,
        "fee_amount": formats.typed(policy.fee_amount) if policy.fee_amount else "",
        "fee_percent": formats.typed(policy.fee_percent) if policy.fee_percent and policy.enabled else "",
        "hwm_enabled": policy.hwm_enabled,
        "hwm_convention": policy.hwm_convention,
        "day_count": policy.day_count,
        "payout_account_login": policy.payout_account.login,
    }
