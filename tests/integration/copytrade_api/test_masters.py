"""R079, R088, R090, R094, R131 to R138: master profiles."""

from decimal import Decimal

import pytest

from accounts.models import TradingAccount
from copytrade.models import CopyMaster, CopySubscription, TradeLink
from core.states import CopyRole, LinkState
from infra.tenancy import tenant_scope
from tests.support.copying import AT, Cast

MASTER_KEYS = {
    "id", "login", "enabled", "strategy_name", "description", "visibility", "allowed_follower_modes",
    "show_trade_history", "show_followers", "max_followers", "bound_max_positions", "bound_min_equity",
    "bound_slippage_tolerance", "bound_max_loss", "bound_max_loss_percent", "bound_max_drawdown_percent", "status",
    "created_time", "updated_time", "reward_policy",
}  # fmt: skip
POLICY_KEYS = {
    "reward_type", "enabled", "billing_period", "fee_amount", "fee_percent", "currency", "payout_account_login",
    "hwm_enabled", "hwm_convention", "day_count",
}  # fmt: skip
FEE_BODY = {"reward_type": 0, "fee_amount": 10}


def role_of(cast: Cast, login: int) -> str:
    with tenant_scope(cast.house.id):
        return TradingAccount.objects.get(login=login).copy_role


def body(login: int, **more: object) -> dict[str, object]:
    return {"login": login, "strategy_name": "Trend", "reward_policy": FEE_BODY, **more}


def test_a_master_is_created_with_its_defaults(cast: Cast):
    login = cast.house.account(cast.alice).login
    answer = cast.alice.post("/copytrade/master", body(login, status="PAUSED", customer_id=cast.bob.user.pk, id=7))
    assert answer.status == 200, answer.text
    master = answer.json
    assert set(master) == MASTER_KEYS
    assert set(master["reward_policy"]) == POLICY_KEYS
    assert master["login"] == login
    assert (master["enabled"], master["visibility"], master["status"]) == (1, "private", "ACTIVE")
    assert (master["allowed_follower_modes"], master["max_followers"], master["description"]) == (0, 0, "")
    policy = master["reward_policy"]
    assert (policy["currency"], policy["payout_account_login"], policy["billing_period"]) == ("USD", login, "monthly")
    assert (policy["hwm_enabled"], policy["hwm_convention"], policy["day_count"]) == (0, "GROSS", 365)
    assert role_of(cast, login) == CopyRole.LEADER
    assert cast.alice.get("/copytrade/my").json["masters"] == [master]


def test_errors_come_in_the_contracts_order(cast: Cast):
    real, demo = cast.house.account(cast.alice), cast.house.account(cast.alice, "demo")
    bobs = cast.house.account(cast.bob)
    charlies = cast.other_house.account(cast.charlie)
    bad_terms = {"reward_type": 9}

    def refusal(**keys: object) -> tuple[int, str]:
        return cast.alice.post("/copytrade/master", keys).error

    assert refusal(login=bobs.login) == (400, "INVALID_DATA")  # strategy_name
    assert refusal(login=999_999_999, strategy_name="x") == (400, "ACCOUNT_NOT_FOUND")
    assert refusal(login=charlies.login, strategy_name="x") == (400, "ACCOUNT_NOT_FOUND")
    assert refusal(login=bobs.login, strategy_name="x", reward_policy=bad_terms) == (403, "INVALID_ACCOUNT")
    assert refusal(login=demo.login, strategy_name="x") == (400, "MASTER_ACCOUNT_MUST_BE_REAL")
    assert refusal(login=real.login, strategy_name="x") == (400, "REWARD_POLICY_REQUIRED")
    assert refusal(login=real.login, strategy_name="x", reward_policy=None) == (400, "REWARD_POLICY_REQUIRED")
    cast.house.follower(cast.alice, real)
    assert refusal(login=real.login, strategy_name="x", reward_policy=bad_terms) == (400, "INVALID_REWARD_POLICY")
    foreign_payout = {**FEE_BODY, "payout_account_login": bobs.login}
    assert refusal(login=real.login, strategy_name="x", reward_policy=foreign_payout) == (403, "INVALID_PAYOUT_ACCOUNT")
    unknown_payout = {**FEE_BODY, "payout_account_login": charlies.login}
    assert refusal(login=real.login, strategy_name="x", reward_policy=unknown_payout) == (403, "INVALID_PAYOUT_ACCOUNT")
    assert refusal(**body(real.login)) == (403, "CIRCULAR_COPY")
    with tenant_scope(cast.house.id):
        assert not CopyMaster.objects.exists()


