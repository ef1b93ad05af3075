"""The masters that a customer can follow."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from copytrade.selectors import masters_visible, subscriptions_followed
from portal.http import PortalRequest, copying_page
from portal.master_reads import master_seen, master_shown


@copying_page
def listing(request: PortalRequest) -> HttpResponse:
    """All visible masters, the most followed first."""
    found: list[Any] = list(masters_visible(request.viewer.actor))
    found.sort(key=lambda visible: (-visible.followers, visible.strategy_name, visible.pk))
    followed = set(subscriptions_followed(request.viewer.actor).values_list("master_id", flat=True))
    masters = [master_shown(master) | {"followed": master.pk in followed} for master in found]
    return render(request, "portal/masters.html", {"masters": masters})


@copying_page
def master(request: PortalRequest, login: int) -> HttpResponse:
    """One master's profile."""
    found = master_seen(request.viewer.actor, login)
    mine = subscriptions_followed(request.viewer.actor).filter(master_id=found.pk)
    return render(request, "portal/master.html", master_shown(found) | {"subscriptions": mine})
