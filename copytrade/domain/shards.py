"""How many followers share a unit of work. Pure."""

import math
from collections.abc import Sequence
from typing import Final

SHARD_SIZE: Final = 250
"""A manual order on a follower's account waits for a whole shard at the most; this keeps that wait near 10 ms."""
SHARED_FROM: Final = 50
"""From so many followers on a leader has two shards at least, filled evenly: two workers have their copies sooner than one,
by more than the second turn costs."""


def shard_choice(living: Sequence[int]) -> int | None:
    """Which of a leader's shards, by how many living subscriptions each has, takes one more; None: a new one."""
    many = sum(living)
    wanted = 1 if many < SHARED_FROM else max(2, math.ceil((many + 1) / SHARD_SIZE))
    smallest = min(range(len(living)), key=living.__getitem__, default=None)
    if smallest is None or len(living) < wanted or living[smallest] >= SHARD_SIZE:
        return None
    return smallest
