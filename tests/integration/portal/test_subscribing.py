"""The follow form with its dry run, and the change and end of a subscription."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from accounts.models import ProductConfig, TradingAccount
from copytrade.models import CopySubscription
from copytrade.models_commands import CopyCommand
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene, scene_trade
from tests.integration.portal.conftest import SignIn

SETTINGS: dict[str, Any] = {
    "volume_mode": "1", "risk_multiplier": "0.5", "copy_mode": "0", "symbols_mode": "0", "stop_action": "0", "copy_sl": "on",
    "copy_tp": "on", "copy_partial_close": "on", "max_signal_age_seconds": "30", "fill_wait_seconds": "2",
}  # fmt: skip


def dry_run(client: Client, scene: Scene, **more: Any) -> str:
    answer = client.post(
        f"/app/masters/{scene.leader_login}/dry-run", {**SETTINGS, **more}, headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    return answer.content.decode()


def subscription(scene: Scene) -> CopySubscription:
    with tenant_scope(scene.tenant_id):
        return CopySubscription.objects.get(follower__login=scene.follower_login)


def test_x05_the_dry_run_tells_figures_curve_and_reasons(sign_in: SignIn, scene: Scene) -> None:
    scene_trade(scene)
    client = sign_in(scene.follower_email)
    part = dry_run(client, scene, follower=scene.demo_login, days="90")
    assert "1 of 1" in part
    assert "Equity over the last 90 days" in part
    assert f"As account {scene.demo_login} would have fared" in part
    assert "Everything would have been copied." in part
    assert "<html" not in part
    left_out = dry_run(client, scene, symbols_mode="2", symbols="EUR*")
    assert "0 of 1" in left_out
    assert "As an account like the master" in left_out
    assert "The symbol filter" in left_out or "symbol" in left_out.lower()
    assert "1 ×" in left_out
    with tenant_scope(scene.tenant_id):
        assert CopySubscription.objects.count() == 1


def test_x05_without_a_trade_of_the_master_it_says_so(sign_in: SignIn, scene: Scene) -> None:
    assert "The master opened nothing in this time." in dry_run(sign_in(scene.follower_email), scene)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"volume_mode": "0"}, "Fixed volume: Must be above 0."),
        ({"max_loss_percent": "101"}, "Must be at most 100."),
        ({"max_positions": "-1"}, "Open copies at most:"),
        ({"symbols_mode": "1"}, "Symbol list: Name at least one symbol."),
    ],
)
def test_x05_settings_that_are_not_complete_are_named(
    sign_in: SignIn, scene: Scene, wrong: dict[str, str], sentence: str
) -> None:
    assert sentence in dry_run(sign_in(scene.follower_email), scene, **wrong)


def test_x05_a_private_master_has_no_dry_run(sign_in: SignIn, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        subscription_master = CopySubscription.objects.get().master
        assert subscription_master is not None
        subscription_master.visibility = "private"
        subscription_master.save()
    client = sign_in(scene.newcomer_email)
    assert client.post(f"/app/masters/{scene.leader_login}/dry-run", SETTINGS).status_code == 404
    assert client.get(f"/app/masters/{scene.leader_login}/dry-run").status_code == 405


def test_every_setting_can_be_chosen_and_begins_with_the_tenants_defaults(sign_in: SignIn, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        ProductConfig.objects.update(copy_default_max_positions=7, copy_default_max_loss=D("250.5"))
    page = sign_in(scene.follower_email).get(f"/app/masters/{scene.free_master_login}/follow")
    shown = page.context["form"].initial
    assert (shown["max_positions"], shown["max_loss"], shown["min_equity"]) in ((7, "250.5", ""), ("7", "250.5", ""))
    text = page.content.decode()
    for group in ("How much", "Which trades", "Protection", "Stops and partial closes", "Advanced"):
        assert group in text
    for name in ("max_drawdown_percent", "stop_action", "copy_pending_orders", "auto_variant", "reverse_direction"):
        assert f'name="{name}"' in text


def test_all_settings_of_the_form_are_kept(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.follower_email)
    place = f"/app/copying/{subscription(scene).pk}/edit"
    page = client.get(place).content.decode()
    assert "Copy what the leader holds now" not in page
    wanted = SETTINGS | {
        "reverse_direction": "on", "max_positions": "3", "min_equity": "500", "max_loss": "75,5", "max_loss_percent": "20",
        "max_drawdown_percent": "15", "stop_action": "1", "slippage_tolerance": "12", "copy_pending_orders": "on",
        "auto_variant": "on", "max_signal_age_seconds": "0",
    }  # fmt: skip
    wanted.pop("copy_tp")
    client.post(place, wanted)
    kept = subscription(scene)
    assert (kept.reverse_direction, kept.max_positions, kept.min_equity, kept.max_loss) == (True, 3, 500, D("75.5"))
    assert (kept.max_loss_percent, kept.max_drawdown_percent, kept.stop_action) == (20, 15, 1)
    assert (kept.slippage_tolerance, kept.copy_pending_orders, kept.auto_variant) == (12, True, True)
    assert (kept.max_signal_age_seconds, kept.copy_sl, kept.copy_tp) == (0, True, False)
    shown = client.get(place).context["form"].initial
    assert (shown["max_loss"], shown["stop_action"], shown["copy_tp"]) == ("75.5", 1, False)


def test_stopping_can_close_the_copies_at_once(sign_in: SignIn, scene: Scene) -> None:
    scene_trade(scene, close=False)
    client = sign_in(scene.follower_email)
    place = f"/app/copying/{subscription(scene).pk}/stop"
    dialog = client.get(place).content.decode()
    assert "Close them now" in dialog
    client.post(place, {"open_copies": "close"})
    with tenant_scope(scene.tenant_id):
        assert subscription(scene).ended_at is not None
        assert CopyCommand.objects.filter(kind="STOP_CLOSE").count() == 1
    assert client.post(place, {"open_copies": "anything"}).status_code == 404


def test_x05_an_account_without_money_has_no_fall_to_tell(sign_in: SignIn, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        TradingAccount.objects.filter(login=scene.demo_login).update(balance=0)
    part = dry_run(sign_in(scene.follower_email), scene, follower=scene.demo_login)
    assert 'data-figure="fall"' in part
    assert "0.00" in part
