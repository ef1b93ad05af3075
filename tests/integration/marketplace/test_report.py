"""R083, D26: one master's whole report, with live last points, in a fixed number of queries; and the tenant's totals (X07)."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from copytrade.services.masters import master_end
from marketplace.domain.periods import Period
from marketplace.domain.report import MonthReturn
from marketplace.selectors_stats import MastersTotals, SymbolResult, master_report, masters_totals, running_day
from marketplace.services.refreshing import stats_refresh
from tests.integration.day_end.evening import instant
from tests.integration.marketplace.arena import Arena
from tests.support.statements import statements
from trading.services.snapshots import equity_marks_update


def report(arena, account, at, period=Period.ALL):
    with arena.place.scope():
        return master_report(arena.masters[account.id], period, instant(at))


def test_d26_the_last_point_and_the_end_are_live(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 100)
    arena.evenings(2, 2)
    arena.pay(alice, "1000", "3 9:00")
    arena.open(alice, "0.1", "3 10:00")
    arena.refresh("3 10:00")
    arena.price(150, "3 11:00")
    found = report(arena, alice, "3 11:00")
    assert [(p.equity, p.flow) for p in found.equity_history] == [(10_000, 10_000), (10_100, 0), (11_150, 1000)]
    assert found.equity_history[-1].at == instant("3 11:00")
    assert (found.stats.equity_end, found.stats.roi, found.stats.pnl) == (11_150, D("0.015"), 100)
    assert [(p.pnl, p.roi) for p in found.pnl_history] == [(0, 0), (100, D("0.01")), (100, D("0.015"))]
    assert [p.at for p in found.pnl_history] == [p.at for p in found.equity_history]


def test_the_running_days_low_and_high_are_those_of_marks_and_events(arena: Arena) -> None:
    alice = arena.master()
    arena.evenings(2, 2)
    arena.open(alice, "0.1", "3 10:00")
    for points, at in ((-80, "3 10:30"), (120, "3 10:40"), (10, "3 10:50")):
        arena.price(points, at)
        equity_marks_update(tenant_id=arena.tenant_id, at=instant(at))
    last = report(arena, alice, "3 11:00").equity_history[-1]
    assert (last.equity, last.low, last.high, last.flow) == (10_010, 9920, 10_120, 0)


def test_months_and_symbols(arena: Arena) -> None:
    arena.instrument("XAUUSD", "2000", "2000")
    alice = arena.master()
    arena.trip(alice, "2 10:00", "2 12:00", 100)
    arena.trip(alice, "2 13:00", "2 14:00", -30, "0.2")
    gold = arena.open(alice, "0.01", "3 10:00", symbol="XAUUSD")
    arena.quote("1990", "1990", "3 11:00", "XAUUSD")
    arena.close(alice, gold, "3 11:00")
    arena.evenings(2, 3)
    arena.refresh("4 9:00")
    found = report(arena, alice, "4 9:00")
    assert found.monthly_returns == [MonthReturn("2026-03", D("0.003"))]
    assert found.profit_per_symbol == [
        SymbolResult("EURUSD", D(40), 2, D("0.3")),
        SymbolResult("XAUUSD", D(-10), 1, D("0.01")),
    ]
    assert [p.pnl for p in found.pnl_history] == [0, 40, 30, 30]


def test_a_period_shows_its_own_days_only(arena: Arena) -> None:
    alice = arena.master()
    arena.trip(alice, "3 10:00", "3 12:00", 500)
    arena.trip(alice, "18 10:00", "18 12:00", 30)
    arena.evenings(2, 19)
    arena.refresh("20 12:00")
    week = report(arena, alice, "20 12:00", Period.WEEK)
    assert (len(week.equity_history), week.equity_history[0].equity) == (9, 10_500)
    assert [r.profit for r in week.profit_per_symbol] == [30]
    assert (week.pnl_history[0].pnl, week.pnl_history[-1].pnl) == (0, 30)
    assert len(report(arena, alice, "20 12:00").equity_history) == 20


def test_who_never_had_money_has_one_point_and_no_return(arena: Arena) -> None:
    alice = arena.master("0")
    found = report(arena, alice, "2 10:00")
    assert [(p.equity, p.flow) for p in found.equity_history] == [(0, 0)]
    assert [(p.pnl, p.roi) for p in found.pnl_history] == [(0, None)]
    assert (found.monthly_returns, found.profit_per_symbol, found.stats.roi) == ([], [], None)


def test_a_profile_that_was_never_counted_has_an_empty_report(arena: Arena) -> None:
    alice = arena.master()
    found = report(arena, alice, "2 10:00")
    assert (found.stats.trades, found.stats.twr, found.stats.updated_at) == (0, None, None)
    assert found.stats.equity_end == 10_000


def test_a_month_that_began_with_nothing_has_no_return(arena: Arena) -> None:
    alice = arena.master("1000")
    arena.evenings(2, 2)
    arena.pay(alice, "-1000", "3 10:00")
    arena.evenings(3, 4)
    arena.refresh("5 10:00")
    assert report(arena, alice, "5 10:00").monthly_returns == [MonthReturn("2026-03", D(0))]


def test_the_running_day_is_the_one_after_the_last_that_ended(arena: Arena) -> None:
    arena.master()
    with arena.place.scope():
        assert running_day(arena.tenant_id, instant("2 22:10")) == date(2026, 3, 3)
        assert running_day(arena.tenant_id, instant("2 21:59")) == date(2026, 3, 2)


@pytest.mark.parametrize("period", [Period.WEEK, Period.ALL])
def test_the_number_of_queries_is_fixed(arena: Arena, period: Period) -> None:
    alice = arena.master()
    counts = []
    for days in ((2, 3), (4, 19)):
        for day in range(days[0], days[1] + 1):
            arena.trip(alice, f"{day} 10:00", f"{day} 12:00", day)
        arena.evenings(*days)
        arena.refresh(f"{days[1]} 22:30")
        with CaptureQueriesContext(connection) as asked, statements() as seen:
            report(arena, alice, f"{days[1]} 22:45", period)
        counts.append((len(asked), len(seen)))
    assert counts[0] == counts[1]


def test_x07_masters_that_closed_or_failed_stay_in_the_totals(arena: Arena) -> None:
    winner, broke, private = (
        arena.master(),
        arena.master("1000"),
        arena.place.account(arena.place.person("bob"), arena.place.real),
    )
    arena.lead(private, visibility="private")
    arena.trip(winner, "2 10:00", "2 12:00", 100)
    arena.evenings(2, 2)
    arena.price(0, "3 9:00")
    arena.open(broke, "0.5", "3 10:00")
    arena.price(-200, "3 12:00")
    arena.evenings(3, 3)
    arena.refresh("4 9:00")
    with arena.place.scope():
        master_end(actor=None, master_id=arena.masters[broke.id].id, at=instant("4 10:00"))
    arena.refresh("4 10:01")
    with arena.place.scope():
        totals = masters_totals()
    assert totals == MastersTotals(masters=2, closed=1, failed=1, profitable=1, losing=1, pnl={"USD": D(-900)})


def test_r084_figures_of_all_masters_take_a_fixed_number_of_statements(arena: Arena) -> None:
    counts = []
    for _round in range(2):
        for _number in range(4):
            account = arena.master()
            arena.trip(account, "2 10:00", "2 12:00", 5)
        with statements() as seen:
            assert stats_refresh(tenant_id=arena.tenant_id, at=instant("2 13:00"))
        counts.append(len(seen))
    assert counts[0] == counts[1]
