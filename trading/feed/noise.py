"""A random walk that is a function of time: the same seed, name and instant always give the same value.

Nothing has to be stored or carried on: a simulated past and the live simulation after it are two readings of one curve,
and a process that starts again finds the curve where it would have been. The curve is a sum of octaves, each four times
slower and twice as large as the one before, which is how a random walk looks at every scale; the slowest has a period
of 24 days and there is none beyond, so the sum stays within a band and returns to its middle. Whole numbers and
Decimals only.
"""

from decimal import Decimal
from functools import lru_cache

_FASTEST_MS = 500
_OCTAVES = 12
_PERIODS = tuple(_FASTEST_MS * 4**octave for octave in range(_OCTAVES))
_MASK = 2**64 - 1
_HALF = 2**31
_DAY_DEVIATION = Decimal(330) * _HALF
"""The standard deviation of the raw curve's change over 24 hours; measured, and held by a test."""
LARGEST = Decimal((2**_OCTAVES - 1) * _HALF) / _DAY_DEVIATION
"""No value of `deviation` for a volatility of 1 is further from 0 than this."""


def mixed(value: int) -> int:
    """64 bits that look random, the same for the same `value` (the finalizer of SplitMix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@lru_cache(maxsize=1024)
def stream(seed: int, name: str) -> int:
    """The key of one independent curve of a seed."""
    key = mixed(seed & _MASK)
    for byte in name.encode():
        key = mixed(key ^ byte)
    return key


@lru_cache(maxsize=16_384)
def _lattice(key: int, octave: int, index: int) -> int:
    """A value from -2**31 to 2**31 - 1."""
    return (mixed(key ^ mixed(index * _OCTAVES + octave)) >> 32) - _HALF


@lru_cache(maxsize=1024)
def raw(key: int, at_ms: int) -> int:
    """The curve `key` at an instant in whole milliseconds."""
    total = 0
    for octave, period in enumerate(_PERIODS):
        index, passed = divmod(at_ms, period)
        left = _lattice(key, octave, index)
        right = _lattice(key, octave, index + 1)
        total += (left * (period - passed) + right * passed) // period << octave
    return total


def deviation(key: int, at_ms: int, daily_volatility: Decimal) -> Decimal:
    """How far a price is from its middle, as a share of it.

    `daily_volatility` is the usual change in a day (0.01 = 1 %).
    """
    return raw(key, at_ms) * daily_volatility / _DAY_DEVIATION
