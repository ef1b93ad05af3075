"""A WebSocket client that takes next to no time itself: frames are stamped, counted and kept, and read after the run.

A library would take longer for a frame than the server does, and thousands come for one order.
"""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import Any

import msgspec

Told = Callable[[int, bytes], None]


class Socket(asyncio.Protocol):
    """One connection. `told` is called with the instant (ns) and the text of every frame."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._buffer = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /ws/ HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        self._buffer += data
        if not self.opened.done():
            self._read_handshake()
        if self.opened.done():
            self._read_frames(now)

    def send(self, message: Any) -> None:
        """Sends a message as JSON."""
        self._write(0x81, msgspec.json.encode(message))

    def close(self) -> None:
        if not self.closed:
            self._write(0x88, b"")
            self._transport.close()

    def _read_handshake(self) -> None:
        head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not end:
            return
        self._buffer = bytearray(rest)
        if b" 101 " in head.split(b"\r\n", 1)[0]:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(ConnectionError(head.split(b"\r\n", 1)[0].decode()))

    def _read_frames(self, now: int) -> None:
        buffer, at, size = self._buffer, 0, len(self._buffer)
        while size - at >= 2:
            length, start = buffer[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, start = struct.unpack_from("!H", buffer, start)[0], at + 4
            elif length == 127:
                if size - at < 10:
                    break
                length, start = struct.unpack_from("!Q", buffer, start)[0], at + 10
            if size - start < length:
                break
            payload = bytes(buffer[start : start + length])
            match buffer[at] & 0x0F:
                case 1:
                    self.told(now, payload)
                case 9:
                    self._write(0x8A, payload)
                case 8:
                    self.closed = True
            at = start + length
        del buffer[:at]

    def _write(self, head: int, payload: bytes) -> None:
        mask = b"\0\0\0\0"  # a mask of zeros is a mask, and leaves the text as it is
        if len(payload) < 126:
            start = struct.pack("!BB", head, 0x80 | len(payload))
        else:
            start = struct.pack("!BBH", head, 0x80 | 126, len(payload))
        self._transport.write(start + mask + payload)


async def connect(port: int, told: Told, patience: float = 5.0) -> Socket:
    """An open socket to `port` of this machine; waits up to `patience` seconds for a server that is still starting."""
    deadline = time.monotonic() + patience
    while True:
        try:
            _transport, socket = await asyncio.get_running_loop().create_connection(
                lambda: Socket(told), "127.0.0.1", port
            )
            await asyncio.wait_for(socket.opened, 10)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return socket
