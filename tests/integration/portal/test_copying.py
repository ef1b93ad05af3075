"""The customer's subscriptions: what they made, whether they are in sync and why not, and those that ended."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import TradingAccount
from copytrade.models import CopySubscription
from copytrade.models_commands import SyncLight, SyncState
from core import clock
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn


@pytest.fixture
def client(sign_in: SignIn, scene: Scene) -> Client:
    return sign_in(scene.follower_email)


def light(scene: Scene, symbol: str, state: SyncState, why: str, login: int | None = None) -> None:
    with tenant_scope(scene.tenant_id):
        SyncLight.objects.create(
            tenant_id=scene.tenant_id,
            follower=TradingAccount.objects.get(login=login or scene.follower_login),
            symbol=symbol,
            expected=Decimal("-0.5"),
            held=Decimal("0.25"),
            state=state,
            why=why,
            since=clock.now(),
        )


def rows(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/app/copying").context["rows"]
    return found


def test_x11_an_account_that_holds_what_it_should_is_in_sync(client: Client, scene: Scene) -> None:
    light(scene, "EURUSD", SyncState.IN_SYNC, "")
    assert rows(client)[0]["sync"].state == SyncState.IN_SYNC
    assert "In sync" in client.get("/app/copying").content.decode()


def test_x11_the_worst_contract_gives_the_light_and_each_says_why(client: Client, scene: Scene) -> None:
    light(scene, "EURUSD", SyncState.LATE, "EVENTS_WAITING")
    light(scene, "XAUUSD", SyncState.OUT_OF_SYNC, "DIFFERENT_VOLUME")
    assert rows(client)[0]["sync"].state == SyncState.OUT_OF_SYNC
    page = client.get("/app/copying").content.decode()
    for text in (
        "Out of sync",
        "0.25 held, −0.50 expected",
        "The leader&#x27;s last trades are still being copied.",
        "The account holds another volume than it should.",
    ):
        assert text in page


def test_a_light_of_another_account_is_not_shown(client: Client, scene: Scene) -> None:
    light(scene, "EURUSD", SyncState.OUT_OF_SYNC, "DIFFERENT_VOLUME", login=scene.leader_login)
    assert rows(client)[0]["sync"].differences == []


def test_an_ended_subscription_stays_with_what_it_made(client: Client, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        subscription = CopySubscription.objects.get(follower__login=scene.follower_login)
    client.post(f"/app/copying/{subscription.pk}/stop", {"open_copies": "keep_exits"})
    answer = client.get("/app/copying")
    assert answer.context["rows"] == []
    assert [(ended.pk, ended.copied_trades, ended.pnl) for ended, _fees in answer.context["ended"]] == [
        (subscription.pk, 0, 0)
    ]
    assert "Subscriptions that ended" in answer.content.decode()
    assert "You do not copy anybody yet" in answer.content.decode()


def test_the_number_of_queries_is_fixed(client: Client, scene: Scene, django_assert_max_num_queries: Any) -> None:
    light(scene, "EURUSD", SyncState.LATE, "EVENTS_WAITING")
    with django_assert_max_num_queries(25):
        client.get("/app/copying")
