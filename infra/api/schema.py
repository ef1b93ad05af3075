"""How operations are described: what `describe` says at a method, and what every `ApiView` says by its attributes.

    @describe(
        "Open a market order",
        body=OpenBody,
        sent={"cmd": 0, "volume": 10, "symbol": "EURUSD"},
        answer=ORDER,
        errors={403: ("RET_TRADE_NO_MONEY", "RET_TRADE_BAD_VOLUME")},
    )
    def post(self, request): ...

Sessions, rates, modules, repeated writes and bodies that cannot be read add their refusals by themselves.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

import infra.api.schema_fields  # noqa: F401 - drf-spectacular finds the extensions in it
from infra.actor import ALL_SESSIONS
from infra.api.fields import Body
from infra.api.shapes import Shape

_Method = TypeVar("_Method", bound=Callable[..., Any])

ANYTHING: Final = Shape({"type": "object"}, {})
LOGIN: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
"""A login in the query string."""
ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Every refusal. `error` is a stable code, `message` a sentence for a person; further keys may follow.",
    "properties": {"error": {"type": "string"}, "message": {"type": "string"}},
    "required": ["error", "message"],
}
SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The token of a sign-in as it is; `Bearer <token>` is accepted as well.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ct_token",
        "description": "The same token in a browser; writes then need the header X-CSRFToken.",
    },
}
_MEANINGS: Final = {
    400: "The request cannot be understood; the message names the field.",
    401: "No valid session of the type that is needed.",
    403: "Refused; nothing has changed.",
    404: "There is no such record.",
    409: "Refused because of what is there already; nothing has changed.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "Not available at the moment.",
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="A repetition with the same key and body within 24 h gets the first answer and has no second effect.",
)
_SAFE: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Described:
    """What a method says about itself beyond its view's attributes."""

    summary: str
    answer: Shape = ANYTHING
    body: type[Body] | None = None
    partial: bool = False
    sent: Mapping[str, Any] | None = None
    query: Sequence[Any] = ()
    errors: Mapping[int, Sequence[str]] = field(default_factory=dict)
    description: str = ""


def describe(
    summary: str,
    *,
    answer: Shape,
    body: type[Body] | None = None,
    partial: bool = False,
    sent: Mapping[str, Any] | None = None,
    query: Sequence[Any] = (),
    errors: Mapping[int, Sequence[str]] | None = None,
    description: str = "",
) -> Callable[[_Method], _Method]:
    """Describes one method of an `ApiView`.

    `sent` is an example of `body`; with `partial` none of its keys is required. `query` holds parameters of the query
    string, or a `Body` of them. `errors` are the codes by status that the view's attributes do not tell already.
    """
    told = Described(summary, answer, body, partial, sent, query, errors or {}, description)

    def tell(method: _Method) -> _Method:
        method.described = told  # type: ignore[attr-defined]
        return method

    return tell


def errors_of(view: Any, method: str, described: Described) -> dict[int, list[str]]:
    """All refusals of an operation: codes by status."""
    found: dict[int, list[str]] = {400: ["INVALID_DATA"], 413: ["BODY_TOO_LARGE"], 415: ["UNSUPPORTED_MEDIA_TYPE"]}
    writes = method not in _SAFE
    allowed = view.session_types if view.write_session_types is None or not writes else view.write_session_types
    if allowed is None:
        found[429] = ["RET_TOO_FREQUENT"]
    else:
        found[401] = ["INVALID_CUSTOMER_SESSION" if view.customer_address else "UNAUTHORIZED"]
        found[403] = ["CSRF_FAILED"] if writes else []
        if not view.customer_address and allowed != ALL_SESSIONS:
            found[403].append("PERMISSION_DENIED")
        if not (view.never_throttled or method in view.reducing_methods):
            found[429] = ["RET_TOO_FREQUENT"]
            found[403] += ["MODULE_DISABLED"] if view.module else []
        found[409] = ["IDEMPOTENCY_KEY_REUSED"] if writes else []
    found[503] = ["UNAVAILABLE"]
    for status, codes in described.errors.items():
        found[status] = [*codes, *found.get(status, [])]
    return {status: list(dict.fromkeys(codes)) for status, codes in sorted(found.items()) if codes}


