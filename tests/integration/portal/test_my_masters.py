"""The customer's own masters: offering, changing, resting, ending, and what staff's decisions mean for the owner."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role
from accounts.services import product_config_update, user_create
from copytrade.models import CopyMaster, CopySubscription, MasterStatus
from copytrade.services.masters import master_status_set
from core import clock
from infra.actor import Actor, SessionType
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn

OFFER: dict[str, Any] = {
    "strategy_name": "Quiet Carry", "description": "Holds what pays.", "visibility": "public",
    "allowed_follower_modes": "2", "max_followers": "5", "show_trade_history": "on", "fee": "1",
    "billing_period": "monthly", "fee_percent": "15", "hwm_enabled": "on", "hwm_convention": "NET",
}  # fmt: skip


@pytest.fixture
def newcomer(sign_in: SignIn, scene: Scene) -> tuple[Client, int]:
    """A customer with one real account of their own."""
    client = sign_in(scene.newcomer_email)
    client.post("/app/accounts/open", {"group": "Real USD"})
    login = client.get("/app/").context["viewer"].accounts[0].login
    return client, login


def own(scene: Scene, login: int) -> CopyMaster | None:
    with tenant_scope(scene.tenant_id):
        return CopyMaster.objects.select_related("reward_policy").filter(account__login=login).order_by("-pk").first()


def offer(newcomer: tuple[Client, int], **changes: Any) -> str:
    client, login = newcomer
    return client.post("/app/masters/new", {**OFFER, "login": login, **changes}, follow=True).content.decode()


def test_r079_a_strategy_is_offered_with_its_terms(newcomer: tuple[Client, int], scene: Scene) -> None:
    assert "Your strategy is offered." in offer(newcomer)
    master = own(scene, newcomer[1])
    assert master is not None
    policy = master.reward_policy
    assert (master.strategy_name, master.max_followers, master.show_trade_history) == ("Quiet Carry", 5, True)
    assert (policy.reward_type, policy.fee_percent, policy.hwm_convention) == (1, 15, "NET")


@pytest.mark.parametrize(
    ("fee", "fields", "stored"),
    [
        ("0", {"fee_amount": "29", "billing_period": "one_time"}, (0, Decimal(29), 0, True)),
        ("2", {"fee_amount": "1.5", "billing_period": "weekly"}, (2, Decimal("1.5"), 0, True)),
        ("3", {"fee_percent": "10", "billing_period": "weekly"}, (3, 0, Decimal(10), True)),
        ("4", {"fee_percent": "2", "day_count": "252"}, (4, 0, Decimal(2), True)),
        ("free", {"fee_percent": "", "fee_amount": "9"}, (3, 0, Decimal(1), False)),
    ],
)
def test_r108_each_kind_of_fee_reads_its_own_fields(
    newcomer: tuple[Client, int], scene: Scene, fee: str, fields: dict[str, str], stored: tuple[Any, ...]
) -> None:
    offer(newcomer, fee=fee, **fields)
    master = own(scene, newcomer[1])
    assert master is not None
    policy = master.reward_policy
    assert (policy.reward_type, policy.fee_amount, policy.fee_percent, policy.enabled) == stored


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"strategy_name": ""}, "This field is required."),
        ({"fee_percent": ""}, "A fee must be above 0."),
        ({"fee_percent": "60"}, "Must be at most 50."),
        ({"fee": "4", "fee_percent": "11"}, "is too high for this reward type"),
        ({"max_followers": "-1"}, "greater than or equal to 0"),
        ({"login": "1"}, "Choose one of your accounts."),
        ({"visibility": "friends"}, "Select a valid choice"),
    ],
)
def test_a_refused_offer_says_why_and_keeps_what_was_typed(
    newcomer: tuple[Client, int], scene: Scene, changes: dict[str, Any], sentence: str
) -> None:
    page = offer(newcomer, **changes)
    assert sentence in page
    assert "Holds what pays." in page
    assert own(scene, newcomer[1]) is None


def test_r088_accounts_that_cannot_lead_say_why(sign_in: SignIn, scene: Scene) -> None:
    page = sign_in(scene.follower_email).get("/app/masters/new").content.decode()
    assert "It is a demo account; masters trade real ones." in page
    assert "It follows others: an account is a leader or a follower, never both." in page
    assert "It has a master profile already." in sign_in(scene.leader_email).get("/app/masters/new").content.decode()


def test_r224_where_staff_decide_a_strategy_waits_and_says_so(newcomer: tuple[Client, int], scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        product_config_update(master_approval="MANUAL")
    assert "Your operator looks at it before others can find it." in offer(newcomer)
    master = own(scene, newcomer[1])
    assert master is not None
    assert master.status == MasterStatus.PENDING
    assert "Waiting for approval" in newcomer[0].get("/app/masters/mine").content.decode()


def test_r201_rules_that_are_not_met_are_told_one_by_one(newcomer: tuple[Client, int], scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        product_config_update(master_min_account_days=30, master_min_closed_trades=20)
    page = offer(newcomer)
    assert "The account must be at least 30 days old; it is 0." in page
    assert "It must have closed at least 20 trades; it has closed 0." in page
    assert own(scene, newcomer[1]) is None


def test_r204_the_owner_reads_what_staff_decided_and_why(sign_in: SignIn, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        owner = user_create(
            email="owner@northwind.example", password="x" * 12, role=Role.ADMIN, owner=True, at=clock.now()
        )
    actor = Actor(session_type=SessionType.ADMIN, user_id=owner.pk, tenant_id=scene.tenant_id, owner=True)
    with tenant_scope(scene.tenant_id):
        master_status_set(
            actor=actor,
            master_id=_leader(scene).pk,
            status=MasterStatus.PAUSED,
            reason="Too deep a fall",
            at=clock.now(),
        )
    page = sign_in(scene.leader_email).get("/app/masters/mine").content.decode()
    assert "Your operator paused it" in page
    assert "Too deep a fall" in page


def _leader(scene: Scene) -> CopyMaster:
    found = own(scene, scene.leader_login)
    assert found is not None
    return found


def test_a_profile_is_changed(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.leader_email)
    place = f"/app/masters/mine/{_leader(scene).pk}"
    assert 'value="Steady Trend"' in client.get(place).content.decode()
    said = client.post(place, {**OFFER, "visibility": "private"}, follow=True).content.decode()
    assert "Changed terms count from the next period on." in said
    changed = _leader(scene)
    assert (changed.strategy_name, changed.visibility, changed.reward_policy.fee_percent) == (
        "Quiet Carry",
        "private",
        15,
    )


def test_d19_the_owner_sets_limits_for_every_follower(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.leader_email)
    place = f"/app/masters/mine/{_leader(scene).pk}"
    limits = {"bound_max_positions": "4", "bound_min_equity": "250.5", "bound_max_drawdown_percent": ""}
    client.post(place, {**OFFER, **limits})
    master = _leader(scene)
    assert (master.bound_max_positions, master.bound_min_equity, master.bound_max_drawdown_percent) == (
        4,
        Decimal("250.5"),
        0,
    )
    page = client.get(place).content.decode()
    assert 'value="250.5"' in page
    assert "Must be at most 100." in client.post(place, {**OFFER, "bound_max_loss_percent": "101"}).content.decode()


def test_pausing_and_resuming_is_the_owners_switch(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.leader_email)
    place = f"/app/masters/mine/{_leader(scene).pk}"
    assert "Nothing new is copied" in client.post(f"{place}/rest", follow=True).content.decode()
    assert _leader(scene).enabled is False
    assert "Paused by you" in client.get("/app/masters/mine").content.decode()
    client.post(f"{place}/wake")
    assert _leader(scene).enabled is True


def test_d20_ending_tells_its_numbers_and_asks_what_becomes_of_the_copies(sign_in: SignIn, scene: Scene) -> None:
    client = sign_in(scene.leader_email)
    place = f"/app/masters/mine/{_leader(scene).pk}/end"
    answer = client.get(place)
    assert (answer.context["followers"], answer.context["copies"]) == (1, 0)
    wrong = client.post(place, {"open_copies": "burn"}).content.decode()
    assert "Choose what becomes of the open copies." in wrong
    assert "its history stays" in client.post(place, {"open_copies": "close"}, follow=True).content.decode()
    assert _leader(scene).ended_at is not None
    with tenant_scope(scene.tenant_id):
        assert not CopySubscription.objects.filter(master=_leader(scene), ended_at__isnull=True).exists()
    assert "Strategies that ended" in client.get("/app/masters/mine").content.decode()
    assert client.post(place).status_code == 404


@pytest.mark.parametrize("action", ["", "/rest", "/wake", "/end"])
def test_r094_nobody_touches_somebody_elses_master(sign_in: SignIn, scene: Scene, action: str) -> None:
    before = _leader(scene)
    answer = sign_in(scene.follower_email).post(f"/app/masters/mine/{before.pk}{action}", OFFER)
    assert answer.status_code == 403
    after = _leader(scene)
    assert (after.strategy_name, after.enabled, after.ended_at) == (before.strategy_name, before.enabled, None)


def test_without_a_strategy_the_page_leads_to_offering_one(sign_in: SignIn, scene: Scene) -> None:
    page = sign_in(scene.newcomer_email).get("/app/masters/mine").content.decode()
    assert "You do not offer a strategy yet" in page
    form = sign_in(scene.newcomer_email).get("/app/masters/new").content.decode()
    assert "None of your accounts can lead." in form
