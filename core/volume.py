"""Volumes: Decimal lots inside, whole numbers on the wire (D27: 100 = 1.00 lot)."""

from decimal import Decimal

UNITS_PER_LOT = 100


def lots_of(wire_volume: int) -> Decimal:
    """Lots of a wire volume."""
    return Decimal(wire_volume) / UNITS_PER_LOT


def wire_of(lots: Decimal) -> int:
    """The wire volume of `lots`; lots are always multiples of 0.01, so nothing is lost."""
    return int(lots * UNITS_PER_LOT)
