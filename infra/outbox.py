"""What is on its way to one socket: bounded, in order, and never waited for.

Whoever has something to say calls `send` and goes on. A client that does not read fast enough fills its own outbox
only; when that is full, what waits is dropped and the socket is closed with 4408.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

SLOW_CLIENT: Final = 4408
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_MESSAGES: Final = 20_000
DRAIN_SECONDS: Final = 0.02
TRANSPORT_BYTES: Final = 64 * 1024
"""What may lie in the server's own buffer: little, because it cannot be taken back when the client proves slow."""
CLOSE_SECONDS: Final = 5
"""How long a client has to take its close frame."""

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Message:
    """One text, encoded once for all sockets that get it."""

    __slots__ = ("_wire", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._wire: bytes | None = None

    @property
    def wire(self) -> bytes:
        """The whole WebSocket frame, as a server sends it (unmasked, final, text)."""
        if self._wire is None:
            payload = self.text.encode()
            size = len(payload)
            if size < 126:
                head = struct.pack("!BB", 0x81, size)
            elif size < 65536:
                head = struct.pack("!BBH", 0x81, 126, size)
            else:
                head = struct.pack("!BBQ", 0x81, 127, size)
            self._wire = head + payload
        return self._wire


class Outbox:
    """The queue of one socket. Subclasses know how a server takes messages.

    Not thread-safe: all calls come from the event loop's thread.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_messages: int = MAX_MESSAGES) -> None:
        self.closed = False
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes
        self._max_messages = max_messages

    def send(self, message: Message) -> None:
        """Puts a message on its way; a full outbox ends the socket with 4408."""
        raise NotImplementedError

    def close(self, code: int) -> None:
        """Closes the socket after what was sent before. Later messages are dropped."""
        raise NotImplementedError

    def discard(self) -> None:
        """The client has gone: nothing more is sent."""
        self.closed = True
        self._empty()

    def _keep(self, message: Message) -> None:
        self._waiting.append(message)
        self._bytes += len(message.text)
        if self._bytes > self._max_bytes or len(self._waiting) > self._max_messages:
            self._empty()
            self.close(SLOW_CLIENT)

    def _next(self) -> Message:
        message = self._waiting.popleft()
        self._bytes -= len(message.text)
        return message

    def _empty(self) -> None:
        self._waiting.clear()
        self._bytes = 0


class AsgiOutbox(Outbox):
    """For any ASGI server: a task of its own awaits the server, so that a slow client holds nobody back."""

    def __init__(self, send: Send, **limits: int) -> None:
        super().__init__(**limits)
        self._send = send
        self._code: int | None = None
        self._task: asyncio.Task[None] | None = None

    def send(self, message: Message) -> None:
        if not self.closed:
            self._keep(message)
            self._wake()

    def close(self, code: int) -> None:
        if self.closed:
            return
        self.closed = True
        self._code = code
        if code == SLOW_CLIENT and self._task is not None:
            self._task.cancel()  # it waits for the client that does not read
            self._task = None
        self._wake()

    def discard(self) -> None:
        super().discard()
        if self._task is not None:
            self._task.cancel()

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            await self._send({"type": "websocket.send", "text": self._next().text})
        if self._code is not None:
            code, self._code = self._code, None
            await self._send({"type": "websocket.close", "code": code})


class DaphneOutbox(Outbox):
    """For Daphne, which takes every message at once and buffers without limit: the buffer is watched instead.

    Frames are written to the transport as bytes that were encoded once for all sockets; Daphne negotiates no
    compression and a server's frames are not masked, so every client of a message gets the same bytes.
    """

    def __init__(self, protocol: Any, **limits: int) -> None:
        super().__init__(**limits)
        self._protocol = protocol
        self._code: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def send(self, message: Message) -> None:
        if self.closed:
            return
        if self._waiting or self._buffered() > TRANSPORT_BYTES:
            self._keep(message)
            self._drain_later()
        else:
            self._write(message)

    def close(self, code: int) -> None:
        if self.closed:
            return
        self.closed = True
        self._code = code
        if self._waiting:
            self._drain_later()
        else:
            self._close_now()

    def discard(self) -> None:
        super().discard()
        if self._timer is not None:
            self._timer.cancel()

    def _drain_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._drain)

    def _drain(self) -> None:
        self._timer = None
        while self._waiting and self._buffered() <= TRANSPORT_BYTES:
            self._write(self._next())
        if self._waiting:
            self._drain_later()
        elif self._code is not None:
            self._close_now()

    def _write(self, message: Message) -> None:
        protocol = self._protocol
        if protocol.state != protocol.STATE_OPEN:
            return
        transport, wire = protocol.transport, message.wire
        if not self._buffered():
            # Straight to the socket: the reactor's way there costs two changes of its selector for every frame.
            sent = transport.writeSomeData(wire)
            if isinstance(sent, int):
                wire = wire[sent:]
        if wire:
            transport.write(wire)

    def _close_now(self) -> None:
        code, self._code = self._code, None
        if code is not None and self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.closeHandshakeTimeout = CLOSE_SECONDS
            self._protocol.sendClose(code=code)

    def _buffered(self) -> int:
        transport = self._protocol.transport
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def outbox_for(send: Send) -> Outbox:
    """The outbox that suits the server behind `send`."""
    arguments: tuple[Any, ...] = getattr(send, "args", ())
    protocol: Any = arguments[0] if arguments else None
    if type(protocol).__module__ == "daphne.ws_protocol" and hasattr(protocol.transport, "_tempDataLen"):
        return DaphneOutbox(protocol)
    return AsgiOutbox(send)
