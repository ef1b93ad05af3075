"""Counting what is sent to PostgreSQL, at psycopg, because the hot path goes around Django's query log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg


@contextmanager
def statements() -> Iterator[list[str]]:
    """The text of every statement that is executed inside, on any connection of this process."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(query.decode() if isinstance(query, bytes) else str(query))
        return execute(self, query, *args, **options)

    with mock.patch.object(psycopg.Cursor, "execute", noting):
        yield sent
