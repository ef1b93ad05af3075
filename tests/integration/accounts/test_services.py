"""What only the services themselves can show: tenants, ports, and writers that meet."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from accounts import directory, ports, services
from accounts.models import ApiSession, LoginDirectory, ProductConfig, Tenant, TradingAccount
from accounts.services.sign_in import _unchanged
from core.clock import now
from core.errors import DomainError
from infra.tenancy import tenant_scope
from tests.support.world import BIRTH, World


@pytest.mark.django_db
def test_a_tenant_comes_with_domains_and_modules() -> None:
    tenant = services.tenant_create(
        slug="club", name="Club", domains=["Club.Example", "trade.club.example."], timezone="Europe/Berlin", at=BIRTH
    )
    directory.forget()
    for host in ("club.example", "CLUB.example:443", "trade.club.example"):
        assert directory.tenant_of_host(host) == directory.TenantRef(
            tenant.id, "club", "Club", "Europe/Berlin", live=True
        )
    assert directory.tenant_of_host("example") is None
    with tenant_scope(tenant.id):
        assert ProductConfig.objects.get().copy_trading is True


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"slug": "Club"},
        {"slug": ""},
        {"slug": "-club"},
        {"slug": "x" * 51},
        {"name": ""},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"domains": ["club.example:80"]},
        {"domains": ["https://club.example"]},
        {"domains": [""]},
    ],
)
def test_a_tenant_of_another_form_is_refused(change: dict) -> None:
    with pytest.raises(DomainError, match="INVALID_DATA"):
        services.tenant_create(**{"slug": "club", "name": "Club", "at": BIRTH, **change})
    assert Tenant.objects.count() == 0


def test_slugs_and_domains_are_used_once(world: World) -> None:
    assert world.north
    for slug, domain in (("north", "new.example"), ("new", "north.example")):
        with pytest.raises(DomainError, match="RET_DUPLICATE_RECORD"):
            services.tenant_create(slug=slug, name="New", domains=[domain], at=BIRTH)
    assert Tenant.objects.count() == 1


def test_logins_are_unique_in_the_deployment(world: World) -> None:
    people = [world.alice, world.bob, world.charlie]
    logins = [person.login for person in people]
    assert len(set(logins)) == 3
    tenants = [LoginDirectory.objects.get(login=login).tenant_id for login in logins]
    assert tenants == [world.north.id, world.north.id, world.south.id]


def test_a_listener_that_fails_prevents_the_opening(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*, account: TradingAccount) -> None:
        raise RuntimeError(account.currency)

    monkeypatch.setattr(ports, "account_opened", [*ports.account_opened, fail])
    group = world.north.real
    with pytest.raises(RuntimeError, match="USD"), world.north.scope():
        services.account_open(customer=world.alice.user, group=group, at=BIRTH)
    with world.north.scope():
        assert TradingAccount.objects.count() == 0
    assert LoginDirectory.objects.count() == 0


def test_only_administrators_are_owners(world: World) -> None:
    with pytest.raises(DomainError, match="owner"), world.north.scope():
        services.user_create(email="x@north.example", password="long enough", role="DEALER", owner=True, at=BIRTH)


def _in_threads(*works: Callable[[], None]) -> list[BaseException]:
    problems: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return problems


@pytest.mark.django_db(transaction=True)
def test_one_of_two_simultaneous_customers_of_one_address_is_refused(world: World) -> None:
    north = world.north
    together = threading.Barrier(2, timeout=10)

    def create() -> None:
        with north.scope():
            together.wait()
            services.user_create(email="dora@north.example", password="long enough", at=BIRTH)

    problems = _in_threads(create, create)
    assert [getattr(problem, "code", problem) for problem in problems] == ["RET_DUPLICATE_RECORD"]


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_meets_a_new_password_does_not_survive_it(world: World) -> None:
    """The old password was compared before the change and the session is opened after it."""
    north, user = world.north, world.alice.user
    compared, changed = threading.Event(), threading.Event()
    unchanged: list[bool] = []

    def sign_in() -> None:
        with north.scope():
            compared.set()
            changed.wait(10)
            unchanged.append(_unchanged(user) is not None)

    def change() -> None:
        compared.wait(10)
        with north.scope():
            services.user_update(user_id=user.id, password="another password", at=now())
        changed.set()

    assert _in_threads(sign_in, change) == []
    assert unchanged == [False]


@pytest.mark.django_db(transaction=True)
def test_a_new_password_waits_for_a_sign_in_and_ends_its_session(world: World) -> None:
    north, user = world.north, world.alice.user
    held = threading.Event()

    def sign_in() -> None:
        with north.scope():
            assert _unchanged(user)
            held.set()
            threading.Event().wait(0.3)
            services.session_open(user=user, at=now())

    def change() -> None:
        held.wait(10)
        with north.scope():
            services.user_update(user_id=user.id, password="another password", at=now())

    assert _in_threads(sign_in, change) == []
    with north.scope():
        assert [session.revoked_at is None for session in ApiSession.objects.all()] == [False]
