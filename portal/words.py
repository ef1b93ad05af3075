"""The words, icons and tones of states. Never a colour alone: each state has a word and an icon."""

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from copytrade.domain.limits import Whose
from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardType
from copytrade.models import (
    CopyMode,
    FollowerModes,
    MasterStatus,
    SubscriptionStatus,
    SymbolsMode,
    Visibility,
    VolumeMode,
)
from copytrade.models_commands import SyncState
from copytrade.selectors_latency import HOUSE_VENUE
from core.states import AccountMode, Cmd, CopyRole, CopyStatus, Side, TicketKind
from rewards.models import AccrualState

Badge = tuple[Promise, str, str]

BADGES: Final[dict[str, dict[Any, Badge]]] = {
    "copy_order": {
        CopyStatus.PENDING: (_("Pending"), "clock", "wait"),
        CopyStatus.SENT: (_("Sent"), "paper-airplane", "wait"),
        CopyStatus.FILLED: (_("Filled"), "check-circle", "good"),
        CopyStatus.REJECTED: (_("Rejected"), "x-circle", "bad"),
        CopyStatus.SKIPPED: (_("Skipped"), "minus-circle", "rest"),
    },
    "side": {
        Side.BUY: (_("Buy"), "arrow-up-right", "buy"),
        Side.SELL: (_("Sell"), "arrow-down-right", "sell"),
    },
    "order": {
        Cmd.BUY_LIMIT: (_("Buy limit"), "arrow-up-right", "buy"),
        Cmd.SELL_LIMIT: (_("Sell limit"), "arrow-down-right", "sell"),
        Cmd.BUY_STOP: (_("Buy stop"), "arrow-up-right", "buy"),
        Cmd.SELL_STOP: (_("Sell stop"), "arrow-down-right", "sell"),
    },
    "subscription": {
        "active": (_("Copying"), "check-circle", "good"),
        "paused": (_("Paused"), "pause-circle", "wait"),
        "disabled": (_("Stopped"), "stop-circle", "rest"),
        "off": (_("Switched off"), "power", "rest"),
    },
    "master": {
        MasterStatus.PENDING: (_("Waiting for approval"), "clock", "wait"),
        MasterStatus.ACTIVE: (pgettext_lazy("strategy", "Active"), "check-circle", "good"),
        MasterStatus.PAUSED: (pgettext_lazy("strategy", "Paused"), "pause-circle", "wait"),
        MasterStatus.INACTIVE: (pgettext_lazy("strategy", "Inactive"), "stop-circle", "rest"),
        MasterStatus.REJECTED: (pgettext_lazy("strategy", "Rejected"), "x-circle", "bad"),
        "RESTING": (_("Paused by you"), "pause-circle", "wait"),
        "ENDED": (pgettext_lazy("strategy", "Ended"), "archive-box", "rest"),
    },
    "visibility": {
        Visibility.PRIVATE: (_("Private"), "lock-closed", "rest"),
        Visibility.PUBLIC: (_("Public"), "globe-alt", "accent"),
    },
    "sync": {
        SyncState.IN_SYNC: (_("In sync"), "check-circle", "good"),
        SyncState.LATE: (_("Catching up"), "clock", "wait"),
        SyncState.OUT_OF_SYNC: (_("Out of sync"), "exclamation-triangle", "bad"),
        SyncState.RESTING: (_("Nothing new is copied"), "pause-circle", "rest"),
    },
    "mode": {
        AccountMode.REAL: (_("Real"), "banknotes", "plain"),
        AccountMode.DEMO: (_("Demo"), "beaker", "plain"),
    },
    "story": {
        "LEADER": (pgettext_lazy("story", "Leader"), "signal", "accent"),
        "COPY": (pgettext_lazy("story", "Not copied"), "minus-circle", "rest"),
        "SUBSCRIPTION": (pgettext_lazy("story", "Subscription"), "user-plus", "plain"),
        "POSITION": (pgettext_lazy("story", "Position"), "chart-bar", "plain"),
        "WAITING": (pgettext_lazy("story", "Waiting"), "clock", "wait"),
    },
    "reward": {
        AccrualState.ACCRUED: (pgettext_lazy("reward", "Due"), "clock", "wait"),
        AccrualState.SETTLING: (pgettext_lazy("reward", "Being paid"), "arrow-path", "wait"),
        AccrualState.SETTLED: (pgettext_lazy("reward", "Paid"), "check-circle", "good"),
        AccrualState.FAILED: (pgettext_lazy("reward", "Not paid"), "exclamation-triangle", "bad"),
        AccrualState.CANCELLED: (pgettext_lazy("reward", "Nothing due"), "minus-circle", "rest"),
    },
    "role": {
        CopyRole.NONE: (_("No copying"), "minus", "rest"),
        CopyRole.LEADER: (_("Leader"), "signal", "accent"),
        CopyRole.FOLLOWER: (_("Follower"), "square-2-stack", "accent"),
    },
}

ACTIONS: Final[dict[str, Promise]] = {
    "OPEN": pgettext_lazy("copy action", "Open"),
    "INCREASE": pgettext_lazy("copy action", "Increase"),
    "REDUCE": pgettext_lazy("copy action", "Reduce"),
    "CLOSE": pgettext_lazy("copy action", "Close"),
    "MODIFY": pgettext_lazy("copy action", "Change stops"),
    "PLACE": pgettext_lazy("copy action", "Place"),
    "CANCEL": pgettext_lazy("copy action", "Cancel"),
}

ORDER_KINDS: Final = [
    (TicketKind.MARKET.value, _("At market")),
    (TicketKind.LIMIT.value, _("Limit")),
    (TicketKind.STOP.value, _("Stop")),
]

