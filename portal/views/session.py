"""Signing in and out, and addresses that lead nowhere."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.directory import tenant_of_host
from accounts.middleware import COOKIE
from accounts.services import session_revoke
from accounts.services.sign_in import customer_sign_in
from core.errors import DomainError, Kind
from infra.api.errors import undo
from portal.forms import SignInForm
from portal.http import public_page, safe_next, set_cookie


@public_page
def root(request: HttpRequest) -> HttpResponse:
    """The bare domain leads customers to their pages, staff to theirs."""
    actor = getattr(request, "actor", None)
    return HttpResponseRedirect("/console/" if actor is not None and actor.is_staff else reverse("portal:dashboard"))


@public_page
def sign_in(request: Any) -> HttpResponse:
    """The form, and its answer: a session in an HttpOnly cookie, or a sentence with the input kept."""
    by_host = tenant_of_host(request.get_host())
    slug = request.GET.get("tenant") or settings.DEFAULT_TENANT
    if request.method == "POST":
        form = SignInForm(request.POST, asks_tenant=by_host is None)
        response = _signed_in(request, form)
        if response is not None:
            return response
    else:
        if request.actor is not None and request.actor.is_customer:
            return HttpResponseRedirect(safe_next(request))
        form = SignInForm(initial={"tenant": slug}, asks_tenant=by_host is None)
    context = {"form": form, "next": safe_next(request), "named_by_host": by_host is not None}
    return render(request, "portal/sign_in.html", context)


def _signed_in(request: Any, form: SignInForm) -> HttpResponse | None:
    if not form.is_valid():
        return None
    data = form.cleaned_data
    if "tenant" in data and (request.tenant is None or request.tenant.slug != data["tenant"]):
        # The middleware opens the tenant that the form names; here it has not, so there is none of that name.
        form.add_error("tenant", _("There is no organisation of this name here."))
        return None
    try:
        issued = customer_sign_in(
            email=data["email"],
            password=data["password"],
            address=request.META.get("REMOTE_ADDR", ""),
            at=request.at,
            otp_code=data["otp_code"].strip() or None,
        )
    except DomainError as error:
        undo()
        form.asks_code = error.code in ("OTP_REQUIRED", "INVALID_OTP_CODE")
        form.add_error(None, _sentence(error))
        return None
    response = HttpResponseRedirect(safe_next(request))
    hours = settings.SESSION_TOKEN_HOURS
    set_cookie(response, COOKIE, issued.token, http_only=True, seconds=hours * 3600)
    return response


def _sentence(error: DomainError) -> str:
    if error.kind is Kind.TOO_FREQUENT:
        minutes = max(1, round(int(error.extra.get("retry_after", 60)) / 60))
        return _("Too many failed attempts. Try again in about %(minutes)s min.") % {"minutes": minutes}
    return error.message


@public_page
def sign_out(request: Any) -> HttpResponse:
    """Ends the session itself, not only the cookie."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if request.actor is not None:
        session_revoke(session_id=request.actor.session_id, at=request.at)
    response = HttpResponseRedirect(reverse("portal:sign-in"))
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


CHARTS_NOTICE = """TradingView Lightweight Charts™
Copyright (c) TradingView, Inc."""


@public_page
def notices(request: HttpRequest) -> HttpResponse:
    """Who else's work the pages show: the licence of the charts asks for a public page that says so."""
    return render(request, "portal/notices.html", {"notice": CHARTS_NOTICE})


@public_page
def nothing_here(request: HttpRequest, *parts: str) -> HttpResponse:
    """An address of the portals that no page has."""
    raise Http404
