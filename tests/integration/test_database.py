"""The tests' own database behaves as production's does."""

import threading
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from django.db import DatabaseError, connection, connections

from accounts.models import AccountGroup, ApiSession, Tenant, User
from core.clock import from_unix
from infra.bulk import Batch, hot_cursor, insert_rows, update_objects, update_rows
from infra.tenancy import swift_scope, tenant_scope
from tests.support.statements import statements
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
def test_work_beside_a_commit_is_done_once_and_cannot_undo_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("not the commit's business")

    with swift_scope(world.north.id) as meanwhile:
        hot_cursor().execute(b"UPDATE accounts_tenant SET name = 'Moved' WHERE id = %s", [world.north.id])
        meanwhile.do(lambda: done.append("first"))
        meanwhile.do(fail)
        meanwhile.do(lambda: done.append("last"))
        assert done == []
    assert done == ["first", "last"]
    assert "beside a commit failed" in caplog.text
    assert Tenant.objects.get(pk=world.north.id).name == "Moved"


@pytest.mark.django_db(transaction=True)
def test_work_beside_a_commit_is_left_where_there_is_none(world: World) -> None:
    done: list[str] = []

    def fail() -> None:
        with swift_scope(world.north.id) as meanwhile:
            meanwhile.do(lambda: done.append("never"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert done == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "names",
    [
        ["same", "same", "same"],
        ['a "quoted" one', "back\\slash", "curly {}, comma", "", "NULL", "Ä\n"],
    ],
)
def test_rows_come_back_as_they_were_written(world: World, names: list[str]) -> None:
    columns = ("tenant_id", "name", "account_mode", "currency", "leverage", "position_mode", "margin_call", "stop_out",
               "commission_per_lot", "public_opening", "enabled")  # fmt: skip
    with tenant_scope(world.north.id):
        before = set(AccountGroup.objects.values_list("pk", flat=True))
        rows = [
            (world.north.id, f"{number}{name}", "REAL", "USD", 100, "HEDGING", Decimal(100), Decimal(50), Decimal(number),
             number % 2 == 0, True)
            for number, name in enumerate(names)
        ]  # fmt: skip
        insert_rows(hot_cursor(), AccountGroup, columns, rows)
        found = AccountGroup.objects.exclude(pk__in=before).order_by("pk")
        assert [g.name for g in found] == [f"{number}{name}" for number, name in enumerate(names)]
        assert [g.commission_per_lot for g in found] == list(range(len(names)))
        update_rows(
            hot_cursor(), AccountGroup, ("enabled", "margin_call"), [(g.pk, False, Decimal("99.5")) for g in found]
        )
        assert {(g.enabled, g.margin_call) for g in found.all()} == {(False, Decimal("99.5"))}


@pytest.mark.django_db(transaction=True)
def test_objects_are_written_with_one_statement(world: World) -> None:
    with tenant_scope(world.north.id):
        groups = [world.north.group(name) for name in ('a "quoted" one', "another")]
        for group in groups:
            group.name, group.margin_call, group.enabled = f"{group.name}, new", Decimal("99.5"), False
            group.leverage = 7
        with statements() as sent:
            update_objects(groups, ["name", "margin_call", "enabled"])
        assert len(sent) == 1
        stored = [AccountGroup.objects.get(pk=group.pk) for group in groups]
        update_objects([], ["name"])
    assert [(g.name, g.margin_call, g.enabled) for g in stored] == [
        ('a "quoted" one, new', Decimal("99.5"), False),
        ("another, new", Decimal("99.5"), False),
    ]
    assert {group.leverage for group in stored} == {100}


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
    assert Tenant.objects.count() == 0
    Tenant.objects.create(slug="left", name="Left", created_at=from_unix(1))


@pytest.mark.django_db(transaction=True)
def test_a_query_without_a_tenant_is_an_error_in_the_database_too(world: World) -> None:
    assert world.alice
    with pytest.raises(DatabaseError, match=r"app\.tenant|bigint: \"\""), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")
    with tenant_scope(world.south.id):
        assert not User.objects.filter(pk=world.alice.user.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_one_statement_and_nothing_when_one_of_its_writes_fails(world: World) -> None:
    alice, bob = world.alice.user, world.bob.user
    columns = ("tenant_id", "user_id", "session_type", "id", "created_at", "expires_at")
    row = [alice.tenant_id, alice.pk, "CUSTOMER", "00000000-0000-0000-0000-000000000001", from_unix(1), from_unix(2)]
    batch = Batch()
    batch.update(User, ("full_name",), [])
    batch.update(User, ("full_name", "timezone"), [(alice.pk, 'A "quoted" \\ name, {1}', "UTC"), (bob.pk, "Bob", "")])
    batch.insert(ApiSession, columns, [row])
    with tenant_scope(alice.tenant_id), statements() as sent:
        batch.write(hot_cursor())
        Batch().write(hot_cursor())
    assert len([text for text in sent if "accounts_" in text]) == 1
    with tenant_scope(alice.tenant_id):
        assert User.objects.get(pk=alice.pk).full_name == 'A "quoted" \\ name, {1}'
        assert ApiSession.objects.get(pk=row[3]).user_id == alice.pk

    again = Batch()
    again.update(User, ("full_name",), [(alice.pk, "Another")])
    again.insert(ApiSession, columns, [row])
    with pytest.raises(psycopg.errors.UniqueViolation), tenant_scope(alice.tenant_id):
        again.write(hot_cursor())
    with tenant_scope(alice.tenant_id):
        assert User.objects.get(pk=alice.pk).full_name != "Another"


@pytest.mark.django_db
def test_hot_cursors_read_instants_in_utc() -> None:
    (instant,) = hot_cursor().execute(b"SELECT '2026-03-01 12:00:00.5+02'::timestamptz").fetchone() or (None,)
    assert instant == datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert instant.tzinfo is UTC
