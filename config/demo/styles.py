"""How the demo's leaders trade: pure decisions from past prices and seeded dice.

Prices are whole ticks, one for every quarter of an hour. A style looks for a reason to trade, takes the side its signal
says (not always: nobody is right all the time), and leaves at a target, at a stop, or when the trade has become old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from random import Random

from core.rounding import ZERO, floor_to_step
from core.states import Side

Prices = Mapping[str, Sequence[int]]
"""By symbol: the price in ticks at the end of each bar, oldest first."""

USUAL_BARS = 96
"""Over how many bars the usual move of a bar is measured: a day."""


class Signal(Enum):
    """What makes a leader choose a side."""

    TREND = "with the move of the last bars"
    REVERSION = "against the distance from the average of the last bars"


class Mood(Enum):
    """What time of its life the past is in."""

    USUAL = "usual"
    AWAY = "away"  # week-ends: exits only
    EAGER = "eager"  # the last hours before the present: every leader has done something lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way of trading. Distances in tenths of a bar's usual move, times in bars, chances per thousand."""

    symbols: tuple[str, ...]
    signal: Signal
    lookback: int
    chance: int  # of looking at a symbol in a bar
    conviction: int  # of taking the signal's side
    target: int
    stop: int
    hold: int
    open_max: int
    lots: Mapping[str, tuple[str, ...]]
    halves: bool = False  # takes half the profit half-way
    adds: bool = False  # adds to a winning position once (on NETTING accounts: an increase)
    week_ends: bool = False
    keeps: int = 0  # that many tickets are not closed in the last hours, so that the present finds them open


@dataclass(slots=True)
class Held:
    """A ticket as its leader remembers it: entry price in ticks."""

    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    entry: int
    bar: int
    halved: bool = False
    added: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    symbol: str
    side: Side
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Close:
    """Closes a ticket, or `volume` lots of it."""

    ticket: int
    volume: Decimal | None = None


@dataclass(slots=True)
class Trader:
    """A leader with its dice and its open tickets."""

    style: Style
    dice: Random
    lot_steps: Mapping[str, Decimal]
    held: list[Held] = field(default_factory=list)

    def decide(self, prices: Prices, mood: Mood = Mood.USUAL) -> list[Open | Close]:
        """What to do after the last bar of `prices`: exits first, at most one entry."""
        return [*self._exits(prices, mood), *self._entry(prices, mood)]

    def opened(self, ticket: int, what: Open, prices: Prices) -> None:
        """Remembers an entry that was filled; on NETTING accounts it may have joined a ticket."""
        price, bar = prices[what.symbol][-1], len(prices[what.symbol])
        for held in self.held:
            if held.ticket == ticket:
                held.entry = int((held.entry * held.volume + price * what.volume) / (held.volume + what.volume))
                held.volume += what.volume
                return
        self.held.append(Held(ticket, what.symbol, what.side, what.volume, price, bar))

    def closed(self, what: Close) -> None:
        """Remembers an exit that was filled."""
        for held in self.held:
            if held.ticket == what.ticket and what.volume is not None and what.volume < held.volume:
                held.volume -= what.volume
                held.halved = True
                return
        self.held = [held for held in self.held if held.ticket != what.ticket]

    def _exits(self, prices: Prices, mood: Mood) -> list[Open | Close]:
        found: list[Open | Close] = []
        keeping = self.style.keeps if mood is Mood.EAGER else 0
        for held in self.held[: len(self.held) - keeping]:
            series = prices[held.symbol]
            won = (series[-1] - held.entry) * held.side.sign * 10
            usual = usual_move(series)
            old = len(series) - held.bar >= self.style.hold
            if old or won >= self.style.target * usual or won <= -self.style.stop * usual:
                found.append(Close(held.ticket))
            elif self.style.halves and not held.halved and won * 2 >= self.style.target * usual:
                half = floor_to_step(held.volume / 2, self.lot_steps[held.symbol])
                if half > ZERO:
                    found.append(Close(held.ticket, half))
        return found

    def _entry(self, prices: Prices, mood: Mood) -> list[Open | Close]:
        style = self.style
        if mood is Mood.AWAY and not style.week_ends:
            return []
        chance = 250 if mood is Mood.EAGER else style.chance
        for symbol in self.dice.sample(style.symbols, len(style.symbols)):
            if self.dice.randrange(1000) >= chance:
                continue
            mine = [held for held in self.held if held.symbol == symbol]
            side = self._side(prices[symbol])
            if style.adds and mine:
                held = mine[0]
                if not held.added and (prices[symbol][-1] - held.entry) * held.side.sign > 0:
                    held.added = True
                    return [Open(symbol, held.side, self._lots(symbol))]
            elif not mine and len(self.held) < style.open_max:
                return [Open(symbol, side, self._lots(symbol))]
        return []

    def _side(self, series: Sequence[int]) -> Side:
        lookback = self.style.lookback
        if self.style.signal is Signal.TREND:
            up = series[-1] > series[-1 - lookback]
        else:
            up = series[-1] * lookback < sum(series[-lookback:])
        right = self.dice.randrange(1000) < self.style.conviction
        return Side.BUY if up is right else Side.SELL

    def _lots(self, symbol: str) -> Decimal:
        return Decimal(self.dice.choice(self.style.lots[symbol]))


def usual_move(series: Sequence[int]) -> int:
    """The mean distance between neighbouring prices over the last day, at least one tick."""
    recent = series[-USUAL_BARS:]
    moves = [abs(after - before) for before, after in pairwise(recent)]
    return max(sum(moves) // max(len(moves), 1), 1)
