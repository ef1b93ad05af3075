"""X01: one click from a copy order to its whole story, with the button that acts on it."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import ProductConfig, User
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, SubscriptionStatus
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene, scene_trade
from tests.integration.portal.conftest import SignIn
from trading.models import Trade


@pytest.fixture
def client(sign_in: SignIn, scene: Scene) -> Client:
    return sign_in(scene.follower_email)


def place(scene: Scene) -> str:
    """The page of the leader's last order, for the follower."""
    with tenant_scope(scene.tenant_id):
        order = Trade.objects.filter(account__login=scene.leader_login, cmd=0).latest("pk").pk
    return f"/app/why/{order}/{scene.follower_login}"


def changed(scene: Scene, **values: Any) -> int:
    """Sets columns of the subscription; its id."""
    with tenant_scope(scene.tenant_id):
        CopySubscription.objects.filter(follower__login=scene.follower_login).update(**values)
        return CopySubscription.objects.get(follower__login=scene.follower_login).pk


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def codes(client: Client, path: str) -> list[str]:
    return [told.step.code for told in client.get(path).context["steps"]]


def test_x01_every_copy_order_leads_to_its_story(client: Client, scene: Scene) -> None:
    scene_trade(scene)
    dashboard = page(client, "/app/")
    with tenant_scope(scene.tenant_id):
        orders = CopyOrder.objects.count()
    links = re.findall(r'href="(/app/why/[1-9]\d*/[1-9]\d*)"', dashboard)
    assert links == [place(scene)] * orders
    assert orders == 2
    assert codes(client, links[0]) == ["SUBSCRIBED", "LEADER_OPEN", "LEADER_CLOSE", "FILLED", "FILLED"]
    told = page(client, links[0])
    for sentence in ("The leader opened BUY EURUSD", "It was copied: 0.05 lots of EURUSD", "Neither the leader nor"):
        assert sentence in told


def test_x01_a_refusal_tells_its_values_and_has_the_button_for_the_settings(client: Client, scene: Scene) -> None:
    subscription = changed(scene, min_equity=Decimal(20_000))
    scene_trade(scene, close=False)
    told = page(client, place(scene))
    assert "(10000, minimum 20000)" in told
    assert "Add funds, or lower the minimum equity." in told
    assert "The leader still holds it, this account has no copy of it" in told
    assert told.count(f'href="/app/copying/{subscription}/edit"') == 1


def test_x01_the_leader_reads_the_same_story_without_figures_and_buttons(sign_in: SignIn, scene: Scene) -> None:
    changed(scene, min_equity=Decimal(20_000))
    scene_trade(scene, close=False)
    told = page(sign_in(scene.leader_email), place(scene))
    assert "below the subscription&#x27;s minimum." in told
    assert "20000" not in told
    assert "/edit" not in told


def test_x01_a_paused_subscription_is_resumed_from_the_story(client: Client, scene: Scene) -> None:
    subscription = changed(scene, status=SubscriptionStatus.PAUSED)
    scene_trade(scene, close=False)
    resume = f'action="/app/copying/{subscription}/resume"'
    assert page(client, place(scene)).count(resume) == 1
    client.post(f"/app/copying/{subscription}/resume")
    assert resume not in page(client, place(scene)), "there is nothing to resume any more"


def test_x01_what_is_held_can_be_closed_from_the_story(client: Client, sign_in: SignIn, scene: Scene) -> None:
    scene_trade(scene, close=False)
    with tenant_scope(scene.tenant_id):
        ticket = Trade.objects.get(account__login=scene.follower_login, state=0).pk
    close = f'href="/app/positions/{ticket}/close" data-dialog'
    assert close in page(client, place(scene))
    assert close not in page(sign_in(scene.leader_email), place(scene))
    subscription = changed(scene)
    client.post(f"/app/copying/{subscription}/stop", {"open_copies": "let_go"})
    told = page(client, place(scene))
    assert "holds the position as its own" in told
    assert close in told
    client.post(f"/app/positions/{ticket}/close", {"volume": "0.05", "attempt": "a"})
    assert close not in page(client, place(scene))


def test_x01_after_the_end_the_story_leads_back_to_the_master(client: Client, scene: Scene) -> None:
    subscription = changed(scene)
    client.post(f"/app/copying/{subscription}/stop", {"open_copies": "let_go"})
    scene_trade(scene, close=False)
    follow = f'href="/app/masters/{scene.leader_login}/follow"'
    assert page(client, place(scene)).count(follow) == 1
    with tenant_scope(scene.tenant_id):
        CopyMaster.objects.filter(account__login=scene.leader_login).update(visibility="private")
    assert follow not in page(client, place(scene))


def test_x01_times_are_in_the_viewers_zone_and_name_it(client: Client, scene: Scene) -> None:
    subscription = changed(scene)
    client.post(f"/app/copying/{subscription}/stop", {"open_copies": "let_go"})
    scene_trade(scene, close=False)
    client.cookies["ct_zone"] = "Asia/Tokyo"  # the browser's
    over = re.compile(r"stopped copying the leader at \d{4}-\d\d-\d\d \d\d:\d\d (\w+)")
    told = page(client, place(scene))
    assert over.findall(told) == ["JST"]
    assert re.search(r"\d\d:\d\d:\d\d JST", told)
    with tenant_scope(scene.tenant_id):
        User.objects.filter(email=scene.follower_email).update(timezone="Asia/Kolkata")
    assert over.findall(page(client, place(scene))) == ["IST"]


def test_x01_what_does_not_exist_and_what_is_others_is_the_same_page(
    client: Client, sign_in: SignIn, scene: Scene
) -> None:
    scene_trade(scene)
    order = place(scene).split("/")[3]
    stranger = sign_in("second@northwind.example")
    answers = [
        stranger.get(place(scene)),
        client.get(f"/app/why/{order}/{scene.second_master_login}"),
        client.get(f"/app/why/{order}/1"),
        client.get(f"/app/why/1/{scene.follower_login}"),
        client.get(f"/app/why/{10**30}/{10**30}"),
        client.get("/app/why/"),
        client.get(f"/app/why/{order}/"),
        client.get("/app/why/x/y"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert all(b"There is nothing here" in answer.content for answer in answers)
    assert len({answer.content.partition(b"<main")[2] for answer in answers}) == 1
    assert "/app/sign-in" in Client().get(place(scene)).headers["Location"]


def test_x01_with_copying_switched_off_the_story_stays_and_its_buttons_go(client: Client, scene: Scene) -> None:
    subscription = changed(scene, min_equity=Decimal(20_000))
    scene_trade(scene)
    with tenant_scope(scene.tenant_id):
        ProductConfig.objects.update(copy_trading=False)
    told = page(client, place(scene))
    assert "(10000, minimum 20000)" in told
    assert f"/app/copying/{subscription}/edit" not in told


def test_the_part_that_is_read_anew_is_the_page_without_its_frame(client: Client, scene: Scene) -> None:
    scene_trade(scene)
    part = client.get(place(scene), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="live-part"')
    assert "<html" not in part


def test_the_number_of_queries_is_fixed(client: Client, scene: Scene, django_assert_max_num_queries: Any) -> None:
    for _trade in range(3):
        scene_trade(scene, close=False)
    with django_assert_max_num_queries(30):
        client.get(place(scene))
