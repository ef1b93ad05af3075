"""The book: writes a journal with one statement, whatever the number of accounts.

The caller holds the locks of all accounts in the journal. After the write the trade listeners are told, in the same
transaction, and the frames for terminals are returned for publication after the commit.
"""

from typing import Any

import psycopg

from accounts.models import TradingAccount
from core.states import Cmd, Reason, TradeState
from infra.bulk import Batch, SequenceBlocks, pipelined
from infra.push import Frame
from ledger.models import Transfer
from ledger.selectors import house_account_id
from trading import ports
from trading.domain.values import Journal, Market, Movement, Ticket
from trading.frames import account_frames
from trading.models import AccountEvent, Order, Trade

tickets = SequenceBlocks("ticket_seq")
orders = SequenceBlocks("trading_order_id_seq")

_TRADE_NEW = (
    "id", "tenant_id", "account_id", "instrument_id", "symbol", "digits", "cmd", "state", "reason", "copied", "volume",
    "open_price", "close_price", "sl", "tp", "profit", "commission", "storage", "conversion_rate", "parent_id", "comment",
    "open_at", "close_at", "expiration_at",
)  # fmt: skip
_TRADE_CHANGED = (
    "state", "copied", "volume", "open_price", "close_price", "sl", "tp", "profit", "commission", "storage",
    "conversion_rate", "comment", "close_at",
)  # fmt: skip
_TRADE_RESHAPED = (*_TRADE_CHANGED, "cmd", "open_at", "expiration_at")
_ORDER = (
    "id", "tenant_id", "account_id", "client_order_id", "request_hash", "intent", "instrument_id", "side", "volume",
    "status", "origin", "refusal", "trade_id", "price", "quote_bid", "quote_ask", "answer", "created_at",
)  # fmt: skip
_TRANSFER = (
    "id", "tenant_id", "debit_id", "credit_id", "amount", "currency", "reason", "account_id", "reference", "comment",
    "booked_at",
)  # fmt: skip
_EVENT = (
    "tenant_id", "account_id", "seq", "kind", "origin", "trade_id", "order_id", "instrument_id", "symbol", "side",
    "volume_before", "volume_after", "price", "bid", "ask", "sl", "tp", "cmd", "expiration_at", "equity",
    "balance", "at",
)  # fmt: skip


def numbers_assign(cursor: psycopg.Cursor[Any], journal: Journal) -> None:
    """Gives every new ticket, balance operation and order its number. Idempotent."""
    waiting: list[Ticket | Movement] = [t for t in journal.opened if t.id is None]
    waiting += [m for m in journal.movements if m.id is None]
    for thing, number in zip(waiting, tickets.take(cursor, len(waiting)), strict=True):
        thing.id = number
    unnumbered = [order for order in journal.orders if order.id is None]
    for order, number in zip(unnumbered, orders.take(cursor, len(unnumbered)), strict=True):
        order.id = number
    journal.name_positions()


def book_write(cursor: psycopg.Cursor[Any], journal: Journal, market: Market) -> list[Frame]:
    """As `book_store`; returns the terminals' frames, to be published on commit."""
    book_store(cursor, journal)
    return account_frames(journal, market)


def book_store(cursor: psycopg.Cursor[Any], journal: Journal) -> None:
    """Writes the journal and tells the trade listeners."""
    numbers_assign(cursor, journal)
    reshaped = [t for t in journal.changed.values() if t.id in journal.reshaped]
    changed = [t for t in journal.changed.values() if t.id not in journal.reshaped]
    moved = [(a.id, a.balance, a.event_seq) for a in journal.accounts.values()]
    batch = Batch()
    batch.insert(Trade, _TRADE_NEW, _new_trades(journal))
    batch.update(Trade, _TRADE_CHANGED, [_changed_trade(t) for t in changed])
    batch.update(Trade, _TRADE_RESHAPED, [_reshaped_trade(t) for t in reshaped])
    batch.insert(Order, _ORDER, _orders(journal))
    batch.insert(Transfer, _TRANSFER, _transfers(journal))
    batch.insert(AccountEvent, _EVENT, _events(journal))
    batch.update(TradingAccount, ("balance", "event_seq"), moved)
    with pipelined():
        batch.write(cursor)
        for listener in ports.trade_listeners:
            listener(cursor, journal)


