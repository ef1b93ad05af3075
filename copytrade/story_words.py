"""The sentences of a copy's story (X01), beside those of refusals in `reasons`: same form, same square brackets."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from copytrade.reasons import Words, words_filled

NOTHING_TO_DO: Final = _("Nothing to do.")

STORY: Final[dict[str, tuple[Words, Words]]] = {
    "LEADER_OPEN": (_("The leader opened %(side)s %(symbol)s[: %(lots)s lots at %(price)s]."), ""),
    "LEADER_INCREASE": (_("The leader added to it[: %(lots)s lots at %(price)s]."), ""),
    "LEADER_REDUCE": (_("The leader closed a part of it[: %(lots)s lots at %(price)s]."), ""),
    "LEADER_CLOSE": (_("The leader closed it[: %(lots)s lots at %(price)s]."), ""),
    "LEADER_PLACE": (_("The leader placed a pending order, %(side)s %(symbol)s[: %(lots)s lots at %(price)s]."), ""),
    "LEADER_MODIFY": (_("The leader changed price or stops[ (stop %(sl)s, target %(tp)s)]."), ""),
    "LEADER_CANCEL": (_("The leader's pending order ended without being filled."), ""),
    "SUBSCRIBED": (_("This account began to copy the leader."), ""),
    "SUBSCRIPTION_ENDED": (_("This account stopped copying the leader."), ""),
    "NOT_SUBSCRIBED": (
        _("This account was not subscribed until %(until)s, so it was not copied."),
        _("Nothing to do: the leader's trades since then are copied."),
    ),
    "SUBSCRIPTION_OVER": (
        _("This account had stopped copying the leader at %(since)s, so it was not copied."),
        _("Subscribe again if you want the leader's next trades copied."),
    ),
    "NEVER_SUBSCRIBED": (
        _("This account never copied the leader."),
        _("Subscribe if you want the leader's next trades copied."),
    ),
    "NO_COPY": (_("There was no copy that this could have changed."), NOTHING_TO_DO),
    "WAITING": (_("This has not been copied yet; it is waiting for its turn."), _("Look again in a moment.")),
    "PENDING": (_("The copy is decided and not yet sent."), _("Look again in a moment.")),
    "SENT": (_("The copy was sent; its venue has not answered yet."), _("Look again in a moment.")),
    "FILLED": (_("It was copied[: %(lots)s lots of %(contract)s][, order %(order)s]."), ""),
    "COPY_CLOSED_OTHERWISE": (
        _(
            "The copy was closed by hand, by its own stop or by the house; from then on the leader's exits change nothing."
        ),
        NOTHING_TO_DO,
    ),
    "COPY_UNTRACKED": (
        _("The copy was let go: the position is the follower's own since then."),
        _("Close it by hand when you no longer want it."),
    ),
    "NOW_BOTH_OPEN": (_("Leader and follower both hold it: the leader's exits are copied."), NOTHING_TO_DO),
    "NOW_LEADER_ONLY": (
        _("The leader still holds it, this account has no copy of it; the leader's exits change nothing here."),
        NOTHING_TO_DO,
    ),
    "NOW_FOLLOWER_ONLY": (
        _("The leader has left it and this account still holds a copy."),
        _("Close the copy, or wait while the exit is tried again."),
    ),
    "NOW_OWN": (
        _("This account holds the position as its own; the leader's exits change nothing."),
        _("Close it by hand when you no longer want it."),
    ),
    "NOW_FLAT": (_("Neither the leader nor this account holds it any more."), NOTHING_TO_DO),
    "NOW_PENDING": (_("The leader's order is waiting for its price."), NOTHING_TO_DO),
}


def sentence(code: str, values: Mapping[str, Any] | None = None) -> str:
    """What is told about a step."""
    return words_filled(STORY[code][0], values or {})


def next_step(code: str) -> str:
    """What can be done about it, "" for what needs nothing."""
    return str(STORY[code][1])