def test_one_living_profile_per_account(cast: Cast):
    login = cast.house.account(cast.alice).login
    first = cast.alice.post("/copytrade/master", body(login)).json["id"]
    assert cast.alice.post("/copytrade/master", body(login)).error == (409, "RET_DUPLICATE_RECORD")
    assert cast.alice.delete(f"/copytrade/master/{first}").json == {"deleted": True}
    assert role_of(cast, login) == CopyRole.NONE
    again = cast.alice.post("/copytrade/master", body(login))
    assert again.status == 200
    assert again.json["id"] != first
    assert cast.alice.put(f"/copytrade/master/{first}", {}).error == (404, "RET_ERR_NOTFOUND")


@pytest.mark.parametrize(
    "changes",
    [
        {"strategy_name": ""},
        {"strategy_name": "x" * 101},
        {"strategy_name": None},
        {"description": "x" * 5001},
        {"visibility": "PUBLIC"},
        {"allowed_follower_modes": 3},
        {"max_followers": -1},
        {"max_followers": 2**31},
        {"max_followers": "10"},
        {"enabled": 2},
        {"show_followers": "1"},
        {"login": "1"},
        {"login": 1.5},
        {"login": True},
    ],
)
def test_bad_values_name_their_field_and_change_nothing(cast: Cast, changes: dict[str, object]):
    answer = cast.alice.post("/copytrade/master", body(cast.house.account(cast.alice).login) | changes)
    assert answer.error == (400, "INVALID_DATA")
    assert next(iter(changes)) in answer.json["message"]
    with tenant_scope(cast.house.id):
        assert not CopyMaster.objects.exists()


@pytest.mark.parametrize(
    "terms",
    [
        [],
        "0",
        {},
        {"fee_amount": 1},
        {"reward_type": "0", "fee_amount": 1},
        {"reward_type": 0},
        {"reward_type": 0, "fee_amount": -1},
        {"reward_type": 0, "fee_amount": 1, "fee_percent": 1},
        {"reward_type": 0, "fee_amount": 1, "billing_period": "daily"},
        {"reward_type": 0, "fee_amount": 1, "currency": "usd"},
        {"reward_type": 0, "fee_amount": 1, "payout_account_login": "x"},
        {"reward_type": 1, "fee_percent": 51},
        {"reward_type": 1, "fee_percent": 20, "billing_period": "one_time"},
        {"reward_type": 1, "fee_percent": 20, "hwm_convention": "gross"},
        {"reward_type": 4, "fee_percent": 2, "day_count": 366},
    ],
)
def test_bad_terms(cast: Cast, terms: object):
    answer = cast.alice.post("/copytrade/master", body(cast.house.account(cast.alice).login, reward_policy=terms))
    assert answer.error == (400, "INVALID_REWARD_POLICY")
    assert "reward_policy" in answer.json["message"] or answer.json["message"].split(":")[0] in POLICY_KEYS


def test_put_changes_only_what_is_sent(cast: Cast):
    master = cast.alice.post("/copytrade/master", body(cast.house.account(cast.alice).login, description="old")).json
    path = f"/copytrade/master/{master['id']}"
    changed = cast.alice.put(path, {**master, "visibility": "public", "status": "REJECTED", "updated_time": 5})
    assert changed.status == 200, changed.text
    expected = {**master, "visibility": "public", "updated_time": changed.json["updated_time"]}
    assert changed.json == expected
    for key in ("id", "login", "created_time"):
        assert cast.alice.put(path, {key: master[key] + 1}).error == (400, "INVALID_DATA")
    assert cast.alice.put(path, {"strategy_name": None}).error == (400, "INVALID_DATA")


