"""R078 to R126: what a terminal sets by REST, and what the follower's account then shows by REST."""

from decimal import Decimal as D
from typing import Any

import pytest

from copytrade.engine.commands import commands_drain
from core.clock import now
from tests.functional.copy_api import CopyStory, new_login, refusal, told
from tests.support.api import Api
from tests.support.world import PASSWORD, World


def test_r078_a_terminal_does_everything_by_rest(world: World):
    story = CopyStory(world, subscribed=False)
    signed_in = Api(host=world.north.domain).post(
        "/customer/auth/login", {"email": world.bob.email, "password": PASSWORD}
    )
    story.bob = Api(token=signed_in["__token"])
    offered = story.bob.get("/copytrade/masters")["rows"]
    assert [(row["login"], row["own"]) for row in offered] == [(story.leader, 0)]
    story.subscription = told(story.subscribe(risk_multiplier="0.5"))
    trade = story.open(100)
    story.drain()
    assert [ticket["volume"] for ticket in story.held()] == [50]
    (position,) = story.bob.get("/copytrade/positions").rows()
    assert (position["leader_login"], position["symbol"], position["volume"]) == (story.leader, "EURUSD", 50)
    (link,) = story.bob.get("/copytrade/trade-links").rows()
    assert (link["master_order"], link["follower_order"], link["state"]) == (trade, position["order"], 0)
    my = story.bob.get("/copytrade/my")
    assert [record["id"] for record in my["subscriptions"]] == [story.subscription["id"]]
    story.close(trade)
    story.drain()
    assert story.held() == []
    assert len(story.bob.get("/copytrade/copied-trades").rows()) == 1
    ended = story.bob.delete(f"/copytrade/subscription/{story.subscription['id']}")
    assert ended.json == {"deleted": True}


def test_r079_r080_r081_r082_profiles_stand_on_normal_accounts_and_are_linked(world: World):
    story = CopyStory(world)
    assert (story.master["login"], story.profile["login"]) == (story.leader, story.follower)
    linked = (story.subscription["master_login"], story.subscription["follower_login"])
    assert linked == (story.leader, story.follower)
    for caller, login in ((story.alice, story.leader), (story.bob, story.follower)):
        assert caller.get(f"/accounts/{login}")["account_mode"] == "REAL"
        listed = caller.get("/customer/me")["accounts"]
        assert [(known["login"], known["enable"]) for known in listed] == [(login, 1)]
    # Both go on trading by hand like any account.
    story.open(10, by="follower", symbol="XAUUSD")
    story.open(10, symbol="XAUUSD")
    assert [ticket["reason"] for ticket in story.held()] == [0]


def test_r093_identity_comes_from_the_session_and_never_from_the_body(world: World):
    story = CopyStory(world)
    second = new_login(world.bob, world.north.real)
    body = {"login": second, "customer_id": world.alice.id}
    made = told(story.bob.post("/copytrade/follower", body))
    assert [profile["login"] for profile in story.bob.get("/copytrade/my")["followers"]] == [second, story.follower]
    assert story.alice.get("/copytrade/my")["followers"] == []
    path = f"/copytrade/follower/{made['id']}"
    assert refusal(story.alice.put(path, {"customer_id": world.bob.id, "enabled": 0})) == (403, "PERMISSION_DENIED")
    mine = {**body, "login": story.leader, "customer_id": world.alice.id}
    assert refusal(story.bob.post("/copytrade/follower", mine)) == (403, "INVALID_ACCOUNT")


