"""The house and its accounts, as a person with pencil and paper would keep them: quotes, tickets, orders, stops and money.

Dicts, lists, Decimals and Fractions only. Sides are +1 and -1, volumes are lots, prices of 0 are none, money is USD, times
are seconds. What is not modelled is not done by the machine: margin (accounts are rich), other currencies.
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
MARKET, LIMIT, STOP = "MARKET", "LIMIT", "STOP"
Quote = tuple[Decimal, Decimal]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def fits(side: int, price: Decimal, sl: Decimal, tp: Decimal) -> bool:
    """Whether stop loss and take profit stand on their sides of a price, and not on it."""
    return (not sl or (price - sl) * side > 0) and (not tp or (tp - price) * side > 0)


@dataclass(eq=False)
class Ticket:
    """An open ticket; or with another kind than MARKET, an order that waits for its price. `copied`: for its leader."""

    symbol: str
    side: int
    lots: Decimal
    price: Decimal
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    number: int | None = None
    kind: str = MARKET
    since: int = 0
    expires: int | None = None
    copied: bool = False


@dataclass(eq=False)
class Account:
    name: str
    netting: bool
    balance: Decimal
    commission: Decimal
    tickets: list[Ticket] = field(default_factory=list)
    waiting: list[Ticket] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def position(self, symbol: str) -> Ticket | None:
        """The netting position."""
        return next((t for t in self.tickets if t.symbol == symbol), None) if self.netting else None


class House:
    """Where everybody trades."""

    def __init__(self) -> None:
        self.now = 0
        self.quotes: dict[str, Quote] = {}
        self.accounts: dict[str, Account] = {}
        self.stale: set[str] = set()  # what has no fresh price, so nothing can be done in it

    def somebody_took(self, ticket: Ticket) -> None:
        """Told after a hand or a stop has taken something off a ticket, or a hand has taken an order back."""

    # --- Money

    def exit_price(self, ticket: Ticket) -> Decimal:
        """Buys are closed at the bid, sells at the ask."""
        return self.quotes[ticket.symbol][0 if ticket.side > 0 else 1]

    def value(self, ticket: Ticket, lots: Decimal, price: Decimal | None = None) -> Decimal:
        """What closing so many lots of a ticket would bring, now or at a price."""
        moved = (price or self.exit_price(ticket)) - ticket.price
        return cents(moved * ticket.side * UNITS[ticket.symbol] * lots)

    def equity(self, account: Account) -> Decimal:
        return account.balance + sum((self.value(t, t.lots) for t in account.tickets), ZERO)

    def money(self, account: Account, amount: Decimal) -> None:
        account.balance += amount
        account.log.append({"kind": "BALANCE"})

    # --- Tickets

    def buy(
        self, account: Account, order: Ticket, hand: bool = True, price: Decimal | None = None, taken_in: Any = None
    ) -> Ticket | None:
        """Fills an order at a price, else at the market; gives the ticket that it became or joined, None when it only
        reduced one. To a position that it joins it brings the stops that it has."""
        order.price = price or self.quotes[order.symbol][1 if order.side > 0 else 0]
        held = account.position(order.symbol)
        if held is not None and held.side != order.side:
            order.lots -= (taken := min(order.lots, held.lots))
            self.sell(account, held, taken, hand, order.price)
            if not order.lots:
                return None
            held = None
        equity, balance = self.equity(account), account.balance
        account.balance -= cents(account.commission * order.lots)
        if held is None:
            order.kind, order.since, order.expires = MARKET, self.now, None
            account.tickets.append(order)
            self._write(account, "OPEN", order, ZERO, equity, balance, taken_in)
            return order
        before = held.lots
        average = (held.lots * held.price + order.lots * order.price) / (held.lots + order.lots)
        held.price = average.quantize(D("1e-10"), rounding=ROUND_HALF_EVEN)
        held.lots += order.lots
        held.sl, held.tp = order.sl or held.sl, order.tp or held.tp
        self._write(account, "INCREASE", held, before, equity, balance, taken_in)
        return held

    def sell(
        self, account: Account, ticket: Ticket, lots: Decimal, hand: bool = True, price: Decimal | None = None
    ) -> None:
        """Closes so many lots of a ticket. By `hand` the links on it lose what it no longer holds."""
        assert ZERO < lots <= ticket.lots, "an exit takes no more than there is"
        before, equity, balance = ticket.lots, self.equity(account), account.balance
        account.balance += self.value(ticket, lots, price) - cents(account.commission * lots)
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
            self._tell(account, "MODIFY", ticket)
        return True

    # --- Orders that wait

    def place(self, account: Account, order: Ticket) -> Ticket:
        order.since = self.now
        account.waiting.append(order)
        self._write(account, "PLACE", order, ZERO, self.equity(account), account.balance)
        return order

    def reshape(self, account: Account, order: Ticket, price: Decimal, sl: Decimal, tp: Decimal, expires: Any) -> bool:
        """Another price, other stops and another time, unless the stops do not fit the price."""
        if not fits(order.side, price, sl, tp):
            return False
        if (price, sl, tp, expires) != (order.price, order.sl, order.tp, order.expires):
            order.price, order.sl, order.tp, order.expires = price, sl, tp, expires
            self._tell(account, "CHANGE", order)
        return True

    def withdraw(self, account: Account, order: Ticket, hand: bool = True) -> None:
        account.waiting.remove(order)
        if hand:
            self.somebody_took(order)
        self._tell(account, "CANCEL", order)

    def fill(self, account: Account, order: Ticket, price: Decimal, hand: bool = True) -> Ticket | None:
        """The order becomes a ticket; where a netting position is in its way, that one takes it in."""
        account.waiting.remove(order)
        if account.position(order.symbol) is None:
            return self.buy(account, order, hand, price)
        self._tell(account, "CANCEL", order)
        lots = Ticket(order.symbol, order.side, order.lots, price, order.sl, order.tp)
        return self.buy(account, lots, hand, price, taken_in=order)

    def _tell(self, account: Account, kind: str, ticket: Ticket) -> None:
        self._write(account, kind, ticket, ticket.lots, self.equity(account), account.balance)

    def _write(
        self, account: Account, kind: str, ticket: Ticket, before: Decimal, equity: Decimal, balance: Decimal,
        taken_in: Any = None,
    ) -> None:  # fmt: skip
        account.log.append(
            {
                "kind": kind, "trade": ticket, "symbol": ticket.symbol, "side": ticket.side, "before": before,
                "after": ticket.lots, "sl": ticket.sl, "tp": ticket.tp, "equity": equity, "balance": balance,
                "quote": self.quotes[ticket.symbol], "at": self.now, "waits": ticket.kind, "price": ticket.price,
                "expires": ticket.expires, "taken_in": taken_in,
            }
        )  # fmt: skip

    # --- The market

    def time(self, seconds: int) -> None:
        """Time passes; who has waited long enough waits no more."""
        self.now += seconds
        for account in self.accounts.values():
            for order in list(account.waiting):
                if not order.copied and order.expires is not None and order.expires <= self.now:
                    self.withdraw(account, order)

    def quote(self, symbol: str, quote: Quote) -> list[tuple[Account, str]]:
        """The market moves, and carries out everybody's orders and stops that it reaches: whose, and which."""
        self.quotes[symbol] = quote
        done = []
        for account in self.accounts.values():
            while due := self._due(account, symbol):
                for ticket, reached in due:
                    if ticket not in account.waiting + account.tickets or self._reached(ticket) != reached:
                        continue  # what came before has ended or changed it
                    done.append((account, reached[2]))
                    if ticket in account.waiting:
                        self.fill(account, ticket, quote[1 if ticket.side > 0 else 0])
                    else:
                        self.sell(account, ticket, ticket.lots)
        return done

    def _due(self, account: Account, symbol: str) -> list[tuple[Ticket, Any]]:
        """As the market passes them: first falling from above, then rising from below; the older ones first."""
        waiting = [t for t in account.waiting if not t.copied]
        due = [(t, r) for t in account.tickets + waiting if t.symbol == symbol and (r := self._reached(t))]
        return sorted(due, key=lambda one: (one[1][0] > 0, one[1][0] * one[1][1], one[0].since, one[0].number or 0))

    def _reached(self, ticket: Ticket) -> tuple[int, Decimal, str] | None:
        """Which way the market came to a ticket's stop or an order's price, where that is, and its name; of two stops the
        loss counts."""
        bid, ask = self.quotes[ticket.symbol]
        entry, leave = (ask, bid) if ticket.side > 0 else (bid, ask)
        if ticket.kind == LIMIT:
            return (-ticket.side, ticket.price, LIMIT) if (entry - ticket.price) * ticket.side <= 0 else None
        if ticket.kind == STOP:
            return (ticket.side, ticket.price, STOP) if (entry - ticket.price) * ticket.side >= 0 else None
        if ticket.sl and (leave - ticket.sl) * ticket.side <= 0:
            return -ticket.side, ticket.sl, "sl"
        if ticket.tp and (leave - ticket.tp) * ticket.side >= 0:
            return ticket.side, ticket.tp, "tp"
        return None
