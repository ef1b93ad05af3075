"""Masters as pages show them: found for a viewer, with their terms in words."""

from typing import Any

from django.http import Http404

from copytrade.models import FollowerModes
from copytrade.selectors import masters_visible
from infra.actor import Actor
from portal.terms import terms_of
from portal.words import FOLLOWER_MODES


def master_seen(actor: Actor, login: int) -> Any:
    """The living master on the account with this login, as `masters_visible` gives it; 404 when the viewer may not see it."""
    found = masters_visible(actor).filter(account__login=login).first()
    if found is None:
        raise Http404
    return found


def master_shown(found: Any) -> dict[str, Any]:
    """What every page about a master says of it."""
    return {
        "master": found,
        "terms": terms_of(found),
        "admits": FOLLOWER_MODES[FollowerModes(found.allowed_follower_modes)],
        "full": bool(found.max_followers) and found.followers >= found.max_followers,
    }
