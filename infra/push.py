"""Live push, the sending side: frames for connected clients, as one Redis message, after the commit they tell about.

Push is a hint, the database is the truth: a frame may get lost (Redis away, a client reconnecting), and whoever
notices a gap reads the snapshot. So nothing here ever raises into the use case that has just been carried out.

Kinds of frames and who gets them (always within `tenant_id`):

account  `login` set: sockets whose active login it is, and sockets of `customer_id` whose active login is 0 (all
         own). `text` is the frame as it goes out: `["o", ...]` or `["b", ...]`.
copy     sockets of `customer_id` that subscribed to `@copy`, and staff sockets that subscribed to the event's topic
         (`@masters` for event `master`, `@bots` for `bot`, `@copy` for all others). `event` is the event's name,
         `text` the JSON of its `data`; the socket adds its own `seq`. Account sessions get it only when `login` is
         theirs. News that concern two customers are two frames; all but one carry `staff=False`, so that staff see
         them once.
quote    `event` is the symbol; sockets that subscribed to it, at most ten a second, the latest wins. `text` is `["t",
         ...]`.
notice   all sockets of `customer_id`; with `login` set, account sessions only when it is theirs. `text` is `["n",
         ...]`.
session  `text` is the id of a session that has ended; its sockets are closed with 4401.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import redis
from django.conf import settings
from django.db import connection, transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.5
REST_SECONDS: Final = 1.0
"""How long an unreachable Redis is left alone: a use case must not wait for a time-out each time."""


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One thing to tell. See the module for what the fields mean for each `kind`."""

    tenant_id: int
    customer_id: int
    login: int
    kind: str
    text: str
    event: str = ""
    staff: bool = True


def session_ended(tenant_id: int, session_id: object) -> Frame:
    """The frame that closes the sockets of a session at once."""
    return Frame(tenant_id, 0, 0, "session", str(session_id))


def publish(frames: Iterable[Frame]) -> None:
    """Sends `frames` now, as one message; inside `held()` they are collected instead. Never raises."""
    batch = list(frames)
    if not batch:
        return
    holding = _held.get()
    if holding is not None:
        holding.extend(batch)
        return
    _publisher.send(batch)


def publish_on_commit(frames: Iterable[Frame]) -> None:
    """Sends `frames` when the transaction has committed; not when it, or the savepoint around this call, is undone.

    All frames that one transaction hands in outside savepoints, or inside the same one, become one message.
    """
    batch = list(frames)
    if not batch:
        return
    savepoints = set(connection.savepoint_ids)
    for entry in reversed(connection.run_on_commit):
        sids, hook = entry[0], entry[1]
        if isinstance(hook, _AfterCommit) and sids == savepoints:
            hook.frames.extend(batch)
            return
    transaction.on_commit(_AfterCommit(batch))


@contextmanager
def held() -> Iterator[list[Frame]]:
    """Collects what this thread of control publishes instead of sending it.

    The caller publishes the list itself, after what must come first: the ack before the frames of its order.
    """
    frames: list[Frame] = []
    token = _held.set(frames)
    try:
        yield frames
    finally:
        _held.reset(token)


def channel() -> str:
    """The one Redis channel of this deployment. Channels know no Redis database numbers, so the name carries what tells
    deployments on one Redis server apart."""
    return f"ct:push:{urlsplit(settings.REDIS_URL).path.strip('/')}:{connection.settings_dict['NAME']}"


def values(keys: list[str]) -> list[bytes | None] | None:
    """What Redis has under these keys; None when it does not answer. Never raises."""
    return _publisher.values(keys)


def decode(message: bytes) -> list[Frame]:
    """The frames of one message of the channel."""
    return _decoder.decode(message)


class _AfterCommit:
    """The commit hook; a class, so that the next call in the transaction finds it and adds to it."""

    def __init__(self, frames: list[Frame]) -> None:
        self.frames = frames

    def __call__(self) -> None:
        publish(self.frames)


class _Publisher:
    """One persistent connection pool per process. An outage is logged once, and its end once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None
        self._rest_until = 0.0
        self._away = False

    def send(self, frames: list[Frame]) -> None:
        self._do(lambda client: client.publish(channel(), _encoder.encode(frames)))

    def values(self, keys: list[str]) -> list[bytes | None] | None:
        found: list[bytes | None] | None = self._do(lambda client: client.mget(keys))
        return found

    def _do(self, ask: Callable[[Any], Any]) -> Any:
        """What Redis answers, None while it is away."""
        if self._away and time.monotonic() < self._rest_until:
            return None
        try:
            answer = ask(self._connected())
        except (redis.RedisError, OSError) as error:
            self._failed(error)
            return None
        if self._away:
            self._away = False
            logger.warning("push: Redis is back")
        return answer

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                # One retry without a pause: a connection that went stale while idle is replaced, nothing waits.
                self._client = redis.Redis.from_url(
                    settings.REDIS_URL,
                    socket_timeout=TIMEOUT_SECONDS,
                    socket_connect_timeout=TIMEOUT_SECONDS,
                    retry=Retry(NoBackoff(), 1),
                )
            return self._client

    def _failed(self, error: Exception) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        with self._lock:
            first, self._away = not self._away, True
        if first:
            logger.warning("push: Redis is away, clients will not hear of changes until it is back: %s", error)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Frame])
_held: ContextVar[list[Frame] | None] = ContextVar("held_frames", default=None)
_publisher = _Publisher()
