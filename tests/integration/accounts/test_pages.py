"""Pages in the middleware's hands, with views of the simplest kind in the portal's place."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from accounts import services
from accounts.middleware import COOKIE
from accounts.models import AccountGroup
from core.clock import now
from tests.support.world import World

pytestmark = pytest.mark.urls(__name__)


def _tenant_shown(request: HttpRequest) -> HttpResponse:
    tenant = request.tenant  # type: ignore[attr-defined]
    actor = request.actor  # type: ignore[attr-defined]
    return HttpResponse(f"{tenant.slug if tenant else 'none'} {actor.user_id if actor else 'nobody'}")


def _written(request: HttpRequest) -> HttpResponse:
    services.account_group_create(name="by a page", account_mode="REAL")
    return HttpResponse(status=int(request.POST["status"]))


urlpatterns = [
    path("app/sign-in", _tenant_shown),
    path("app/", _tenant_shown),
    path("app/write", _written),
    path("console/sign-in/", _tenant_shown),
    path("", include("portal.urls")),  # error pages lead back to the real ones
]


def test_the_sign_in_page_takes_a_tenant_by_name(world: World) -> None:
    assert world.north
    assert world.south
    browser = Client()
    assert browser.get("/app/sign-in?tenant=south").content == b"south nobody"
    assert browser.post("/app/sign-in", {"tenant": "south"}).content == b"south nobody"
    assert browser.post("/console/sign-in/?tenant=north", {"tenant": "south"}).content == b"south nobody"
    assert browser.get("/app/sign-in?tenant=nowhere").content == b"none nobody"
    assert browser.get("/app/sign-in?tenant=south", SERVER_NAME="north.example").content == b"north nobody"


def test_a_cookie_counts_only_in_its_own_tenant(world: World) -> None:
    browser = Client()
    browser.cookies[COOKIE] = world.alice.token
    assert world.south
    assert browser.get("/app/").content == f"north {world.alice.id}".encode()
    assert browser.get("/app/sign-in?tenant=south").content == b"south nobody"
    assert browser.get("/app/", SERVER_NAME="south.example").content == b"south nobody"
    assert browser.get("/app/sign-in").content == f"north {world.alice.id}".encode()


def test_a_form_needs_the_csrf_token_even_without_a_session(world: World) -> None:
    assert world.north
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/app/sign-in", {"tenant": "north"}).status_code == 403
    browser.cookies["csrftoken"] = "a" * 32
    form = {"tenant": "north", "csrfmiddlewaretoken": "a" * 32}
    assert browser.post("/app/sign-in", form).content == b"north nobody"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "kept"), [(200, True), (302, True), (422, True), (500, False)])
def test_a_page_that_fails_leaves_nothing(world: World, status: int, kept: bool) -> None:
    browser = Client()
    browser.cookies[COOKIE] = world.north.session(world.alice.user, at=now())
    assert browser.post("/app/write", {"status": status}).status_code == status
    with world.north.scope():
        assert AccountGroup.objects.exists() is kept
