"""Who listens to live push, so that many frames are not made for nobody.

Every web process tells Redis which people have a socket with it: before such a socket is answered, and again every
REFRESH_SECONDS. Whoever has many frames to make asks *after* its commit; a socket that was not told of by then reads what
was committed. What is not known counts as heard: when Redis does not answer, and for a while after Redis has lost
everything, until all web processes have told it again. So a frame may be made for nobody, never the other way round.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from infra import push

REFRESH_SECONDS: Final = 10.0
KNOWN_SECONDS: Final = 30
"""How long Redis remembers somebody that nobody tells it of any more."""
UNSURE_SECONDS: Final = 30
"""How long after Redis was found empty everybody counts as heard."""
STAFF: Final = 0
"""Stands for all staff of a tenant that listen to copying."""

Ear = tuple[int, int]
"""A tenant, and a person of it or STAFF."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who of a tenant hears what is sent now; `people` None: anybody may."""

    people: Collection[int] | None
    staff: bool = True

    def hears(self, customer_id: int) -> bool:
        """Whether the customer has a socket somewhere."""
        return self.people is None or customer_id in self.people


ANYBODY: Final = Audience(None)


def audience_of(tenant_id: int, customer_ids: Iterable[int]) -> Audience:
    """Which of these customers, and whether staff, have a socket somewhere. To be asked after the commit that is told of."""
    people = sorted(set(customer_ids))
    heard = _since()
    known = push.values([heard, _unsure(), *[f"{heard}:{tenant_id}:{person}" for person in (STAFF, *people)]])
    if known is None or known[0] is None or known[1] is not None:
        return ANYBODY
    return Audience({person for person, found in zip(people, known[3:], strict=True) if found}, known[2] is not None)


async def tell(redis: Redis, ears: Iterable[Ear]) -> None:
    """Tells Redis that these have a socket here. Raises what Redis raises."""
    if not await redis.exists(_since()):
        # It knew nothing of anybody: other processes have not told it again yet.
        async with redis.pipeline(transaction=True) as together:
            together.set(_unsure(), 1, ex=UNSURE_SECONDS)
            together.set(_since(), 1)
            await together.execute()
    async with redis.pipeline(transaction=False) as all_of_them:
        for ear in ears:
            all_of_them.set(_key(ear), 1, ex=KNOWN_SECONDS)
        await all_of_them.execute()


def _since() -> str:
    return f"{push.channel()}:heard"


def _unsure() -> str:
    return f"{push.channel()}:unsure"


def _key(ear: Ear) -> str:
    return f"{_since()}:{ear[0]}:{ear[1]}"
