"""JSON in: bodies read once, within limits, without a float ever existing."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from core.errors import DomainError, Kind
from infra.api.renderers import JSON_TYPE

BODY = "body"
_LONGEST_INT = 40
"""Longer whole numbers stay Decimals: turning text of any length into an int takes quadratic time, and Python refuses
it."""


def payload_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that the request carries, empty when it carries no body.

    Raises `DomainError`: 413 above `API_MAX_BODY_BYTES`, 415 for another media type, 400 for what is no JSON object.
    """
    raw = _bytes_of(request)
    if not raw.strip():
        return {}
    if (request.content_type or "").lower() != JSON_TYPE:
        raise DomainError(Kind.UNSUPPORTED_MEDIA, "UNSUPPORTED_MEDIA_TYPE", _("The body must be application/json."))
    payload = loads(raw)
    if not isinstance(payload, dict):
        raise malformed(_("The body must be a JSON object."))
    return payload


def loads(raw: bytes | str) -> Any:
    """Any JSON value with its numbers as int and Decimal; `DomainError` 400 for everything else."""
    try:
        return _decoder.decode(raw.decode() if isinstance(raw, bytes) else raw)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise malformed(_("The body is not valid JSON.")) from error


def malformed(message: str) -> DomainError:
    """400 for a body that cannot be read as a whole."""
    return DomainError(Kind.INVALID, "INVALID_DATA", message, field=BODY)


class StrictJSONParser(BaseParser):
    """`payload_of` for those who read `request.data`."""

    media_type = JSON_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        return payload_of(cast(HttpRequest, request._request))


def _bytes_of(request: HttpRequest) -> bytes:
    limit = settings.API_MAX_BODY_BYTES
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not (announced.isascii() and announced.isdigit()):
        raise malformed(_("The length of the body is not a number."))
    # A length of twenty digits is too large whatever it says.
    if len(announced) >= 20 or int(announced) > limit:
        raise _too_large(limit)
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise _too_large(limit) from error
    except UnreadablePostError as error:
        raise malformed(_("The body ended early.")) from error
    if len(raw) > limit:
        raise _too_large(limit)
    return raw


def _too_large(limit: int) -> DomainError:
    message = _("The body has more than %(limit)s bytes.") % {"limit": limit}
    return DomainError(Kind.TOO_LARGE, "BODY_TOO_LARGE", message)


def _read_int(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(parse_float=Decimal, parse_int=_read_int, parse_constant=_refuse_constant)
