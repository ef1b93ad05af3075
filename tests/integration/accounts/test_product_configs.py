"""A tenant's settings: `/manage/product-configs`."""

from collections.abc import Callable
from decimal import Decimal as D

import pytest

from accounts.models import ProductConfig, Tenant
from tests.support.api import Api
from tests.support.world import World

ApiOf = Callable[..., Api]


def test_settings_are_changed_one_by_one(world: World, api: ApiOf) -> None:
    caller = api(world.owner)
    expected = {
        "copy_trading": 1,
        "bot_trading": 1,
        "master_approval": "AUTO",
        "master_min_account_days": 0,
        "master_min_closed_trades": 0,
        "master_min_equity": 0,
        "overleverage_threshold": 10,
        "reward_share_percent": 0,
    }
    assert caller.get("/manage/product-configs").json.items() >= expected.items()
    for name, value in {
        "copy_trading": 0,
        "bot_trading": False,
        "master_approval": "MANUAL",
        "master_min_account_days": 30,
        "master_min_closed_trades": 20,
        "master_min_equity": "1000.5",
        "overleverage_threshold": "7.5",
        "reward_share_percent": "12.5",
    }.items():
        expected[name] = D(value) if isinstance(value, str) and value[0].isdigit() else value
        assert caller.put("/manage/product-configs", {name: value}).json.items() >= expected.items()
    assert caller.get("/manage/product-configs").json.items() >= expected.items()
    for name, wrong in (
        ("copy_trading", 2),
        ("copy_trading", "1"),
        ("copy_trading", None),
        ("master_approval", "auto"),
        ("master_min_account_days", -1),
        ("master_min_closed_trades", 1.5),
        ("master_min_equity", -1),
        ("overleverage_threshold", 0),
        ("reward_share_percent", 91),
        ("reward_share_percent", -1),
    ):
        refused = caller.put("/manage/product-configs", {name: wrong})
        assert refused.error == "INVALID_DATA"
        assert name in refused["message"]
    assert caller.get("/manage/product-configs").json.items() >= expected.items()
    with world.south.scope():
        assert ProductConfig.objects.get().copy_trading is True


def test_the_limits_of_copying_are_set_one_by_one(world: World, api: ApiOf) -> None:
    caller = api(world.owner)
    changed = {"copy_default_max_positions": 5, "copy_bound_min_equity": 250.5, "copy_bound_max_loss_percent": 40}
    shown = caller.put("/manage/product-configs", changed).json
    assert {name: shown[name] for name in changed} == changed
    assert caller.get("/manage/product-configs").json == shown
    for wrong in (
        {"copy_bound_max_loss_percent": 101},
        {"copy_default_max_positions": 1.5},
        {"copy_bound_min_equity": -1},
    ):
        assert caller.put("/manage/product-configs", wrong).error == "INVALID_DATA"
    assert caller.get("/manage/product-configs").json == shown


def test_the_zone_and_the_hour_of_trading_days_are_set_and_hold_from_the_next_day(world: World, api: ApiOf) -> None:
    caller = api(world.owner)
    shown = caller.get("/manage/product-configs").json
    assert (shown["timezone"], shown["day_end"]) == ("America/New_York", "17:00")
    changed = caller.put("/manage/product-configs", {"timezone": "Europe/Athens", "day_end": "23:30"}).json
    assert changed == {**shown, "timezone": "Europe/Athens", "day_end": "23:30"}
    assert changed["day_ends_time"] == shown["day_ends_time"], "the running day ends as it would have"
    back = caller.put("/manage/product-configs", {"day_end": "17:00", "timezone": "America/New_York"}).json
    assert back == shown
    assert Tenant.objects.get(pk=world.south.id).timezone == "America/New_York"
    assert Tenant.objects.get(pk=world.north.id).former_days == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "../UTC"},
        {"timezone": ""},
        {"timezone": None},
        {"day_end": "24:00"},
        {"day_end": "5 pm"},
        {"day_end": 17},
        {"timezone": "Pacific/Kiritimati", "day_end": "00:00"},  # the next day would be over before the running one
    ],
)
def test_what_is_no_zone_or_hour_changes_nothing(world: World, api: ApiOf, wrong: dict[str, object]) -> None:
    caller = api(world.owner)
    shown = caller.get("/manage/product-configs").json
    assert caller.put("/manage/product-configs", {**wrong, "bot_trading": 0}).error == "INVALID_DATA"
    assert caller.get("/manage/product-configs").json == shown
