"""The frames that terminals receive about markets and accounts: every shape in this one module."""

from decimal import Decimal
from typing import Any

import msgspec

from core.clock import unix
from core.states import Cmd, TicketKind, TradeState
from core.volume import wire_of
from infra.audience import ANYBODY, Audience
from infra.push import Frame
from trading.domain.valuation import Picture, floating_profit, picture
from trading.domain.values import AccountState, Journal, Market, Movement, Ticket

_encode = msgspec.json.Encoder(decimal_format="number").encode

ADDED, UPDATED, DELETED, CLOSED = 0, 1, 2, 6
NORMAL, MARGIN_CALL, STOP_OUT = 0, 1, 2


def quote_text(symbol: str, bid: Decimal, ask: Decimal, seconds: int) -> str:
    """`t`: a quote."""
    return _encode(["t", symbol, bid, ask, seconds]).decode()


def level_type(account: AccountState, now: Picture) -> int:
    """0 normal, 1 margin call, 2 stop out, by the account group's levels."""
    if not now.margin or now.margin_level > account.margin_call:
        return NORMAL
    return STOP_OUT if now.margin_level <= account.stop_out else MARGIN_CALL


def balance_text(account: AccountState, now: Picture) -> str:
    """`b`: an account's money."""
    return _encode(
        [
            "b", account.login, now.balance, now.margin, now.margin_free, now.margin_level, now.equity, now.credit,
            level_type(account, now), now.profit, UPDATED,
        ]
    ).decode()  # fmt: skip


def trade_text(account: AccountState, ticket: Ticket, profit: Decimal, code: int) -> str:
    """`o`: a trade that was added, updated, deleted or closed; `profit` is floating while it is open, 0 while pending."""
    return _encode(
        [
            "o", ticket.id, account.login, ticket.spec.symbol, ticket.cmd, wire_of(ticket.volume),
            ticket.open_price, ticket.close_price, unix(ticket.open_at), unix(ticket.close_at), ticket.tp, ticket.sl,
            ticket.state, ticket.storage, ticket.commission, profit, ticket.comment, code,
        ]
    ).decode()  # fmt: skip


def account_frames(journal: Journal, market: Market, audience: Audience = ANYBODY) -> list[Frame]:
    """What the terminals of the journal's accounts see: each record once in its last form, then each balance once."""
    heard = {account.id: account for account in journal.accounts.values() if audience.hears(account.customer_id)}
    frames: list[Frame] = []
    for fresh, tickets in ((True, journal.opened), (False, journal.changed.values())):
        for ticket in tickets:
            account = journal.owners[id(ticket)]
            if account.id in heard:
                frames.append(_trade_frame(account, market, ticket, fresh=fresh))
    for movement in journal.movements:
        if movement.is_record and movement.account.id in heard:
            frames.append(_frame(movement.account, _operation_text(movement)))
    for account in heard.values():
        frames.append(balance_frame(account, market))
    return frames


def balance_frame(account: AccountState, market: Market) -> Frame:
    """The account's money, as its terminals see it."""
    return _frame(account, balance_text(account, picture(account, market)))


def _trade_frame(account: AccountState, market: Market, ticket: Ticket, *, fresh: bool) -> Frame:
    if ticket.state is not TradeState.OPEN:
        code = DELETED if ticket.state is TradeState.DELETED else CLOSED
        return _frame(account, trade_text(account, ticket, ticket.profit, code))
    floating = floating_profit(account, market, ticket) if ticket.kind is TicketKind.MARKET else None
    return _frame(account, trade_text(account, ticket, floating or Decimal(0), ADDED if fresh else UPDATED))


def _operation_text(movement: Movement) -> str:
    cmd = Cmd.BALANCE_IN if movement.amount > 0 else Cmd.BALANCE_OUT
    at = unix(movement.at)
    fields: list[Any] = ["o", movement.id, movement.account.login, "", cmd.value, 0, 0, 0, at, at, 0, 0]
    return _encode([*fields, TradeState.CLOSED.value, 0, 0, movement.amount, movement.comment, ADDED]).decode()


def _frame(account: AccountState, text: str) -> Frame:
    return Frame(
        tenant_id=account.tenant_id, customer_id=account.customer_id, login=account.login, kind="account", text=text
    )
