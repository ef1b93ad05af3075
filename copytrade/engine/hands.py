"""The small steps that copies of every kind share: find what a link owns, name an order, end a link."""

from dataclasses import dataclass

from copytrade.domain.values import Link
from copytrade.engine.outcome import Copy, Outcome
from copytrade.engine.reads import Stand
from core.ids import copy_client_order_id
from core.states import LinkState, Origin, Reason
from trading.domain.execution import Instruction
from trading.domain.pending import CANCELLED, cancel_pending
from trading.domain.values import AccountState, Journal, Market, OrderRecord, Ticket

SHADOW_LEG = 90
"""The leg of the order that takes a shadow back: beyond those of any exit."""


@dataclass(slots=True)
class Hands:
    """What a turn works on."""

    stand: Stand
    outcome: Outcome

    @property
    def market(self) -> Market:
        return self.stand.desk.market

    @property
    def journal(self) -> Journal:
        return self.outcome.journal

    def linked(self, copy: Copy) -> list[Link]:
        """The copy's active links with the leader's trade, oldest first."""
        return self.stand.links.active(copy.settings.subscription_id, copy.event.trade_id)

    def ticket_of(self, account: AccountState, link: Link) -> Ticket | None:
        """The open ticket that a link has a part of; None when it is open no more."""
        opened = self.outcome.ticket_of(link)
        if opened is not None:
            return opened if opened in account.tickets else None
        return None if link.follower_trade_id is None else account.ticket(link.follower_trade_id)

    def order_of(self, account: AccountState, link: Link) -> Ticket | None:
        """The pending record that a resting link has; None when it waits no more."""
        placed = self.outcome.ticket_of(link)
        if placed is not None:
            return placed if placed in account.pending else None
        return None if link.follower_trade_id is None else account.pending_order(link.follower_trade_id)

    def end(self, copy: Copy, link: Link, state: LinkState, mark: str = CANCELLED) -> OrderRecord | None:
        """Ends a link; a resting one takes its pending record along, and gives the order that ended it."""
        order = self.order_of(copy.account, link) if link.resting else None
        self.outcome.link_end(link, state)
        if copy.settings.ended:
            self.outcome.perhaps_free.add(link.follower_id)
        if order is None:
            return None
        how = self.instruction(copy, SHADOW_LEG)
        result = cancel_pending(self.journal, copy.account, order, how, mark, self.market)
        assert isinstance(result, OrderRecord)
        return result

    def instruction(self, copy: Copy, leg: int = 0) -> Instruction:
        """What an order of the copy is labelled with; each needs a leg of its own."""
        return Instruction(
            origin=Origin.COPY,
            at=copy.decided_at,
            reason=Reason.SIGNAL,
            client_order_id=copy_client_order_id(
                source_kind=copy.event.source_kind,
                source_id=copy.event.id,
                subscription_id=copy.settings.subscription_id,
                leg=leg,
            ),
        )
