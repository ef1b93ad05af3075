"""R081, R096 to R105, R114 to R122, R137 to R142, D20: subscriptions."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import TradingAccount
from accounts.services import product_config_update
from copytrade.models import CopyMaster, CopySubscription, LeaderShard
from core.states import LinkState
from infra.tenancy import tenant_scope
from tests.integration.copytrade_api.test_masters import make_link
from tests.support.copying import Cast

KEYS = {
    "id", "master_login", "follower_login", "enabled", "status", "pause_reason", "copy_mode", "volume_mode",
    "risk_multiplier", "fixed_volume", "copy_sl", "copy_tp", "copy_partial_close", "copy_pending_orders",
    "fill_wait_seconds", "copy_existing_positions", "reverse_direction", "max_volume", "min_volume", "max_positions",
    "symbols_mode", "symbols", "auto_variant", "min_equity", "slippage_tolerance", "max_signal_age_seconds", "max_loss",
    "max_loss_percent", "max_drawdown_percent", "stop_action", "effective", "created_time", "updated_time",
}  # fmt: skip
ADDRESS = "/copytrade/subscription"


def pair(cast: Cast, **settings: Any) -> dict[str, int]:
    """Logins of Alice's master and Bob's follower."""
    return {
        "master_login": cast.house.master(cast.alice, **settings).account.login,
        "follower_login": cast.house.follower(cast.bob, max_master_count=10).account.login,
    }


def test_a_subscription_is_created_with_its_defaults(cast: Cast):
    logins = pair(cast)
    answer = cast.bob.post(ADDRESS, logins)
    assert answer.status == 200, answer.text
    assert set(answer.json) == KEYS
    expected = {
        **logins, "enabled": 1, "status": 0, "pause_reason": "", "copy_mode": 0, "volume_mode": 1, "risk_multiplier": 1,
        "fixed_volume": 0, "copy_sl": 1, "copy_tp": 1, "copy_partial_close": 1, "copy_pending_orders": 0,
        "fill_wait_seconds": 2, "copy_existing_positions": 0, "reverse_direction": 0, "max_volume": 0, "min_volume": 0,
        "max_positions": 0, "symbols_mode": 0, "symbols": "", "auto_variant": 0, "min_equity": 0,
        "slippage_tolerance": 0, "max_signal_age_seconds": 30, "max_loss": 0, "max_loss_percent": 0,
        "max_drawdown_percent": 0, "stop_action": 0,
    }  # fmt: skip
    assert {key: answer.json[key] for key in expected} == expected
    assert cast.bob.get("/copytrade/my").json["subscriptions"] == [answer.json]


def test_the_limits_that_hold_are_shown_with_who_set_them(cast: Cast):
    logins = pair(cast, bound_max_positions=3, bound_min_equity=Decimal("50.5"))
    with tenant_scope(cast.house.id):
        product_config_update(copy_bound_max_loss_percent=Decimal(40), copy_bound_min_equity=Decimal(20))
    created = cast.bob.post(ADDRESS, {**logins, "max_positions": 2, "max_loss_percent": 60}).json
    none = {"value": 0, "from": None}
    assert created["effective"] == {
        "max_positions": {"value": 2, "from": "FOLLOWER"},
        "min_equity": {"value": 50.5, "from": "MASTER"},
        "slippage_tolerance": none,
        "max_loss": none,
        "max_loss_percent": {"value": 40, "from": "TENANT"},
        "max_drawdown_percent": none,
    }
    assert (created["max_positions"], created["max_loss_percent"], created["min_equity"]) == (2, 60, 0)
    assert cast.bob.get("/copytrade/my").json["subscriptions"] == [created]


def test_every_setting_is_kept(cast: Cast):
    settings = {
        "enabled": 0, "status": 1, "copy_mode": 2, "volume_mode": 0, "risk_multiplier": Decimal("0.01"),
        "fixed_volume": 150, "copy_sl": 0, "copy_tp": 0, "copy_partial_close": 0, "copy_pending_orders": 1,
        "fill_wait_seconds": 9, "reverse_direction": 1, "max_volume": 500, "min_volume": 1, "max_positions": 4,
        "symbols_mode": 2, "symbols": "EUR*, xauusd", "auto_variant": 1, "min_equity": Decimal("100.5"),
        "slippage_tolerance": Decimal("2.5"), "max_signal_age_seconds": 0, "max_loss": 50, "max_loss_percent": 10,
        "max_drawdown_percent": Decimal("33.3"), "stop_action": 1,
    }  # fmt: skip
    created = cast.bob.post(ADDRESS, {**pair(cast), **settings}).json
    assert {key: created[key] for key in settings} == settings
    assert created["pause_reason"] == "CUSTOMER"
    with tenant_scope(cast.house.id):
        stored = CopySubscription.objects.get(pk=created["id"])
        assert (stored.fixed_volume, stored.max_volume, stored.min_volume) == (Decimal("1.5"), 5, Decimal("0.01"))
    # The whole record can be sent back.
    again = cast.bob.put(f"{ADDRESS}/{created['id']}", created)
    assert again.json == {**created, "updated_time": again.json["updated_time"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_multiplier": 0},
        {"risk_multiplier": "0.009"},
        {"risk_multiplier": "1000.1"},
        {"risk_multiplier": "1e2"},
        {"fixed_volume": 0, "volume_mode": 0},
        {"fixed_volume": -1},
        {"fixed_volume": 1.5},
        {"volume_mode": 4},
        {"copy_mode": 3},
        {"status": 3},
        {"symbols_mode": 3},
        {"symbols": "x" * 2001},
        {"symbols": 5},
        {"min_volume": 200, "max_volume": 100},
        {"max_positions": -1},
        {"min_equity": -1},
        {"slippage_tolerance": -1},
        {"max_loss_percent": 101},
        {"max_signal_age_seconds": "30"},
        {"stop_action": 2},
        {"copy_existing_positions": 2},
        {"master_login": "1"},
        {"follower_login": None},
    ],
)
def test_bad_values_name_their_field_and_change_nothing(cast: Cast, changes: dict[str, Any]):
    answer = cast.bob.post(ADDRESS, {**pair(cast), **changes})
    assert answer.error == (400, "INVALID_DATA")
    assert next(iter(changes)) in answer.json["message"]
    with tenant_scope(cast.house.id):
        assert not CopySubscription.objects.exists()


def test_errors_come_in_the_contracts_order(cast: Cast):
    alices = cast.house.account(cast.alice).login
    charlies = cast.other_house.account(cast.charlie).login
    demo = cast.house.account(cast.bob, "demo").login
    netting = cast.house.account(cast.bob, "netting").login

    def refusal(master: int, follower: int) -> tuple[int, str]:
        return cast.bob.post(ADDRESS, {"master_login": master, "follower_login": follower}).error

    assert refusal(charlies, charlies) == (400, "ACCOUNT_NOT_FOUND")
    assert refusal(charlies, alices) == (403, "INVALID_FOLLOWER_ACCOUNT")
    foreign = cast.other_house.master(cast.charlie).account.login
    assert refusal(foreign, demo) == (403, "MASTER_NOT_FOUND")
    assert refusal(alices, demo) == (403, "MASTER_NOT_FOUND")
    private = cast.house.master(cast.alice, visibility="private").account.login
    disabled = cast.house.master(cast.alice, enabled=False).account.login
    paused = cast.house.master(cast.alice)
    with tenant_scope(cast.house.id):
        CopyMaster.objects.filter(pk=paused.pk).update(status="PAUSED")
    for master in (private, disabled, paused.account.login):
        assert refusal(master, demo) == (403, "MASTER_NOT_AVAILABLE")
    real_only = cast.house.master(cast.alice, allowed_follower_modes=0, max_followers=1)
    assert refusal(real_only.account.login, demo) == (403, "FOLLOWER_NOT_FOUND")
    assert cast.bob.post("/copytrade/follower", {"login": demo}).status == 200
    assert refusal(real_only.account.login, demo) == (403, "FOLLOWER_MODE_NOT_ALLOWED")

    both = cast.house.master(cast.alice, max_followers=1)
    cast.house.subscription(cast.alice, both, cast.house.follower(cast.alice))
    first = cast.house.master(cast.alice)
    cast.bob.post(ADDRESS, {"master_login": first.account.login, "follower_login": demo})
    assert refusal(both.account.login, demo) == (403, "MAX_MASTERS_REACHED")
    assert cast.bob.post("/copytrade/follower", {"login": netting, "max_master_count": 3}).status == 200
    assert cast.bob.post(ADDRESS, {"master_login": first.account.login, "follower_login": netting}).status == 200
    assert refusal(both.account.login, netting) == (403, "ALREADY_CONTROLLED")
    free = cast.house.follower(cast.bob).account.login
    assert refusal(both.account.login, free) == (403, "MASTER_FULL")
    assert refusal(first.account.login, demo) == (409, "RET_DUPLICATE_RECORD")


def test_demo_only_masters_admit_demo_accounts_only(cast: Cast):
    master = cast.house.master(cast.alice, allowed_follower_modes=1).account.login
    real = cast.house.follower(cast.bob).account.login
    demo = cast.house.follower(cast.bob, cast.house.account(cast.bob, "demo")).account.login
    refused = cast.bob.post(ADDRESS, {"master_login": master, "follower_login": real})
    assert refused.error == (403, "FOLLOWER_MODE_NOT_ALLOWED")
    assert cast.bob.post(ADDRESS, {"master_login": master, "follower_login": demo}).status == 200


def test_the_own_private_master_can_be_followed(cast: Cast):
    master = cast.house.master(cast.alice, visibility="private").account.login
    follower = cast.house.follower(cast.alice).account.login
    assert cast.alice.post(ADDRESS, {"master_login": master, "follower_login": follower}).status == 200


def test_a_hedging_account_copies_as_many_masters_as_its_profile_says(cast: Cast):
    follower = cast.house.follower(cast.bob, max_master_count=2).account.login
    answers = [
        cast.bob.post(
            ADDRESS, {"master_login": cast.house.master(cast.alice).account.login, "follower_login": follower}
        )
        for _number in range(3)
    ]
    assert [answer.status for answer in answers] == [200, 200, 403]
    assert answers[2].json["error"] == "MAX_MASTERS_REACHED"


def test_entries_begin_behind_the_leaders_last_event(cast: Cast):
    master = cast.house.master(cast.alice)
    with tenant_scope(cast.house.id):
        TradingAccount.objects.filter(pk=master.account_id).update(event_seq=41)
    first = cast.house.subscription(cast.bob, master, cast.house.follower(cast.bob))
    with tenant_scope(cast.house.id):
        TradingAccount.objects.filter(pk=master.account_id).update(event_seq=50)
    second = cast.house.subscription(cast.bob, master, cast.house.follower(cast.bob))
    assert (first.entries_from_seq, second.entries_from_seq) == (42, 51)
    with tenant_scope(cast.house.id):
        shard = LeaderShard.objects.get()
    assert first.shard_id == second.shard_id == shard.pk
    assert (shard.number, shard.cursor) == (1, 41)


def test_the_version_rises_with_every_change(cast: Cast):
    created = cast.bob.post(ADDRESS, pair(cast)).json
    path = f"{ADDRESS}/{created['id']}"

    def version() -> int:
        with tenant_scope(cast.house.id):
            return CopySubscription.objects.get(pk=created["id"]).version

    assert version() == 1
    assert cast.bob.put(path, {"risk_multiplier": 2}).json["risk_multiplier"] == 2
    assert version() == 2
    assert cast.bob.put(path, {"risk_multiplier": 2}).status == 200
    assert version() == 2
    assert cast.bob.put(path, {"volume_mode": 0}).error == (400, "INVALID_DATA")
    assert version() == 2
    assert cast.bob.put(path, {"volume_mode": 0, "fixed_volume": 10}).json["fixed_volume"] == 10
    assert version() == 3
    for key in ("id", "master_login", "follower_login", "created_time"):
        assert cast.bob.put(path, {key: 1}).error == (400, "INVALID_DATA")


def test_a_pause_carries_its_reason(cast: Cast):
    created = cast.bob.post(ADDRESS, pair(cast)).json
    path = f"{ADDRESS}/{created['id']}"

    def put(**keys: Any) -> tuple[int, str]:
        answer = cast.bob.put(path, keys).json
        return answer["status"], answer["pause_reason"]

    assert put(status=1) == (1, "CUSTOMER")
    assert put(max_positions=1) == (1, "CUSTOMER")
    assert put(status=0) == (0, "")
    assert put(status=2) == (2, "")
    for reason in ("STAFF", "BREACH"):
        with tenant_scope(cast.house.id):
            CopySubscription.objects.update(status=1, pause_reason=reason)
        assert cast.bob.put(path, {"status": 0}).error == (403, "PERMISSION_DENIED")
        assert put(status=2) == (2, reason)
        assert cast.bob.put(path, {"status": 0}).error == (403, "PERMISSION_DENIED")
    for reason in ("REWARD_UNPAID", "FOLLOWER_STOP"):
        with tenant_scope(cast.house.id):
            CopySubscription.objects.update(status=1, pause_reason=reason)
        assert put(status=1) == (1, reason)
        assert put(status=0) == (0, "")


def test_stopping_with_let_go_untracks_open_copies(cast: Cast):
    subscription = cast.house.subscription(cast.bob, cast.house.master(cast.alice), cast.house.follower(cast.bob))
    link = make_link(cast, subscription)
    path = f"{ADDRESS}/{subscription.pk}"

    def link_state() -> tuple[int, Decimal]:
        with tenant_scope(cast.house.id):
            link.refresh_from_db()
        return link.state, link.volume

    for without_stopping in ("let_go", "close"):
        refused = cast.bob.put(path, {"open_copies": without_stopping})
        assert refused.error == (400, "INVALID_DATA")
        assert "open_copies" in refused.json["message"]
    assert cast.bob.put(path, {"open_copies": "let_go"}).error == (400, "INVALID_DATA")
    assert cast.bob.put(path, {"status": 2, "open_copies": "keep"}).error == (400, "INVALID_DATA")
    assert cast.bob.put(path, {"status": 2, "open_copies": "keep_exits"}).json["status"] == 2
    assert link_state() == (LinkState.ACTIVE, 1)
    assert cast.bob.put(path, {"status": 2, "open_copies": "let_go"}).json["status"] == 2
    assert link_state() == (LinkState.UNTRACKED, 0)


def test_ending_hides_the_record_and_keeps_it(cast: Cast):
    logins = pair(cast)
    first = cast.bob.post(ADDRESS, logins).json
    path = f"{ADDRESS}/{first['id']}"
    assert cast.bob.post(ADDRESS, logins).error == (409, "RET_DUPLICATE_RECORD")
    assert cast.bob.delete(f"{path}?open_copies=nonsense").error == (400, "INVALID_DATA")
    assert cast.bob.delete(f"{path}?open_copies=keep_exits").json == {"deleted": True}
    assert cast.bob.delete(path).error == (404, "RET_ERR_NOTFOUND")
    assert cast.bob.get("/copytrade/subscriptions", limit=10, offset=0).json["count"] == 0
    with tenant_scope(cast.house.id):
        assert CopySubscription.objects.get(pk=first["id"]).ended_at is not None
    assert cast.bob.post(ADDRESS, logins).json["id"] != first["id"]


def test_records_of_others(cast: Cast):
    subscription = cast.house.subscription(cast.bob, cast.house.master(cast.alice), cast.house.follower(cast.bob))
    path = f"{ADDRESS}/{subscription.pk}"
    for method in ("put", "delete"):
        # The master's owner does not decide about the follower's settings either.
        assert getattr(cast.alice, method)(path, {}).error == (403, "PERMISSION_DENIED")
        assert getattr(cast.charlie, method)(path, {}).error == (404, "RET_ERR_NOTFOUND")
        assert getattr(cast.nobody, method)(path, {}).error == (401, "INVALID_CUSTOMER_SESSION")


def test_the_table_of_subscriptions_shows_both_sides(cast: Cast):
    master = cast.house.master(cast.alice)
    first = cast.house.subscription(cast.bob, master, cast.house.follower(cast.bob))
    second = cast.house.subscription(cast.bob, master, cast.house.follower(cast.bob))
    other = cast.house.subscription(cast.bob, cast.house.master(cast.bob), cast.house.follower(cast.bob))
    table = "/copytrade/subscriptions"
    assert cast.bob.get(table).error == (400, "INVALID_DATA")
    assert cast.bob.put(f"{ADDRESS}/{first.pk}", {"max_positions": 1}).status == 200
    everything = cast.bob.get(table, limit=10, offset=0)
    assert set(everything.json["structure"]) == KEYS - {"effective"}
    assert [row["id"] for row in everything.rows()] == [first.pk, other.pk, second.pk]
    mine = cast.alice.get(table, limit=10, offset=0)
    assert [row["id"] for row in mine.rows()] == [first.pk, second.pk]
    for name in ("master_login", "master_account"):
        found = cast.bob.get(table, limit=10, offset=0, **{name: master.account.login})
        assert {row["id"] for row in found.rows()} == {first.pk, second.pk}
        found = cast.bob.get(table, limit=10, offset=0, where=[[name, "=", master.account.login]])
        assert found.json["count"] == 2
    by_follower = cast.bob.get(table, limit=10, offset=0, follower_account=second.follower.login)
    assert [row["id"] for row in by_follower.rows()] == [second.pk]
    assert cast.bob.get(table, limit=10, offset=0, subscription_id=first.pk).json["count"] == 1
    assert cast.charlie.get(table, limit=10, offset=0).json["count"] == 0
