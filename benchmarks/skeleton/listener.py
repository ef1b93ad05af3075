"""The copying process of the skeleton: ``python -m benchmarks.skeleton.listener``."""

import os
from typing import Any

import msgspec
import psycopg
import redis

from benchmarks.skeleton.schema import CHANNEL, COPY, READ


def main() -> None:
    """Listen, copy, publish, until killed."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as bell, psycopg.connect(url, autocommit=True) as work:
        publisher = redis.Redis.from_url(os.environ["REDIS_URL"])
        bell.execute(f"LISTEN {CHANNEL}".encode())
        for ring in bell.notifies():
            event_id, client_id = ring.payload.split(":", 1)
            texts = copy(work, int(event_id), client_id)
            if texts:
                publisher.publish(CHANNEL, msgspec.msgpack.encode(texts))


def copy(work: psycopg.Connection[Any], event_id: int, client_id: str) -> list[tuple[int, str]]:
    """Write the copies of one event in one transaction; (customer, frame) pairs."""
    with work.pipeline(), work.transaction():
        rows = work.execute(READ, [event_id], prepare=True).fetchall()
        if rows:
            accounts, _customers, volumes, prices, instants = (list(column) for column in zip(*rows, strict=True))
            work.execute(COPY, [[event_id] * len(rows), accounts, volumes, prices, instants], prepare=True)
    return [(row[1], f'{{"copy":"{client_id}","login":{row[0]}}}') for row in rows]


if __name__ == "__main__":
    main()
