"""Failed sign-ins, counted in Redis, outside the transaction that a refusal rolls back.

A window starts with the first failure and ends by itself. With Redis away nothing is counted: a platform in which
nobody can sign in to close a position would be the greater harm, and hashing keeps guessing slow.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from infra.api.errors import too_frequent

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in as `who` (any text that names the person or account) from a network address."""

    who: str
    address: str

    def check(self) -> None:
        """429 `RET_TOO_FREQUENT` when the person or the address has failed too often in this window."""
        for key, limit in self._limits():
            count, seconds = _asked(partial(_read, key), (0, 0))
            if count >= limit:
                raise too_frequent(max(seconds, 1))

    def failed(self) -> None:
        """Counts a failure; 429 when others, made at the same time, have used up the window meanwhile."""
        for key, limit in self._limits():
            count, seconds = _asked(partial(_count, key), (0, 0))
            if count > limit:
                raise too_frequent(max(seconds, 1))

    def succeeded(self) -> None:
        """Forgets the person's failures. 429 when they were used up while this password was looked at: otherwise
        guesses made all at once would escape the limit."""
        self.check()
        _asked(partial(_forget, self._limits()[0][0]), None)

    def _limits(self) -> tuple[tuple[str, int], tuple[str, int]]:
        digest = sha256(self.who.encode()).hexdigest()[:32]
        return (
            (cache.make_key(f"sign-in:user:{digest}"), settings.SIGN_IN_FAILURES_PER_USER),
            (cache.make_key(f"sign-in:address:{self.address}"), settings.SIGN_IN_FAILURES_PER_ADDRESS),
        )


def _read(key: str, client: Any) -> tuple[int, int]:
    """Failures so far, and seconds until they are forgotten."""
    return int(client.get(key) or 0), client.ttl(key)


def _forget(key: str, client: Any) -> None:
    client.delete(key)


def _count(key: str, client: Any) -> tuple[int, int]:
    """The same as `_read`, after one failure more."""
    pipe = client.pipeline()
    pipe.set(key, 0, ex=settings.SIGN_IN_WINDOW_SECONDS, nx=True)
    pipe.incr(key)
    pipe.ttl(key)
    _made, count, seconds = pipe.execute()
    return count, seconds


def _asked(question: Callable[[Any], T], otherwise: T) -> T:
    client: Any = cache._cache.get_client(write=True)  # type: ignore[attr-defined]  # Django's cache has no counters
    try:
        return question(client)
    except (RedisError, OSError) as error:
        logger.warning("failed sign-ins are not counted, the cache is away: %s", error)
        return otherwise
