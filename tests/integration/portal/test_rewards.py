"""The pages of rewards: what was paid and earned, the statement, dearer terms, and what to do about unpaid ones."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client

from accounts.models import ProductConfig
from accounts.services import product_config_update
from copytrade.models import CopySubscription
from core import clock
from infra.tenancy import tenant_scope
from rewards.models import AccrualState, RewardAccrual, RewardAgreement
from tests.browser.scene import Scene, scene_trade
from tests.integration.portal.conftest import SignIn
from tests.support.reward_scene import change_terms, empty, follow_second, pay, settle, win

SECOND = "second@northwind.example"
MONTHLY = {"reward_type": 0, "fee_amount": D(29), "billing_period": "monthly"}


@pytest.fixture
def client(sign_in: SignIn, scene: Scene) -> Client:
    return sign_in(scene.follower_email)


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content.decode()
    return " ".join(answer.content.decode().split())


def test_r121_the_follower_sees_the_charge_and_the_masters_owner_the_earning(
    client: Client, sign_in: SignIn, scene: Scene
) -> None:
    number = follow_second(scene)
    with tenant_scope(scene.tenant_id):
        ProductConfig.objects.update(reward_share_percent=D(50))
    win(scene)
    settle(scene)
    with tenant_scope(scene.tenant_id):
        accrual = RewardAccrual.objects.get()
    paid = page(client, "/app/rewards")
    for text in ("Gold Breakout", "Profit share per trade", "Paid", "3.86", f"booked as {accrual.charge_order}"):
        assert text in paid, text
    assert f'href="/app/rewards/{number}?reward={accrual.pk}#reward-{accrual.pk}"' in paid
    assert [(row.amount, row.currency) for row in client.get("/app/rewards").context["rows"]] == [(D("3.86"), "USD")]
    assert client.get("/app/rewards?side=earned").context["rows"] == []
    owner = sign_in(SECOND)
    earned = page(owner, "/app/rewards?side=earned")
    assert f"booked as {accrual.payout_order}" in earned
    assert "of a fee of 3.86 USD" in earned
    assert [one.amount for one in owner.get("/app/rewards?side=earned").context["sums"].settled] == [D("1.93")]
    assert "1.93" in page(owner, "/app/masters/mine")


def test_the_list_is_narrowed_and_exported_as_it_is_shown(client: Client, scene: Scene) -> None:
    follow_second(scene)
    win(scene)
    settle(scene)
    lines = client.get("/app/rewards.csv?side=paid&state=settled").content.decode().splitlines()
    assert lines[0].startswith("id,created_at,strategy_name,master_login")
    assert len(lines) == 2
    assert "PROFIT_SHARE_PER_TRADE" in lines[1]
    assert ",3.86,USD," in lines[1]
    assert len(client.get("/app/rewards.csv?side=paid&state=failed").content.decode().splitlines()) == 1
    assert "There is none of these" in page(client, "/app/rewards?state=failed")
    assert "You have earned no rewards yet" in page(client, "/app/rewards?side=earned&state=nonsense")


def test_x04_the_statement_works_each_fee_out_for_a_person(client: Client, sign_in: SignIn, scene: Scene) -> None:
    number = follow_second(scene)
    assert "Nothing has been charged yet" in page(client, f"/app/rewards/{number}")
    win(scene)
    settle(scene)
    with tenant_scope(scene.tenant_id):
        accrual = RewardAccrual.objects.get()
    told = page(client, f"/app/rewards/{number}")
    for text in (
        "comes to the same", "38.6 × 10 / 100 = 3.86 USD", str(accrual.source_order), str(accrual.charge_order),
        str(accrual.payout_order), "10 % of each copied trade closed with profit.", "−1.40",
    ):  # fmt: skip
        assert text in told, text
    assert "3.86" in page(sign_in(SECOND), f"/app/rewards/{number}")
    assert sign_in(scene.newcomer_email).get(f"/app/rewards/{number}").status_code == 403
    assert client.get("/app/rewards/999999").status_code == 404
    whole = page(client, f"/app/rewards/{number}?all=1")
    assert f'id="reward-{accrual.pk}" open' in whole


def test_the_list_leads_to_the_page_of_the_statement_that_has_the_fee(client: Client, scene: Scene) -> None:
    number = follow_second(scene)
    for _time in range(21):
        win(scene)
    settle(scene)
    with tenant_scope(scene.tenant_id):
        oldest = RewardAccrual.objects.earliest("pk").pk
    assert f'id="reward-{oldest}"' not in page(client, f"/app/rewards/{number}")
    assert f'id="reward-{oldest}" open' in page(client, f"/app/rewards/{number}?reward={oldest}")
    assert client.get(f"/app/rewards/{number}?reward=x").context["page"].number == 1


def test_x04_a_fee_that_does_not_come_out_is_said_at_the_top_and_at_the_fee(client: Client, scene: Scene) -> None:
    number = follow_second(scene)
    win(scene)
    settle(scene)
    with tenant_scope(scene.tenant_id):
        RewardAccrual.objects.update(fee_amount=D("4"))
    told = page(client, f"/app/rewards/{number}")
    assert "Not every fee comes to the same" in told
    assert "Charged 4.00 USD, worked out anew 3.86 USD." in told
    assert "the balance operation that charged it" in told


def test_x04_the_marks_of_a_performance_fee_are_a_table(client: Client, scene: Scene) -> None:
    number = follow_second(scene, {"reward_type": 1, "fee_percent": D(20), "billing_period": "weekly"})
    win(scene)
    settle(scene)
    settle(scene, clock.now() + timedelta(days=8))
    marks = client.get(f"/app/rewards/{number}").context["marks"]
    assert [(m.marks.mark, m.fee_again, m.marks_after.mark) for m in marks] == [(0, D("7.72"), D("38.6"))]
    assert "The high-water mark" in page(client, f"/app/rewards/{number}")


def test_d24_dearer_terms_are_told_accepted_and_refused(client: Client, scene: Scene) -> None:
    number = follow_second(scene, MONTHLY)
    settle(scene)
    change_terms(scene, {"fee_amount": D(49)})
    settle(scene)
    place = f"/app/copying/{number}/terms"
    assert "Gold Breakout asks more of account" in page(client, "/app/copying")
    dialog = page(client, place)
    assert "29.00 USD monthly, in advance." in dialog
    assert "49.00 USD monthly, in advance." in dialog
    answer = client.post(place, {"version": "1", "accept": "1"})
    assert "The master has changed the terms again." in answer.content.decode()
    answer = client.post(place, {"version": "2", "accept": "1"}, follow=True)
    assert "Accepted. The new terms hold from the next period on." in answer.content.decode()
    assert "You accepted them." in page(client, place)
    client.post(place, {"version": "2", "refuse": "1"})
    with tenant_scope(scene.tenant_id):
        assert RewardAgreement.objects.get(subscription_id=number).accepted_at is None
    assert client.post(place, {"version": "x", "accept": "1"}).status_code == 200
    client.post(place, {"version": "2", "accept": "1"})
    settle(scene, clock.now() + timedelta(days=40))
    with tenant_scope(scene.tenant_id):
        assert CopySubscription.objects.get(pk=number).ended_at is None
        fees = RewardAccrual.objects.filter(subscription_id=number).order_by("pk").values_list("fee_amount", flat=True)
        assert list(fees) == [29, 49]


def test_d25_what_could_not_be_paid_is_told_with_amount_and_what_to_do(
    client: Client, sign_in: SignIn, scene: Scene
) -> None:
    number = follow_second(scene, MONTHLY)
    empty(scene)
    settle(scene)
    told = page(client, "/app/copying")
    assert "29.00 USD of rewards could not be paid." in told
    assert f"Pay into account {scene.follower_login} or close a position" in told
    assert "Copying is paused if it is still not paid" in told
    listed = page(client, "/app/rewards?state=failed")
    assert f"Account {scene.follower_login} has not enough free margin. Pay in or close a position." in listed
    assert "You need not do anything" in page(sign_in(SECOND), "/app/rewards?side=earned")
    settle(scene, clock.now() + timedelta(days=8))
    told = page(client, "/app/copying")
    assert "paused: a reward could not be paid" in told
    assert "copying goes on by itself once it is paid" in told
    pay(scene, 100)
    settle(scene, clock.now() + timedelta(days=10))
    assert "could not be paid" not in page(client, "/app/copying")
    with tenant_scope(scene.tenant_id):
        assert {a.state for a in RewardAccrual.objects.filter(subscription_id=number)} == {AccrualState.SETTLED}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"reward_type": 3, "fee_percent": D(10)}, "a copy that is closed with 100.00 USD costs 10.00 USD"),
        ({"reward_type": 2, "fee_amount": D(3)}, "1.25 lots that were closed in a period cost 3.75 USD"),
        ({"reward_type": 4, "fee_percent": D(2)}, "10,000.00 USD that stay for a month cost 16.44 USD"),
        (
            {"reward_type": 1, "fee_percent": D(20), "hwm_enabled": True},
            "make 1,000.00, lose 400.00 and make 600.00 USD in three periods are charged 200.00, 0.00 and 0.00 USD",
        ),
        (MONTHLY, "It is due whatever the copies make"),
    ],
)
def test_d24_the_follow_form_tells_the_terms_with_an_example(
    sign_in: SignIn, scene: Scene, terms: dict[str, Any], said: str
) -> None:
    change_terms(scene, terms)
    assert said in page(sign_in(scene.newcomer_email), f"/app/masters/{scene.second_master_login}/follow")


def test_d24_the_masters_owner_sees_who_still_has_earlier_terms(sign_in: SignIn, scene: Scene) -> None:
    follow_second(scene, MONTHLY)
    settle(scene)
    change_terms(scene, {"fee_amount": D(49)})
    owner = sign_in(SECOND)
    mine = next(row["master"] for row in owner.get("/app/masters/mine").context["rows"] if row["earned"])
    told = page(owner, f"/app/masters/mine/{mine.pk}")
    assert "1 follower still has earlier terms," in told
    assert "1 of them has not accepted the new ones yet." in told


def test_r197_the_pages_are_hidden_while_the_module_is_off(client: Client, scene: Scene) -> None:
    number = follow_second(scene)
    with tenant_scope(scene.tenant_id):
        product_config_update(copy_trading=False)
    for path in ("/app/rewards", "/app/rewards.csv", f"/app/rewards/{number}", f"/app/copying/{number}/terms"):
        assert client.get(path).status_code == 403
    assert 'href="/app/rewards' not in client.get("/app/copying").content.decode()


def test_more_rewards_ask_no_more_questions(client: Client, scene: Scene, django_assert_max_num_queries: Any) -> None:
    number = follow_second(scene)
    for _time in range(3):
        win(scene)
    scene_trade(scene)
    settle(scene)
    with django_assert_max_num_queries(20):
        assert len(client.get("/app/rewards").context["rows"]) == 3
    with django_assert_max_num_queries(25):
        client.get(f"/app/rewards/{number}")
    with django_assert_max_num_queries(27):
        client.get("/app/copying")
