"""R010 to R016, R144 to R187, D02, D15, D16, D20: copy groups through their addresses."""

from decimal import Decimal as D
from typing import Any

import pytest

from accounts.models import TradingAccount
from copytrade.domain.groups import GroupPause, pause_after_edit
from copytrade.models import CopyGroup, CopySubscription, GroupMember
from core.states import CopyRole
from infra.tenancy import tenant_scope
from tests.support.copying import Cast, Customer
from tests.support.group_house import listed

ADDRESS = "/copytrade/groups"


def made(cast: Cast, followers: int = 1, **more: Any) -> tuple[dict[str, Any], list[TradingAccount]]:
    """Alice's new group, and its accounts, the leader first."""
    accounts = [cast.house.account(cast.alice) for _ in range(followers + 1)]
    body = {
        "name": "Funded",
        "leader_login": accounts[0].login,
        "followers": [{"login": account.login} for account in accounts[1:]],
    }
    answer = cast.alice.post(ADDRESS, {**body, **more})
    assert answer.status == 200, answer.text
    return answer.json, accounts


def path(group: dict[str, Any], *rest: object) -> str:
    return "/".join([ADDRESS, str(group["id"]), *map(str, rest)])


def role(cast: Cast, account: TradingAccount) -> CopyRole:
    with tenant_scope(cast.house.id):
        return CopyRole(TradingAccount.objects.get(pk=account.pk).copy_role)


def test_a_group_is_created_active_with_its_defaults(cast: Cast):
    """R146 to R150, R169, R179."""
    group, (leader, follower) = made(cast)
    subscription = group["followers"][0].pop("subscription_id")
    assert subscription > 0
    assert group == {
        "id": group["id"], "name": "Funded", "status": "ACTIVE", "pause_reason": "", "leader_login": leader.login,
        "copy_mode": "MULTIPLIER", "copy_value": 1, "sizing_mode": "CONTRACTS", "rounding_mode": "ENTRY_DOWN_EXIT_UP",
        "auto_variant": 1, "symbol_quarantine": 1, "quarantine_after_rejections": 1, "quarantine_release": "MANUAL",
        "partial_exit": "PROPORTIONAL", "contract_mappings_enabled": 0, "mappings": [], "reverse": 0, "copy_sl": 1,
        "copy_tp": 1, "copy_pending_orders": 1, "version": 1,
        "followers": [{"login": follower.login, "ratio": 1, "synced_all": 1, "mappings": [], "contracts": []}],
    }  # fmt: skip
    assert (role(cast, leader), role(cast, follower)) == (CopyRole.LEADER, CopyRole.FOLLOWER)
    listing = cast.alice.get(ADDRESS).json
    assert (listing["count"], listing["rows"][0]["id"]) == (1, group["id"])
    assert cast.alice.get("/copytrade/my").json["subscriptions"] == []  # a group's are not a master's
    assert cast.alice.get("/copytrade/subscriptions", limit=5, offset=0).json["count"] == 0
    assert cast.alice.put(f"/copytrade/subscription/{subscription}", {"status": 1}).error == (404, "RET_ERR_NOTFOUND")


