"""Signing in, as section 2 of the contract says."""

from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from pytest_django.fixtures import Settings

from accounts import services
from accounts.lockout import Attempt
from accounts.models import ApiSession
from accounts.services import sign_in
from core.clock import now
from core.errors import DomainError
from tests.support.api import Api
from tests.support.world import BIRTH, PASSWORD, World

ApiOf = Callable[..., Api]


def _credentials(person: object, **more: object) -> dict[str, object]:
    return {"email": person.email, "password": PASSWORD, **more}  # type: ignore[attr-defined]


def test_a_customer_signs_in_and_finds_the_accounts(world: World, api: ApiOf) -> None:
    alice = world.alice
    login = alice.login
    answer = api().post("/customer/auth/login", _credentials(alice, tenant="north"))
    assert answer.status == 200
    token = answer.json.pop("__token")
    assert answer.json == {
        "customer_id": alice.id,
        "email": "alice@north.example",
        "full_name": "Alice",
        "status": "ACTIVE",
        "otp_enabled": 0,
        "created_time": int(BIRTH.timestamp()),
        "accounts": [
            {
                "login": login,
                "enable": 1,
                "leverage": 100,
                "group": "real",
                "name": "Alice",
                "currency": "USD",
                "account_mode": "REAL",
            }
        ],
    }
    claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])
    assert (claims["type"], claims["user"], claims["tenant"]) == ("SESSION_CUSTOMER", alice.id, world.north.id)
    assert claims["exp"] == pytest.approx((now() + timedelta(hours=12)).timestamp(), abs=60)
    me = api(token).get("/customer/me")
    assert (me.status, me["customer_id"]) == (200, alice.id)


def test_the_address_is_found_in_any_case(world: World, api: ApiOf) -> None:
    body = {"email": " ALICE@North.Example ", "password": PASSWORD, "tenant": "north"}
    assert world.alice
    assert api().post("/customer/auth/login", body).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"password": "something else"},
        {"email": "nobody@north.example"},
        {"email": "owner@north.example"},  # staff sign in elsewhere
        {"tenant": "south"},
        {"tenant": "no-such-tenant"},
        {"tenant": "Ø"},
    ],
)
def test_whoever_is_not_found_or_wrong_gets_one_answer(world: World, api: ApiOf, change: dict[str, str]) -> None:
    assert world.alice
    assert world.owner
    assert world.charlie
    answer = api().post("/customer/auth/login", _credentials(world.alice, tenant="north") | change)
    assert (answer.status, answer.error) == (403, "CUSTOMER_NOT_FOUND_OR_INCORRECT")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": None}, "email"),
        ({"email": 5}, "email"),
        ({"password": ""}, "password"),
        ({"password": ["x"]}, "password"),
        ({"tenant": 5}, "tenant"),
        ({"tenant": {"slug": "north"}}, "tenant"),
        ({"email": "a\x00b@north.example"}, "email"),
    ],
)
def test_a_body_of_another_form_is_refused_by_field(world: World, api: ApiOf, change: dict, field: str) -> None:
    answer = api().post("/customer/auth/login", _credentials(world.alice, tenant="north") | change)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert field in answer["message"]


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "", "\xff"])
def test_what_is_no_object_is_refused(world: World, api: ApiOf, body: str) -> None:
    assert world.north
    for address in ("/customer/auth/login", "/manage/auth/login", "/sign/in"):
        answer = api().post(address, body)
        assert (answer.status, answer.error) == (400, "INVALID_DATA")


def test_a_disabled_customer_learns_it_only_with_the_right_password(world: World, api: ApiOf) -> None:
    with world.north.scope():
        services.user_update(user_id=world.alice.id, enabled=False, at=now())
    sign_in = _credentials(world.alice, tenant="north")
    assert api().post("/customer/auth/login", sign_in).error == "CUSTOMER_DISABLED"
    wrong = api().post("/customer/auth/login", sign_in | {"password": "something else"})
    assert wrong.error == "CUSTOMER_NOT_FOUND_OR_INCORRECT"


