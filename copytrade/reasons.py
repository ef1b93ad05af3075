"""The one catalogue of refused copies: for each code a sentence, a next step and a severity.

Copy orders store the code and its parameters; the words are made when they are read, in the reader's language. A part
of a sentence in square brackets is left out when one of its parameters is not known: in a record without them, or for a
reader whom the follower's figures do not concern.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from copytrade.domain.codes import RejectReason, SkipReason
from copytrade.domain.limits import Whose
from copytrade.domain.quarantine import QuarantineReason

Words = str | Promise


class Severity(StrEnum):
    """INFO: as the settings ask. WARNING: something to look at. CRITICAL: accounts may differ until somebody acts."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said about one code. `sentence` holds `%(name)s` for parameters, each inside square brackets."""

    sentence: Words
    next_step: Words
    severity: Severity

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that the sentence can tell."""
        return tuple(dict.fromkeys(_NAME.findall(str(self.sentence))))


_NAME = re.compile(r"%\((\w+)\)s")
_PARTS = re.compile(r"\[([^\[\]]*)\]|%\((\w+)\)s")

_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def detail(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence for a person. Empty for no code; a code that the catalogue does not have is shown as it is."""
    if not code:
        return ""
    entry = CATALOGUE.get(code)
    if entry is None:
        return _("Not copied (%(code)s).") % {"code": code}
    values = dict(params or {})
    if "whose" in values:
        values["whose"] = WHOSE.get(values["whose"], values["whose"])
    return words_filled(entry.sentence, values)


def next_step(code: str) -> str:
    """What can be done about it; empty for an unknown code."""
    entry = CATALOGUE.get(code)
    return "" if entry is None else str(entry.next_step)


def severity(code: str) -> Severity:
    """How much it matters; an unknown code is worth a look."""
    entry = CATALOGUE.get(code)
    return _WARNING if entry is None else entry.severity


def quarantine_detail(reason: str, params: Mapping[str, Any] | None = None) -> str:
    """Why a contract is in quarantine, as a sentence for a person. A `code` among the values is told in words."""
    values = dict(params or {})
    values["why"] = detail(str(values.pop("code", "")))
    return words_filled(QUARANTINES[QuarantineReason(reason)], values)


def words_filled(words: Words, values: Mapping[str, Any]) -> str:
    """A sentence with its values, in the language that is active; parts in brackets whose values are missing are left
    out. What stands outside of brackets must be there."""
    known = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return _PARTS.sub(lambda m: _filled(m[1], known) if m[1] is not None else known.get(m[2], m[0]), str(words))


def _filled(part: str, known: Mapping[str, str]) -> str:
    if not set(_NAME.findall(part)) <= known.keys():
        return ""
    return _NAME.sub(lambda name: known[name[1]], part)


WHOSE: Final[dict[str, Words]] = {
    Whose.MASTER: gettext_lazy("set by the master"),
    Whose.TENANT: gettext_lazy("set by the operator"),
}
"""Who has set a limit that is not the follower's own."""

