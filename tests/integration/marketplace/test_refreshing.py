"""D26: figures of masters as they are kept, against a slow computation from the raw rows; exactly once, whatever happens."""

import random
from datetime import date, time, timedelta
from decimal import Decimal as D

import pytest

from accounts.models import Tenant
from copytrade.services.masters import master_end
from core.states import Side
from infra.database import owner_connection
from marketplace.models import AccountDay, StatsCursor
from marketplace.services.refreshing import stats_recount
from tests.integration.day_end.evening import instant
from tests.integration.marketplace.arena import Arena


def test_d26_a_closed_trade_is_in_every_period(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 50)
    arena.trip(alice, "3 10:00", "3 10:30", -20)
    assert arena.refresh("3 11:00") == 1
    for period in ("7D", "30D", "90D", "365D", "ALL"):
        kept = arena.stats(alice, period)
        assert (kept.pnl, kept.trades, kept.profit_trades, kept.loss_trades) == (30, 2, 1, 1)
        assert (kept.win_rate, kept.avg_pnl_per_trade, kept.profit_factor) == (D("0.5"), 15, D("2.5"))
        assert (kept.best_trade, kept.worst_trade, kept.avg_holding_time) == (50, -20, 4500)
        assert kept.last_trade_at == instant("3 10:30")
        assert (kept.equity_start, kept.equity_end, kept.roi) == (10_000, 10_030, D("0.003"))
    assert arena.wrong(alice, "3 11:00") == {}


def test_a_master_without_a_trade_has_nothing_undefined_as_zero(arena: Arena) -> None:
    alice = arena.master()
    arena.refresh("2 10:00")
    kept = arena.stats(alice, "30D")
    assert (kept.trades, kept.pnl, kept.roi, kept.weekly_trades) == (0, 0, 0, 0)
    undefined = (
        "twr", "win_rate", "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor", "max_drawdown",
        "avg_holding_time", "last_trade_at", "sharp_ratio", "sortino_ratio", "volatility", "risk_score",
    )  # fmt: skip
    assert {name: getattr(kept, name) for name in undefined} == dict.fromkeys(undefined)
    assert arena.wrong(alice, "2 10:00") == {}


def test_a_master_that_never_had_money_has_no_start(arena: Arena) -> None:
    alice = arena.master("0")
    arena.refresh("2 10:00")
    kept = arena.stats(alice)
    assert (kept.equity_start, kept.roi, kept.twr, kept.equity_end) == (None, None, None, 0)


def test_one_trade_is_the_best_and_the_worst(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", -10)
    arena.refresh("2 12:00")
    kept = arena.stats(alice)
    assert (kept.best_trade, kept.worst_trade, kept.win_rate, kept.profit_factor) == (-10, -10, 0, 0)
    assert arena.wrong(alice, "2 12:00") == {}


def test_parts_split_off_count_once_each(arena: Arena) -> None:
    alice = arena.master()
    trade = arena.open(alice, "0.3", "2 10:00")
    arena.price(10, "2 11:00")
    arena.close(alice, trade, "2 11:00", "0.1")
    arena.close(alice, trade, "2 11:00", "0.1")
    arena.refresh("2 11:00")
    assert arena.stats(alice).pnl == 20
    arena.close(alice, trade, "2 11:00")
    arena.refresh("2 11:01")
    kept = arena.stats(alice)
    assert (kept.trades, kept.pnl) == (3, 30)
    assert arena.wrong(alice, "2 11:01") == {}


def test_payments_are_no_result(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 100)
    arena.pay(alice, "5000", "2 13:00")
    arena.evenings(2, 2)
    arena.pay(alice, "-2000", "3 13:00")
    arena.refresh("3 14:00")
    kept = arena.stats(alice)
    assert (kept.roi, kept.twr, kept.equity_end) == (D("0.01"), D("0.01"), 13_100)
    assert arena.wrong(alice, "3 14:00") == {}


@pytest.mark.parametrize("seed", range(3))
def test_d26_random_histories_agree_with_the_definitions(arena: Arena, seed: int) -> None:
    """Forty-five days of several masters: trades left open over night, parts, payments, idle days, a late evening."""
    dice = random.Random(seed)
    with arena.place.scope():
        Tenant.objects.filter(pk=arena.tenant_id).update(
            timezone=dice.choice(["America/New_York", "Asia/Tokyo", "UTC"])
        )
    arena.place.tenant.refresh_from_db()
    accounts = [arena.master(str(dice.randrange(500, 50_000))) for _number in range(3)]
    held: dict[int, list[int]] = {account.id: [] for account in accounts}
    at = instant("2 10:00")
    for _step in range(90):
        at += timedelta(
            hours=dice.choice([1, 5, 12, 23]), minutes=dice.randrange(60), microseconds=dice.randrange(10**6)
        )
        price = D("1.1") + D(dice.randrange(-300, 300)) / 10_000
        arena.place.quote("EURUSD", price, price + D("0.0001"), at=at)
        if dice.random() < 0.2:
            arena.refresh(at)
        if dice.random() < 0.6:
            arena.days_end(at)
        for account in accounts:
            what = dice.random()
            mine = held[account.id]
            if what < 0.4:
                mine += arena.try_open(account, dice.choice(["0.01", "0.05", "0.2"]), at, dice.choice(list(Side)))
            elif what < 0.7 and mine:
                volume = "0.01" if dice.random() < 0.4 else None
                if arena.try_close(account, mine[-1], at, volume):
                    mine.pop()
            elif what < 0.8:
                arena.try_pay(account, dice.randrange(-500, 1000), at)
    arena.days_end(at)
    arena.refresh(at)
    with arena.place.scope():
        assert AccountDay.objects.count() > 10
    for account in accounts:
        assert arena.wrong(account, at) == {}
    before = arena.kept()
    assert stats_recount(tenant_id=arena.tenant_id, at=at) == 3
    assert arena.kept() == before


def test_nothing_is_counted_twice_and_nobody_else_is_touched(arena: Arena) -> None:
    alice, other = arena.master(), arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 50)
    assert arena.refresh("2 13:00") == 2
    untouched = arena.stats(other).updated_at
    assert arena.refresh("2 13:01") == 0
    arena.trip(alice, "2 14:00", "2 15:00", 5)
    assert arena.refresh("2 15:00") == 1
    kept = arena.kept()
    assert (arena.stats(alice).pnl, arena.stats(alice).trades) == (55, 2)
    assert arena.stats(other).updated_at == untouched
    assert arena.refresh("2 15:00") == 0
    assert arena.kept() == kept


