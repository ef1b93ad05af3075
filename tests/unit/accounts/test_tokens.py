from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from django.conf import settings

from accounts.tokens import Claims, token_decode, token_encode

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLAIMS = Claims(
    session_id=UUID(int=7),
    session_type="SESSION_USER",
    user_id=1,
    tenant_id=2,
    login=100001,
    expires_at=AT + timedelta(hours=12),
)


@pytest.mark.parametrize("login", [None, 100001])
def test_what_is_encoded_is_decoded(login: int | None) -> None:
    claims = replace(CLAIMS, login=login)
    assert token_decode(token_encode(claims), AT) == claims


def test_a_token_ends_at_the_second_it_names() -> None:
    token = token_encode(CLAIMS)
    assert token_decode(token, CLAIMS.expires_at - timedelta(seconds=1)) == CLAIMS
    assert token_decode(token, CLAIMS.expires_at) is None


def test_another_key_is_refused() -> None:
    payload = jwt.decode(token_encode(CLAIMS), settings.SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False})
    forged = jwt.encode(payload, "another secret key of the needed length", algorithm="HS256")
    assert token_decode(forged, AT) is None


def test_an_unsigned_token_is_refused() -> None:
    payload = jwt.decode(token_encode(CLAIMS), settings.SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False})
    assert token_decode(jwt.encode(payload, "", algorithm="none"), AT) is None


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "seven"},
        {"sid": None},
        {"sid": 7},
        {"type": "SESSION_ROOT"},
        {"user": "one"},
        {"user": None},
        {"tenant": []},
        {"exp": 10**30},
        {"exp": "soon"},
        {"login": "x"},
    ],
)
def test_a_signed_token_of_another_form_is_refused(change: dict[str, object]) -> None:
    payload = jwt.decode(token_encode(CLAIMS), settings.SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False})
    assert token_decode(jwt.encode({**payload, **change}, settings.SECRET_KEY, algorithm="HS256"), AT) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "Bearer", "\x00", "é.é.é"])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert token_decode(text, AT) is None
