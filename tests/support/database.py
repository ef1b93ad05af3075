"""The test database: made by its owner, used as the application's role, emptied as its owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from infra.database import as_owner

_KEPT = "django_migrations"


@contextmanager
def connecting_as_owner() -> Iterator[None]:
    """Connections made inside belong to the connecting user: the application's role cannot make a database."""
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    role = options.pop("options", None)
    connections.close_all()
    try:
        yield
    finally:
        connections.close_all()
        if role is not None:
            options["options"] = role


def empty_all_tables(*_: Any) -> None:
    """Deletes every row, as the owner, who alone may delete what is booked. For tests that commit.

    A transaction that a test left open in another thread makes this fail after five seconds instead of hanging.
    """
    # a hung-up or broken connection of the test is not taken over
    connection.close()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        tables = [name for (name,) in cursor.fetchall() if name != _KEPT]
        found = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in tables)
        cursor.execute(found)
        if filled := [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        cursor.execute("RESET lock_timeout")


def end_other_connections() -> None:
    """Ends what threads and processes of tests have left open, so that the database can be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
