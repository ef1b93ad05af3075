"""The description of the API is complete, and the API keeps to it whatever it is sent."""

import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema_rs import validator_for
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)

from infra.api.fields import Body, validated
from infra.api.views import ApiView
from tests.contract.conftest import House

SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(public=True)
EXAMPLES = 6
"""Requests of each kind, well-formed and not, to every operation."""
_NOT_OURS = ("/metrics", "/docs", "/schema", "/health/live", "/health/ready")
_KEY = "Idempotency-Key"


def body_conformance(_context: CheckContext, response: Response, case: Case) -> None:
    """The body is as described. In place of the library's own check, which cannot read `prefixItems` in answers."""
    if response.headers.get("content-type", [""])[0].startswith("application/json"):
        _validator(case.operation.path, case.method.lower(), str(response.status_code)).validate(response.json())


@cache
def _validator(path: str, method: str, status: str) -> Any:
    content = SCHEMA["paths"][path][method]["responses"][status]["content"]["application/json"]
    return validator_for({**content["schema"], "components": SCHEMA["components"]})


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    body_conformance,
]


def _operations() -> list[APIOperation[Any, Any, Any, Any]]:
    described = schemathesis.openapi.from_dict(SCHEMA)
    described.app = get_wsgi_application()
    found: list[Any] = [result.ok() for result in described.get_all_operations()]  # type: ignore[union-attr]
    return [operation for operation in found if operation.path not in _NOT_OURS]


OPERATIONS = _operations()


def _each() -> list[Any]:
    return [
        pytest.param(path, method, operation, id=f"{method.upper()} {path}")
        for path, methods in SCHEMA["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_one_that_is_described(operation: APIOperation[Any, Any, Any, Any], house: House) -> None:
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=2 * EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, lifelike=st.integers(0, 3), seed=st.integers(0, 2**16))
    def send(case: Case, lifelike: int, seed: int) -> None:
        if lifelike:
            _use_known(case, house.known, random.Random(seed))
        case.headers.pop("Authorization", None)
        case.cookies.clear()
        case.call_and_validate(headers={"Authorization": house.token(operation.path)}, checks=CHECKS)

    send()


def _use_known(case: Case, known: dict[str, list[Any]], chance: random.Random) -> None:
    """Puts names of what exists into the request: by chance alone it would never meet anything."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            for name in sorted(place.keys() & known.keys()):
                if name.startswith(("where", "orderBy")) and chance.random() < 0.6:
                    del place[name]  # all of them together are seldom right
                else:
                    place[name] = chance.choice(known[name])
    # A key of its own each time: otherwise the second request would be the repetition of the first.
    if case.headers.get(_KEY) and chance.random() < 0.5:
        case.headers[_KEY] = f"{chance.getrandbits(64):x}"


def test_the_schema_is_built_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--api-version=1")
    assert capsys.readouterr().err == ""


def test_addresses_are_written_as_in_the_contract() -> None:
    for path in SCHEMA["paths"]:
        assert not path.endswith("/")
        assert "_id}" not in path


def test_every_address_that_is_served_is_described() -> None:
    served = {_written(pattern) for pattern in _patterns(get_resolver()) if _is_of_the_api(pattern.callback)}
    assert len(served) >= 40
    assert served == {path for path in SCHEMA["paths"] if not path.startswith(_NOT_OURS)}


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern


def _is_of_the_api(view: Any) -> bool:
    return issubclass(getattr(view, "cls", object), ApiView)


def _written(pattern: URLPattern) -> str:
    """The address of a pattern as the contract writes it."""
    bare = str(pattern.pattern).removeprefix("^").removesuffix("/?$")
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", bare)
    return "/" + re.sub(r"\{(record_id|user_id)\}", "{id}", named)


@pytest.mark.parametrize(("path", "method", "operation"), _each())
def test_an_operation_says_what_it_does(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"].strip()
    assert "200" in operation["responses"]
    for status, answer in operation["responses"].items():
        for media, content in answer["content"].items():
            if media != "application/json":
                continue
            _validator(path, method, status).validate(content["example"])
            assert status == "200" or path.startswith("/health") or content["example"]["error"].isupper()
    if "requestBody" in operation:
        assert operation["requestBody"]["content"]["application/json"]["example"]


def test_every_example_of_a_request_is_taken() -> None:
    read = 0
    for view in _views(ApiView):
        for method in ("post", "put", "delete"):
            told = getattr(getattr(view, method, None), "described", None)
            if told is not None and told.sent is not None:
                body: type[Body] = told.body
                assert validated(body, told.sent, partial=told.partial)
                read += 1
    assert read >= 25


def _views(base: type[ApiView]) -> set[type[ApiView]]:
    below = {view for view in base.__subclasses__() if not view.__module__.startswith("tests.")}
    return below.union(*(_views(view) for view in below))