@pytest.mark.parametrize(
    ("mode", "copied", "free"),
    [
        (0, (403, "MANUAL_TRADING_DISABLED"), (403, "MANUAL_TRADING_DISABLED")),
        (1, (403, "COPIED_POSITION_PROTECTED"), (200, "")),
        (2, (200, ""), (200, "")),
    ],
)
def test_r102_r126_manual_trading_mode(world: World, mode: int, copied: Any, free: Any):
    story = CopyStory(world, follower_settings={"manual_trading_mode": 2})
    by_hand = story.open(10, by="follower", symbol="XAUUSD")
    story.open(100)
    story.drain()
    (ticket,) = (ticket for ticket in story.held() if ticket["order"] != by_hand)
    path = f"/copytrade/follower/{story.profile['id']}"
    assert told(story.bob.put(path, {"manual_trading_mode": mode}))["manual_trading_mode"] == mode
    assert refusal(story.bob.delete("/trade/close", {"order": ticket["order"], "volume": 10})) == copied
    assert refusal(story.bob.delete("/trade/close", {"order": by_hand})) == free


@pytest.mark.parametrize(("status", "entry"), [(0, "FILLED"), (1, "SUBSCRIPTION_PAUSED"), (2, "SUBSCRIPTION_PAUSED")])
def test_r103_a_subscription_that_rests_takes_no_entries_and_all_exits(world: World, status: int, entry: str):
    story = CopyStory(world)
    trade = story.open(100)
    story.drain()
    assert story.change(status=status)["status"] == status
    story.open(10)
    story.close(trade)
    story.drain()
    assert [outcome for _action, outcome, _volume in story.copies()] == ["FILLED", entry, "FILLED"]


@pytest.mark.parametrize(
    ("mode", "outcomes", "held"),
    [
        (0, [("OPEN", "FILLED"), ("REDUCE", "FILLED"), ("CLOSE", "FILLED")], []),
        (1, [("OPEN", "FILLED"), ("REDUCE", "COPY_MODE"), ("CLOSE", "COPY_MODE")], [100]),
        (2, [("OPEN", "COPY_MODE")], []),
    ],
)
def test_r104_r122_full_open_only_and_close_only(world: World, mode: int, outcomes: Any, held: list[int]):
    story = CopyStory(world, {"copy_mode": mode})
    trade = story.open(100)
    story.drain()
    for part in (40, None):
        story.close(trade, part)
        story.drain()
    assert [(action, outcome) for action, outcome, _volume in story.copies()] == outcomes
    assert [ticket["volume"] for ticket in story.held()] == held


@pytest.mark.parametrize(
    ("settings", "volume"),
    [
        ({"volume_mode": 0, "fixed_volume": 7}, 7),
        ({"volume_mode": 1, "risk_multiplier": "1.5"}, 75),
        ({"volume_mode": 2}, 25),
        ({"volume_mode": 3, "risk_multiplier": 2}, 50),
    ],
)
def test_r105_r114_volume_modes(world: World, settings: dict[str, Any], volume: int):
    story = CopyStory(world, settings)
    world.north.deposit(world.alice.account, 10_000)  # twice what the follower has
    story.open(50)
    story.drain()
    assert story.copies() == [("OPEN", "FILLED", volume)]


@pytest.mark.parametrize(
    ("settings", "outcomes"),
    [
        ({"symbols_mode": 0}, ["FILLED", "FILLED"]),
        ({"symbols_mode": 1, "symbols": "xau*"}, ["SYMBOL_FILTERED", "FILLED"]),
        ({"symbols_mode": 2, "symbols": "XAUUSD, GBPUSD"}, ["FILLED", "SYMBOL_FILTERED"]),
    ],
)
def test_r106_r116_symbols_included_or_excluded(world: World, settings: dict[str, Any], outcomes: list[str]):
    story = CopyStory(world, settings)
    story.open(10)
    story.open(10, symbol="XAUUSD")
    story.drain()
    assert [outcome for _action, outcome, _volume in story.copies()] == outcomes


def test_r109_r110_r111_the_server_copies_through_the_ordinary_path(world: World):
    story = CopyStory(world)
    story.open(100)
    story.drain()
    # The client has sent nothing; the ticket is one like any other and says where it came from.
    (ticket,) = story.held()
    assert (ticket["reason"], ticket["volume"], ticket["state"]) == (3, 100, 0)
    by_hand = story.open(10, by="follower")
    assert set(story.held()[1]) == set(ticket)
    assert told(story.bob.delete("/trade/close", {"order": by_hand}))["accepted"] is True
    # A copied ticket obeys the house like any other.
    refused = story.bob.put("/trade/modify/open", {"order": ticket["order"], "sl": "2"})
    assert refusal(refused) == (403, "RET_TRADE_BAD_STOPS")
    assert told(story.bob.put("/trade/modify/open", {"order": ticket["order"], "sl": "1.05"}))["accepted"] is True


