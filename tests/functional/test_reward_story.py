"""Rewards from outside, over HTTP and WebSocket only, against running processes: both sides hear of the money, find it
among their records, and can work it out again."""

from decimal import Decimal as D

import pytest

from tests.functional.test_copy_story import INSTRUMENT, customer, quotes, staff_of
from tests.support.processes import wait_until
from tests.support.terminal import Outsider, Terminal

PATIENCE = 60.0


def follow(owner: Outsider, leader: int, follower: Outsider, login: int, **terms: object) -> tuple[int, int]:
    """A public master with these terms, and who follows it; the ids of both."""
    profile = {"login": leader, "strategy_name": f"Of {leader}", "visibility": "public"}
    master = owner.made("/copytrade/master", **profile, reward_policy=terms)
    subscription = follower.made("/copytrade/subscription", master_login=leader, follower_login=login)
    return master["id"], subscription["id"]


@pytest.mark.slow
def test_r127_r128_r129_r121_both_sides_hear_of_rewards_and_work_them_out(product, tenants, outside_of):
    north, _south = tenants
    outside = outside_of(product)
    product.copy_worker()
    product.default_worker()
    product.beat()
    staff = staff_of(outside, north)
    staff.made("/manage/account-groups", name="Standard", account_mode="REAL")
    staff.made("/manage/instruments", **INSTRUMENT)
    quotes(staff, "1.10000", "1.10020")
    alice, leader = customer(staff, north, "alice", "Standard", 100_000)
    dora, second = customer(staff, north, "dora", "Standard", 100_000)
    bob, login = customer(staff, north, "bob", "Standard", 10_000)
    bob.made("/copytrade/follower", login=login, max_master_count=2)
    with Terminal(product.address, alice.token) as earning, Terminal(product.address, bob.token) as paying:
        for terminal in (earning, paying):
            terminal.send(event="subscribe", data=["@copy"])
        _master, shared = follow(alice, leader, bob, login, reward_type=3, fee_percent=10)
        order = alice.made("/trade/open", login=leader, cmd=0, volume=100, symbol="EURUSD")["order"]
        paying.news("copy.order", master_order=order, status="FILLED")
        quotes(staff, "1.10520", "1.10540")
        assert alice.delete("/trade/close", {"order": order}).status == 200
        told = paying.news("reward", state=2)["data"]
        assert (told["base_amount"], told["fee_amount"], told["currency"]) == (500, 50, "USD")
        assert earning.news("reward", id=told["id"], state=2)["data"] == told
        assert bob.rows("/copytrade/rewards") == alice.rows("/copytrade/rewards") == [told]
        assert dora.rows("/copytrade/rewards") == []
        assert (bob.get(f"/accounts/{login}")["balance"], alice.get(f"/accounts/{leader}")["balance"]) == (
            10450,
            100550,
        )

        for who, account, cmd, number in ((bob, login, 8, "charge_order"), (alice, leader, 6, "payout_order")):
            query = {"login": account, "limit": 9, "offset": 0, "tradeType": 4, "where": [["reason", "=", 100]]}
            (record,) = who.rows("/trades", **query)
            assert (record["order"], record["cmd"], abs(record["profit"])) == (told[number], cmd, 50)
        statement = bob.get("/copytrade/rewards/statement", subscription_id=shared)
        assert statement["differs"] == 0
        (line,) = statement["accruals"]
        assert (line["formula"], line["fee_recomputed"]) == ("500 × 10 / 100", 50)
        assert {line[side]["copy_reward_accrual_id"] for side in ("charge", "payout")} == {told["id"]}

        # --- A fee in advance, and the master who stops: what was not used comes back
        master, prepaid = follow(dora, second, bob, login, reward_type=0, fee_amount=30, billing_period="monthly")
        assert paying.news("reward", subscription_id=prepaid, state=2)["data"]["fee_amount"] == 30
        assert dora.delete(f"/copytrade/master/{master}", {}).json == {"deleted": True}
        back = paying.news("reward", subscription_id=prepaid, state=2)["data"]
        assert D("-30") <= back["fee_amount"] <= D("-29.9")
        assert bob.get(f"/accounts/{login}")["balance"] == 10450 - 30 - back["fee_amount"]
        statement = dora.get("/copytrade/rewards/statement", subscription_id=prepaid)
        assert (statement["count"], statement["differs"]) == (2, 0)
        assert statement["totals"]["given_back"] == -back["fee_amount"]


@pytest.mark.slow
def test_d25_what_staff_have_tried_again_is_paid_at_once(product, tenants, outside_of):
    north, _south = tenants
    outside = outside_of(product)
    product.default_worker()
    product.beat()
    staff = staff_of(outside, north)
    staff.made("/manage/account-groups", name="Standard", account_mode="REAL")
    alice, leader = customer(staff, north, "alice", "Standard", 100_000)
    bob, login = customer(staff, north, "bob", "Standard", 10)
    bob.made("/copytrade/follower", login=login)
    follow(alice, leader, bob, login, reward_type=0, fee_amount=30, billing_period="monthly")

    def states() -> list[int]:
        return [row["state"] for row in staff.rows("/manage/rewards")]

    wait_until(lambda: states() == [3], PATIENCE, "the charge that fails")
    (failed,) = bob.rows("/copytrade/rewards")
    assert failed["failure_reason"] == "RET_TRADE_NO_MONEY"
    staff.made(f"/manage/accounts/{login}/balance", amount=100, comment="more")
    staff.made(f"/manage/rewards/{failed['id']}/retry")
    wait_until(lambda: states() == [2], PATIENCE, "the charge that is paid")
    assert bob.get(f"/accounts/{login}")["balance"] == 80
