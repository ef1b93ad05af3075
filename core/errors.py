"""Errors of the domain: a kind, a stable code, a sentence.

Services raise them, entrances translate them: the HTTP envelope, a `trade.error` frame, a message on a page. A refusal
that is an ordinary outcome (a guard's decision about a copy) is a value, never one of these.
"""

from enum import Enum
from typing import Any


class Kind(Enum):
    """What sort of failure it is; an entrance derives its own status from it."""

    INVALID = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_LARGE = 413
    UNSUPPORTED_MEDIA = 415
    TOO_FREQUENT = 429
    UNAVAILABLE = 503


class DomainError(Exception):
    """A use case that was refused, with nothing changed.

    `code` is stable and documented, `message` is a translated sentence for a person, `extra` holds further keys of the
    answer (for example `rule`, or `retry_after` in seconds).
    """

    def __init__(self, kind: Kind, code: str, message: str, **extra: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.kind = kind
        self.code = code
        self.message = message
        self.extra = extra


def invalid(field: str, message: str) -> DomainError:
    """400 `INVALID_DATA`; the message names the field."""
    return DomainError(Kind.INVALID, "INVALID_DATA", f"{field}: {message}", field=field)


def forbidden(code: str, message: str, **extra: Any) -> DomainError:
    """403 with `code`."""
    return DomainError(Kind.FORBIDDEN, code, message, **extra)


def not_found(message: str, code: str = "RET_ERR_NOTFOUND") -> DomainError:
    """404 with `code`."""
    return DomainError(Kind.NOT_FOUND, code, message)


def conflict(code: str, message: str, **extra: Any) -> DomainError:
    """409 with `code`."""
    return DomainError(Kind.CONFLICT, code, message, **extra)