def test_everything_can_be_said_at_creation(cast: Cast):
    for symbol in ("MNQ", "NQ", "ES"):
        listed(cast.house.place, symbol)
    settings = {
        "copy_mode": "FIXED", "copy_value": D("2.5"), "sizing_mode": "NOTIONAL", "rounding_mode": "NEAREST",
        "auto_variant": 0, "symbol_quarantine": 0, "quarantine_after_rejections": 3,
        "quarantine_release": "WHEN_LEADER_FLAT", "partial_exit": "EXIT_WITH_LEADER", "contract_mappings_enabled": 1,
        "mappings": [{"leader_symbol": "CL", "follower_symbol": "ES"}], "reverse": 1, "copy_sl": 0, "copy_tp": 0,
        "copy_pending_orders": 0,
    }  # fmt: skip
    leader, follower = cast.house.account(cast.alice), cast.house.account(cast.alice, "demo")
    terms = {
        "login": follower.login, "ratio": D("0.1"), "synced_all": 0,
        "mappings": [{"leader_symbol": "ES", "follower_symbol": "NQ"}],
        "contracts": [{"symbol": "MNQ", "ratio": 10, "synced": 0, "cross_symbol": "NQ"}],
    }  # fmt: skip
    body = {"name": " Live ", "leader_login": leader.login, "followers": [terms], **settings}
    group = cast.alice.post(ADDRESS, body).json
    assert group["name"] == "Live"
    assert {key: group[key] for key in settings} == settings
    assert {key: group["followers"][0][key] for key in terms} == terms


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": None}, {"leader_login": "1"}, {"followers": []}, {"followers": None},
        {"copy_value": 0}, {"copy_value": -1}, {"copy_mode": "multiplier"}, {"sizing_mode": 1},
        {"rounding_mode": "UP"}, {"quarantine_after_rejections": 0}, {"quarantine_after_rejections": 11},
        {"quarantine_release": ""}, {"partial_exit": "NONE"}, {"reverse": 2}, {"mappings": [{"leader_symbol": "ES"}]},
        {"mappings": [{"leader_symbol": "ES", "follower_symbol": "NOTHING"}]},
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_creates_nothing(cast: Cast, change: dict[str, Any]):
    body = {
        "name": "Funded",
        "leader_login": cast.house.account(cast.alice).login,
        "followers": [{"login": cast.house.account(cast.alice).login}],
    }
    assert cast.alice.post(ADDRESS, {**body, **change}).error == (400, "INVALID_DATA")
    with tenant_scope(cast.house.id):
        assert not CopyGroup.objects.exists()
        assert not TradingAccount.objects.exclude(copy_role=CopyRole.NONE).exists()


@pytest.mark.parametrize("ratio", ["0.09", "1000.1", 0, -1])
def test_r016_ratios_out_of_range(cast: Cast, ratio: Any):
    group, (_leader, follower) = made(cast)
    answer = cast.alice.put(path(group, "followers", follower.login), {"ratio": ratio})
    assert answer.error == (400, "INVALID_DATA")


def test_the_name_is_unique_and_fixed(cast: Cast):
    """R147."""
    group, (leader, _follower) = made(cast)
    other = cast.house.account(cast.alice)
    body = {"name": "Funded", "leader_login": leader.login, "followers": [{"login": other.login}]}
    assert cast.alice.post(ADDRESS, body).error == (409, "RET_DUPLICATE_RECORD")
    assert role(cast, other) is CopyRole.NONE  # all or nothing
    assert cast.alice.put(path(group), {"name": "Other"}).error == (400, "NAME_IS_FIXED")
    assert cast.alice.put(path(group), {"name": "Funded", "copy_value": 2}).json["copy_value"] == 2
    second = cast.alice.post(ADDRESS, {**body, "name": "Demo"})  # R144: one leader, many groups
    assert second.status == 200
    bobs = [cast.house.account(cast.bob).login for _ in range(2)]
    assert cast.bob.post(ADDRESS, {**body, "leader_login": bobs[0], "followers": [{"login": bobs[1]}]}).status == 200


def test_errors_about_accounts(cast: Cast):
    """R152, R007, D02, in the contract's order."""
    _group, (leader, follower) = made(cast)
    free, more, bobs = (cast.house.account(who) for who in (cast.alice, cast.alice, cast.bob))

    def post(leading: int, *following: int) -> tuple[int, str]:
        body = {"name": "Second", "leader_login": leading, "followers": [{"login": login} for login in following]}
        return cast.alice.post(ADDRESS, body).error

    assert post(1, free.login) == (400, "ACCOUNT_NOT_FOUND")
    assert post(bobs.login, free.login) == (403, "INVALID_ACCOUNT")
    assert post(free.login, bobs.login) == (403, "INVALID_ACCOUNT")
    assert post(free.login, free.login) == (403, "CIRCULAR_COPY")
    assert post(free.login, leader.login) == (403, "CIRCULAR_COPY")
    assert post(follower.login, free.login) == (403, "CIRCULAR_COPY")
    assert post(free.login, follower.login) == (403, "ACCOUNT_IN_OTHER_GROUP")
    assert post(free.login, more.login, more.login) == (400, "INVALID_DATA")
    assert post(leader.login, free.login) == (200, "")


