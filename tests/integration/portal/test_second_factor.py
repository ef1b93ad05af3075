"""Setting up the second factor on the profile page, and signing in with it."""

import re

import pyotp
from django.test import Client

from tests.browser.scene import PASSWORD, Scene
from tests.integration.portal.conftest import SignIn


def _set_up(client: Client) -> str:
    page = client.post("/app/profile/second-factor").content.decode()
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found
    assert "otpauth://totp/" in page
    return found[1].replace(" ", "")


def _try(scene: Scene, **more: str) -> str:
    form = {"tenant": "demo", "email": scene.follower_email, "password": PASSWORD, **more}
    client = Client()
    client.post("/app/sign-in", form)
    return "in" if "ct_token" in client.cookies else "out"


def test_it_is_asked_for_only_after_a_code_was_typed(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    secret = _set_up(client)
    assert _try(scene) == "in"
    wrong = client.post("/app/profile/second-factor/on", {"code": "12 34"}).content.decode()
    assert "The code is not right" in wrong
    assert secret not in wrong
    assert _try(scene) == "in"
    client.post("/app/profile/second-factor/on", {"code": pyotp.TOTP(secret).now()})
    assert "Switch it off" in client.get("/app/profile").content.decode()
    assert _try(scene) == "out"
    assert _try(scene, otp_code=pyotp.TOTP(secret).now()) == "in"


def test_it_is_switched_off_with_a_code_only(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    secret = _set_up(client)
    client.post("/app/profile/second-factor/on", {"code": pyotp.TOTP(secret).now()})
    refused = client.post("/app/profile/second-factor/off", {"code": "000 000"}).content.decode()
    assert "The code is not right" in refused
    assert _try(scene) == "out"
    client.post("/app/profile/second-factor/off", {"code": pyotp.TOTP(secret).now()})
    assert _try(scene) == "in"


def test_a_second_key_while_it_is_on_is_refused_in_words(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    client.post("/app/profile/second-factor/on", {"code": pyotp.TOTP(_set_up(client)).now()})
    page = client.post("/app/profile/second-factor", follow=True).content.decode()
    assert "Switch it off first" in page
