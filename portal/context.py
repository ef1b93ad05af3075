"""What every portal template may use. Other pages of the platform get nothing."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from portal import http, reads
from portal.words import ACTIONS, BADGES


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the navigation; `key` follows `g` on the keyboard. `copying`: it belongs to copy trading."""

    name: str
    label: Promise
    icon: str
    key: str
    copying: bool = False


NAVIGATION = (
    Item("dashboard", gettext_lazy("Dashboard"), "squares-2x2", "d"),
    Item("trade", gettext_lazy("Trade"), "arrows-up-down", "t"),
    Item("masters", gettext_lazy("Masters"), "trophy", "m", True),
    Item("copying", gettext_lazy("Copying"), "square-2-stack", "c", True),
    Item("rewards", gettext_lazy("Rewards"), "banknotes", "r", True),
    Item("accounts", gettext_lazy("Accounts"), "wallet", "a"),
)
_SECTION = {
    "master": "masters",
    "follow": "masters",
    "my-masters": "masters",
    "new-master": "masters",
    "my-master": "masters",
    "end-master": "masters",
    "edit": "copying",
    "stop": "copying",
    "why": "copying",
    "reward-terms": "copying",
    "reward-statement": "rewards",
    "second-factor": "profile",
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """Theme, tenant, navigation, the viewer with the own accounts, and what the scripts need."""
    if not request.path.startswith(("/app/", "/console/")):
        return {}
    theme = request.COOKIES.get(http.THEME_COOKIE, "auto")
    context: dict[str, Any] = {
        "theme": theme if theme in http.THEMES else "auto",
        "tenant": getattr(request, "tenant", None),
        "now": getattr(request, "at", None) or clock.now(),
    }
    viewer: http.Viewer | None = getattr(request, "viewer", None)
    if viewer is None:
        return context
    context |= {"zone": timezone.get_current_timezone_name()}
    context |= {"viewer": viewer, "person": viewer.person, "accounts": viewer.accounts, "chosen": viewer.chosen}
    if not getattr(request, "htmx", None):
        context |= _frame(request, viewer)
    return context


def _frame(request: HttpRequest, viewer: http.Viewer) -> dict[str, Any]:
    name = request.resolver_match.url_name if request.resolver_match else None
    section = _SECTION.get(name or "", name)
    return {
        "navigation": [
            {
                "url": reverse(f"portal:{item.name}"),
                "label": item.label,
                "icon": item.icon,
                "key": item.key,
                "current": item.name == section,
            }
            for item in NAVIGATION
            if viewer.copying or not item.copying
        ],
        "simulated": reads.market_is_simulated(),
        "notices": http.notices_of(request),
        "badge_templates": [
            {"kind": kind, "value": value} for kind in ("copy_order", "side") for value in BADGES[kind]
        ],
        "script_data": script_data(viewer),
    }


def script_data(viewer: http.Viewer) -> dict[str, Any]:
    """What `static/portal/live.js` knows from the start; words included, since scripts have no catalogue."""
    return {
        "shown": [account.login for account in viewer.shown],
        "all": viewer.chosen is None,
        "heartbeat": reads.heartbeat_symbol(),
        "zone": str(timezone.get_current_timezone()),
        "words": {
            "connecting": _("Connecting"),
            "live": _("Live"),
            "reconnecting": _("Reconnecting"),
            "stale": _("Stale"),
            "reread": _("Connected again: the figures were read anew."),
            "age": _("Age of the last quote"),
            "actions": {code: str(word) for code, word in ACTIONS.items()},
            "now": _("just now"),
            "s": _("%(n)s s ago"),
            "min": _("%(n)s min ago"),
            "h": _("%(n)s h ago"),
            "d": _("%(n)s d ago"),
            "failed": _("The page could not reach the server. What you see may be old."),
        },
    }
