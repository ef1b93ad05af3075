"""The sentences of the house's refusals: one for each stable code."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    "RET_TRADE_NO_MONEY": _("There is not enough free margin for this."),
    "RET_TRADE_BAD_VOLUME": _("The volume does not fit the contract's limits, its step, or what is open."),
    "RET_TRADE_BAD_STOPS": _("The order's price, stop loss or take profit is on the wrong side of the price in force."),
    "RET_TRADE_MARKET_CLOSED": _("The market is closed."),
    "RET_TRADE_OFFQUOTES": _("There is no current quote to trade at."),
    "RET_TRADE_DISABLE": _("Trading is switched off for this account or contract."),
    "RET_TRADE_TOO_MANY_ORDERS": _("The account has too many open and pending orders."),
    "RET_TRADE_INCORRECT_CMD": _("This is not a pending order."),
    "RET_TRADE_INCORRECT_STATE": _("The order is not in a state in which this can be done."),
    "PERMISSION_DENIED": _("This order does not belong to the account."),
    "IDEMPOTENCY_KEY_REUSED": _("This id was already used for a different request."),
    "MANUAL_TRADING_DISABLED": _("Trading by hand is switched off on this account."),
    "COPIED_POSITION_PROTECTED": _("This position is copied; trading it by hand is switched off."),
}

CONFLICTS: Final = frozenset({"IDEMPOTENCY_KEY_REUSED", "RET_TRADE_INCORRECT_CMD"})
"""Codes that REST answers with 409; all others are 403."""


def sentence(code: str) -> str:
    """The sentence of a refusal, in the viewer's language."""
    return str(SENTENCES.get(code, _("The order was refused.")))
