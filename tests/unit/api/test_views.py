"""The order of checks and the one envelope, without a database."""

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.core import exceptions as django_errors
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest
from django.test import RequestFactory, override_settings
from rest_framework import exceptions as rest_errors
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from core.errors import DomainError, forbidden
from infra.actor import ALL_SESSIONS, STAFF_SESSIONS, Actor, SessionType
from infra.api import errors, views
from infra.api.fields import Body, FlagField, WholeNumberField
from infra.api.views import ApiView, set_module_check

CUSTOMER = Actor(SessionType.CUSTOMER, user_id=1, tenant_id=1, session_id="a")
DEALER = Actor(SessionType.DEALER, user_id=2, tenant_id=1, session_id="b")


class Keys(Body):
    order = WholeNumberField(min_value=1)
    confirm = FlagField(default=False)


class Echo(ApiView):
    def get(self, request: Any) -> Response:
        return Response(self.query(Keys))

    def post(self, request: Any) -> Response:
        assert self.at is self.at
        return Response({"order": self.body(Keys)["order"], "price": Decimal("1.10"), "user": self.actor.user_id})

    def delete(self, request: Any) -> Response:
        return Response(self.body(Keys))


class Staff(Echo):
    session_types = STAFF_SESSIONS
    write_session_types = frozenset({SessionType.ADMIN})
    customer_address = False


class Public(Echo):
    session_types = None

    def post(self, request: Any) -> Response:
        return Response({})


class Module(Echo):
    session_types = ALL_SESSIONS
    module = "copy_trading"
    reducing_methods = frozenset({"DELETE"})


def call(
    view: type[ApiView],
    method: str = "POST",
    body: Any = None,
    *,
    actor: Actor | None = CUSTOMER,
    path: str = "/x",
    **meta: Any,
) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    request = APIRequestFactory().generic(method, path, raw, content_type="application/json", **meta)
    request.actor = actor  # type: ignore[attr-defined]
    with override_settings(API_RATES=None):
        response = view.as_view()(request)
        response.render()
    assert response["Content-Type"] == "application/json"
    return response.status_code, json.loads(response.content, parse_float=Decimal)


def test_a_valid_request_is_answered() -> None:
    assert call(Echo, body={"order": 5}) == (200, {"order": 5, "price": Decimal("1.1"), "user": 1})


def test_the_session_is_checked_before_the_body() -> None:
    for actor in (None, DEALER):
        status, answer = call(Echo, body=b"{", actor=actor)
        assert (status, answer["error"]) == (401, "INVALID_CUSTOMER_SESSION")
    assert call(Echo, body=b"{")[0] == 400


def test_elsewhere_a_missing_session_differs_from_a_wrong_type() -> None:
    assert call(Staff, actor=None)[1]["error"] == "UNAUTHORIZED"
    assert call(Staff)[1]["error"] == "PERMISSION_DENIED"
    assert call(Staff, "GET", path="/x?order=1", actor=DEALER)[0] == 200
    assert call(Staff, body={"order": 1}, actor=DEALER)[0] == 403


def test_a_public_address_needs_no_session_and_reads_its_body_all_the_same() -> None:
    assert call(Public, actor=None) == (200, {})
    assert call(Public, body=b"[]", actor=None)[0] == 400


def test_a_method_that_does_not_exist_is_405() -> None:
    status, answer = call(Echo, "PUT")
    assert (status, answer["error"]) == (405, "METHOD_NOT_ALLOWED")
    assert call(Echo, "OPTIONS")[0] == 405


def test_a_json_body_on_get_wins_over_the_query_string() -> None:
    assert call(Echo, "GET", {"order": 7}, path="/x?order=5&confirm=1&format=csv") == (
        200,
        {"order": 7, "confirm": True},
    )


def test_keys_of_a_delete_may_come_in_the_query_string() -> None:
    assert call(Echo, "DELETE", path="/x?order=5&confirm=1") == (200, {"order": 5, "confirm": True})
    assert call(Echo, "DELETE", {"confirm": 0}, path="/x?order=5&confirm=1")[1]["confirm"] is False
    assert call(Echo, "POST", path="/x?order=5")[0] == 400


def test_the_answer_is_json_whatever_the_caller_accepts() -> None:
    assert call(Echo, "GET", path="/x?order=1", HTTP_ACCEPT="text/html")[0] == 200


def test_a_module_switched_off_stops_customers_but_nothing_that_reduces() -> None:
    def check(actor: Actor, module: str) -> None:
        raise forbidden("MODULE_DISABLED", module)

    before = list(views._module_checks)
    set_module_check(check)
    try:
        assert call(Module, body=b"{")[1] == {"error": "MODULE_DISABLED", "message": "copy_trading"}
        assert call(Module, body={"order": 1}, actor=DEALER)[0] == 200
        assert call(Module, "DELETE", {"order": 1})[0] == 200
        set_module_check(None)
        assert call(Module, body={"order": 1})[0] == 200
    finally:
        views._module_checks[:] = before


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (forbidden("RISK_LIMIT", "no", rule="x"), 403, "RISK_LIMIT"),
        (rest_errors.ParseError(), 400, "INVALID_DATA"),
        (rest_errors.ValidationError({"a": ["b"]}), 400, "INVALID_DATA"),
        (rest_errors.NotAuthenticated(), 401, "UNAUTHORIZED"),
        (rest_errors.PermissionDenied(), 403, "PERMISSION_DENIED"),
        (rest_errors.NotFound(), 404, "RET_ERR_NOTFOUND"),
        (rest_errors.UnsupportedMediaType("x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (rest_errors.Throttled(3), 429, "RET_TOO_FREQUENT"),
        (Http404(), 404, "RET_ERR_NOTFOUND"),
        (django_errors.PermissionDenied(), 403, "PERMISSION_DENIED"),
        (RequestDataTooBig(), 413, "BODY_TOO_LARGE"),
        (django_errors.SuspiciousOperation(), 400, "INVALID_DATA"),
        (django_errors.BadRequest(), 400, "INVALID_DATA"),
        (OperationalError(), 503, "UNAVAILABLE"),
        (psycopg.errors.LockNotAvailable(), 503, "UNAVAILABLE"),
        (DataError(), 400, "INVALID_DATA"),
        (ZeroDivisionError("secret"), 500, "INTERNAL_ERROR"),
    ],
)
def test_every_exception_has_its_answer(exception: Exception, status: int, code: str) -> None:
    response = errors.exception_handler(exception, {})
    assert (response.status_code, response.data["error"]) == (status, code)
    assert response.data["message"]
    assert "secret" not in str(response.data)
    assert ("Retry-After" in response.headers) == (status in (429, 503))


def test_extra_keys_of_a_refusal_are_in_the_answer() -> None:
    refusal = DomainError(errors.Kind.FORBIDDEN, "RISK_LIMIT", "no", rule="max_loss")
    assert errors.envelope(refusal) == {"error": "RISK_LIMIT", "message": "no", "rule": "max_loss"}


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (errors.handler404, 404, "RET_ERR_NOTFOUND"),
        (errors.handler400, 400, "INVALID_DATA"),
        (errors.handler403, 403, "PERMISSION_DENIED"),
        (errors.csrf_failure, 403, "PERMISSION_DENIED"),
        (errors.handler500, 500, "INTERNAL_ERROR"),
    ],
)
def test_failures_outside_the_views_have_the_envelope(answer: Any, status: int, code: str) -> None:
    request: HttpRequest = RequestFactory().get("/x")
    response = answer(request)
    assert (response.status_code, json.loads(response.content)["error"]) == (status, code)
