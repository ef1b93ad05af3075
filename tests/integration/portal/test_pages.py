"""What a customer does on the pages, and what nobody may do there."""

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import TradingAccount
from copytrade.models import CopyFollower, CopySubscription, SubscriptionStatus
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn
from trading.models import Trade

PAGES = ("/app/", "/app/trade", "/app/masters", "/app/copying", "/app/accounts", "/app/profile")


def _buy(client: Client, login: int, volume: str = "0.10", **more: str) -> str:
    form = {"login": str(login), "symbol": "EURUSD", "was": "EURUSD", "side": "BUY", "attempt": uuid4().hex}
    return client.post("/app/trade", {**form, "volume": volume, **more}).content.decode()


def _open(scene: Scene, login: int) -> list[Trade]:
    with tenant_scope(scene.tenant_id):
        return list(Trade.objects.filter(account__login=login, state=0, cmd__in=(0, 1)).order_by("pk"))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_every_customer(sign_in: SignIn, scene: Scene, path: str) -> None:
    for email in (scene.follower_email, scene.leader_email, scene.newcomer_email):
        answer = sign_in(email).get(path)
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]


def test_a_customer_without_an_account_is_told_the_next_step(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.newcomer_email)
    assert "You have no trading account yet" in client.get("/app/").content.decode()
    opened = client.post("/app/accounts/open", {"group": "Real USD"}).content.decode()
    login = re.search(r'<dd class="num">(\d+)</dd>', opened)
    assert login
    assert "shown only this once" in opened
    assert login[1] in client.get("/app/accounts").content.decode()


def test_a_group_that_is_not_public_cannot_be_opened(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.newcomer_email)
    answer = client.post("/app/accounts/open", {"group": "Net EUR"}).content.decode()
    assert "not open to the public" in answer
    with tenant_scope(scene.tenant_id):
        assert not TradingAccount.objects.filter(customer__email=scene.newcomer_email).exists()


def test_an_order_from_the_ticket_is_filled_and_shown(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    page = _buy(client, scene.follower_login)
    assert "Bought 0.10 lots of EURUSD at 1.08420" in page
    assert [trade.volume for trade in _open(scene, scene.follower_login)] == [Decimal("0.10")]
    assert "EURUSD" in client.get("/app/export/positions.csv").content.decode()


def test_the_same_attempt_twice_is_one_order(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    first = _buy(client, scene.follower_login, attempt="one click")
    second = _buy(client, scene.follower_login, attempt="one click")
    assert re.search(r"order \d+", first)[0] == re.search(r"order \d+", second)[0]
    assert len(_open(scene, scene.follower_login)) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"volume": "0.015"}, "does not fit the contract"),
        ({"volume": "many"}, "Write a number, such as 0.10."),
        ({"volume": "0"}, "Must be above 0."),
        ({"volume": "1e5"}, "Write a number, such as 0.10."),
        ({"sl": "2"}, "wrong side of the price"),
        ({"sl": "-1"}, "Must be at least 0."),
        ({"volume": "99"}, "not enough free margin"),
        ({"side": "HOLD"}, "Choose Buy or Sell."),
        ({"symbol": "NOTHING"}, "This symbol cannot be traded."),
    ],
)
def test_a_refused_order_says_why_keeps_the_input_and_changes_nothing(
    sign_in: SignIn, scene: Scene, changes: dict[str, str], sentence: str
) -> None:
    client = sign_in(scene.follower_email)
    page = _buy(client, scene.follower_login, **changes)
    assert sentence in page
    if "volume" in changes:
        assert f'value="{changes["volume"]}"' in page
    assert _open(scene, scene.follower_login) == []


def test_a_comma_is_a_decimal_point(sign_in: SignIn, scene: Scene) -> None:
    _buy(sign_in(scene.follower_email), scene.follower_login, volume="0,25")
    assert [trade.volume for trade in _open(scene, scene.follower_login)] == [Decimal("0.25")]


