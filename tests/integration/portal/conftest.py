"""The portal's pages through Django's test client, with the scene of the browser tests."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import directory
from core import clock
from tests.browser.scene import PASSWORD, Scene, scene_build

SignIn = Callable[[str], Client]


@pytest.fixture
def scene(db: None) -> Scene:
    """Leader, follower, newcomer; nothing open yet."""
    directory.forget()
    built = scene_build(clock.now())
    directory.forget()
    return built


@pytest.fixture
def sign_in(scene: Scene) -> SignIn:
    """A browser that is signed in as the customer with this address."""

    def signed_in(email: str) -> Client:
        client = Client()
        answer = client.post("/app/sign-in", {"tenant": "demo", "email": email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
        return client

    return signed_in
