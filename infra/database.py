"""The application's database role, and doing without it where the owner is needed.

The application acts as a role that owns nothing and cannot bypass row level security (set on every connection by
`-c role=`). Migrations and ANALYZE need the owner.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

BOOKED: Final = (
    "copytrade_masterchange",
    "ledger_transfer",
    "rewards_termsversion",
    "trading_accountevent",
    "trading_dailyquote",
    "trading_equitysnapshot",
    "trading_storagecharge",
)
"""Tables whose rows the application writes once and never changes or deletes."""


def owner_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of its own, as the connecting user, in autocommit."""
    parameters = connection.get_connection_params()
    for key in ("options", "pool", "cursor_factory", "context", "server_side_binding", "prepare_threshold"):
        parameters.pop(key, None)
    return psycopg.connect(**parameters, autocommit=True)


def application_role_create() -> None:
    """Makes the application's role if it is missing and lets the connecting user act as it. Safe to run in parallel."""
    role = sql.Identifier(settings.DATABASE_ROLE)
    with owner_connection() as raw:
        # Roles belong to the whole server, and several test databases may be made at once.
        raw.execute("SELECT pg_advisory_lock(hashtext('copytrade role'))")
        found = raw.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.DATABASE_ROLE]).fetchone()
        if found is None:
            raw.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(role))
            raw.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


@contextmanager
def as_owner() -> Iterator[None]:
    """Statements inside run as the connecting user instead of the application's role."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.DATABASE_ROLE)))


def application_role_grant() -> None:
    """Gives the role what the application does, and no more: nothing booked can be changed or deleted."""
    role = sql.Identifier(settings.DATABASE_ROLE)
    with connection.cursor() as cursor:
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {}",
            *(f"REVOKE UPDATE, DELETE ON {table} FROM {{}}" for table in BOOKED),
        ):
            cursor.execute(sql.SQL(statement).format(role))


def analyze() -> None:
    """Fresh planner statistics: plans made on nearly empty tables are several times slower."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
