"""From an empty installation to a closed copy, over HTTP and WebSocket only, against running processes."""

from decimal import Decimal as D

import pytest

from tests.support.terminal import Outsider, Terminal
from tests.support.world import PASSWORD, Place

INSTRUMENT = {
    "symbol": "EURUSD",
    "asset_class": "FX",
    "contract_size": 100000,
    "tick_size": "0.00001",
    "tick_value": 1,
    "digits": 5,
    "lot_min": "0.01",
    "lot_max": 100,
    "lot_step": "0.01",
}
SECRET = "a secret of nine words or so"


def staff_of(outside: Outsider, tenant: Place) -> Outsider:
    return outside.signed_in("/manage/auth/login", email=tenant.owner.email, password=PASSWORD, tenant=tenant.slug)


def customer(staff: Outsider, tenant: Place, name: str, group: str, balance: int) -> tuple[Outsider, int]:
    """A new customer with an account: signed in, and the account's login."""
    email = f"{name}@{tenant.domain}"
    made = staff.made("/manage/customers", email=email, password=SECRET, full_name=name.title())
    account = staff.made("/manage/accounts", customer_id=made["customer_id"], group=group, balance=balance)
    signed_in = staff.signed_in("/customer/auth/login", email=email, password=SECRET, tenant=tenant.slug)
    return signed_in, account["login"]


def quotes(staff: Outsider, bid: str, ask: str) -> None:
    answer = staff.post("/manage/quotes", {"quotes": [{"symbol": "EURUSD", "bid": bid, "ask": ask}]})
    assert answer.status == 200, answer.text


