"""How large a copied entry is (D04): raw volume, worth of a point, limits, then the contract's step.

Worked tables: docs/algorithms/sizing.md.
"""

from dataclasses import dataclass
from decimal import Decimal

from copytrade.domain.codes import SkipReason
from copytrade.domain.values import LeaderEvent, Rounding, Settings
from core.contracts import ContractSpec
from core.rounding import ONE, ZERO, ceil_to_step, floor_to_step, nearest_to_step

FIXED, MULTIPLIER, EQUITY_RATIO, BALANCE_RATIO = range(4)


@dataclass(frozen=True, slots=True)
class Unsized:
    """No volume comes out, with the reason and the values it is told with."""

    reason: SkipReason
    params: dict[str, Decimal | str]


@dataclass(frozen=True, slots=True)
class Notional:
    """The worth of a price change of 1.0: one lot of the leader's contract against one of the follower's.

    Both in the currency of the follower's contract; `leader` is None where no quoted rate leads there from `currency`.
    """

    leader: Decimal | None
    follower: Decimal
    currency: str


def entry_volume(
    settings: Settings,
    event: LeaderEvent,
    spec: ContractSpec,
    *,
    equity: Decimal,
    balance: Decimal,
    leader_rate: Decimal | None,
    ratio: Decimal = ONE,
    notional: Notional | None = None,
) -> Decimal | Unsized:
    """Lots of the follower's entry order.

    `equity` and `balance` are the follower's before its order, in its currency; `leader_rate` converts the leader's
    currency into it. `ratio` is the follower's for this contract, `notional` asks to keep the worth of a point. The
    result is a multiple of the lot step within all limits.
    """
    sized = _raw_volume(settings, event, equity, balance, leader_rate)
    if isinstance(sized, Unsized):
        return sized
    many, parts = sized[0] * ratio, sized[1]
    if notional is not None:
        if notional.leader is None:
            return Unsized(SkipReason.NO_CONVERSION_RATE, {"currency": notional.currency})
        many, parts = many * notional.leader, parts * notional.follower
    # One division, at the end: an inexact quotient on the way would turn a whole lot into 0.99 after the rounding down.
    raw = many / parts
    if settings.min_volume and raw < settings.min_volume:
        return Unsized(SkipReason.BELOW_MIN_VOLUME, {"volume": raw, "min_volume": settings.min_volume})
    most = min(settings.max_volume, spec.lot_max) if settings.max_volume else spec.lot_max
    raw = min(raw, most)
    # Rounding to the nearest step must not lift what was cut above the limit again.
    volume = min(_entry_rounded(raw, spec.lot_step, settings.rounding), floor_to_step(most, spec.lot_step))
    if volume < spec.lot_min:
        return Unsized(SkipReason.ROUNDED_TO_ZERO, {"volume": raw, "lot_min": spec.lot_min, "lot_step": spec.lot_step})
    return volume


def exit_rounded(volume: Decimal, step: Decimal, rounding: Rounding) -> Decimal:
    """What an exit takes of an exact share, in whole steps (R035 to R037)."""
    if rounding is Rounding.NEAREST:
        return nearest_to_step(volume, step)
    return floor_to_step(volume, step) if rounding is Rounding.ALWAYS_DOWN else ceil_to_step(volume, step)


def _entry_rounded(volume: Decimal, step: Decimal, rounding: Rounding) -> Decimal:
    return nearest_to_step(volume, step) if rounding is Rounding.NEAREST else floor_to_step(volume, step)


def _raw_volume(
    settings: Settings, event: LeaderEvent, equity: Decimal, balance: Decimal, leader_rate: Decimal | None
) -> tuple[Decimal, Decimal] | Unsized:
    """The volume before everything else, as a dividend and its divisor."""
    if settings.volume_mode == FIXED:
        return settings.fixed_volume, ONE
    if settings.volume_mode == MULTIPLIER:
        return event.volume * settings.risk_multiplier, ONE
    mine, theirs = (equity, event.equity) if settings.volume_mode == EQUITY_RATIO else (balance, event.balance)
    if mine <= ZERO or theirs <= ZERO:
        return Unsized(SkipReason.INVALID_EQUITY, {"follower": mine, "leader": theirs})
    if leader_rate is None:
        return Unsized(SkipReason.NO_CONVERSION_RATE, {"currency": settings.leader_currency})
    return event.volume * mine * settings.risk_multiplier, theirs * leader_rate
