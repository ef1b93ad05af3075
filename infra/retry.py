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


def retried_apart(
    chunk: Callable[[int, int, list[int]], T], after: int, most: int, failed: Callable[[int], object]
) -> tuple[list[int], list[T]]:
    """The next `most` things above the number `after` in one transaction, each in one of its own where that fails.

    `chunk(after, most, claimed)` is a whole transaction; it puts the numbers that it takes, ascending, into `claimed` before it
    does anything with them. `failed` hears, while its error is handled, of each that fails alone too. Gives the numbers
    and what `chunk` gave. Raises when the database is busy or away, and when nothing could even be claimed.
    """
    claimed: list[int] = []
    try:
        return claimed, [retried(lambda: chunk(after, most, claimed))]
    except DATABASE_PASSING:
        raise
    except Exception:
        if not claimed:
            raise
    return claimed, [made for number in claimed for made in _alone(chunk, number, failed)]


def _alone(chunk: Callable[[int, int, list[int]], T], number: int, failed: Callable[[int], object]) -> list[T]:
    try:
        return [retried(lambda: chunk(number - 1, 1, []))]
    except DATABASE_PASSING:
        raise
    except Exception:
        failed(number)
        return []


def _is_passing(error: BaseException | None) -> bool:
    passing = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable, psycopg.errors.SerializationFailure)
    return isinstance(error, passing)