@pytest.mark.slow
def test_a_leaders_trade_is_copied(product, tenants, outside_of):
    north, south = tenants
    outside = outside_of(product)
    product.copy_worker()
    product.default_worker()
    product.beat()

    staff = staff_of(outside, north)
    staff.made("/manage/account-groups", name="Standard", account_mode="REAL", commission_per_lot="3.5")
    staff.made("/manage/instruments", **INSTRUMENT)
    quotes(staff, "1.10000", "1.10020")
    alice, leader = customer(staff, north, "alice", "Standard", 100_000)
    bob, follower = customer(staff, north, "bob", "Standard", 10_000)

    alice.made(
        "/copytrade/master",
        login=leader,
        strategy_name="Trend",
        visibility="public",
        reward_policy={"reward_type": 3, "fee_percent": 10},
    )
    bob.made("/copytrade/follower", login=follower)
    subscription = bob.made(
        "/copytrade/subscription", master_login=leader, follower_login=follower, risk_multiplier="0.5"
    )
    assert [s["id"] for s in bob.get("/copytrade/my")["subscriptions"]] == [subscription["id"]]

    other_staff = staff_of(outside, south)
    other_staff.made("/manage/account-groups", name="Standard", account_mode="REAL")
    charlie, foreign = customer(other_staff, south, "charlie", "Standard", 10_000)

    with (
        Terminal(product.address, alice.token) as leading,
        Terminal(product.address, bob.token) as following,
        Terminal(product.address, charlie.token) as elsewhere,
    ):
        assert leading.greeting == following.greeting == {"event": "authorization", "success": True}
        assert leading.ask("account.switch", active_login=leader)["active_login"] == leader
        assert following.ask("account.switch", active_login=follower)["active_login"] == follower
        following.send(event="subscribe", data=["@copy"])
        leading.send(event="subscribe", data=["@copy"])
        elsewhere.ask("account.switch", active_login=foreign)
        elsewhere.send(event="subscribe", data=["@copy", "EURUSD"])
        for terminal in (leading, following, elsewhere):
            terminal.quiet()

        # --- The opening
        opened = leading.command("trade.open", "first", cmd=0, volume=100, symbol="EURUSD")
        assert (opened["accepted"], opened["state"], opened["login"], opened["volume"]) == (True, 0, leader, 100)
        order = opened["order"]
        added = leading.trade(order)
        assert (added[2:7], added[-1]) == ([leader, "EURUSD", 0, 100, D("1.1002")], 0)
        assert leading.money(leader)[2] == D("99996.50")

        copied = following.news("copy.order", master_order=order)["data"]
        assert (copied["action"], copied["status"], copied["volume"]) == ("OPEN", "FILLED", 50)
        assert (copied["leader_login"], copied["follower_login"]) == (leader, follower)
        assert copied["subscription_id"] == subscription["id"]
        assert (copied["slippage"], copied["reason"]) == (0, "")
        assert 0 <= copied["decide_ms"] <= copied["fill_ms"] < 5000
        mine = copied["follower_order"]
        frame = following.trade(mine)
        assert (frame[2:7], frame[-1]) == ([follower, "EURUSD", 0, 50, D("1.1002")], 0)
        money = following.money(follower)
        assert (money[2], money[3]) == (D("9998.25"), D("550.10"))
        assert following.news("copy.position", order=mine)["data"]["volume"] == 50
        assert leading.news("copy.order", master_order=order)["data"]["follower_login"] == follower

        # the same command again: the same answer, and no second trade
        assert leading.command("trade.open", "first", cmd=0, volume=100, symbol="EURUSD") == opened

        # --- What REST shows is what the frames said
        (row,) = bob.rows("/copytrade/orders", where=[["master_order", "=", order]])
        assert row == copied
        (position,) = bob.rows("/copytrade/positions")
        assert (position["order"], position["volume"], position["leader_login"]) == (mine, 50, leader)
        (trade,) = bob.rows("/trades", login=follower, limit=10, offset=0, tradeType=1)
        assert (trade["order"], trade["reason"], trade["commission"]) == (mine, 3, D("-1.75"))
        assert bob.get(f"/accounts/{follower}")["balance"] == D("9998.25")
        (link,) = bob.rows("/copytrade/trade-links")
        assert (link["master_order"], link["follower_order"], link["state"]) == (order, mine, 0)

        # --- A part, then the rest
        quotes(staff, "1.10500", "1.10520")
        leading.command("trade.close", "second", order=order, volume=40)
        part = following.news("copy.order", action="REDUCE")["data"]
        assert (part["status"], part["volume"], part["follower_order"]) == ("FILLED", 20, mine)
        result = following.news("copy.trade")["data"]
        # (1.10500 - 1.10020) x 100,000 x 0.2 = 96.00, less 0.70 for the opening and 0.70 for the close
        assert (result["volume"], result["pnl"]) == (20, D("94.60"))
        assert bob.rows("/copytrade/positions")[0]["volume"] == 30

        leading.command("trade.close", "third", order=order)
        whole = following.news("copy.order", action="CLOSE")["data"]
        assert (whole["status"], whole["volume"]) == ("FILLED", 30)
        assert bob.rows("/copytrade/positions") == []
        assert [r["volume"] for r in bob.rows("/copytrade/copied-trades")] == [30, 20]
        (link,) = bob.rows("/copytrade/trade-links")
        assert (link["state"], link["volume"]) == (1, 0)
        closed = bob.rows("/trades", login=follower, limit=10, offset=0, tradeType=2)
        assert {(t["state"], t["volume"], t["order"] == mine, t["parent_order"] == mine) for t in closed} == {
            (3, 30, True, False),
            (4, 20, False, True),
        }
        # 10,000 + 240.00 - 3.50
        assert bob.get(f"/accounts/{follower}")["balance"] == D("10236.50")

        # --- The other tenant hears and sees nothing
        assert elsewhere.quiet() == []
        for path in ("/copytrade/orders", "/copytrade/positions", "/copytrade/copied-trades", "/copytrade/trade-links"):
            assert charlie.rows(path) == []
        assert charlie.rows("/trades", limit=100, offset=0, tradeType=1) == []
        assert charlie.get(f"/accounts/{follower}").status == 403
        assert charlie.get(f"/copytrade/orders/{copied['id']}").status == 404
        assert other_staff.get(f"/accounts/{follower}").status == 404