def test_a_day_end_refreshes_everybody_once(arena: Arena) -> None:
    accounts = [arena.master() for _number in range(3)]
    arena.refresh("2 10:00")
    arena.evenings(2, 2)
    assert arena.refresh("2 22:01") == 3
    assert arena.refresh("2 22:02") == 0
    assert [arena.stats(account).days for account in accounts] == [1, 1, 1]


def test_windows_let_go_of_what_is_older(arena: Arena) -> None:
    """On the 20th seven closed days are those from the 13th on; the trade of the 12th is before them."""
    alice = arena.master()
    arena.trip(alice, "12 10:00", "12 12:00", 70)
    arena.trip(alice, "13 10:00", "13 12:00", 8)
    arena.evenings(2, 19)
    arena.refresh("20 12:00")
    assert (arena.stats(alice, "7D").pnl, arena.stats(alice, "30D").pnl) == (8, 78)
    assert (arena.stats(alice, "7D").equity_start, arena.stats(alice, "7D").days) == (10_070, 7)
    assert arena.wrong(alice, "20 12:00") == {}


def test_a_day_without_a_snapshot_makes_the_next_one_longer(arena: Arena) -> None:
    alice = arena.master()
    arena.evenings(2, 3)
    arena.pay(alice, "500", "4 10:00")
    arena.trip(alice, "4 11:00", "4 12:00", 100)
    assert arena.end(6)  # the 4th and the 5th were never ended
    arena.refresh("7 10:00")
    kept = arena.stats(alice)
    assert (kept.twr, kept.days) == (D("0.01"), 5)
    assert arena.wrong(alice, "7 10:00") == {}


def test_who_went_broke_stays_broke_in_the_figures(arena: Arena) -> None:
    alice = arena.master("1000")
    arena.evenings(2, 2)
    arena.open(alice, "0.5", "3 10:00")
    arena.price(-200, "3 12:00")  # stopped out, with nothing left
    arena.evenings(3, 4)
    arena.pay(alice, "1000", "5 10:00")
    arena.evenings(5, 5)
    arena.trip(alice, "6 10:00", "6 12:00", 100, "0.5")
    arena.evenings(6, 7)
    arena.refresh("8 10:00")
    kept = arena.stats(alice)
    assert (kept.twr, kept.max_drawdown, kept.equity_start) == (-1, 1, 1000)
    assert kept.roi == D("-0.5")
    assert arena.wrong(alice, "8 10:00") == {}


def test_days_that_ended_stay_when_the_zone_changes(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "3 10:00", "3 21:30", 40)
    arena.evenings(2, 3)
    arena.refresh("3 23:00")
    before = arena.stats(alice).pnl
    with arena.place.scope():
        Tenant.objects.filter(pk=arena.tenant_id).update(timezone="Asia/Tokyo", day_end=time(9))
    arena.trip(alice, "4 10:00", "4 11:00", 2)
    arena.refresh("4 12:00")
    days = arena.days(alice)
    stats_recount(tenant_id=arena.tenant_id, at=instant("4 12:00"))
    assert arena.days(alice) == days == {date(2026, 3, 3): 40, date(2026, 3, 5): 2}
    assert (before, arena.stats(alice).pnl) == (40, 42)


def test_history_belongs_to_the_account_and_not_to_the_profile(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", -50)
    with arena.place.scope():
        master_end(master_id=arena.masters[alice.id].id, at=instant("2 13:00"))
    arena.refresh("2 13:01")
    closed = arena.stats(alice)
    assert (closed.pnl, closed.listed) == (-50, False)
    arena.trip(alice, "3 10:00", "3 12:00", 30)  # nobody's leader at this time
    assert arena.refresh("3 13:00") == 0
    arena.lead(alice, "3 14:00")
    assert arena.refresh("3 14:00") == 1
    again = arena.stats(alice)
    assert again.master_id != closed.master_id
    assert (again.pnl, again.trades, again.listed) == (-20, 2, True)
    assert arena.wrong(alice, "3 14:00") == {}
    with arena.place.scope():
        closed.refresh_from_db()
        assert closed.pnl == -50
        assert StatsCursor.objects.count() == 1


@pytest.mark.spoils_the_books
@pytest.mark.django_db(transaction=True)
def test_an_account_whose_figures_cannot_be_made_holds_nobody_up(
    arena: Arena, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = arena.master(), arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 50)
    arena.trip(bob, "2 12:00", "2 13:00", 50)
    with owner_connection() as raw:
        raw.execute("UPDATE trading_equitysnapshot SET equity = 'NaN' WHERE account_id = %s", [alice.id])
    with caplog.at_level("ERROR", "marketplace.stats"):
        arena.refresh("2 14:00")
    assert arena.stats(bob).trades == 1
    assert arena.stats(alice).updated_at is None
    assert [record.getMessage() for record in caplog.records] == [f"the figures of account {alice.id} cannot be made"]
    assert arena.wrong(bob, "2 14:00") == {}