def test_one_controller_an_account(cast: Cast):
    """X08: an account copies a group or masters, not both; a master may lead groups."""
    master = cast.house.master(cast.alice)
    profile = cast.house.follower(cast.alice)
    cast.house.subscription(cast.alice, master, profile)
    free = cast.house.account(cast.alice)
    body = {"name": "Mine", "leader_login": master.account.login, "followers": [{"login": profile.account.login}]}
    assert cast.alice.post(ADDRESS, body).error == (403, "ALREADY_CONTROLLED")
    assert cast.alice.post(ADDRESS, {**body, "followers": [{"login": free.login}]}).status == 200
    cast.house.follower(cast.alice, free)
    logins = {"master_login": cast.house.master(cast.bob).account.login, "follower_login": free.login}
    assert cast.alice.post("/copytrade/subscription", logins).error == (403, "ALREADY_CONTROLLED")


def test_who_may_see_and_change_a_group(cast: Cast):
    group, (_leader, follower) = made(cast)
    listed(cast.house.place, "ES")
    calls: list[tuple[str, str, Any]] = [
        ("get", path(group), None),
        ("put", path(group), {"copy_value": 2}),
        ("delete", path(group), {"confirm": True}),
        ("put", path(group, "members"), {"leader_login": None}),
        ("post", path(group, "pause"), {}),
        ("post", path(group, "resume"), {}),
        ("put", path(group, "followers", follower.login), {"ratio": 2}),
        ("put", path(group, "followers", follower.login, "contracts", "ES"), {"ratio": 2}),
        ("put", path(group, "contracts", "ES", "sync"), {"synced": 0}),
        ("get", path(group, "contracts", "ES", "cross-options"), None),
    ]

    def ask(who: Customer, method: str, address: str, body: Any) -> tuple[int, str]:
        return (who.get(address) if body is None else getattr(who, method)(address, body)).error

    for method, address, body in calls:
        assert ask(cast.bob, method, address, body) == (404, "RET_ERR_NOTFOUND")
        assert ask(cast.charlie, method, address, body) == (404, "RET_ERR_NOTFOUND")
        assert ask(cast.nobody, method, address, body) == (401, "INVALID_CUSTOMER_SESSION")
    assert cast.alice.get(path(group)).json == group
    assert cast.bob.get(ADDRESS).json == {"rows": [], "count": 0}


def test_settings_change_with_versions(cast: Cast):
    group, (leader, follower) = made(cast)
    changed = cast.alice.put(path(group), {"copy_value": "0.5", "version": 1}).json
    assert (changed["copy_value"], changed["version"]) == (D("0.5"), 2)
    assert cast.alice.put(path(group), {"copy_value": "0.5", "version": 2}).json["version"] == 2  # nothing changed
    assert cast.alice.put(path(group, "followers", follower.login), {"ratio": 3}).json["version"] == 3
    late = cast.alice.put(path(group), {"reverse": 1, "version": 1})
    assert late.error == (409, "CHANGED_MEANWHILE")
    assert late.json["changed"] == ["copy_value", f"followers.{follower.login}.ratio"]
    assert late.json["version"] == 3
    for rest, body in [
        (["members"], {"followers": []}),
        (["followers", follower.login], {"ratio": 5}),
    ]:
        assert cast.alice.put(path(group, *rest), {**body, "version": 1}).error == (409, "CHANGED_MEANWHILE")
    assert cast.alice.put(path(group), {"leader_login": follower.login}).error == (400, "INVALID_DATA")
    same = cast.alice.put(path(group), {"leader_login": leader.login, "id": group["id"], "reverse": 1, "version": 3})
    assert (same.json["reverse"], same.json["version"]) == (1, 4)


