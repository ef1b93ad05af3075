"""R083 to R101 and R130 to R142: who may do what by REST, and how a refusal is called."""

from typing import Any

import pytest

from tests.functional.copy_api import TERMS, master_body, new_login, refusal, told
from tests.support.api import Api
from tests.support.world import Person, World


def api(who: Person | str) -> Api:
    return Api(token=who if isinstance(who, str) else who.token)


def a_master(world: World, owner: Person | None = None, **more: Any) -> dict[str, Any]:
    owner = owner or world.alice
    login = new_login(owner, world.north.real)
    return told(api(owner).post("/copytrade/master", master_body(login, **more)))


def a_follower(world: World, owner: Person | None = None, group: Any = None) -> dict[str, Any]:
    owner = owner or world.bob
    login = new_login(owner, group or world.north.real)
    return told(api(owner).post("/copytrade/follower", {"login": login}))


def subscribe(world: World, master_login: int, follower_login: int, who: Person | None = None) -> tuple[int, str]:
    body = {"master_login": master_login, "follower_login": follower_login}
    return refusal(api(who or world.bob).post("/copytrade/subscription", body))


def test_r088_r132_only_a_real_account_is_a_masters(world: World):
    for group, outcome in ((world.north.demo, (400, "MASTER_ACCOUNT_MUST_BE_REAL")), (world.north.real, (200, ""))):
        login = new_login(world.alice, group)
        assert refusal(api(world.alice).post("/copytrade/master", master_body(login))) == outcome


@pytest.mark.parametrize(("policy", "admitted"), [(0, {"REAL"}), (1, {"DEMO"}), (2, {"REAL", "DEMO"})])
def test_r089_r098_r099_r142_the_master_says_which_accounts_may_follow(world: World, policy: int, admitted: set[str]):
    master = a_master(world, allowed_follower_modes=policy)
    assert master["allowed_follower_modes"] == policy
    # The mode is that of the follower's group; nothing that is sent along says otherwise.
    for mode, group in (("REAL", world.north.real), ("DEMO", world.north.demo)):
        follower = a_follower(world, group=group)
        expected = (200, "") if mode in admitted else (403, "FOLLOWER_MODE_NOT_ALLOWED")
        assert subscribe(world, master["login"], follower["login"]) == expected, mode
    wrong = master_body(new_login(world.alice, world.north.real), allowed_follower_modes=3)
    assert refusal(api(world.alice).post("/copytrade/master", wrong)) == (400, "INVALID_DATA")


def test_r090_r133_a_master_needs_its_terms_in_the_same_request(world: World):
    login = new_login(world.alice, world.north.real)
    body = master_body(login)
    for without in ({k: v for k, v in body.items() if k != "reward_policy"}, {**body, "reward_policy": None}):
        assert refusal(api(world.alice).post("/copytrade/master", without)) == (400, "REWARD_POLICY_REQUIRED")
    assert told(api(world.alice).post("/copytrade/master", body))["reward_policy"]["fee_amount"] == 10


def test_r091_r130_managing_needs_the_session_of_a_customer(world: World):
    master, follower = a_master(world), a_follower(world)
    calls = [
        ("get", "/copytrade/masters"),
        ("get", "/copytrade/my"),
        ("get", "/copytrade/subscriptions?limit=1&offset=0"),
        ("get", "/copytrade/orders"),
        ("get", "/copytrade/trade-links"),
        ("post", "/copytrade/master"),
        ("put", f"/copytrade/master/{master['id']}"),
        ("delete", f"/copytrade/master/{master['id']}"),
        ("get", f"/copytrade/master/{master['id']}/reward-policy"),
        ("post", "/copytrade/follower"),
        ("put", f"/copytrade/follower/{follower['id']}"),
        ("delete", f"/copytrade/follower/{follower['id']}"),
        ("post", "/copytrade/subscription"),
        ("put", "/copytrade/subscription/1"),
        ("delete", "/copytrade/subscription/1"),
        ("post", "/copytrade/groups"),
    ]
    account_session = world.north.session(world.alice.user, world.alice.account)
    for who in ("", "no token", account_session, world.owner, world.north.manager, world.north.dealer):
        for method, path in calls:
            answer = getattr(api(who), method)(path)
            assert refusal(answer) == (401, "INVALID_CUSTOMER_SESSION"), (method, path)


