"""The customer's accounts, and opening one."""

from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from accounts.selectors import account_groups
from accounts.services import account_open_by_customer
from core.errors import DomainError
from portal import reads
from portal.http import (
    PortalRequest,
    attempt,
    customer_page,
    refusal_sentence,
)


@customer_page
def listing(request: PortalRequest) -> HttpResponse:
    """All accounts at current quotes, and the groups in which one can be opened."""
    return render(request, "portal/accounts.html", _accounts(request))


@customer_page
def open_account(request: PortalRequest) -> HttpResponse:
    """Opens an account and shows its own password, which exists in plain text only on this one page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        with attempt():
            opened = account_open_by_customer(
                user_id=request.viewer.actor.user_id, group_name=request.POST.get("group", ""), at=request.at
            )
    except DomainError as error:
        return render(request, "portal/accounts.html", _accounts(request) | {"refused": refusal_sentence(error)})
    return render(request, "portal/account_opened.html", {"opened": opened})


def _accounts(request: PortalRequest) -> dict[str, Any]:
    book = reads.book_of(request.viewer.accounts)
    groups = account_groups(request.viewer.actor).order_by("account_mode", "name")
    return {"rows": book.accounts, "groups": groups}
