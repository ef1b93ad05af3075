"""The tests' own database behaves as production's does."""

import threading

import pytest
from django.db import DatabaseError, connection, connections

from accounts.models import Tenant, User
from infra.bulk import hot_cursor
from infra.tenancy import tenant_scope
from tests.support.world import World


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_statements_run_as_a_role_that_cannot_bypass_the_walls() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
    assert _role() == "copytrade_app"


@pytest.mark.django_db(transaction=True)
def test_the_statements_of_the_hot_path_are_planned_once() -> None:
    cursor = hot_cursor()
    for number in range(2):
        cursor.execute(b"SELECT %s::integer AS planned_once", [number], prepare=True)
    found = cursor.execute(
        b"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT%%AS planned_once'"
    )
    assert found.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_other_threads_connect_as_the_same_role() -> None:
    roles: list[str] = []

    def look() -> None:
        roles.append(_role())
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert roles == ["copytrade_app"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", [1, 2])
def test_committed_rows_are_gone_in_the_next_test(round_: int) -> None:
    from core.clock import from_unix

    assert Tenant.objects.count() == 0
    Tenant.objects.create(slug="left", name="Left", created_at=from_unix(1))


@pytest.mark.django_db(transaction=True)
def test_a_query_without_a_tenant_is_an_error_in_the_database_too(world: World) -> None:
    assert world.alice
    with pytest.raises(DatabaseError, match=r"app\.tenant|bigint: \"\""), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")
    with tenant_scope(world.south.id):
        assert not User.objects.filter(pk=world.alice.user.pk).exists()
