"""The one way an order of a single account takes, and what its caller hears."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from django.utils.translation import gettext as _

from core.contracts import ContractSpec
from core.errors import DomainError, Kind, forbidden, invalid
from core.rounding import ZERO
from core.states import OrderStatus, Side
from core.volume import wire_of
from infra.bulk import cursor_beside, hot_cursor, pipelined
from infra.faults import fault
from infra.push import publish_on_commit
from trading import ports
from trading.domain.execution import Instruction
from trading.domain.values import AccountState, Journal, Market, OrderRecord, Refused, Ticket
from trading.refusals import CONFLICTS, sentence
from trading.services.book import book_write, numbers_assign
from trading.services.desk import Desk, desk_ask, desk_open

_KNOWN_SQL = b"""
SELECT request_hash, refusal, answer FROM trading_order WHERE account_id = %s AND client_order_id = %s
"""

# Numbers are remembered as they were told.
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An order that was carried out, as the contract tells it; `wire` is the ready object."""

    order: int
    wire: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that was refused. A value, so that the refusal of a named order can be remembered and committed."""

    code: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return sentence(self.code)

    def error(self) -> DomainError:
        """The same as an error, for entrances that answer by raising."""
        kind = Kind.CONFLICT if self.code in CONFLICTS else Kind.FORBIDDEN
        return DomainError(kind, self.code, self.message, **self.extra)


@dataclass(frozen=True, slots=True)
class Aim:
    """What an order is about: its contract, and the ticket or pending order that it changes, if it does."""

    spec: ContractSpec
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What an order of one account is decided from, under the account's lock."""

    cursor: psycopg.Cursor[Any]
    account: AccountState
    market: Market

    def contract(self, symbol: str) -> Aim:
        """The contract of that symbol; 400 INVALID_DATA when there is none."""
        spec = self.market.find(symbol)
        if spec is None:
            raise invalid("symbol", _("unknown symbol"))
        return Aim(spec)


Find = Callable[[Table], Aim | Refused]
Execute = Callable[[Table, Aim, Journal], OrderRecord | Refused]


def order_run(
    account_id: int,
    action: ports.Action,
    how: Instruction,
    find: Find,
    execute: Execute,
    *,
    symbols: Iterable[str] = (),
    side: Side = Side.BUY,
    volume: Decimal = ZERO,
) -> OrderAnswer | Refusal:
    """Locks the account, finds the aim, asks the guards, carries out and writes.

    `side` and `volume` are what a refusal is remembered with. An error that is raised leaves nothing behind.
    """
    cursor = hot_cursor()
    with pipelined():
        asked = desk_ask(cursor, [account_id], symbols)
        # Behind the lock: whoever held it before may have carried out the same order.
        asked_known = _ask_known(cursor, account_id, how)
    table = _table(cursor, account_id, asked.desk())
    fault("order.locked")
    known = _known_answer(asked_known, how)
    if known is not None:
        return known
    journal = Journal()
    outcome = _decided(table, action, how, find, execute, journal)
    if isinstance(outcome, Refused):
        _remember(table, outcome, how, side, volume)
        return Refusal(outcome.code)
    numbers_assign(cursor, journal)
    answer = answer_of(outcome)
    if how.client_order_id is not None:
        outcome.answer = _encode(answer.wire).decode()
    publish_on_commit(book_write(cursor, journal, table.market))
    return answer


def table_open(cursor: psycopg.Cursor[Any], account_id: int, symbols: Iterable[str]) -> Table:
    """Locks the account and reads what is needed; 403 for an account that is not there."""
    return _table(cursor, account_id, desk_open(cursor, [account_id], symbols))


def _table(cursor: psycopg.Cursor[Any], account_id: int, desk: Desk) -> Table:
    account = desk.accounts.get(account_id)
    if account is None:
        raise forbidden("PERMISSION_DENIED", _("This account cannot be traded."))
    return Table(cursor, account, desk.market)


def answer_of(order: OrderRecord) -> OrderAnswer:
    """What the contract answers to an order that was carried out and has its numbers."""
    ticket = order.ticket
    assert ticket is not None
    closing = order.intent == "CLOSE"
    wire: dict[str, Any] = {
        "accepted": True,
        "order": ticket.number,
        "state": int(ticket.state),
        "login": order.account.login,
        "symbol": ticket.spec.symbol,
        "cmd": int(ticket.cmd),
        "volume": wire_of(ticket.volume if closing else order.volume),
        "price": ticket.open_price if order.price is None else order.price,
    }
    if closing:
        wire["close_volume"] = wire_of(order.volume)
    return OrderAnswer(ticket.number, wire)


def _decided(
    table: Table, action: ports.Action, how: Instruction, find: Find, execute: Execute, journal: Journal
) -> OrderRecord | Refused:
    aim = find(table)
    if isinstance(aim, Refused):
        return aim
    request = ports.OrderRequest(action, table.account, aim.spec, aim.ticket, how)
    for guard in ports.order_guards:
        refused = guard(table.cursor, request)
        if refused is not None:
            return refused
    return execute(table, aim, journal)


def _remember(table: Table, refused: Refused, how: Instruction, side: Side, volume: Decimal) -> None:
    if how.client_order_id is None:
        return
    order = OrderRecord(
        table.account, "REFUSED", None, side, volume, how.origin, how.at, OrderStatus.REJECTED, refused.code,
        how.client_order_id, how.request_hash,
    )  # fmt: skip
    book_write(table.cursor, Journal(orders=[order]), table.market)


def _ask_known(cursor: psycopg.Cursor[Any], account_id: int, how: Instruction) -> psycopg.Cursor[Any] | None:
    if how.client_order_id is None:
        return None
    return cursor_beside(cursor).execute(_KNOWN_SQL, [account_id, how.client_order_id], prepare=True)


def _known_answer(asked: psycopg.Cursor[Any] | None, how: Instruction) -> OrderAnswer | Refusal | None:
    row = None if asked is None else asked.fetchone()
    if row is None:
        return None
    request_hash, refusal, answer = row
    if request_hash != how.request_hash:
        return Refusal("IDEMPOTENCY_KEY_REUSED")
    if refusal:
        return Refusal(refusal)
    wire = _decode(answer)
    return OrderAnswer(wire["order"], wire)
