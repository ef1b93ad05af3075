"""Customers open accounts; what is shown once is repeated to the key of the request, and readable nowhere else."""

from collections.abc import Callable

from infra.models import IdempotencyRecord
from tests.support.api import Api
from tests.support.world import PASSWORD, World

ApiOf = Callable[..., Api]


def test_a_customer_opens_an_account_in_a_public_group(world: World, api: ApiOf) -> None:
    world.north.demo  # noqa: B018 - made here
    made = api(world.alice).post("/customer/account/open", {"group": "demo"})
    password = made.json.pop("password")
    login = made["login"]
    assert made.json == {
        "login": login,
        "group": "demo",
        "account_mode": "DEMO",
        "currency": "USD",
        "leverage": 100,
    }
    assert api().post("/sign/in", {"login": login, "password": password}).status == 200
    assert [a["login"] for a in api(world.alice).get("/customer/session/accounts")["accounts"]] == [login]


def test_a_customer_opens_no_account_elsewhere(world: World, api: ApiOf) -> None:
    closed, secret = world.north.real, world.north.netting
    with world.north.scope():
        closed.enabled = False
        closed.save()
    caller = api(world.alice)
    assert caller.post("/customer/account/open", {"group": secret.name}).error == "GROUP_NOT_PUBLIC"
    assert caller.post("/customer/account/open", {"group": closed.name}).error == "GROUP_DISABLED"
    assert caller.post("/customer/account/open", {"group": "no such group"}).error == "INVALID_DATA"
    assert caller.post("/customer/account/open", {}).error == "INVALID_DATA"
    assert caller.get("/customer/account/groups").json == {"groups": []}


def test_one_opening_repeated_with_its_key_is_one_account(world: World, api: ApiOf) -> None:
    world.north.real  # noqa: B018 - made here
    caller = api(world.alice)
    first, second = (
        caller.post("/customer/account/open", {"group": "real"}, Idempotency_Key="one") for _try in range(2)
    )
    assert first.json == second.json
    assert len(caller.get("/customer/session/accounts")["accounts"]) == 1


def test_customers_of_one_tenant_see_only_their_own_accounts(world: World, api: ApiOf) -> None:
    assert world.alice.login
    assert world.bob.login
    for person in (world.alice, world.bob):
        accounts = api(person).get("/customer/session/accounts")["accounts"]
        assert [account["login"] for account in accounts] == [person.login]
    assert PASSWORD not in api(world.alice).get("/customer/me").text


def test_a_password_shown_once_is_repeated_to_its_key_and_kept_sealed(world: World, api: ApiOf) -> None:
    customer, group = world.alice.id, world.north.real.name
    body = {"customer_id": customer, "group": group}
    first, second = (api(world.owner).post("/manage/accounts", body, Idempotency_Key="once") for _try in range(2))
    assert first.status == 200
    assert first["password"] == second["password"]
    with world.north.scope():
        kept = bytes(IdempotencyRecord.objects.get(key="once").answer).decode()
    assert first["password"] not in kept
    assert str(first["login"]) not in kept
