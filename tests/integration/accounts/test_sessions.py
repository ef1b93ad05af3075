"""Tokens at every request: whose they are, where they count, and when they end."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client

from accounts import services
from accounts.middleware import COOKIE
from accounts.models import AccountGroup, ApiSession
from accounts.selectors import actor_for_token
from core.clock import now
from infra.actor import Actor
from tests.support.api import Api
from tests.support.world import PASSWORD, Person, World

ApiOf = Callable[..., Api]

CUSTOMER_ADDRESS, STAFF_ADDRESS = "/customer/me", "/manage/customers"


def _refused(api: ApiOf, token: str, **options: str) -> bool:
    """Whether both kinds of addresses take the token for no session, each in its own words."""
    customer = api(token, **options).get(CUSTOMER_ADDRESS)
    staff = api(token, **options).get(STAFF_ADDRESS)
    return (customer.status, customer.error, staff.status, staff.error) == (
        401,
        "INVALID_CUSTOMER_SESSION",
        401,
        "UNAUTHORIZED",
    )


def test_without_a_token_nobody_is_let_in(world: World, api: ApiOf) -> None:
    assert world.alice
    assert _refused(api, "")
    assert _refused(api, "", host="north.example")
    assert _refused(api, "not.a.token")


def test_the_token_comes_raw_or_as_bearer(world: World, api: ApiOf) -> None:
    for header in (world.alice.token, f"Bearer {world.alice.token}", f"bearer  {world.alice.token} "):
        assert api(header).get("/customer/me").status == 200
    assert _refused(api, f"Basic {world.alice.token}")


def test_addresses_match_with_a_slash_at_the_end(world: World, api: ApiOf) -> None:
    assert api(world.alice).get("/customer/me/").status == 200
    body = {"email": world.alice.email, "password": PASSWORD, "tenant": "north"}
    assert api().post("/customer/auth/login/", body).status == 200


def test_a_session_of_another_type_is_told_so(world: World, api: ApiOf) -> None:
    assert api(world.owner).get("/customer/me").error == "INVALID_CUSTOMER_SESSION"
    denied = api(world.alice).get("/manage/customers")
    assert (denied.status, denied.error) == (403, "PERMISSION_DENIED")
    assert api(world.alice.account_token).get("/manage/customers").error == "PERMISSION_DENIED"


def test_the_token_names_the_tenant_on_a_host_without_one(world: World, api: ApiOf) -> None:
    assert api(world.alice).get("/customer/me")["customer_id"] == world.alice.id
    assert api(world.charlie).get("/customer/me")["customer_id"] == world.charlie.id


def test_a_token_counts_only_on_its_own_domain(world: World, api: ApiOf) -> None:
    assert world.south
    assert api(world.alice, host="north.example").get("/customer/me").status == 200
    assert _refused(api, world.alice.token, host="south.example")
    assert _refused(api, world.owner.token, host="south.example")


def test_a_token_is_refused_when_it_expires(world: World, api: ApiOf) -> None:
    token = world.alice.token
    with time_machine.travel(now() + timedelta(hours=11, minutes=59), tick=False):
        assert api(token).get("/customer/me").status == 200
    with time_machine.travel(now() + timedelta(hours=12, seconds=1), tick=False):
        assert _refused(api, token)


def test_the_stored_expiry_counts_too(world: World, api: ApiOf) -> None:
    token = world.alice.token
    with world.north.scope():
        ApiSession.objects.update(expires_at=now() - timedelta(seconds=1))
    assert _refused(api, token)


def test_logout_ends_this_session_and_no_other(world: World, api: ApiOf) -> None:
    other = world.north.session(world.alice.user)
    assert api(world.alice).post("/customer/auth/logout").status == 200
    assert _refused(api, world.alice.token)
    assert api(world.alice).post("/customer/auth/logout").error == "INVALID_CUSTOMER_SESSION"
    assert api(other).get("/customer/me").status == 200


def test_a_new_password_ends_all_other_sessions(world: World, api: ApiOf) -> None:
    alice = world.alice
    others = [world.north.session(alice.user), alice.account_token]
    body = {"password": PASSWORD, "new_password": "an entirely new one"}
    assert api(alice).post("/customer/auth/password", body).status == 200
    assert api(alice).get("/customer/me").status == 200
    assert all(_refused(api, token) for token in others)
    sign_in = {"email": alice.email, "tenant": "north"}
    assert api().post("/customer/auth/login", sign_in | {"password": PASSWORD}).status == 403
    assert api().post("/customer/auth/login", sign_in | {"password": "an entirely new one"}).status == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"password": "not mine", "new_password": "an entirely new one"}, "INVALID_PASSWORD"),
        ({"password": PASSWORD, "new_password": "seven77"}, "INVALID_DATA"),
        ({"password": PASSWORD}, "INVALID_DATA"),
        ({"new_password": "an entirely new one"}, "INVALID_DATA"),
    ],
)
def test_a_refused_change_of_password_changes_nothing(world: World, api: ApiOf, body: dict, error: str) -> None:
    other = world.north.session(world.alice.user)
    assert api(world.alice).post("/customer/auth/password", body).error == error
    assert api(other).get("/customer/me").status == 200


def test_guessing_the_password_with_a_stolen_session_locks_it(world: World, api: ApiOf) -> None:
    for _try in range(10):
        body = {"password": "guess", "new_password": "an entirely new one"}
        assert api(world.alice).post("/customer/auth/password", body).error == "INVALID_PASSWORD"
    body = {"password": PASSWORD, "new_password": "an entirely new one"}
    assert api(world.alice).post("/customer/auth/password", body).error == "RET_TOO_FREQUENT"


def _disable_user(world: World) -> None:
    services.user_update(user_id=world.alice.id, enabled=False, at=now())


def _new_password(world: World) -> None:
    services.user_update(user_id=world.alice.id, password="set by staff", at=now())


@pytest.mark.parametrize("change", [_disable_user, _new_password])
def test_what_staff_do_ends_sessions_at_once(world: World, api: ApiOf, change: Callable[[World], None]) -> None:
    tokens = [world.alice.token, world.alice.account_token]
    with world.north.scope():
        change(world)
    assert all(_refused(api, token) for token in tokens)
    assert api(world.bob).get("/customer/me").status == 200


def test_sessions_do_not_come_back_when_a_customer_is_enabled_again(world: World, api: ApiOf) -> None:
    token = world.alice.token
    with world.north.scope():
        services.user_update(user_id=world.alice.id, enabled=False, at=now())
        services.user_update(user_id=world.alice.id, enabled=True, at=now())
    assert _refused(api, token)


def test_a_disabled_account_has_no_session_but_its_customer_has(world: World) -> None:
    alice = world.alice
    assert actor_for_token(alice.account_token, now()) is not None
    with world.north.scope():
        services.account_update(account_id=alice.account.id, enabled=False, at=now())
    assert actor_for_token(alice.account_token, now()) is None
    assert actor_for_token(alice.token, now()) is not None


def test_the_bearer_of_a_token_is_read_with_one_query(
    world: World, django_assert_num_queries: Callable[..., AbstractContextManager[object]]
) -> None:
    alice = world.alice
    token = alice.account_token
    with django_assert_num_queries(4):  # savepoint, tenant, the query, release
        actor = actor_for_token(token, now())
    assert actor == Actor(
        session_type="SESSION_USER",
        user_id=alice.id,
        tenant_id=world.north.id,
        account_id=alice.account.id,
        login=alice.login,
        session_id=actor.session_id if actor else "",
    )


def test_an_owner_is_known_as_one(world: World) -> None:
    owner, admin = (actor_for_token(person.token, now()) for person in (world.owner, world.north.admin))
    assert (owner and owner.owner, admin and admin.owner) == (True, False)


@pytest.mark.parametrize("change", [{"type": "SESSION_ADMIN"}, {"user": 1}, {"login": 5}, {"sid": str(UUID(int=1))}])
def test_a_token_that_differs_from_its_session_is_refused(world: World, change: dict[str, object]) -> None:
    payload = jwt.decode(world.alice.token, configured.SECRET_KEY, algorithms=["HS256"])
    forged = jwt.encode({**payload, **change}, configured.SECRET_KEY, algorithm="HS256")
    assert actor_for_token(forged, now()) is None


def test_a_session_of_one_tenant_is_not_found_in_another(world: World) -> None:
    payload = jwt.decode(world.alice.token, configured.SECRET_KEY, algorithms=["HS256"])
    forged = jwt.encode({**payload, "tenant": world.south.id}, configured.SECRET_KEY, algorithm="HS256")
    assert actor_for_token(forged, now()) is None


# --- Cookies


def _browser(person: Person) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = person.token
    return client


def test_a_cookie_carries_the_token_and_reads_freely(world: World) -> None:
    assert _browser(world.alice).get("/customer/me").status_code == 200


def test_a_write_by_cookie_needs_the_csrf_token(world: World) -> None:
    world.north.real  # noqa: B018 - made here
    browser = _browser(world.alice)
    refused = browser.post("/customer/account/open", {"group": "real"}, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]) == (403, "CSRF_FAILED")
    browser.cookies["csrftoken"] = "a" * 32
    accepted = browser.post(
        "/customer/account/open",
        {"group": "real"},
        content_type="application/json",
        headers={"X-CSRFToken": "a" * 32},
    )
    assert accepted.status_code == 200


def test_a_token_in_the_header_needs_no_csrf_token(world: World) -> None:
    world.north.real  # noqa: B018 - made here
    client = Client(enforce_csrf_checks=True, headers={"Authorization": world.alice.token})
    opened = client.post("/customer/account/open", {"group": "real"}, content_type="application/json")
    assert opened.status_code == 200


def test_a_wrong_header_is_not_rescued_by_a_cookie(world: World, api: ApiOf) -> None:
    caller = api("not.a.token")
    caller.client.cookies[COOKIE] = world.alice.token
    assert caller.get("/customer/me").status == 401


def test_signing_in_needs_no_csrf_token_and_ignores_an_old_cookie(world: World) -> None:
    browser = _browser(world.alice)
    body = {"email": world.charlie.email, "password": PASSWORD, "tenant": "south"}
    answer = browser.post("/customer/auth/login", body, content_type="application/json")
    assert (answer.status_code, answer.json()["customer_id"]) == (200, world.charlie.id)


def test_logout_by_cookie_takes_the_cookie_away(world: World) -> None:
    browser = _browser(world.alice)
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post("/customer/auth/logout", content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 200
    assert answer.cookies[COOKIE].value == ""


# --- What a refusal leaves behind


@pytest.mark.django_db(transaction=True)
def test_a_refused_write_leaves_nothing_and_an_accepted_one_stays(world: World, api: ApiOf) -> None:
    owner = world.owner
    body = {"name": "new", "account_mode": "REAL"}
    assert api(owner).post("/manage/account-groups", body).status == 200
    assert api(owner).post("/manage/account-groups", body).error == "RET_DUPLICATE_RECORD"
    with world.north.scope():
        assert [group.name for group in AccountGroup.objects.all()] == ["new"]
