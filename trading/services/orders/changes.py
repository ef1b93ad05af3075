"""Changes of what stands: stops of open tickets, prices and times of pending orders, and their cancellation."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from core.states import Cmd, Origin, Reason, TicketKind
from trading.domain.execution import Instruction, modify_stops
from trading.domain.filling import INCORRECT_STATE
from trading.domain.pending import CANCELLED, cancel_pending, modify_pending
from trading.domain.states import Stage
from trading.domain.values import Journal, OrderRecord, Refused
from trading.models import Trade
from trading.ports import Action
from trading.services.orders.pending import check_expiration
from trading.services.orders.run import Aim, OrderAnswer, Refusal, Table, order_run

INCORRECT_CMD: Final = Refused("RET_TRADE_INCORRECT_CMD")
_PENDING_CMDS: Final = (Cmd.BUY_LIMIT, Cmd.SELL_LIMIT, Cmd.BUY_STOP, Cmd.SELL_STOP)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a modification changes; None leaves it. Stops of 0 are taken away, `never_expires` takes the expiration away."""

    sl: Decimal | None = None
    tp: Decimal | None = None
    open_price: Decimal | None = None
    expiration_at: datetime | None = None
    never_expires: bool = False

    @property
    def of_pending(self) -> bool:
        """Whether only a pending order can be changed like this."""
        return self.open_price is not None or self.expiration_at is not None or self.never_expires


def order_modify(
    *,
    account_id: int,
    trade_id: int,
    changes: Changes,
    at: datetime,
    stage: Stage | None = None,
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
    client_order_id: str | None = None,
    request_hash: str = "",
) -> OrderAnswer | Refusal:
    """Changes the stops of an open ticket, or price, stops and expiration of a pending order, by what the record is.

    With `stage` it has to be that (OPEN or PENDING): one that is not, or that has ended, is in the wrong state; so is an
    open ticket whose price or expiration is to change. Raises 400 INVALID_DATA for an expiration that is not in the future.
    """
    how = Instruction(origin, at, reason, "", client_order_id, request_hash)

    def find(table: Table) -> Aim | Refused:
        check_expiration(changes.expiration_at, at)
        opened = None if stage is Stage.PENDING or changes.of_pending else table.account.ticket(trade_id)
        waiting = None if stage is Stage.OPEN else table.account.pending_order(trade_id)
        ticket = opened or waiting
        return INCORRECT_STATE if ticket is None else Aim(ticket.spec, ticket)

    def execute(table: Table, aim: Aim, journal: Journal) -> OrderRecord | Refused:
        ticket = aim.ticket
        assert ticket is not None
        sl = ticket.sl if changes.sl is None else changes.sl
        tp = ticket.tp if changes.tp is None else changes.tp
        if ticket.kind is TicketKind.MARKET:
            return modify_stops(journal, table.market, table.account, ticket, sl, tp, how)
        price = ticket.open_price if changes.open_price is None else changes.open_price
        expires = None if changes.never_expires else changes.expiration_at or ticket.expiration_at
        return modify_pending(journal, table.market, table.account, ticket, price, sl, tp, expires, how)

    return order_run(account_id, Action.MODIFY, how, find, execute)


def order_cancel(
    *,
    account_id: int,
    trade_id: int,
    at: datetime,
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
    client_order_id: str | None = None,
    request_hash: str = "",
) -> OrderAnswer | Refusal:
    """Takes a pending order back. A record that never was one, or is none any more, is refused with
    RET_TRADE_INCORRECT_CMD; a pending order that has ended, with RET_TRADE_INCORRECT_STATE."""
    how = Instruction(origin, at, reason, "", client_order_id, request_hash)

    def find(table: Table) -> Aim | Refused:
        ticket = table.account.pending_order(trade_id)
        if ticket is not None:
            return Aim(ticket.spec, ticket)
        was_pending = Trade.objects.filter(pk=trade_id, account_id=account_id, cmd__in=_PENDING_CMDS).exists()
        return INCORRECT_STATE if was_pending else INCORRECT_CMD

    def execute(table: Table, aim: Aim, journal: Journal) -> OrderRecord | Refused:
        assert aim.ticket is not None
        return cancel_pending(journal, table.account, aim.ticket, how, CANCELLED, table.market)

    return order_run(account_id, Action.CANCEL, how, find, execute)