def test_a_part_and_then_the_rest_is_closed(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    _buy(client, scene.follower_login)
    order = _open(scene, scene.follower_login)[0].pk
    dialog = client.get(f"/app/positions/{order}/close", headers={"HX-Request": "true"}).content.decode()
    assert "Close at market" in dialog
    said = client.post(
        f"/app/positions/{order}/close", {"volume": "0.04", "attempt": "a"}, headers={"HX-Request": "true"}
    )
    assert "Closed 0.04 lots of EURUSD" in said.content.decode()
    assert [trade.volume for trade in _open(scene, scene.follower_login)] == [Decimal("0.06")]
    refused = client.post(f"/app/positions/{order}/close", {"volume": "0.07", "attempt": "b"}).content.decode()
    assert "does not fit" in refused
    client.post(f"/app/positions/{order}/close", {"volume": "0.06", "attempt": "c"})
    assert _open(scene, scene.follower_login) == []


def test_a_follower_that_may_not_trade_by_hand_is_told_so(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    _buy(client, scene.follower_login)
    order = _open(scene, scene.follower_login)[0].pk
    with tenant_scope(scene.tenant_id):
        TradingAccount.objects.filter(login=scene.follower_login).update(manual_trading_mode=0)
    assert "Trading by hand is switched off" in _buy(client, scene.follower_login)
    said = client.post(f"/app/positions/{order}/close", {"volume": "0.1", "attempt": "a"}).content.decode()
    assert "Trading by hand is switched off" in said
    assert [trade.pk for trade in _open(scene, scene.follower_login)] == [order]


def test_nobody_trades_or_closes_for_somebody_else(sign_in: SignIn, scene: Scene) -> None:
    _buy(sign_in(scene.leader_email), scene.leader_login)
    order = _open(scene, scene.leader_login)[0].pk
    stranger = sign_in(scene.follower_email)
    form = {"login": str(scene.leader_login), "symbol": "EURUSD", "side": "BUY", "volume": "0.1", "attempt": "x"}
    assert stranger.post("/app/trade", form).status_code == 404
    assert stranger.get(f"/app/positions/{order}/close").status_code == 404
    assert stranger.post(f"/app/positions/{order}/close", {"volume": "0.1", "attempt": "x"}).status_code == 404
    assert stranger.get(f"/app/?account={scene.leader_login}").context["viewer"].chosen is None
    assert len(_open(scene, scene.leader_login)) == 1


def _follow(client: Client, master: int, account: int, **more: str) -> str:
    form = {
        "follower": str(account),
        "volume_mode": "1",
        "risk_multiplier": "0.5",
        "copy_mode": "0",
        "symbols_mode": "0",
    }
    return client.post(f"/app/masters/{master}/follow", {**form, **more}, follow=True).content.decode()


def test_following_is_reviewed_before_it_happens(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    form = client.get(f"/app/masters/{scene.free_master_login}/follow").content.decode()
    assert "It is a demo account; this master admits real accounts only." in form
    review = _follow(client, scene.free_master_login, scene.spare_login)
    assert "What will happen" in review
    assert "0.5" in review
    with tenant_scope(scene.tenant_id):
        assert not CopySubscription.objects.filter(follower__login=scene.spare_login).exists()
    done = _follow(client, scene.free_master_login, scene.spare_login, confirm="1")
    assert f"Account {scene.spare_login} now copies Index Reversal" in done
    with tenant_scope(scene.tenant_id):
        made = CopySubscription.objects.get(follower__login=scene.spare_login)
        assert (made.leader.login, made.risk_multiplier) == (scene.free_master_login, Decimal("0.5"))


def test_a_second_master_raises_the_limit_that_the_review_told_of(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    assert "its limit is raised by one" in _follow(client, scene.second_master_login, scene.follower_login)
    _follow(client, scene.second_master_login, scene.follower_login, confirm="1")
    with tenant_scope(scene.tenant_id):
        assert CopyFollower.objects.get(account__login=scene.follower_login).max_master_count == 2
        assert CopySubscription.objects.filter(follower__login=scene.follower_login).count() == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"follower": "1"}, "Choose one of your accounts."),
        ({"risk_multiplier": "0"}, "Must be at least 0.01."),
        ({"risk_multiplier": "2000"}, "Must be at most 1000."),
        ({"volume_mode": "0", "fixed_volume": ""}, "Must be above 0."),
        ({"min_volume": "2", "max_volume": "1"}, "Must not be below the smallest entry."),
        ({"symbols_mode": "1", "symbols": " "}, "Name at least one symbol."),
    ],
)
def test_following_with_wrong_settings_says_why(
    sign_in: SignIn, scene: Scene, changes: dict[str, str], sentence: str
) -> None:
    page = _follow(sign_in(scene.follower_email), scene.free_master_login, scene.spare_login, confirm="1", **changes)
    assert sentence in page
    with tenant_scope(scene.tenant_id):
        assert not CopySubscription.objects.filter(leader__login=scene.free_master_login).exists()


