"""Copy orders as the portal shows them: with the refusal's sentence in the viewer's language."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise

from copytrade.models import CopyOrder
from copytrade.reasons import detail
from copytrade.selectors import copy_orders as seen_copy_orders
from copytrade.selectors import refusal_params
from core.rounding import half_even
from core.states import CopyStatus, Side
from portal.http import Viewer
from portal.reads import ROWS_SHOWN
from portal.words import ACTIONS


@dataclass(frozen=True, slots=True)
class CopyOrderRow:
    """One copy order. `latency_ms`: from when the leader's fill was known to the follower's, None when not measured.

    `leader_order` and `follower_login` name the story that it belongs to; None where no order of the leader caused it.
    """

    id: int
    time: datetime
    action: str
    symbol: str
    side: Side
    volume: Decimal
    status: CopyStatus
    reason: str
    detail: str
    latency_ms: Decimal | None
    leader_login: int
    follower_login: int
    leader_order: int | None

    @property
    def action_word(self) -> Promise | str:
        return ACTIONS.get(self.action, self.action)


def copy_orders(viewer: Viewer) -> list[CopyOrderRow]:
    """The last copy orders in which one of the shown accounts follows or leads, newest first."""
    orders = (
        seen_copy_orders(viewer.actor)
        .filter(Q(follower__in=viewer.shown) | Q(leader__in=viewer.shown))
        .select_related("leader", "follower")
        .order_by("-decided_at", "-id")[:ROWS_SHOWN]
    )
    return [_row(order) for order in orders]


def _row(order: Any) -> CopyOrderRow:
    return CopyOrderRow(
        id=order.pk,
        time=order.decided_at,
        action=order.action,
        symbol=order.follower_symbol or order.symbol,
        side=Side(order.side),
        volume=order.volume,
        status=CopyStatus(order.status),
        reason=order.reason,
        # The figures of a refusal belong to the follower; a leader reads the sentence without them.
        detail=detail(order.reason, refusal_params(order.params) if order.own else None),
        latency_ms=_latency(order),
        leader_login=order.leader.login,
        follower_login=order.follower.login,
        leader_order=order.leader_trade_id,
    )


def _latency(order: CopyOrder) -> Decimal | None:
    if order.known_at is None or order.filled_at is None:
        return None
    return half_even(Decimal((order.filled_at - order.known_at) // timedelta(microseconds=1)) / 1000, 1)
