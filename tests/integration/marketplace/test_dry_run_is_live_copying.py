"""A dry run against what live copying really did with the same settings, on the same events of the same master."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.copy_house import copy_house, join
from tests.support.dry_runs import dry, live, play
from tests.support.resting import cancel, place, sweep
from trading.models import DayEnd, Instrument, StorageCharge
from trading.selectors import account_picture
from trading.services.day_end import days_catch_up
from trading.services.triggers import triggers_sweep

D = Decimal
SETTINGS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "half": {"risk_multiplier": D("0.5")},
    "fixed": {"volume_mode": 0, "fixed_volume": D("0.07")},
    "by equity": {"volume_mode": 2},
    "by balance, large": {"volume_mode": 3, "risk_multiplier": D("400")},
    "reversed": {"reverse_direction": True, "copy_sl": False},
    "only gold": {"symbols_mode": 1, "symbols": "XAU*"},
    "without gold": {"symbols_mode": 2, "symbols": "xauusd"},
    "two at most": {"max_positions": 2},
    "small ones left out": {"min_volume": D("0.05"), "max_volume": D("0.08")},
    "whole closes only": {"copy_partial_close": False},
    "opens only": {"copy_mode": 1},
    "closes only": {"copy_mode": 2},
    "a floor": {"min_equity": D("9990")},
    "a stop": {"max_loss": D("30")},
    "switched off": {"enabled": False},
}


@pytest.mark.parametrize(
    ("name", "netting"), [*((name, False) for name in SETTINGS), ("as they are", True), ("reversed", True)]
)
def test_x05_a_dry_run_comes_to_what_live_copying_came_to(world, name, netting):
    settings = SETTINGS[name]
    house = copy_house(world.north, followers=0, leader_netting=False, follower_netting=netting, commission="3")
    group = world.north.netting if netting else world.north.charging
    twin = join(house, 1, group, **settings)[0]
    play(house, seed=len(name))
    untouched = world.north.account(world.bob, group, balance=10_000)

    copied, skipped = live(house)
    made = dry(house, untouched.login, settings)

    assert (made.copied, Counter(made.skipped)) == (copied, skipped)
    with world.north.scope():
        assert made.pnl == account_picture(twin.follower_id).equity - 10_000
    assert made.open_positions == len(house.tickets(house.followers[0]))
    assert made.curve[0].equity == 10_000
    assert made.trades == sum(1 for o in house.orders() if o.action in ("OPEN", "INCREASE"))


def test_x05_nights_are_charged_as_the_house_charged_them(world):
    """Days that the house ended bring storage; the curve has a point at each of their ends."""
    house = copy_house(world.north, followers=0)
    with world.north.scope():
        Instrument.objects.update(swap_long=D("-7"), swap_short=D("3"))
    twin = join(house, 1, world.north.real)[0]
    play(house, seed=3, every=lambda: days_catch_up(tenant_id=world.north.id, at=house.at), longest=50_000)
    with world.north.scope():
        assert StorageCharge.objects.filter(account=twin.follower).count() > 3
        ends = list(DayEnd.objects.order_by("day").values_list("boundary_at", flat=True))
        start = house.at - timedelta(days=30)
    untouched = world.north.account(world.bob, world.north.real, balance=10_000)
    made = dry(house, untouched.login, {}, days=30)
    with world.north.scope():
        assert made.pnl == account_picture(twin.follower_id).equity - 10_000
        assert made.pnl != 0
    points = [point.time for point in made.curve]
    assert points[0] == start
    assert points[-1] == house.at
    assert set(ends) <= set(points)
    assert len(points) == 32


def test_x05_stops_of_the_copies_are_carried_out_by_the_house(world):
    """The leader's stop is hit: the copy's own stop closes it at the same quote, as it did live."""
    house = copy_house(world.north, followers=0)
    twin = join(house, 1, world.north.real)[0]
    for sl, tp in (("1.0990", "0"), ("0", "1.1050")):
        house.wait(60)
        house.open(house.leader, "0.5", sl=D(sl), tp=D(tp))
        house.drain()
        house.wait(60)
        house.quote("EURUSD", "1.0985" if sl != "0" else "1.1052", "1.0987" if sl != "0" else "1.1054")
        triggers_sweep(tenant_id=world.north.id, at=house.at)
        house.drain()
        house.wait(60)
        house.quote("EURUSD", "1.1000", "1.1002")
    untouched = world.north.account(world.bob, world.north.real, balance=10_000)
    made = dry(house, untouched.login, {})
    assert (made.copied, Counter(made.skipped)) == live(house) == (2, Counter(ALREADY_FLAT=2))
    with world.north.scope():
        assert made.pnl == account_picture(twin.follower_id).equity - 10_000


def test_x05_copies_of_pending_orders(world):
    house = copy_house(world.north, followers=0)
    join(house, 1, world.north.real, copy_pending_orders=True)
    first, _second = place(house, house.leader, "1.0950"), place(house, house.leader, "1.0900")
    house.drain()
    house.wait(30)
    cancel(house, house.leader, _second)
    house.quote("EURUSD", "1.0945", "1.0947")
    sweep(house)
    house.drain()
    house.wait(30)
    house.quote("EURUSD", "1.0980", "1.0982")
    house.close(house.leader, first)
    house.drain()
    untouched = world.north.account(world.bob, world.north.real, balance=10_000)
    made = dry(house, untouched.login, {"copy_pending_orders": True})
    assert (made.copied, Counter(made.skipped)) == live(house) == (1, Counter())
    with world.north.scope():
        assert made.pnl == account_picture(house.followers[0].id).equity - 10_000
    without = dry(house, untouched.login, {})
    assert without.skipped == {"PENDING_NOT_COPIED": 2}
    assert (without.trades, without.copied) == (1, 1)


def test_x05_the_period_ends_where_it_is_asked_to(world):
    house = copy_house(world.north)
    play(house, seed=1, steps=8)
    house.wait(timedelta(days=5).total_seconds())
    made = dry(house, None, {}, days=3)
    assert (made.trades, made.copied, made.pnl) == (0, 0, 0)
    assert made.end - made.begin == timedelta(days=3)