def _subscription(scene: Scene) -> CopySubscription:
    with tenant_scope(scene.tenant_id):
        return CopySubscription.objects.get(leader__login=scene.leader_login)


def test_pause_resume_edit_and_stop(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    place = f"/app/copying/{_subscription(scene).pk}"
    assert "Paused. Open copies still follow" in client.post(f"{place}/pause", follow=True).content.decode()
    assert _subscription(scene).status == SubscriptionStatus.PAUSED
    client.post(f"{place}/resume")
    assert _subscription(scene).status == SubscriptionStatus.ACTIVE
    changed = {"volume_mode": "1", "risk_multiplier": "2", "copy_mode": "2", "symbols_mode": "1", "symbols": "EUR*"}
    client.post(f"{place}/edit", changed)
    saved = _subscription(scene)
    assert (saved.risk_multiplier, saved.copy_mode, saved.symbols) == (2, 2, "EUR*")
    assert "What becomes of the open copies" in client.get(f"{place}/stop").content.decode()
    client.post(f"{place}/stop", {"open_copies": "let_go"})
    assert _subscription(scene).ended_at is not None


@pytest.mark.parametrize("action", ["pause", "resume", "edit", "stop"])
def test_nobody_touches_somebody_elses_subscription(sign_in: SignIn, scene: Scene, action: str) -> None:
    before = _subscription(scene)
    answer = sign_in(scene.leader_email).post(f"/app/copying/{before.pk}/{action}", {"open_copies": "let_go"})
    assert answer.status_code == 403
    after = _subscription(scene)
    assert (after.version, after.ended_at, after.status) == (before.version, None, before.status)


def test_the_profile_keeps_zone_theme_and_password(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    client.post("/app/profile", {"timezone": "Asia/Tokyo", "theme": "dark", "language": "en"})
    assert client.cookies["ct_theme"].value == "dark"
    page = client.get("/app/profile").content.decode()
    assert 'data-bs-theme="dark"' in page
    assert "Asia/Tokyo" in page
    wrong = client.post("/app/profile/password", {"current": "wrong", "new": "another password"}).content.decode()
    assert "The current password is not right." in wrong


def test_the_account_switch_is_remembered_and_limits_the_lists(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    _buy(client, scene.follower_login)
    assert client.get(f"/app/?account={scene.demo_login}").context["book"].positions == []
    assert client.get("/app/").context["viewer"].chosen.login == scene.demo_login
    assert len(client.get("/app/?account=0").context["book"].positions) == 1


def test_times_are_in_the_viewers_zone(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    client.cookies["ct_zone"] = "Asia/Tokyo"
    _buy(client, scene.follower_login)
    assert " JST" in client.get("/app/").content.decode()
    client.cookies["ct_zone"] = "../../etc/passwd"
    assert " JST" not in client.get("/app/").content.decode()


@pytest.mark.parametrize("path", ["/app/", "/app/trade"])
def test_pages_take_a_fixed_number_of_queries(
    sign_in: SignIn, scene: Scene, path: str, django_assert_max_num_queries: object
) -> None:
    client = sign_in(scene.follower_email)
    for _position in range(5):
        _buy(client, scene.follower_login, volume="0.01")
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        client.get(path)
