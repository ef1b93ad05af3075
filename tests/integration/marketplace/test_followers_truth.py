"""X03: what followers really got, against a slow computation straight from the stored rows."""

import json
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from accounts import services
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, TradeLink
from copytrade.services.followers import follower_create
from copytrade.services.subscriptions import subscription_create, subscription_end
from core.states import Reason
from infra.actor import Actor, SessionType
from marketplace.models import FollowersDay, FollowersReach, MasterStats
from marketplace.services.followers_truth import followers_truth_refresh
from marketplace.services.refreshing import stats_refresh
from rewards.services.working import rewards_work
from tests.support.copy_house import CopyHouse, copy_house, join
from tests.support.dry_runs import play
from trading.models import AccountEvent, DayEnd, EquitySnapshot, Trade
from trading.services.balance import balance_operate
from trading.services.day_end import days_catch_up

NAMES = ("capital", "result", "slippage", "fees", "skipped")
TOLERANCE = D("1e-6")


def evening(house: CopyHouse) -> None:
    days_catch_up(tenant_id=house.place.id, at=house.at)


def paid_evening(house: CopyHouse) -> None:
    """The day ends, and the master is paid."""
    evening(house)
    rewards_work(tenant_id=house.place.id, at=house.at)


def refresh(house: CopyHouse) -> int:
    stats_refresh(tenant_id=house.place.id, at=house.at)
    return followers_truth_refresh(tenant_id=house.place.id, at=house.at)


def own_follower(house: CopyHouse) -> CopySubscription:
    """An account of the master's own customer that copies it: it counts nowhere."""
    alice = house.place.person("alice")
    actor = Actor(SessionType.CUSTOMER, alice.id, house.place.id)
    with house.place.scope():
        account = services.account_open(customer=alice.user, group=house.leader.group, at=house.at).account
        balance_operate(account_id=account.id, amount=D(50_000), at=house.at)
        follower_create(actor=actor, login=account.login, settings={}, at=house.at)
        return subscription_create(
            actor=actor, master_login=house.leader.login, follower_login=account.login, settings={}, at=house.at
        )


@pytest.fixture
def house(world):
    """Three weeks with three followers of different minds, late copies, nights, and a payment."""
    made = copy_house(world.north, followers=0, commission="3")
    group = made.leader.group
    join(made, 1, group)
    join(made, 1, group, volume_mode=0, fixed_volume=D("0.02"), symbols_mode=1, symbols="XAUUSD")
    join(made, 1, group, volume_mode=2, risk_multiplier=D(5), reverse_direction=True, max_positions=1)
    own_follower(made)
    play(made, seed=11, steps=25, longest=90_000, late=40, every=lambda: paid_evening(made))
    with world.north.scope():
        balance_operate(account_id=made.followers[0].id, amount=D(2_500), at=made.at)
    play(made, seed=12, steps=15, longest=90_000, late=40, every=lambda: paid_evening(made))
    made.wait(timedelta(days=2).total_seconds())
    paid_evening(made)
    made.wait(timedelta(days=1).total_seconds())
    evening(made)
    return made


# --- The slow computation


def snapshot(account_id: int, day: Any) -> EquitySnapshot | None:
    return EquitySnapshot.objects.filter(account_id=account_id, day=day).first()


def booked(account_id: int, first: EquitySnapshot, last: EquitySnapshot) -> list[tuple[AccountEvent, D]]:
    events = list(AccountEvent.objects.filter(account_id=account_id).order_by("seq"))
    found = []
    for number, event in enumerate(events):
        if first.event_seq < event.seq <= last.event_seq:
            later = number + 1 < len(events) and events[number + 1].seq <= last.event_seq
            found.append((event, (events[number + 1].balance if later else last.balance) - event.balance))
    return found


def slow_day(house: CopyHouse, end: DayEnd, begin: Any) -> dict[str, D]:
    """One day of the house's master; all accounts are in one currency."""
    sums: dict[str, D] = defaultdict(D)
    before = [EquitySnapshot.objects.filter(account_id=house.leader.id, day__lt=end.day).latest("day")]
    mine = snapshot(house.leader.id, end.day)
    master_events = booked(house.leader.id, before[0], mine) if mine else []
    for subscription in CopySubscription.objects.exclude(follower__customer_id=house.leader.customer_id):
        last = snapshot(subscription.follower_id, end.day)
        if last is None or subscription.created_at >= end.boundary_at:
            continue
        first = EquitySnapshot.objects.filter(account_id=subscription.follower_id, day__lt=end.day).latest("day")
        living = subscription.ended_at is None or subscription.ended_at > begin
        tickets = set(
            TradeLink.objects.filter(subscription_id=subscription.pk).values_list("follower_trade_id", flat=True)
        )
        sums["capital"] += first.equity if living else 0
        for event, amount in booked(subscription.follower_id, first, last):
            if event.trade_id in tickets:
                sums["result"] += amount
                sums["fees"] += abs(event.volume_after - event.volume_before) * 3
        for reward in Trade.objects.filter(account_id=subscription.follower_id, reason=Reason.COPY_REWARD):
            mine_too = json.loads(reward.api_data)["subscription_id"] == subscription.pk
            if mine_too and begin <= reward.open_at < end.boundary_at:
                sums["result"] += reward.profit
                sums["fees"] -= reward.profit
                sums["rewards"] -= reward.profit
        for order in CopyOrder.objects.filter(subscription_id=subscription.pk):
            if begin <= order.decided_at < end.boundary_at:
                sums["slippage"] += order.slippage_money or 0
        for event, amount in master_events if living else []:
            trade = Trade.objects.filter(pk=event.trade_id).first()
            known = TradeLink.objects.filter(leader_trade_id=event.trade_id, subscription_id=subscription.pk).exists()
            if event.kind not in ("REDUCE", "CLOSE") or known or trade.open_at < subscription.created_at:
                continue
            scale = {
                0: subscription.fixed_volume / event.volume_before,
                1: subscription.risk_multiplier,
                2: subscription.risk_multiplier * first.equity / before[0].equity,
            }[subscription.volume_mode]
            sums["skipped"] += amount * scale * (-1 if subscription.reverse_direction else 1)
    return sums


