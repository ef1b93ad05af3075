"""What a turn has decided and carried out so far, before it is written."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from copytrade.domain.guards import Skip
from copytrade.domain.values import LeaderEvent, Link, Settings
from copytrade.engine.failures import Debt
from copytrade.engine.reads import Claim, Stand
from core.money import round_money
from core.rounding import ZERO, plain
from core.states import CopyStatus, LinkState, Side
from infra.push import Frame
from trading.domain.valuation import price_profit
from trading.domain.values import AccountState, Journal, Market, OrderRecord, Ticket


@dataclass(slots=True, eq=False)
class Copy:
    """One event for one subscription, and what became of it: the copy order in the making."""

    event: LeaderEvent
    settings: Settings
    account: AccountState
    place: int
    decided_at: datetime
    side: Side = Side.BUY
    status: CopyStatus = CopyStatus.PENDING
    follower_symbol: str = ""
    volume: Decimal = ZERO
    ticket: Ticket | None = None
    orders: list[OrderRecord] = field(default_factory=list)
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    slippage: Decimal | None = None
    slippage_money: Decimal | None = None
    id: int | None = None
    is_retry: bool = False
    """Another try of an exit that failed: a refusal is counted there and leaves no copy order of its own."""


@dataclass(slots=True, eq=False)
class Outcome:
    """The write set of a turn."""

    claim: Claim
    stand: Stand | None
    journal: Journal = field(default_factory=Journal)
    copies: list[Copy] = field(default_factory=list)
    new_links: list[Link] = field(default_factory=list)
    changed_links: dict[int, Link] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    filled_at: datetime | None = None
    """The mark that the copies were written with, None in a simulated past."""
    perhaps_free: set[int] = field(default_factory=set)
    """Followers whose last reason to be one may have ended: a link of an ended subscription closed."""
    debts: dict[int, Debt] = field(default_factory=dict)
    """Exits that failed in this turn, by the link that owes them."""
    settled: set[int] = field(default_factory=set)
    """Links that do not owe an exit any more."""
    _opened: dict[int, Ticket] = field(default_factory=dict)  # id(link) -> the ticket it joined in this turn

    def skip(self, copy: Copy, skip: Skip) -> None:
        """Not tried, with a reason."""
        copy.status, copy.reason = CopyStatus.SKIPPED, skip.reason.value
        # People read these values in a sentence: without the zeros that the database adds.
        copy.params = {k: plain(v) if isinstance(v, Decimal) else v for k, v in skip.params.items()}
        self.copies.append(copy)

    def reject(self, copy: Copy, symbol: str, volume: Decimal, code: str, ticket: Ticket | None = None) -> None:
        """Tried, and the venue refused. Legs that were filled before stay what they are."""
        copy.status, copy.reason, copy.follower_symbol = CopyStatus.REJECTED, code, symbol
        copy.volume = copy.volume or volume
        copy.ticket = copy.ticket or ticket
        if not copy.is_retry:
            self.copies.append(copy)

    def owe(self, copy: Copy, link: Link, volume: Decimal, error: str) -> None:
        """An exit of `volume` lots failed: the link owes it from now on, and until then nothing is opened there."""
        if copy.is_retry:
            return
        link.owed = min(link.volume, link.owed + volume)
        ticket = self.ticket_of(link)
        number = link.follower_trade_id if ticket is None else ticket.id
        self.debts[id(link)] = Debt(link, copy.account, copy.event.symbol, link.side.opposite, error, number)
        if self.stand is not None:
            self.stand.closing.owe(link)

    def fill(
        self, copy: Copy, symbol: str, volume: Decimal, ticket: Ticket, order: OrderRecord, market: Market
    ) -> None:
        """One leg carried out. An entry has one leg and is final with it; an exit ends with `finish`."""
        copy.follower_symbol, copy.ticket = symbol, copy.ticket or ticket
        copy.volume += volume
        copy.orders.append(order)
        _measure_slippage(copy, order, market)
        if copy.event.kind.is_entry:
            self.finish(copy)

    def carried_out(self, copy: Copy, ticket: Ticket, volume: Decimal, order: OrderRecord) -> None:
        """One leg that bought and sold nothing: stops, or a pending order; ends with `finish`."""
        copy.follower_symbol, copy.ticket = ticket.spec.symbol, copy.ticket or ticket
        copy.volume += volume
        copy.orders.append(order)

    def finish(self, copy: Copy) -> None:
        """All legs are done; with none there was nothing left to close."""
        if copy.orders:
            copy.status = CopyStatus.FILLED
        else:
            copy.status, copy.reason = CopyStatus.SKIPPED, "ALREADY_FLAT"
        self.copies.append(copy)

    def link_new(self, link: Link, ticket: Ticket) -> None:
        self.new_links.append(link)
        self._opened[id(link)] = ticket

    def link_moved(self, link: Link, ticket: Ticket) -> None:
        """The link's pending record became this ticket, or the ticket took it in."""
        self._opened[id(link)] = ticket
        self.link_changed(link)

    def link_changed(self, link: Link) -> None:
        if link.id is not None:
            self.changed_links[link.id] = link

    def link_end(self, link: Link, state: LinkState) -> None:
        if link.owed and link.id is not None:
            self.settled.add(link.id)
        if self.stand is not None:
            self.stand.closing.settle(link)
        link.state, link.volume, link.owed = state, ZERO, ZERO
        self.link_changed(link)

    def ticket_of(self, link: Link) -> Ticket | None:
        """The ticket that a link of this turn joined."""
        return self._opened.get(id(link))


def _measure_slippage(copy: Copy, order: OrderRecord, market: Market) -> None:
    """Slippage against the price of the same side at the leader's fill, so that the spread is none; positive is worse."""
    assert order.price is not None
    assert order.spec is not None
    spec, side = order.spec, order.side
    if not copy.event.bid:
        return  # nobody's price to compare with: it was asked for, no leader traded
    leader_price = copy.event.ask if side is Side.BUY else copy.event.bid
    worse = (order.price - leader_price) * side.sign
    if not worse:
        copy.slippage, copy.slippage_money = ZERO, copy.slippage_money or ZERO
        return
    copy.slippage = plain(worse * 10**spec.digits)
    rate = market.rate(spec.profit_currency, copy.account.currency)
    if rate is not None:
        money = price_profit(spec, side, order.volume, leader_price, order.price) * rate
        copy.slippage_money = (copy.slippage_money or ZERO) + round_money(money, copy.account.currency)
