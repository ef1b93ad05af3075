"""The follower stop of a subscription (D19): from which loss on nothing new is opened. Pure.

The loss is that of the follower's account since the subscription began, floating results included and payments left out:
whoever stores the two marks moves them with every payment.
"""

from dataclasses import dataclass
from decimal import Decimal

from core.rounding import ZERO, half_even, plain


@dataclass(frozen=True, slots=True)
class FollowerStop:
    """The limits (0: not set) and what they are measured from, in account currency."""

    max_loss: Decimal
    max_loss_percent: Decimal
    max_drawdown_percent: Decimal
    start_equity: Decimal
    peak_equity: Decimal


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that was reached, as it is told: an amount, or percent with the sign."""

    loss: str
    limit: str


def stop_reached(stop: FollowerStop, equity: Decimal) -> Reached | None:
    """The first limit that an equity has reached: the amount, the percent of the start, the drop from the peak.

    A limit is reached when the loss equals it. Where everything that was there at the start has been paid out, any loss
    is more than any percent of it.
    """
    loss = stop.start_equity - equity
    if stop.max_loss and loss >= stop.max_loss:
        return Reached(_number(loss), _number(stop.max_loss))
    if stop.max_loss_percent and _is_share(loss, stop.start_equity, stop.max_loss_percent):
        return Reached(_percent(loss, stop.start_equity), f"{_number(stop.max_loss_percent)} %")
    peak = max(stop.peak_equity, stop.start_equity)
    drop = peak - equity
    if stop.max_drawdown_percent and _is_share(drop, peak, stop.max_drawdown_percent):
        return Reached(_percent(drop, peak), f"{_number(stop.max_drawdown_percent)} %")
    return None


def _is_share(loss: Decimal, whole: Decimal, percent: Decimal) -> bool:
    return loss > ZERO and loss * 100 >= percent * whole


def _percent(loss: Decimal, whole: Decimal) -> str:
    return f"{_number(half_even(loss * 100 / whole, 2))} %" if whole > ZERO else "100 %"


def _number(value: Decimal) -> str:
    return f"{plain(value):f}"
