"""The form of a subscription's settings, in groups; fields are named as the settings are."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ProductConfig
from copytrade.domain.limits import LIMITS, Limit
from copytrade.models import CopyMode, CopySubscription, SymbolsMode, VolumeMode
from core.rounding import plain
from portal import formats
from portal.forms import VOLUME_MOST, ExactField
from portal.words import COPY_MODES, STOP_ACTIONS, SYMBOLS_MODES, VOLUME_MODES

COUNTED_MOST: Final = 2**31 - 1
HUNDRED: Final = Decimal(100)
ONCE: Final = "copy_existing_positions"
"""Asked when copying begins; it is no setting that lasts."""


class CountField(forms.IntegerField):
    """A whole number that may be left empty, which is 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=COUNTED_MOST, required=False, **kwargs)
        self.widget.attrs |= {"inputmode": "numeric"}

    def clean(self, value: Any) -> int:
        return super().clean(value) or 0


def _flag(label: Any, help_text: Any = "", *, on: bool = False) -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=help_text, required=False, initial=on)


class CopySettingsForm(forms.Form):
    """How a subscription copies."""

    volume_mode = forms.TypedChoiceField(
        label=gettext_lazy("Volume"), choices=VOLUME_MODES, coerce=int, initial=VolumeMode.MULTIPLIER.value
    )
    risk_multiplier = ExactField(
        label=gettext_lazy("Multiplier"), least=Decimal("0.01"), most=Decimal(1000), initial=Decimal(1), required=False
    )
    fixed_volume = ExactField(label=gettext_lazy("Fixed volume"), most=VOLUME_MOST, required=False)
    min_volume = ExactField(
        label=gettext_lazy("Smallest entry"),
        help_text=gettext_lazy("Smaller entries are skipped. Empty: no limit."),
        most=VOLUME_MOST,
        required=False,
    )
    max_volume = ExactField(
        label=gettext_lazy("Largest entry"),
        help_text=gettext_lazy("Larger entries are cut to this. Empty: no limit."),
        most=VOLUME_MOST,
        required=False,
    )
    copy_mode = forms.TypedChoiceField(
        label=gettext_lazy("What is copied"), choices=COPY_MODES, coerce=int, initial=CopyMode.FULL_SYNC.value
    )
    reverse_direction = _flag(
        gettext_lazy("Reversed"), gettext_lazy("Sells where the leader buys, and buys where it sells.")
    )
    symbols_mode = forms.TypedChoiceField(
        label=gettext_lazy("Symbols"), choices=SYMBOLS_MODES, coerce=int, initial=SymbolsMode.ALL.value
    )
    symbols = forms.CharField(
        label=gettext_lazy("Symbol list"),
        help_text=gettext_lazy("Separated by commas; EUR* means all that begin with EUR."),
        max_length=2000,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    max_positions = CountField(
        label=gettext_lazy("Open copies at most"), help_text=gettext_lazy("Empty or 0: no limit of yours.")
    )
    min_equity = ExactField(
        label=gettext_lazy("Equity at least"),
        help_text=gettext_lazy("Nothing new is opened below it. Empty: no limit of yours."),
        required=False,
    )
    max_loss = ExactField(
        label=gettext_lazy("Loss at most, as an amount"),
        help_text=gettext_lazy("From the equity with which copying began. Empty: no limit of yours."),
        required=False,
    )
    max_loss_percent = ExactField(label=gettext_lazy("Loss at most, in per cent"), most=HUNDRED, required=False)
    max_drawdown_percent = ExactField(
        label=gettext_lazy("Drop from the peak at most, in per cent"), most=HUNDRED, required=False
    )
    stop_action = forms.TypedChoiceField(
        label=gettext_lazy("When a limit of loss is reached"),
        choices=STOP_ACTIONS,
        coerce=int,
        initial=0,
        required=False,
    )
    slippage_tolerance = ExactField(
        label=gettext_lazy("Slippage at most"),
        help_text=gettext_lazy(
            "Entries at a price that is worse by more points are skipped. Empty: no limit of yours."
        ),
        required=False,
    )

    copy_sl = _flag(gettext_lazy("Copy the stop loss"), on=True)
    copy_tp = _flag(gettext_lazy("Copy the take profit"), on=True)
    copy_partial_close = _flag(
        gettext_lazy("Copy partial closes"),
        gettext_lazy("Off: a copy is closed when the leader has closed all of its trade."),
        on=True,
    )

    copy_pending_orders = _flag(
        gettext_lazy("Copy pending orders"),
        gettext_lazy("Off: they are copied at market when the leader's are filled."),
    )
    auto_variant = _flag(
        gettext_lazy("Use mini and micro contracts"),
        gettext_lazy("Where an entry is too small for the leader's contract, a smaller one of its family is traded."),
    )
    max_signal_age_seconds = CountField(
        label=gettext_lazy("Oldest entry that is still copied"),
        help_text=gettext_lazy("After an interruption, older entries are skipped; exits never are. 0: no limit."),
        initial=30,
    )
    fill_wait_seconds = CountField(
        label=gettext_lazy("Wait for a fill"),
        help_text=gettext_lazy("How long a remote broker may take to fill an order."),
        initial=2,
    )
    copy_existing_positions = _flag(
        gettext_lazy("Copy what the leader holds now"),
        gettext_lazy("Its open positions are copied at once, at today's prices."),
    )

    def __init__(
        self,
        *args: Any,
        modes: Iterable[int] | None = None,
        beginning: bool = True,
        bounds: Mapping[str, Limit] | None = None,
        **kwargs: Any,
    ) -> None:
        """`bounds` are the limits that the master and the tenant ask of everybody."""
        super().__init__(*args, **kwargs)
        self.bounds = bounds or {}
        if modes is not None:
            field: Any = self.fields["volume_mode"]
            field.choices = [choice for choice in VOLUME_MODES if choice[0] in set(modes)]
        if not beginning:
            del self.fields[ONCE]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("volume_mode") == VolumeMode.FIXED and not data.get("fixed_volume"):
            self.add_error("fixed_volume", _("Must be above %(least)s.") % {"least": 0})
        least, most = data.get("min_volume"), data.get("max_volume")
        if least and most and least > most:
            self.add_error("max_volume", _("Must not be below the smallest entry."))
        if data.get("symbols_mode") != SymbolsMode.ALL and not data.get("symbols", "").strip():
            self.add_error("symbols", _("Name at least one symbol."))
        data["stop_action"] = data.get("stop_action") or 0
        return data

    @property
    def lasting(self) -> dict[str, Any]:
        """The settings that are kept with the subscription."""
        return {name: value for name, value in self.cleaned_data.items() if name != ONCE}

    @property
    def protects(self) -> bool:
        """Whether one of the limits is set, by whomever, or wrong: then their group is open."""
        if any(bound.whose for bound in self.bounds.values()):
            return True
        return any(self[name].errors or self[name].value() not in (None, "", "0", 0) for name in LIMITS)


def initial_of(subscription: CopySubscription) -> dict[str, Any]:
    """What the form of an existing subscription shows."""
    names = [name for name in CopySettingsForm.base_fields if name != ONCE]
    return {name: _typed(getattr(subscription, name)) for name in names}


def initial_limits(config: ProductConfig) -> Mapping[str, Any]:
    """The tenant's defaults for a new subscription."""
    return {name: _typed(getattr(config, f"copy_default_{name}")) for name in LIMITS}


def _typed(value: Any) -> Any:
    """As a person would type it; nothing for a limit that is not set."""
    if isinstance(value, Decimal):
        return formats.typed(plain(value)) if value else ""
    return value
