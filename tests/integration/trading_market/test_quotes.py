"""Quotes: all or none, in order, under the locks of their rows."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection

from core.errors import DomainError
from infra.push import held
from infra.tenancy import tenant_scope
from tests.integration.trading_market.world import World, contract
from trading.models import Instrument, Quote
from trading.services.quotes import InstrumentQuote, NewQuote, QuoteSource, quotes_simulate, quotes_store

BID, ASK = Decimal("1.1"), Decimal("1.1002")
SECOND = timedelta(seconds=1)


def quote(symbol: str = "EURUSD", bid: str = "1.1", ask: str = "1.1002", at: datetime | None = None) -> NewQuote:
    return NewQuote(symbol, Decimal(bid), Decimal(ask), at)


def post(tenant_id: int, at: datetime, *quotes: NewQuote) -> None:
    quotes_store(tenant_id=tenant_id, quotes=quotes, at=at, source=QuoteSource.POSTED)


def stored(symbol: str = "EURUSD") -> tuple[Decimal, Decimal, datetime, str]:
    found = Quote.objects.get(instrument__symbol=symbol)
    return found.bid, found.ask, found.at, found.source


def test_the_last_quote_of_a_symbol_stands(world: World, now: datetime) -> None:
    with world.in_alpha():
        post(world.alpha, now, quote(bid="1.0"), quote("GBPUSD"), quote(bid="1.05"), quote())
        assert stored() == (BID, ASK, now, "POSTED")
        assert stored("GBPUSD") == (BID, ASK, now, "POSTED")
        post(world.alpha, now + SECOND, quote(bid="1.0999"))
        assert stored() == (Decimal("1.0999"), ASK, now + SECOND, "POSTED")
        assert stored("GBPUSD")[2] == now
    with world.in_beta():
        assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (quote("NOPE"), "quotes[1].symbol"),
        (quote(bid="0"), "quotes[1].bid"),
        (quote(bid="-1"), "quotes[1].bid"),
        (quote(bid="1.2"), "quotes[1].ask"),
    ],
)
def test_one_wrong_quote_refuses_all(world: World, now: datetime, wrong: NewQuote, field: str) -> None:
    with world.in_alpha():
        with pytest.raises(DomainError) as refused:
            post(world.alpha, now, quote(), wrong)
        assert (refused.value.code, refused.value.extra["field"]) == ("INVALID_DATA", field)
        assert not Quote.objects.exists()
        assert not Instrument.objects.filter(feed_paused=True).exists()


def test_one_tick_of_no_spread_is_a_quote(world: World, now: datetime) -> None:
    with world.in_alpha():
        post(world.alpha, now, quote(bid="1.1", ask="1.1"))
        assert stored()[:2] == (BID, BID)


def test_times_go_forward_only(world: World, now: datetime) -> None:
    with world.in_alpha():
        post(world.alpha, now, quote(at=now - 10 * SECOND), quote("GBPUSD"))
        post(world.alpha, now, quote(bid="1.01", at=now - 10 * SECOND))
        assert stored()[0] == Decimal("1.01"), "an equal time is taken in order of arrival"
        with pytest.raises(DomainError, match=r"quotes\[1\]\.time"):
            post(world.alpha, now, quote("GBPUSD", bid="1.05"), quote(at=now - 11 * SECOND))
        assert (stored()[0], stored("GBPUSD")[0]) == (Decimal("1.01"), BID)
        with pytest.raises(DomainError, match=r"quotes\[1\]\.time"):
            post(world.alpha, now, quote(at=now), quote(at=now - SECOND))


def test_a_time_may_be_a_minute_ahead(world: World, now: datetime) -> None:
    with world.in_alpha():
        with pytest.raises(DomainError, match=r"quotes\[0\]\.time"):
            post(world.alpha, now, quote(at=now + 61 * SECOND))
        post(world.alpha, now, quote(at=now + 60 * SECOND))
        assert stored()[2] == now + 60 * SECOND


def test_a_quote_without_a_time_is_never_too_late(world: World, now: datetime) -> None:
    with world.in_alpha():
        post(world.alpha, now, quote(at=now + 30 * SECOND))
        post(world.alpha, now, quote(bid="1.09"))
        assert stored()[:3] == (Decimal("1.09"), ASK, now + 30 * SECOND), "and time never goes back"


def test_whole_seconds_and_now_mix(world: World, now: datetime) -> None:
    """The wire has whole seconds; a quote of this second is not earlier than one that came 0.7 s into it."""
    with world.in_alpha():
        moment = now + timedelta(milliseconds=700)
        post(world.alpha, moment, quote())
        post(world.alpha, moment, quote(bid="1.08", at=now))
        assert stored()[:3] == (Decimal("1.08"), ASK, moment)


def test_another_tenants_symbol_is_unknown(world: World, now: datetime) -> None:
    with world.in_beta():
        contract(world.beta, "ONLYBETA")
    with world.in_alpha(), pytest.raises(DomainError, match="not an instrument"):
        post(world.alpha, now, quote("ONLYBETA"))


def test_frames_tell_of_the_last_quote_after_the_commit(committed_world: World, now: datetime) -> None:
    alpha = committed_world.alpha
    with held() as frames:
        with tenant_scope(alpha):
            post(alpha, now, quote(bid="1.0"), quote())
            assert frames == []
        with pytest.raises(DomainError), tenant_scope(alpha):
            post(alpha, now, quote(bid="0"))
    assert [(f.tenant_id, f.kind, f.event, f.text) for f in frames] == [
        (alpha, "quote", "EURUSD", f'["t","EURUSD",1.1,1.1002,{int(now.timestamp())}]')
    ]


# --- The simulation beside posted quotes ------------------------------------------------------------------------------


def simulated(symbol: str, *, first: bool = False, bid: str = "1.2") -> InstrumentQuote:
    number = Instrument.objects.get(symbol=symbol).pk
    return InstrumentQuote(number, symbol, Decimal(bid), Decimal(bid) + Decimal("0.0001"), first=first)


def test_posted_quotes_silence_the_simulation(world: World, now: datetime) -> None:
    with world.in_alpha():
        Instrument.objects.update(feed="SIMULATED")
        step = [simulated("EURUSD", first=True), simulated("GBPUSD", first=True)]
        assert quotes_simulate(tenant_id=world.alpha, quotes=step, at=now) == 2
        assert stored() == (Decimal("1.2"), Decimal("1.2001"), now, "SIMULATED")
        post(world.alpha, now, quote())
        assert quotes_simulate(tenant_id=world.alpha, quotes=step, at=now + SECOND) == 1
        assert stored() == (BID, ASK, now, "POSTED")
        assert stored("GBPUSD")[2:] == (now + SECOND, "SIMULATED")


def test_the_simulation_does_not_go_back_in_time(world: World, now: datetime) -> None:
    with world.in_alpha():
        Instrument.objects.update(feed="SIMULATED")
        step = [simulated("EURUSD", first=True)]
        assert quotes_simulate(tenant_id=world.alpha, quotes=step, at=now) == 1
        assert quotes_simulate(tenant_id=world.alpha, quotes=step, at=now - SECOND) == 0
        assert stored()[2] == now


def test_a_simulated_past_does_not_silence_the_simulation(world: World, now: datetime) -> None:
    with world.in_alpha():
        quotes_store(tenant_id=world.alpha, quotes=[quote()], at=now, source=QuoteSource.SIMULATED)
        assert stored()[3] == "SIMULATED"
        assert not Instrument.objects.filter(feed_paused=True).exists()


# --- Several at a time ------------------------------------------------------------------------------------------------


def in_threads(*works: Callable[[], Any]) -> list[BaseException]:
    """Runs all at once; gives what went wrong."""
    failures: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=10)
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return failures


def test_rows_locked_in_the_order_of_the_caller_do_deadlock(committed_world: World, now: datetime) -> None:
    """The race that the guard is for: what happens to whoever writes quote by quote."""
    alpha = committed_world.alpha
    with tenant_scope(alpha):
        post(alpha, now, quote(), quote("GBPUSD"))
    both_hold_one = threading.Barrier(2)

    def quote_by_quote(*symbols: str) -> None:
        with tenant_scope(alpha):
            for symbol in symbols:
                Quote.objects.filter(instrument__symbol=symbol).update(bid=Decimal("1.01"))
                if symbol == symbols[0]:
                    both_hold_one.wait(timeout=10)

    failures = in_threads(lambda: quote_by_quote("EURUSD", "GBPUSD"), lambda: quote_by_quote("GBPUSD", "EURUSD"))
    assert [type(failure.__cause__) for failure in failures] == [psycopg.errors.DeadlockDetected]


@pytest.mark.parametrize("quoted", [True, False], ids=["known", "first quotes"])
def test_stores_in_opposite_order_never_deadlock(committed_world: World, now: datetime, quoted: bool) -> None:
    alpha = committed_world.alpha
    symbols = [f"S{number}" for number in range(12)]
    with tenant_scope(alpha):
        for symbol in symbols:
            contract(alpha, symbol)
        if quoted:
            post(alpha, now, *(quote(symbol) for symbol in symbols))

    def stores(order: list[str], bid: str) -> Callable[[], None]:
        def run() -> None:
            for turn in range(25):
                # with every turn some more of the symbols
                part = order if quoted else order[: turn // 2 + 1]
                with tenant_scope(alpha):
                    post(alpha, now + turn * SECOND, *(quote(symbol, bid=bid) for symbol in part))

        return run

    failures = in_threads(
        stores(symbols, "1.01"), stores(symbols[::-1], "1.02"), stores(symbols[6:] + symbols[:6], "1.03")
    )
    # no time is given, so nobody can be too late
    assert failures == []
    with tenant_scope(alpha):
        kept = Quote.objects.filter(instrument__symbol__in=symbols)
        assert kept.count() == 12
        assert set(kept.values_list("at", flat=True)) == {now + 24 * SECOND}
        if quoted:
            assert len(set(kept.values_list("bid", flat=True))) == 1, "the last call wrote all of its symbols at once"


@contextmanager
def holding(alpha: int, work: Callable[[], None]) -> Iterator[None]:
    """Another transaction has done `work` and is not committed; it commits at the end of the block."""
    done, go_on = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with tenant_scope(alpha):
                work()
                done.set()
                go_on.wait(timeout=30)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert done.wait(timeout=10)
        yield
    finally:
        go_on.set()
        thread.join(timeout=30)


def test_the_simulation_leaves_out_what_is_being_posted(committed_world: World, now: datetime) -> None:
    alpha = committed_world.alpha
    with tenant_scope(alpha):
        Instrument.objects.update(feed="SIMULATED")
        step = [simulated("EURUSD", first=True), simulated("GBPUSD", first=True)]
        quotes_simulate(tenant_id=alpha, quotes=step, at=now)
        step = [simulated("EURUSD"), simulated("GBPUSD")]
    with holding(alpha, lambda: post(alpha, now, quote())), tenant_scope(alpha):
        began = time.monotonic()
        assert quotes_simulate(tenant_id=alpha, quotes=step, at=now + SECOND) == 1
        assert time.monotonic() - began < 5, "it did not wait"
    with tenant_scope(alpha):
        assert quotes_simulate(tenant_id=alpha, quotes=step, at=now + 2 * SECOND) == 1
        assert stored() == (BID, ASK, now, "POSTED")


def test_the_simulation_does_not_overwrite_the_very_first_posted_quote(committed_world: World, now: datetime) -> None:
    alpha = committed_world.alpha
    with tenant_scope(alpha):
        Instrument.objects.update(feed="SIMULATED")
        step = [simulated("EURUSD", first=True)]

    def simulate() -> None:
        try:
            with tenant_scope(alpha):
                quotes_simulate(tenant_id=alpha, quotes=step, at=now + SECOND)
        finally:
            connection.close()

    waiting = threading.Thread(target=simulate)
    with holding(alpha, lambda: post(alpha, now, quote())):
        waiting.start()
        waiting.join(timeout=0.3)  # it waits for the row that is being made
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    with tenant_scope(alpha):
        assert stored() == (BID, ASK, now, "POSTED")
