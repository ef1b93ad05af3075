"""The second factor: switched on with a code, asked at sign-in, never taken twice."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyotp
import pytest

from accounts.models import User
from accounts.services.second_factor import STEP_SECONDS, otp_check
from core.clock import from_unix, now, unix
from core.errors import DomainError
from tests.support.api import Api
from tests.support.world import PASSWORD, Person, World

ApiOf = Callable[..., Api]


def code_of(secret: str, steps: int = 0, at: datetime | None = None) -> str:
    """The code of the present step, or of one before or after it."""
    totp = pyotp.TOTP(secret)
    return totp.generate_otp(totp.timecode(at or now()) + steps)


def wrong(secret: str) -> str:
    """Six digits that no step of the window has."""
    near = {code_of(secret, steps) for steps in range(-3, 4)}
    return next(code for code in (f"{digit}" * 6 for digit in range(10)) if code not in near)


def switched_on(api: Api, address: str = "/customer/auth/otp") -> str:
    secret = str(api.get(address)["secret"])
    assert api.put(address, {"otp_code": code_of(secret)}).status == 200
    return secret


def signing_in(person: Person, **more: Any) -> dict[str, Any]:
    return {"email": person.email, "password": PASSWORD, "tenant": person.place.slug, **more}


def test_it_is_on_only_after_a_code(world: World, api: ApiOf) -> None:
    alice = api(world.alice)
    offered = alice.get("/customer/auth/otp")
    assert offered.status == 200
    uri = pyotp.parse_uri(offered["provisioning_uri"])
    assert isinstance(uri, pyotp.TOTP)
    assert (uri.secret, uri.digits, uri.interval, uri.digest().name) == (offered["secret"], 6, 30, "sha1")
    assert (uri.name, uri.issuer) == ("alice@north.example", "North")
    assert alice.get("/customer/me")["otp_enabled"] == 0
    assert api().post("/customer/auth/login", signing_in(world.alice)).status == 200
    again = alice.get("/customer/auth/otp")["secret"]
    assert again != offered["secret"]
    stale = alice.put("/customer/auth/otp", {"otp_code": code_of(offered["secret"])})
    assert (stale.status, stale.error) == (403, "INVALID_OTP_CODE")
    done = alice.put("/customer/auth/otp", {"otp_code": code_of(again)})
    assert (done.status, done.json) == (200, {"otp_enabled": 1})
    assert alice.get("/customer/me")["otp_enabled"] == 1
    assert api(world.bob).get("/customer/me")["otp_enabled"] == 0


def test_a_sign_in_asks_for_the_code(world: World, api: ApiOf) -> None:
    secret = switched_on(api(world.alice))
    for body in (signing_in(world.alice), signing_in(world.alice, otp_code="")):
        answer = api().post("/customer/auth/login", body)
        assert (answer.status, answer.error) == (403, "OTP_REQUIRED")
    refused = api().post("/customer/auth/login", signing_in(world.alice, otp_code=wrong(secret)))
    assert (refused.status, refused.error) == (403, "INVALID_OTP_CODE")
    # with a wrong password nobody learns that there is a second factor
    body = signing_in(world.alice, password="something else", otp_code=code_of(secret))
    assert api().post("/customer/auth/login", body).error == "CUSTOMER_NOT_FOUND_OR_INCORRECT"
    answer = api().post("/customer/auth/login", signing_in(world.alice, otp_code=code_of(secret)))
    assert (answer.status, answer["otp_enabled"]) == (200, 1)


def test_a_code_signs_in_once_and_none_before_it_either(world: World, api: ApiOf) -> None:
    secret = switched_on(api(world.alice))
    used, earlier = code_of(secret), code_of(secret, -1)
    assert api().post("/customer/auth/login", signing_in(world.alice, otp_code=used)).status == 200
    for code in (used, earlier):
        answer = api().post("/customer/auth/login", signing_in(world.alice, otp_code=code))
        assert (answer.status, answer.error) == (403, "INVALID_OTP_CODE")
    # nor does a used code switch it off
    assert api(world.alice).delete("/customer/auth/otp", {"otp_code": used}).error == "INVALID_OTP_CODE"
    assert api().post("/customer/auth/login", signing_in(world.alice, otp_code=code_of(secret, 1))).status == 200


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_around_its_own(world: World, api: ApiOf, steps: int, right: bool) -> None:
    secret = switched_on(api(world.alice))
    at = from_unix(unix(now()) // STEP_SECONDS * STEP_SECONDS + 15)
    with world.north.scope():
        user = User.objects.get(pk=world.alice.id)
        code = code_of(secret, steps, at)
        if right:
            otp_check(user=user, code=code, address="10.0.0.1", at=at)
        else:
            with pytest.raises(DomainError, match="INVALID_OTP_CODE"):
                otp_check(user=user, code=code, address="10.0.0.1", at=at)


def test_guessing_codes_locks_the_person_out(world: World, api: ApiOf) -> None:
    secret = switched_on(api(world.alice))
    caller = api()
    for _guess in range(10):
        assert (
            caller.post("/customer/auth/login", signing_in(world.alice, otp_code=wrong(secret))).error
            == "INVALID_OTP_CODE"
        )
    answer = caller.post("/customer/auth/login", signing_in(world.alice, otp_code=code_of(secret)))
    assert (answer.status, answer.error) == (429, "RET_TOO_FREQUENT")
    assert int(answer.headers["Retry-After"]) > 0


def test_the_right_password_does_not_forgive_wrong_codes(world: World, api: ApiOf) -> None:
    secret = switched_on(api(world.alice))
    caller = api()
    for _guess in range(9):
        caller.post("/customer/auth/login", signing_in(world.alice, otp_code=wrong(secret)))
        assert caller.post("/customer/auth/login", signing_in(world.alice)).error == "OTP_REQUIRED"
    caller.post("/customer/auth/login", signing_in(world.alice, otp_code=wrong(secret)))
    assert caller.post("/customer/auth/login", signing_in(world.alice)).status == 429


def test_it_is_switched_off_with_a_code_only(world: World, api: ApiOf) -> None:
    alice = api(world.alice)
    assert alice.delete("/customer/auth/otp", {"otp_code": "123456"}).error == "OTP_NOT_ENABLED"
    secret = switched_on(alice)
    for answer in (alice.get("/customer/auth/otp"), alice.put("/customer/auth/otp", {"otp_code": code_of(secret)})):
        assert (answer.status, answer.error) == (409, "OTP_ALREADY_ENABLED")
    assert alice.delete("/customer/auth/otp").error == "INVALID_DATA"
    assert alice.delete("/customer/auth/otp", {"otp_code": wrong(secret)}).error == "INVALID_OTP_CODE"
    gone = alice.delete("/customer/auth/otp", {"otp_code": code_of(secret)})
    assert (gone.status, gone.json) == (200, {"otp_enabled": 0})
    assert api().post("/customer/auth/login", signing_in(world.alice)).status == 200
    with world.north.scope():
        assert User.objects.get(pk=world.alice.id).otp_secret == ""


def test_without_a_prepared_secret_no_code_is_right(world: World, api: ApiOf) -> None:
    answer = api(world.alice).put("/customer/auth/otp", {"otp_code": "123456"})
    assert (answer.status, answer.error) == (403, "INVALID_OTP_CODE")


@pytest.mark.parametrize("code", [123456, None, "", "1" * 17, ["123456"]])
def test_a_code_is_text(world: World, api: ApiOf, code: object) -> None:
    assert api(world.alice).put("/customer/auth/otp", {"otp_code": code}).error == "INVALID_DATA"


def test_staff_have_one_too(world: World, api: ApiOf) -> None:
    owner = world.owner
    assert api(owner).get("/customer/auth/otp").error == "INVALID_CUSTOMER_SESSION"
    assert api(world.alice).get("/manage/auth/otp").error == "PERMISSION_DENIED"
    secret = switched_on(api(owner), "/manage/auth/otp")
    assert api().post("/manage/auth/login", signing_in(owner)).error == "OTP_REQUIRED"
    assert api().post("/manage/auth/login", signing_in(owner, otp_code=wrong(secret))).error == "INVALID_OTP_CODE"
    answer = api().post("/manage/auth/login", signing_in(owner, otp_code=code_of(secret)))
    assert (answer.status, answer["session_type"]) == (200, "SESSION_ADMIN")


def test_the_secret_is_not_readable_in_the_database(world: World, api: ApiOf) -> None:
    secret = switched_on(api(world.alice))
    with world.north.scope():
        stored = User.objects.get(pk=world.alice.id).otp_secret
    assert stored
    assert secret not in stored
