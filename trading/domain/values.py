"""Working values of the trading house: accounts, tickets and the market as a decision sees them.

They are read under the account's lock, changed by `execution`, and written back set-based by `services.book`. One and the
same path serves a manual order on one account and the copies of 250 followers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.contracts import ContractSpec
from core.rounding import ZERO, stored
from core.states import Cmd, CopyRole, EventKind, OrderStatus, Origin, Reason, Side, TicketKind, TradeState

RECORDS_MAX = 1000
"""Open and pending records of one account, unless a deployment sets another number."""

COMMENT_LENGTH = 255


@dataclass(frozen=True, slots=True)
class QuoteNow:
    """The quote in force: prices in the instrument's profit currency and the instant it was made."""

    bid: Decimal
    ask: Decimal
    at: datetime

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    def entry_price(self, side: Side) -> Decimal:
        """Where a market order of `side` is filled: buys at the ask, sells at the bid."""
        return self.ask if side is Side.BUY else self.bid

    def exit_price(self, side: Side) -> Decimal:
        """Where a ticket of `side` is closed: buys at the bid, sells at the ask."""
        return self.bid if side is Side.BUY else self.ask


class Market:
    """Contracts and quotes of one tenant at one moment, with conversion between currencies."""

    def __init__(self, specs: Iterable[ContractSpec], quotes: Mapping[int, QuoteNow]) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self._by_symbol = {spec.symbol: spec for spec in self._specs.values()}
        self._quotes = quotes
        self._rates: dict[tuple[str, str], Decimal | None] = {}

    @property
    def specs(self) -> Iterable[ContractSpec]:
        """All contracts that were read."""
        return self._specs.values()

    def spec(self, instrument_id: int) -> ContractSpec:
        return self._specs[instrument_id]

    def known(self, instrument_id: int) -> ContractSpec | None:
        return self._specs.get(instrument_id)

    def find(self, symbol: str) -> ContractSpec | None:
        return self._by_symbol.get(symbol)

    def quote(self, spec: ContractSpec) -> QuoteNow | None:
        return self._quotes.get(spec.id)

    def quoted(self, quotes: Mapping[int, QuoteNow]) -> "Market":
        """The same contracts at other quotes."""
        return Market(self._specs.values(), quotes)

    def put(self, quotes: Mapping[int, QuoteNow]) -> None:
        """Puts quotes in force in this market itself; see `valuation.market_move`."""
        self._quotes = {**self._quotes, **quotes}
        if any(self._specs[number].asset_class == "FX" for number in quotes):
            self._rates.clear()

    def rate(self, source: str, target: str) -> Decimal | None:
        """Units of `target` for one unit of `source`: the mid of the direct pair, else of the inverse, else through USD.

        None when no quoted pair leads there.
        """
        key = (source, target)
        if key not in self._rates:
            rate = self._pair(source, target)
            if rate is None and "USD" not in key:
                first, second = self._pair(source, "USD"), self._pair("USD", target)
                rate = first * second if first is not None and second is not None else None
            self._rates[key] = rate
        return self._rates[key]

    def _pair(self, source: str, target: str) -> Decimal | None:
        if source == target:
            return Decimal(1)
        direct = self._mid(source + target)
        if direct is not None:
            return direct
        inverse = self._mid(target + source)
        return None if inverse is None else 1 / inverse

    def _mid(self, symbol: str) -> Decimal | None:
        spec = self._by_symbol.get(symbol)
        quote = None if spec is None else self._quotes.get(spec.id)
        return None if quote is None else quote.mid