def _new_trades(journal: Journal) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for ticket in journal.opened:
        account = journal.owners[id(ticket)]
        rows.append(
            (
                ticket.id,
                account.tenant_id,
                account.id,
                ticket.spec.id,
                ticket.spec.symbol,
                ticket.spec.digits,
                ticket.cmd,
                ticket.state,
                int(ticket.reason),
                ticket.copied,
                ticket.volume,
                ticket.open_price,
                ticket.close_price,
                ticket.sl,
                ticket.tp,
                ticket.profit,
                ticket.commission,
                ticket.storage,
                ticket.rate,
                ticket.parent.id if ticket.parent else None,
                ticket.comment,
                ticket.open_at,
                ticket.close_at,
                ticket.expiration_at,
            )
        )
    for movement in journal.movements:
        if movement.is_record:
            rows.append(_balance_record(movement))
    return rows


def _balance_record(movement: Movement) -> tuple[Any, ...]:
    cmd = Cmd.BALANCE_IN if movement.amount > 0 else Cmd.BALANCE_OUT
    account = movement.account
    return (
        movement.id, account.tenant_id, account.id, None, "", 2, cmd, TradeState.CLOSED,
        int(Reason.COPY_REWARD if movement.reason == "COPY_REWARD" else Reason.DEALER), False, 0, 0, 0, 0, 0,
        movement.amount, 0, 0, None, None, movement.comment, movement.at, movement.at,
        None,
    )  # fmt: skip


def _changed_trade(ticket: Ticket) -> tuple[Any, ...]:
    return (
        ticket.id, ticket.state, ticket.copied, ticket.volume, ticket.open_price, ticket.close_price, ticket.sl,
        ticket.tp, ticket.profit, ticket.commission, ticket.storage, ticket.rate, ticket.comment, ticket.close_at,
    )  # fmt: skip


def _reshaped_trade(ticket: Ticket) -> tuple[Any, ...]:
    return (*_changed_trade(ticket), ticket.cmd, ticket.open_at, ticket.expiration_at)


def _orders(journal: Journal) -> list[tuple[Any, ...]]:
    return [
        (
            o.id, o.account.tenant_id, o.account.id, o.client_order_id, o.request_hash, o.intent,
            o.spec.id if o.spec else None, o.side, o.volume, o.status, o.origin, o.refusal,
            o.ticket.id if o.ticket else None, o.price, o.quote.bid if o.quote else None,
            o.quote.ask if o.quote else None, o.answer, o.at,
        )
        for o in journal.orders
    ]  # fmt: skip


_COUNTERPART = {
    "TRADE_PROFIT": "TRADING",
    "COMMISSION": "REVENUE",
    "STORAGE": "REVENUE",
    "DEPOSIT": "CLEARING",
    "WITHDRAWAL": "CLEARING",
}


def _transfers(journal: Journal) -> list[tuple[Any, ...]]:
    # Asked once per write: what the process remembers is filled only by a commit, so not within its first turn.
    houses: dict[tuple[int, str, str], int] = {}
    rows: list[tuple[Any, ...]] = []
    for movement in journal.movements:
        account = movement.account
        key = (account.tenant_id, movement.house or _COUNTERPART[movement.reason], account.currency)
        if key not in houses:
            houses[key] = house_account_id(*key)
        debit, credit = (houses[key], account.id) if movement.amount > 0 else (account.id, houses[key])
        rows.append(
            (
                movement.id, account.tenant_id, debit, credit, abs(movement.amount), account.currency, movement.reason,
                account.id, movement.ticket.id if movement.ticket else None, movement.comment, movement.at,
            )
        )  # fmt: skip
    return rows


def _events(journal: Journal) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for c in journal.changes:
        t, q = c.ticket, c.quote
        rows.append(
            (
                c.account.tenant_id,
                c.account.id,
                c.seq,
                c.kind,
                c.origin,
                t.id if t else None,
                c.order.id if c.order else None,
                t.spec.id if t else None,
                t.spec.symbol if t else "",
                t.side if t else "",
                c.volume_before,
                c.volume_after,
                c.price,
                q.bid if q else 0,
                q.ask if q else 0,
                c.sl,
                c.tp,
                c.cmd,
                c.expiration_at,
                c.equity,
                c.balance,
                c.at,
            )
        )
    return rows
