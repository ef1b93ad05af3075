"""Who asks, and in which tenant: the entrance of every request.

A request runs inside one `tenant_scope`, that is one transaction: an answer from 400 up to a write, or from 500 up to
anything, leaves nothing behind. Middleware is synchronous; under ASGI each request has a thread of its own.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _

from accounts import directory
from accounts.directory import TenantRef
from accounts.selectors import actor_for_claims
from accounts.tokens import Claims, token_decode
from core import clock
from core.errors import DomainError, Kind
from infra.api.errors import refusal_of, refused
from infra.api.parsers import payload_of
from infra.api.wire import NotAccepted, read_whole
from infra.faults import fault
from infra.tenancy import tenant_scope

GetResponse = Callable[[HttpRequest], HttpResponse]

COOKIE: Final = "ct_token"
"""The browser's token: HttpOnly and SameSite=Lax, set by the portal's sign-in."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_WITHOUT_TENANT: Final = ("/health/", "/metrics", "/static/", "/schema", "/docs")
_SIGN_IN_BY_EMAIL: Final = frozenset({"/customer/auth/login", "/manage/auth/login"})
_SIGN_IN_BY_LOGIN: Final = frozenset({"/sign/in"})
_PAGES: Final = ("/app", "/console")
_SIGN_IN_PAGE: Final = "/sign-in"


def is_page(path: str) -> bool:
    """Whether an address belongs to the portals rather than to the API."""
    return path == "/" or any(path == root or path.startswith(f"{root}/") for root in _PAGES)


class TenantMiddleware:
    """Sets `request.tenant` (a `TenantRef` or None), `request.actor` (an `Actor` or None), `request.at` (the instant of
    the request) and `request.token_in_cookie`, and runs the rest inside the tenant's scope.

    A token counts only for its own tenant: on a Host that is another tenant's domain there is no actor.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant, request.actor, request.token_in_cookie = None, None, False  # type: ignore[attr-defined]
        request.at = clock.now()  # type: ignore[attr-defined]
        if request.path_info.startswith(_WITHOUT_TENANT):
            return self.get_response(request)
        try:
            return self._answer(request)
        except (DatabaseError, InterfaceError) as error:
            # Also what only the commit found out; failures inside views have been answered already.
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return refused(refusal)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        tenant, claims = _tenant_and_claims(request, request.at)  # type: ignore[attr-defined]
        if tenant is None:
            # No tenant, no actor: only what needs neither can succeed.
            with transaction.atomic():
                return self._undone_if_refused(request, self.get_response(request))
        with tenant_scope(tenant.id):
            request.tenant = tenant  # type: ignore[attr-defined]
            if claims is not None and claims.tenant_id == tenant.id:
                request.actor = actor_for_claims(claims, request.at)  # type: ignore[attr-defined]
            response = self._undone_if_refused(request, self.get_response(request))
        fault("request.committed")
        return response

    @staticmethod
    def _undone_if_refused(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        limit = 400 if request.method not in SAFE_METHODS and not is_page(request.path_info) else 500
        if response.status_code >= limit:
            transaction.set_rollback(True)
        return response


def _tenant_and_claims(request: HttpRequest, at: datetime) -> tuple[TenantRef | None, Claims | None]:
    """The tenant by its domain, else the token's, else the one named at sign-in, else the deployment's default."""
    by_host = directory.tenant_of_host(request.get_host())
    path = request.path_info.rstrip("/")
    if request.method == "POST" and path in _SIGN_IN_BY_LOGIN:
        # A token that comes along to a sign-in is of no account: whoever signs in wants a new one.
        by_login = _tenant_of_login(request)
        return (by_login if by_host in (None, by_login) else None), None
    if request.method == "POST" and path in _SIGN_IN_BY_EMAIL:
        return by_host or _tenant_of_slug(_sign_in_payload(request).get("tenant")), None
    token, request.token_in_cookie = _token_of(request)  # type: ignore[attr-defined]
    claims = token_decode(token, at) if token else None
    if is_page(path) and path.endswith(_SIGN_IN_PAGE):
        # The form's tenant is meant, whatever session is left; that session counts only where it is of this tenant.
        slug = (request.POST.get("tenant") if request.method == "POST" else None) or request.GET.get("tenant")
        if by_host is not None or slug:
            return by_host or _tenant_of_slug(slug), claims
    if by_host is None and claims is not None:
        return directory.tenant_of_id(claims.tenant_id), claims
    return by_host or _tenant_of_slug(None), claims


def _token_of(request: HttpRequest) -> tuple[str, bool]:
    """The token, and whether the cookie brought it. A header, even a wrong one, hides the cookie."""
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, space, rest = header.strip().partition(" ")
        return (rest.strip() if space and scheme.lower() == "bearer" else header.strip()), False
    return request.COOKIES.get(COOKIE, ""), COOKIE in request.COOKIES


def _tenant_of_slug(slug: object) -> TenantRef | None:
    """The tenant named by a caller, the default one when none is named. What is no text is the view's to refuse."""
    if isinstance(slug, str) and slug:
        return directory.tenant_of_slug(slug, fresh=True)
    return directory.tenant_of_slug(settings.DEFAULT_TENANT)


def _tenant_of_login(request: HttpRequest) -> TenantRef | None:
    try:
        return directory.tenant_of_login(read_whole(_sign_in_payload(request).get("login"), 1))
    except NotAccepted:
        return None


def _sign_in_payload(request: HttpRequest) -> dict[str, Any]:
    try:
        return payload_of(request)
    except DomainError:
        return {}  # the view reads it again, and says what is wrong


class CookieCsrfMiddleware(CsrfViewMiddleware):
    """Django's check, for writes that a browser could be made to send: those whose token came in a cookie, and the
    portals' forms. A token in a header is proof enough that the caller meant it."""

    def process_view(
        self, request: HttpRequest, callback: Any, callback_args: Any, callback_kwargs: Any
    ) -> HttpResponseForbidden | None:
        if not (getattr(request, "token_in_cookie", False) or is_page(request.path_info)):
            return None
        # Not with `callback` itself: Django REST framework marks all of its views as exempt.
        return super().process_view(request, _anything, callback_args, callback_kwargs)

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        if is_page(request.path_info):
            return super()._reject(request, reason)  # type: ignore[misc]  # private, so not in the stubs
        message = _("The request lacks a valid CSRF token.")
        return refused(DomainError(Kind.FORBIDDEN, "CSRF_FAILED", message))


def _anything(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is not exempt from the check."""
    raise NotImplementedError
