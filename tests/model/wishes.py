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
    "max_signal_age_seconds": 30, "copy_sl": True, "copy_tp": True,
    "copy_pending_orders": False,
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
    "copy_pending_orders": [True, True, False],
    "copy_sl": [True, False],
    "copy_tp": [True, False],
}


FIRST_WISHES: list[dict[str, Any]] = [
    {"max_positions": 1}, {"risk_multiplier": D("0.01")}, {"slippage_tolerance": D(1)}, {"copy_mode": 1},
    {"copy_partial_close": False}, {"min_volume": D("0.4")}, {"min_equity": MILLION}, {"symbols_mode": 2},
]  # fmt: skip


_IN_COMPANY = ("symbols", "symbols_mode", "fixed_volume")
DECK: list[dict[str, Any]] = [
    *({name: value} for name, of in _VALUES.items() if name not in _IN_COMPANY
      for value in dict.fromkeys(of) if value != DEFAULTS[name]),
    *({"symbols_mode": mode, "symbols": symbols} for mode in (1, 2) for symbols in _VALUES["symbols"]),
    *({"volume_mode": 0, "fixed_volume": volume} for volume in _VALUES["fixed_volume"]),
]  # fmt: skip
"""Every wish once, each for itself: walks that take them one after the other leave none out."""
Random(0).shuffle(DECK)

TOGETHER = [
    ("reverse_direction", "copy_sl", "copy_tp"), ("volume_mode", "risk_multiplier", "fixed_volume"),
    ("min_volume", "max_volume"), ("symbols_mode", "symbols"), ("copy_mode", "copy_partial_close"),
]  # fmt: skip
"""Settings that only say something in each other's company."""


def drawn(luck: Random) -> dict[str, Any]:
    """Up to four settings, by an even hand: any, or some that belong together."""
    alone = luck.sample(sorted(_VALUES), luck.choice([0, 1, 1, 2, 3, 4]))
    return {name: luck.choice(_VALUES[name]) for name in luck.choice([alone, alone, luck.choice(TOGETHER)])}


# From a number: Hypothesis itself would mostly draw nothing at all.
changes = st.sampled_from(range(10_000)).map(lambda seed: drawn(Random(seed)))


def contradictory(settings: dict[str, Any]) -> bool:
    """Whether no agreement can have these settings."""
    return bool(settings["max_volume"]) and settings["min_volume"] > settings["max_volume"]
