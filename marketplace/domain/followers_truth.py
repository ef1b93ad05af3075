"""The followers' own result beside the master's, and what lies between the two (X03). Pure.

Definitions: docs/algorithms/followers.md. Ratios as fractions, rounded as they are stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.rounding import ZERO, stored


@dataclass(frozen=True, slots=True)
class FollowedDay:
    """A closed day of all followers of a master, in the master's currency; what was lost is positive."""

    capital: Decimal
    result: Decimal
    slippage: Decimal = ZERO
    fees: Decimal = ZERO
    skipped: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Truth:
    """`gap` is the followers' return less the master's; the parts add up to it exactly. None is undefined."""

    followers_return: Decimal | None = None
    gap: Decimal | None = None
    slippage: Decimal | None = None
    fees: Decimal | None = None
    skipped: Decimal | None = None
    other: Decimal | None = None


UNKNOWN = Truth()


def truth_of(days: Iterable[FollowedDay], master_return: Decimal | None) -> Truth:
    """What the days of a period come to, beside the master's chained return of that period."""
    at_work = [day for day in days if day.capital > ZERO]
    capital = sum((day.capital for day in at_work), ZERO)
    if not capital:
        return UNKNOWN
    number = len(at_work)

    def share(values: Iterable[Decimal]) -> Decimal:
        return stored(sum(values, ZERO) * number / capital)

    followers = share(day.result for day in at_work)
    if master_return is None:
        return Truth(followers_return=followers)
    slippage = -share(day.slippage for day in at_work)
    fees = -share(day.fees for day in at_work)
    skipped = -share(day.skipped for day in at_work)
    gap = followers - master_return
    return Truth(followers, gap, slippage, fees, skipped, gap - slippage - fees - skipped)
