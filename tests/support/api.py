"""Talking to the product as a terminal does: JSON over HTTP, numbers as Decimals."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.test import Client

from accounts.services import IssuedSession


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `json` has every fractional number as a Decimal; None when the body is no JSON."""

    status: int
    json: Any
    text: str
    headers: dict[str, str]

    def __getitem__(self, key: str) -> Any:
        return self.json[key]

    @property
    def error(self) -> str:
        """The code of a refusal, "" for a success."""
        return str(self.json.get("error", "")) if isinstance(self.json, dict) else ""

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a table as objects."""
        return [dict(zip(self.json["structure"], row, strict=True)) for row in self.json["rows"]]


@dataclass(slots=True)
class Api:
    """One caller. `token` goes into the Authorization header; `host` chooses a tenant by its domain.

    `address` is the network address that failed sign-ins are counted by.
    """

    token: str = ""
    host: str = "testserver"
    address: str = "127.0.0.1"
    client: Client = field(default_factory=lambda: Client(raise_request_exception=True))

    def get(self, path: str, body: Any = None, /, **query: Any) -> Answer:
        """`query` values that are lists go as JSON text, as the table filter wants them."""
        flat = {key: json.dumps(v) if isinstance(v, list | dict) else v for key, v in query.items()}
        return self._send("GET", path, body, query_params=flat)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self._send("POST", path, body, headers=headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self._send("PUT", path, body, headers=headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self._send("DELETE", path, body, headers=headers)

    def _send(self, method: str, path: str, body: Any, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        sent = {"Authorization": self.token} if self.token else {}
        sent |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        raw = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body, default=str)
        response = self.client.generic(
            method,
            path,
            raw,
            content_type="application/json",
            headers=sent,
            SERVER_NAME=self.host,
            REMOTE_ADDR=self.address,
            **more,
        )
        text = response.content.decode()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        parsed = json.loads(text, parse_float=Decimal) if is_json and text else None
        return Answer(response.status_code, parsed, text, dict(response.headers))


def token_of(who: Any) -> str:
    """The token of whatever can act: a token, an issued session, or anything with a `token`."""
    if isinstance(who, str):
        return who
    if isinstance(who, IssuedSession):
        return who.token
    return str(who.token)
