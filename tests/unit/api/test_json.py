"""JSON in and out: no float, no exponent, no crash."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import override_settings
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIRequestFactory

from core.errors import DomainError
from core.states import Cmd, Side
from infra.api.parsers import loads, payload_of
from infra.api.renderers import encode


def request(body: bytes, content_type: str = "application/json", method: str = "POST") -> HttpRequest:
    return APIRequestFactory().generic(method, "/x", body, content_type=content_type)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal("0E-10"), "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("1E+5"), "100000"),
        (Decimal("12345678901234567890.0123456789"), "12345678901234567890.0123456789"),
        (Decimal("NaN"), "null"),
        (Side.BUY, '"BUY"'),
        (Cmd.SELL, "1"),
        ((True, None, gettext_lazy("word")), '[true,null,"word"]'),
        ({Side.SELL: {Cmd.BUY: []}}, '{"SELL":{"0":[]}}'),
    ],
)
def test_values_have_one_form_on_the_wire(value: Any, text: str) -> None:
    assert encode(value).decode() == text


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}, b"x"])
def test_values_without_a_settled_form_are_a_programming_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_numbers_are_read_from_their_text() -> None:
    payload = payload_of(request(b'{"a": 0.1, "b": 1e2, "c": 12345678901234567890.0123456789, "a": 0.3}'))
    assert payload == {"a": Decimal("0.3"), "b": Decimal(100), "c": Decimal("12345678901234567890.0123456789")}


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert payload_of(request(body, content_type="text/plain")) == {}


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b"1", b'"x"', b"null", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}'),
        *(
            b'{"a": "\xff"}',
            b'\xef\xbb\xbf{"a": 1}',
            b'{"a": 1e99999999999999999999}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
        ),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(DomainError) as caught:
        payload_of(request(body))
    assert (caught.value.kind.value, caught.value.code) == (400, "INVALID_DATA")


def test_a_number_of_many_digits_is_read_without_harm() -> None:
    assert isinstance(payload_of(request(b'{"a": ' + b"9" * 100_000 + b"}"))["a"], Decimal)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_another_media_type_is_415(content_type: str) -> None:
    with pytest.raises(DomainError) as caught:
        payload_of(request(b'{"a": 1}', content_type=content_type))
    assert caught.value.kind.value == 415


def test_the_media_type_may_name_its_characters() -> None:
    assert payload_of(request(b"{}", content_type="Application/JSON; charset=utf-8")) == {}


@override_settings(API_MAX_BODY_BYTES=10)
def test_a_large_body_is_413() -> None:
    with pytest.raises(DomainError) as caught:
        payload_of(request(b'{"a": "123456"}'))
    assert caught.value.kind.value == 413


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_json_that_python_writes_is_read_the_same(value: Any) -> None:
    assert loads(json.dumps(value)) == value


@given(st.binary() | st.text('[]{}",:0123456789eE.-+ \\untrfals').map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(DomainError):
        loads(raw)
