"""Which stops a follower gets because of the leader's (D31)."""

from decimal import Decimal
from typing import NamedTuple

from copytrade.domain.values import LeaderEvent, Settings
from core.contracts import ContractSpec
from core.rounding import ZERO, ceil_to_step, floor_to_step
from core.states import Side


class Stops(NamedTuple):
    """Stop loss and take profit as prices of one contract; 0: none."""

    sl: Decimal = ZERO
    tp: Decimal = ZERO


NONE = Stops()


def same_market(leader: ContractSpec | None, spec: ContractSpec) -> bool:
    """Whether prices of the leader's contract are prices of the follower's: the same contract, or one family."""
    return leader is None or leader.id == spec.id or bool(leader.family and leader.family == spec.family)


def follower_stops(
    event: LeaderEvent,
    settings: Settings,
    *,
    leader: ContractSpec | None,
    spec: ContractSpec,
    side: Side,
    fill: Decimal,
    kept: Stops = NONE,
) -> Stops:
    """The stops of a follower's ticket of `side`, filled at `fill`, after the event; a flag that is off leaves what is `kept`.

    Reversed, the leader's target is where the copy loses: the two change places first, and the flags name the follower's.
    Within one family prices are copied as they are, for other contracts as the same relative distance from the fill; both
    are rounded to the tick away from the market, so a copy is never stopped before its leader. `leader` None: the same
    contract.
    """
    sl, tp = (event.tp, event.sl) if settings.reverse_direction else (event.sl, event.tp)
    factor = None if same_market(leader, spec) else fill / event.price
    buys = side is Side.BUY
    return Stops(
        _level(sl, factor, spec, above=not buys) if settings.copy_sl else kept.sl,
        _level(tp, factor, spec, above=buys) if settings.copy_tp else kept.tp,
    )


def away_from_market(price: Decimal, spec: ContractSpec, *, above: bool) -> Decimal:
    """The tick at the price or the next one away from the market, which the price stands `above` or below; never 0."""
    rounded = ceil_to_step(price, spec.tick_size) if above else floor_to_step(price, spec.tick_size)
    return max(rounded, spec.tick_size)


def _level(level: Decimal, factor: Decimal | None, spec: ContractSpec, *, above: bool) -> Decimal:
    if not level:
        return ZERO
    return away_from_market(level if factor is None else level * factor, spec, above=above)
