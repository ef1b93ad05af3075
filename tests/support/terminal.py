"""An outside program: HTTP and WebSocket only, against a running product."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.support.api import Answer

WAIT_SECONDS = 30.0


class Outsider:
    """One caller of the REST addresses, with or without a token. All callers of a test share the connections."""

    def __init__(self, address: str, token: str = "", client: httpx.Client | None = None) -> None:
        self.address = address
        self.token = token
        self._client = client or httpx.Client(base_url=f"http://{address}", timeout=20, trust_env=False)

    def __enter__(self) -> "Outsider":
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def signed_in(self, path: str, **body: Any) -> "Outsider":
        """Another caller, with the token of a new session."""
        answer = self.post(path, body)
        assert answer.status == 200, answer.text
        return Outsider(self.address, answer["__token"], self._client)

    def get(self, path: str, **query: Any) -> Answer:
        flat = {key: json.dumps(v) if isinstance(v, list) else v for key, v in query.items()}
        return self._send("GET", path, params=flat)

    def post(self, path: str, body: Any, *, key: str = "") -> Answer:
        """With `key` as the `Idempotency-Key`."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return self._send("POST", path, content=json.dumps(body), headers=headers)

    def put(self, path: str, body: Any) -> Answer:
        return self._send("PUT", path, content=json.dumps(body), headers={"Content-Type": "application/json"})

    def delete(self, path: str, body: Any) -> Answer:
        return self._send("DELETE", path, content=json.dumps(body), headers={"Content-Type": "application/json"})

    def made(self, path: str, **body: Any) -> Any:
        """The record that a POST makes."""
        answer = self.post(path, body)
        assert answer.status == 200, f"{path}: {answer.text}"
        return answer.json

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.get(path, **query)
        assert answer.status == 200, f"{path}: {answer.text}"
        return answer.rows()

    def _send(self, method: str, path: str, **options: Any) -> Answer:
        headers = options.pop("headers", {}) | ({"Authorization": self.token} if self.token else {})
        response = self._client.request(method, path, headers=headers, **options)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        parsed = json.loads(response.text, parse_float=Decimal) if is_json and response.text else None
        return Answer(response.status_code, parsed, response.text, dict(response.headers))


class Terminal:
    """One WebSocket. Frames are kept in the order of arrival; `next` takes the first that fits."""

    def __init__(self, address: str, token: str) -> None:
        self._token = token
        self._connecting = connect(f"ws://{address}/ws/", proxy=None)
        self._socket: Any = None
        self._frames: list[Any] = []
        self.greeting: Any = None

    def __enter__(self) -> "Terminal":
        self._socket = self._connecting.__enter__()
        self.send(authorization=self._token)
        self.greeting = self.next(lambda f: _event(f) in ("authorization", "error"))
        assert self.greeting["event"] == "authorization", self.greeting
        return self

    def __exit__(self, *error: Any) -> None:
        self._connecting.__exit__(*error)

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def ask(self, event: str, **message: Any) -> Any:
        """Sends an event and gives the answer of the same name."""
        self.send(event=event, **message)
        return self.next(lambda f: _event(f) == event)

    def command(self, event: str, number: str, **data: Any) -> dict[str, Any]:
        """A trade command and its acknowledgement."""
        self.send(event=event, id=number, data=data)
        answer = self.next(lambda f: _event(f) in ("trade.ack", "trade.error") and f["id"] == number)
        assert answer["event"] == "trade.ack", answer
        data_out: dict[str, Any] = answer["data"]
        return data_out

    def trade(self, order: int | None = None, **fields: Any) -> list[Any]:
        """The next `o` frame, of `order` when given."""
        return self.next(lambda f: _kind(f) == "o" and order in (None, f[1]))

    def money(self, login: int) -> list[Any]:
        """The next `b` frame of an account."""
        return self.next(lambda f: _kind(f) == "b" and f[1] == login)

    def news(self, event: str, **data: Any) -> Any:
        """The next copy activity of that name whose data has these values."""
        return self.next(lambda f: _event(f) == event and all(f["data"].get(k) == v for k, v in data.items()))

    def next(self, fits: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + WAIT_SECONDS
        while True:
            for index, frame in enumerate(self._frames):
                if fits(frame):
                    return self._frames.pop(index)
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no such frame within {WAIT_SECONDS:.0f} s; others: {self._frames}")
            try:
                self._frames.append(json.loads(self._socket.recv(timeout=left), parse_float=Decimal))
            except TimeoutError:
                continue

    def quiet(self, seconds: float = 0.3) -> list[Any]:
        """Everything that has come and comes within some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._frames.append(json.loads(self._socket.recv(timeout=left), parse_float=Decimal))
            except TimeoutError:
                break
        taken, self._frames = self._frames, []
        return taken


def _event(frame: Any) -> str:
    return str(frame.get("event", "")) if isinstance(frame, dict) else ""


def _kind(frame: Any) -> str:
    return str(frame[0]) if isinstance(frame, list) and frame else ""
