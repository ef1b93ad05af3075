"""What a fill does to tickets and money, for market orders, closes and triggered pending orders alike.

Pure: changes the working values and the journal, touches nothing else. `enter` either refuses and has changed nothing,
or has carried out the whole fill.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from core.contracts import ContractSpec
from core.money import round_money
from core.rounding import ZERO
from core.sessions import is_open
from core.states import EventKind, Origin, Reason, Side, TicketKind
from trading.domain.states import Stage, Trigger, advance
from trading.domain.valuation import Picture, converted_profit, margin_needed, picture, price_profit
from trading.domain.values import (
    AccountState,
    Journal,
    Market,
    Movement,
    OrderRecord,
    QuoteNow,
    Refused,
    Ticket,
    average_price,
    marked,
)

NO_MONEY = Refused("RET_TRADE_NO_MONEY")
BAD_VOLUME = Refused("RET_TRADE_BAD_VOLUME")
BAD_STOPS = Refused("RET_TRADE_BAD_STOPS")
MARKET_CLOSED = Refused("RET_TRADE_MARKET_CLOSED")
OFF_QUOTES = Refused("RET_TRADE_OFFQUOTES")
DISABLED = Refused("RET_TRADE_DISABLE")
INCORRECT_STATE = Refused("RET_TRADE_INCORRECT_STATE")
TOO_MANY_ORDERS = Refused("RET_TRADE_TOO_MANY_ORDERS")


class Instruction(NamedTuple):
    """Who asks, and how the outcome is labelled."""

    origin: Origin
    at: datetime
    reason: Reason = Reason.CLIENT
    comment: str = ""
    client_order_id: str | None = None
    request_hash: str = ""


class Fill(NamedTuple):
    """What is to be filled, and where. `quote` is the one in force; stops of 0 are none."""

    intent: str
    spec: ContractSpec
    side: Side
    volume: Decimal
    price: Decimal
    quote: QuoteNow
    sl: Decimal = ZERO
    tp: Decimal = ZERO


def market_open(spec: ContractSpec, at: datetime) -> bool:
    """Whether the contract is traded at that instant, by its sessions."""
    return is_open(spec.sessions, at)


def usable_quote(market: Market, spec: ContractSpec, at: datetime) -> QuoteNow | None:
    """The quote to trade at, None when there is none or it is older than the contract allows."""
    quote = market.quote(spec)
    if quote is None:
        return None
    if spec.stale_quote_seconds and at - quote.at > timedelta(seconds=spec.stale_quote_seconds):
        return None
    return quote


def stops_fit(side: Side, price: Decimal, sl: Decimal, tp: Decimal) -> bool:
    """Whether stop loss and take profit (0: none) stand on the right side of a price: the one that closes an open
    ticket, or the one that a pending order waits for."""
    return (not sl or (price - sl) * side.sign > 0) and (not tp or (tp - price) * side.sign > 0)


def order_record(
    account: AccountState, intent: str, spec: ContractSpec, side: Side, volume: Decimal, how: Instruction
) -> OrderRecord:
    """The record of an instruction that is being carried out."""
    return OrderRecord(
        account=account,
        intent=intent,
        spec=spec,
        side=side,
        volume=volume,
        origin=how.origin,
        at=how.at,
        client_order_id=how.client_order_id,
        request_hash=how.request_hash,
    )


def enter(
    journal: Journal,
    market: Market,
    account: AccountState,
    fill: Fill,
    how: Instruction,
    pending: Ticket | None = None,
) -> OrderRecord | Refused:
    """Fills an order: a new ticket, or on NETTING an increase, a reduction or a flip of the position.

    A `pending` order that is filled becomes the ticket itself; where a netting position is in its way, the position takes
    its volume in and the order ends as deleted, with the position's number in its comment. Refused when the account has
    too many records, an amount cannot be converted, or free margin would fall below zero.
    """
    spec, side = fill.spec, fill.side
    held = account.position(spec) if account.netting else None
    opposite = held is not None and held.side is not side
    closing = min(fill.volume, held.volume) if held is not None and opposite else ZERO
    opening = fill.volume - closing
    if held is None and pending is None and account.full:
        return TOO_MANY_ORDERS
    before = picture(account, market)
    if opening:
        refused = _affordable(account, market, fill, opening, closing, held, before)
        if refused is not None:
            return refused
    rate = market.rate(spec.profit_currency, account.currency)
    if rate is None:
        return OFF_QUOTES

    copied = how.origin is Origin.COPY or (pending is not None and pending.copied)
    order = order_record(account, fill.intent, spec, side, fill.volume, how)
    order.price, order.quote = fill.price, fill.quote
    journal.orders.append(order)
    if pending is not None:
        account.pending.remove(pending)
        if held is not None:
            _merge(journal, account, pending, order, how, before)
    if closing and held is not None:
        reduce(journal, account, held, closing, fill.price, rate, order, how, before)
        before = picture(account, market)
    if not opening:
        order.ticket = held
    elif held is not None and not opposite:
        _increase(journal, account, held, opening, fill, order, how, before, copied=copied)
    elif held is None and pending is not None:
        _become_open(journal, account, pending, order, how, before)
    else:
        _open(journal, account, opening, fill, order, how, before, copied=copied)
    if pending is not None and held is not None:
        assert order.ticket is not None
        journal.merged.append((pending, order.ticket))
    return order


def _affordable(
    account: AccountState,
    market: Market,
    fill: Fill,
    opening: Decimal,
    closing: Decimal,
    held: Ticket | None,
    before: Picture,
) -> Refused | None:
    """None when free margin after the order, its commission and its first spread is zero or more."""
    spec, side = fill.spec, fill.side
    needed = margin_needed(account, market, spec, opening, fill.price)
    rate = market.rate(spec.profit_currency, account.currency)
    if needed is None or rate is None or not before.complete:
        return OFF_QUOTES
    at_once = price_profit(spec, side, opening, fill.price, fill.quote.exit_price(side))
    spread = round_money(at_once * rate, account.currency)
    commission = _commission(account, opening) + (_commission(account, closing) if closing else ZERO)
    released = ZERO
    if closing and held is not None:
        released = margin_needed(account, market, spec, closing, held.open_price) or ZERO
    if before.margin_free + released - needed - commission + spread < 0:
        return NO_MONEY
    return None


def _commission(account: AccountState, volume: Decimal) -> Decimal:
    """Commission of one side, as a positive amount."""
    return round_money(account.commission_per_lot * volume, account.currency)


def _open(
    journal: Journal,
    account: AccountState,
    volume: Decimal,
    fill: Fill,
    order: OrderRecord,
    how: Instruction,
    before: Picture,
    *,
    copied: bool,
) -> None:
    ticket = Ticket(
        id=None,
        spec=fill.spec,
        side=fill.side,
        volume=volume,
        open_price=fill.price,
        open_at=how.at,
        sl=fill.sl,
        tp=fill.tp,
        reason=how.reason,
        copied=copied,
        comment=how.comment,
    )
    journal.open(account, ticket)
    account.tickets.append(ticket)
    _entered(journal, account, ticket, EventKind.OPEN, ZERO, volume, order, how, before)


def _become_open(
    journal: Journal, account: AccountState, pending: Ticket, order: OrderRecord, how: Instruction, before: Picture
) -> None:
    assert order.price is not None
    advance(pending, Trigger.FILL)
    pending.open_price, pending.open_at, pending.expiration_at = order.price, how.at, None
    journal.touch(account, pending, reshaped=True)
    account.tickets.append(pending)
    _entered(journal, account, pending, EventKind.OPEN, ZERO, pending.volume, order, how, before)


def _increase(
    journal: Journal,
    account: AccountState,
    held: Ticket,
    volume: Decimal,
    fill: Fill,
    order: OrderRecord,
    how: Instruction,
    before: Picture,
    *,
    copied: bool,
) -> None:
    volume_before = held.volume
    advance(held, Trigger.INCREASE)
    held.open_price = average_price(held.volume, held.open_price, volume, fill.price)
    held.volume += volume
    held.sl, held.tp = fill.sl or held.sl, fill.tp or held.tp
    held.copied = held.copied or copied
    journal.touch(account, held)
    _entered(journal, account, held, EventKind.INCREASE, volume_before, volume, order, how, before)


def _entered(
    journal: Journal,
    account: AccountState,
    ticket: Ticket,
    kind: EventKind,
    volume_before: Decimal,
    volume: Decimal,
    order: OrderRecord,
    how: Instruction,
    before: Picture,
) -> None:
    """Commission and event of an entry of `volume` lots."""
    balance = account.balance
    order.ticket = ticket
    commission = _commission(account, volume)
    ticket.commission -= commission
    order.commission -= commission
    journal.move(Movement(account, "COMMISSION", -commission, how.at, ticket))
    journal.record_change(
        account,
        kind,
        how.origin,
        how.at,
        equity=before.equity,
        balance=balance,
        order=order,
        ticket=ticket,
        volume_before=volume_before,
        volume_after=ticket.volume,
    )


def _merge(
    journal: Journal, account: AccountState, pending: Ticket, order: OrderRecord, how: Instruction, before: Picture
) -> None:
    """The end of a pending order whose volume a netting position takes in; its event tells the price of the fill."""
    advance(pending, Trigger.MERGE)
    pending.close_at = how.at
    journal.touch(account, pending)
    journal.record_change(
        account,
        EventKind.CANCEL,
        how.origin,
        how.at,
        equity=before.equity,
        balance=account.balance,
        order=order,
        ticket=pending,
        volume_before=pending.volume,
        volume_after=ZERO,
    )


def reduce(
    journal: Journal,
    account: AccountState,
    ticket: Ticket,
    volume: Decimal,
    price: Decimal,
    rate: Decimal,
    order: OrderRecord,
    how: Instruction,
    before: Picture,
    mark: str = "",
) -> None:
    """Takes `volume` lots off the ticket: the whole ticket is closed, a part is split off as a closed record.

    `mark` comes to the end of the closed record's comment.
    """
    balance, volume_before = account.balance, ticket.volume
    commission = _commission(account, volume)
    profit = converted_profit(ticket, volume, price, rate, account.currency)
    if volume == ticket.volume:
        closed = ticket
        advance(ticket, Trigger.CLOSE)
        account.tickets.remove(ticket)
        volume_after = ZERO
        journal.touch(account, ticket)
    else:
        advance(ticket, Trigger.REDUCE)
        closed = _split(account, ticket, volume)
        volume_after = ticket.volume
        journal.open(account, closed)
        journal.touch(account, ticket)
    closed.close_price, closed.close_at, closed.profit, closed.rate = price, how.at, profit, rate
    closed.commission -= commission
    closed.comment = marked(closed.comment, mark)
    order.closed = closed
    order.profit += profit
    order.commission -= commission
    journal.move(Movement(account, "TRADE_PROFIT", profit, how.at, closed))
    journal.move(Movement(account, "COMMISSION", -commission, how.at, closed))
    journal.move(Movement(account, "STORAGE", closed.storage, how.at, closed))
    journal.record_change(
        account,
        EventKind.REDUCE if volume_after else EventKind.CLOSE,
        how.origin,
        how.at,
        equity=before.equity,
        balance=balance,
        order=order,
        ticket=ticket,
        volume_before=volume_before,
        volume_after=volume_after,
    )


def _split(account: AccountState, ticket: Ticket, volume: Decimal) -> Ticket:
    """A closed part with its share of the opening commission and storage; the ticket keeps the rest by subtraction."""
    share = volume / ticket.volume
    part = Ticket(
        id=None,
        spec=ticket.spec,
        side=ticket.side,
        volume=volume,
        open_price=ticket.open_price,
        open_at=ticket.open_at,
        sl=ticket.sl,
        tp=ticket.tp,
        commission=round_money(ticket.commission * share, account.currency),
        storage=round_money(ticket.storage * share, account.currency),
        reason=ticket.reason,
        copied=ticket.copied,
        comment=ticket.comment,
        state=Stage.CLOSED_PART.state,
        parent=ticket,
        kind=TicketKind.MARKET,
    )
    ticket.commission -= part.commission
    ticket.storage -= part.storage
    ticket.volume -= volume
    return part
