"""Signing in and out of the portal."""

import pytest
from django.conf import settings
from django.test import Client

from tests.browser.scene import PASSWORD, Scene
from tests.integration.portal.conftest import SignIn


def _try(client: Client, scene: Scene, **changes: str) -> object:
    form = {"tenant": "demo", "email": scene.follower_email, "password": PASSWORD, **changes}
    return client.post("/app/sign-in", form)


def test_a_page_leads_to_the_sign_in_and_back(scene: Scene) -> None:
    client = Client()
    asked = client.get("/app/masters?account=0")
    assert asked.headers["Location"] == "/app/sign-in?next=%2Fapp%2Fmasters%3Faccount%3D0"
    answer = _try(client, scene, next="/app/masters?account=0")
    assert answer.headers["Location"] == "/app/masters?account=0"
    assert client.get("/app/masters").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/app/", "//evil.example/app/", "/\\evil.example", "/metrics", ""]
)
def test_the_way_back_never_leaves_the_portal(scene: Scene, target: str) -> None:
    answer = _try(Client(), scene, next=target)
    assert answer.headers["Location"] == "/app/"


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(scene: Scene) -> None:
    client = Client()
    _try(client, scene)
    cookie = client.cookies["ct_token"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "The e-mail address or the password is not right."),
        ({"email": "nobody@northwind.example"}, "The e-mail address or the password is not right."),
        ({"tenant": "nowhere"}, "There is no organisation of this name here."),
        ({"password": ""}, "This field is required."),
    ],
)
def test_a_refused_sign_in_says_why_and_keeps_what_was_typed(
    scene: Scene, changes: dict[str, str], sentence: str
) -> None:
    client = Client()
    answer = _try(client, scene, **changes)
    page = answer.content.decode()
    assert sentence in page
    assert f'value="{changes.get("email", scene.follower_email)}"' in page
    assert "ct_token" not in client.cookies


def test_after_too_many_failures_the_form_says_when_to_come_back(scene: Scene) -> None:
    client = Client()
    for _attempt in range(settings.SIGN_IN_FAILURES_PER_USER):
        _try(client, scene, password="wrong")
    answer = _try(client, scene)
    assert "Too many failed attempts. Try again in about 15 min." in answer.content.decode()
    assert "ct_token" not in client.cookies


def test_signing_out_ends_the_session_itself(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    token = client.cookies["ct_token"].value
    assert client.get("/app/sign-out").status_code == 405
    assert client.post("/app/sign-out").headers["Location"] == "/app/sign-in"
    stolen = Client()
    stolen.cookies["ct_token"] = token
    assert stolen.get("/app/").status_code == 302


def test_a_write_without_the_csrf_token_is_refused(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True)
    assert _try(client, scene).status_code == 403


def test_the_bare_domain_leads_to_the_portal(scene: Scene) -> None:
    assert Client().get("/").headers["Location"] == "/app/"


@pytest.mark.parametrize("path", ["/app/nowhere", "/app", "/console/", "/console/masters", "/app/masters/999999"])
def test_unknown_addresses_are_pages_not_json(sign_in: SignIn, scene: Scene, path: str) -> None:
    answer = sign_in(scene.follower_email).get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "There is nothing here" in answer.content.decode()
