"""Live push, the receiving side: one Redis subscription per web process, handed out to its sockets.

The hub runs on the event loop of the web process and knows only keys and outboxes. Channels' groups were measured at
six to ten times its cost. It is started by the first socket and comes back by itself when Redis was away; sockets are
not told, because clients see gaps and read the snapshot.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from infra import push
from infra.audience import REFRESH_SECONDS, STAFF, Ear, tell
from infra.outbox import Message
from infra.push import Frame

logger = logging.getLogger(__name__)

Key = tuple[Any, ...]

SESSION_ENDED: Final = 4401
QUOTE_SECONDS: Final = 0.1
"""At most one quote of a symbol in this time; the latest wins."""
YIELD_EVERY: Final = 200
"""After so many writes the loop gets a turn, so that acks do not wait for a large fan-out."""
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0
SILENCE_SECONDS: Final = 5.0
REMEMBERED_SECONDS: Final = 60.0


class Listener(Protocol):
    """A socket, as the hub sees it."""

    def deliver(self, message: Message) -> None:
        """Sends a text as it is."""

    def deliver_copy(self, frame: Frame) -> None:
        """Sends copy activity, numbered by the socket."""

    def end(self, code: int) -> None:
        """Closes the socket."""


def account_key(tenant_id: int, login: int) -> Key:
    """Sockets whose active login it is."""
    return ("account", tenant_id, login)


def own_accounts_key(tenant_id: int, customer_id: int) -> Key:
    """Sockets of a customer whose active login is 0."""
    return ("own", tenant_id, customer_id)


def customer_key(tenant_id: int, customer_id: int, login: int = 0) -> Key:
    """All sockets of a customer (`login` 0), or those of the account sessions of one login."""
    return ("customer", tenant_id, customer_id, login)


def copy_key(tenant_id: int, customer_id: int, login: int = 0) -> Key:
    """Sockets of a customer, or of the account sessions of one login, that subscribed to `@copy`."""
    return ("copy", tenant_id, customer_id, login)


def staff_key(tenant_id: int, topic: str) -> Key:
    """Staff sockets that subscribed to `@copy`, `@masters` or `@bots`."""
    return ("staff", tenant_id, topic)


def quote_key(tenant_id: int, symbol: str) -> Key:
    """Sockets that subscribed to a symbol."""
    return ("quote", tenant_id, symbol)


def session_key(tenant_id: int, session_id: str) -> Key:
    """Sockets of one session."""
    return ("session", tenant_id, session_id)


class Hub:
    """Who listens to what, and the task that reads the subscription. One per event loop; not thread-safe."""

    def __init__(self) -> None:
        self._members: dict[Key, dict[Listener, None]] = {}
        self._ended: dict[Key, float] = {}
        self._quotes = _QuoteWindows(self._spread)
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._checks: list[Callable[[], Awaitable[None]]] = []
        self._teller: Redis | None = None
        self._telling: asyncio.Task[None] | None = None
        self._told = True

    def join(self, key: Key, listener: Listener) -> None:
        """From now on `listener` gets what is sent to `key`."""
        self._members.setdefault(key, {})[listener] = None
        if key in self._ended:
            listener.end(SESSION_ENDED)  # it ended while this socket was being authorised

    def leave(self, key: Key, listener: Listener) -> None:
        """Undoes `join`; harmless when it never happened."""
        members = self._members.get(key)
        if members is not None:
            members.pop(listener, None)
            if not members:
                del self._members[key]

    def sessions(self) -> dict[int, list[str]]:
        """Ids of the sessions that have a socket here, by tenant."""
        found: dict[int, list[str]] = {}
        for kind, tenant_id, *rest in self._members:
            if kind == "session":
                found.setdefault(tenant_id, []).append(rest[0])
        return found

    def end_session(self, tenant_id: int, session_id: str) -> None:
        """Closes the session's sockets, also one that is just being authorised."""
        key, now = session_key(tenant_id, session_id), time.monotonic()
        for stale in [known for known, at in self._ended.items() if now - at > REMEMBERED_SECONDS]:
            del self._ended[stale]
        self._ended[key] = now
        for listener in list(self._members.get(key, ())):
            listener.end(SESSION_ENDED)

    def quotes_seen(self, key: Key) -> int:
        """How many quotes of a symbol have come in; tells whether a stored one was overtaken while it was read."""
        return self._quotes.seen.get(key, 0)

    async def announce(self, ear: Ear) -> None:
        """Tells those who make frames that somebody listens here. Their sockets have joined before, and are answered
        after it."""
        await self._tell([ear])

    def when_blind(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` is awaited at every attempt to subscribe again: once a second while Redis is away, and after."""
        if check not in self._checks:
            self._checks.append(check)

    async def start(self) -> None:
        """Makes sure that the subscription's task runs, and gives it a moment to be subscribed."""
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = asyncio.create_task(self._run(), name="push hub")
            self._telling = asyncio.create_task(self._keep_telling(), name="push audience")
        if not self._ready.is_set():
            try:
                await asyncio.wait_for(self._ready.wait(), LONGEST_PAUSE)
            except TimeoutError:
                logger.warning("push: a socket is served without live frames, Redis does not answer")

    async def stop(self) -> None:
        """Ends the task. For tests and orderly shutdown."""
        tasks = [task for task in (self._task, self._telling) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = self._telling = None
        if self._teller is not None:
            await self._teller.aclose()
            self._teller = None

    async def dispatch(self, frames: Iterable[Frame]) -> None:
        """Hands frames out to the sockets of this process, in order."""
        written = 0
        for frame in frames:
            written += self._dispatch_one(frame)
            if written >= YIELD_EVERY:
                written = 0
                await asyncio.sleep(0)

    def _dispatch_one(self, frame: Frame) -> int:
        tenant, customer, login = frame.tenant_id, frame.customer_id, frame.login
        match frame.kind:
            case "account":
                return self._spread((account_key(tenant, login), own_accounts_key(tenant, customer)), frame.text)
            case "copy":
                return self._spread_copy(frame)
            case "quote":
                key = quote_key(tenant, frame.event)
                return self._quotes.offer(key, frame.text) if key in self._members else 0
            case "notice":
                keys = [customer_key(tenant, customer)]
                if login:
                    keys.append(customer_key(tenant, customer, login))
                return self._spread(keys, frame.text)
            case "session":
                self.end_session(tenant, frame.text)
            case unknown:
                logger.error("push: frames of kind %r have no audience", unknown)
        return 0

    def _spread(self, keys: Iterable[Key], text: str) -> int:
        message: Message | None = None
        written = 0
        for key in keys:
            members = self._members.get(key)
            if not members:
                continue
            message = message or Message(text)
            for listener in list(members):
                listener.deliver(message)
            written += len(members)
        return written

    def _spread_copy(self, frame: Frame) -> int:
        keys = [copy_key(frame.tenant_id, frame.customer_id)]
        if frame.login:
            keys.append(copy_key(frame.tenant_id, frame.customer_id, frame.login))
        if frame.staff:
            topic = {"master": "@masters", "bot": "@bots"}.get(frame.event, "@copy")
            keys.append(staff_key(frame.tenant_id, topic))
        listeners = [listener for key in keys for listener in self._members.get(key, ())]
        for listener in listeners:
            listener.deliver_copy(frame)
        return len(listeners)

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        blind = False
        while True:
            try:
                async for message in _messages():
                    if blind:
                        logger.warning("push: Redis is back")
                    if message is None:
                        # Redis may have forgotten everybody, and nobody was told to it while it was away.
                        await self._tell(self._ears())
                        self._ready.set()
                        if blind:
                            await self._check()
                        blind, pause = False, FIRST_PAUSE
                        continue
                    await self._take(message)
            except (RedisError, OSError) as error:
                if not blind:
                    logger.warning("push: Redis is away, no live frames until it is back: %s", error)
                blind = True
            self._ready.clear()
            await self._check()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS if self._told else LONGEST_PAUSE)
            await self._tell(self._ears())

    async def _tell(self, ears: Collection[Ear]) -> None:
        if self._teller is None:
            self._teller = redis.asyncio.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=push.TIMEOUT_SECONDS, socket_timeout=push.TIMEOUT_SECONDS
            )
        try:
            await tell(self._teller, ears)
            self._told = True
        except (RedisError, OSError):
            self._told = False  # said soon again; that Redis is away is logged by who reads the subscription

    def _ears(self) -> set[Ear]:
        """Everybody who has a socket here."""
        people = {(key[1], key[2]) for key in self._members if key[0] == "customer"}
        return people | {(key[1], STAFF) for key in self._members if key[0] == "staff"}

    async def _take(self, message: bytes) -> None:
        try:
            await self.dispatch(push.decode(message))
        except Exception:
            # Whatever is wrong with one message, the sockets of this process must go on hearing of the others.
            logger.exception("push: a message could not be handed out")

    async def _check(self) -> None:
        for check in self._checks:
            try:
                await check()
            except Exception:
                logger.exception("push: a check of the connected sockets failed")


class _QuoteWindows:
    """Lets one quote per symbol through at once, then one per window: the latest."""

    def __init__(self, spread: Callable[[Iterable[Key], str], int]) -> None:
        self._spread = spread
        self._latest: dict[Key, str | None] = {}
        self.seen: dict[Key, int] = {}

    def offer(self, key: Key, text: str) -> int:
        """Sends a quote now or, when one was sent just now, at the end of its window unless a later one comes."""
        self.seen[key] = self.seen.get(key, 0) + 1
        if key in self._latest:
            self._latest[key] = text
            return 0
        self._open(key)
        return self._spread((key,), text)

    def _open(self, key: Key) -> None:
        self._latest[key] = None
        asyncio.get_running_loop().call_later(QUOTE_SECONDS, self._close, key)

    def _close(self, key: Key) -> None:
        text = self._latest.pop(key)
        if text is not None:
            self._open(key)
            self._spread((key,), text)


async def _messages() -> AsyncIterator[bytes | None]:
    """The channel's messages; None once when the subscription stands. Raises when the connection is lost or silent."""
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=push.TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    pubsub = client.pubsub()
    asked = False
    try:
        await pubsub.subscribe(push.channel())
        while True:
            reply = await pubsub.get_message(timeout=SILENCE_SECONDS)
            if reply is None:
                if asked:
                    raise RedisError("the subscription has gone silent")
                asked = True
                await pubsub.ping()
                continue
            asked = False
            if reply["type"] == "subscribe":
                yield None
            elif reply["type"] == "message":
                yield reply["data"]
    finally:
        await pubsub.aclose()
        await client.aclose()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop: one per web process."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