@dataclass(slots=True, eq=False)
class Ticket:
    """One trade record. `id` is None until the book gives it a number; money is in account currency.

    A pending order is a ticket of kind LIMIT or STOP whose `open_price` is the price it waits for; filled, it becomes one
    of kind MARKET. `commission` (negative) and `storage` are what the record carries so far; `profit` and `rate` are set
    at the close.
    """

    id: int | None
    spec: ContractSpec
    side: Side
    volume: Decimal
    open_price: Decimal
    open_at: datetime
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    commission: Decimal = ZERO
    storage: Decimal = ZERO
    reason: int = Reason.CLIENT
    copied: bool = False
    comment: str = ""
    state: TradeState = TradeState.OPEN
    close_price: Decimal = ZERO
    close_at: datetime | None = None
    profit: Decimal = ZERO
    rate: Decimal | None = None
    parent: "Ticket | None" = None
    worth: tuple[object, Decimal, Decimal, Decimal | None, Decimal | None] | None = field(default=None, repr=False)
    """What `valuation` last found: the market, volume and price it holds for, floating profit and margin."""
    kind: TicketKind = TicketKind.MARKET
    expiration_at: datetime | None = None

    @property
    def cmd(self) -> Cmd:
        """What the record is on the wire."""
        return Cmd.of(self.side, self.kind)

    @property
    def shadow(self) -> bool:
        """Whether the record is the copy of a pending order: it waits for its leader's order, never for the market."""
        return self.copied and self.kind is not TicketKind.MARKET

    @property
    def number(self) -> int:
        """The order number; the ticket must have been written."""
        assert self.id is not None, "the ticket has no number yet"
        return self.id