def test_r112_r113_opens_and_closes_and_parts_in_proportion(world: World):
    story = CopyStory(world, {"risk_multiplier": "0.5"})
    trade = story.open(100)
    story.drain()
    story.close(trade, 30)
    story.drain()
    assert [ticket["volume"] for ticket in story.held()] == [35]
    story.close(trade)
    story.drain()
    assert story.copies() == [("OPEN", "FILLED", 50), ("REDUCE", "FILLED", 15), ("CLOSE", "FILLED", 35)]
    assert story.held() == []


@pytest.mark.parametrize(
    ("settings", "outcomes"),
    [
        ({"max_volume": 30}, [("OPEN", "FILLED", 30), ("OPEN", "FILLED", 10)]),
        ({"min_volume": 20}, [("OPEN", "FILLED", 100), ("OPEN", "BELOW_MIN_VOLUME", 0)]),
        ({"max_positions": 1}, [("OPEN", "FILLED", 100), ("OPEN", "MAX_POSITIONS", 0)]),
    ],
)
def test_r115_limits_of_volume_and_positions(world: World, settings: dict[str, Any], outcomes: Any):
    story = CopyStory(world, settings)
    story.open(100)
    story.open(10)
    story.drain()
    assert story.copies() == outcomes


@pytest.mark.parametrize(
    ("settings", "first", "then"),
    [
        ({}, ("1.05", "1.15"), ("1.06", "1.16")),
        ({"copy_sl": 0}, ("0", "1.15"), ("0", "1.16")),
        ({"copy_sl": 0, "copy_tp": 0}, ("0", "0"), ("0", "0")),
        ({"reverse_direction": 1}, ("1.15", "1.05"), ("1.16", "1.06")),
    ],
)
def test_r117_r118_r124_stops_at_the_entry_and_when_changed(world: World, settings: Any, first: Any, then: Any):
    story = CopyStory(world, settings)
    trade = story.open(100, sl="1.05", tp="1.15")
    story.drain()

    def stops() -> tuple[Any, Any]:
        (ticket,) = story.held()
        assert ticket["cmd"] == (1 if settings.get("reverse_direction") else 0)
        return ticket["sl"], ticket["tp"]

    assert stops() == tuple(map(D, first))
    told(story.alice.put("/trade/modify/open", {"order": trade, "sl": "1.06", "tp": "1.16"}))
    story.drain()
    assert stops() == tuple(map(D, then))


@pytest.mark.parametrize("way", ["create", "update"])
def test_r119_existing_positions_are_copied_when_the_request_says_so(world: World, way: str):
    story = CopyStory(world, subscribed=False)
    story.open(100)
    wanted = {"copy_existing_positions": 1}
    story.subscription = told(story.subscribe(**(wanted if way == "create" else {})))
    story.drain()
    assert story.held() == []
    if way == "update":
        story.change(**wanted)
    leader = world.alice.account
    commands_drain(tenant_id=world.north.id, leader_id=leader.pk, clock=now)
    assert [ticket["volume"] for ticket in story.held()] == [100]


def test_r123_pending_orders_are_copied(world: World):
    story = CopyStory(world, {"copy_pending_orders": 1})
    body = {"login": story.leader, "cmd": 2, "volume": 50, "symbol": "EURUSD", "open_price": "1.0900"}
    order = told(story.alice.post("/trade/open/pending", body))["order"]
    story.drain()
    (resting,) = story.trades(3)
    assert (resting["cmd"], resting["volume"], resting["open_price"]) == (2, 50, D("1.09"))
    told(story.alice.delete("/trade/cancel", {"order": order}))
    story.drain()
    assert story.trades(3) == []
