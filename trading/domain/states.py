"""What may happen to a trade record: one table, asked before every change and shown in docs/algorithms/orders.md."""

from enum import StrEnum

from core.states import TicketKind, TradeState
from trading.domain.values import Ticket


class Stage(StrEnum):
    """Where a record stands in its life."""

    NEW = "NEW"
    PENDING = "PENDING"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    CLOSED_PART = "CLOSED_PART"
    DELETED = "DELETED"

    @property
    def state(self) -> TradeState:
        """The state on the wire; pending orders and open positions share 0 and differ by their `cmd`."""
        return _STATES[self]


_STATES = {
    Stage.NEW: TradeState.OPEN_REQUESTED,
    Stage.PENDING: TradeState.OPEN,
    Stage.OPEN: TradeState.OPEN,
    Stage.CLOSED: TradeState.CLOSED,
    Stage.CLOSED_PART: TradeState.CLOSED_PART,
    Stage.DELETED: TradeState.DELETED,
}


class Trigger(StrEnum):
    """What moves a record on."""

    OPEN = "OPEN"  # a market order made it
    PLACE = "PLACE"  # a pending order made it
    SPLIT = "SPLIT"  # a partial close split it off
    MODIFY = "MODIFY"  # price, stops or expiration were changed
    FILL = "FILL"  # the market reached a pending order's price
    MERGE = "MERGE"  # the same, but a netting position took the volume in
    CANCEL = "CANCEL"  # somebody took a pending order back
    EXPIRE = "EXPIRE"  # nobody did, and its time came
    REFUSE = "REFUSE"  # its price came, but the house could not fill it
    INCREASE = "INCREASE"  # a netting position grew
    REDUCE = "REDUCE"  # a part was closed
    CLOSE = "CLOSE"  # all of it was closed: by hand, by a stop, by stop-out


TRANSITIONS: dict[tuple[Stage, Trigger], Stage] = {
    (Stage.NEW, Trigger.OPEN): Stage.OPEN,
    (Stage.NEW, Trigger.PLACE): Stage.PENDING,
    (Stage.NEW, Trigger.SPLIT): Stage.CLOSED_PART,
    (Stage.PENDING, Trigger.MODIFY): Stage.PENDING,
    (Stage.PENDING, Trigger.FILL): Stage.OPEN,
    (Stage.PENDING, Trigger.MERGE): Stage.DELETED,
    (Stage.PENDING, Trigger.CANCEL): Stage.DELETED,
    (Stage.PENDING, Trigger.EXPIRE): Stage.DELETED,
    (Stage.PENDING, Trigger.REFUSE): Stage.DELETED,
    (Stage.OPEN, Trigger.MODIFY): Stage.OPEN,
    (Stage.OPEN, Trigger.INCREASE): Stage.OPEN,
    (Stage.OPEN, Trigger.REDUCE): Stage.OPEN,
    (Stage.OPEN, Trigger.CLOSE): Stage.CLOSED,
}
"""Where a trigger leads. What is not in the table is refused with `RET_TRADE_INCORRECT_STATE`."""


def stage_of(ticket: Ticket) -> Stage:
    """Where a stored record stands."""
    if ticket.state is TradeState.OPEN:
        return Stage.OPEN if ticket.kind is TicketKind.MARKET else Stage.PENDING
    return _STAGES[ticket.state]


_STAGES = {
    TradeState.CLOSED: Stage.CLOSED,
    TradeState.CLOSED_PART: Stage.CLOSED_PART,
    TradeState.DELETED: Stage.DELETED,
}


def permits(ticket: Ticket, trigger: Trigger) -> bool:
    """Whether the table lets this happen to the record."""
    return (stage_of(ticket), trigger) in TRANSITIONS


def advance(ticket: Ticket, trigger: Trigger) -> None:
    """Moves the record on; what the table does not hold is a fault of the caller, who asks `permits` before."""
    stage = TRANSITIONS[stage_of(ticket), trigger]
    ticket.state = stage.state
    if stage is Stage.OPEN:
        ticket.kind = TicketKind.MARKET