COPY_MODES: Final = [
    (CopyMode.FULL_SYNC, _("Opens and closes")),
    (CopyMode.OPEN_ONLY, _("Opens only: I close my copies myself")),
    (CopyMode.CLOSE_ONLY, _("Closes only: nothing new is opened")),
]

VOLUME_MODES: Final = [
    (VolumeMode.MULTIPLIER, _("Leader's volume × multiplier")),
    (VolumeMode.EQUITY_RATIO, _("In proportion to equity × multiplier")),
    (VolumeMode.BALANCE_RATIO, _("In proportion to balance × multiplier")),
    (VolumeMode.FIXED, _("A fixed volume for every entry")),
]

SYMBOLS_MODES: Final = [
    (SymbolsMode.ALL, _("All symbols")),
    (SymbolsMode.INCLUDE, _("Only these symbols")),
    (SymbolsMode.EXCLUDE, _("All but these symbols")),
]

STOP_ACTIONS: Final = [
    (0, _("Nothing new is opened")),
    (1, _("All copies are closed and copying is paused")),
]

FOLLOWER_MODES: Final[dict[int, Promise]] = {
    FollowerModes.REAL_ONLY: _("Real accounts"),
    FollowerModes.DEMO_ONLY: _("Demo accounts"),
    FollowerModes.REAL_AND_DEMO: _("Real and demo accounts"),
}

FEE_TYPES: Final[dict[RewardType, Promise]] = {
    RewardType.SUBSCRIPTION_FEE: _("Subscription fee"),
    RewardType.PERFORMANCE_FEE_HWM: _("Performance fee"),
    RewardType.VOLUME_REBATE: _("Fee per lot"),
    RewardType.PROFIT_SHARE_PER_TRADE: _("Profit share per trade"),
    RewardType.MANAGEMENT_FEE: _("Management fee"),
}

BILLING_PERIODS: Final[dict[BillingPeriod, Promise]] = {
    BillingPeriod.WEEKLY: _("Every week"),
    BillingPeriod.MONTHLY: _("Every month"),
    BillingPeriod.ONE_TIME: _("Once"),
}

HWM_CONVENTIONS: Final[dict[HwmConvention, Promise]] = {
    HwmConvention.GROSS: _("taken before the fee"),
    HwmConvention.NET: _("taken after the fee"),
    HwmConvention.CUMULATIVE: _("by all results and all fees so far"),
}

VISIBILITIES: Final[dict[str, Promise]] = {
    Visibility.PRIVATE.value: _("Only I"),
    Visibility.PUBLIC.value: _("All customers"),
}

MASTER_STATES: Final[dict[str, Promise]] = {
    MasterStatus.PENDING: _("Your operator looks at it before others can find it. Nothing is copied until then."),
    MasterStatus.PAUSED: _("Your operator paused it: nothing new is copied, and it is not listed."),
    MasterStatus.INACTIVE: _("Your operator took it off: nothing new is copied, and it is not listed."),
    MasterStatus.REJECTED: _("Your operator did not admit it. The account is free for other uses."),
}
"""What a status of staff's means for the owner."""

QUALIFICATIONS: Final[dict[str, Promise]] = {
    "account_days": _("The account must be at least %(required)s days old; it is %(actual)s."),
    "closed_trades": _("It must have closed at least %(required)s trades; it has closed %(actual)s."),
    "equity": _("Its equity must be at least %(required)s; it is %(actual)s."),
}
"""What an operator may ask of an account before it can lead, by the names of `copytrade.domain.qualification`."""

WHOSE: Final[dict[Whose, Promise]] = {
    Whose.FOLLOWER: pgettext_lazy("limit", "yours"),
    Whose.MASTER: pgettext_lazy("limit", "the master's"),
    Whose.TENANT: pgettext_lazy("limit", "your operator's"),
}
"""Whose a limit is, to the follower."""

BOUND_HOLDS: Final[dict[Whose, Promise]] = {
    Whose.MASTER: _("%(value)s holds: the master's limit."),
    Whose.TENANT: _("%(value)s holds: your operator's limit."),
}
OWN_HOLDS: Final[dict[Whose | None, Promise]] = {
    None: _("Yours holds; nobody else sets one."),
    Whose.MASTER: _("Yours holds: it is as tight as the master's %(value)s, or tighter."),
    Whose.TENANT: _("Yours holds: it is as tight as your operator's %(value)s, or tighter."),
}
"""What applies where a limit can be set by several (D19), by whose is the tightest beside the follower's own."""

VENUES: Final[dict[str, Promise]] = {HOUSE_VENUE: pgettext_lazy("venue", "the house's venue")}
"""Where copies are carried out."""

SYNC_REASONS: Final[dict[str, Promise]] = {
    "EVENTS_WAITING": _("The leader's last trades are still being copied."),
    "DIFFERENT_VOLUME": _("The account holds another volume than it should."),
}
"""Why a sync light is not green, where it is no refusal's code (`copytrade.reasons`)."""

PAUSE_REASONS: Final[dict[str, Promise]] = {
    "CUSTOMER": _("paused by you"),
    "STAFF": _("paused by staff"),
    "REWARD_UNPAID": _("paused: a reward could not be paid"),
    "FOLLOWER_STOP": _("paused: your stop limit was reached"),
    "BREACH": _("paused: a risk limit was breached"),
}


def subscription_state(*, enabled: bool, status: int) -> str:
    """The key of the subscription's badge."""
    if status == SubscriptionStatus.DISABLED:
        return "disabled"
    if status == SubscriptionStatus.PAUSED:
        return "paused"
    return "active" if enabled else "off"
