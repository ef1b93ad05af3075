"""Many leaders at once: whether a busy neighbour delays anybody, and whether anything is copied out of order.

Events come at a fixed pace, of one leader after the other. The time of an event is that from its commit to the commit of
its copies. Compared are the leaders with each other: each one's p99 with that of the leader in the middle.
"""

import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from benchmarks.durable import PATIENCE, leader_close, leader_open
from benchmarks.figures import percentiles
from benchmarks.place import BenchmarkError, Processes
from benchmarks.world import World

HELD: Final = 2
"""Tickets of a leader before anything counts: an exit belongs to the oldest one, never to the entry before it."""
_POLL_SECONDS: Final = 0.002

_LISTENING: Final = b"""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen %doorbell%'
"""
_CURSORS: Final = b"""
SELECT leader_id, min(cursor) FROM copytrade_leadershard WHERE leader_id = ANY(%s) GROUP BY leader_id
"""
_HEAD: Final = b"SELECT head_seq FROM copytrade_inboxhead WHERE leader_id = %s"
# In which order a follower's own events came, beside the order of the leader's events that they were copied from
_OUT_OF_ORDER: Final = b"""
SELECT count(*) FROM (
  SELECT source.seq, lag(source.seq) OVER (PARTITION BY c.subscription_id ORDER BY own.seq) AS before
  FROM copytrade_copyorder c
  JOIN trading_accountevent source ON source.id = c.source_id
  JOIN trading_accountevent own
    ON own.account_id = c.follower_id AND own.trade_id = c.follower_trade_id AND own.kind = c.action
  WHERE c.leader_id = ANY(%s)
) copies WHERE before >= seq
"""
_MADE: Final = b"SELECT count(*) FROM copytrade_copyorder WHERE leader_id = ANY(%s) AND status = 'FILLED'"


@dataclass
class Fan:
    """What came out. Times in milliseconds, by leader, in the order of their events."""

    leaders: int
    followers: int
    workers: int
    rate: float
    times: list[list[float]] = field(default_factory=list)
    out_of_order: int = 0

    @property
    def tails(self) -> list[float]:
        """Each leader's p99, ascending."""
        return sorted(percentiles(times)["p99"] for times in self.times)

    @property
    def worst(self) -> float:
        """The slowest leader's p99, as a multiple of that of the leader in the middle."""
        return self.tails[-1] / statistics.median(self.tails)

    @property
    def middle(self) -> dict[str, float]:
        """The percentiles of all events together."""
        return percentiles([value for times in self.times for value in times])


class _Watch(threading.Thread):
    """Notes when each leader's cursors pass what is expected of them."""

    def __init__(self, url: str, leaders: list[int]) -> None:
        super().__init__(daemon=True)
        self.waiting: dict[int, deque[tuple[int, int]]] = {leader: deque() for leader in leaders}
        self.times: dict[int, list[float]] = {leader: [] for leader in leaders}
        self._url, self._ended = url, threading.Event()

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as owner:
            while not self._ended.wait(_POLL_SECONDS):
                for leader, cursor in owner.execute(_CURSORS, [list(self.waiting)], prepare=True).fetchall():
                    now, line = time.perf_counter_ns(), self.waiting[leader]
                    while line and line[0][0] <= cursor:
                        self.times[leader].append((now - line.popleft()[1]) / 1e6)

    @property
    def idle(self) -> bool:
        return not any(self.waiting.values())

    def stop(self) -> None:
        self._ended.set()
        self.join()


def measure(world: World, processes: Processes, url: str, *, workers: int, events: int, rate: float) -> Fan:
    """`events` of each leader, `rate` a second of all of them together, by turns entries and exits."""
    processes.copiers_raise(workers)
    ids = [leader.account_id for leader in world.fan]
    found = Fan(len(ids), world.fan[0].followers, len(processes.copiers), rate)
    with psycopg.connect(url, autocommit=True) as owner:
        _until(lambda: _number(owner, _LISTENING) >= len(processes.copiers), "the copy workers do not listen")
        watch = _Watch(url, ids)
        watch.start()
        try:
            held = [deque[int]() for _leader in ids]
            _paced(world, owner, watch, held, HELD, rate, entries_only=True)
            for times in watch.times.values():
                times.clear()
            _paced(world, owner, watch, held, events, rate)
        finally:
            watch.stop()
        found.times = [list(watch.times[leader]) for leader in ids]
        found.out_of_order = _number(owner, _OUT_OF_ORDER, ids)
        made, expected = _number(owner, _MADE, ids), len(ids) * found.followers * (HELD + events)
    processes.check()
    if made != expected:
        raise BenchmarkError(f"{made:,} of {expected:,} copies of {len(ids)} leaders were made.")
    return found


def _paced(
    world: World,
    owner: psycopg.Connection[Any],
    watch: _Watch,
    held: list[deque[int]],
    events: int,
    rate: float,
    *,
    entries_only: bool = False,
) -> None:
    start, sent = time.perf_counter(), 0
    for number in range(events):
        for leader, tickets in zip(world.fan, held, strict=True):
            time.sleep(max(0.0, start + sent / rate - time.perf_counter()))
            sent += 1
            if number % 2 and not entries_only:
                leader_close(world, leader, tickets.popleft())
            else:
                tickets.append(leader_open(world, leader).order)
            committed = time.perf_counter_ns()
            row = owner.execute(_HEAD, [leader.account_id], prepare=True).fetchone()
            assert row is not None
            watch.waiting[leader.account_id].append((row[0], committed))
    _until(lambda: watch.idle, "the copies of many leaders are not durable")


def _until(condition: Any, trouble: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"After {PATIENCE:.0f} s {trouble}.")
        time.sleep(_POLL_SECONDS)


def _number(owner: psycopg.Connection[Any], statement: bytes, leaders: list[int] | None = None) -> int:
    row = owner.execute(statement, None if leaders is None else [leaders]).fetchone()
    assert row is not None
    return int(row[0])