def test_r094_r095_r096_r131_accounts_must_be_the_customers_own(world: World):
    bobs = new_login(world.bob, world.north.real)
    caller = api(world.alice)
    assert refusal(caller.post("/copytrade/master", master_body(bobs))) == (403, "INVALID_ACCOUNT")
    assert refusal(caller.post("/copytrade/follower", {"login": bobs})) == (403, "INVALID_ACCOUNT")
    follower, master = a_follower(world), a_master(world)
    taken = subscribe(world, master["login"], follower["login"], who=world.alice)
    assert taken == (403, "INVALID_FOLLOWER_ACCOUNT")
    for unknown in (999_999_999, world.charlie.login):
        assert refusal(caller.post("/copytrade/master", master_body(unknown))) == (400, "ACCOUNT_NOT_FOUND")
        assert refusal(caller.post("/copytrade/follower", {"login": unknown})) == (400, "ACCOUNT_NOT_FOUND")
        assert subscribe(world, master["login"], unknown) == (400, "ACCOUNT_NOT_FOUND")


REWARDS: dict[int, dict[str, Any]] = {
    0: {"billing_period": "one_time", "fee_amount": 10},
    1: {"billing_period": "weekly", "fee_percent": 20},
    2: {"billing_period": "monthly", "fee_amount": 2},
    3: {"fee_percent": 15},
    4: {"billing_period": "monthly", "fee_percent": 2},
}


@pytest.mark.parametrize("kind", sorted(REWARDS))
def test_r107_r108_r134_each_reward_type_has_fields_of_its_own(world: World, kind: int):
    master = a_master(world)
    path = f"/copytrade/master/{master['id']}/reward-policy"
    caller = api(world.alice)
    terms = {"reward_type": kind, **REWARDS[kind]}
    changed = told(caller.put(path, terms))
    assert {name: changed[name] for name in terms} == terms
    assert told(caller.get(path)) == changed
    foreign = "fee_amount" if "fee_percent" in REWARDS[kind] else "fee_percent"
    wrong: list[dict[str, Any]] = [{**terms, foreign: 1}, {**terms, "billing_period": "daily"}, {"reward_type": 5}]
    wrong += [{**terms, name: 0} for name in ("fee_amount", "fee_percent") if name in REWARDS[kind]]
    if "fee_percent" in REWARDS[kind]:
        wrong.append({**terms, "fee_percent": 11 if kind == 4 else 51})
    for body in wrong:
        assert refusal(caller.put(path, body)) == (400, "INVALID_REWARD_POLICY"), body
    assert told(caller.get(path)) == changed
    whole = master_body(new_login(world.alice, world.north.real), reward_policy={"reward_type": 0})
    assert refusal(caller.post("/copytrade/master", whole)) == (400, "INVALID_REWARD_POLICY")


def test_r135_rewards_are_paid_into_an_own_account_only(world: World):
    own, bobs = new_login(world.alice, world.north.real), new_login(world.bob, world.north.real)
    caller = api(world.alice)
    for payout in (bobs, world.charlie.login, 999_999_999):
        login = new_login(world.alice, world.north.real)
        body = master_body(login, reward_policy={**TERMS, "payout_account_login": payout})
        assert refusal(caller.post("/copytrade/master", body)) == (403, "INVALID_PAYOUT_ACCOUNT")
    master = a_master(world, reward_policy={**TERMS, "payout_account_login": own})
    assert master["reward_policy"]["payout_account_login"] == own
    path = f"/copytrade/master/{master['id']}"
    for change, address in (({"payout_account_login": bobs}, "/reward-policy"), (None, "")):
        body = change or {"reward_policy": {"payout_account_login": bobs}}
        assert refusal(caller.put(path + address, body)) == (403, "INVALID_PAYOUT_ACCOUNT")


