"""How the house carries out instructions about the present: market orders, closes, stops, money.

Pure: changes the working values and the journal, touches nothing else. Every function either refuses and has changed
nothing, or has carried out the whole instruction.
"""

from datetime import datetime
from decimal import Decimal

from core.contracts import ContractSpec
from core.rounding import ZERO, is_multiple
from core.states import EventKind, Origin, Side
from trading.domain.filling import (
    BAD_STOPS,
    BAD_VOLUME,
    DISABLED,
    INCORRECT_STATE,
    MARKET_CLOSED,
    NO_MONEY,
    OFF_QUOTES,
    Fill,
    Instruction,
    enter,
    market_open,
    order_record,
    reduce,
    stops_fit,
    usable_quote,
)
from trading.domain.states import Trigger, permits
from trading.domain.valuation import picture
from trading.domain.values import AccountState, Journal, Market, Movement, OrderRecord, QuoteNow, Refused, Ticket

__all__ = [
    "Instruction",
    "balance_change",
    "close_market",
    "modify_stops",
    "open_market",
    "usable_quote",
    "volume_fits",
]


def open_market(
    journal: Journal,
    market: Market,
    account: AccountState,
    spec: ContractSpec,
    side: Side,
    volume: Decimal,
    how: Instruction,
    sl: Decimal = ZERO,
    tp: Decimal = ZERO,
    price: Decimal | None = None,
    quote: QuoteNow | None = None,
) -> OrderRecord | Refused:
    """A market order of `volume` lots: a new ticket, or on NETTING an increase, a reduction or a flip of the position.

    Filled at `price`, else at the ask (buy) or bid (sell) of `quote`, else of the one in force, against which stops are
    measured in any case. Refused with the house's code, nothing changed, when trading is
    off, the volume is off the step or limits, the market is closed, there is no usable quote, a stop is on the wrong side, the
    account has too many records, or free margin would fall below zero.
    """
    if not account.enabled or not spec.trade_enabled:
        return DISABLED
    if not volume_fits(spec, volume):
        return BAD_VOLUME
    if not market_open(spec, how.at):
        return MARKET_CLOSED
    now = usable_quote(market, spec, how.at)
    if now is None:
        return OFF_QUOTES
    if not stops_fit(side, now.exit_price(side), sl, tp):
        return BAD_STOPS
    quote = quote or now
    at = quote.entry_price(side) if price is None else price
    return enter(journal, market, account, Fill("OPEN", spec, side, volume, at, quote, sl, tp), how)


def close_market(
    journal: Journal,
    market: Market,
    account: AccountState,
    ticket: Ticket,
    volume: Decimal | None,
    how: Instruction,
    price: Decimal | None = None,
    mark: str = "",
    quote: QuoteNow | None = None,
) -> OrderRecord | Refused:
    """Closes `volume` lots of an open ticket (None: all of it) at `price`, else at the bid (buys) or ask (sells) of
    `quote`, else of the one in force.

    A partial close splits off a closed record; the ticket stays open with the rest. `mark`, such as `[sl]`, comes to the
    end of the closed record's comment. Never opens anything.
    """
    if not permits(ticket, Trigger.CLOSE):
        return INCORRECT_STATE
    amount = ticket.volume if volume is None else volume
    # All of a ticket can always be closed, also when its contract got another step since.
    part_off_step = amount != ticket.volume and not is_multiple(amount, ticket.spec.lot_step)
    if not ZERO < amount <= ticket.volume or part_off_step:
        return BAD_VOLUME
    if not market_open(ticket.spec, how.at):
        return MARKET_CLOSED
    now = usable_quote(market, ticket.spec, how.at)
    rate = market.rate(ticket.spec.profit_currency, account.currency)
    if now is None or rate is None:
        return OFF_QUOTES
    quote = quote or now
    order = order_record(account, "CLOSE", ticket.spec, ticket.side.opposite, amount, how)
    order.ticket, order.quote = ticket, quote
    order.price = quote.exit_price(ticket.side) if price is None else price
    journal.orders.append(order)
    reduce(journal, account, ticket, amount, order.price, rate, order, how, picture(account, market), mark)
    return order


def modify_stops(
    journal: Journal,
    market: Market,
    account: AccountState,
    ticket: Ticket,
    sl: Decimal,
    tp: Decimal,
    how: Instruction,
) -> OrderRecord | Refused:
    """Gives an open ticket these stops (0: none).

    Only a stop that changes has to stand on the right side of the price that would close the ticket now; when neither
    does, the order counts as carried out and there is no event.
    """
    if not permits(ticket, Trigger.MODIFY) or ticket not in account.tickets:
        return INCORRECT_STATE
    if not account.enabled or not ticket.spec.trade_enabled:
        return DISABLED
    if not market_open(ticket.spec, how.at):
        return MARKET_CLOSED
    new_sl, new_tp = (ZERO if sl == ticket.sl else sl), (ZERO if tp == ticket.tp else tp)
    quote = usable_quote(market, ticket.spec, how.at)
    if new_sl or new_tp:
        if quote is None:
            return OFF_QUOTES
        if not stops_fit(ticket.side, quote.exit_price(ticket.side), new_sl, new_tp):
            return BAD_STOPS
    order = order_record(account, "MODIFY", ticket.spec, ticket.side, ticket.volume, how)
    order.ticket, order.quote, order.price = ticket, quote, ticket.open_price
    journal.orders.append(order)
    if (sl, tp) != (ticket.sl, ticket.tp):
        ticket.sl, ticket.tp = sl, tp
        journal.touch(account, ticket)
        journal.record_change(
            account,
            EventKind.MODIFY,
            how.origin,
            how.at,
            equity=picture(account, market).equity,
            balance=account.balance,
            order=order,
            ticket=ticket,
            volume_before=ticket.volume,
            volume_after=ticket.volume,
        )
    return order


def balance_change(
    journal: Journal,
    market: Market,
    account: AccountState,
    amount: Decimal,
    reason: str,
    comment: str,
    at: datetime,
    origin: Origin = Origin.DEALER,
) -> Movement | Refused:
    """A deposit (amount > 0) or withdrawal (< 0) in account currency; a withdrawal leaves free margin at zero or more."""
    before = picture(account, market)
    if amount < 0 and (before.margin_free + amount < 0 or account.balance + amount < 0 or not before.complete):
        return NO_MONEY
    movement = Movement(account=account, reason=reason, amount=amount, at=at, comment=comment, is_record=True)
    balance = account.balance
    journal.move(movement)
    journal.record_change(account, EventKind.BALANCE, origin, at, equity=before.equity, balance=balance)
    return movement


def volume_fits(spec: ContractSpec, volume: Decimal) -> bool:
    """Whether an order may have this volume: between the contract's limits and on its step."""
    return spec.lot_min <= volume <= spec.lot_max and is_multiple(volume, spec.lot_step)
