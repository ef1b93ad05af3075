"""The person's own settings: how pages look, the password, the second factor."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import otp_disable, otp_enable, otp_prepare, password_change
from core.errors import DomainError, Kind
from portal import languages
from portal.forms import PasswordForm, SecondFactorForm, SettingsForm
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
        "code_form": SecondFactorForm(),
        "zone": str(viewer_zone(request, request.viewer.person)),
    }


def _settings_form(request: PortalRequest, data: Any) -> SettingsForm:
    initial = {
        "timezone": request.viewer.person.timezone,
        "theme": request.COOKIES.get(THEME_COOKIE, "auto"),
        "language": translation.get_language(),
    }
    return SettingsForm(data, initial=initial, languages=list(languages.offered()))


# --- The second factor --------------------------------------------------------------------------------------------------


@customer_page
def second_factor(request: PortalRequest) -> HttpResponse:
    """A new secret, shown on this page alone; it is asked for only after a code of it was typed."""
    if request.method != "POST":
        return moved(request, reverse("portal:profile"))
    try:
        with attempt():
            secret, uri = otp_prepare(user_id=request.viewer.actor.user_id, issuer=request.tenant.name)
    except DomainError as error:
        return moved(request, reverse("portal:profile"), refusal_sentence(error), "bad")
    shown = {"secret": " ".join(secret[place : place + 4] for place in range(0, len(secret), 4)), "uri": uri}
    return render(request, "portal/second_factor.html", shown | {"code_form": SecondFactorForm()})


@customer_page
def second_factor_on(request: PortalRequest) -> HttpResponse:
    """Switches it on with a code of the secret shown before; a wrong code leaves the form with what went wrong."""
    said = _("The second factor is on: signing in asks for a code from now on.")
    return _with_code(request, otp_enable, "portal/second_factor.html", said)


@customer_page
def second_factor_off(request: PortalRequest) -> HttpResponse:
    """Switches it off, with a code."""
    return _with_code(request, otp_disable, "portal/profile.html", _("The second factor is off."))


def _with_code(request: PortalRequest, switch: Any, template: str, said: str) -> HttpResponse:
    if request.method != "POST":
        return moved(request, reverse("portal:profile"))
    form = SecondFactorForm(request.POST)
    if form.is_valid():
        try:
            with attempt():
                switch(
                    user_id=request.viewer.actor.user_id,
                    code=form.cleaned_data["code"],
                    address=request.META.get("REMOTE_ADDR", ""),
                    at=request.at,
                )
        except DomainError as error:
            if error.code in ("OTP_ALREADY_ENABLED", "OTP_NOT_ENABLED"):
                return moved(request, reverse("portal:profile"), refusal_sentence(error), "info")
            form.add_error("code", _("Too many wrong codes. Try again later.") if _too_often(error) else error.message)
        else:
            return moved(request, reverse("portal:profile"), said)
    return render(request, template, _profile(request) | {"code_form": form})


def _too_often(error: DomainError) -> bool:
    return error.kind is Kind.TOO_FREQUENT
