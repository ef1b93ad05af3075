"""Health, metrics and the documentation of the API."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from config import platform
from core.clock import now
from tests.support.api import Api
from tests.support.world import World

ApiOf = Callable[..., Api]


@pytest.fixture(autouse=True)
def _not_yet_known_to_be_migrated() -> Iterator[None]:
    platform._migrated = False
    yield
    platform._migrated = False


def test_being_alive_asks_no_database(client: Client) -> None:
    # without the `db` fixture any query would be an error here
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_migrated_database_is_ready(api: ApiOf) -> None:
    for address in ("/health/ready", "/health/ready/"):
        answer = api().get(address)
        assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_missing_migration_is_waited_for(api: ApiOf) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'copytrade'")
        cursor.execute("SET ROLE copytrade_app")
    answer = api().get("/health/ready")
    assert (answer.status, answer["waiting_for"]) == (503, "migrations")


def test_the_demo_is_ready_when_its_tenants_are_live(world: World, api: ApiOf, settings: Settings) -> None:
    settings.DEMO = True
    assert api().get("/health/ready").status == 503
    tenant = world.north.tenant
    tenant.live = False
    tenant.save()
    assert api().get("/health/ready")["waiting_for"] == "demo"
    tenant.live = True
    tenant.save()
    assert api().get("/health/ready").status == 200


@pytest.mark.django_db
def test_without_redis_it_is_ready_and_says_so(api: ApiOf, settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    answer = api().get("/health/ready")
    assert (answer.status, answer.json) == (200, {"status": "ok", "degraded": True})


@pytest.mark.django_db
def test_metrics_are_for_this_machine_and_the_token(api: ApiOf, settings: Settings) -> None:
    settings.METRICS_TOKEN = "scrape me"
    assert "python_info" in api(address="127.0.0.1").get("/metrics").text
    assert api(address="::1").get("/metrics").status == 200
    assert api("Bearer scrape me", address="192.0.2.1").get("/metrics").status == 200
    for caller in (api(address="192.0.2.1"), api("Bearer else", address="192.0.2.1"), api("Bearer ", address="")):
        answer = caller.get("/metrics")
        assert (answer.status, answer.error) == (404, "RET_ERR_NOTFOUND")
    behind_proxy = Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}, REMOTE_ADDR="127.0.0.1")
    assert behind_proxy.status_code == 404
    settings.METRICS_TOKEN = ""
    assert api("Bearer ", address="192.0.2.1").get("/metrics").status == 404


def test_the_schema_lists_the_addresses(api: ApiOf) -> None:
    schema = Client().get("/schema").json()
    assert schema["openapi"].startswith("3.1")
    for address in ("/customer/auth/login", "/sign/in", "/manage/customers/{id}"):
        assert address in schema["paths"]


def test_the_documentation_runs_under_the_content_security_policy() -> None:
    page = Client().get("/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<style" not in text
    assert text.count("<script") == text.count("<script src=")
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    script = Client().get("/docs?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_answered_as_the_contract_says(api: ApiOf) -> None:
    for address in ("/nothing", "/customer/auth/nothing", "/health/else"):
        answer = api().get(address)
        assert (answer.status, answer.error) == (404, "RET_ERR_NOTFOUND")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_gives_503(api: ApiOf, settings: Settings) -> None:
    database = connection.settings_dict
    connection.close()
    port, database["PORT"] = database["PORT"], "1"
    try:
        assert api().get("/health/live").status == 200
        assert api().get("/health/ready").status == 503
        answer = api().get("/customer/me")
        assert (answer.status, answer.error) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"] == "1"
    finally:
        database["PORT"] = port


def test_requests_have_the_instant_of_their_start(world: World, api: ApiOf) -> None:
    before = int(now().timestamp())
    made = api(world.owner).post("/manage/customers", {"email": "dora@north.example", "password": "long enough"})
    assert before <= made["created_time"] <= int(now().timestamp())
