"""The web process of the skeleton: `daphne benchmarks.skeleton.asgi:application`."""

import asyncio
import os
from collections import defaultdict
from typing import Any, ClassVar

import msgspec
import psycopg
import redis.asyncio
from django.conf import settings

settings.configure()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - needs settings, if only empty ones

from benchmarks.skeleton.schema import CHANNEL, ORDER  # noqa: E402


class Hub:
    """One subscription for the process, and who is connected for which customer."""

    def __init__(self) -> None:
        self.members: dict[int, set[Any]] = defaultdict(set)
        self.database: Any = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        async with self._lock:
            if self._task is None:
                self.database = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
                subscription = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]).pubsub()
                await subscription.subscribe(CHANNEL)
                self._task = asyncio.create_task(self._run(subscription))

    async def _run(self, subscription: Any) -> None:
        async for message in subscription.listen():
            if message["type"] != "message":
                continue
            for customer, text in msgspec.msgpack.decode(message["data"]):
                for member in self.members[customer]:
                    await member.send(text_data=text)


hub: Hub | None = None


class Terminal(AsyncWebsocketConsumer):
    """`{"customer": n}` joins; `{"leader": n, "id": "..", ...}` is an order, acknowledged when it is durable."""

    channel_layer_alias: ClassVar[Any] = None

    async def connect(self) -> None:
        global hub
        hub = hub or Hub()
        await hub.start()
        await self.accept()

    async def disconnect(self, code: int) -> None:
        assert hub is not None
        for members in hub.members.values():
            members.discard(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        assert hub is not None
        message = msgspec.json.decode(text_data or "{}")
        if "customer" in message:
            hub.members[message["customer"]].add(self)
            await self.send(text_data='{"joined":true}')
            return
        values = [message["leader"], message["kind"], message["volume"], message["price"], message["id"], message["id"]]
        await hub.database.execute(ORDER, values, prepare=True)
        await self.send(text_data=f'{{"ack":"{message["id"]}"}}')


application = Terminal.as_asgi()
