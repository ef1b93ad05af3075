"""R002, D28, X02: how fast copies were and what slippage cost, on the pages of who follows and of who leads."""

from decimal import Decimal

import pytest
from django.test import Client

from copytrade.models import CopyMaster, CopyOrder, CopySubscription, LeaderShard
from infra.tenancy import tenant_scope
from portal.speed import SpeedPart
from tests.browser.scene import Scene, scene_trade
from tests.integration.portal.conftest import SignIn


@pytest.fixture
def traded(scene: Scene) -> Scene:
    """The leader has opened and closed, copied by the engine, and the slippage is one that can be told apart."""
    scene_trade(scene)
    with tenant_scope(scene.tenant_id):
        CopyOrder.objects.update(slippage=Decimal(7), slippage_money=Decimal("1.25"))
    return scene


def parts(client: Client, path: str) -> list[SpeedPart] | None:
    found: list[SpeedPart] | None = client.get(path).context["speed"]
    return found


def test_x02_a_follower_sees_how_fast_the_own_copies_were(sign_in: SignIn, traded: Scene) -> None:
    client = sign_in(traded.follower_email)
    (part,) = parts(client, "/app/copying") or []
    assert (part.title, part.speed.copies, part.speed.filled_copies) == ("Steady Trend · the house's venue", 2, 2)
    assert part.speed.decided is not None
    assert 0 <= part.speed.decided.p50 <= part.speed.decided.p99
    page = client.get("/app/copying").content.decode()
    for text in (
        "How fast copies were, last 7 days",
        "Half within",
        "99 of 100",
        "Slippage, points",
        "+2.50 USD in all",
    ):
        assert text in page
    assert "1.25" in page


def test_d28_a_masters_page_tells_its_owner_and_its_followers(sign_in: SignIn, traded: Scene) -> None:
    path = f"/app/masters/{traded.leader_login}"
    for email in (traded.leader_email, traded.follower_email):
        (part,) = parts(sign_in(email), path) or []
        assert (part.title, part.speed.copies) == ("Steady Trend", 2)
    assert parts(sign_in(traded.newcomer_email), path) is None
    assert "How fast copies were" not in sign_in(traded.newcomer_email).get(path).content.decode()


def test_x02_the_chosen_account_alone_counts(sign_in: SignIn, traded: Scene) -> None:
    client = sign_in(traded.follower_email)
    assert parts(client, f"/app/copying?account={traded.spare_login}") == []
    assert len(parts(client, f"/app/copying?account={traded.follower_login}") or []) == 1


def test_d28_who_copies_several_sees_each_and_all_through_the_venue(sign_in: SignIn, traded: Scene) -> None:
    with tenant_scope(traded.tenant_id):
        subscription = CopySubscription.objects.get()
        other = CopyMaster.objects.get(account__login=traded.second_master_login)
        subscription.pk, subscription.master, subscription.leader = None, other, other.account
        subscription.shard = LeaderShard.objects.create(
            tenant_id=traded.tenant_id, leader=other.account, number=0, cursor=0
        )
        subscription.save(force_insert=True)
        (copy, *_more) = CopyOrder.objects.order_by("pk")
        copy.pk, copy.subscription_id, copy.leader = None, subscription.pk, other.account
        copy.save(force_insert=True)
    found = parts(sign_in(traded.follower_email), "/app/copying") or []
    assert [(part.title, part.speed.copies) for part in found] == [
        ("Steady Trend", 2),
        ("Gold Breakout", 1),
        ("All copies through the house's venue", 3),
    ]


def test_before_anything_was_copied_the_page_says_what_will_be_shown(sign_in: SignIn, scene: Scene) -> None:
    assert "Nothing was copied in these days" in sign_in(scene.follower_email).get("/app/copying").content.decode()
