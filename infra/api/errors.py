"""Every failure becomes the one envelope, `{"error", "message", ...}`, and undoes what the request had written."""

import logging
from typing import Any

import psycopg
from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, connections
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions as rest_errors
from rest_framework.response import Response

from core.errors import DomainError, Kind, invalid
from infra.api.fields import first_problem
from infra.api.parsers import malformed
from infra.api.renderers import JSON_TYPE, encode

logger = logging.getLogger(__name__)

NOT_FOUND = "RET_ERR_NOTFOUND"
TOO_FREQUENT = "RET_TOO_FREQUENT"
DENIED = "PERMISSION_DENIED"
RETRY_WHEN_UNAVAILABLE = 1
"""Seconds after which a caller may try again when the database does not answer."""


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """The answer to any exception of a view; for Django REST framework's `EXCEPTION_HANDLER`.

    The surrounding transaction is marked for rollback, so a refused request has changed nothing.
    """
    undo()
    if (refusal := refusal_of(exc)) is not None:
        status: int = refusal.kind.value
        body = envelope(refusal)
    elif isinstance(exc, rest_errors.APIException):
        status, body = exc.status_code, _body(str(exc.default_code).upper(), str(exc.detail))
    else:
        status, body = 500, _internal()
        request = context.get("request")
        logger.error("unexpected error in %s", type(context.get("view")).__name__, exc_info=exc)
        # As for any failed Django view: error trackers and the test client listen.
        got_request_exception.send(sender=None, request=getattr(request, "_request", request))
    return Response(body, status=status, headers=_headers(body))


def refusal_of(exc: Exception) -> DomainError | None:
    """The refusal that an exception amounts to, None for what nobody expected."""
    match exc:
        case DomainError():
            return exc
        case rest_errors.ValidationError():
            return invalid(*first_problem(exc.detail))
        case rest_errors.ParseError() | django_errors.BadRequest():
            return malformed(_("The request cannot be read."))
        case django_errors.RequestDataTooBig():
            return DomainError(Kind.TOO_LARGE, "BODY_TOO_LARGE", _("The body is too large."))
        case django_errors.SuspiciousOperation():
            return malformed(_("The request cannot be read."))
        case rest_errors.NotAuthenticated() | rest_errors.AuthenticationFailed():
            return DomainError(Kind.UNAUTHORIZED, "UNAUTHORIZED", _("Sign in first."))
        case rest_errors.PermissionDenied() | django_errors.PermissionDenied():
            return denied()
        case rest_errors.NotFound() | Http404():
            return DomainError(Kind.NOT_FOUND, NOT_FOUND, _("There is nothing at this address."))
        case rest_errors.UnsupportedMediaType():
            return DomainError(
                Kind.UNSUPPORTED_MEDIA, "UNSUPPORTED_MEDIA_TYPE", _("The body must be application/json.")
            )
        case rest_errors.Throttled():
            return too_frequent(int(getattr(exc, "wait", None) or 1))
        case DatabaseError() | InterfaceError() | psycopg.Error():
            return _refusal_of_database(exc)
    return None


def denied() -> DomainError:
    """403 for a session that may not do this."""
    return DomainError(Kind.FORBIDDEN, DENIED, _("This session is not permitted to do this."))


def too_frequent(retry_after: int) -> DomainError:
    """429; `retry_after` in whole seconds is given in the body and in the header."""
    message = _("Too many requests. Try again in %(seconds)s s.") % {"seconds": retry_after}
    return DomainError(Kind.TOO_FREQUENT, TOO_FREQUENT, message, retry_after=retry_after)


def _refusal_of_database(exc: Exception) -> DomainError | None:
    if isinstance(exc, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        # Away, restarting, or a lock that was not to be had: nothing is wrong with the request itself.
        logger.warning("database not available: %s", exc)
        message = _("The service is not available at the moment. Try again.")
        return DomainError(Kind.UNAVAILABLE, "UNAVAILABLE", message, retry_after=RETRY_WHEN_UNAVAILABLE)
    if isinstance(exc, DataError | psycopg.DataError):
        logger.warning("value refused by the database: %s", exc)
        return malformed(_("A value cannot be stored."))
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, psycopg.errors.UniqueViolation):
        # Two requests passed the same check at the same time; the constraint decided.
        return DomainError(Kind.CONFLICT, "RET_DUPLICATE_RECORD", _("This record exists already."))
    return None


def envelope(refusal: DomainError) -> dict[str, Any]:
    """The body of an error answer."""
    return _body(refusal.code, refusal.message) | refusal.extra


def undo() -> None:
    """Marks the request's open transactions for rollback."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            connection.set_rollback(True)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for addresses of the API that do not exist."""
    return refused(DomainError(Kind.NOT_FOUND, NOT_FOUND, _("There is nothing at this address.")))


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for requests that cannot be read."""
    refusal = refusal_of(exception) if exception is not None else None
    return refused(refusal or malformed(_("The request cannot be read.")))


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for what is not permitted."""
    return refused(denied())


def handler500(request: HttpRequest) -> HttpResponse:
    """Django's handler for failures outside the views; Django has logged the exception."""
    return HttpResponse(encode(_internal()), status=500, content_type=JSON_TYPE)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`."""
    return refused(DomainError(Kind.FORBIDDEN, DENIED, _("The request lacks a valid CSRF token.")))


def refused(refusal: DomainError) -> HttpResponse:
    """The error answer of code outside the REST views, such as middleware."""
    body = envelope(refusal)
    return HttpResponse(encode(body), status=refusal.kind.value, content_type=JSON_TYPE, headers=_headers(body))


def _body(code: str, message: str) -> dict[str, Any]:
    return {"error": code, "message": message}


def _internal() -> dict[str, Any]:
    return _body("INTERNAL_ERROR", _("Something went wrong on our side."))


def _headers(body: dict[str, Any]) -> dict[str, str]:
    return {"Retry-After": str(body["retry_after"])} if "retry_after" in body else {}
