"""Tokens: what a signed-in caller carries. A token only names a session; whether that lives is asked each time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from core import clock
from infra.actor import SessionType

ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `login` is set for account sessions only; `expires_at` has whole seconds."""

    session_id: UUID
    session_type: str
    user_id: int
    tenant_id: int
    login: int | None
    expires_at: datetime


def token_encode(claims: Claims) -> str:
    """The signed token."""
    payload: dict[str, Any] = {
        "sid": str(claims.session_id),
        "type": claims.session_type,
        "user": claims.user_id,
        "tenant": claims.tenant_id,
        "exp": clock.unix(claims.expires_at),
    }
    if claims.login is not None:
        payload["login"] = claims.login
    return jwt.encode(payload, settings.SECRET_KEY, algorithm=ALGORITHM)


def token_decode(token: str, at: datetime) -> Claims | None:
    """The claims of a token that we signed and that has not expired at `at`; None for everything else."""
    try:
        # The expiry is compared below, with the caller's clock instead of the library's.
        payload = jwt.decode(token, settings.SECRET_KEY, algorithms=[ALGORITHM], options={"verify_exp": False})
        login = payload.get("login")
        claims = Claims(
            session_id=UUID(payload["sid"]),
            session_type=SessionType(payload["type"]),
            user_id=int(payload["user"]),
            tenant_id=int(payload["tenant"]),
            login=None if login is None else int(login),
            expires_at=clock.from_unix(int(payload["exp"])),
        )
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    return claims if claims.expires_at > at else None
