"""The demo's past: made by the services, in one order of time, and nothing but the truth in the books."""

from datetime import timedelta

import pytest

from accounts.models import Tenant, TradingAccount, User
from config.demo.cast import HOUSES, PASSWORD
from copytrade.engine.sweep import waiting_leaders
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, TradeLink
from copytrade.selectors_proof import copies_prove
from core.states import CopyStatus, LinkState, TradeState
from infra.tenancy import tenant_scope
from ledger.models import Transfer
from ledger.selectors_proof import ledger_prove
from rewards.models import AccrualState, RewardAccrual, RewardAgreement
from rewards.selectors_proof import rewards_prove
from tests.support.demo import END, LENGTH, Demo
from trading.models import AccountEvent, Quote, Trade
from trading.selectors_proof import trades_prove

pytestmark = pytest.mark.django_db


def test_tenants_are_live_at_the_end_and_progress_was_told(past: Demo) -> None:
    assert dict(Tenant.objects.values_list("slug", "live")) == {"demo": True, "other": True}
    assert past.told == sorted(past.told)
    assert past.told[-1] == 100


def test_everybody_of_the_cast_is_there(past: Demo) -> None:
    for house, tenant_id in zip(HOUSES, (past.demo, past.other), strict=True):
        with tenant_scope(tenant_id):
            people = {user.email: user for user in User.objects.all()}
            assert people.keys() == {f"{name}@{house.domain}" for name in ("owner", *(p.name for p in house.people))}
            assert all(person.check_password(PASSWORD) for person in people.values())
            assert people[f"owner@{house.domain}"].owner
            assert TradingAccount.objects.count() == len(house.accounts)
            assert CopyMaster.objects.count() == len(house.masters)
            assert CopySubscription.objects.count() == len(house.subscriptions)
            assert Quote.objects.filter(at=END, source="SIMULATED").count() == 22


def test_the_leader_has_the_first_login(past: Demo) -> None:
    with tenant_scope(past.demo):
        emails = TradingAccount.objects.order_by("login").values_list("customer__email", flat=True)
        assert emails[0] == "leader@demo.example"


def test_things_happened_in_one_order_of_time(past: Demo) -> None:
    for tenant_id in (past.demo, past.other):
        with tenant_scope(tenant_id):
            instants = list(AccountEvent.objects.order_by("id").values_list("at", flat=True))
            assert instants == sorted(instants)
            assert instants[0] >= END - LENGTH
            assert END - timedelta(hours=1) < instants[-1] <= END
            booked = list(Transfer.objects.order_by("booked_at").values_list("booked_at", flat=True))
            assert booked[-1] <= END


def test_the_past_is_marked_as_made_up(past: Demo) -> None:
    with tenant_scope(past.demo):
        assert not CopyOrder.objects.exclude(simulated=True, known_at=None, sent_at=None, filled_at=None).exists()


def test_a_newcomer_finds_open_copies_and_reasons_for_missing_ones(past: Demo) -> None:
    with tenant_scope(past.demo):
        first = TradingAccount.objects.filter(customer__email="leader@demo.example").order_by("pk")[0]
        assert Trade.objects.filter(account=first, state=TradeState.OPEN).count() >= 2
        mine = TradeLink.objects.filter(follower__customer__email="follower@demo.example", state=LinkState.ACTIVE)
        assert mine.count() >= 2
        assert CopyOrder.objects.filter(status=CopyStatus.FILLED).count() > 50
        assert CopyOrder.objects.filter(status=CopyStatus.SKIPPED).exclude(reason="").exists()
        assert {cmd for (cmd,) in Trade.objects.values_list("cmd")} == {0, 1, 6, 8}


def test_nothing_waits_to_be_copied(past: Demo) -> None:
    assert waiting_leaders() == []


def test_all_proofs_hold(past: Demo) -> None:
    for tenant_id in (past.demo, past.other):
        assert [
            *ledger_prove(tenant_id),
            *trades_prove(tenant_id),
            *copies_prove(tenant_id),
            *rewards_prove(tenant_id),
        ] == []


def test_masters_were_paid(past: Demo) -> None:
    with tenant_scope(past.demo):
        settled = RewardAccrual.objects.filter(state=AccrualState.SETTLED)
        assert {kind for (kind,) in settled.values_list("reward_type")} == {0, 3}
        assert not RewardAccrual.objects.filter(created_at__gt=END).exists()


def test_a_newcomer_finds_dearer_terms_that_wait_for_an_answer(past: Demo) -> None:
    with tenant_scope(past.demo):
        waiting = RewardAgreement.objects.get(next_terms__isnull=False, accepted_at__isnull=True)
        assert waiting.follower.customer.email == "follower@demo.example"
        assert RewardAgreement.objects.filter(accepted_at__isnull=False).count() == 2
        assert (waiting.next_dearer, waiting.accepted_at, waiting.subscription.ended_at) == (True, None, None)
        assert waiting.period_to > END
