"""The demo's present: leaders trade by themselves, and nothing they do can stop the market."""

import logging
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import TradingAccount
from config.demo.live import TICKETS_MOST, DemoTrading
from copytrade.engine.drain import leader_drain
from copytrade.engine.sweep import waiting_leaders
from copytrade.models import CopyOrder
from core.states import Origin, TradeState
from infra.database import as_owner
from infra.tenancy import tenant_scope
from tests.support.demo import END, Demo
from tests.support.world import World
from trading.feed.market import SimulatedMarket
from trading.models import AccountEvent, Trade

pytestmark = pytest.mark.django_db

STEP = timedelta(seconds=1)


def _run(tenant_id: int, seconds: int) -> None:
    market, trading = SimulatedMarket(), DemoTrading()
    for number in range(1, seconds + 1):
        at = END + number * STEP
        market.step(at)
        trading(tenant_id, at)


def test_every_few_seconds_somebody_trades_and_is_copied(past: Demo) -> None:
    _run(past.demo, 120)
    with tenant_scope(past.demo):
        new = AccountEvent.objects.filter(at__gt=END, origin=Origin.MANUAL)
        instants = list(new.order_by("id").values_list("at", flat=True))
        kinds = Counter(new.values_list("kind", flat=True))
    assert 18 <= len(instants) <= 40
    assert instants[0] <= END + timedelta(seconds=2)
    entries = kinds["OPEN"] + kinds["INCREASE"]
    assert 0.25 * len(instants) < entries < 0.75 * len(instants)
    leaders = waiting_leaders()
    assert leaders
    for tenant_id, leader_id in leaders:
        leader_drain(tenant_id=tenant_id, leader_id=leader_id, clock=lambda: END + timedelta(seconds=120))
    with tenant_scope(past.demo):
        copied = CopyOrder.objects.filter(event_at__gt=END, status="FILLED")
        assert copied.filter(follower__customer__email="follower@demo.example").exists()


def test_open_tickets_stay_few_and_the_first_account_is_left_alone(past: Demo) -> None:
    _run(past.demo, 100)
    with tenant_scope(past.demo):
        first = TradingAccount.objects.filter(customer__email="leader@demo.example").order_by("pk")[0]
        assert not AccountEvent.objects.filter(account=first, at__gt=END).exists()
        held = Counter(
            Trade.objects.filter(state=TradeState.OPEN, copied=False).values_list("account__login", flat=True)
        )
        assert held
        assert max(held.values()) <= TICKETS_MOST


def test_the_same_instants_make_the_same_trades(past: Demo) -> None:
    seen = []
    for _run_again in range(2):
        with tenant_scope(past.other), connection.cursor() as cursor:
            cursor.execute("SAVEPOINT before_the_run")
            _run(past.other, 40)
            columns = ("account_id", "kind", "symbol", "side", "volume_before", "volume_after", "price", "at")
            seen.append(list(AccountEvent.objects.filter(at__gt=END).order_by("id").values_list(*columns)))
            cursor.execute("ROLLBACK TO SAVEPOINT before_the_run")
    assert seen[0] == seen[1] != []


def test_a_leader_that_lost_too_much_pays_in_again(past: Demo) -> None:
    with as_owner(), tenant_scope(past.other), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_tradingaccount SET balance = 1000 WHERE tenant_id = %s", [past.other])
    trading = DemoTrading()
    trading(past.other, END + STEP)
    trading(past.other, END + 2 * STEP)
    with tenant_scope(past.other):
        event = AccountEvent.objects.get(at__gt=END)
        assert (event.kind, event.account.customer.email) == ("BALANCE", "pavel@other.example")


def test_other_tenants_are_left_alone(past: Demo, world: World) -> None:
    world.north.market()
    login = world.alice.login
    _run(world.north.id, 20)
    with world.north.scope():
        assert not AccountEvent.objects.filter(account__login=login, origin=Origin.MANUAL).exists()


def test_a_failure_is_logged_and_the_market_goes_on(past: Demo, caplog: pytest.LogCaptureFixture) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_accountgroup RENAME TO elsewhere")
    trading = DemoTrading()
    with caplog.at_level(logging.ERROR):
        for number in range(1, 21):
            trading(past.demo, END + number * STEP)
    assert len([record for record in caplog.records if "rest after a failure" in record.message]) == 1
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO accounts_accountgroup")
    trading(past.demo, END + timedelta(minutes=1))
    with tenant_scope(past.demo):
        assert AccountEvent.objects.filter(at__gt=END).count() == 1
