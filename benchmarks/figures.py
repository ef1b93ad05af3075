"""The arithmetic: percentiles, medians of runs, ratios to a floor. Pure functions."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SHARES: Final = {"p50": 50, "p95": 95, "p99": 99}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` per cent of them do not exceed (nearest rank).

    A value that was really measured, never an interpolated one.
    """
    if not values:
        raise ValueError("nothing was measured")
    if not 0 < share <= 100:
        raise ValueError("a share is more than 0 and at most 100 per cent")
    return sorted(values)[math.ceil(share / 100 * len(values)) - 1]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of one run."""
    return {name: percentile(values, share) for name, share in SHARES.items()}


def median_of_runs(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """For each figure the median of what the runs had: one disturbed run does not decide."""
    if not runs:
        raise ValueError("nothing was run")
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def ratio(measured: float, floor: float) -> float:
    """How many times the floor."""
    if floor <= 0:
        raise ValueError("a floor is more than nothing")
    return measured / floor


@dataclass(frozen=True)
class Compared:
    """One quantity of the product beside the same quantity of the floor, run by run; milliseconds."""

    name: str
    product: list[dict[str, float]]
    floor: list[dict[str, float]]

    @property
    def ratios(self) -> dict[str, float]:
        """The ratio of the medians of the runs' figures."""
        product, floor = median_of_runs(self.product), median_of_runs(self.floor)
        return {name: ratio(product[name], floor[name]) for name in product}


def compared(name: str, product: Sequence[Sequence[float]], floor: Sequence[Sequence[float]]) -> Compared:
    """`product` and `floor` are the values of each run."""
    return Compared(name, [percentiles(run) for run in product], [percentiles(run) for run in floor])
