"""A demo that was never made, or not to its end."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import LoginDirectory, Tenant, TradingAccount
from config.demo.cast import OTHER
from config.demo.past import past_make
from config.demo.remains import tenant_take_away, unfinished
from copytrade.models import InboxHead
from infra.tenancy import tenant_scope
from tests.support.demo import END
from tests.support.world import World

pytestmark = pytest.mark.django_db


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.mark.parametrize("command", ["demo_seed", "demo_logins"])
def test_both_refuse_outside_a_demo(settings: Any, command: str) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="COPYTRADE_DEMO"):
        call_command(command)
    assert not Tenant.objects.exists()


def test_an_interrupted_demo_is_taken_away_whole(world: World) -> None:
    theirs = world.charlie.account
    left = _interrupted()
    with tenant_scope(left.pk):
        assert TradingAccount.objects.exists()
    assert unfinished(["demo", "other"]) == [left]
    tenant_take_away(left)
    assert not Tenant.objects.filter(pk=left.pk).exists()
    with tenant_scope(left.pk):
        assert not TradingAccount.objects.exists()
    assert not LoginDirectory.objects.filter(tenant_id=left.pk).exists()
    assert not InboxHead.objects.filter(tenant_id=left.pk).exists()
    with world.south.scope():
        assert TradingAccount.objects.filter(pk=theirs.pk).exists()


def _interrupted() -> Tenant:
    def tell(percent: int) -> None:
        if percent >= 50:
            raise Stopped

    with pytest.raises(Stopped):
        past_make(end=END, tell=tell, houses=[OTHER], length=timedelta(hours=3))
    return Tenant.objects.get(slug="other")
