"""New limit and stop orders of one account."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core.errors import invalid
from core.rounding import ZERO
from core.states import Origin, Reason, Side, TicketKind
from trading.domain.execution import Instruction
from trading.domain.pending import place_pending
from trading.domain.values import Journal, OrderRecord, Refused
from trading.ports import Action
from trading.services.orders.run import Aim, OrderAnswer, Refusal, Table, order_run


def order_open_pending(
    *,
    account_id: int,
    symbol: str,
    side: Side,
    kind: TicketKind,
    volume: Decimal,
    open_price: Decimal,
    at: datetime,
    sl: Decimal = ZERO,
    tp: Decimal = ZERO,
    expiration_at: datetime | None = None,
    comment: str = "",
    origin: Origin = Origin.MANUAL,
    reason: Reason = Reason.CLIENT,
    client_order_id: str | None = None,
    request_hash: str = "",
) -> OrderAnswer | Refusal:
    """A limit or stop order of `volume` lots that waits for `open_price`.

    Raises 400 INVALID_DATA for an unknown symbol and for an expiration that is not in the future.
    """
    how = Instruction(origin, at, reason, comment, client_order_id, request_hash)

    def find(table: Table) -> Aim:
        aim = table.contract(symbol)
        check_expiration(expiration_at, at)
        return aim

    def execute(table: Table, aim: Aim, journal: Journal) -> OrderRecord | Refused:
        return place_pending(
            journal, table.market, table.account, aim.spec, side, kind, volume, open_price, how, sl, tp, expiration_at
        )

    return order_run(
        account_id, Action.PLACE, how, find, execute, symbols=[symbol], side=side, volume=volume
    )  # fmt: skip


def check_expiration(expiration_at: datetime | None, at: datetime) -> None:
    """400 INVALID_DATA unless the order may wait for a while."""
    if expiration_at is not None and expiration_at <= at:
        raise invalid("expiration", _("must be in the future"))
