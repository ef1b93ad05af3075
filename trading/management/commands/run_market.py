"""`manage.py run_market`: the market process."""

import logging
import signal
import time
from types import FrameType
from typing import Any

import psycopg
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from core import clock
from trading.feed.lease import Lease
from trading.feed.market import SimulatedMarket

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.25
STAND_BY_SECONDS = 0.5
RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0)


class Command(BaseCommand):
    help = "Runs the market: moves simulated instruments and stores their quotes. A second one stands by."
    requires_system_checks = ()  # what the web process has checked need not be loaded here

    def handle(self, *args: Any, **options: Any) -> None:
        # An exception, not a flag: it also ends a wait for a database that does not answer.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        try:
            with Lease("copytrade market") as lease:
                self._run(lease)
        finally:
            _disconnect()

    def _run(self, lease: Lease) -> None:
        market = SimulatedMarket()
        leading: bool | None = None
        failures = 0
        due = time.monotonic()
        while True:
            try:
                holds = lease.holds()
                if holds is not leading:
                    leading = holds
                    self._say("The market runs." if holds else "Another market process runs; standing by.")
                    # what was known may be old by the time the lease comes
                    market = SimulatedMarket()
                if holds:
                    market.step(clock.now())
                failures = 0
            except (OperationalError, InterfaceError, psycopg.Error) as error:
                if not failures:
                    logger.warning("the database is away, the market waits for it: %s", error)
                _disconnect()
                leading = None
                due = time.monotonic() + RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
            else:
                # steps that were missed are not made up for
                due = max(due + (STEP_SECONDS if holds else STAND_BY_SECONDS), time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _disconnect() -> None:
    """Forgets Django's connections. A pool that has seen the database go would try again only after a pause of its own;
    a new one is opened when the lease has shown that the database is back."""
    connection.close()
    if connection.pool:  # type: ignore[attr-defined]
        connection.close_pool()  # type: ignore[attr-defined]


def _stop(number: int, frame: FrameType | None) -> None:
    # a second signal must not disturb the way out
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(0)
