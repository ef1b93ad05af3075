"""A demo with a short past, made once for each module."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import Tenant
from config.demo.past import past_make
from ledger.selectors import house_accounts_forget
from tests.support.database import empty_all_tables
from tests.support.demo import END, LENGTH, Demo


@pytest.fixture(scope="module")
def past(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Demo]:
    """Both houses with a past of one day, committed; the module's tests roll back what they change."""
    told: list[int] = []
    with django_db_blocker.unblock():
        past_make(end=END, tell=told.append, length=LENGTH)
        ids = dict(Tenant.objects.values_list("slug", "pk"))
    yield Demo(ids["demo"], ids["other"], told)
    with django_db_blocker.unblock():
        empty_all_tables()
        house_accounts_forget()
