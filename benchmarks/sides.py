"""The two that are compared, seen from their sockets: the product and the skeleton.

Each has one leader's socket, which trades, and the sockets of the customers who own all followers. Frames are only
stamped and kept while a run lasts; what they say is read after it.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from benchmarks import sockets
from benchmarks.place import BenchmarkError
from benchmarks.world import CUSTOMERS, SYMBOL, World

PATIENCE: Final = 60.0
_COPY_ORDER: Final = b'{"event":"copy.order"'
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Sample:
    """One event, in milliseconds since the leader's message was sent. None where there are no followers."""

    ack: float
    first: float | None = None
    """The first follower's trade frame."""
    last: float | None = None
    """The last follower's trade frame."""
    told: float | None = None
    """The last follower's `copy.order`; the skeleton has only one kind of frame."""


class Side:
    """One run after the other on the same sockets."""

    name: str

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.port = port
        self.sent: list[int] = []
        self._acks: dict[str, tuple[int, bytes]] = {}
        self._frames: list[tuple[int, bytes]] = []
        self._copies = 0
        self._expected = 0
        self._sockets: list[sockets.Socket] = []
        self._news = asyncio.Event()
        self._size = 0
        self._prefix = ""
        self.trouble = ""  # what a callback found; raised by whoever waits

    async def connect(self) -> None:
        """Opens the sockets; waits for a server that is still starting."""
        leader = await sockets.connect(self.port, self._leader_told, PATIENCE)
        self._sockets = [leader]
        for _customer in range(CUSTOMERS):
            self._sockets.append(await sockets.connect(self.port, self._customer_told))
        await self._sign_in()

    def close(self) -> None:
        for socket in self._sockets:
            socket.close()

    def begin(self, size: int, events: int, prefix: str) -> None:
        """A new run of the leader with `size` followers; `prefix` makes its ids its own."""
        self._size, self._prefix = size, prefix
        self._expected = size * events
        self._copies = 0
        self.sent.clear()
        self._acks.clear()
        self._frames.clear()

    async def finished(self) -> None:
        """All events of the run are acknowledged, and all copies have been seen."""
        await self._until(lambda: len(self._acks) >= len(self.sent), "an order was not answered")
        await self._until(lambda: self._copies >= self._expected, "copies are missing; try a lower --rate")

    def samples(self) -> list[Sample]:
        """What the run has shown, event by event."""
        raise NotImplementedError

    async def prepare(self, size: int, held: int) -> None:
        """Lets the leader with `size` followers hold `held` tickets; waits for processes that are still starting.

        An exit belongs to the oldest of them: one right behind its own entry would make a worker that has fallen behind
        leave out both.
        """

    async def settle(self) -> None:
        """Undoes `prepare`."""

    async def order(self, number: int) -> None:
        """Sends event `number` of the run: entries have even numbers, exits odd ones."""
        raise NotImplementedError

    def _send(self, message: Any) -> None:
        self.sent.append(time.perf_counter_ns())
        self._sockets[0].send(message)

    async def _sign_in(self) -> None:
        raise NotImplementedError

    def _is_copy(self, payload: bytes) -> bool:
        raise NotImplementedError

    def _ack_of(self, payload: bytes) -> str | None:
        raise NotImplementedError

    def _id(self, number: int) -> str:
        return f"{self._prefix}-{number}"

    def _leader_told(self, now: int, payload: bytes) -> None:
        key = self._ack_of(payload)
        if key is not None:
            self._acks[key] = (now, payload)
        self._news.set()

    def _customer_told(self, now: int, payload: bytes) -> None:
        self._frames.append((now, payload))
        if self._is_copy(payload):
            self._copies += 1
            if self._copies < self._expected:
                return
        self._news.set()

    async def _until(self, condition: Any, trouble: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    if self.trouble:
                        raise BenchmarkError(self.trouble)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            ended = any(socket.closed for socket in self._sockets)
            why = "a socket was closed" if ended else f"{self._copies} of {self._expected} copies seen"
            raise BenchmarkError(f"{self.name}, {self._size} followers: {trouble} ({why}).") from None

    def _since(self, number: int, now: int) -> float:
        return (now - self.sent[number]) / 1e6


class Product(Side):
    """The terminals' sockets. Customers listen to all their accounts and to `@copy`, as a terminal and a page do."""

    name = "product"

    def __init__(self, world: World, port: int) -> None:
        super().__init__(world, port)
        self._held: deque[int] = deque()

    async def _sign_in(self) -> None:
        for socket, token in zip(self._sockets, [self.world.leader_token, *self.world.customer_tokens], strict=True):
            socket.send({"authorization": token})
            socket.send({"event": "account.switch", "active_login": 0})
            if socket is not self._sockets[0]:
                socket.send({"event": "subscribe", "data": ["@copy"]})
        await self._until(lambda: len(self._frames) >= 2 * CUSTOMERS, "signing in failed")

    async def prepare(self, size: int, held: int) -> None:
        for number in range(held):
            self.begin(size, 1, f"h{size}-{number}")
            self._open(0)
            await self.finished()

    async def settle(self) -> None:
        while self._held:
            self.begin(self._size, 1, f"s{self._size}-{len(self._held)}")
            self._close(0)
            await self.finished()

    async def order(self, number: int) -> None:
        if number % 2:
            await self._until(lambda: self._held, "no open ticket is left")
            self._close(number)
        else:
            self._open(number)

    def _open(self, number: int) -> None:
        data = {"login": self.world.leaders[self._size].login, "cmd": 0, "symbol": SYMBOL, "volume": 100}
        self._send({"event": "trade.open", "id": self._id(number), "data": data})

    def _close(self, number: int) -> None:
        self._send({"event": "trade.close", "id": self._id(number), "data": {"order": self._held.popleft()}})

    def _ack_of(self, payload: bytes) -> str | None:
        if b'"trade.' not in payload:
            return None
        answer = _decode(payload)
        if answer["event"] != "trade.ack":
            self.trouble = f"The leader's order was refused: {answer['message']}"
            return None
        if "close_volume" not in answer["data"]:
            self._held.append(answer["data"]["order"])
        return answer["id"]

    def _is_copy(self, payload: bytes) -> bool:
        return payload.startswith(_COPY_ORDER)

    def samples(self) -> list[Sample]:
        """Trade frames are found by the copy orders, which name both tickets."""
        numbers: dict[tuple[int, str], int] = {}
        for number in range(len(self.sent)):
            order = _decode(self._acks[self._id(number)][1])["data"]["order"]
            numbers[order, "CLOSE" if number % 2 else "OPEN"] = number
        trades: dict[tuple[int, bool], int] = {}
        told: dict[int, list[tuple[int, tuple[int, bool]]]] = {number: [] for number in numbers.values()}
        for now, payload in self._frames:
            if payload.startswith(b'["o"'):
                frame = _decode(payload)
                trades.setdefault((frame[1], frame[-1] == 6), now)
            elif self._is_copy(payload):
                row = _decode(payload)["data"]
                if row["status"] != "FILLED":
                    raise BenchmarkError(f"A copy was not made: {row['detail']}")
                event = numbers[row["master_order"], row["action"]]
                told[event].append((now, (row["follower_order"], row["action"] == "CLOSE")))
        return [self._sample(number, copies, trades) for number, copies in sorted(told.items())]

    def _sample(
        self, number: int, copies: list[tuple[int, tuple[int, bool]]], trades: dict[tuple[int, bool], int]
    ) -> Sample:
        ack = self._since(number, self._acks[self._id(number)][0])
        if not copies:
            return Sample(ack)
        seen = [trades[ticket] for _now, ticket in copies]
        last_told = max(now for now, _ticket in copies)
        return Sample(
            ack, self._since(number, min(seen)), self._since(number, max(seen)), self._since(number, last_told)
        )


class Skeleton(Side):
    """The same, of `benchmarks.skeleton`."""

    name = "floor"

    async def _sign_in(self) -> None:
        for customer, socket in enumerate(self._sockets[1:]):
            socket.send({"customer": customer})
        await self._until(lambda: len(self._frames) >= CUSTOMERS, "joining failed")

    async def order(self, number: int) -> None:
        kind = "CLOSE" if number % 2 else "OPEN"
        values = {"leader": self._size, "kind": kind, "volume": "1.00", "price": "1.1001"}
        self._send({"id": self._id(number), **values})

    def _ack_of(self, payload: bytes) -> str | None:
        return _decode(payload).get("ack")

    def _is_copy(self, payload: bytes) -> bool:
        return payload.startswith(b'{"copy"')

    def samples(self) -> list[Sample]:
        seen: dict[str, list[int]] = {self._id(number): [] for number in range(len(self.sent))}
        for now, payload in self._frames:
            seen[_decode(payload)["copy"]].append(now)
        return [self._sample(number, instants) for number, instants in enumerate(seen.values())]

    def _sample(self, number: int, instants: list[int]) -> Sample:
        ack = self._since(number, self._acks[self._id(number)][0])
        if not instants:
            return Sample(ack)
        first, last = self._since(number, min(instants)), self._since(number, max(instants))
        return Sample(ack, first, last, last)
