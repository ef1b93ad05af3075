"""The one helper that tries again after a deadlock or a lock time-out."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

T = TypeVar("T")

ATTEMPTS = 4
DATABASE_PASSING = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
"""The database is busy or away: nothing is wrong with what was asked of it. Django's names and the driver's own."""

retries_total = Counter("copytrade_lock_retries_total", "Transactions tried again after a deadlock or lock time-out.")


def retried(work: Callable[[], T]) -> T:
    """Runs `work`, a whole transaction, up to four times while it meets deadlocks or lock time-outs, with jitter."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except (OperationalError, psycopg.OperationalError) as error:
            cause = error if isinstance(error, psycopg.Error) else error.__cause__
            if attempt == ATTEMPTS or not _is_passing(cause):
                raise
            retries_total.inc()
            time.sleep(random.uniform(0.005, 0.03) * attempt)
    raise AssertionError("unreachable")


def _is_passing(error: BaseException | None) -> bool:
    passing = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable, psycopg.errors.SerializationFailure)
    return isinstance(error, passing)
