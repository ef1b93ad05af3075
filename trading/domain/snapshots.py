"""What an account's trading day comes to: equity, its low and high, and what was paid in and out.

Pure. A payment is neither a gain nor a loss, so low and high are those of the equity as if everything that the day paid
in and out had been there from its beginning: equity less what was paid until then, plus what was paid in the whole day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.money import round_money
from core.rounding import ZERO


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a day begins: the equity of the snapshot before it, and the last event that belongs there."""

    equity: Decimal = ZERO
    event_seq: int = 0


@dataclass(frozen=True, slots=True)
class DayOfEvents:
    """What the day's events say. `low` and `high` are of equity less payments before it; None where nothing happened.

    `equity_after`, `balance_after` and `seq_after` are those before the first event of the next day, when there is one
    already: what the account was at the boundary.
    """

    flow: Decimal = ZERO
    low: Decimal | None = None
    high: Decimal | None = None
    seq_after: int | None = None
    equity_after: Decimal | None = None
    balance_after: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day's figures in account currency, as the snapshot keeps them."""

    equity: Decimal
    balance: Decimal
    low: Decimal
    high: Decimal
    flow: Decimal


def day_figures(
    start: Stand,
    events: DayOfEvents,
    equity: Decimal,
    balance: Decimal,
    marks: tuple[Decimal, Decimal] | None,
    currency: str,
) -> DayFigures:
    """The day that began at `start` and ends at `equity` and `balance`; `marks` are a low and a high between its events."""
    seen: Iterable[Decimal | None] = (events.low, events.high, *(marks or ()))
    points = [start.equity, equity - events.flow, *(point for point in seen if point is not None)]
    return DayFigures(
        equity=equity,
        balance=balance,
        low=round_money(min(points) + events.flow, currency),
        high=round_money(max(points) + events.flow, currency),
        flow=events.flow,
    )
