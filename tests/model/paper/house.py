"""The house and its accounts, as a person with pencil and paper would keep them: quotes, tickets, stops and money.

Dicts, lists, Decimals and Fractions only. Sides are +1 and -1, volumes are lots, prices of 0 are none, money is USD. What is
not modelled is not done by the machine: margin (accounts are rich), other currencies.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

D = Decimal
ZERO = D(0)
CENT = D("0.01")
STEP = D("0.01")
UNITS = {"EURUSD": D(100_000), "XAUUSD": D(100)}
DIGITS = {"EURUSD": 5, "XAUUSD": 2}
LARGEST = {"EURUSD": D(100), "XAUUSD": D(50)}
Quote = tuple[Decimal, Decimal]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def fits(side: int, price: Decimal, sl: Decimal, tp: Decimal) -> bool:
    """Whether stop loss and take profit stand on their sides of a price, and not on it."""
    return (not sl or (price - sl) * side > 0) and (not tp or (tp - price) * side > 0)


@dataclass(eq=False)
class Ticket:
    symbol: str
    side: int
    lots: Decimal
    price: Decimal
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    number: int | None = None


@dataclass(eq=False)
class Account:
    name: str
    netting: bool
    balance: Decimal
    commission: Decimal
    tickets: list[Ticket] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def position(self, symbol: str) -> Ticket | None:
        """The netting position."""
        return next((t for t in self.tickets if t.symbol == symbol), None) if self.netting else None


class House:
    """Where everybody trades. `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.quotes: dict[str, Quote] = {}
        self.accounts: dict[str, Account] = {}

    def somebody_took(self, ticket: Ticket) -> None:
        """Told after a hand or a stop has taken something off a ticket."""

    # --- Money

    def exit_price(self, ticket: Ticket, at: Quote | None = None) -> Decimal:
        """Buys are closed at the bid, sells at the ask."""
        bid, ask = at or self.quotes[ticket.symbol]
        return bid if ticket.side > 0 else ask

    def value(self, ticket: Ticket, lots: Decimal, at: Quote | None = None) -> Decimal:
        """What closing so many lots of a ticket would bring, now or at a quote."""
        moved = self.exit_price(ticket, at) - ticket.price
        return cents(moved * ticket.side * UNITS[ticket.symbol] * lots)

    def equity(self, account: Account) -> Decimal:
        return account.balance + sum((self.value(t, t.lots) for t in account.tickets), ZERO)

    def money(self, account: Account, amount: Decimal) -> None:
        account.balance += amount
        account.log.append({"kind": "BALANCE"})

    # --- Orders of one account

    def buy(
        self,
        account: Account,
        symbol: str,
        side: int,
        lots: Decimal,
        sl: Decimal = ZERO,
        tp: Decimal = ZERO,
        hand: bool = True,
        at: Quote | None = None,
    ) -> Ticket | None:
        """A market order, filled now or at a quote; gives the ticket that it opened or joined, None when it only reduced
        one. To a position that it joins it brings the stops that it has."""
        held = account.position(symbol)
        if held is not None and held.side != side:
            lots -= (taken := min(lots, held.lots))
            self.sell(account, held, taken, hand)
            if not lots:
                return None
            held = None
        price = (at or self.quotes[symbol])[1 if side > 0 else 0]
        equity, balance = self.equity(account), account.balance
        account.balance -= cents(account.commission * lots)
        if held is not None:
            before = held.lots
            average = (held.lots * held.price + lots * price) / (held.lots + lots)
            held.price = average.quantize(D("1e-10"), rounding=ROUND_HALF_EVEN)
            held.lots += lots
            held.sl, held.tp = sl or held.sl, tp or held.tp
            self._write(account, "INCREASE", held, before, equity, balance)
            return held
        ticket = Ticket(symbol, side, lots, price, sl, tp)
        account.tickets.append(ticket)
        self._write(account, "OPEN", ticket, ZERO, equity, balance)
        return ticket

    def sell(self, account: Account, ticket: Ticket, lots: Decimal, hand: bool = True, at: Quote | None = None) -> None:
        """Closes so many lots of a ticket. By `hand` the links on it lose what it no longer holds."""
        assert ZERO < lots <= ticket.lots, "an exit takes no more than there is"
        before, equity, balance = ticket.lots, self.equity(account), account.balance
        account.balance += self.value(ticket, lots, at) - cents(account.commission * lots)
        ticket.lots -= lots
        if not ticket.lots:
            account.tickets.remove(ticket)
        if hand:
            self.somebody_took(ticket)
        self._write(account, "REDUCE" if ticket.lots else "CLOSE", ticket, before, equity, balance)

    def set_stops(self, account: Account, ticket: Ticket, sl: Decimal, tp: Decimal) -> bool:
        """Other stops, unless one that changes is on the wrong side of where the ticket would be closed now."""
        changed = (sl if sl != ticket.sl else ZERO), (tp if tp != ticket.tp else ZERO)
        if not fits(ticket.side, self.exit_price(ticket), *changed):
            return False
        if (sl, tp) != (ticket.sl, ticket.tp):
            ticket.sl, ticket.tp = sl, tp
            self._write(account, "MODIFY", ticket, ticket.lots, self.equity(account), account.balance)
        return True

    def _write(
        self, account: Account, kind: str, ticket: Ticket, before: Decimal, equity: Decimal, balance: Decimal
    ) -> None:
        account.log.append(
            {
                "kind": kind, "trade": ticket, "symbol": ticket.symbol, "side": ticket.side, "before": before,
                "after": ticket.lots, "sl": ticket.sl, "tp": ticket.tp, "equity": equity, "balance": balance,
                "quote": self.quotes[ticket.symbol], "at": self.now,
            }
        )  # fmt: skip

    # --- The market

    def quote(self, symbol: str, quote: Quote) -> list[tuple[Account, str]]:
        """The market moves, and carries out everybody's stops that it reaches: who, and which."""
        self.quotes[symbol] = quote
        fired = []
        for account in self.accounts.values():
            due = [(*reached, t) for t in account.tickets if t.symbol == symbol and (reached := self._reached(t))]
            # As the market would have passed them: first falling from above, then rising from below; older ones first.
            due.sort(key=lambda one: (one[0] > 0, one[0] * one[1]))
            for _direction, _level, which, ticket in due:
                self.sell(account, ticket, ticket.lots)
                fired.append((account, which))
        return fired

    def _reached(self, ticket: Ticket) -> tuple[int, Decimal, str] | None:
        """Which way the market came to a ticket's stop, the stop, and its name; of both, the loss counts."""
        now = self.exit_price(ticket)
        if ticket.sl and (now - ticket.sl) * ticket.side <= 0:
            return -ticket.side, ticket.sl, "sl"
        if ticket.tp and (now - ticket.tp) * ticket.side >= 0:
            return ticket.side, ticket.tp, "tp"
        return None
