"""Tenants never meet: scoped managers in Python, row level security in PostgreSQL.

A scope is opened at every entrance. It opens a transaction and tells PostgreSQL the tenant for exactly that transaction;
a query outside a scope is an error on both levels, never an empty answer: a drain that saw no subscriptions would mark
the leader's event as handled.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from django.db import OperationalError, connection, migrations, models, transaction
from django_scopes import get_scope, scope
from django_scopes.manager import DisabledQuerySet
from psycopg.pq import TransactionStatus

logger = logging.getLogger(__name__)

_ENTER_SQL = b"""
SELECT set_config('app.tenant', %s, true), set_config('lock_timeout', %s, true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
"""
_Row = TypeVar("_Row", bound=models.Model, covariant=True)


class TenantManager(models.Manager[_Row]):
    """Sees the rows of the open scope's tenant, and refuses to work without one."""

    def get_queryset(self) -> models.QuerySet[_Row]:
        scope = get_scope()
        if not scope.get("_enabled", True):  # `scopes_disabled`: for building queries that are never run
            return super().get_queryset()
        if "tenant" not in scope:
            return DisabledQuerySet(self.model, using=self._db, missing_scopes=["tenant"])
        return super().get_queryset().filter(tenant_id=scope["tenant"])


class TenantModel(models.Model):
    """A table whose rows belong to one tenant. `objects` refuses to work outside a tenant scope."""

    tenant_id = models.BigIntegerField()

    objects = TenantManager()

    class Meta:
        abstract = True


@contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """One transaction inside one tenant.

    Nested use for the same tenant joins the surrounding transaction with a savepoint; for another tenant it is an error,
    because one transaction never serves two tenants.
    """
    active = current_tenant()
    if active is not None and active != tenant_id:
        raise RuntimeError(f"a transaction of tenant {active} cannot enter tenant {tenant_id}")
    with scope(tenant=tenant_id), transaction.atomic():
        if active is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant_id)])
        yield


class Meanwhile:
    """What is done while PostgreSQL commits: work on values that the transaction does not need, such as frames."""

    def __init__(self) -> None:
        self._works: list[Callable[[], None]] = []

    def do(self, work: Callable[[], None]) -> None:
        """Does `work` when everything has been sent. The commit does not depend on it: what it raises is logged."""
        self._works.append(work)

    def run(self) -> None:
        for work in self._works:
            try:
                work()
            except Exception:
                logger.exception("something that was to be done beside a commit failed")


@contextmanager
def swift_scope(tenant_id: int, *, lock_timeout: str = "0") -> Iterator[Meanwhile]:
    """As `tenant_scope`, with the whole transaction in one pipeline: for the hot path's set-based statements.

    BEGIN travels with the first lock and COMMIT with the writes, so a transaction takes as many round trips as it has
    answers to wait for. Inside, writes go through `infra.bulk` (the ORM would look at row counts that are not there yet),
    and an error of a queued write is raised at the next answer or at the end. `lock_timeout` ("200ms") bounds each wait
    for a lock. Inside another transaction it is that transaction's savepoint. Plans do not depend on the values: these
    statements look rows up by their keys, and planning took longer than most of them.
    """
    connection.ensure_connection()
    meanwhile = Meanwhile()
    if connection.in_atomic_block:
        with tenant_scope(tenant_id):
            yield meanwhile
        meanwhile.run()
        return
    raw = connection.connection
    cursor = psycopg.Cursor(raw)
    try:
        with scope(tenant=tenant_id), raw.pipeline():
            cursor.execute(b"BEGIN")
            psycopg.Cursor(raw).execute(_ENTER_SQL, [str(tenant_id), lock_timeout], prepare=True)
            yield meanwhile
            cursor.execute(b"COMMIT")
            meanwhile.run()
        # A transaction that had failed before answers COMMIT with ROLLBACK and no error.
        if cursor.statusmessage != "COMMIT":
            raise OperationalError("the transaction had failed before its commit")
    except BaseException:
        if not raw.closed and raw.pgconn.transaction_status != TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                raw.execute(b"ROLLBACK")
        raise


def current_tenant() -> int | None:
    """The tenant whose scope is open, if any."""
    value = get_scope().get("tenant")
    return None if value is None else int(value)


class RowLevelSecurity(migrations.RunSQL):
    """Migration operation: the tenant wall for tables that have a `tenant_id`.

    FORCE makes it bind the table's owner too. The setting is read without `missing_ok`: no tenant is an error.
    """

    def __init__(self, *tables: str) -> None:
        self.tables = tables
        super().__init__(
            sql=[statement for table in tables for statement in _wall(table)],
            reverse_sql=[statement for table in tables for statement in _no_wall(table)],
        )

    def deconstruct(self) -> Any:
        return (self.__class__.__qualname__, list(self.tables), {})


def _wall(table: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_wall ON {table} USING (tenant_id = (select current_setting('app.tenant')::bigint))"
        f" WITH CHECK (tenant_id = (select current_setting('app.tenant')::bigint))",
    ]


def _no_wall(table: str) -> list[str]:
    return [
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY tenant_wall ON {table}",
    ]


def protected_tables() -> set[str]:
    """Names of the tables that carry the wall in the connected database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")
        return {name for (name,) in cursor.fetchall()}
