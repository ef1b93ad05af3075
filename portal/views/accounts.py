"""The customer's accounts, opening one, and the person's own settings."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.selectors import account_groups
from accounts.services import account_open_by_customer, password_change
from core.errors import DomainError
from portal import languages, reads
from portal.forms import PasswordForm, SettingsForm
from portal.http import (
    THEME_COOKIE,
    PortalRequest,
    attempt,
    customer_page,
    moved,
    refusal_sentence,
    set_cookie,
    viewer_zone,
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


@customer_page
def profile(request: PortalRequest) -> HttpResponse:
    """Time zone, theme and language; the password has a form of its own on the same page."""
    form = _settings_form(request, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/profile.html", _profile(request) | {"settings_form": form})
    data = form.cleaned_data
    User.objects.filter(pk=request.viewer.person.pk).update(timezone=data["timezone"])
    with translation.override(data["language"]):
        response = moved(request, reverse("portal:profile"), _("Saved."))
    set_cookie(response, THEME_COOKIE, data["theme"])
    set_cookie(response, settings.LANGUAGE_COOKIE_NAME, data["language"])
    return response


@customer_page
def password(request: PortalRequest) -> HttpResponse:
    """Changes the password; all other sessions of the person end."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = PasswordForm(request.POST)
    if form.is_valid():
        try:
            with attempt():
                password_change(
                    user_id=request.viewer.actor.user_id,
                    current=form.cleaned_data["current"],
                    new=form.cleaned_data["new"],
                    session_id=request.viewer.actor.session_id,
                    address=request.META.get("REMOTE_ADDR", ""),
                    at=request.at,
                )
        except DomainError as error:
            form.add_error("current" if error.code == "INVALID_PASSWORD" else "new", refusal_sentence(error))
        else:
            return moved(
                request, reverse("portal:profile"), _("The password was changed. Your other sessions have ended.")
            )
    return render(request, "portal/profile.html", _profile(request) | {"password_form": form})


def _profile(request: PortalRequest) -> dict[str, Any]:
    return {
        "settings_form": _settings_form(request, None),
        "password_form": PasswordForm(),
        "zone": str(viewer_zone(request, request.viewer.person)),
    }


def _settings_form(request: PortalRequest, data: Any) -> SettingsForm:
    initial = {
        "timezone": request.viewer.person.timezone,
        "theme": request.COOKIES.get(THEME_COOKIE, "auto"),
        "language": translation.get_language(),
    }
    return SettingsForm(data, initial=initial, languages=list(languages.offered()))