def test_the_staged_edit_is_all_or_nothing(cast: Cast):
    """R161, R163, R166: leader and followers in one save, or nothing of it."""
    group, (leader, first, second) = made(cast, 2)
    cast.alice.put(path(group, "followers", first.login), {"ratio": 4})
    new_leader, third = cast.house.account(cast.alice), cast.house.account(cast.alice)
    bobs = cast.house.account(cast.bob)
    before = cast.alice.get(path(group)).json
    edit: dict[str, Any] = {
        "leader_login": new_leader.login,
        "followers": [{"login": first.login}, {"login": third.login, "ratio": "2.5"}],
    }
    broken = {**edit, "followers": [*edit["followers"], {"login": bobs.login}]}
    assert cast.alice.put(path(group, "members"), broken).error == (403, "INVALID_ACCOUNT")
    circular = {**edit, "followers": [*edit["followers"], {"login": new_leader.login}]}
    assert cast.alice.put(path(group, "members"), circular).error == (403, "CIRCULAR_COPY")
    assert cast.alice.get(path(group)).json == before
    after = cast.alice.put(path(group, "members"), edit).json
    assert after["leader_login"] == new_leader.login
    assert [(f["login"], f["ratio"]) for f in after["followers"]] == [(first.login, 4), (third.login, D("2.5"))]
    assert after["status"] == "ACTIVE"
    assert [role(cast, a) for a in (leader, second, new_leader, first, third)] == [
        CopyRole.NONE, CopyRole.NONE, CopyRole.LEADER, CopyRole.FOLLOWER, CopyRole.FOLLOWER,
    ]  # fmt: skip
    with tenant_scope(cast.house.id):
        living = CopySubscription.objects.filter(ended_at__isnull=True)
        assert {(s.leader_id, s.follower_id) for s in living} == {
            (new_leader.pk, first.pk),
            (new_leader.pk, third.pk),
        }
    swapped = {"leader_login": first.login, "followers": [{"login": new_leader.login}]}
    assert cast.alice.put(path(group, "members"), swapped).status == 200
    assert (role(cast, first), role(cast, new_leader)) == (CopyRole.LEADER, CopyRole.FOLLOWER)


def test_a_group_without_a_leader(cast: Cast):
    """R156, R164: not configured until a leader is chosen; what was set for followers stays."""
    group, (leader, follower) = made(cast)
    listed(cast.house.place, "ES")
    cast.alice.put(path(group, "followers", follower.login, "contracts", "ES"), {"ratio": 7})
    bare = cast.alice.put(path(group, "members"), {"leader_login": None}).json
    assert (bare["status"], bare["leader_login"]) == ("NOT_CONFIGURED", None)
    assert bare["followers"][0]["subscription_id"] is None
    assert role(cast, leader) is CopyRole.NONE
    for action in ("pause", "resume"):
        assert cast.alice.post(path(group, action), {}).error == (409, "NOT_CONFIGURED")
    back = cast.alice.put(path(group, "members"), {"leader_login": leader.login}).json
    assert (back["status"], back["followers"][0]["contracts"][0]["ratio"]) == ("PAUSED", 7)
    assert cast.alice.post(path(group, "resume"), {}).json["status"] == "ACTIVE"
    gone = cast.alice.put(path(group, "members"), {"leader_login": None}).json
    assert gone["status"] == "NOT_CONFIGURED"
    ticked = cast.alice.put(path(group, "members"), {"leader_login": leader.login, "reactivate": 1}).json
    assert ticked["status"] == "ACTIVE"


def test_pauses_that_come_and_go_by_themselves(cast: Cast):
    """R157, R158, D16."""
    group, (_leader, follower) = made(cast)
    members = path(group, "members")
    empty = cast.alice.put(members, {"followers": []}).json
    assert (empty["status"], empty["pause_reason"]) == ("PAUSED", "NO_FOLLOWERS")
    assert cast.alice.post(path(group, "resume"), {}).error == (409, "NOT_CONFIGURED")
    assert cast.alice.put(members, {"followers": [{"login": follower.login}]}).json["status"] == "ACTIVE"
    assert cast.alice.post(path(group, "pause"), {}).json["pause_reason"] == "CUSTOMER"
    other = cast.house.account(cast.alice)
    both = {"followers": [{"login": follower.login}, {"login": other.login}]}
    assert cast.alice.put(members, both).json["status"] == "PAUSED"  # by hand: only with the box ticked
    assert cast.alice.put(members, {**both, "reactivate": 1}).json["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("reason", "answer"), [("BREACH", (409, "LEADER_BREACHED")), ("STAFF", (403, "PERMISSION_DENIED"))]
)
def test_pauses_that_customers_do_not_lift(cast: Cast, reason: str, answer: tuple[int, str]):
    """D16, D20."""
    group, (_leader, follower) = made(cast)
    with tenant_scope(cast.house.id):
        CopyGroup.objects.update(pause_reason=reason)
    assert cast.alice.post(path(group, "resume"), {}).error == answer
    assert cast.alice.post(path(group, "pause"), {}).json["pause_reason"] == reason
    other = cast.house.account(cast.alice)
    both = {"followers": [{"login": follower.login}, {"login": other.login}], "reactivate": 1}
    assert cast.alice.put(path(group, "members"), both).json["status"] == "PAUSED"


