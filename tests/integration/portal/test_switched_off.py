"""R197: with copy trading off its pages are hidden, say why, and leave the way out open."""

import pytest

from accounts.services import product_config_update
from copytrade.models import CopySubscription, SubscriptionStatus
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn

EXPLAINED = "Your operator does not offer copy trading at the moment"


@pytest.fixture
def switched_off(scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        product_config_update(copy_trading=False)


def _subscription(scene: Scene) -> CopySubscription:
    with tenant_scope(scene.tenant_id):
        return CopySubscription.objects.get(leader__login=scene.leader_login)


def test_r197_navigation_and_pages_of_copying_are_hidden(sign_in: SignIn, scene: Scene, switched_off: None) -> None:
    client = sign_in(scene.newcomer_email)
    home = client.get("/app/").content.decode()
    assert 'href="/app/masters"' not in home
    assert 'href="/app/copying"' not in home
    login = scene.leader_login
    for path in ("/app/masters", f"/app/masters/{login}", f"/app/masters/{login}/follow"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert EXPLAINED in answer.content.decode()


def test_r197_nothing_is_followed_or_resumed_meanwhile(sign_in: SignIn, scene: Scene, switched_off: None) -> None:
    client = sign_in(scene.follower_email)
    form = {"follower": scene.spare_login, "volume_mode": "1", "risk_multiplier": "1", "confirm": "1"}
    answer = client.post(f"/app/masters/{scene.free_master_login}/follow", form)
    assert answer.status_code == 403
    with tenant_scope(scene.tenant_id):
        assert CopySubscription.objects.filter(follower__customer__email=scene.follower_email).count() == 1
    place = f"/app/copying/{_subscription(scene).pk}"
    client.post(f"{place}/pause")
    assert client.post(f"{place}/resume").status_code == 403
    assert _subscription(scene).status == SubscriptionStatus.PAUSED


def test_r197_copying_can_still_be_ended(sign_in: SignIn, scene: Scene, switched_off: None) -> None:
    client = sign_in(scene.follower_email)
    page = client.get("/app/copying").content.decode()
    assert "Your operator has switched copy trading off" in page
    subscription = _subscription(scene)
    assert f"/app/copying/{subscription.pk}/stop" in page
    assert f"/app/copying/{subscription.pk}/edit" not in page
    client.post(f"/app/copying/{subscription.pk}/stop", {"open_copies": "let_go"})
    assert _subscription(scene).ended_at is not None
