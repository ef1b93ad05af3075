"""Market orders and closes of one account."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.rounding import ZERO
from core.states import Origin, Reason, Side
from infra.bulk import hot_cursor
from infra.push import publish_on_commit
from trading.domain.execution import Instruction, close_market, open_market
from trading.domain.filling import INCORRECT_STATE
from trading.domain.values import Journal, OrderRecord, Refused
from trading.ports import Action
from trading.services.book import book_write, numbers_assign
from trading.services.orders.run import Aim, OrderAnswer, Refusal, Table, answer_of, order_run, table_open


def order_open(
    *,
    account_id: int,
    symbol: str,
    side: Side,
    volume: Decimal,
    at: datetime,
    sl: Decimal = ZERO,
    tp: Decimal = ZERO,
    comment: str = "",
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
    client_order_id: str | None = None,
    request_hash: str = "",
) -> OrderAnswer | Refusal:
    """A market order of `volume` lots, filled at the current quote. Raises 400 INVALID_DATA for an unknown symbol."""
    how = Instruction(origin, at, reason, comment, client_order_id, request_hash)

    def execute(table: Table, aim: Aim, journal: Journal) -> OrderRecord | Refused:
        return open_market(journal, table.market, table.account, aim.spec, side, volume, how, sl, tp)

    return order_run(
        account_id, Action.OPEN, how, lambda table: table.contract(symbol), execute,
        symbols=[symbol], side=side, volume=volume,
    )  # fmt: skip


def order_close(
    *,
    account_id: int,
    trade_id: int,
    at: datetime,
    volume: Decimal | None = None,
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
    client_order_id: str | None = None,
    request_hash: str = "",
) -> OrderAnswer | Refusal:
    """Closes an open ticket, or `volume` lots of it, at the current quote."""
    how = Instruction(origin, at, reason, "", client_order_id, request_hash)

    def find(table: Table) -> Aim | Refused:
        ticket = table.account.ticket(trade_id)
        return INCORRECT_STATE if ticket is None else Aim(ticket.spec, ticket)

    def execute(table: Table, aim: Aim, journal: Journal) -> OrderRecord | Refused:
        assert aim.ticket is not None
        return close_market(journal, table.market, table.account, aim.ticket, volume, how)

    return order_run(account_id, Action.CLOSE, how, find, execute, volume=volume or ZERO)


def position_flatten(
    *,
    account_id: int,
    symbol: str,
    at: datetime,
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
) -> list[dict[str, Any]]:
    """Closes every open ticket of the account in the contract, oldest first, and nothing else (R191).

    No guard is asked. Gives one object per ticket: the answer of a close, or `accepted` false with `error` and `message`
    for one that could not be closed; the others are closed all the same. Raises 400 INVALID_DATA for an unknown symbol.
    """
    cursor = hot_cursor()
    table = table_open(cursor, account_id, [symbol])
    spec = table.contract(symbol).spec
    how = Instruction(origin, at, reason)
    journal = Journal()
    outcomes = [
        (ticket, close_market(journal, table.market, table.account, ticket, None, how))
        for ticket in list(table.account.tickets)
        if ticket.spec.id == spec.id
    ]
    numbers_assign(cursor, journal)
    publish_on_commit(book_write(cursor, journal, table.market))
    results: list[dict[str, Any]] = []
    for ticket, outcome in outcomes:
        if isinstance(outcome, Refused):
            refusal = Refusal(outcome.code)
            results.append(
                {"accepted": False, "order": ticket.number, "error": refusal.code, "message": refusal.message}
            )
        else:
            results.append(answer_of(outcome).wire)
    return results
