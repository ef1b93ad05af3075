"""Limit and stop orders: placed, changed, taken back, filled when the market reaches them.

Pure, as `execution` is. Which order is due at a quote, and at which price it is filled, is decided elsewhere; here is what
becomes of it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import EventKind, OrderStatus, Origin, Reason, Side, TicketKind
from trading.domain.execution import volume_fits
from trading.domain.filling import (
    BAD_STOPS,
    BAD_VOLUME,
    DISABLED,
    INCORRECT_STATE,
    MARKET_CLOSED,
    OFF_QUOTES,
    TOO_MANY_ORDERS,
    Fill,
    Instruction,
    enter,
    market_open,
    order_record,
    stops_fit,
    usable_quote,
)
from trading.domain.states import Stage, Trigger, advance, permits
from trading.domain.valuation import picture
from trading.domain.values import AccountState, Journal, Market, OrderRecord, QuoteNow, Refused, Ticket, marked

CANCELLED: Final = "[cancelled]"
EXPIRED: Final = "[expired]"
BAD_EXPIRATION: Final = Refused("INVALID_DATA")

_REFUSAL_MARKS: Final = {"RET_TRADE_NO_MONEY": "[no money]", "RET_TRADE_DISABLE": "[disabled]"}
"""Refusals that end a pending order at its trigger. Any other lets it wait for the next quote."""


def place_pending(
    journal: Journal,
    market: Market,
    account: AccountState,
    spec: ContractSpec,
    side: Side,
    kind: TicketKind,
    volume: Decimal,
    price: Decimal,
    how: Instruction,
    sl: Decimal = ZERO,
    tp: Decimal = ZERO,
    expiration_at: datetime | None = None,
) -> OrderRecord | Refused:
    """A limit or stop order of `volume` lots that waits for `price`. It needs no margin until it is filled.

    Refused, nothing changed, when trading is off, the volume is off the step or limits, the market is closed, there is no
    usable quote, the price is not on the side of the market that its kind says, a stop is on the wrong side of the price,
    the expiration is not in the future, or the account has too many records. A copy waits for its leader's order, so
    neither its price nor its expiration has to be ahead of the market.
    """
    if not account.enabled or not spec.trade_enabled:
        return DISABLED
    if not volume_fits(spec, volume):
        return BAD_VOLUME
    if not market_open(spec, how.at):
        return MARKET_CLOSED
    quote = usable_quote(market, spec, how.at)
    if quote is None:
        return OFF_QUOTES
    shadow = how.origin is Origin.COPY
    if not (shadow or price_fits(kind, side, quote, price)) or not stops_fit(side, price, sl, tp):
        return BAD_STOPS
    if not (shadow or _expires_later(expiration_at, how.at)):
        return BAD_EXPIRATION
    if account.full:
        return TOO_MANY_ORDERS
    ticket = Ticket(
        id=None,
        spec=spec,
        side=side,
        volume=volume,
        open_price=price,
        open_at=how.at,
        sl=sl,
        tp=tp,
        reason=how.reason,
        copied=shadow,
        comment=how.comment,
        state=Stage.PENDING.state,
        kind=kind,
        expiration_at=expiration_at,
    )
    order = order_record(account, "PLACE", spec, side, volume, how)
    order.ticket, order.price, order.quote = ticket, price, quote
    journal.orders.append(order)
    journal.open(account, ticket)
    account.pending.append(ticket)
    _record(journal, market, account, ticket, EventKind.PLACE, order, how, before=ZERO, after=volume, price=price)
    return order


def modify_pending(
    journal: Journal,
    market: Market,
    account: AccountState,
    ticket: Ticket,
    price: Decimal,
    sl: Decimal,
    tp: Decimal,
    expiration_at: datetime | None,
    how: Instruction,
) -> OrderRecord | Refused:
    """Gives a pending order this price, these stops (0: none) and this expiration (None: never).

    The rules of `place_pending` hold for what changes; the stops always have to fit the price. When nothing changes, the
    order counts as carried out and there is no event. A copy is changed by its leader's order alone.
    """
    if not permits(ticket, Trigger.MODIFY) or ticket not in account.pending:
        return INCORRECT_STATE
    if ticket.shadow and how.origin is not Origin.COPY:
        return INCORRECT_STATE
    if not account.enabled or not ticket.spec.trade_enabled:
        return DISABLED
    if not market_open(ticket.spec, how.at):
        return MARKET_CLOSED
    quote = usable_quote(market, ticket.spec, how.at)
    if price != ticket.open_price and not ticket.shadow:
        if quote is None:
            return OFF_QUOTES
        if not price_fits(ticket.kind, ticket.side, quote, price):
            return BAD_STOPS
    if not stops_fit(ticket.side, price, sl, tp):
        return BAD_STOPS
    if expiration_at != ticket.expiration_at and not ticket.shadow and not _expires_later(expiration_at, how.at):
        return BAD_EXPIRATION
    order = order_record(account, "MODIFY", ticket.spec, ticket.side, ticket.volume, how)
    order.ticket, order.price, order.quote = ticket, price, quote
    journal.orders.append(order)
    wanted = (price, sl, tp, expiration_at)
    if wanted != (ticket.open_price, ticket.sl, ticket.tp, ticket.expiration_at):
        ticket.open_price, ticket.sl, ticket.tp, ticket.expiration_at = wanted
        journal.touch(account, ticket, reshaped=True)
        _record(
            journal, market, account, ticket, EventKind.MODIFY, order, how,
            before=ticket.volume, after=ticket.volume, price=price,
        )  # fmt: skip
    return order


def cancel_pending(
    journal: Journal,
    account: AccountState,
    ticket: Ticket,
    how: Instruction,
    mark: str = CANCELLED,
    market: Market | None = None,
) -> OrderRecord | Refused:
    """Takes a pending order back, or ends it because its time came (`mark` `[expired]`). Never refused while it waits.

    `market` lets the event tell the account's equity; without it, it tells balance and credit.
    """
    trigger = Trigger.EXPIRE if mark == EXPIRED else Trigger.CANCEL
    if not permits(ticket, trigger) or ticket not in account.pending:
        return INCORRECT_STATE
    order = order_record(account, "CANCEL", ticket.spec, ticket.side, ticket.volume, how)
    order.quote = None if market is None else market.quote(ticket.spec)
    return _end(journal, market, account, ticket, trigger, mark, order, how)


def trigger_pending(
    journal: Journal,
    market: Market,
    account: AccountState,
    ticket: Ticket,
    price: Decimal,
    how: Instruction,
) -> OrderRecord | Refused:
    """Fills a pending order at `price`. The record becomes the open ticket; see `filling.enter` for NETTING.

    The ticket keeps the reason, comment and copied mark of the order. Refused for want of money, or because trading is
    off: the order ends as deleted and its comment says why. Refused because the market is closed, or for want of a quote
    or rate: it goes on waiting, nothing has changed.
    """
    if not permits(ticket, Trigger.FILL) or ticket not in account.pending:
        return INCORRECT_STATE
    if not market_open(ticket.spec, how.at):
        return MARKET_CLOSED
    quote = usable_quote(market, ticket.spec, how.at)
    if quote is None:
        return OFF_QUOTES
    how = how._replace(reason=Reason(ticket.reason), comment=ticket.comment)
    fill = Fill("TRIGGER", ticket.spec, ticket.side, ticket.volume, price, quote, ticket.sl, ticket.tp)
    trading_on = account.enabled and ticket.spec.trade_enabled
    outcome = enter(journal, market, account, fill, how, ticket) if trading_on else DISABLED
    if isinstance(outcome, Refused) and outcome.code in _REFUSAL_MARKS:
        order = order_record(account, "TRIGGER", ticket.spec, ticket.side, ticket.volume, how)
        order.status, order.refusal, order.quote = OrderStatus.REJECTED, outcome.code, quote
        _end(journal, market, account, ticket, Trigger.REFUSE, _REFUSAL_MARKS[outcome.code], order, how)
    return outcome


def price_fits(kind: TicketKind, side: Side, quote: QuoteNow, price: Decimal) -> bool:
    """Whether the market has yet to come to the price: a limit waits for a better one than now, a stop for a worse one."""
    ahead = (price - quote.entry_price(side)) * side.sign
    return ahead < 0 if kind is TicketKind.LIMIT else ahead > 0


def _expires_later(expiration_at: datetime | None, at: datetime) -> bool:
    return expiration_at is None or expiration_at > at


def _end(
    journal: Journal,
    market: Market | None,
    account: AccountState,
    ticket: Ticket,
    trigger: Trigger,
    mark: str,
    order: OrderRecord,
    how: Instruction,
) -> OrderRecord:
    order.ticket = ticket
    journal.orders.append(order)
    advance(ticket, trigger)
    ticket.comment, ticket.close_at = marked(ticket.comment, mark), how.at
    account.pending.remove(ticket)
    journal.touch(account, ticket)
    _record(
        journal, market, account, ticket, EventKind.CANCEL, order, how, before=ticket.volume, after=ZERO, price=ZERO
    )  # fmt: skip
    return order


def _record(
    journal: Journal,
    market: Market | None,
    account: AccountState,
    ticket: Ticket,
    kind: EventKind,
    order: OrderRecord,
    how: Instruction,
    *,
    before: Decimal,
    after: Decimal,
    price: Decimal,
) -> None:
    journal.record_change(
        account,
        kind,
        how.origin,
        how.at,
        equity=account.balance + account.credit if market is None else picture(account, market).equity,
        balance=account.balance,
        order=order,
        ticket=ticket,
        volume_before=before,
        volume_after=after,
        price=price,
    )
