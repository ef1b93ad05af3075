"""R007, R052, R152, X08: roles and places under concurrency, with real connections.

Each test first shows the race: the same checks without the lock let both through. Then the services, at the same moment.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count

from accounts.models import TradingAccount
from copytrade.domain import shards
from copytrade.domain.shards import SHARD_SIZE
from copytrade.models import CopyFollower, CopyMaster, CopySubscription, LeaderShard
from copytrade.services import subscriptions
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create, master_end
from copytrade.services.roles import controller_admit, role_is_needed
from copytrade.services.shards import shard_assign
from copytrade.services.subscriptions import subscription_create
from core.errors import DomainError
from core.states import CopyRole, PositionMode
from infra.tenancy import tenant_scope
from tests.support.copying import AT, FEE, Cast, House
from tests.support.world import World

# Accounts are made by hand here, three hundred at a time and without their ledger accounts.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.spoils_the_books]

WAIT = 20


@pytest.fixture
def cast(transactional_db: None, world: World) -> Cast:
    return Cast(world)


def at_once(place: House, *calls: Callable[[], Any]) -> list[Any]:
    """Runs the calls in one transaction and one connection each, begun together; gives results and refusals' codes."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            with tenant_scope(place.id):
                gate.wait(WAIT)
                return call()
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def count_of(place: House, model: Any, **conditions: Any) -> int:
    with tenant_scope(place.id):
        return model.objects.filter(**conditions).count()


# --- A leader and a follower at once ---------------------------------------------------------------------------------


def test_without_the_lock_an_account_becomes_leader_and_follower(cast: Cast):
    account = cast.house.account(cast.alice)
    checked = threading.Barrier(2)
    common: dict[str, Any] = {
        "tenant_id": cast.house.id, "account_id": account.pk, "customer_id": cast.alice.user.pk, "created_at": AT,
        "updated_at": AT,
    }  # fmt: skip

    def unlocked(other: CopyRole, model: Any) -> Callable[[], bool]:
        def call() -> bool:
            free = not role_is_needed(account.pk, other)
            checked.wait(WAIT)
            if free:
                model.objects.create(**common)
            return free

        return call

    assert at_once(cast.house, unlocked(CopyRole.FOLLOWER, CopyMaster), unlocked(CopyRole.LEADER, CopyFollower)) == [
        True,
        True,
    ]


@pytest.mark.parametrize("_round", range(5))
def test_an_account_is_never_leader_and_follower(cast: Cast, _round: int):
    account = cast.house.account(cast.alice)
    actor = cast.alice.actor
    outcome = at_once(
        cast.house,
        lambda: master_create(
            actor=actor, login=account.login, settings={"strategy_name": "x"}, reward_policy=FEE, at=AT
        ),
        lambda: follower_create(actor=actor, login=account.login, settings={}, at=AT),
    )
    assert outcome.count("CIRCULAR_COPY") == 1
    assert count_of(cast.house, CopyMaster) + count_of(cast.house, CopyFollower) == 1
    with tenant_scope(cast.house.id):
        account.refresh_from_db()
    expected = CopyRole.LEADER if count_of(cast.house, CopyMaster) else CopyRole.FOLLOWER
    assert account.copy_role == expected


# --- The last place of a master --------------------------------------------------------------------------------------


def test_without_the_lock_two_take_the_last_place(cast: Cast):
    master = cast.house.master(cast.alice, max_followers=1)
    followers = [cast.house.follower(cast.bob) for _number in range(2)]
    checked = threading.Barrier(2)

    def unlocked(follower: CopyFollower) -> Callable[[], None]:
        def call() -> None:
            subscriptions._place_left(master)
            checked.wait(WAIT)
            insert(master, follower)

        return call

    at_once(cast.house, *[unlocked(follower) for follower in followers])
    assert count_of(cast.house, CopySubscription, master=master) == 2


@pytest.mark.parametrize("_round", range(5))
def test_one_takes_the_last_place(cast: Cast, _round: int):
    master = cast.house.master(cast.alice, max_followers=1)
    followers = [cast.house.follower(cast.bob) for _number in range(3)]
    outcome = at_once(cast.house, *[subscribing(cast, master, follower) for follower in followers])
    assert outcome.count("MASTER_FULL") == 2
    assert count_of(cast.house, CopySubscription, master=master) == 1


# --- The one controller of a netting account -------------------------------------------------------------------------


def test_without_the_lock_a_netting_account_gets_two_leaders(cast: Cast):
    follower = netting_follower(cast)
    masters = [cast.house.master(cast.alice) for _number in range(2)]
    checked = threading.Barrier(2)

    def unlocked(master: CopyMaster) -> Callable[[], None]:
        def call() -> None:
            controller_admit(follower, PositionMode.NETTING)
            checked.wait(WAIT)
            insert(master, follower)

        return call

    at_once(cast.house, *[unlocked(master) for master in masters])
    assert count_of(cast.house, CopySubscription, follower_id=follower.account_id) == 2


@pytest.mark.parametrize("_round", range(5))
def test_a_netting_account_gets_one_leader(cast: Cast, _round: int):
    follower = netting_follower(cast)
    masters = [cast.house.master(cast.alice) for _number in range(3)]
    outcome = at_once(cast.house, *[subscribing(cast, master, follower) for master in masters])
    assert outcome.count("ALREADY_CONTROLLED") == 2
    assert count_of(cast.house, CopySubscription, follower_id=follower.account_id) == 1


