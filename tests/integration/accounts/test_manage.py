"""What staff do with people, groups and accounts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import LoginDirectory, ProductConfig, TradingAccount, User
from ledger.models import LedgerAccount
from tests.support.api import Api
from tests.support.world import BIRTH, World

ApiOf = Callable[..., Api]

NEW = {"email": "dora@north.example", "password": "long enough", "full_name": "Dora"}
READS = [
    "/manage/product-configs",
    "/manage/staff",
    "/manage/customers",
    "/manage/account-groups",
    "/manage/accounts",
]

ALL = {
    "modules",
    "staff",
    "staff member",
    "group",
    "customer",
    "customer change",
    "account",
    "account change",
    "balance",
}


def _writes(world: World) -> dict[str, tuple[str, str, dict[str, Any]]]:
    world.north.real  # noqa: B018 - made here
    return {
        "modules": ("put", "/manage/product-configs", {"bot_trading": 0}),
        "staff": ("post", "/manage/staff", {**NEW, "email": "eve@north.example", "session_type": "SESSION_DEALER"}),
        "staff member": ("put", f"/manage/staff/{world.north.person('temp', 'DEALER').id}", {"enabled": 0}),
        "group": ("post", "/manage/account-groups", {"name": "new", "account_mode": "REAL"}),
        "customer": ("post", "/manage/customers", NEW),
        "customer change": ("put", f"/manage/customers/{world.bob.id}", {"full_name": "Robert"}),
        "account": ("post", "/manage/accounts", {"customer_id": world.bob.id, "group": "real"}),
        "account change": ("put", f"/manage/accounts/{world.alice.login}", {"leverage": 50}),
        "balance": ("post", f"/manage/accounts/{world.alice.login}/balance", {"amount": 5}),
    }


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("owner", ALL),
        ("admin", ALL),
        ("manager", {"customer", "customer change", "account", "account change", "balance"}),
        ("dealer", set()),
        ("crm", set()),
    ],
)
def test_every_role_sees_all_and_changes_what_is_its_own(world: World, api: ApiOf, who: str, allowed: set[str]) -> None:
    caller = api(getattr(world.north, who))
    for address in READS:
        assert caller.get(address).status == 200, address
    for name, (method, address, body) in _writes(world).items():
        answer = getattr(caller, method)(address, body)
        if name in allowed:
            assert answer.status == 200, (name, answer.text)
        else:
            assert (answer.status, answer.error) == (403, "PERMISSION_DENIED"), name


def test_customers_and_strangers_reach_no_staff_address(world: World, api: ApiOf) -> None:
    for token, status, code in (
        (world.alice.token, 403, "PERMISSION_DENIED"),
        (world.alice.account_token, 403, "PERMISSION_DENIED"),
        ("", 401, "UNAUTHORIZED"),
    ):
        for address in READS:
            answer = api(token).get(address)
            assert (answer.status, answer.error) == (status, code)
        for method, address, body in _writes(world).values():
            answer = getattr(api(token), method)(address, body)
            assert (answer.status, answer.error) == (status, code)


def test_nothing_of_another_tenant_is_seen_or_changed(world: World, api: ApiOf) -> None:
    alice, stranger = world.alice, world.south.owner
    world.north.real  # noqa: B018 - made here
    login = alice.login
    caller = api(stranger)
    for method, address, body in (
        ("get", f"/manage/customers/{alice.id}", None),
        ("put", f"/manage/customers/{alice.id}", {"enabled": 0}),
        ("put", f"/manage/staff/{world.north.dealer.id}", {"enabled": 0}),
        ("put", f"/manage/accounts/{login}", {"enabled": 0}),
        ("post", f"/manage/accounts/{login}/balance", {"amount": 5}),
    ):
        answer = getattr(caller, method)(address, body)
        assert (answer.status, answer.error) == (404, "RET_ERR_NOTFOUND"), address
    opening = caller.post("/manage/accounts", {"customer_id": alice.id, "group": "real"})
    assert (opening.status, opening.error) == (400, "INVALID_DATA")
    assert {row["email"] for row in caller.get("/manage/staff").rows()} == {"owner@south.example"}
    for address in ("/manage/customers", "/manage/account-groups", "/manage/accounts"):
        assert caller.get(address)["count"] == 0
    assert api(alice).get("/customer/me").status == 200


@pytest.mark.parametrize("record", [0, 1, 10**18, 10**19 - 1, 10**30])
def test_records_that_do_not_exist_are_not_found(world: World, api: ApiOf, record: int) -> None:
    for address in (f"/manage/customers/{record}", f"/manage/staff/{record}", f"/manage/accounts/{record}"):
        answer = api(world.owner).put(address, {"enabled": 0})
        assert (answer.status, answer.error) == (404, "RET_ERR_NOTFOUND")


# --- Modules


def test_modules_are_switched_one_by_one(world: World, api: ApiOf) -> None:
    caller = api(world.owner)
    shown = caller.get("/manage/product-configs").json
    assert (shown["copy_trading"], shown["bot_trading"]) == (1, 1)
    assert caller.put("/manage/product-configs", {"copy_trading": 0}).json == {**shown, "copy_trading": 0}
    neither = {**shown, "copy_trading": 0, "bot_trading": 0}
    assert caller.put("/manage/product-configs", {"bot_trading": False}).json == neither
    for wrong in (2, "1", None):
        assert caller.put("/manage/product-configs", {"copy_trading": wrong}).error == "INVALID_DATA"
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


# --- People


def test_a_customer_is_added_and_signs_in(world: World, api: ApiOf) -> None:
    made = api(world.owner).post("/manage/customers", NEW | {"email": "Dora@North.Example"})
    assert (made.status, made["email"], made["status"]) == (200, "dora@north.example", "ACTIVE")
    answer = api().post("/customer/auth/login", NEW | {"tenant": "north"})
    assert (answer.status, answer["customer_id"]) == (200, made["customer_id"])


@pytest.mark.parametrize("email", ["alice@north.example", "ALICE@north.example", " alice@North.Example "])
def test_an_address_is_used_once_in_a_tenant(world: World, api: ApiOf, email: str) -> None:
    assert world.alice
    answer = api(world.owner).post("/manage/customers", NEW | {"email": email})
    assert (answer.status, answer.error) == (409, "RET_DUPLICATE_RECORD")
    assert api(world.south.owner).post("/manage/customers", NEW | {"email": email}).status == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": ""}, "email"),
        ({"email": f"{'a' * 250}@north.example"}, "email"),
        ({"password": "seven77"}, "password"),
        ({"password": 12345678}, "password"),
        ({"password": "x" * 256}, "password"),
        ({"full_name": "x" * 256}, "full_name"),
        ({"full_name": None}, "full_name"),
        ({"full_name": "\x00"}, "full_name"),
    ],
)
def test_a_customer_of_another_form_is_refused(world: World, api: ApiOf, change: dict[str, Any], field: str) -> None:
    answer = api(world.owner).post("/manage/customers", NEW | change)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert field in answer["message"]
    with world.north.scope():
        assert not User.objects.filter(role="CUSTOMER").exists()


def test_a_customer_is_changed_key_by_key(world: World, api: ApiOf) -> None:
    caller, address = api(world.owner), f"/manage/customers/{world.alice.id}"
    assert caller.put(address, {"full_name": "Alice B."})["full_name"] == "Alice B."
    changed = caller.put(address, {"enabled": 0})
    assert (changed["status"], changed["enabled"], changed["full_name"]) == ("DISABLED", 0, "Alice B.")
    assert caller.put(address, {"enabled": True, "password": "set by staff"})["status"] == "ACTIVE"
    body = {"email": world.alice.email, "password": "set by staff", "tenant": "north"}
    assert api().post("/customer/auth/login", body).status == 200
    assert caller.get(address)["full_name"] == "Alice B."


@pytest.mark.parametrize("change", [{"id": 5}, {"customer_id": 5}, {"email": "x@y.example"}, {"created_time": 1}])
def test_what_cannot_change_is_refused_when_it_differs(world: World, api: ApiOf, change: dict[str, Any]) -> None:
    caller, address = api(world.owner), f"/manage/customers/{world.alice.id}"
    assert caller.put(address, change).error == "INVALID_DATA"
    same = {"id": world.alice.id, "email": world.alice.email, "created_time": int(BIRTH.timestamp())}
    assert caller.put(address, same | {"full_name": "A"}).status == 200


def test_customers_are_a_table(world: World, api: ApiOf) -> None:
    assert world.alice
    assert world.bob
    table = api(world.owner).get("/manage/customers", where=[["email", "like", "b%"]])
    assert table["count"] == 1
    assert table.rows() == [
        {
            "id": world.bob.id,
            "email": "bob@north.example",
            "full_name": "Bob",
            "enabled": 1,
            "created_time": int(BIRTH.timestamp()),
        }
    ]
    assert api(world.owner).get("/manage/customers", where=[["password", "like", "a%"]]).error == "INVALID_DATA"


def test_staff_are_added_and_disabled(world: World, api: ApiOf) -> None:
    caller = api(world.north.admin)
    made = caller.post("/manage/staff", {**NEW, "session_type": "SESSION_CRM_ADMIN"})
    assert (made.status, made["session_type"], made["owner"]) == (200, "SESSION_CRM_ADMIN", 0)
    signed_in = api().post("/manage/auth/login", NEW | {"tenant": "north"})
    assert signed_in["session_type"] == "SESSION_CRM_ADMIN"
    assert caller.put(f"/manage/staff/{made['id']}", {"enabled": 0})["enabled"] == 0
    assert api(signed_in["__token"]).get("/manage/customers").status == 401
    found = caller.get("/manage/staff", where=[["session_type", "=", "SESSION_CRM_ADMIN"]])
    assert [row["email"] for row in found.rows()] == ["dora@north.example"]


@pytest.mark.parametrize("kind", ["SESSION_CUSTOMER", "SESSION_USER", "ADMIN", "", None, 1])
def test_staff_have_a_staff_session_type(world: World, api: ApiOf, kind: object) -> None:
    assert api(world.owner).post("/manage/staff", {**NEW, "session_type": kind}).error == "INVALID_DATA"


def test_an_administrator_may_not_change_an_owner_nor_anybody_themselves(world: World, api: ApiOf) -> None:
    owner, admin = world.owner, world.north.admin
    assert api(admin).put(f"/manage/staff/{owner.id}", {"enabled": 0}).error == "PERMISSION_DENIED"
    assert api(owner).put(f"/manage/staff/{owner.id}", {"enabled": 0}).error == "PERMISSION_DENIED"
    assert api(owner).put(f"/manage/staff/{admin.id}", {"enabled": 0})["enabled"] == 0
    assert api(owner).put(f"/manage/staff/{world.alice.id}", {"enabled": 0}).status == 404
    assert api(owner).put(f"/manage/customers/{admin.id}", {"enabled": 1}).status == 404


# --- Groups


def test_a_group_has_the_defaults_of_the_contract(world: World, api: ApiOf) -> None:
    made = api(world.owner).post("/manage/account-groups", {"name": "Silver & Gold", "account_mode": "DEMO"})
    assert made.status == 200
    assert {key: made[key] for key in made.json if key != "id"} == {
        "name": "Silver & Gold",
        "account_mode": "DEMO",
        "currency": "USD",
        "leverage": 100,
        "position_mode": "HEDGING",
        "margin_call": 100,
        "stop_out": 50,
        "commission_per_lot": 0,
        "public_opening": 0,
        "enabled": 1,
    }


def test_a_group_takes_what_is_given(world: World, api: ApiOf) -> None:
    terms = {
        "name": "x" * 100,
        "account_mode": "REAL",
        "currency": "EUR",
        "leverage": 30,
        "position_mode": "NETTING",
        "margin_call": Decimal("120.5"),
        "stop_out": "80.25",
        "commission_per_lot": "3.5",
        "public_opening": True,
    }
    made = api(world.owner).post("/manage/account-groups", terms)
    expected = terms | {"stop_out": Decimal("80.25"), "commission_per_lot": Decimal("3.5"), "public_opening": 1}
    assert {key: made[key] for key in terms} == expected


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": None},
        {"account_mode": "real"},
        {"account_mode": None},
        {"currency": "usd"},
        {"currency": "$"},
        {"leverage": 0},
        {"leverage": 2**40},
        {"leverage": "100"},
        {"position_mode": "BOTH"},
        {"margin_call": -1},
        {"stop_out": "NaN"},
        {"commission_per_lot": -1},
        {"commission_per_lot": "1e3"},
        {"public_opening": "yes"},
    ],
)
def test_a_group_of_another_form_is_refused(world: World, api: ApiOf, change: dict[str, Any]) -> None:
    answer = api(world.owner).post("/manage/account-groups", {"name": "new", "account_mode": "REAL"} | change)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert next(iter(change)) in answer["message"]


def test_group_names_are_used_once(world: World, api: ApiOf) -> None:
    body = {"name": "new", "account_mode": "REAL"}
    assert api(world.owner).post("/manage/account-groups", body).status == 200
    assert api(world.owner).post("/manage/account-groups", body).error == "RET_DUPLICATE_RECORD"
    assert api(world.south.owner).post("/manage/account-groups", body).status == 200


# --- Accounts


def test_an_account_is_opened_with_money_and_signs_in(world: World, api: ApiOf) -> None:
    body = {"customer_id": world.alice.id, "group": world.north.real.name, "leverage": 30, "balance": "1234.56"}
    made = api(world.north.manager).post("/manage/accounts", body)
    assert (made.status, made["leverage"], made["balance"]) == (200, 30, Decimal("1234.56"))
    assert api().post("/sign/in", {"login": made["login"], "password": made["password"]}).status == 200
    assert LoginDirectory.objects.get(login=made["login"]).tenant_id == world.north.id
    with world.north.scope():
        account = TradingAccount.objects.get(login=made["login"])
        assert LedgerAccount.objects.get(pk=account.pk).currency == "USD"
    row = api(world.owner).get("/manage/accounts", where=[["login", "=", made["login"]]]).rows()[0]
    assert (row["email"], row["group"], row["balance"]) == ("alice@north.example", "real", Decimal("1234.56"))


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": 1},
        {"customer_id": "1"},
        {"group": "no such group"},
        {"leverage": 0},
        {"balance": -1},
        {"balance": "1.001"},
    ],
)
def test_an_account_that_cannot_be_opened_is_not(world: World, api: ApiOf, change: dict[str, Any]) -> None:
    body = {"customer_id": world.alice.id, "group": world.north.real.name, "balance": 10}
    answer = api(world.owner).post("/manage/accounts", body | change)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert next(iter(change)) in answer["message"]
    with world.north.scope():
        assert TradingAccount.objects.count() == LoginDirectory.objects.count() == 0


def test_staff_cannot_be_given_an_account(world: World, api: ApiOf) -> None:
    body = {"customer_id": world.north.dealer.id, "group": world.north.real.name}
    assert api(world.owner).post("/manage/accounts", body).error == "INVALID_DATA"


def test_an_account_is_changed_key_by_key(world: World, api: ApiOf) -> None:
    caller, address = api(world.owner), f"/manage/accounts/{world.alice.login}"
    assert caller.put(address, {"leverage": 20})["leverage"] == 20
    changed = caller.put(address, {"group": world.north.charging.name, "enabled": 0})
    assert (changed["group"], changed["enabled"], changed["leverage"]) == ("charging", 0, 20)
    for group in (world.north.demo, world.north.netting, world.north.group("euro", currency="EUR")):
        assert caller.put(address, {"group": group.name}).error == "INVALID_DATA"
    assert caller.put(address, {"login": 5}).error == "INVALID_DATA"
    assert caller.put(address, {"login": world.alice.login})["group"] == "charging"


def test_money_is_paid_in_and_out(world: World, api: ApiOf) -> None:
    caller, address = api(world.owner), f"/manage/accounts/{world.alice.login}/balance"
    assert caller.post(address, {"amount": "0.01", "comment": "gift"})["balance"] == Decimal("10000.01")
    paid_out = caller.post(address, {"amount": -10000})
    assert (paid_out["balance"], paid_out["amount"]) == (Decimal("0.01"), -10000)
    refused = caller.post(address, {"amount": "-0.02"})
    assert (refused.status, refused.error) == (403, "RET_TRADE_NO_MONEY")
    for wrong in (0, "0.001", "x", None, "1e2"):
        assert caller.post(address, {"amount": wrong}).error == "INVALID_DATA"
    with world.north.scope():
        assert TradingAccount.objects.get(login=world.alice.login).balance == Decimal("0.01")
