"""A closed trade is in its master's figures by itself, and in nobody else's: real processes, real clocks."""

from typing import Any

import pytest
from django.db import connection

from copytrade.models import CopyMaster
from core import clock
from marketplace.models import StatsChange, StatsCursor
from tests.functional.test_copy_story import INSTRUMENT, customer, quotes, staff_of
from tests.support.processes import wait_until
from tests.support.terminal import Outsider
from tests.support.world import Place
from trading.services.day_end import days_catch_up

TERMS = {"reward_type": 3, "fee_percent": 10}
PATIENCE = 60.0


def written(tenant: Place, login: int) -> set[tuple[Any, ...]]:
    """The versions of a master's rows: another one whenever somebody has written one, even with what it held before."""
    with tenant.scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.xmin::text, s.period, s.trades FROM marketplace_masterstats s"
            " JOIN copytrade_copymaster m ON m.id = s.master_id JOIN accounts_tradingaccount a ON a.id = m.account_id"
            " WHERE a.login = %s",
            [login],
        )
        return set(cursor.fetchall())


def up_to_date(tenant: Place) -> bool:
    """Whether the figures of every master know all that happened and the day that has ended."""
    with tenant.scope():
        seen = StatsCursor.objects.filter(event_seq__gte=0, day__isnull=False).values_list("account_id", flat=True)
        everybody = set(CopyMaster.objects.values_list("account_id", flat=True))
        return everybody == set(seen) and not StatsChange.objects.exists()


def trades_of(who: Outsider, login: int) -> int:
    return int(who.get("/copytrade/master/stats", login=login, period="ALL")["trades"])


@pytest.mark.slow
def test_d26_a_closed_trade_is_in_its_masters_figures_and_in_nobody_elses(product, tenants, outside_of):
    north, _south = tenants
    outside = outside_of(product)
    staff = staff_of(outside, north)
    staff.made("/manage/account-groups", name="Standard", account_mode="REAL")
    staff.made("/manage/instruments", **INSTRUMENT)
    quotes(staff, "1.10000", "1.10020")
    logins = []
    for name in ("alice", "bob", "dora"):
        owner, login = customer(staff, north, name, "Standard", 10_000)
        owner.made("/copytrade/master", login=login, strategy_name=name, visibility="public", reward_policy=TERMS)
        logins.append((owner, login))
    # The days that are over have ended before anything is watched: the end of a day does concern everybody.
    days_catch_up(tenant_id=north.id, at=clock.now())
    product.default_worker()
    product.beat()
    wait_until(lambda: up_to_date(north), PATIENCE, "the first figures of all masters")
    (alice, leader), (_bob, second), (_dora, third) = logins
    others = {login: written(north, login) for login in (second, third)}
    assert all(len(rows) == 5 for rows in others.values())

    for number in (1, 2, 3):
        order = alice.made("/trade/open", login=leader, cmd=0, volume=10, symbol="EURUSD")["order"]
        assert alice.delete("/trade/close", {"order": order}).status == 200
        wait_until(lambda: trades_of(alice, leader) == number, PATIENCE, f"trade {number} in the figures")  # noqa: B023

    rows = alice.get("/copytrade/masters", period="ALL")["rows"]
    (found,) = [row["stats"] for row in rows if row["login"] == leader]
    # Each lost the spread: 0.0002 x 100,000 x 0.10 lots.
    assert (found["trades"], found["pnl"]) == (3, -6)
    # Nobody has touched the others, not even to write the same again.
    assert {login: written(north, login) for login in (second, third)} == others
    assert {trades_of(alice, login) for login in (second, third)} == {0}