CATALOGUE: Final[dict[str, Entry]] = {
    SkipReason.MODULE_DISABLED: Entry(
        gettext_lazy("Copy trading was switched off for the whole platform."),
        gettext_lazy("Ask your operator. Open copies still follow the leader's exits."),
        _WARNING,
    ),
    SkipReason.MASTER_NOT_ACTIVE: Entry(
        gettext_lazy("The master was not active[ (%(status)s)]."),
        gettext_lazy("Nothing to do: new trades are copied again when the master is active."),
        _WARNING,
    ),
    SkipReason.GROUP_PAUSED: Entry(
        gettext_lazy("The group was paused[ (%(pause_reason)s)]."),
        gettext_lazy("Resume the group to copy new trades."),
        _INFO,
    ),
    SkipReason.SUBSCRIPTION_PAUSED: Entry(
        gettext_lazy("The subscription was paused or switched off[ (%(pause_reason)s)]."),
        gettext_lazy("Resume the subscription to copy new trades."),
        _INFO,
    ),
    SkipReason.FOLLOWER_DISABLED: Entry(
        gettext_lazy("Copying was switched off for the follower's account."),
        gettext_lazy("Switch the follower profile on to copy new trades."),
        _INFO,
    ),
    SkipReason.COPY_MODE: Entry(
        gettext_lazy("The copy mode leaves this kind of trade out[ (mode %(copy_mode)s)]."),
        gettext_lazy("Choose another copy mode if you want it copied."),
        _INFO,
    ),
    SkipReason.SYMBOL_FILTERED: Entry(
        gettext_lazy("The symbol filter leaves[ %(symbol)s] out."),
        gettext_lazy("Change the symbol filter if you want it copied."),
        _INFO,
    ),
    SkipReason.CONTRACT_NOT_SYNCED: Entry(
        gettext_lazy("Copying of this contract was switched off for this follower[ (%(symbol)s)]."),
        gettext_lazy("Switch the contract on for this follower to copy it again."),
        _INFO,
    ),
    SkipReason.UNMAPPED_CONTRACT: Entry(
        gettext_lazy("The follower has no contract that clearly matches the leader's[ (%(symbol)s)]."),
        gettext_lazy("Add a mapping for this contract, or ask your operator to offer it."),
        _WARNING,
    ),
    SkipReason.PENDING_NOT_COPIED: Entry(
        gettext_lazy("Pending orders are not copied by this subscription."),
        gettext_lazy("Nothing to do: the trade is copied at market when the leader's order is filled."),
        _INFO,
    ),
    SkipReason.STOPS_NOT_COPIED: Entry(
        gettext_lazy("Changes of stop loss and take profit are not copied by this subscription."),
        gettext_lazy("Switch copying of stops on, or set your own stops."),
        _INFO,
    ),
    SkipReason.PARTIAL_NOT_COPIED: Entry(
        gettext_lazy("Partial closes are not copied by this subscription; it exits with the leader."),
        gettext_lazy("Nothing to do: the copy is closed when the leader closes all."),
        _INFO,
    ),
    SkipReason.NO_LINK: Entry(
        gettext_lazy("The leader added to a position of which this follower holds no copy."),
        gettext_lazy("Nothing to do: the leader's next new position is copied."),
        _INFO,
    ),
    SkipReason.ALREADY_FLAT: Entry(
        gettext_lazy("The copy of this position had been closed already."),
        gettext_lazy("Nothing to do."),
        _INFO,
    ),
    SkipReason.CLOSE_ONLY: Entry(
        gettext_lazy("The follower's position did not agree with the leader's, so nothing new was opened."),
        gettext_lazy("Compare the positions; copying of entries goes on when they agree."),
        _WARNING,
    ),
    SkipReason.OPPOSITE_SIDE: Entry(
        gettext_lazy("The follower holds the opposite side[ in %(symbol)s][ (%(held)s)]."),
        gettext_lazy("Close the opposite position if you want this symbol copied."),
        _WARNING,
    ),
    SkipReason.QUARANTINED: Entry(
        gettext_lazy("This symbol is in quarantine for this follower[ (%(symbol)s)]."),
        gettext_lazy("Look at the cause, then release the quarantine."),
        _WARNING,
    ),
    SkipReason.SYNC_GUARD: Entry(
        gettext_lazy("After a lost connection the follower's positions did not match; entries are paused."),
        gettext_lazy("Compare the positions; the pause ends by itself when they match."),
        _CRITICAL,
    ),
    SkipReason.ACCOUNT_LOCKED: Entry(
        gettext_lazy("The follower's account is locked or disabled."),
        gettext_lazy("Wait for the end of the lock, or unlock the account."),
        _WARNING,
    ),
    SkipReason.RISK_LIMIT: Entry(
        gettext_lazy("A risk rule of the follower's account does not allow this trade[ (%(rule)s)]."),
        gettext_lazy("Check the account's risk rules."),
        _WARNING,
    ),
    SkipReason.FOLLOWER_STOPPED: Entry(
        gettext_lazy("The loss limit of this subscription was reached[ (%(loss)s, limit %(limit)s)][, %(whose)s]."),
        gettext_lazy("Decide whether to go on, then raise the limit or resume the subscription."),
        _WARNING,
    ),
    SkipReason.MIN_EQUITY: Entry(
        gettext_lazy(
            "The follower's equity is below the subscription's minimum[ (%(equity)s, minimum %(min_equity)s)][, %(whose)s]."
        ),
        gettext_lazy("Add funds, or lower the minimum equity."),
        _WARNING,
    ),
    SkipReason.MAX_POSITIONS: Entry(
        gettext_lazy(
            "The follower has as many open copies as the subscription allows"
            "[ (%(positions)s, limit %(max_positions)s)][, %(whose)s]."
        ),
        gettext_lazy("Close copies, or raise the number of positions."),
        _INFO,
    ),
    SkipReason.INVALID_EQUITY: Entry(
        gettext_lazy(
            "The volume could not be computed, because an equity or balance was zero or less"
            "[ (leader %(leader)s, follower %(follower)s)]."
        ),
        gettext_lazy("Add funds, or choose a volume mode that does not depend on equity."),
        _WARNING,
    ),
    SkipReason.NO_CONVERSION_RATE: Entry(
        gettext_lazy("There was no quoted rate between the accounts' currencies[ for the leader's %(currency)s]."),
        gettext_lazy("Ask your operator for a quote of this currency pair."),
        _WARNING,
    ),
    SkipReason.BELOW_MIN_VOLUME: Entry(
        gettext_lazy(
            "The computed volume is below the subscription's minimum[ (%(volume)s lots, minimum %(min_volume)s)]."
        ),
        gettext_lazy("Lower the minimum volume, or raise the multiplier."),
        _INFO,
    ),
    SkipReason.ROUNDED_TO_ZERO: Entry(
        gettext_lazy(
            "The computed volume is too small to be traded[ (%(volume)s lots, smallest %(lot_min)s, step %(lot_step)s)]."
        ),
        gettext_lazy("Raise the multiplier or the ratio, or allow the smaller contract where there is one."),
        _INFO,
    ),
    SkipReason.STALE_QUOTE: Entry(
        gettext_lazy("There was no fresh quote[ for %(symbol)s]."),
        gettext_lazy("Check the price feed of this symbol."),
        _WARNING,
    ),
    SkipReason.SLIPPAGE_TOLERANCE: Entry(
        gettext_lazy(
            "The price had moved further than the slippage tolerance[ (%(points)s points, tolerance %(tolerance)s)][, %(whose)s]."
        ),
        gettext_lazy("Raise the tolerance if you want such entries copied."),
        _INFO,
    ),
    SkipReason.SIGNAL_TOO_OLD: Entry(
        gettext_lazy("The leader's trade was too old to be copied[ (%(age)s s, limit %(limit)s s)]."),
        gettext_lazy("Nothing to do: late entries are left out on purpose."),
        _WARNING,
    ),
    SkipReason.CLOSED_BEFORE_COPY: Entry(
        gettext_lazy("The leader had closed the position before it could be copied."),
        gettext_lazy("Nothing to do."),
        _INFO,
    ),
    SkipReason.FLATTENED: Entry(
        gettext_lazy("A flatten was under way, so the entry was dropped."),
        gettext_lazy("Nothing to do: copying goes on with the next trade after it is resumed."),
        _INFO,
    ),
    SkipReason.ROLE_CONFLICT: Entry(
        gettext_lazy("The account's role no longer allows copying."),
        gettext_lazy("Check the account's profiles: an account is a leader or a follower, never both."),
        _CRITICAL,
    ),
    SkipReason.EVENT_FAILED: Entry(
        gettext_lazy("The copy failed for an internal reason[ (%(error)s)]."),
        gettext_lazy("Compare the positions by hand; the operator has been alerted."),
        _CRITICAL,
    ),
    RejectReason.RET_TRADE_NO_MONEY: Entry(
        gettext_lazy("The account's free margin was not enough[ (needed %(margin)s, free %(margin_free)s)]."),
        gettext_lazy("Add funds, or lower the multiplier or ratio of this follower."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_BAD_VOLUME: Entry(
        gettext_lazy("The venue does not accept this volume[ (%(volume)s lots)]."),
        gettext_lazy("Check the volume settings against the contract's limits."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_BAD_STOPS: Entry(
        gettext_lazy(
            "The stop loss or take profit was not valid at the current price[ (stop %(sl)s)][ (target %(tp)s)]."
        ),
        gettext_lazy("Nothing was opened unprotected. Set your own stops, or switch copying of stops off."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_MARKET_CLOSED: Entry(
        gettext_lazy("The market was closed[ for %(symbol)s]."),
        gettext_lazy("Check whether an exit has to be made by hand when the market opens."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_OFFQUOTES: Entry(
        gettext_lazy("There was no price to trade at[ for %(symbol)s]."),
        gettext_lazy("Check the price feed of this symbol."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_DISABLE: Entry(
        gettext_lazy("Trading is switched off for this account or symbol[ (%(symbol)s)]."),
        gettext_lazy("Ask your operator."),
        _WARNING,
    ),
    RejectReason.RET_TRADE_TOO_MANY_ORDERS: Entry(
        gettext_lazy("The account has as many open and pending orders as it may have."),
        gettext_lazy("Close positions or cancel orders that are no longer needed."),
        _WARNING,
    ),
    RejectReason.VENUE_REJECTED: Entry(
        gettext_lazy("The venue refused the order[: %(message)s]."),
        gettext_lazy("Look at the venue's message and compare the positions."),
        _CRITICAL,
    ),
}

QUARANTINES: Final[dict[QuarantineReason, Words]] = {
    QuarantineReason.REJECTIONS: gettext_lazy(
        "The venue rejected[ %(number)s] entries in a row, so nothing new is opened in this symbol.[ Last reason: %(why)s]"
    ),
    QuarantineReason.OPPOSITE_SIDE: gettext_lazy(
        "The follower still holds a position that the leader has left, on the opposite side of the leader's new trade."
    ),
}
"""Why a contract is in quarantine."""