def test_r136_records_of_other_customers_and_of_nobody(world: World):
    master, follower = a_master(world), a_follower(world)
    body = {"master_login": master["login"], "follower_login": follower["login"]}
    subscription = told(api(world.bob).post("/copytrade/subscription", body))
    for stranger, path in (
        (world.bob, f"/copytrade/master/{master['id']}"),
        (world.alice, f"/copytrade/follower/{follower['id']}"),
        (world.alice, f"/copytrade/subscription/{subscription['id']}"),
    ):
        for method in ("put", "delete"):
            assert refusal(getattr(api(stranger), method)(path, {})) == (403, "PERMISSION_DENIED")
            assert refusal(getattr(api(world.charlie), method)(path, {})) == (404, "RET_ERR_NOTFOUND")
            nowhere = path.rsplit("/", 1)[0] + "/987654321"
            assert refusal(getattr(api(stranger), method)(nowhere, {})) == (404, "RET_ERR_NOTFOUND")
    terms = f"/copytrade/master/{master['id']}/reward-policy"
    assert refusal(api(world.bob).get(terms)) == (403, "PERMISSION_DENIED")
    assert told(api(world.bob).put(f"/copytrade/subscription/{subscription['id']}", {"enabled": 0}))["enabled"] == 0


def test_r137_r138_r141_no_such_master_then_not_to_be_followed_then_no_such_follower(world: World):
    plain = new_login(world.bob, world.north.real)
    private = a_master(world, visibility="private")
    disabled = a_master(world, enabled=0)
    for unknown in (plain, 999_999_999, world.charlie.login):
        assert subscribe(world, unknown, plain) == (403, "MASTER_NOT_FOUND")
    for unavailable in (private, disabled):
        assert subscribe(world, unavailable["login"], plain) == (403, "MASTER_NOT_AVAILABLE")
    assert subscribe(world, a_master(world)["login"], plain) == (403, "FOLLOWER_NOT_FOUND")
    # The own private one can be followed, a disabled one by nobody.
    own = a_follower(world, world.alice)
    assert subscribe(world, private["login"], own["login"], who=world.alice) == (200, "")
    second = a_follower(world, world.alice)
    assert subscribe(world, disabled["login"], second["login"], who=world.alice) == (403, "MASTER_NOT_AVAILABLE")


def test_the_aliases_of_the_table_of_subscriptions(world: World):
    master, follower, other = a_master(world), a_follower(world), a_follower(world)
    for profile in (follower, other):
        assert subscribe(world, master["login"], profile["login"]) == (200, "")
    first = {"limit": 100, "offset": 0}
    rows = api(world.bob).get("/copytrade/subscriptions", **first).rows()
    assert [row["follower_login"] for row in rows] == [other["login"], follower["login"]]
    for name, value, count in (
        ("master_login", master["login"], 2),
        ("master_account", master["login"], 2),
        ("follower_account", other["login"], 1),
        ("subscription_id", rows[1]["id"], 1),
        ("master_login", other["login"], 0),
    ):
        assert api(world.bob).get("/copytrade/subscriptions", **first, **{name: value})["count"] == count, name
        filtered = api(world.bob).get("/copytrade/subscriptions", **first, where=[[name, "=", value]])
        assert filtered["count"] == count, name
    # The master's side sees them too, a stranger nothing.
    assert api(world.alice).get("/copytrade/subscriptions", **first)["count"] == 2
    carol = world.north.person("carol")
    assert api(carol).get("/copytrade/subscriptions", **first, master_login=master["login"])["count"] == 0
    for missing in first:
        asked = {name: value for name, value in first.items() if name != missing}
        assert refusal(api(world.bob).get("/copytrade/subscriptions", **asked)) == (400, "INVALID_DATA")
    table = api(world.bob).get("/copytrade/subscriptions", **first, format="csv").text.splitlines()
    assert len(table) == 3
