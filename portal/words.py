"""The words, icons and tones of states. Never a colour alone: each state has a word and an icon."""

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from copytrade.models import CopyMode, FollowerModes, MasterStatus, SubscriptionStatus, SymbolsMode, VolumeMode
from core.states import AccountMode, CopyRole, CopyStatus, Side

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
    },
    "mode": {
        AccountMode.REAL: (_("Real"), "banknotes", "plain"),
        AccountMode.DEMO: (_("Demo"), "beaker", "plain"),
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

FOLLOWER_MODES: Final[dict[int, Promise]] = {
    FollowerModes.REAL_ONLY: _("Real accounts"),
    FollowerModes.DEMO_ONLY: _("Demo accounts"),
    FollowerModes.REAL_AND_DEMO: _("Real and demo accounts"),
}

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
