"""How figures are kept: who hears of what, followers, killed and doubled runs, and the entrances."""

from datetime import timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import Tenant
from copytrade.models import CopyMaster, InboxHead, Visibility
from copytrade.services.masters import master_end, master_update
from copytrade.services.subscriptions import subscription_end
from infra.database import owner_connection
from marketplace import tasks
from marketplace.models import MasterStats, StatsChange, StatsCursor
from marketplace.services import refreshing
from marketplace.services.refreshing import FRESH, stats_age, stats_recount, stats_refresh
from tests.integration.day_end.evening import instant
from tests.integration.marketplace.arena import Arena
from tests.support.copy_house import CopyHouse, copy_house, join
from tests.support.house import AT


class Killed(BaseException):
    """What ends a process in the middle."""


@pytest.fixture
def house(world) -> CopyHouse:
    """A master with two followers of another customer, each with 10,000."""
    return copy_house(world.north, followers=2)


def kept(house: CopyHouse) -> MasterStats:
    with house.place.scope():
        return MasterStats.objects.get(master__account=house.leader, master__ended_at=None, period="30D")


def refresh(house: CopyHouse) -> int:
    return stats_refresh(tenant_id=house.place.id, at=house.at)


# --- Profiles ---------------------------------------------------------------------------------------------------------


def test_a_new_master_is_in_every_ranking_at_once(house: CopyHouse) -> None:
    with house.place.scope():
        found = list(MasterStats.objects.order_by("period").values_list("period", "listed", "trades", "updated_at"))
    assert found == [(period, True, 0, None) for period in ("30D", "365D", "7D", "90D", "ALL")]


def test_going_private_and_ending_take_a_master_out_of_the_rankings_at_once(house: CopyHouse) -> None:
    refresh(house)
    for change, listed in (({"visibility": Visibility.PRIVATE}, False), ({"visibility": Visibility.PUBLIC}, True)):
        with house.place.scope():
            master_update(master_id=CopyMaster.objects.get().pk, settings=change, reward_policy=None, at=house.at)
            assert set(MasterStats.objects.values_list("listed", flat=True)) == {listed}
    with house.place.scope():
        master_end(master_id=CopyMaster.objects.get().pk, at=house.at)
        assert set(MasterStats.objects.values_list("listed", flat=True)) == {False}


def test_a_profile_that_nobody_told_of_is_found_all_the_same(arena: Arena) -> None:
    alice = arena.master()
    with arena.place.scope():
        MasterStats.objects.all().delete()
        StatsChange.objects.all().delete()
    arena.trip(alice, "2 10:00", "2 12:00", 50)
    assert arena.refresh("2 13:00") == 1
    assert (arena.stats(alice).pnl, arena.stats(alice).listed) == (50, True)


def test_the_figures_of_an_ended_profile_rest_and_its_account_is_left_alone(house: CopyHouse) -> None:
    refresh(house)
    with house.place.scope():
        master = CopyMaster.objects.get()
        master_end(master_id=master.pk, at=house.at + timedelta(seconds=1))
    house.wait(2)
    assert refresh(house) == 1
    with house.place.scope():
        figures = MasterStats.objects.get(master=master, period="ALL")
        assert (figures.followers, figures.aum, figures.updated_at) == (0, 0, house.at)
        assert not StatsCursor.objects.get().living
    house.wait(60)
    assert refresh(house) == 0


# --- Followers --------------------------------------------------------------------------------------------------------


def test_followers_and_what_they_have(house: CopyHouse) -> None:
    refresh(house)
    assert (kept(house).followers, kept(house).aum) == (2, 20_000)
    join(house, 1, house.followers[0].group, balance=500)
    assert refresh(house) == 1
    assert (kept(house).followers, kept(house).aum) == (3, 20_500)
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, at=house.at)
    assert refresh(house) == 1
    assert (kept(house).followers, kept(house).aum) == (2, 10_500)
    assert refresh(house) == 0


def test_d26_accounts_of_the_masters_own_customer_count_nowhere(house: CopyHouse) -> None:
    with house.place.scope():
        type(house.leader).objects.filter(pk=house.followers[0].pk).update(customer_id=house.leader.customer_id)
    refresh(house)
    assert (kept(house).followers, kept(house).aum) == (1, 10_000)


def test_what_followers_have_counts_their_open_positions(house: CopyHouse) -> None:
    house.open(house.leader, "1")
    house.drain()
    house.quote("EURUSD", "1.1012", "1.1014")
    refresh(house)
    held = house.tickets(house.followers[0])[0].volume
    gained = 2 * held * D("0.0010") * 100_000
    assert kept(house).aum == 20_000 + gained


def test_assets_of_another_currency_are_converted_and_what_cannot_be_is_left_out(house: CopyHouse) -> None:
    accounts = type(house.leader).objects
    with house.place.scope():
        accounts.filter(pk=house.followers[0].pk).update(currency="EUR")
        accounts.filter(pk=house.followers[1].pk).update(currency="SEK")
    refresh(house)
    assert (kept(house).followers, kept(house).aum) == (2, D("11001"))


# --- Once, whatever happens -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_killed_back_fill_goes_on_where_it_was(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "AT_ONCE", 1)
    accounts = [arena.master() for _number in range(3)]
    for account in accounts:
        arena.trip(account, "2 10:00", "2 12:00", 50)
    passages = iter([None, Killed])

    def dying(_place: str) -> None:
        if (death := next(passages, None)) is not None:
            raise death

    monkeypatch.setattr(refreshing, "fault", dying)
    with pytest.raises(Killed):
        arena.refresh("2 13:00")
    assert [arena.stats(account).pnl for account in accounts] == [50, 0, 0]
    assert arena.refresh("2 13:01") == 2
    done = arena.kept()
    assert [arena.stats(account).pnl for account in accounts] == [50, 50, 50]
    assert stats_recount(tenant_id=arena.tenant_id, at=instant("2 13:02")) == 3
    assert arena.kept() == done


