"""R080, R095, R102, R131, R136: follower profiles."""

import pytest

from accounts.models import TradingAccount
from copytrade.models import CopyFollower
from core.states import CopyRole
from infra.tenancy import tenant_scope
from tests.support.copying import Cast

KEYS = {"id", "login", "enabled", "manual_trading_mode", "max_master_count", "created_time", "updated_time"}


def stored(cast: Cast, login: int) -> TradingAccount:
    with tenant_scope(cast.house.id):
        return TradingAccount.objects.get(login=login)


def test_a_follower_is_created_with_its_defaults(cast: Cast):
    login = cast.house.account(cast.bob, "demo").login
    answer = cast.bob.post("/copytrade/follower", {"login": login})
    assert answer.status == 200, answer.text
    assert set(answer.json) == KEYS
    assert (answer.json["enabled"], answer.json["manual_trading_mode"], answer.json["max_master_count"]) == (1, 2, 1)
    assert stored(cast, login).copy_role == CopyRole.FOLLOWER
    assert cast.bob.get("/copytrade/my").json == {"masters": [], "followers": [answer.json], "subscriptions": []}


def test_the_manual_trading_mode_is_kept_on_the_account(cast: Cast):
    login = cast.house.account(cast.bob).login
    follower = cast.bob.post("/copytrade/follower", {"login": login, "manual_trading_mode": 0}).json
    assert stored(cast, login).manual_trading_mode == 0
    path = f"/copytrade/follower/{follower['id']}"
    changed = cast.bob.put(path, {"manual_trading_mode": 1, "max_master_count": 10, "enabled": False}).json
    assert (changed["manual_trading_mode"], changed["max_master_count"], changed["enabled"]) == (1, 10, 0)
    assert stored(cast, login).manual_trading_mode == 1
    assert cast.bob.put(path, {**changed, "enabled": 1}).json["manual_trading_mode"] == 1
    # Without a profile nobody could change the mode any more.
    assert cast.bob.delete(path).json == {"deleted": True}
    assert stored(cast, login).manual_trading_mode == 2
    assert stored(cast, login).copy_role == CopyRole.NONE


def test_errors(cast: Cast):
    own, bobs = cast.house.account(cast.alice), cast.house.account(cast.bob)
    charlies = cast.other_house.account(cast.charlie)

    def refusal(**keys: object) -> tuple[int, str]:
        return cast.alice.post("/copytrade/follower", keys).error

    assert refusal() == (400, "INVALID_DATA")
    assert refusal(login=charlies.login) == (400, "ACCOUNT_NOT_FOUND")
    assert refusal(login=bobs.login) == (403, "INVALID_ACCOUNT")
    cast.house.master(cast.alice, own)
    assert refusal(login=own.login) == (403, "CIRCULAR_COPY")
    twice = cast.house.follower(cast.alice)
    assert refusal(login=twice.account.login) == (409, "RET_DUPLICATE_RECORD")
    with tenant_scope(cast.house.id):
        assert CopyFollower.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"max_master_count": 0}, {"max_master_count": 11}, {"manual_trading_mode": 3}, {"enabled": None}]
)
def test_bad_values_change_nothing(cast: Cast, changes: dict[str, object]):
    follower = cast.house.follower(cast.bob)
    before = cast.bob.get("/copytrade/my").json
    answer = cast.bob.put(f"/copytrade/follower/{follower.pk}", {**changes, "login": follower.account.login})
    assert answer.error == (400, "INVALID_DATA")
    assert next(iter(changes)) in answer.json["message"]
    assert cast.bob.get("/copytrade/my").json == before


def test_a_follower_with_subscriptions_is_not_ended(cast: Cast):
    follower = cast.house.follower(cast.bob)
    subscription = cast.house.subscription(cast.bob, cast.house.master(cast.alice), follower)
    path = f"/copytrade/follower/{follower.pk}"
    assert cast.bob.delete(path).error == (409, "HAS_SUBSCRIPTIONS")
    assert cast.bob.delete(f"/copytrade/subscription/{subscription.pk}").status == 200
    assert cast.bob.delete(path).status == 200
    assert cast.bob.delete(path).error == (404, "RET_ERR_NOTFOUND")


def test_records_of_others(cast: Cast):
    path = f"/copytrade/follower/{cast.house.follower(cast.bob).pk}"
    for method in ("put", "delete"):
        assert getattr(cast.alice, method)(path, {}).error == (403, "PERMISSION_DENIED")
        assert getattr(cast.charlie, method)(path, {}).error == (404, "RET_ERR_NOTFOUND")
        assert getattr(cast.nobody, method)(path, {}).error == (401, "INVALID_CUSTOMER_SESSION")


def test_a_group_of_another_currency_is_no_obstacle(cast: Cast):
    login = cast.house.account(cast.bob, cast.house.place.group("euro", currency="EUR")).login
    assert cast.bob.post("/copytrade/follower", {"login": login}).status == 200
