"""Pending orders as the portal shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.states import Cmd, Side
from trading.domain.values import AccountState, Market, Ticket


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """A limit or stop order. `price` is what it waits for, `current_price` what it would be filled at now; `copied`: it
    waits for its leader's order and never for the market."""

    order: int
    login: int
    symbol: str
    digits: int
    cmd: Cmd
    side: Side
    volume: Decimal
    price: Decimal
    current_price: Decimal | None
    sl: Decimal
    tp: Decimal
    placed_at: datetime
    expires_at: datetime | None
    copied: bool
    leader: str

    @property
    def quote_side(self) -> str:
        """Which side of the quote it is filled at."""
        return "ask" if self.side is Side.BUY else "bid"


def waiting_orders(state: AccountState, market: Market, leaders: Mapping[int, str]) -> list[WaitingOrder]:
    """All pending orders of an account."""
    return [_waiting(state, market, ticket, leaders) for ticket in state.pending]


def _waiting(state: AccountState, market: Market, ticket: Ticket, leaders: Mapping[int, str]) -> WaitingOrder:
    quote = market.quote(ticket.spec)
    return WaitingOrder(
        order=ticket.number,
        login=state.login,
        symbol=ticket.spec.symbol,
        digits=ticket.spec.digits,
        cmd=ticket.cmd,
        side=ticket.side,
        volume=ticket.volume,
        price=ticket.open_price,
        current_price=None if quote is None else quote.ask if ticket.side is Side.BUY else quote.bid,
        sl=ticket.sl,
        tp=ticket.tp,
        placed_at=ticket.open_at,
        expires_at=ticket.expiration_at,
        copied=ticket.copied,
        leader=leaders.get(ticket.number, ""),
    )