def test_terms_are_read_and_changed_in_part(cast: Cast):
    master = cast.alice.post("/copytrade/master", body(cast.house.account(cast.alice).login)).json
    path = f"/copytrade/master/{master['id']}/reward-policy"
    assert cast.alice.get(path).json == {**master["reward_policy"], "waiting": None}
    assert cast.alice.put(path, {"fee_amount": "12.50"}).json["fee_amount"] == Decimal("12.5")
    # The fee of the old type does not stand in the way of a new type.
    new = cast.alice.put(path, {"reward_type": 1, "fee_percent": 20}).json
    assert (new["reward_type"], new["fee_amount"], new["fee_percent"], new["hwm_enabled"]) == (1, 0, 20, 1)
    assert cast.alice.put(path, {"fee_percent": 51}).error == (400, "INVALID_REWARD_POLICY")
    assert cast.alice.get(path).json == new
    inside = cast.alice.put(f"/copytrade/master/{master['id']}", {"reward_policy": {"fee_percent": 30}})
    assert {**inside.json["reward_policy"], "waiting": None} == {**new, "fee_percent": 30}
    assert cast.bob.get(path).error == (403, "PERMISSION_DENIED")
    assert cast.charlie.get(path).error == (404, "RET_ERR_NOTFOUND")


def test_records_of_others(cast: Cast):
    master = cast.house.master(cast.alice)
    for method in ("put", "delete"):
        path = f"/copytrade/master/{master.pk}"
        assert getattr(cast.bob, method)(path, {}).error == (403, "PERMISSION_DENIED")
        assert getattr(cast.charlie, method)(path, {}).error == (404, "RET_ERR_NOTFOUND")
        assert getattr(cast.alice, method)("/copytrade/master/987654321", {}).error == (404, "RET_ERR_NOTFOUND")
        assert getattr(cast.alice, method)("/copytrade/master/9999999999999999999", {}).error == (
            404,
            "RET_ERR_NOTFOUND",
        )
        assert getattr(cast.nobody, method)(path, {}).error == (401, "INVALID_CUSTOMER_SESSION")


def test_ending_a_master_ends_its_subscriptions_and_keeps_the_exits(cast: Cast):
    master, follower = cast.house.master(cast.alice), cast.house.follower(cast.bob)
    subscription = cast.house.subscription(cast.bob, master, follower)
    link = make_link(cast, subscription)
    assert cast.alice.delete(f"/copytrade/master/{master.pk}").json == {"deleted": True}
    with tenant_scope(cast.house.id):
        subscription.refresh_from_db()
        link.refresh_from_db()
        assert subscription.ended_at is not None
        assert (link.state, link.volume) == (LinkState.ACTIVE, 1)
    # Followed by an open copy, the account is still a leader's.
    assert role_of(cast, master.account.login) == CopyRole.LEADER
    assert cast.alice.post("/copytrade/follower", {"login": master.account.login}).error == (403, "CIRCULAR_COPY")
    assert cast.bob.get("/copytrade/my").json["subscriptions"] == []
    with tenant_scope(cast.house.id):
        TradeLink.objects.update(state=LinkState.CLOSED, volume=0)
    # Nobody released the role, but nothing holds it any more.
    assert cast.alice.post("/copytrade/follower", {"login": master.account.login}).status == 200
    assert role_of(cast, master.account.login) == CopyRole.FOLLOWER


def test_ending_a_master_can_let_open_copies_go(cast: Cast):
    master, follower = cast.house.master(cast.alice), cast.house.follower(cast.bob)
    subscription = cast.house.subscription(cast.bob, master, follower)
    link = make_link(cast, subscription)
    refused = cast.alice.delete(f"/copytrade/master/{master.pk}", {"open_copies": "closed"})
    assert refused.error == (400, "INVALID_DATA")
    assert "open_copies" in refused.json["message"]
    with tenant_scope(cast.house.id):
        assert CopySubscription.objects.get(pk=subscription.pk).ended_at is None
    # The body wins over the query string.
    path = f"/copytrade/master/{master.pk}?open_copies=close"
    assert cast.alice.delete(path, {"open_copies": "let_go"}).json == {"deleted": True}
    with tenant_scope(cast.house.id):
        link.refresh_from_db()
        assert (link.state, link.volume) == (LinkState.UNTRACKED, 0)
    assert role_of(cast, master.account.login) == CopyRole.NONE


def make_link(cast: Cast, subscription: CopySubscription) -> TradeLink:
    with tenant_scope(cast.house.id):
        return TradeLink.objects.create(
            tenant_id=cast.house.id,
            subscription_id=subscription.pk,
            leader=subscription.leader,
            follower=subscription.follower,
            leader_trade_id=1,
            follower_trade_id=2,
            instrument_id=1,
            symbol="EURUSD",
            side="BUY",
            volume=1,
            opened_volume=1,
            entry_price=1,
            created_at=AT,
            updated_at=AT,
        )
