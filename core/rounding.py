"""The one place where numbers are rounded.

Every rounding in the platform goes through a named function here, so that the rule in force is visible where it is used
and a change of rule is a change of one line. Inputs and outputs are `Decimal`; nothing here ever touches a float.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)

# Wide enough for every stored number times every other; `quantize` refuses what does not fit its context.
_WIDE = Context(prec=80)

_QUANTA = tuple(Decimal(1).scaleb(-digits) for digits in range(29))

STORED_DIGITS = 10
"""Digits after the point that prices and averaged prices keep in the database."""


def half_even(value: Decimal, digits: int) -> Decimal:
    """Rounds to `digits` places, ties to the even neighbour: the rule for booked amounts."""
    return value.quantize(_QUANTA[digits], ROUND_HALF_EVEN, _WIDE)


def stored(value: Decimal) -> Decimal:
    """Rounds a price or factor to the ten places that the database keeps."""
    return half_even(value, STORED_DIGITS)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value` (`step` > 0)."""
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value` (`step` > 0)."""
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def nearest_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of `step` nearest to `value`; ties go up (D05)."""
    return (value / step).to_integral_value(rounding=ROUND_HALF_UP) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole number of steps."""
    return value % step == 0


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent, for people and for the wire."""
    if value == value.to_integral_value():
        return value.quantize(ONE, context=_WIDE)
    return value.normalize(context=_WIDE)
