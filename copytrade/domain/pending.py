"""Prices of a shadow: the copy of a pending order, which waits for the leader's order and never for the market (D30)."""

from decimal import Decimal

from copytrade.domain.stops import away_from_market
from copytrade.domain.values import LeaderEvent, LinkBook, Settings
from core.contracts import ContractSpec
from core.states import Side, TicketKind


def shadow_price(event: LeaderEvent, spec: ContractSpec) -> Decimal:
    """The price of a shadow in the follower's contract: the leader's, rounded to the tick away from the market.

    A limit thereby asks for no worse a price than the leader's.
    """
    above = (event.ticket_kind is TicketKind.STOP) is (event.side is Side.BUY)
    return away_from_market(event.price, spec, above=above)


def promised_price(event: LeaderEvent, settings: Settings, links: LinkBook, spec: ContractSpec) -> Decimal | None:
    """The limit that the follower's shadow had, when the leader's order was filled by joining a netting position.

    The shadow was taken back and the position's change is copied at market: never worse than the shadow's price, as if it
    had been filled itself. None where none waited, or where the copy goes the other way by now.
    """
    if event.absorbed is None or settings.reverse_direction:
        return None
    order, limit = event.absorbed
    if not links.was_closed(settings.subscription_id, order):
        return None
    return away_from_market(limit, spec, above=event.side is Side.SELL)


def fill_price(kind: TicketKind, side: Side, price: Decimal, now: Decimal) -> Decimal:
    """Where a shadow is filled when its leader's order is: at the price `now`, a limit never worse than its own `price`."""
    if kind is not TicketKind.LIMIT:
        return now
    return min(price, now) if side is Side.BUY else max(price, now)