# --- Shards ----------------------------------------------------------------------------------------------------------


def test_without_the_lock_a_shard_overflows(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "SHARED_FROM", 1_000)
    master = cast.house.master(cast.alice)
    crowd(cast, master, SHARD_SIZE - 1)
    followers = [cast.house.follower(cast.bob) for _number in range(2)]
    checked = threading.Barrier(2)

    def unlocked(follower: CopyFollower) -> Callable[[], None]:
        def call() -> None:
            shard = shard_assign(TradingAccount.objects.get(pk=master.account_id))
            checked.wait(WAIT)
            insert(master, follower, shard=shard)

        return call

    at_once(cast.house, *[unlocked(follower) for follower in followers])
    assert shard_sizes(cast.house) == [SHARD_SIZE + 1]


@pytest.mark.slow
def test_300_subscriptions_in_parallel_fill_two_shards_evenly(cast: Cast):
    master = cast.house.master(cast.alice)
    with tenant_scope(cast.house.id):
        TradingAccount.objects.filter(pk=master.account_id).update(event_seq=9)
    profiles = crowd_of_followers(cast, 300)

    def subscribe(login: int) -> None:
        try:
            with tenant_scope(cast.house.id):
                subscription_create(
                    actor=cast.bob.actor,
                    master_login=master.account.login,
                    follower_login=login,
                    settings={},
                    at=AT,
                )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(subscribe, profiles))
    assert shard_sizes(cast.house) == [150, 150]
    with tenant_scope(cast.house.id):
        assert [shard.cursor for shard in LeaderShard.objects.order_by("number")] == [9, 9]
        assert set(CopySubscription.objects.values_list("entries_from_seq", flat=True)) == {10}


# --- A master that ends while followers join -------------------------------------------------------------------------


@pytest.mark.parametrize("_round", range(5))
def test_nobody_follows_a_master_that_has_ended(cast: Cast, _round: int):
    master = cast.house.master(cast.alice)
    crowd(cast, master, 3)
    joining = [cast.house.follower(cast.bob) for _number in range(3)]
    outcome = at_once(
        cast.house,
        lambda: master_end(master_id=master.pk, at=AT),
        *[subscribing(cast, master, follower) for follower in joining],
    )
    assert outcome[0] is None
    assert count_of(cast.house, CopySubscription, master=master, ended_at=None) == 0
    assert all(result == "MASTER_NOT_FOUND" or isinstance(result, CopySubscription) for result in outcome[1:])
    with tenant_scope(cast.house.id):
        assert TradingAccount.objects.get(pk=master.account_id).copy_role == CopyRole.NONE


# --- Helpers ---------------------------------------------------------------------------------------------------------


def netting_follower(cast: Cast) -> CopyFollower:
    return cast.house.follower(cast.bob, cast.house.account(cast.bob, "netting"), max_master_count=10)


def subscribing(cast: Cast, master: CopyMaster, follower: CopyFollower) -> Callable[[], Any]:
    return lambda: subscription_create(
        actor=cast.bob.actor,
        master_login=master.account.login,
        follower_login=follower.account.login,
        settings={},
        at=AT,
    )


def insert(master: CopyMaster, follower: CopyFollower, shard: LeaderShard | None = None) -> None:
    """A subscription row, without any question asked."""
    if shard is None:
        number = follower.account_id  # any number that no other has
        shard = LeaderShard.objects.create(
            tenant_id=master.tenant_id, leader_id=master.account_id, number=number, cursor=0
        )
    CopySubscription.objects.create(
        tenant_id=master.tenant_id,
        leader_id=master.account_id,
        follower_id=follower.account_id,
        master=master,
        shard=shard,
        entries_from_seq=1,
        created_at=AT,
        updated_at=AT,
    )


def crowd_of_followers(cast: Cast, number: int) -> list[int]:
    """Logins of many new follower accounts of Bob's, made set-based."""
    with tenant_scope(cast.house.id):
        group = cast.house.place.real
        made = TradingAccount.objects.bulk_create(
            TradingAccount(
                tenant_id=cast.house.id,
                customer=cast.bob.user,
                group=group,
                password="",
                currency="USD",
                leverage=100,
                copy_role=CopyRole.FOLLOWER,
                opened_at=AT,
            )
            for _number in range(number)
        )
        CopyFollower.objects.bulk_create(
            CopyFollower(tenant_id=cast.house.id, account=account, customer=cast.bob.user, created_at=AT, updated_at=AT)
            for account in made
        )
        ids = [account.pk for account in made]
        return list(TradingAccount.objects.filter(pk__in=ids).order_by("pk").values_list("login", flat=True))


def crowd(cast: Cast, master: CopyMaster, number: int) -> None:
    """Many living subscriptions in one shard."""
    logins = crowd_of_followers(cast, number)
    with tenant_scope(cast.house.id):
        shard = shard_assign(TradingAccount.objects.get(pk=master.account_id))
        for follower in CopyFollower.objects.filter(account__login__in=logins):
            insert(master, follower, shard=shard)


def shard_sizes(place: House) -> list[int]:
    with tenant_scope(place.id):
        shards = LeaderShard.objects.annotate(size=Count("subscriptions")).order_by("number")
        return [shard.size for shard in shards]
