"""What every portal view stands on: the signed-in customer, one instant, the viewer's zone, and errors as pages."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec
from urllib.parse import unquote, urlencode

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.signing import BadSignature, dumps, loads
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from accounts.directory import TenantRef
from accounts.models import TradingAccount, User
from accounts.selectors import accounts, own_user, product_config
from core import clock
from core.errors import DomainError, Kind
from infra.actor import Actor
from infra.api.errors import refusal_of, undo
from portal import languages
from portal.formats import zone_of

logger = logging.getLogger(__name__)

ACCOUNT_COOKIE = "ct_account"
ZONE_COOKIE = "ct_zone"
THEME_COOKIE = "ct_theme"
NOTICE_COOKIE = "ct_notice"
YEAR_SECONDS = 365 * 86400
THEMES = ("auto", "light", "dark")

P = ParamSpec("P")


class PortalRequest(HttpRequest):
    """A request as the middleware and `customer_page` leave it."""

    actor: Actor
    tenant: TenantRef
    htmx: HtmxDetails
    at: datetime
    viewer: "Viewer"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and at which of the own accounts: `chosen` None means all. `copying`: the tenant has copy trading on."""

    actor: Actor
    person: User
    accounts: list[TradingAccount]
    chosen: TradingAccount | None
    copying: bool

    @property
    def shown(self) -> list[TradingAccount]:
        return self.accounts if self.chosen is None else [self.chosen]

    def own(self, login: object) -> TradingAccount:
        """The own account with this login; 404 for any other."""
        found = next((account for account in self.accounts if str(account.login) == str(login)), None)
        if found is None:
            raise Http404
        return found


View = Callable[Concatenate[PortalRequest, P], HttpResponse]


def customer_page(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view for signed-in customers: everybody else is led to the sign-in and back.

    A refusal that the view did not put on its own page becomes an error page; whatever fails has changed nothing.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None or not actor.is_customer:
            return to_sign_in(request)
        asked: Any = request
        asked.at = clock.now()
        chosen_now = request.GET.get("account")
        asked.viewer = _viewer(actor, chosen_now or request.COOKIES.get(ACCOUNT_COOKIE, ""))
        zone = viewer_zone(request, asked.viewer.person)
        with timezone.override(zone), translation.override(languages.chosen()):
            response = _answered(view, asked, *args, **kwargs)
        if chosen_now is not None:
            login = asked.viewer.chosen.login if asked.viewer.chosen else 0
            set_cookie(response, ACCOUNT_COOKIE, str(login), http_only=True)
        return private(response)

    return wrapper


def copying_page(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A customer's page of copy trading: where the tenant has it switched off, the page says so and nothing happens."""

    @functools.wraps(view)
    def checked(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.viewer.copying:
            return view(request, *args, **kwargs)
        if request.htmx:
            return error_page(request, 403, _("Copy trading is switched off here."))
        return render(request, "portal/module_off.html", status=403)

    return customer_page(checked)


def public_page(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view for anybody."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked: Any = request
        asked.at = clock.now()
        with translation.override(languages.chosen()):
            return private(_answered(view, asked, *args, **kwargs))

    return wrapper


def _answered(view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    try:
        return view(request, *args, **kwargs)
    except (
        DomainError, Http404, BadRequest, PermissionDenied, SuspiciousOperation, DatabaseError
    ) as error:  # fmt: skip
        undo()
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return error_page(request, refusal.kind.value, refusal.message)
    except Exception:
        undo()
        logger.exception("unexpected error in %s", getattr(view, "__name__", view))
        return error_page(request, 500, "")


def error_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A failure as a page; for a part of a page, as a notice in its place.

    It asks the database nothing: the transaction may be over.
    """
    request.viewer = None  # type: ignore[attr-defined]
    words = {
        403: _("This is not yours to see"),
        404: _("There is nothing here"),
        500: _("Something went wrong on our side"),
        503: _("Not available at the moment"),
    }
    context = {"status": status, "headline": words.get(status, _("This did not work")), "message": message}
    template = "portal/parts/error.html" if getattr(request, "htmx", None) else "portal/error.html"
    return render(request, template, context, status=status)


def private(response: HttpResponse) -> HttpResponse:
    """Pages carry a customer's figures: no cache keeps them."""
    patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def _viewer(actor: Actor, login: str) -> Viewer:
    own = list(accounts(actor).filter(enabled=True).order_by("login"))
    chosen = next((account for account in own if str(account.login) == login), None)
    shown = chosen if len(own) > 1 else (own[0] if own else None)
    return Viewer(actor, own_user(actor), own, shown, product_config().copy_trading)


def viewer_zone(request: HttpRequest, person: User | None) -> Any:
    """The person's own zone, else the browser's, else the tenant's."""
    tenant = getattr(request, "tenant", None)
    browser = unquote(request.COOKIES.get(ZONE_COOKIE, ""))[:64]
    return zone_of(person.timezone if person else "", browser, tenant.timezone if tenant else "")


@contextmanager
def attempt() -> Iterator[None]:
    """Around a use case whose refusal the page shows itself: what it wrote before refusing is undone."""
    with transaction.atomic():
        yield


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in, and back afterwards where that is a page."""
    target = reverse("portal:sign-in")
    if request.method == "GET" and not getattr(request, "htmx", None):
        target += "?" + urlencode({"next": request.get_full_path()})
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: a page of this portal and nothing else."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    fits = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/app/")
    return target if fits else reverse("portal:dashboard")


def set_cookie(
    response: HttpResponse, name: str, value: str, *, http_only: bool = False, seconds: int = YEAR_SECONDS
) -> None:
    """A cookie that only remembers a choice."""
    response.set_cookie(
        name, value, max_age=seconds, samesite="Lax", httponly=http_only, secure=settings.COOKIES_SECURE
    )


def moved(request: HttpRequest, target: str, notice: str = "", tone: str = "good") -> HttpResponse:
    """To another page after a write, with a sentence that is shown there once."""
    response: HttpResponse
    if getattr(request, "htmx", None):
        response = HttpResponse(status=204, headers={"HX-Redirect": target})
    else:
        response = HttpResponseRedirect(target)
    if notice:
        response.set_cookie(NOTICE_COOKIE, dumps([tone, notice]), max_age=60, samesite="Lax", httponly=True)
    return response


def notices_of(request: HttpRequest) -> list[dict[str, str]]:
    """The sentence that the page before left for this one."""
    try:
        tone, text = loads(request.COOKIES.get(NOTICE_COOKIE, ""), max_age=60)
    except (BadSignature, ValueError, TypeError):
        return []
    return [{"tone": tone, "text": text}]


def refusal_sentence(error: DomainError) -> str:
    """The sentence of a refusal without the field name that the API puts before it."""
    field = error.extra.get("field")
    return error.message.removeprefix(f"{field}: ") if error.kind is Kind.INVALID and field else error.message
