"""The right to be the one market process of a deployment: a PostgreSQL advisory lock on a connection of its own.

The lock lives exactly as long as the connection, so a holder that is killed, or loses the database, has lost it, and
nothing has to expire. A connection pooler in transaction mode must not stand in between.
"""

from types import TracebackType
from typing import Any

import psycopg
from django.db import connection


class Lease:
    """A named lease. Use as a context manager; leaving it gives the lease back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection: psycopg.Connection[Any] | None = None
        self._held = False

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def holds(self) -> bool:
        """Whether this process has the lease now, which it tries to get if not.

        Raises `psycopg.OperationalError` when the database is away; the lease is then lost.
        """
        try:
            if self._connection is None:
                self._connection = _dedicated_connection()
            if self._held:
                self._connection.execute("SELECT 1")
            else:
                row = self._connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._name]
                ).fetchone()
                self._held = row is not None and bool(row[0])
        except psycopg.Error:
            self.drop()
            raise
        return self._held

    def drop(self) -> None:
        """Gives the lease back, if it is held."""
        held_connection, self._connection, self._held = self._connection, None, False
        if held_connection is not None:
            held_connection.close()


def _dedicated_connection() -> psycopg.Connection[Any]:
    parameters = connection.get_connection_params()
    # Django's own: the pool, which would hand the connection on, and how it makes cursors
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters | {"autocommit": True, "connect_timeout": 5})
