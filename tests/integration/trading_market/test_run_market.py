"""The market process: its steps, and the process itself beside a second one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from accounts.models import Tenant
from core import clock
from infra.push import held
from infra.tenancy import tenant_scope
from tests.integration.trading_market.world import World
from trading import ports
from trading.feed.market import SimulatedMarket
from trading.feed.simulation import next_quote, profile_of
from trading.models import Quote
from trading.services.instruments import catalogue_install, instrument_update
from trading.services.quotes import NewQuote, QuoteSource, quotes_store

ROOT = Path(__file__).resolve().parents[3]
QUARTER = timedelta(milliseconds=250)
SYMBOLS = ["XAUUSD", "ES", "MES", "BTCUSD"]


@pytest.fixture
def simulated(committed_world: World) -> World:
    """Four contracts of the catalogue, simulated in both tenants."""
    for tenant_id in (committed_world.alpha, committed_world.beta):
        with tenant_scope(tenant_id):
            catalogue_install(tenant_id=tenant_id, symbols=SYMBOLS)
    return committed_world


def quotes(tenant_id: int) -> dict[str, Quote]:
    with tenant_scope(tenant_id):
        return {quote.instrument.symbol: quote for quote in Quote.objects.select_related("instrument")}


def run(market: SimulatedMarket, start: datetime, steps: int) -> int:
    return sum(market.step(start + number * QUARTER) for number in range(steps))


def test_it_moves_all_simulated_symbols_of_all_live_tenants(simulated: World, now: datetime) -> None:
    Tenant.objects.filter(id=simulated.beta).update(live=False)
    with held() as frames:
        moved = run(SimulatedMarket(), now, 40)
    # ten seconds of four symbols at about three ticks a second
    assert 80 < moved < 160
    assert len(frames) == moved
    assert {frame.event for frame in frames} == set(SYMBOLS)
    found = quotes(simulated.alpha)
    assert set(found) == set(SYMBOLS)
    for symbol, quote in found.items():
        terms = quote.instrument
        assert quote.source == "SIMULATED"
        assert (quote.bid, quote.ask) == next_quote(profile_of(symbol, terms.asset_class, terms.tick_size), quote.at)
        assert now + 20 * QUARTER <= quote.at < now + 40 * QUARTER
    assert quotes(simulated.beta) == {}


def test_a_started_again_process_goes_on(simulated: World, now: datetime) -> None:
    run(SimulatedMarket(), now, 8)
    before = quotes(simulated.alpha)["ES"].bid
    run(SimulatedMarket(), now + 8 * QUARTER, 8)
    assert abs(quotes(simulated.alpha)["ES"].bid - before) < 5


def test_posted_quotes_silence_a_symbol_until_its_feed_is_set(simulated: World, now: datetime) -> None:
    market = SimulatedMarket()
    run(market, now, 8)
    with tenant_scope(simulated.alpha):
        posted = NewQuote("ES", Decimal("5000.00"), Decimal("5000.25"))
        quotes_store(tenant_id=simulated.alpha, quotes=[posted], at=now + 8 * QUARTER, source=QuoteSource.POSTED)
    run(market, now + 8 * QUARTER, 12)
    found = quotes(simulated.alpha)
    assert (found["ES"].bid, found["ES"].source) == (5000, "POSTED")
    assert found["MES"].at > now + 8 * QUARTER
    with tenant_scope(simulated.alpha):
        instrument_update(tenant_id=simulated.alpha, symbol="ES", changes={"feed": "SIMULATED"})
    run(market, now + 20 * QUARTER, 12)
    found = quotes(simulated.alpha)
    assert found["ES"].source == "SIMULATED"
    assert abs(found["ES"].bid - 5000) < 10, "it goes on from the posted price"
    assert abs(quotes(simulated.beta)["ES"].bid - found["MES"].bid) < 5, "the other tenant was not touched"


def test_hooks_are_called_after_each_step_and_a_failing_tenant_rests(
    simulated: World, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def step(tenant_id: int, at: datetime) -> None:
        calls.append((tenant_id, at))
        if tenant_id == simulated.alpha and at == now:
            raise ValueError("broken on purpose")

    ports.market_steps.append(step)
    try:
        run(SimulatedMarket(), now, 24)
    finally:
        ports.market_steps.remove(step)
    assert "broken on purpose" in caplog.text
    alpha = [at for tenant_id, at in calls if tenant_id == simulated.alpha]
    assert alpha == [now, *(now + number * QUARTER for number in range(20, 24))], "five seconds of rest"
    assert [at for tenant_id, at in calls if tenant_id == simulated.beta] == [now + n * QUARTER for n in range(24)]


# --- As a process -----------------------------------------------------------------------------------------------------


class Process:
    """A running `manage.py run_market` on the test's own database."""

    def __init__(self, log: Path) -> None:
        self.log = log
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        environ = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                [sys.executable, "manage.py", "run_market"], cwd=ROOT, env=environ, stdout=output, stderr=output
            )

    def says(self, sentence: str) -> bool:
        assert self.child.poll() is None, self.log.read_text()
        return sentence in self.log.read_text()

    def end(self, number: signal.Signals) -> None:
        """Asks the process to end and waits until it has."""
        self.child.send_signal(number)
        self.child.wait(timeout=30)


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    processes: list[Process] = []

    def started() -> Process:
        processes.append(Process(tmp_path / f"market-{len(processes)}.log"))
        return processes[-1]

    yield started
    for process in processes:
        process.child.kill()
        process.child.wait()


def quoted_within(tenant_id: int, seconds: float) -> bool:
    found = quotes(tenant_id)
    return bool(found) and clock.now() - max(quote.at for quote in found.values()) < timedelta(seconds=seconds)


def test_a_second_market_process_stands_by_and_takes_over(simulated: World, start: Callable[[], Process]) -> None:
    first = start()
    eventually(lambda: first.says("The market runs."))
    second = start()
    eventually(lambda: second.says("standing by"))
    eventually(lambda: quoted_within(simulated.alpha, 1))
    assert not second.says("The market runs.")
    first.child.kill()
    eventually(lambda: second.says("The market runs."))
    eventually(lambda: quoted_within(simulated.alpha, 1))
    second.end(signal.SIGTERM)
    assert second.child.returncode == 0


def test_it_comes_back_after_the_database_was_away(simulated: World, start: Callable[[], Process]) -> None:
    process = start()
    eventually(lambda: quoted_within(simulated.alpha, 1))
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        cursor.execute("SELECT clock_timestamp()")
        (ended,) = cursor.fetchone()
    connection.close()
    eventually(lambda: process.says("the market waits for it"))
    eventually(lambda: all(quote.at > ended + timedelta(seconds=1) for quote in quotes(simulated.alpha).values()))
    assert process.child.poll() is None


def test_a_statement_that_hangs_does_not_hold_up_the_end(simulated: World, start: Callable[[], Process]) -> None:
    process = start()
    eventually(lambda: quoted_within(simulated.alpha, 1))
    with tenant_scope(simulated.alpha), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE trading_quote IN SHARE MODE")
        time.sleep(0.6)  # it waits by now, and ends although the lock is still held
        process.end(signal.SIGTERM)
