"""The follower stop of a subscription (D19): from which loss on nothing new is opened. Pure.

The loss is that of the follower's account since the subscription began, floating results included and payments left out:
whoever stores the two marks moves them with every payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from copytrade.domain.limits import STOP_LIMITS, bounded_by, tightest, who_set
from core.rounding import ZERO, half_even, plain


@dataclass(frozen=True, slots=True)
class FollowerStop:
    """The limits (0: not set) and what they are measured from, in account currency."""

    max_loss: Decimal
    max_loss_percent: Decimal
    max_drawdown_percent: Decimal
    start_equity: Decimal
    peak_equity: Decimal
    bounded_by: tuple[tuple[str, str], ...] = ()
    """Who else than the follower has set a limit that holds: pairs of its name and `Whose`."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that was reached, as it is told: an amount, or percent with the sign. `bounded_by` names who set it,
    where that was not the follower."""

    loss: str
    limit: str
    bounded_by: dict[str, str] = field(default_factory=dict)


def follower_stop(
    follower: Sequence[Decimal], master: Sequence[Decimal], tenant: Sequence[Decimal], marks: Sequence[Decimal]
) -> FollowerStop:
    """The stop that holds, by each one's `STOP_LIMITS` and the two marks (where the equity began, its peak)."""
    limits = [
        (name, tightest(name, follower=of[0], master=of[1], tenant=of[2]))
        for name, of in zip(STOP_LIMITS, zip(follower, master, tenant, strict=True), strict=True)
    ]
    amount, percent, drawdown = (limit.value for _name, limit in limits)
    start, peak = marks
    return FollowerStop(amount, percent, drawdown, start, peak, bounded_by(limits))


def stop_reached(stop: FollowerStop, equity: Decimal) -> Reached | None:
    """The first limit that an equity has reached: the amount, the percent of the start, the drop from the peak.

    A limit is reached when the loss equals it. Where everything that was there at the start has been paid out, any loss
    is more than any percent of it.
    """
    loss = stop.start_equity - equity
    if stop.max_loss and loss >= stop.max_loss:
        return _reached(stop, "max_loss", _number(loss), _number(stop.max_loss))
    if stop.max_loss_percent and _is_share(loss, stop.start_equity, stop.max_loss_percent):
        limit = f"{_number(stop.max_loss_percent)} %"
        return _reached(stop, "max_loss_percent", _percent(loss, stop.start_equity), limit)
    peak = max(stop.peak_equity, stop.start_equity)
    drop = peak - equity
    if stop.max_drawdown_percent and _is_share(drop, peak, stop.max_drawdown_percent):
        limit = f"{_number(stop.max_drawdown_percent)} %"
        return _reached(stop, "max_drawdown_percent", _percent(drop, peak), limit)
    return None


def _reached(stop: FollowerStop, name: str, loss: str, limit: str) -> Reached:
    return Reached(loss, limit, who_set(name, stop.bounded_by))


def _is_share(loss: Decimal, whole: Decimal, percent: Decimal) -> bool:
    return loss > ZERO and loss * 100 >= percent * whole


def _percent(loss: Decimal, whole: Decimal) -> str:
    return f"{_number(half_even(loss * 100 / whole, 2))} %" if whole > ZERO else "100 %"


def _number(value: Decimal) -> str:
    return f"{plain(value):f}"
