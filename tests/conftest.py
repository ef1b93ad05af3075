"""Fixtures that all tests share. See `tests/support` for what they are made of.

`db` tests run in one transaction that is rolled back; `transactional_db` tests commit, and leave empty tables behind.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from accounts import directory
from tests.support.api import Api, token_of
from tests.support.database import connecting_as_owner, empty_all_tables, end_other_connections
from tests.support.proof import proved_wrong
from tests.support.world import World

# How quick examples are made says something about the machine, nothing about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """A database for this process, made and dropped by the owner; tests connect as the application's role."""
    with django_db_blocker.unblock(), connecting_as_owner():
        # nothing is serialised: that would read every table without a tenant
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    with pytest.MonkeyPatch.context() as patch:
        # Django's own way is TRUNCATE as the connected role, which may not.
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_all_tables)
        yield
    with django_db_blocker.unblock(), connecting_as_owner():
        end_other_connections()
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """What a process keeps for a few seconds would outlive a test's tenants."""
    directory.forget()


@pytest.fixture
def world(db: None) -> World:
    """The cast, see `tests.support.world`. With `transactional_db` (also as a marker) it is committed."""
    return World()


@pytest.fixture
def api() -> Callable[..., Api]:
    """`api(alice).get("/customer/me")`, `api().post("/customer/auth/login", {...})`, `api(host="north.example")`.

    Takes a token or anything that has one. Every test has a network address of its own, because failures are counted.
    """
    octets = [str(secrets.randbelow(254) + 1) for _octet in range(3)]
    address = ".".join(["10", *octets])

    def caller(who: Any = "", **options: Any) -> Api:
        return Api(token=token_of(who), **{"address": address, **options})

    return caller


@pytest.fixture(autouse=True)
def books_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that commits, ledger, trades and copies are proved before its rows are taken away."""
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction"))
    if not commits or request.node.get_closest_marker("spoils_the_books"):
        yield
        return
    # asked for here, so that it is taken down after this fixture
    request.getfixturevalue("transactional_db")
    yield
    assert proved_wrong() == []