def test_a_domain_names_the_tenant(world: World, api: ApiOf) -> None:
    body = _credentials(world.charlie)
    assert api(host="south.example").post("/customer/auth/login", body).status == 200
    assert api(host="SOUTH.example:8000").post("/customer/auth/login", body).status == 200
    assert api(host="north.example").post("/customer/auth/login", body).status == 403 if world.north else False


def test_without_domain_and_slug_the_default_tenant_is_meant(world: World, api: ApiOf, settings: Settings) -> None:
    body = _credentials(world.charlie)
    settings.DEFAULT_TENANT = "south"
    assert api().post("/customer/auth/login", body).status == 200
    settings.DEFAULT_TENANT = "nowhere"
    assert api().post("/customer/auth/login", body).error == "CUSTOMER_NOT_FOUND_OR_INCORRECT"


def test_staff_sign_in_with_their_role(world: World, api: ApiOf) -> None:
    for person, kind in (
        (world.owner, "SESSION_ADMIN"),
        (world.north.manager, "SESSION_MANAGER"),
        (world.north.dealer, "SESSION_DEALER"),
        (world.north.crm, "SESSION_CRM_MANAGER"),
    ):
        answer = api().post("/manage/auth/login", _credentials(person, tenant="north"))
        token = answer.json.pop("__token")
        assert answer.json == {"email": person.email, "session_type": kind}
        assert api(token).get("/manage/customers").status == 200


def test_customers_and_disabled_staff_do_not_sign_in_as_staff(world: World, api: ApiOf) -> None:
    with world.north.scope():
        services.user_update(user_id=world.north.dealer.id, enabled=False, at=now())
    for person in (world.alice, world.north.dealer):
        answer = api().post("/manage/auth/login", _credentials(person, tenant="north"))
        assert (answer.status, answer.error) == (403, "USER_NOT_FOUND_OR_INCORRECT")


def test_an_account_signs_in_with_its_own_password(world: World, api: ApiOf) -> None:
    with world.north.scope():
        opened = services.account_open(customer=world.alice.user, group=world.north.real, at=BIRTH)
    body = {"login": opened.account.login, "password": opened.password}
    answer = api().post("/sign/in", body)
    token = answer.json.pop("__token")
    assert answer.json == {
        "login": opened.account.login,
        "group": "real",
        "currency": "USD",
        "leverage": 100,
        "name": "Alice",
        "email": "alice@north.example",
    }
    assert jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])["login"] == opened.account.login
    # it is no customer's session
    assert api(token).get("/customer/me").error == "INVALID_CUSTOMER_SESSION"
    assert api(host="north.example").post("/sign/in", body).status == 200
    assert world.south
    assert api(host="south.example").post("/sign/in", body).error == "USER_NOT_FOUND_OR_INCORRECT"


@pytest.mark.parametrize("change", [{"password": "x"}, {"login": 1}, {"login": 2**63 - 1}])
def test_a_wrong_account_or_password_gets_one_answer(world: World, api: ApiOf, change: dict[str, object]) -> None:
    answer = api().post("/sign/in", {"login": world.alice.login, "password": PASSWORD} | change)
    assert (answer.status, answer.error) == (403, "USER_NOT_FOUND_OR_INCORRECT")


@pytest.mark.parametrize("login", ["100001", True, 10.5, -1, 0, 10**30, None, [1]])
def test_a_login_that_is_no_number_is_refused(world: World, api: ApiOf, login: object) -> None:
    assert world.north
    answer = api().post("/sign/in", {"login": login, "password": "x"})
    assert (answer.status, answer.error) == (400, "INVALID_DATA")


def test_a_disabled_account_and_a_disabled_customer_do_not_sign_in(world: World, api: ApiOf) -> None:
    with world.north.scope():
        opened = services.account_open(customer=world.alice.user, group=world.north.real, at=BIRTH)
        services.account_update(account_id=opened.account.id, enabled=False, at=now())
    body = {"login": opened.account.login, "password": opened.password}
    assert api().post("/sign/in", body).error == "USER_NOT_FOUND_OR_INCORRECT"
    with world.north.scope():
        services.account_update(account_id=opened.account.id, enabled=True, at=now())
        services.user_update(user_id=world.alice.id, enabled=False, at=now())
    assert api().post("/sign/in", body).error == "USER_NOT_FOUND_OR_INCORRECT"


