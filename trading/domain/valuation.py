"""What tickets and accounts are worth. Formulas: docs/algorithms/money.md."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from core.contracts import ContractSpec
from core.money import round_money
from core.rounding import ONE, ZERO, half_even
from core.states import Side
from trading.domain.values import AccountState, Market, QuoteNow, Ticket


class Picture(NamedTuple):
    """An account at current quotes, in account currency. `complete` is False when something could not be priced."""

    balance: Decimal
    credit: Decimal
    profit: Decimal
    storage: Decimal
    margin: Decimal
    complete: bool

    @property
    def equity(self) -> Decimal:
        """balance + credit + floating profit + storage of the open records."""
        return self.balance + self.credit + self.profit + self.storage

    @property
    def margin_free(self) -> Decimal:
        return self.equity - self.margin

    @property
    def margin_level(self) -> Decimal:
        """equity / margin x 100, with two digits; 0 when no margin is used."""
        return half_even(self.equity / self.margin * 100, 2) if self.margin else ZERO


def price_profit(spec: ContractSpec, side: Side, volume: Decimal, opened: Decimal, closed: Decimal) -> Decimal:
    """(close - open) x direction / tick size x tick value x lots, in the profit currency, not rounded."""
    return (closed - opened) * side.sign * spec.tick_value * volume / spec.tick_size


def converted_profit(ticket: Ticket, volume: Decimal, closed: Decimal, rate: Decimal, currency: str) -> Decimal:
    """The profit of `volume` lots of a ticket in account currency, rounded once."""
    return round_money(price_profit(ticket.spec, ticket.side, volume, ticket.open_price, closed) * rate, currency)


def margin_needed(
    account: AccountState, market: Market, spec: ContractSpec, volume: Decimal, price: Decimal
) -> Decimal | None:
    """Margin of `volume` lots opened at `price`, in account currency; None without a conversion rate.

    contract size x price x margin factor / leverage; a future uses its margin per lot when that is set.
    """
    rate = market.rate(spec.profit_currency, account.currency)
    if rate is None:
        return None
    if spec.margin_per_lot and spec.asset_class == "FUTURE":
        amount = spec.margin_per_lot * volume
    else:
        amount = spec.contract_size * price * spec.margin_percent * volume / account.leverage
    return round_money(amount * rate, account.currency)


def floating_profit(account: AccountState, market: Market, ticket: Ticket) -> Decimal | None:
    """What closing the ticket now would book, in account currency; None when it cannot be priced."""
    return _worth(account, market, ticket)[0]


def market_move(account: AccountState, market: Market, quotes: Mapping[int, QuoteNow]) -> None:
    """Moves the account's market to these quotes, by instrument, and forgets what only its tickets were worth that this
    changes: for whoever goes through thousands of quotes with one account."""
    market.put(quotes)
    pairs = any(market.spec(number).asset_class == "FX" for number in quotes)
    for ticket in account.tickets:
        if ticket.spec.id in quotes or (pairs and ticket.spec.profit_currency != account.currency):
            ticket.worth = None


def _worth(account: AccountState, market: Market, ticket: Ticket) -> tuple[Decimal | None, Decimal | None]:
    """Floating profit and margin of an open ticket. Found once for a market, a volume and a price: a turn looks at an
    account several times, and an active one has many tickets."""
    known = ticket.worth
    if known is not None and known[0] is market and known[1] is ticket.volume and known[2] is ticket.open_price:
        return known[3], known[4]
    floating = _floating(account, market, ticket)
    margin = margin_needed(account, market, ticket.spec, ticket.volume, ticket.open_price)
    ticket.worth = (market, ticket.volume, ticket.open_price, floating, margin)
    return floating, margin


def _floating(account: AccountState, market: Market, ticket: Ticket) -> Decimal | None:
    quote = market.quote(ticket.spec)
    rate = (
        ONE
        if ticket.spec.profit_currency == account.currency
        else market.rate(ticket.spec.profit_currency, account.currency)
    )
    if quote is None or rate is None:
        return None
    return converted_profit(ticket, ticket.volume, quote.exit_price(ticket.side), rate, account.currency)


def picture(account: AccountState, market: Market) -> Picture:
    """The account at current quotes. What cannot be priced counts as zero and clears `complete`."""
    profit, storage, margin, complete = ZERO, ZERO, ZERO, True
    for ticket in account.tickets:
        floating, needed = _worth(account, market, ticket)
        if floating is None or needed is None:
            complete = False
            continue
        profit += floating
        storage += ticket.storage
        margin += needed
    return Picture(account.balance, account.credit, profit, storage, margin, complete)
