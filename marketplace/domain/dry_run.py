"""What a dry run comes to: its curve, how far it fell, what was copied and what was not. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.rounding import ZERO, half_even

RATIO_DIGITS = 10


@dataclass(slots=True)
class Fall:
    """The largest fall of an equity from its peak so far, as a fraction of the peak."""

    peak: Decimal = ZERO
    most: Decimal = ZERO

    def see(self, equity: Decimal) -> None:
        """The next equity, in the order of time."""
        if equity >= self.peak:
            self.peak = equity
        elif self.peak > ZERO and self.peak * self.most < self.peak - equity:  # no division where nothing falls deeper
            self.most = (self.peak - equity) / self.peak

    @property
    def drawdown(self) -> Decimal | None:
        """0.1 is a fall of 10 %; None where there never was any equity to fall from."""
        return half_even(self.most, RATIO_DIGITS) if self.peak > ZERO else None


@dataclass(frozen=True, slots=True)
class Closed:
    """A copied trade, or a part of one, that was closed. `net` is after its commission and storage."""

    at: datetime
    lots: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class CurvePoint:
    time: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the settings would have done between `begin` and `end`, on an account in `currency`.

    `trades` are the master's entries, `copied` those that were; `skipped` counts by reason whatever a live subscription
    would have recorded as skipped or rejected, exits and changes of stops included. `pnl` is profit, commission and
    storage, with what is open at the end at its value then, and so is the curve. `commission` is the part of it that went
    on commission, as a positive amount. `rewards` is what the master's terms would have cost on top.
    """

    begin: datetime
    end: datetime
    currency: str
    curve: list[CurvePoint]
    trades: int
    copied: int
    skipped: Mapping[str, int]
    max_drawdown: Decimal | None
    commission: Decimal
    rewards: Decimal
    open_positions: int = 0
    closed: list[Closed] = field(default_factory=list)

    @property
    def pnl(self) -> Decimal:
        return self.curve[-1].equity - self.curve[0].equity

    @property
    def fees(self) -> Decimal:
        """What copying would have cost: commission, which the result is after already, and the master's rewards."""
        return self.commission + self.rewards

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The reasons with their counts, the most frequent first."""
        return sorted(Counter(self.skipped).items(), key=lambda pair: (-pair[1], pair[0]))
