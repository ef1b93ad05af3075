"""Tenants never meet: the wall in PostgreSQL and the guard in Python, with the application's own role."""

from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal as D

import django_scopes.exceptions
import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection, transaction

from core.errors import DomainError
from infra.database import BOOKED
from infra.tenancy import TenantModel, protected_tables, tenant_scope
from rewards.services.working import rewards_work
from tests.support.copy_house import copy_house
from trading.services.balance import balance_operate
from trading.services.day_end import day_end
from trading.services.instruments import instrument_update
from trading.services.snapshots import equity_marks_update

WITHOUT_WALL = {
    "accounts_tenant",
    "accounts_tenantdomain",
    "accounts_logindirectory",  # login -> tenant, asked before any tenant is known
    "copytrade_inboxhead",  # leader -> newest event, for the sweep
}
"""Ids, names of operators and counters; no customer's data."""

NO_TENANT = r"app\.tenant|invalid input syntax for type bigint"


@contextmanager
def at_once():
    """A transaction of its own, without a tenant."""
    with transaction.atomic(), connection.cursor() as cursor:
        yield cursor


def rows(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@pytest.fixture
def filled(transactional_db, world):
    """Both tenants with copies, committed. Gives the tables that are protected and hold rows."""
    for place in (world.north, world.south):
        house = copy_house(place, followers=2)
        trade = house.open(house.leader, "1", client_order_id="mine")
        house.close(house.leader, trade, "0.5")
        house.drain()
        with place.scope():
            instrument_update(tenant_id=place.id, symbol="EURUSD", changes={"swap_long": D(-5)})
        evening = datetime(2026, 3, 2, 22, tzinfo=UTC)
        assert day_end(tenant_id=place.id, day=evening.date(), at=evening)
        house.quote("EURUSD", "1.1100", "1.1102")
        house.close(house.leader, trade)
        house.drain()
        rewards_work(tenant_id=place.id, at=evening)
        equity_marks_update(tenant_id=place.id, at=evening)
        assert place.person("alice").token
    tables = []
    for table in sorted(protected_tables()):
        with world.north.scope():
            found = rows(f"SELECT count(*) FROM {table}")
        if found[0][0]:
            tables.append(table)
    assert len(tables) >= 24, tables
    assert set(tables) >= set(BOOKED)
    return tables


@pytest.mark.django_db
def test_every_table_with_a_tenant_is_behind_the_wall():
    carrying = rows(
        "SELECT table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_name)"
        " WHERE column_name = 'tenant_id' AND t.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
    )
    assert {name for (name,) in carrying} - WITHOUT_WALL == protected_tables()


@pytest.mark.django_db
def test_every_table_of_the_product_is_behind_the_wall_or_named_here():
    own = {model._meta.db_table for model in apps.get_models() if not model._meta.abstract}
    assert own - WITHOUT_WALL == protected_tables()


@pytest.mark.django_db
def test_every_wall_is_the_same_policy():
    policies = rows("SELECT tablename, policyname, cmd, permissive, roles, qual, with_check FROM pg_policies")
    assert {row[0] for row in policies} == protected_tables()
    assert len(policies) == len(protected_tables())
    assert all(row[1:5] == ("tenant_wall", "ALL", "PERMISSIVE", ["public"]) for row in policies)
    texts = {text for row in policies for text in row[5:]}
    assert len(texts) == 1
    (text,) = texts
    assert "current_setting('app.tenant'::text))::bigint" in text  # no missing_ok, no nullif


@pytest.mark.django_db
def test_the_application_cannot_walk_around_the_wall():
    ((role, superuser, bypass, create_db, create_role),) = rows(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert role == settings.DATABASE_ROLE
    assert not any((superuser, bypass, create_db, create_role))
    owned = rows("SELECT relname FROM pg_class WHERE relowner = current_user::regrole")
    assert owned == []
    members = rows(
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
        " WHERE m.member = current_user::regrole"
    )
    assert members == []


@pytest.mark.django_db
def test_what_is_booked_cannot_be_changed():
    for table in BOOKED:
        for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
            ((allowed,),) = rows("SELECT has_table_privilege(current_user, %s, %s)", table, privilege)
            assert not allowed, (table, privilege)


def test_a_query_without_a_tenant_is_an_error(filled):
    connection.close()  # a session in which no tenant was ever set
    for _session in ("fresh", "used"):
        for table in filled:
            with pytest.raises(DatabaseError, match=NO_TENANT), at_once() as cursor:
                cursor.execute(f"SELECT * FROM {table}")
            with pytest.raises(DatabaseError, match=NO_TENANT), at_once() as cursor:
                cursor.execute(f"SELECT 1 FROM {table}" if table in BOOKED else f"DELETE FROM {table}")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.tenant', '1', true)")


def test_a_tenant_ends_with_its_transaction(filled, world):
    with world.north.scope():
        assert rows("SELECT count(*) FROM trading_trade")[0][0] > 0
    with pytest.raises(DatabaseError, match=NO_TENANT), at_once() as cursor:
        cursor.execute("SELECT count(*) FROM trading_trade")
    with pytest.raises(ZeroDivisionError), world.north.scope():
        raise ZeroDivisionError
    with pytest.raises(DatabaseError, match=NO_TENANT), at_once() as cursor:
        cursor.execute("SELECT count(*) FROM trading_trade")


def test_one_tenant_sees_and_touches_nothing_of_the_other(filled, world):
    north, south = world.north.id, world.south.id
    for table in filled:
        with tenant_scope(north):
            assert {t for (t,) in rows(f"SELECT DISTINCT tenant_id FROM {table}")} == {north}
            assert rows(f"SELECT 1 FROM {table} WHERE tenant_id = %s", south) == []
        for statement in (
            f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = {south}",
            f"DELETE FROM {table} WHERE tenant_id = {south}",
        ):
            if table in BOOKED:
                continue
            with tenant_scope(north), connection.cursor() as cursor:
                cursor.execute(statement)
                assert cursor.rowcount == 0, statement


def test_nothing_is_written_into_the_other_tenant(filled, world):
    """An own row, sent again with the other tenant's id: refused by the policy, before any key or constraint."""
    for table in filled:
        with tenant_scope(world.north.id):
            columns = [
                name
                for (name,) in rows(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
                    " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
                    table,
                )
            ]
            values = ", ".join(str(world.south.id) if name == "tenant_id" else f'"{name}"' for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            tenant_scope(world.north.id),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} LIMIT 1")
        with tenant_scope(world.north.id), connection.cursor() as cursor:
            if table in BOOKED:
                continue
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                cursor.execute(f"UPDATE {table} SET tenant_id = {world.south.id}")


@pytest.mark.django_db
def test_managers_refuse_to_work_outside_a_scope():
    models = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    assert len(models) >= 15
    for model in models:
        for use in (
            lambda m=model: list(m.objects.all()),
            lambda m=model: m.objects.filter(pk=1),
            lambda m=model: list(m.objects.exclude(pk=1)),
            lambda m=model: m.objects.count(),
            lambda m=model: m.objects.update(tenant_id=1),
        ):
            with pytest.raises(django_scopes.exceptions.ScopeError, match="tenant"):
                use()


def test_a_transaction_serves_one_tenant(world):
    north, south = world.north.id, world.south.id
    with tenant_scope(north), pytest.raises(RuntimeError, match="cannot enter"), tenant_scope(south):
        pass
    with tenant_scope(north):
        with tenant_scope(north):
            assert rows("SELECT current_setting('app.tenant')") == [(str(north),)]
        assert rows("SELECT current_setting('app.tenant')") == [(str(north),)]


def test_services_cannot_reach_into_the_other_tenant(world):
    """The same ids, asked for in the wrong tenant: the account does not exist there."""
    foreign = world.charlie.account
    with pytest.raises(DomainError, match="PERMISSION_DENIED"), world.north.scope():
        balance_operate(account_id=foreign.id, amount=D(1), at=foreign.opened_at)
