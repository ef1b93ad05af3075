"""What is on its way to one socket: in order, bounded, waiting for nobody."""

import asyncio
from typing import Any

import pytest

from infra.outbox import SLOW_CLIENT, AsgiOutbox, Message


class Server:
    """An ASGI server whose client reads only while `reading` is set."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.reading.wait()
        self.sent.append(message.get("text", message.get("code")))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_messages_go_out_in_order_and_the_close_last() -> None:
    server = Server()
    outbox = AsgiOutbox(server.send)
    for n in range(5):
        outbox.send(Message(str(n)))
    outbox.close(4401)
    outbox.send(Message("too late"))
    await settle()
    assert server.sent == ["0", "1", "2", "3", "4", 4401]


@pytest.mark.parametrize("limits", [{"max_messages": 3}, {"max_bytes": 30}])
async def test_a_full_outbox_drops_what_waits_and_closes(limits: dict[str, int]) -> None:
    server = Server()
    outbox = AsgiOutbox(server.send, **limits)
    server.reading.clear()
    for _ in range(10):
        outbox.send(Message("x" * 10))
        await settle()
    assert outbox.closed
    assert server.sent == [SLOW_CLIENT]


async def test_a_burst_within_the_limits_is_sent_whole() -> None:
    server = Server()
    outbox = AsgiOutbox(server.send, max_messages=100, max_bytes=1000)
    for n in range(100):
        outbox.send(Message(str(n)))
    await settle()
    await settle()
    assert len(server.sent) == 100


async def test_nothing_is_sent_to_a_client_that_has_gone() -> None:
    server = Server()
    outbox = AsgiOutbox(server.send)
    outbox.send(Message("a"))
    outbox.discard()
    outbox.send(Message("b"))
    outbox.close(1000)
    await settle()
    assert server.sent == []


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + (65_536).to_bytes(8, "big")),
    ],
)
def test_the_bytes_are_a_final_unmasked_text_frame(size: int, head: bytes) -> None:
    assert Message("x" * size).wire == head + b"x" * size


def test_the_length_counts_bytes_not_characters() -> None:
    assert Message("ä" * 100).wire[:4] == b"\x81\x7e\x00\xc8"
