"""`demo_seed` and `demo_logins`: once."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Tenant, TradingAccount
from config.demo.remains import tenant_take_away, unfinished
from infra.tenancy import tenant_scope
from tests.support.demo import Demo

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo_on(settings: Any) -> None:
    settings.DEMO = True


def test_logins_are_told(past: Demo, demo_on: None) -> None:
    text = StringIO()
    call_command("demo_logins", stdout=text)
    for who in ("owner@demo.example", "leader@demo.example", "follower@demo.example", "follower@other.example"):
        assert who in text.getvalue()
    assert "copytrade-demo" in text.getvalue()
    assert "/app/sign-in?tenant=other" in text.getvalue()
    with tenant_scope(past.demo):
        login = TradingAccount.objects.order_by("login").values_list("login", flat=True)[0]
    assert f"{login} (leader)" in text.getvalue()


def test_a_finished_demo_is_left_alone(past: Demo, demo_on: None) -> None:
    text = StringIO()
    call_command("demo_seed", "--if-empty", stdout=text)
    assert text.getvalue() == ""
    with pytest.raises(CommandError, match="already"):
        call_command("demo_seed")


def test_a_tenant_that_is_live_is_never_taken_away(past: Demo) -> None:
    assert unfinished(["demo", "other"]) == []
    with pytest.raises(ValueError, match="is live"):
        tenant_take_away(Tenant.objects.get(pk=past.other))
