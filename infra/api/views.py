"""`ApiView`: the order of checks, the entrance's clock and the reading of requests, once for all addresses."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.errors import DomainError, Kind
from infra.actor import CUSTOMER_SESSIONS, Actor
from infra.api.errors import denied, undo
from infra.api.fields import Body, validated
from infra.api.idempotency import WRITES, Claim, claim
from infra.api.parsers import payload_of
from infra.api.renderers import JSONAlways
from infra.api.schema import ApiSchema
from infra.api.throttle import check_rate
from infra.api.wire import query_values

ModuleCheck = Callable[[Actor, str], None]

_module_checks: list[ModuleCheck] = []


def set_module_check(check: ModuleCheck | None) -> None:
    """The port that is asked, for every request of a customer or account, whether the tenant has the view's module.

    `check(actor, module)` raises 403 `MODULE_DISABLED` when not. It replaces the one before; None takes it away.
    """
    _module_checks[:] = [] if check is None else [check]


class ApiView(APIView):
    """One address. Methods `get`, `post`, `put`, `delete` answer a `Response`, and raise `DomainError` to refuse.

    Checked before they run, in this order: session, session type, rate, module, the body's form, `Idempotency-Key`.
    """

    session_types: ClassVar[frozenset[str] | None] = CUSTOMER_SESSIONS
    """The session types that are let in; None for an address that needs no session."""
    write_session_types: ClassVar[frozenset[str] | None] = None
    """Narrower types for everything but GET, where they differ."""
    customer_address: ClassVar[bool] = True
    """Whether it is one of the contract's customer addresses: 401 `INVALID_CUSTOMER_SESSION` for every other
    session."""
    module: ClassVar[str | None] = None
    rate: ClassVar[str] = ""
    """The kind of rate; unless written, "read" for GET and "write" for the rest."""
    never_throttled: ClassVar[bool] = False
    """For addresses that reduce positions: no rate and no module ever refuses them."""
    reducing_methods: ClassVar[frozenset[str]] = frozenset()
    """The same for some methods only."""
    shows_secret: ClassVar[bool] = False
    """Whether answers to writes hold something that is shown once: what `Idempotency-Key` keeps of them is sealed."""

    http_method_names = ["get", "head", "post", "put", "delete"]
    content_negotiation_class = JSONAlways
    schema = ApiSchema()

    _claim: Claim | None = None

    # --- What the methods of a view use ---

    @property
    def actor(self) -> Actor:
        """The bearer of the session; only for addresses that need one."""
        actor = self._actor_or_none
        if actor is None:
            raise DomainError(Kind.UNAUTHORIZED, "UNAUTHORIZED", _("Sign in first."))
        return actor

    @cached_property
    def at(self) -> datetime:
        """The instant of this request, the same for everything that it does."""
        return clock.now()

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The keys that the request carries, as they are: the body's, on GET and DELETE also the query string's."""
        body = payload_of(self._http)
        if self._http.method in ("GET", "HEAD", "DELETE"):
            return query_values(self._http.GET) | body
        return body

    def body(self, body: type[Body], *, partial: bool = False, **context: Any) -> dict[str, Any]:
        """The values of a write. With `partial`, as for most PUTs, only keys that were sent are in it."""
        return validated(body, self.payload, partial=partial, context=context)

    def query(self, body: type[Body], **context: Any) -> dict[str, Any]:
        """The values of a read: query string and JSON body, which wins."""
        return validated(body, self.payload, context=context)

    # --- What happens around them ---

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self._check_session()
        actor = self._actor_or_none
        if actor is not None and not self._reduces:
            check_rate(actor, self._rate_kind, self.at)
            self._check_module(actor)
        # Only now the body is read: a caller without a session learns nothing about it, and costs nothing.
        self.payload  # noqa: B018

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As in Django REST framework, with the repeated write answered before the method runs."""
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            response: Any = self._repeated() or self._handler()(self.request, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self._kept(self.response)

    def _handler(self) -> Callable[..., Any]:
        method = (self._http.method or "").lower()
        if method in self.http_method_names:
            return getattr(self, method, self.http_method_not_allowed)
        return self.http_method_not_allowed

    def _repeated(self) -> HttpResponse | None:
        actor = self._actor_or_none
        if actor is None or self._http.method not in WRITES:
            return None
        outcome = claim(self._http, actor, self.at, secret=self.shows_secret)
        if isinstance(outcome, Claim):
            self._claim = outcome
            return None
        return outcome

    def _kept(self, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code >= 400:
            undo()
        elif self._claim is not None and isinstance(response, HttpResponse):
            if isinstance(response, Response):
                response.render()
            self._claim.keep(response)
        return response

    def _check_session(self) -> None:
        if self.session_types is None:
            return
        allowed = self.session_types
        if self.write_session_types is not None and self._http.method not in ("GET", "HEAD", "OPTIONS"):
            allowed = self.write_session_types
        actor = self._actor_or_none
        if actor is not None and actor.session_type in allowed:
            return
        if self.customer_address:
            message = _("This needs the session of a signed-in customer.")
            raise DomainError(Kind.UNAUTHORIZED, "INVALID_CUSTOMER_SESSION", message)
        if actor is None:
            raise DomainError(Kind.UNAUTHORIZED, "UNAUTHORIZED", _("Sign in first."))
        raise denied()

    def _check_module(self, actor: Actor) -> None:
        if self.module is not None and not actor.is_staff:
            for check in _module_checks:
                check(actor, self.module)

    @property
    def _rate_kind(self) -> str:
        return self.rate or ("read" if self._http.method in ("GET", "HEAD", "OPTIONS") else "write")

    @property
    def _reduces(self) -> bool:
        return self.never_throttled or self._http.method in self.reducing_methods

    @property
    def _actor_or_none(self) -> Actor | None:
        actor: Actor | None = getattr(self._http, "actor", None)
        return actor

    @property
    def _http(self) -> HttpRequest:
        request: HttpRequest = self.request._request
        return request
