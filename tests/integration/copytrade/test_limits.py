"""D19, R210 to R212: the tenant's and the master's bounds at work, and the tenant's defaults."""

import json
from decimal import Decimal as D

import pytest
from django.utils.translation import override

from accounts.services import product_config_update
from copytrade import reasons
from copytrade.engine.commands import commands_drain
from copytrade.models import CopyMaster, CopySubscription, SubscriptionStatus
from copytrade.selectors import refusal_params
from copytrade.services.follower_stops import follower_stops_check
from copytrade.services.masters import master_update
from copytrade.services.subscriptions import subscription_end
from tests.support.copy_house import copy_house, join, subscribe
from tests.support.group_house import group_house


def tenant_sets(house, **values):
    with house.place.scope():
        product_config_update(**values)


def master_sets(house, **values):
    with house.place.scope():
        master_id = CopyMaster.objects.get(account=house.leader).pk
        master_update(master_id=master_id, settings=values, reward_policy=None, at=house.at)


def refusal(house, number=0):
    """The reason, and whose limit it was, of one follower's last copy order."""
    order = house.orders(number)[-1]
    return order.reason, refusal_params(order.params).get("whose")


def test_r210_the_tightest_number_of_open_trades_holds(world):
    house = copy_house(world.north, max_positions=3)
    join(house, 1, house.followers[0].group)
    tenant_sets(house, copy_bound_max_positions=2)
    for _ in range(3):
        house.open(house.leader, "0.1")
    house.drain()
    assert [len(house.held(number)) for number in (0, 1)] == [2, 2]
    assert refusal(house, 0) == refusal(house, 1) == ("MAX_POSITIONS", "TENANT")
    master_sets(house, bound_max_positions=1)
    house.open(house.leader, "0.1")
    house.drain()
    assert refusal(house) == ("MAX_POSITIONS", "MASTER")
    order = house.orders()[-1]
    with override("en"):
        told = reasons.detail(order.reason, refusal_params(order.params))
    assert told.endswith("(2, limit 1), set by the master.")
    house.prove(exact=True)


def test_r211_the_largest_minimum_equity_holds(world):
    house = copy_house(world.north, min_equity=D(9000))
    house.open(house.leader, "0.1")
    tenant_sets(house, copy_bound_min_equity=D(10_001))
    house.open(house.leader, "0.1")
    tenant_sets(house, copy_bound_min_equity=D(0))
    master_sets(house, bound_min_equity=D(20_000))
    house.drain()
    assert refusal(house) == ("MIN_EQUITY", "MASTER")
    assert len(house.held()) == 0, "settings are those at the decision"


def test_r212_the_smallest_slippage_tolerance_holds(world):
    house = copy_house(world.north, slippage_tolerance=D(50))
    tenant_sets(house, copy_bound_slippage_tolerance=D(10))
    house.open(house.leader, "0.1")
    house.wait(3)
    house.quote("EURUSD", "1.1002", "1.1004")
    house.drain()
    assert refusal(house) == ("SLIPPAGE_TOLERANCE", "TENANT")


def test_a_followers_own_limit_is_not_told_as_anothers(world):
    house = copy_house(world.north, max_positions=1)
    tenant_sets(house, copy_bound_max_positions=5)
    house.open(house.leader, "0.1")
    house.open(house.leader, "0.1")
    house.drain()
    assert refusal(house) == ("MAX_POSITIONS", None)


def test_bounds_of_the_tenant_hold_for_groups_too(world):
    house = group_house(world.north)
    tenant_sets(house, copy_bound_max_positions=1)
    house.open(house.leader, "0.1")
    house.open(house.leader, "0.1")
    house.drain()
    assert refusal(house) == ("MAX_POSITIONS", "TENANT")


@pytest.mark.parametrize("whose", ["MASTER", "TENANT"])
def test_a_stop_of_the_master_or_the_tenant_stops_entries(world, whose):
    house = copy_house(world.north)
    if whose == "TENANT":
        tenant_sets(house, copy_bound_max_loss=D(100))
    else:
        master_sets(house, bound_max_loss=D(100))
    house.open(house.leader, "1")
    house.drain()
    house.wait(1)
    house.quote("EURUSD", "1.0902", "1.0904")
    house.open(house.leader, "0.1")
    house.drain()
    assert refusal(house) == ("FOLLOWER_STOPPED", whose)
    assert json.loads(house.orders()[-1].params)["limit"] == "100"


def test_a_bound_of_the_tenant_closes_all_where_the_follower_asked_for_that(world):
    house = copy_house(world.north, stop_action=1)
    house.open(house.leader, "1")
    house.drain()
    tenant_sets(house, copy_bound_max_drawdown_percent=D(5))
    house.wait(1)
    house.quote("EURUSD", "1.0902", "1.0904")
    assert follower_stops_check(tenant_id=house.place.id, at=house.at) == 1
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)
    assert house.held() == []
    with house.place.scope():
        found = CopySubscription.objects.get(pk=house.subscriptions[0].pk)
    assert (found.status, found.pause_reason) == (SubscriptionStatus.PAUSED, "FOLLOWER_STOP")


def test_a_new_subscription_begins_with_the_tenants_defaults_where_it_names_nothing(world):
    house = copy_house(world.north, followers=1, max_positions=7)
    tenant_sets(house, copy_default_max_positions=4, copy_default_min_equity=D(100), copy_default_max_loss=D(500))
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, at=house.at)
    made = subscribe(house, house.leader, house.followers[0], min_equity=D(0))
    assert (made.max_positions, made.min_equity, made.max_loss) == (4, 0, 500)