@dataclass(slots=True, eq=False)
class AccountState:
    """A trading account under its lock, with its open tickets and its pending orders, oldest first.

    `records_max` is how many of both together it may have.
    """

    id: int
    tenant_id: int
    login: int
    customer_id: int
    currency: str
    leverage: int
    enabled: bool
    netting: bool
    commission_per_lot: Decimal
    margin_call: Decimal
    stop_out: Decimal
    balance: Decimal
    credit: Decimal
    event_seq: int
    copy_role: CopyRole
    manual_trading_mode: int
    tickets: list[Ticket] = field(default_factory=list)
    pending: list[Ticket] = field(default_factory=list)
    records_max: int = RECORDS_MAX

    @property
    def full(self) -> bool:
        """Whether one more open or pending record would be too many."""
        return len(self.tickets) + len(self.pending) >= self.records_max

    def ticket(self, number: int) -> Ticket | None:
        """The open ticket with this order number."""
        for ticket in self.tickets:
            if ticket.id == number:
                return ticket
        return None

    def pending_order(self, number: int) -> Ticket | None:
        """The pending order with this number."""
        return next((ticket for ticket in self.pending if ticket.id == number), None)

    def position(self, spec: ContractSpec) -> Ticket | None:
        """The netting position in a contract."""
        return next((ticket for ticket in self.tickets if ticket.spec.id == spec.id), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """The house's no, with its stable code; the sentence for a person is in `trading.refusals`."""

    code: str


@dataclass(slots=True, eq=False)
class OrderRecord:
    """An instruction that was carried out or refused.

    `price` is where it was filled; `profit` and `commission` (negative) are what it booked, in account currency;
    `closed` is the record that a close ended or split off.
    """

    account: AccountState
    intent: str
    spec: ContractSpec | None
    side: Side
    volume: Decimal
    origin: Origin
    at: datetime
    status: OrderStatus = OrderStatus.FILLED
    refusal: str = ""
    client_order_id: str | None = None
    request_hash: str = ""
    answer: str = ""
    ticket: Ticket | None = None
    price: Decimal | None = None
    quote: QuoteNow | None = None
    profit: Decimal = ZERO
    commission: Decimal = ZERO
    closed: Ticket | None = None
    id: int | None = None


@dataclass(slots=True, eq=False)
class Movement:
    """Money into (+) or out of (-) a customer's account, in its currency, to be booked as one ledger transfer.

    `is_record` marks a balance operation, which is a record of the account as well. `house` is the kind of the house's
    account on the other side, where it is not the one that belongs to the reason.
    """

    account: AccountState
    reason: str
    amount: Decimal
    at: datetime
    ticket: Ticket | None = None
    comment: str = ""
    is_record: bool = False
    id: int | None = None
    house: str = ""


@dataclass(slots=True, eq=False)
class Change:
    """One account event to be written; `equity` and `balance` are those before it.

    What the ticket was at that moment is kept here: later changes of the same journal leave it alone.
    """

    account: AccountState
    seq: int
    kind: EventKind
    origin: Origin
    at: datetime
    equity: Decimal
    balance: Decimal
    ticket: Ticket | None = None
    order: OrderRecord | None = None
    volume_before: Decimal = ZERO
    volume_after: Decimal = ZERO
    price: Decimal = ZERO
    quote: QuoteNow | None = None
    cmd: Cmd | None = None
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    expiration_at: datetime | None = None


@dataclass(slots=True)
class Journal:
    """Everything a turn changes, in the order it was decided; `services.book` writes it in a few statements."""

    accounts: dict[int, AccountState] = field(default_factory=dict)
    orders: list[OrderRecord] = field(default_factory=list)
    opened: list[Ticket] = field(default_factory=list)
    changed: dict[int, Ticket] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    owners: dict[int, AccountState] = field(default_factory=dict)  # id(ticket) -> account
    reshaped: set[int] = field(default_factory=set)
    """Numbers of stored records whose command, open time or expiration changed: those of pending orders."""
    merged: list[tuple[Ticket, Ticket]] = field(default_factory=list)
    """Pending orders that a netting position took in, with that position, whose number their comment is to name."""

    def record_change(
        self,
        account: AccountState,
        kind: EventKind,
        origin: Origin,
        at: datetime,
        *,
        equity: Decimal,
        balance: Decimal,
        order: OrderRecord | None = None,
        ticket: Ticket | None = None,
        volume_before: Decimal = ZERO,
        volume_after: Decimal = ZERO,
        price: Decimal | None = None,
    ) -> None:
        """Gives the account's next `seq` to a change. `price` is where the order was filled unless written."""
        if price is None:
            price = ZERO if order is None or order.price is None else order.price
        account.event_seq += 1
        self.accounts[account.id] = account
        self.changes.append(
            Change(
                account=account,
                seq=account.event_seq,
                kind=kind,
                origin=origin,
                at=at,
                equity=equity,
                balance=balance,
                ticket=ticket,
                order=order,
                volume_before=volume_before,
                volume_after=volume_after,
                price=price,
                quote=None if order is None else order.quote,
                cmd=None if ticket is None else ticket.cmd,
                sl=ZERO if ticket is None else ticket.sl,
                tp=ZERO if ticket is None else ticket.tp,
                expiration_at=None if ticket is None else ticket.expiration_at,
            )
        )

    def open(self, account: AccountState, ticket: Ticket) -> None:
        """A new record of the account."""
        self.opened.append(ticket)
        self.owners[id(ticket)] = account

    def touch(self, account: AccountState, ticket: Ticket, *, reshaped: bool = False) -> None:
        """A stored record whose columns changed (a new one is written in its final form anyway).

        `reshaped`: its command, open time or expiration are among them.
        """
        if ticket.id is not None:
            self.changed[ticket.id] = ticket
            self.owners[id(ticket)] = account
            if reshaped:
                self.reshaped.add(ticket.id)

    def name_positions(self) -> None:
        """Tells merged orders the number of their position, once positions have numbers. Idempotent."""
        for pending, position in self.merged:
            pending.comment = marked(pending.comment, f"[filled #{position.number}]")
        self.merged.clear()

    def move(self, movement: Movement) -> None:
        """Books money and keeps the running balance; nothing is booked for zero."""
        if movement.amount:
            movement.account.balance += movement.amount
            self.accounts[movement.account.id] = movement.account
            self.movements.append(movement)


def average_price(volume: Decimal, price: Decimal, added: Decimal, added_price: Decimal) -> Decimal:
    """The open price of a netting position after an increase: averaged by volume, rounded to 10 decimals."""
    return stored((volume * price + added * added_price) / (volume + added))


def marked(comment: str, mark: str) -> str:
    """A comment with a mark such as `[sl]` at its end; what does not fit is cut from the comment, never from the mark."""
    return f"{comment[: COMMENT_LENGTH - len(mark) - 1]} {mark}".strip() if mark else comment
