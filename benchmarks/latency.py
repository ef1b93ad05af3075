"""From the leader's order to the followers' frames: paced events, product and floor in turns."""

import asyncio
import gc
import time
from dataclasses import dataclass, field
from typing import Final

from benchmarks.figures import Compared, compared
from benchmarks.place import Processes
from benchmarks.sides import Product, Sample, Side, Skeleton

WARM_UP: Final = 12
"""Events before anything counts: connections, prepared statements and their plans."""


@dataclass(frozen=True)
class Pace:
    """How one number of followers is measured. `rate` is events a second."""

    followers: int
    events: int
    rate: float
    runs: int
    held: int
    """Tickets that the leader, and so every follower, holds meanwhile."""


@dataclass
class Latency:
    """What came out for one number of followers."""

    pace: Pace
    quantities: list[Compared] = field(default_factory=list)
    cpu_ms_per_event: dict[str, float] = field(default_factory=dict)


async def measure(product: Product, floor: Skeleton, pace: Pace, processes: Processes) -> Latency:
    """The runs of one number of followers, interleaved."""
    found: dict[str, list[list[Sample]]] = {product.name: [], floor.name: []}
    groups = {
        "web": ["web"],
        "copy workers": processes.copiers,
        "floor web": ["skeleton-web"],
        "floor listener": ["skeleton-listener"],
    }
    for side in (product, floor):
        await side.prepare(pace.followers, pace.held)
        await paced_run(side, pace.followers, WARM_UP, pace.rate, f"w{pace.followers}")
    before = {name: processes.cpu_seconds(members) for name, members in groups.items()}
    for number in range(pace.runs):
        # Who goes first changes, so that neither always follows the other's disk writes
        for side in (product, floor) if number % 2 else (floor, product):
            prefix = f"r{pace.followers}-{number}"
            found[side.name].append(await paced_run(side, pace.followers, pace.events, pace.rate, prefix))
    await product.settle()
    processes.check()
    done = Latency(pace, _quantities(found[product.name], found[floor.name], pace.followers))
    for name, members in groups.items():
        used = processes.cpu_seconds(members) - before[name]
        done.cpu_ms_per_event[name] = used * 1000 / (pace.runs * pace.events)
    return done


async def paced_run(side: Side, followers: int, events: int, rate: float, prefix: str) -> list[Sample]:
    """Sends `events` at `rate` a second, opens and closes in turn, and waits for every frame."""
    side.begin(followers, events, prefix)
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter() + 0.05
        for number in range(events):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            await side.order(number)
        await side.finished()
    finally:
        gc.enable()
    return side.samples()


def _quantities(product: list[list[Sample]], floor: list[list[Sample]], followers: int) -> list[Compared]:
    names = {"ack": "order to acknowledgement"}
    if followers:
        names["first"] = "order to first trade frame"
    if followers > 1:
        names["last"] = "order to last trade frame"
    if followers:
        names["told"] = "order to last copy.order frame"
    return [
        compared(
            name, [[getattr(s, key) for s in run] for run in product], [[getattr(s, key) for s in run] for run in floor]
        )
        for key, name in names.items()
    ]
