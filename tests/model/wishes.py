"""What subscriptions may ask for, drawn at random."""

from decimal import Decimal as D
from random import Random
from typing import Any

from hypothesis import strategies as st

MILLION = D(1_000_000)
DEFAULTS: dict[str, Any] = {
    "enabled": True, "status": 0, "copy_mode": 0, "volume_mode": 1, "risk_multiplier": D(1), "fixed_volume": D("0.05"),
    "copy_partial_close": True, "reverse_direction": False, "max_volume": D(0), "min_volume": D(0), "max_positions": 0,
    "symbols_mode": 0, "symbols": "EURUSD", "min_equity": D(0), "slippage_tolerance": D(0),
    "max_signal_age_seconds": 30,
}  # fmt: skip
_VALUES: dict[str, list[Any]] = {
    "enabled": [True, True, False],
    "status": [0, 0, 1, 2],
    "copy_mode": [0, 1, 1, 2],
    "volume_mode": [0, 1, 2, 3],
    "risk_multiplier": [D("0.01"), D("0.333"), D("0.5"), D("1.7"), D(3)],
    "fixed_volume": [D("0.01"), D("0.05"), D("0.3")],
    "copy_partial_close": [False, True],
    "reverse_direction": [True, False],
    "max_volume": [D(0), D("0.1"), D("0.333")],
    "min_volume": [D(0), D("0.02"), D("0.1"), D("0.4")],
    "max_positions": [1, 1, 2, 3],
    "symbols_mode": [0, 1, 2],
    "symbols": ["EURUSD", "XAUUSD", "EURUSD,XAUUSD"],
    "min_equity": [D(0), MILLION - 5000, MILLION, MILLION + 200],
    "slippage_tolerance": [D(1), D(5), D(40)],
    "max_signal_age_seconds": [0, 30],
}


FIRST_WISHES: list[dict[str, Any]] = [
    {"max_positions": 1}, {"risk_multiplier": D("0.01")}, {"slippage_tolerance": D(1)}, {"copy_mode": 1},
    {"copy_partial_close": False}, {"min_volume": D("0.4")}, {"min_equity": MILLION}, {"symbols_mode": 2},
]  # fmt: skip


def drawn(luck: Random) -> dict[str, Any]:
    """Up to four settings, by an even hand."""
    names = luck.sample(sorted(_VALUES), luck.choice([0, 1, 1, 2, 3, 4]))
    return {name: luck.choice(_VALUES[name]) for name in names}


# From a number: Hypothesis itself would mostly draw nothing at all.
changes = st.sampled_from(range(10_000)).map(lambda seed: drawn(Random(seed)))


def contradictory(settings: dict[str, Any]) -> bool:
    """Whether no agreement can have these settings."""
    return bool(settings["max_volume"]) and settings["min_volume"] > settings["max_volume"]
