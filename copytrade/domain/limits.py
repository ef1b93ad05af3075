"""Limits that several may set for one subscription: the tightest of tenant, master and follower holds (D19). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from core.rounding import ZERO

LIMITS: Final = (
    "max_positions", "min_equity", "slippage_tolerance", "max_loss", "max_loss_percent", "max_drawdown_percent",
)  # fmt: skip
"""What can be limited, by the names of a subscription's settings."""
ENTRY_LIMITS: Final = LIMITS[:3]
STOP_LIMITS: Final = LIMITS[3:]
LARGEST_HOLDS: Final = frozenset({"min_equity"})
"""Of these the largest value is the tightest; of all others the smallest."""


class Whose(StrEnum):
    """Who has set a limit. The order decides between equals: it counts as the follower's own while nobody asks more."""

    FOLLOWER = "FOLLOWER"
    MASTER = "MASTER"
    TENANT = "TENANT"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that holds; a value of 0, with nobody's name, is none."""

    value: Decimal
    whose: Whose | None = None


def tightest(name: str, *, follower: Decimal, master: Decimal, tenant: Decimal) -> Limit:
    """The limit of that name that holds; a value of 0 is not set. A minimum is the tighter the larger it is."""
    values = ((follower, Whose.FOLLOWER), (master, Whose.MASTER), (tenant, Whose.TENANT))
    asked = [(value, whose) for value, whose in values if value > ZERO]
    if not asked:
        return Limit(ZERO)
    best = max(value for value, _ in asked) if name in LARGEST_HOLDS else min(value for value, _ in asked)
    return Limit(*next(pair for pair in asked if pair[0] == best))


def bounded_by(limits: Iterable[tuple[str, Limit]]) -> tuple[tuple[str, str], ...]:
    """Which of the limits are somebody else's than the follower's, with the name of who set them."""
    return tuple((name, limit.whose.value) for name, limit in limits if limit.whose not in (None, Whose.FOLLOWER))


def who_set(name: str, bounded: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What a refusal by a limit adds where the limit is not the follower's own; `bounded` as from `bounded_by`."""
    whose = dict(bounded).get(name)
    return {} if whose is None else {"whose": whose}