def test_after_a_breach_another_leader_is_an_ordinary_pause():
    """D15."""
    pause = pause_after_edit(
        GroupPause.BREACH, leader_changed=True, has_leader=True, followers=[1], followers_added=False, reactivate=False
    )
    assert pause is GroupPause.NO_LEADER


def test_a_group_ends_when_it_is_meant(cast: Cast):
    group, (leader, follower) = made(cast)
    for body in ({}, {"confirm": False}):
        assert cast.alice.delete(path(group), body).error == (400, "CONFIRMATION_REQUIRED")
    assert cast.alice.delete(path(group), {"confirm": True}).json == {"deleted": True}
    assert cast.alice.get(path(group)).error == (404, "RET_ERR_NOTFOUND")
    assert (role(cast, leader), role(cast, follower)) == (CopyRole.NONE, CopyRole.NONE)
    with tenant_scope(cast.house.id):
        assert not GroupMember.objects.filter(ended_at__isnull=True).exists()
        assert not CopySubscription.objects.filter(ended_at__isnull=True).exists()
    body = {"name": "Funded", "leader_login": follower.login, "followers": [{"login": leader.login}]}
    assert cast.alice.post(ADDRESS, body).status == 200


def test_contract_terms_and_cross_symbols(cast: Cast):
    """R171, R183 to R187."""
    for symbol in ("MNQ", "NQ", "MES", "ES", "EURUSD"):
        listed(cast.house.place, symbol)
    group, (_leader, follower) = made(cast)

    def put(symbol: str, **terms: Any) -> Any:
        return cast.alice.put(path(group, "followers", follower.login, "contracts", symbol), terms)

    def options(symbol: str) -> Any:
        return cast.alice.get(path(group, "contracts", symbol, "cross-options")).json.get("options")

    for leading, crossed in [("MNQ", "NQ"), ("MES", "ES")]:  # R183
        contracts = put(leading, cross_symbol=crossed).json["followers"][0]["contracts"]
        assert {c["symbol"]: c["cross_symbol"] for c in contracts}[leading] == crossed
    for leading, crossed in [("MNQ", "MES"), ("NQ", "MES")]:  # R184
        assert put(leading, cross_symbol=crossed).error == (400, "DIFFERENT_FAMILY")
    assert put("MNQ", cross_symbol="NOTHING").error == (400, "INVALID_DATA")
    assert put("NOTHING", ratio=2).error == (404, "RET_ERR_NOTFOUND")
    for ratio in (0, 11, "2", D("1.5")):
        assert put("MNQ", ratio=ratio).error == (400, "INVALID_DATA")
    assert put("MNQ", cross_symbol="").json["followers"][0]["contracts"][1]["cross_symbol"] == ""  # R186
    assert (options("MNQ"), options("ES"), options("EURUSD"), options("NOTHING")) == (["NQ"], ["MES"], [], None)  # R187
    elsewhere = cast.house.account(cast.alice)
    wrong = path(group, "followers", elsewhere.login, "contracts", "ES")
    assert cast.alice.put(wrong, {"ratio": 2}).error == (404, "RET_ERR_NOTFOUND")


def test_the_sync_switch_of_all_followers(cast: Cast):
    """R177."""
    listed(cast.house.place, "ES")
    group, _accounts = made(cast, 2)
    off = cast.alice.put(path(group, "contracts", "ES", "sync"), {"synced": 0}).json
    assert [f["contracts"][0]["synced"] for f in off["followers"]] == [0, 0]
    assert off["version"] == 2
    on = cast.alice.put(path(group, "contracts", "ES", "sync"), {"synced": 1, "version": 2}).json
    assert [f["contracts"][0]["synced"] for f in on["followers"]] == [1, 1]
    assert cast.alice.put(path(group, "contracts", "NOTHING", "sync"), {"synced": 1}).error == (404, "RET_ERR_NOTFOUND")
    assert cast.alice.put(path(group, "contracts", "ES", "sync"), {}).error == (400, "INVALID_DATA")


def test_somebody_without_an_account_needs_a_connection_first(cast: Cast):
    """R145."""
    stranger = Customer(cast.house.place.person("dora"))
    body = {"name": "Mine", "leader_login": 1, "followers": [{"login": 2}]}
    assert stranger.post(ADDRESS, body).error == (403, "BROKER_CONNECTION_REQUIRED")
