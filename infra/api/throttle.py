"""Requests per second and session: one token bucket for each kind of request, five seconds deep.

`API_RATES = {"read": 200, "trade": 100, "write": 50}`; a kind that is None or missing, or no rates at all, is not
counted.
"""

import logging
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from infra.actor import Actor
from infra.api.errors import too_frequent

logger = logging.getLogger(__name__)

BURST_SECONDS: Final = 5
STAFF_FACTOR: Final = 5
_SECOND: Final = 1_000_000

# The bucket as one number: the instant, in microseconds, at which it would be full again. Read, decided and written in
# one round trip, so that two web processes cannot both take the last token. Gives 0, or the microseconds to wait.
_TAKE = """
local now, step, depth = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
if full_at - now > depth then return full_at - now - depth end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
"""


def check_rate(actor: Actor, kind: str, at: datetime) -> None:
    """Takes one token of the session's bucket for `kind`; 429 `RET_TOO_FREQUENT` when there is none.

    With the cache away every request is let through: the rates protect against too much load, and a platform that
    refuses all closes and stops because its cache is down would be the greater harm.
    """
    rate = (settings.API_RATES or {}).get(kind)
    if rate is None:
        return
    if actor.is_staff:
        rate *= STAFF_FACTOR
    session = actor.session_id or f"{actor.user_id}.{actor.account_id or 0}"
    key = cache.make_key(f"rate:{kind}:{actor.tenant_id}:{session}")
    try:
        wait = _take(key, int(at.timestamp() * _SECOND), _SECOND // rate, BURST_SECONDS * _SECOND)
    except (RedisError, OSError) as error:
        logger.warning("rates are not counted, the cache is away: %s", error)
        return
    if wait > 0:
        raise too_frequent(-(-wait // _SECOND))


def _take(key: str, now: int, step: int, depth: int) -> int:
    redis: Any = cache  # Django's cache has no call for a script; its client has.
    client = redis._cache.get_client(write=True)
    return int(client.eval(_TAKE, 1, key, now, step, depth))
