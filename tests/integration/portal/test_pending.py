"""Limit and stop orders from the ticket: placing, changing, cancelling, and what is refused."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from core import clock
from core.states import Cmd, TradeState
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn
from trading.models import Trade


@pytest.fixture
def client(sign_in: SignIn, scene: Scene) -> Client:
    return sign_in(scene.follower_email)


def place(client: Client, login: int, **changes: str) -> str:
    """The page's answer to a buy limit of 0.10 EURUSD below the market."""
    form = {
        "login": str(login), "symbol": "EURUSD", "was": "EURUSD", "kind": "LIMIT", "side": "BUY", "volume": "0.10",
        "price": "1.07", "attempt": uuid4().hex,
    }  # fmt: skip
    return client.post("/app/trade", {**form, **changes}).content.decode()


def orders(scene: Scene) -> list[Trade]:
    with tenant_scope(scene.tenant_id):
        return list(Trade.objects.filter(account__login=scene.follower_login, cmd__in=(2, 3, 4, 5)).order_by("pk"))


@pytest.mark.parametrize(
    ("changes", "cmd", "said"),
    [
        ({}, Cmd.BUY_LIMIT, "Buy limit placed: 0.10 lots of EURUSD at 1.07000"),
        ({"side": "SELL", "price": "1.09"}, Cmd.SELL_LIMIT, "Sell limit placed"),
        ({"kind": "STOP", "price": "1.09"}, Cmd.BUY_STOP, "Buy stop placed"),
        ({"kind": "STOP", "side": "SELL", "price": "1.07"}, Cmd.SELL_STOP, "Sell stop placed"),
    ],
)
def test_each_kind_is_placed_and_listed(
    client: Client, scene: Scene, changes: dict[str, str], cmd: Cmd, said: str
) -> None:
    assert said in place(client, scene.follower_login, **changes)
    assert [Cmd(order.cmd) for order in orders(scene)] == [cmd]
    page = client.get("/app/trade").content.decode()
    assert f"/app/orders/{orders(scene)[0].pk}/cancel" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price": ""}, "Say which price it waits for."),
        ({"price": "1.09"}, "wrong side of the price"),
        ({"price": "x"}, "Write a number"),
        ({"expires": "2001-01-01T00:00"}, "must be in the future"),
        ({"expires": "soon"}, "Enter a valid date/time."),
        ({"kind": "TRAILING"}, "Select a valid choice"),
    ],
)
def test_what_cannot_wait_is_refused_in_words(
    client: Client, scene: Scene, changes: dict[str, str], sentence: str
) -> None:
    assert sentence in place(client, scene.follower_login, **changes)
    assert orders(scene) == []


def test_an_expiration_is_read_on_the_viewers_clock(client: Client, scene: Scene) -> None:
    client.cookies["ct_zone"] = "Asia/Tokyo"
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(ZoneInfo("Asia/Tokyo")).replace(second=0, microsecond=0)
    place(client, scene.follower_login, expires=f"{tomorrow:%Y-%m-%dT%H:%M}")
    assert orders(scene)[0].expiration_at == tomorrow
    assert " JST" in client.get("/app/trade").content.decode()


def test_one_is_changed(client: Client, scene: Scene) -> None:
    place(client, scene.follower_login)
    order = orders(scene)[0].pk
    dialog = client.get(f"/app/orders/{order}/modify", headers={"HX-Request": "true"}).content.decode()
    assert 'value="1.07"' in dialog
    htmx = {"HX-Request": "true"}
    wrong = client.post(f"/app/orders/{order}/modify", {"price": "1.20"}, headers=htmx).content.decode()
    assert "wrong side of the price" in wrong
    answer = client.post(f"/app/orders/{order}/modify", {"price": "1.06", "sl": "1.05"}, headers=htmx)
    assert f"Order {order} was changed." in answer.content.decode()
    assert answer.headers["HX-Trigger"] == "reread-all"
    changed = orders(scene)[0]
    assert (changed.open_price, changed.sl) == (Decimal("1.06"), Decimal("1.05"))


def test_one_is_cancelled_once(client: Client, scene: Scene) -> None:
    place(client, scene.follower_login)
    order = orders(scene)[0].pk
    assert client.get(f"/app/orders/{order}/cancel").status_code == 405
    said = client.post(f"/app/orders/{order}/cancel", follow=True).content.decode()
    assert f"Order {order} was cancelled." in said
    assert orders(scene)[0].state == TradeState.DELETED
    assert client.post(f"/app/orders/{order}/cancel").status_code == 404


@pytest.mark.parametrize("action", ["modify", "cancel"])
def test_nobody_touches_somebody_elses_order(sign_in: SignIn, client: Client, scene: Scene, action: str) -> None:
    place(client, scene.follower_login)
    order = orders(scene)[0].pk
    answer = sign_in(scene.leader_email).post(f"/app/orders/{order}/{action}", {"price": "1.01"})
    assert answer.status_code == 404
    assert (orders(scene)[0].state, orders(scene)[0].open_price) == (TradeState.OPEN, Decimal("1.07"))


def test_the_same_attempt_twice_is_one_order(client: Client, scene: Scene) -> None:
    said: list[Any] = [re.search(r"order (\d+)", place(client, scene.follower_login, attempt="once")) for _ in range(2)]
    assert said[0][1] == said[1][1]
    assert len(orders(scene)) == 1