def test_x03_every_day_is_what_the_stored_rows_say(world, house):
    assert refresh(house) > 5
    with world.north.scope():
        ends = list(DayEnd.objects.order_by("day"))
        kept = {row.day: row for row in FollowersDay.objects.all()}
        begin = ends[0].boundary_at - timedelta(days=1)
        totals: dict[str, D] = defaultdict(D)
        for end in ends:
            expected = slow_day(house, end, begin)
            begin = end.boundary_at
            totals["rewards"] += expected["rewards"]
            if end.day not in kept:
                assert not any(expected.values())
                continue
            for name in NAMES:
                assert abs(getattr(kept[end.day], name) - expected[name]) < TOLERANCE, (end.day, name)
                totals[name] += expected[name]
        assert all(totals[name] for name in (*NAMES, "rewards")), totals  # nothing of it was idle
        assert {row.followers for row in kept.values()} == {3}


def test_x03_the_masters_figures_show_the_gap_with_its_parts(world, house):
    refresh(house)
    with world.north.scope():
        days = list(FollowersDay.objects.order_by("day"))
        shown = {row.period: row for row in MasterStats.objects.all()}
        for period, most in (("7D", 7), ("30D", 30), ("ALL", 10_000)):
            row = shown[period]
            last = days[-1].day
            of_period = [day for day in days if (last - day.day).days < most and day.capital]
            average = sum(day.capital for day in of_period) / len(of_period)
            assert abs(row.followers_return - sum(day.result for day in of_period) / average) < D("1e-9")
            assert row.followers_gap == row.followers_return - row.twr
            assert row.followers_gap == row.gap_slippage + row.gap_fees + row.gap_skipped + row.gap_other
            assert abs(row.gap_fees + sum(day.fees for day in of_period) / average) < D("1e-9")


def test_x03_counting_again_changes_nothing(world, house):
    refresh(house)

    def kept() -> list[Any]:
        with world.north.scope():
            figures = MasterStats.objects.order_by("pk").values_list("period", "followers_return", "gap_other")
            return [*FollowersDay.objects.order_by("pk").values_list("day", *NAMES), *figures]

    before = kept()
    assert refresh(house) == 0
    assert kept() == before
    with world.north.scope():
        FollowersReach.objects.update(counted=None, shown=None)
    assert refresh(house) > 0
    assert kept() == before


def test_x03_without_followers_nothing_is_known(world):
    house = copy_house(world.north, followers=0)
    own_follower(house)
    play(house, seed=4, steps=8, longest=90_000, every=lambda: evening(house))
    refresh(house)
    with world.north.scope():
        assert not FollowersDay.objects.exists()
        assert set(MasterStats.objects.values_list("followers_return", "followers_gap", "gap_other")) == {(None,) * 3}


def test_x03_who_left_counts_no_longer_but_for_copies_that_stayed(world):
    house = copy_house(world.north, followers=1)
    evening(house)
    trade = house.open(house.leader, "0.10")
    house.drain()
    house.wait(3600)
    with world.north.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, at=house.at)
    for _day in range(2):
        house.wait(timedelta(days=1).total_seconds())
        evening(house)
    house.quote("EURUSD", "1.1100", "1.1102")
    house.close(house.leader, trade)
    house.drain()
    house.wait(timedelta(days=1).total_seconds())
    evening(house)
    refresh(house)
    with world.north.scope():
        rows = list(FollowersDay.objects.order_by("day").values_list("capital", "result"))
        assert CopyMaster.objects.get().ended_at is None
    assert rows[0][0] == 10_000
    assert rows[-1] == (0, D("98.00"))
    assert sum(capital for capital, _ in rows) == 10_000  # only the day on which it followed


def test_x03_another_tenants_days_are_its_own(world, house):
    assert followers_truth_refresh(tenant_id=world.south.id, at=house.at) == 0
    refresh(house)
    with world.south.scope():
        assert not FollowersDay.objects.exists()
