"""JSON out: Decimals as plain numbers with every digit, and only types whose form on the wire is settled."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from django.http import HttpRequest
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from infra.api.wire import decimal_text

JSON_TYPE = "application/json"

_UNCHANGED = frozenset({str, int, bool, type(None)})
_encoder = msgspec.json.Encoder()


def encode(data: Any) -> bytes:
    """`data` as JSON bytes.

    Instants, floats and models are errors here, because their form on the wire was not decided by whoever sent them.
    """
    return _encoder.encode(_plain(data))


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _UNCHANGED:
        return value
    if kind is Decimal:
        text = decimal_text(value)
        return None if text is None else msgspec.Raw(text.encode())
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind is dict:
        return {_key(key): _plain(item) for key, item in value.items()}
    return _plain_of_subclass(value)


def _plain_of_subclass(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Promise | str):
        return str.__str__(str(value))
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no form on the wire")


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    return str(key.value if isinstance(key, Enum) else key)


class DecimalJSONRenderer(BaseRenderer):
    media_type = JSON_TYPE
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return encode(data)


class JSONAlways(BaseContentNegotiation):
    """Everything is answered in JSON, whatever the caller says it would like; `format` belongs to the tables."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request | HttpRequest, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