class Counting(MD5PasswordHasher):
    """Counts comparisons, which is where the time of a sign-in goes."""

    algorithm = "counting"
    comparisons = 0

    def verify(self, password: str, encoded: str) -> bool:
        Counting.comparisons += 1
        return super().verify(password, encoded)


def test_a_sign_in_compares_once_whether_there_is_anybody_or_not(world: World, api: ApiOf, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    sign_in._nobody.cache_clear()
    person, login = world.alice, world.alice.login
    by_email, by_login = ("/customer/auth/login", "/manage/auth/login"), "/sign/in"
    tries = [
        (a, {"email": e, "password": "x", "tenant": t})
        for a in by_email
        for e, t in (
            (person.email, "north"),
            (world.owner.email, "north"),
            ("nobody@north.example", "north"),
            (person.email, "nowhere"),
        )
    ]
    tries += [(by_login, {"login": number, "password": "x"}) for number in (login, 1)]
    for address, body in tries:
        Counting.comparisons = 0
        assert api().post(address, body).status == 403
        assert Counting.comparisons == 1, (address, body)
    sign_in._nobody.cache_clear()


# --- Lockout


def test_ten_failures_lock_a_person_out_even_with_the_right_password(world: World, api: ApiOf) -> None:
    right = _credentials(world.alice, tenant="north")
    for _try in range(10):
        assert api().post("/customer/auth/login", right | {"password": "wrong guess"}).status == 403
    locked = api().post("/customer/auth/login", right)
    assert (locked.status, locked.error) == (429, "RET_TOO_FREQUENT")
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert api().post("/customer/auth/login", _credentials(world.bob, tenant="north")).status == 200


def test_a_success_forgets_the_failures_before_it(world: World, api: ApiOf) -> None:
    right = _credentials(world.alice, tenant="north")
    for _round in range(2):
        for _try in range(9):
            assert api().post("/customer/auth/login", right | {"password": "wrong guess"}).status == 403
        assert api().post("/customer/auth/login", right).status == 200


def test_a_person_of_the_same_address_elsewhere_is_not_locked_out(world: World, api: ApiOf) -> None:
    with world.south.scope():
        services.user_create(email="alice@north.example", password=PASSWORD, at=BIRTH)
    right = _credentials(world.alice, tenant="north")
    for _try in range(10):
        api().post("/customer/auth/login", right | {"password": "wrong guess"})
    assert api().post("/customer/auth/login", right | {"tenant": "south"}).status == 200


def test_an_address_is_locked_out_over_many_names(world: World, api: ApiOf, settings: Settings) -> None:
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 5
    for name in range(5):
        body = {"email": f"{name}@north.example", "password": "wrong guess", "tenant": "north"}
        assert api().post("/customer/auth/login", body).status == 403
    right = _credentials(world.alice, tenant="north")
    assert api().post("/customer/auth/login", right).status == 429
    assert api().post("/sign/in", {"login": 5, "password": "x"}).status == 429
    assert api(address="192.0.2.1").post("/customer/auth/login", right).status == 200


def test_guesses_made_at_the_same_time_share_one_limit(settings: Settings) -> None:
    settings.SIGN_IN_FAILURES_PER_USER = 3
    guesses = [Attempt("somebody", f"192.0.2.{n}") for n in range(5)]
    for guess in guesses:
        guess.check()  # all of them get past the door
    for guess in guesses[:3]:
        guess.failed()
    with pytest.raises(DomainError, match="RET_TOO_FREQUENT"):
        guesses[3].failed()
    with pytest.raises(DomainError, match="RET_TOO_FREQUENT"):
        guesses[4].succeeded()


def test_without_redis_people_still_sign_in(world: World, api: ApiOf, settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert api().post("/customer/auth/login", _credentials(world.alice, tenant="north")).status == 200


def test_a_refused_sign_in_leaves_no_session(world: World, api: ApiOf) -> None:
    api().post("/customer/auth/login", {"email": world.alice.email, "password": "wrong guess", "tenant": "north"})
    with world.north.scope():
        assert ApiSession.objects.count() == 0