@pytest.mark.django_db(transaction=True)
def test_an_account_that_somebody_else_counts_is_passed_over(arena: Arena) -> None:
    first, second = arena.master(), arena.master()
    arena.refresh("2 9:30")
    for account in (first, second):
        arena.trip(account, "2 10:00", "2 12:00", 50)
    with owner_connection() as other, other.transaction():
        other.execute("SELECT set_config('app.tenant', %s, true)", [str(arena.tenant_id)])
        other.execute("SELECT 1 FROM marketplace_statscursor WHERE account_id = %s FOR NO KEY UPDATE", [first.id])
        assert arena.refresh("2 13:00") == 1
        assert (arena.stats(first).pnl, arena.stats(second).pnl) == (0, 50)
    assert arena.refresh("2 13:01") == 1
    assert (arena.stats(first).trades, arena.stats(first).pnl) == (1, 50)


@pytest.mark.django_db(transaction=True)
def test_trading_and_following_wait_for_nobody_who_counts(arena: Arena) -> None:
    """While a master's cursor and figures are held, its account trades on."""
    alice = arena.master()
    arena.refresh("2 9:30")
    with owner_connection() as other, other.transaction():
        other.execute("SELECT set_config('app.tenant', %s, true)", [str(arena.tenant_id)])
        other.execute("SELECT 1 FROM marketplace_statscursor FOR UPDATE")
        other.execute("SELECT 1 FROM marketplace_masterstats FOR UPDATE")
        arena.trip(alice, "2 10:00", "2 12:00", 50)
    arena.refresh("2 13:00")
    assert arena.stats(alice).pnl == 50


def test_a_head_that_moved_without_a_close_changes_no_sum(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 50)
    arena.refresh("2 13:00")
    days = arena.days(alice)
    arena.open(alice, "0.1", "2 14:00")
    with arena.place.scope():
        head = InboxHead.objects.get(leader_id=alice.id).head_seq
        assert StatsCursor.objects.get(account=alice).event_seq < head
    assert arena.refresh("2 14:01") == 1
    with arena.place.scope():
        assert StatsCursor.objects.get(account=alice).event_seq == head
    assert arena.days(alice) == days


# --- Age --------------------------------------------------------------------------------------------------------------


def test_prices_alone_move_the_figures_of_open_positions_now_and_then(arena: Arena) -> None:
    alice, idle = arena.master(), arena.master()
    arena.price(0, "2 9:30")
    arena.open(alice, "0.1", "2 10:00")
    arena.refresh("2 10:00")
    arena.price(70, "2 10:05")
    at = instant("2 10:00")
    assert stats_age(tenant_id=arena.tenant_id, at=at + FRESH) == 0
    late = at + FRESH + timedelta(seconds=1)
    assert stats_age(tenant_id=arena.tenant_id, at=late) == 1
    assert stats_age(tenant_id=arena.tenant_id, at=late) == 0
    assert arena.refresh(late) == 1
    assert (arena.stats(alice).equity_end, arena.stats(alice).roi) == (10_070, D("0.007"))
    assert arena.stats(idle).updated_at == at


# --- Entrances --------------------------------------------------------------------------------------------------------


def test_the_task_serves_every_live_tenant_and_goes_on_after_a_failure(
    world, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    houses = [copy_house(place, followers=0) for place in (world.north, world.south)]
    asleep = houses[0].place.id
    Tenant.objects.filter(pk=asleep).update(live=False)
    tasks.stats()
    assert [kept(house).updated_at is None for house in houses] == [True, False]
    Tenant.objects.filter(pk=asleep).update(live=True)
    real = tasks.stats_refresh

    def failing(*, tenant_id: int, **rest) -> int:
        if tenant_id == asleep:
            raise ValueError("broken")
        return real(tenant_id=tenant_id, **rest)

    monkeypatch.setattr(tasks, "stats_refresh", failing)
    houses[1].open(houses[1].leader, "1")
    tasks.stats()
    assert f"the statistics of tenant {asleep} failed" in caplog.text
    with houses[1].place.scope():
        head = InboxHead.objects.get(leader_id=houses[1].leader.id).head_seq
        assert StatsCursor.objects.get().event_seq == head
    tasks.age()


def test_figures_are_kept_each_second_and_never_by_a_copy_worker() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["marketplace-stats"]["task"] == tasks.stats.name
    assert settings.CELERY_BEAT_SCHEDULE["marketplace-stats"]["schedule"] == 1
    assert not any(name.startswith("marketplace") for name in settings.CELERY_TASK_ROUTES)


def test_a_task_ends_after_so_many_transactions(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refreshing, "AT_ONCE", 1)
    for _number in range(3):
        arena.master()
    assert stats_refresh(tenant_id=arena.tenant_id, at=AT, most=2) == 2
    assert stats_refresh(tenant_id=arena.tenant_id, at=AT, most=2) == 1


def test_the_command_counts_what_is_new_or_everything(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 50)

    def said(*arguments: str) -> str:
        out = StringIO()
        call_command("master_stats", *arguments, stdout=out)
        return next(line for line in out.getvalue().splitlines() if line.startswith("north"))

    assert said() == "north: 1 accounts"
    assert said() == "north: 0 accounts"
    assert said("--again") == "north: 1 accounts"
    assert arena.stats(alice).pnl == 50
