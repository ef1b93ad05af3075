"""The leader's pending orders as shadows on the follower's account (D30).

A shadow is a pending record that the market never fills: it waits for the leader's order. Its link is `resting` until
then. It ends with the leader's order, or when the copy of the fill is refused.
"""

from dataclasses import replace
from decimal import Decimal

from copytrade.domain.codes import SkipReason
from copytrade.domain.guards import Skip
from copytrade.domain.pending import fill_price, shadow_price
from copytrade.domain.planner import EntryPlan, plan_resting
from copytrade.domain.stops import Stops, follower_stops
from copytrade.domain.values import Link
from copytrade.engine.hands import Hands
from copytrade.engine.outcome import Copy
from core.rounding import ZERO
from core.states import LinkState, Side
from trading.domain.execution import usable_quote
from trading.domain.filling import BAD_STOPS, stops_fit
from trading.domain.pending import CANCELLED, EXPIRED, modify_pending, place_pending, trigger_pending
from trading.domain.values import OrderRecord, QuoteNow, Refused, Ticket


def shadow_place(hands: Hands, copy: Copy, plan: EntryPlan) -> None:
    """A pending record with a resting link, or REJECTED. It needs no margin until it is filled."""
    event = copy.event
    price = shadow_price(replace(event, side=plan.side), plan.spec)
    result = place_pending(
        hands.journal, hands.market, copy.account, plan.spec, plan.side, event.ticket_kind, plan.volume, price,
        hands.instruction(copy), plan.sl, plan.tp, event.expiration_at,
    )  # fmt: skip
    if isinstance(result, Refused):
        hands.outcome.reject(copy, plan.spec.symbol, plan.volume, result.code)
        return
    order = result.ticket
    assert order is not None
    link = Link(
        id=None,
        subscription_id=copy.settings.subscription_id,
        follower_id=copy.account.id,
        leader_trade_id=event.trade_id,
        follower_trade_id=order.id,
        spec=plan.spec,
        side=plan.side,
        volume=plan.volume,
        opened_volume=plan.volume,
        entry_price=price,
        resting=True,
    )
    hands.stand.links.add(link)
    hands.outcome.link_new(link, order)
    hands.outcome.carried_out(copy, order, plan.volume, result)
    hands.outcome.finish(copy)


def shadow_modify(hands: Hands, copy: Copy) -> None:
    """Gives the shadow the price, stops and expiration of the leader's order; refused, it keeps what it has."""
    for link, order in _shadows(hands, copy):
        copy.side = link.side
        stops = follower_stops(
            copy.event,
            copy.settings,
            leader=hands.market.find(copy.event.symbol),
            spec=link.spec,
            side=link.side,
            fill=copy.event.price,
            kept=Stops(order.sl, order.tp),
        )
        price = shadow_price(copy.event, link.spec)
        result = modify_pending(
            hands.journal, hands.market, copy.account, order, price, stops.sl, stops.tp, copy.event.expiration_at,
            hands.instruction(copy),
        )  # fmt: skip
        if isinstance(result, Refused):
            hands.outcome.reject(copy, link.spec.symbol, order.volume, result.code, order)
            return
        link.entry_price = price
        hands.outcome.link_changed(link)
        hands.outcome.carried_out(copy, order, order.volume, result)
        hands.outcome.finish(copy)


def shadow_cancel(hands: Hands, copy: Copy) -> None:
    """Takes the shadow back because the leader's order was, because it expired, or because it was refused."""
    expires = copy.event.expiration_at
    mark = EXPIRED if expires is not None and expires <= copy.event.at else CANCELLED
    for link, order in _shadows(hands, copy):
        copy.side = link.side
        result = hands.end(copy, link, LinkState.CLOSED, mark)
        assert result is not None
        hands.outcome.carried_out(copy, order, order.volume, result)
        hands.outcome.finish(copy)


def entry_price(quote: QuoteNow, side: Side, shadow: Ticket | None) -> Decimal:
    """Where an entry of `side` would be filled at the quote; with a `shadow`, where that one would."""
    now = quote.entry_price(side)
    return now if shadow is None else fill_price(shadow.kind, side, shadow.open_price, now)


def shadow_fill(hands: Hands, copy: Copy, link: Link, order: Ticket, held: Ticket | None, price: Decimal) -> None:
    """Fills a shadow that the guards let pass at the price that they were asked with; refused, it ends.

    Joining a NETTING position `held`, which is of other copies or the follower's own, it brings no stops.
    """
    quote = usable_quote(hands.market, link.spec, copy.decided_at)
    assert quote is not None
    if held is not None:
        order.sl = order.tp = ZERO
    result: OrderRecord | Refused = BAD_STOPS
    if stops_fit(link.side, quote.exit_price(link.side), order.sl, order.tp):
        result = trigger_pending(hands.journal, hands.market, copy.account, order, price, hands.instruction(copy))
    if isinstance(result, Refused):
        hands.end(copy, link, LinkState.CLOSED)
        hands.outcome.reject(copy, link.spec.symbol, order.volume, result.code, order)
        return
    assert result.ticket is not None
    assert result.price is not None
    link.resting, link.entry_price = False, result.price
    link.commission += result.commission
    hands.outcome.link_moved(link, result.ticket)
    hands.outcome.fill(copy, link.spec.symbol, link.volume, result.ticket, result, hands.market)


def _shadows(hands: Hands, copy: Copy) -> list[tuple[Link, Ticket]]:
    """The shadows that the event is about; where there are none, what has to be told is told."""
    decision = plan_resting(copy.event, copy.settings, hands.stand.links)
    if isinstance(decision, Skip):
        hands.outcome.skip(copy, decision)
        return []
    found = [(link, hands.order_of(copy.account, link)) for link in decision]
    for link, order in found:
        if order is None:
            hands.end(copy, link, LinkState.CLOSED)
    waiting = [(link, order) for link, order in found if order is not None]
    if found and not waiting:
        hands.outcome.skip(copy, Skip(SkipReason.ALREADY_FLAT, {}))
    return waiting[:1]
