"""What requests to the copy management may say: names, types and ranges of the contract."""

from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from copytrade.domain.rewards_terms import DAY_COUNTS, BillingPeriod, HwmConvention, RewardType
from copytrade.models import (
    CopyMode,
    FollowerModes,
    MasterStatus,
    SubscriptionStatus,
    SymbolsMode,
    Visibility,
    VolumeMode,
)
from copytrade.services.endings import OpenCopies
from core.states import ManualTradingMode
from core.volume import lots_of
from infra.api.fields import (
    Body,
    CleanTextField,
    FlagField,
    IdField,
    NumberChoiceField,
    TextChoiceField,
    WholeNumberField,
    WireDecimalField,
)

MOST_COUNTED: Final = 2**31 - 1
"""The largest count and number of seconds that is stored."""
STOP_ACTIONS: Final = (0, 1)  # STOP_ENTRIES, CLOSE_ALL


class VolumeField(WholeNumberField):
    """A wire volume, 0 included; gives lots."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, **options)

    def read(self, value: object) -> Decimal:  # type: ignore[override]
        return lots_of(super().read(value))


class RewardPolicyBody(Body):
    """RewardPolicy. Which fields go with which type is the business of the service."""

    error_code = "INVALID_REWARD_POLICY"

    reward_type = NumberChoiceField(RewardType)
    enabled = FlagField(required=False)
    billing_period = TextChoiceField(BillingPeriod, required=False)
    fee_amount = WireDecimalField(min_value=0, required=False)
    fee_percent = WireDecimalField(min_value=0, required=False)
    currency = CleanTextField(max_length=8, min_length=3, required=False)
    payout_account_login = IdField(required=False)
    hwm_enabled = FlagField(required=False)
    hwm_convention = TextChoiceField(HwmConvention, required=False)
    day_count = NumberChoiceField(DAY_COUNTS, required=False)

    def validate_currency(self, currency: str) -> str:
        if not (currency.isascii() and currency.isalnum() and currency == currency.upper()):
            raise ValidationError(_("must be a currency code in capital letters"))
        return currency


class PolicyOfMasterBody(Body):
    """The key `reward_policy` of a master's body; read on its own, because it is asked after the account."""

    reward_policy = RewardPolicyBody()


class MasterSettingsBody(Body):
    """What the owner of a CopyMaster decides. `status` is the staff's and ignored."""

    enabled = FlagField(required=False)
    strategy_name = CleanTextField(max_length=100, min_length=1, trim=True)
    description = CleanTextField(max_length=5000, required=False)
    visibility = TextChoiceField(Visibility, required=False)
    allowed_follower_modes = NumberChoiceField(FollowerModes, required=False)
    show_trade_history = FlagField(required=False)
    show_followers = FlagField(required=False)
    max_followers = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    bound_max_positions = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    bound_min_equity = WireDecimalField(min_value=0, required=False)
    bound_slippage_tolerance = WireDecimalField(min_value=0, required=False)
    bound_max_loss = WireDecimalField(min_value=0, required=False)
    bound_max_loss_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    bound_max_drawdown_percent = WireDecimalField(min_value=0, max_value=100, required=False)


class MasterChangeBody(MasterSettingsBody):
    """CopyMaster as PUT takes it, terms aside. `open_copies` goes with `enabled` 0."""

    open_copies = TextChoiceField(OpenCopies, required=False)


class MasterStatusBody(Body):
    """Staff's decision about a master; `open_copies` goes with every status that rests copying."""

    status = TextChoiceField([status for status in MasterStatus if status is not MasterStatus.PENDING])
    reason = CleanTextField(min_length=1, trim=True)
    open_copies = TextChoiceField(OpenCopies, default=OpenCopies.KEEP_EXITS)


class ApplicationBody(Body):
    """Staff's decision about an application."""

    id = IdField()
    status = TextChoiceField([MasterStatus.ACTIVE, MasterStatus.REJECTED])
    reason = CleanTextField(min_length=1, trim=True)


class MasterBody(MasterSettingsBody):
    """CopyMaster as POST takes it, terms aside."""

    login = IdField()


class WholeMasterBody(MasterBody):
    """CopyMaster as POST takes it; for the schema."""

    reward_policy = RewardPolicyBody()


class WholeMasterSettingsBody(MasterChangeBody):
    """CopyMaster as PUT takes it; for the schema."""

    reward_policy = RewardPolicyBody()


class FollowerSettingsBody(Body):
    """What the owner of a CopyFollower decides."""

    enabled = FlagField(required=False)
    manual_trading_mode = NumberChoiceField(ManualTradingMode, required=False)
    max_master_count = WholeNumberField(min_value=1, max_value=10, required=False)


class FollowerBody(FollowerSettingsBody):
    """CopyFollower as POST takes it."""

    login = IdField()


class SubscriptionSettingsBody(Body):
    """What the owner of the follower decides about a CopySubscription; volumes become lots."""

    enabled = FlagField(required=False)
    status = NumberChoiceField(SubscriptionStatus, required=False)
    copy_mode = NumberChoiceField(CopyMode, required=False)
    volume_mode = NumberChoiceField(VolumeMode, required=False)
    risk_multiplier = WireDecimalField(min_value=Decimal("0.01"), max_value=1000, required=False)
    fixed_volume = VolumeField(required=False)
    copy_sl = FlagField(required=False)
    copy_tp = FlagField(required=False)
    copy_partial_close = FlagField(required=False)
    copy_pending_orders = FlagField(required=False)
    fill_wait_seconds = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    copy_existing_positions = FlagField(required=False)
    reverse_direction = FlagField(required=False)
    max_volume = VolumeField(required=False)
    min_volume = VolumeField(required=False)
    max_positions = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    symbols_mode = NumberChoiceField(SymbolsMode, required=False)
    symbols = CleanTextField(max_length=2000, required=False)
    auto_variant = FlagField(required=False)
    min_equity = WireDecimalField(min_value=0, required=False)
    slippage_tolerance = WireDecimalField(min_value=0, required=False)
    max_signal_age_seconds = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    max_loss = WireDecimalField(min_value=0, required=False)
    max_loss_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    max_drawdown_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    stop_action = NumberChoiceField(STOP_ACTIONS, required=False)


class SubscriptionBody(SubscriptionSettingsBody):
    """CopySubscription as POST takes it."""

    master_login = IdField()
    follower_login = IdField()


class SubscriptionChangeBody(SubscriptionSettingsBody):
    """CopySubscription as PUT takes it."""

    open_copies = TextChoiceField(OpenCopies, required=False)


class EndBody(Body):
    """The body of a DELETE that ends copying."""

    open_copies = TextChoiceField(OpenCopies, default=OpenCopies.KEEP_EXITS)


class SubscriptionNamesBody(Body):
    """Names that narrow the table of subscriptions, each with its alias."""

    master_login = IdField(required=False)
    master_account = IdField(required=False)
    follower_login = IdField(required=False)
    follower_account = IdField(required=False)
    subscription_id = IdField(required=False)