class ApiSchema(AutoSchema):
    """Turns `describe` and the view's attributes into an operation. A DELETE shows its keys in the body and in the
    query string."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        self.handler = getattr(self.view, method.lower())
        return super().get_operation(path, path_regex, path_prefix, method, registry)

    @property
    def described(self) -> Described:
        told: Described | None = getattr(self.handler, "described", None)
        return told or Described(summary=type(self.view).__name__)

    @property
    def _needs_session(self) -> bool:
        view: Any = self.view
        return view.session_types is not None

    def get_operation_id(self) -> str:
        words = re.sub(r"[^a-z0-9]+", "_", self.path.lower()).strip("_")
        return f"{self.method.lower()}_{words}"

    def get_summary(self) -> str:
        return self.described.summary

    def get_description(self) -> str:  # type: ignore[override]
        of_view = inspect.getdoc(type(self.view)) if type(self.view).__doc__ else ""
        return self.described.description or self.handler.__doc__ or of_view or ""

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{name: []} for name in SECURITY_SCHEMES] if self._needs_session else []

    def get_request_serializer(self) -> Any:
        described = self.described
        return None if described.body is None else described.body(partial=described.partial)

    def get_response_serializers(self) -> Any:
        return None

    def get_override_parameters(self) -> list[Any]:
        parameters = list(self.described.query)
        if self.method == "DELETE" and self.described.body is not None:
            parameters.append(self.described.body)
        if self.method not in _SAFE and self._needs_session:
            parameters.append(_IDEMPOTENCY_KEY)
        return parameters

    def _resolve_path_parameters(self, variables: Sequence[str]) -> list[dict[str, Any]]:
        parameters = []
        for name in variables:
            digits = f"(?P<{name}>[0-9]" in self.path_regex
            shape = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1} if digits else {"type": "string"}
            parameters.append({"in": "path", "name": name, "required": True, "schema": shape})
        return parameters

    def _get_parameters(self) -> Any:
        parameters = super()._get_parameters()
        if self.method == "DELETE":
            for parameter in parameters:
                if parameter["in"] == "query":  # It may be in the body instead.
                    parameter.pop("required", None)
        return parameters

    def _get_request_body(self, direction: Any = "request") -> Any:
        method, self.method = self.method, "POST" if self.method == "DELETE" else self.method
        try:  # The base class describes no body for a DELETE.
            shown = super()._get_request_body(direction)
        finally:
            self.method = method
        if shown and method == "DELETE":
            shown.pop("required", None)
        if shown and self.described.sent is not None:
            for content in shown["content"].values():
                content["example"] = dict(self.described.sent)
        return shown

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        described = self.described
        answer = described.answer
        content: dict[str, Any] = {"application/json": {"schema": answer.schema, "example": answer.example}}
        if answer.csv:
            content["text/csv"] = {"schema": {"type": "string"}}
        bodies: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
        refusals = errors_of(self.view, self.method, described)
        if "{" in self.path:
            refusals.setdefault(404, []).append("RET_ERR_NOTFOUND")
        for status, codes in sorted(refusals.items()):
            bodies[str(status)] = refusal_described(status, list(dict.fromkeys(codes)))
        return bodies


def refusal_described(status: int, codes: Sequence[str]) -> dict[str, Any]:
    """One error status of an operation with its codes."""
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Error"}],
        "properties": {"error": {"type": "string", "enum": list(codes)}},
    }
    example = {"error": codes[0], "message": _MEANINGS[status]}
    shown: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    if status in (429, 503):
        shown["headers"] = _RETRY_AFTER
    return shown


def table_parameters(*, standard: int = 100, most: int = 1000, required: bool = False) -> list[OpenApiParameter]:
    """The query string of a table, for `describe(query=...)`; see `Table.parameters`."""

    def listed(name: str, description: str) -> OpenApiParameter:
        return OpenApiParameter(name, OpenApiTypes.STR, description=f"JSON text: {description}")

    limit = {"type": "integer", "minimum": 0, "maximum": most}
    offset = {"type": "integer", "minimum": 0}
    if not required:
        limit["default"] = standard
        offset["default"] = 0
    return [
        OpenApiParameter("limit", limit, required=required),
        OpenApiParameter("offset", offset, required=required),
        listed("where", "[[field, op, value], ...], op one of = == != > < >= <= like (% is the wildcard)"),
        listed("whereNot", "[[field, value], ...]"),
        listed("whereIn", "[[field, [value, ...]], ...]"),
        listed("whereNotIn", "[[field, [value, ...]], ...]"),
        listed("whereBetween", "[[field, [from, to]], ...], both included"),
        listed("whereNotBetween", "[[field, [from, to]], ...]"),
        listed("orderBy", '[[field, "asc" or "desc"], ...] or one such pair'),
        OpenApiParameter("format", {"type": "string", "enum": ["json", "csv"], "default": "json"}),
    ]
