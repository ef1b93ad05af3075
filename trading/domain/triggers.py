"""What a quote makes due, in which order it is carried out, and where it is filled.

One table of eight conditions says it, for the decisions here and for the statements that find due records. Pure, as
`execution` is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from core.states import Cmd, Origin, Reason, TicketKind, TradeState
from trading.domain.execution import close_market
from trading.domain.filling import Instruction
from trading.domain.pending import EXPIRED, cancel_pending, trigger_pending
from trading.domain.values import AccountState, Journal, Market, OrderRecord, QuoteNow, Refused, Ticket

SL_MARK: Final = "[sl]"
TP_MARK: Final = "[tp]"


@dataclass(frozen=True, slots=True)
class Tick:
    """A quote that has just come."""

    instrument_id: int
    bid: Decimal
    ask: Decimal


class Level(StrEnum):
    """Which price of a record waits: the name is that of the column."""

    PRICE = "open_price"
    SL = "sl"
    TP = "tp"


@dataclass(frozen=True, slots=True)
class Condition:
    """A record of this command is due when the watched side of the quote has fallen to its level, or risen to it.

    The watched side is also where it is filled: a buy is entered and a sell is closed at the ask, the other two at the
    bid. A limit order or take profit thereby gets its own price or a better one, a stop the quote that set it off.
    """

    cmd: Cmd
    level: Level
    watched: str  # "bid" or "ask"
    falling: bool

    def price(self, quote: QuoteNow | Tick) -> Decimal:
        """The watched side of a quote."""
        return quote.bid if self.watched == "bid" else quote.ask

    def level_of(self, ticket: Ticket) -> Decimal:
        """The price that the record waits for; 0 when it waits for none."""
        return ticket.open_price if self.level is Level.PRICE else ticket.sl if self.level is Level.SL else ticket.tp

    def holds(self, ticket: Ticket, quote: QuoteNow) -> bool:
        """Whether the record, which has this condition's command, is due at the quote."""
        level = self.level_of(ticket)
        if not level:
            return False
        return self.price(quote) <= level if self.falling else self.price(quote) >= level


CONDITIONS: Final = (
    Condition(Cmd.BUY_LIMIT, Level.PRICE, "ask", falling=True),
    Condition(Cmd.SELL_LIMIT, Level.PRICE, "bid", falling=False),
    Condition(Cmd.BUY_STOP, Level.PRICE, "ask", falling=False),
    Condition(Cmd.SELL_STOP, Level.PRICE, "bid", falling=True),
    Condition(Cmd.BUY, Level.SL, "bid", falling=True),
    Condition(Cmd.SELL, Level.SL, "ask", falling=False),
    Condition(Cmd.BUY, Level.TP, "bid", falling=False),
    Condition(Cmd.SELL, Level.TP, "ask", falling=True),
)
"""Where a record has two, a stop loss stands before the take profit: should both be due, the loss is what counts."""

_BY_CMD: Final = {cmd: [condition for condition in CONDITIONS if condition.cmd is cmd] for cmd in Cmd}


@dataclass(frozen=True, slots=True)
class Due:
    """A record that a quote makes due, by which condition, and the price it is filled at."""

    ticket: Ticket
    condition: Condition
    price: Decimal

    @property
    def place(self) -> tuple[bool, Decimal, datetime, int]:
        """Sorts what is due at one quote: first what a fall passes, from the highest level down, then what a rise passes,
        from the lowest up; the older record first."""
        level = self.condition.level_of(self.ticket)
        falling = self.condition.falling
        return (not falling, -level if falling else level, self.ticket.open_at, self.ticket.id or 0)


def due(account: AccountState, market: Market, instruments: Collection[int], at: datetime) -> list[Due]:
    """What is due on the account at the quotes of these instruments, in the order in which it is to be carried out.

    A pending order whose time has come is never due.
    """
    found = [
        one
        for ticket in (*account.pending, *account.tickets)
        if ticket.spec.id in instruments and not expired(ticket, at) and (one := _due(ticket, market)) is not None
    ]
    found.sort(key=lambda one: one.place)
    return found


def expired(ticket: Ticket, at: datetime) -> bool:
    """Whether a pending order's time has come; a shadow's comes with its leader's order."""
    waits = ticket.kind is not TicketKind.MARKET and not ticket.shadow
    return waits and ticket.expiration_at is not None and ticket.expiration_at <= at


def triggers_carry_out(
    journal: Journal, market: Market, account: AccountState, instruments: Collection[int], at: datetime
) -> None:
    """Carries out everything that the quotes of these instruments make due on the account, in the order of `due`.

    What a fill puts in force, such as the stops of a new position, may be due at the same quote and is carried out after
    it. What the house refuses to fill for now (no usable quote, no rate) goes on waiting.
    """
    refused = set[int]()
    while waiting := [one for one in due(account, market, instruments, at) if id(one.ticket) not in refused]:
        for one in waiting:
            # What came before may have closed or merged the record, or changed its stops.
            if one.ticket.state is TradeState.OPEN and _due(one.ticket, market) == one:
                outcome = _carry_out(journal, market, account, one, at)
                if isinstance(outcome, Refused):
                    refused.add(id(one.ticket))


def expirations_carry_out(journal: Journal, market: Market, account: AccountState, at: datetime) -> None:
    """Ends the account's pending orders whose time has come."""
    for ticket in [ticket for ticket in account.pending if expired(ticket, at)]:
        cancel_pending(journal, account, ticket, _how(ticket, at), EXPIRED, market)


def _due(ticket: Ticket, market: Market) -> Due | None:
    quote = market.quote(ticket.spec)
    if quote is None or ticket.shadow:
        return None
    for condition in _BY_CMD[ticket.cmd]:
        if condition.holds(ticket, quote):
            return Due(ticket, condition, condition.price(quote))
    return None


def _carry_out(
    journal: Journal, market: Market, account: AccountState, one: Due, at: datetime
) -> OrderRecord | Refused:
    ticket, level, how = one.ticket, one.condition.level, _how(one.ticket, at)
    if level is Level.PRICE:
        return trigger_pending(journal, market, account, ticket, one.price, how)
    mark = SL_MARK if level is Level.SL else TP_MARK
    return close_market(journal, market, account, ticket, None, how, one.price, mark)


def _how(ticket: Ticket, at: datetime) -> Instruction:
    """Whoever gave the order wanted this; the record keeps its reason."""
    return Instruction(Origin.MANUAL, at, Reason(ticket.reason))
