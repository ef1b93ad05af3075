"""What staff see of masters: R199, R200, R202, R205 to R207, D22."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from copytrade.models import CopyMaster, VolumeMode
from marketplace.models import MasterStats
from tests.support.api import Api
from tests.support.copy_house import CopyHouse, copy_house, join
from tests.support.world import World

COLUMNS = [
    "id", "login", "strategy_name", "customer", "status", "visibility", "followers", "max_followers", "aum", "pnl",
    "win_rate", "max_drawdown", "risk_score", "sharp_ratio",
]  # fmt: skip


@pytest.fixture
def house(world: World) -> CopyHouse:
    return copy_house(world.north)


def staff(world: World, who: str = "manager") -> Api:
    return Api(token=getattr(world.north, who).token)


def master_of(house: CopyHouse) -> CopyMaster:
    with house.place.scope():
        return CopyMaster.objects.get(account=house.leader)


def test_r199_r200_the_list_of_masters(world: World):
    assert staff(world).get("/manage/masters").json == {"structure": COLUMNS, "rows": [], "count": 0}
    house = copy_house(world.north, followers=2)
    master = master_of(house)
    with house.place.scope():
        CopyMaster.objects.update(visibility="private", status="PENDING")
        MasterStats.objects.filter(master=master, period="ALL").update(pnl=D("12.5"), win_rate=D("0.5"))
        MasterStats.objects.filter(master=master, period="7D").update(pnl=D("-3"))
    for who in ("admin", "manager", "dealer", "crm"):
        (row,) = staff(world, who).get("/manage/masters").rows()
        assert (row["id"], row["customer"]) == (master.pk, world.north.person("alice").email)
        assert (row["status"], row["visibility"], row["followers"]) == ("PENDING", "private", 2)
        assert (row["pnl"], row["win_rate"], row["risk_score"]) == (D("12.5"), D("0.5"), None)
    (week,) = staff(world).get("/manage/masters", period="7D").rows()
    assert week["pnl"] == -3
    for condition, count in (
        (["pnl", ">", 12], 1),
        (["pnl", ">", 13], 0),
        (["customer", "like", "alice%"], 1),
        (["customer", "like", "bob%"], 0),
        (["status", "=", "PENDING"], 1),
        (["roi", ">", 0], 0),
    ):
        assert staff(world).get("/manage/masters", where=[condition])["count"] == count, condition
    for caller in (world.north.person("alice"), world.north.person("bob")):
        refused = Api(token=caller.token).get("/manage/masters")
        assert (refused.status, refused.error) == (403, "PERMISSION_DENIED")
    assert Api(token=world.south.manager.token).get("/manage/masters")["count"] == 0


def test_r202_r203_one_master_with_what_a_decision_needs(house: CopyHouse, world: World):
    master = master_of(house)
    path = f"/manage/masters/{master.pk}"
    assert staff(world).put(f"{path}/status", {"status": "PAUSED", "reason": "too wild"}).status == 200
    alice = world.north.person("alice")
    second = world.north.account(alice, world.north.real)
    terms = {"reward_type": 0, "fee_amount": 1}
    other = Api(token=alice.token).post(
        "/copytrade/master", {"login": second.login, "strategy_name": "Second", "reward_policy": terms}
    )
    with house.place.scope():
        MasterStats.objects.filter(master=master, period="ALL").update(sharp_ratio=D("1.25"), risk_score=3)
    answer = staff(world, "crm").get(path)
    assert answer.status == 200, answer.text
    assert (answer["login"], answer["customer"], answer["status"]) == (house.leader.login, alice.email, "PAUSED")
    assert (answer["stats"]["period"], answer["stats"]["sharp_ratio"], answer["stats"]["risk_score"]) == (
        "ALL",
        D("1.25"),
        3,
    )
    # What a decision needs: the curve, the months and the symbols, as the owner reads them.
    owners = Api(token=alice.token).get("/copytrade/master/stats", login=house.leader.login, period="ALL").json
    assert set(answer["stats"]) == set(owners) >= {"equity_history", "monthly_returns", "max_drawdown"}
    assert answer["stats"]["equity_history"]
    assert answer["qualification"]["closed_trades"] == 0
    assert answer["qualification"]["equity"] == 100_000
    latest = answer["changes"][0]
    assert (latest["kind"], latest["reason"], latest["by"]) == ("STATUS", "too wild", world.north.manager.email)
    assert (latest["before"], latest["after"]) == ('{"status": "ACTIVE"}', '{"status": "PAUSED"}')
    assert [profile["id"] for profile in answer["others"]] == [other["id"]]
    assert staff(world).get(path, period="7D")["stats"]["period"] == "7D"
    for who, address, status in (
        (world.north.manager, "/manage/masters/987654321", 404),
        (world.south.manager, path, 404),
        (alice, path, 403),
    ):
        assert Api(token=who.token).get(address).status == status
    # An ended one can still be looked at.
    assert Api(token=alice.token).delete(f"/copytrade/master/{master.pk}").status == 200
    ended = staff(world).get(path)
    assert (ended.status, ended["ended_time"] > 0, ended["changes"][0]["kind"]) == (200, True, "ENDED")


def rows(house: CopyHouse, world: World, **query: Any) -> list[dict[str, Any]]:
    answer = staff(world, "crm").get(f"/manage/masters/{master_of(house).pk}/followers", **query)
    assert answer.status == 200, answer.text
    return answer.rows()


def test_r205_r206_copy_mode_ratio_and_copied_result_by_follower(house: CopyHouse, world: World):
    join(house, 1, house.followers[0].group, volume_mode=VolumeMode.FIXED, fixed_volume=D("0.2"))
    join(house, 1, house.followers[0].group, volume_mode=VolumeMode.EQUITY_RATIO, risk_multiplier=D("1.5"))
    trade = house.open(house.leader, "1")
    house.drain()
    house.quote("EURUSD", "1.1012", "1.1014")
    house.close(house.leader, trade, "0.5")
    house.drain()
    found = {row["follower_login"]: row for row in rows(house, world)}
    first, fixed, ratio = (found[account.login] for account in house.followers)
    assert (first["copy_mode"], first["ratio"]) == ("Proportional", 1)
    assert (fixed["copy_mode"], fixed["ratio"]) == ("Fixed", D("0.2"))
    assert (ratio["copy_mode"], ratio["ratio"]) == ("Proportional", D("1.5"))
    assert first["customer"] == world.north.person("bob").email
    # Half of it was closed ten points higher, half is still open at the same price.
    assert (first["copied_pnl"], first["open_pnl"], first["copied_trades"]) == (100, 50, 1)
    assert (fixed["copied_pnl"], fixed["open_pnl"]) == (20, 10)
    for condition, count in (
        (["copy_mode", "=", "Fixed"], 1),
        (["copy_mode", "=", "Proportional"], 2),
        (["ratio", ">", 1], 1),
        (["follower_login", "=", house.followers[1].login], 1),
    ):
        assert len(rows(house, world, where=[condition])) == count
    for name in ("equity", "exposure", "leverage", "warning", "copied_pnl", "open_pnl"):
        refused = staff(world).get(f"/manage/masters/{master_of(house).pk}/followers", orderBy=[name, "asc"])
        assert (refused.status, refused.error) == (400, "INVALID_DATA")


@pytest.mark.parametrize(("threshold", "warning"), [("4.2", "CRITICAL"), ("5", "WARNING"), ("5.3", "")])
def test_r207_d22_who_carries_too_much_is_marked(house: CopyHouse, world: World, threshold: str, warning: str):
    answer = staff(world, "admin").put("/manage/product-configs", {"overleverage_threshold": threshold})
    assert answer.status == 200
    house.open(house.leader, "0.2")
    house.open(house.leader, "0.1", symbol="XAUUSD")
    house.open(house.followers[0], "0.5")
    house.drain()
    (row,) = rows(house, world)
    # 0.2 lots of EURUSD at 1.1 and 0.1 lots of gold at 2000; what was opened by hand weighs on the equity only.
    assert (row["exposure"], row["equity"]) == (42_000, 9_981)
    assert (row["leverage"], row["warning"]) == (D("4.208"), warning)


def test_a_follower_with_nothing_open_carries_nothing(house: CopyHouse, world: World):
    (row,) = rows(house, world)
    assert (row["exposure"], row["leverage"], row["warning"], row["copied_pnl"]) == (0, 0, "", 0)
    assert row["equity"] == 10_000


def test_the_same_queries_for_any_number(house: CopyHouse, world: World, django_assert_max_num_queries):
    counts = []
    path = f"/manage/masters/{master_of(house).pk}/followers"
    caller = staff(world)
    for address in ("/manage/masters", path):
        caller.get(address)
        for _number in range(2):
            with django_assert_max_num_queries(40) as seen:
                assert caller.get(address).status == 200
            counts.append((address, len(seen)))
            join(house, 1, house.followers[0].group)
            house.at += timedelta(seconds=1)
            house.open(house.leader, "0.1")
            house.drain()
    assert len(set(counts)) == 2


def test_x07_the_summary_counts_those_that_closed_and_failed_too(world: World):
    empty = staff(world, "crm").get("/manage/copy-summary").json
    assert (empty["masters"], empty["followers"], empty["aum"], empty["most_copied"]) == (0, 0, [], [])
    house = copy_house(world.north, followers=2)
    master = master_of(house)
    alice = world.north.person("alice")
    terms = {"reward_type": 0, "fee_amount": 1}
    body = {"strategy_name": "Second", "visibility": "public", "reward_policy": terms}
    second, third = (
        Api(token=alice.token).post("/copytrade/master", {**body, "login": world.north.account(alice, group).login})
        for group in (world.north.real, world.north.charging)
    )
    with house.place.scope():
        kept = MasterStats.objects.filter(period="ALL")
        kept.filter(master=master).update(pnl=100, roi=D("0.25"), aum=20_000)
        kept.filter(master_id=second["id"]).update(pnl=-40, roi=D("0.5"), max_drawdown=D("0.97"))
        kept.filter(master_id=third["id"]).update(pnl=-10, roi=None)
    assert Api(token=alice.token).delete(f"/copytrade/master/{third['id']}").status == 200
    told = staff(world, "crm").get("/manage/copy-summary")
    assert told.status == 200, told.text
    assert [told[name] for name in ("masters", "active", "pending", "closed", "failed")] == [3, 2, 0, 1, 1]
    assert [told[name] for name in ("profitable", "losing", "followers")] == [1, 2, 2]
    assert told["aum"] == [{"currency": "USD", "amount": 20_000}]
    assert told["pnl"] == [{"currency": "USD", "amount": 50}]
    assert [(best["id"], best["followers"]) for best in told["most_copied"]] == [(master.pk, 2)]
    assert [best["id"] for best in told["top_performers"]] == [second["id"], master.pk]
    refused = Api(token=alice.token).get("/manage/copy-summary")
    assert (refused.status, refused.error) == (403, "PERMISSION_DENIED")
