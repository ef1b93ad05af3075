"""The leader's changed stops, carried out on the follower's tickets (D31)."""

from copytrade.domain.codes import SkipReason
from copytrade.domain.guards import Skip
from copytrade.domain.planner import plan_stops
from copytrade.domain.stops import Stops, follower_stops
from copytrade.engine.hands import Hands
from copytrade.engine.outcome import Copy
from core.states import LinkState
from trading.domain.execution import modify_stops
from trading.domain.values import Refused


def stops_change(hands: Hands, copy: Copy) -> None:
    """Gives every ticket that one link owns all of the leader's stops, and leaves a shared one alone.

    A ticket whose new stop is refused keeps its old ones; the others are changed all the same.
    """
    decision = plan_stops(copy.event, copy.settings, hands.stand.links)
    if decision is None:
        return
    if isinstance(decision, Skip):
        hands.outcome.skip(copy, decision)
        return
    leader = hands.market.find(copy.event.symbol)
    refused, shared = "", False
    for leg, link in enumerate(decision.links):
        copy.side, ticket = link.side, hands.ticket_of(copy.account, link)
        if ticket is None:
            hands.end(copy, link, LinkState.CLOSED)
            continue
        if link.volume != ticket.volume:
            shared = True
            continue
        stops = follower_stops(
            copy.event,
            copy.settings,
            leader=leader,
            spec=link.spec,
            side=link.side,
            fill=link.entry_price,
            kept=Stops(ticket.sl, ticket.tp),
        )
        how = hands.instruction(copy, leg)
        result = modify_stops(hands.journal, hands.market, copy.account, ticket, stops.sl, stops.tp, how)
        if isinstance(result, Refused):
            refused = refused or result.code
            copy.ticket = copy.ticket or ticket
        else:
            hands.outcome.carried_out(copy, ticket, link.volume, result)
    if refused:
        hands.outcome.reject(copy, decision.links[0].spec.symbol, copy.volume, refused)
    elif shared and not copy.orders:
        hands.outcome.skip(copy, Skip(SkipReason.STOPS_NOT_COPIED, {}))
    else:
        hands.outcome.finish(copy)
