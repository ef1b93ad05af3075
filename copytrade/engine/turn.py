"""What one turn decides and carries out, on working values: every event for all followers, nothing written yet.

Events are taken strictly in `seq`, each for all followers in the fair order. What was decided is carried out at once, so
later decisions of the turn see it.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from copytrade.domain.codes import SkipReason
from copytrade.domain.contracts import Offer
from copytrade.domain.fair import fair_place, held_quote
from copytrade.domain.guards import Entry, Skip
from copytrade.domain.pending import fill_price, promised_price
from copytrade.domain.planner import EntryPlan, ExitPlan, Release, adds_risk, is_entry_for, plan_entry, plan_exit
from copytrade.domain.values import LeaderEvent, Link, Settings
from copytrade.engine.hands import Hands
from copytrade.engine.outcome import Copy, Outcome
from copytrade.engine.reads import Claim, Stand
from copytrade.engine.resting import entry_price, shadow_cancel, shadow_fill, shadow_modify, shadow_place
from copytrade.engine.rules import entry_note
from copytrade.engine.stops import stops_change
from copytrade.ports import entry_risk
from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import EventKind, LinkState, TicketKind
from trading.domain.execution import close_market, open_market, usable_quote
from trading.domain.valuation import Picture, picture
from trading.domain.values import OrderRecord, QuoteNow, Refused, Ticket, average_price

logger = logging.getLogger("copytrade.engine")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Muster:
    """Which of a shard's subscriptions a turn is about: `only` these (None: all), and those that are `set_aside`.

    A subscription is set aside when its event cannot be carried out at all: it gets EVENT_FAILED, the others go on.
    """

    only: frozenset[int] | None = None
    set_aside: frozenset[int] = frozenset()

    def of(self, settings: Collection[Settings]) -> list[Settings]:
        return [s for s in settings if self.only is None or s.subscription_id in self.only]


ALL = Muster()


def turn_decide(claim: Claim, stand: Stand | None, clock: Clock, muster: Muster = ALL) -> Outcome:
    """Decides and carries out everything the claim has for the mustered subscriptions."""
    outcome = Outcome(claim=claim, stand=stand)
    if stand is None:
        return outcome
    closed_at = {
        event.trade_id: event.seq for event in claim.events if event.kind in (EventKind.CLOSE, EventKind.CANCEL)
    }
    turn = Turn(Hands(stand, outcome), clock, muster.set_aside, closed_at)
    members = muster.of(stand.settings)
    for event in claim.events:
        line = sorted((fair_place(event.id, s.subscription_id), s.subscription_id, s) for s in members)
        for place, _number, settings in line:
            turn.copy(event, settings, place)
    return outcome


@dataclass(slots=True)
class Turn:
    """The working state of a turn; a command's turn uses `enter` and `close` as well."""

    hands: Hands
    clock: Clock
    set_aside: frozenset[int]
    closed_at: dict[int, int] = field(default_factory=dict)

    @property
    def stand(self) -> Stand:
        return self.hands.stand

    @property
    def outcome(self) -> Outcome:
        return self.hands.outcome

    def copy(self, event: LeaderEvent, settings: Settings, place: int) -> None:
        """Decides and carries out one event for one follower; leaves one copy order, or none where it is no business."""
        linked = self.stand.links.active(settings.subscription_id, event.trade_id)
        resting = [link for link in linked if link.resting]
        if adds_risk(event) and not resting and not is_entry_for(event, settings):
            return
        account = self.stand.desk.accounts[settings.follower_id]
        copy = Copy(event, settings, account, place, self.clock(), side=event.side)
        if settings.subscription_id in self.set_aside:
            self._fail(copy)
        elif event.kind is EventKind.OPEN and resting:
            self._fill(copy, resting[0])
        elif adds_risk(event):
            self.enter(copy)
        elif event.kind is EventKind.CANCEL:
            shadow_cancel(self.hands, copy)
        elif event.kind is EventKind.MODIFY and event.ticket_kind is not TicketKind.MARKET:
            shadow_modify(self.hands, copy)
        elif event.kind is EventKind.MODIFY:
            stops_change(self.hands, copy)
        else:
            self._exit(copy)

    def _fail(self, copy: Copy) -> None:
        """Sets one event aside for one subscription; an exit keeps its link and is tried again on its own."""
        linked = self.stand.links.active(copy.settings.subscription_id, copy.event.trade_id)
        if adds_risk(copy.event) or linked:
            logger.critical("event %s failed for subscription %s", copy.event.id, copy.settings.subscription_id)
            self.outcome.skip(copy, Skip(SkipReason.EVENT_FAILED, {}))
        if copy.event.kind.is_exit and linked:
            plan = plan_exit(copy.event, copy.settings, self.stand.links)
            for link, share in plan.shares if isinstance(plan, ExitPlan) else ():
                self.outcome.owe(copy, link, share, SkipReason.EVENT_FAILED.value)

    def enter(self, copy: Copy) -> None:
        """Decides an entry and carries it out."""
        event, settings = copy.event, copy.settings
        copy.side = event.side.opposite if settings.reverse_direction else event.side
        linked = self._linked_contract(copy)
        offer = self.stand.offers.first(settings, event.symbol, linked)
        decision, held = self._examine(copy, offer)
        if isinstance(decision, Skip) and decision.reason is SkipReason.ROUNDED_TO_ZERO and linked is None:
            smaller = self.stand.offers.smaller(settings, event.symbol, offer)
            if smaller is not None:
                decision, held = self._examine(copy, smaller)
        if isinstance(decision, Skip):
            self.outcome.skip(copy, decision)
        else:
            self._place(copy, decision, held)
        if event.kind is EventKind.PLACE:
            return
        spec = offer.spec if isinstance(decision, Skip) else decision.spec
        entry_note(self.stand, self.outcome.claim, copy, spec, held)

    def _fill(self, copy: Copy, link: Link) -> None:
        """The leader's pending order was filled: so is the copy that rests, if the guards of an entry let it."""
        copy.side, order = link.side, self.hands.order_of(copy.account, link)
        if order is None:
            self.hands.end(copy, link, LinkState.CLOSED)
            self.outcome.skip(copy, Skip(SkipReason.ALREADY_FLAT, {}))
            return
        offer = self.stand.offers.first(copy.settings, copy.event.symbol, link.spec)
        decision, held = self._examine(copy, offer, order)
        if isinstance(decision, Skip):
            self.hands.end(copy, link, LinkState.CLOSED)
            self.outcome.skip(copy, decision)
        else:
            shadow_fill(self.hands, copy, link, order, held, decision.price)
        entry_note(self.stand, self.outcome.claim, copy, link.spec, held)

    def _linked_contract(self, copy: Copy) -> ContractSpec | None:
        """The contract in which an increase's position is held."""
        if copy.event.kind is not EventKind.INCREASE:
            return None
        own = self.stand.links.active(copy.settings.subscription_id, copy.event.trade_id)
        return own[0].spec if own else None

    def _examine(
        self, copy: Copy, offer: Offer, shadow: Ticket | None = None
    ) -> tuple[EntryPlan | Skip, Ticket | None]:
        """Whether an entry is placed in the offered contract, and the netting position that it would join.

        A `shadow` that is to be filled has its volume already.
        """
        event, settings, account = copy.event, copy.settings, copy.account
        market, spec, side = self.stand.desk.market, offer.spec, copy.side
        quote = None if spec is None else self._quote(copy, spec)
        held = account.position(spec) if spec is not None and account.netting else None
        before: Picture = picture(account, market)
        rules = self.stand.rules
        decision = plan_entry(
            Entry(
                event=event,
                settings=settings,
                links=self.stand.links,
                side=side,
                spec=spec,
                quote_price=None if quote is None else self._price(copy, offer, quote, shadow),
                event_price=event.ask if side.sign > 0 else event.bid,
                held_side=None if held is None else held.side,
                equity=before.equity,
                balance=account.balance,
                priced=before.complete,
                leader_rate=market.rate(settings.leader_currency, account.currency),
                closed_later=self.closed_at.get(event.trade_id, 0) > event.seq,
                at=copy.decided_at,
                volume=ZERO if shadow is None else shadow.volume,
                leader_spec=market.find(event.symbol),
                offer=offer,
                closing=spec is not None and (account.id, spec.id) in self.stand.closing,
                quarantined=spec is not None and rules.quarantines.holds(account.id, spec.symbol),
                locked=not account.enabled,
                risk_rule="" if spec is None else entry_risk(account, market, spec, side),
                stop=rules.stops.get(settings.subscription_id),
            )
        )
        return decision, held

    def _quote(self, copy: Copy, spec: ContractSpec) -> QuoteNow | None:
        """What the copy is filled at: the leader's quote while it is held (X12), else the one in force."""
        quote = usable_quote(self.stand.desk.market, spec, copy.decided_at)
        held = held_quote(copy.event, spec.symbol, copy.decided_at)
        return quote if quote is None or held is None else QuoteNow(*held, quote.at)

    def _price(self, copy: Copy, offer: Offer, quote: QuoteNow, shadow: Ticket | None) -> Decimal:
        """Where an entry in the offered contract would be filled now."""
        assert offer.spec is not None
        now = entry_price(quote, copy.side, shadow)
        promised = promised_price(copy.event, copy.settings, self.stand.links, offer.spec)
        return now if promised is None else fill_price(TicketKind.LIMIT, copy.side, promised, now)

    def _place(self, copy: Copy, plan: EntryPlan, held: Ticket | None) -> None:
        """Places an entry; `held` is the netting position that it joins."""
        if copy.event.kind is EventKind.PLACE:
            shadow_place(self.hands, copy, plan)
            return
        how = self.hands.instruction(copy)
        market, journal = self.stand.desk.market, self.outcome.journal
        own = None if held is None else self._link_on(copy, held)
        # Stops guard the whole ticket, so they are copied only while all of it is this one copy (D31).
        alone = held is None or (own is not None and own.volume == held.volume)
        sl, tp = (plan.sl, plan.tp) if alone else (ZERO, ZERO)
        quote = self._quote(copy, plan.spec)
        result = open_market(
            journal, market, copy.account, plan.spec, plan.side, plan.volume, how, sl, tp, plan.price, quote
        )
        if isinstance(result, Refused):
            self.outcome.reject(copy, plan.spec.symbol, plan.volume, result.code)
            return
        ticket = result.ticket
        assert ticket is not None
        assert result.price is not None
        if own is not None:
            own.entry_price = average_price(own.volume, own.entry_price, plan.volume, result.price)
            own.volume += plan.volume
            own.opened_volume += plan.volume
            own.commission += result.commission
            self.outcome.link_changed(own)
        else:
            self._link(copy, plan, ticket, result)
        self.outcome.fill(copy, plan.spec.symbol, plan.volume, ticket, result, market)

    def _link(self, copy: Copy, plan: EntryPlan, ticket: Ticket, result: OrderRecord) -> None:
        assert result.price is not None
        link = Link(
            id=None,
            subscription_id=copy.settings.subscription_id,
            follower_id=copy.account.id,
            leader_trade_id=copy.event.trade_id,
            follower_trade_id=ticket.id,
            spec=plan.spec,
            side=plan.side,
            volume=plan.volume,
            opened_volume=plan.volume,
            entry_price=result.price,
            commission=result.commission,
        )
        self.stand.links.add(link)
        self.outcome.link_new(link, ticket)

    def _link_on(self, copy: Copy, held: Ticket) -> Link | None:
        """The copy's own link on a position: an increase of the same trade adds to it."""
        own = self.stand.links.active(copy.settings.subscription_id, copy.event.trade_id)
        return next((link for link in own if self.hands.ticket_of(copy.account, link) is held), None)

    def _exit(self, copy: Copy) -> None:
        decision = plan_exit(copy.event, copy.settings, self.stand.links)
        if decision is None:
            return
        if isinstance(decision, Release):
            for link in decision.links:
                self.hands.end(copy, link, LinkState.UNTRACKED)
            self.outcome.skip(copy, decision.skip)
        elif isinstance(decision, Skip):
            self.outcome.skip(copy, decision)
        else:
            self.close(copy, decision)

    def close(self, copy: Copy, plan: ExitPlan) -> None:
        """Takes each link's share off its ticket, never more than the ticket holds (exit cap, R058)."""
        market, journal, account = self.stand.desk.market, self.outcome.journal, copy.account
        for leg, (link, share) in enumerate(plan.shares):
            copy.side = link.side.opposite
            ticket = self.hands.ticket_of(account, link)
            if ticket is None:
                self.hands.end(copy, link, LinkState.CLOSED)
                continue
            amount = min(share, ticket.volume)
            how, quote = self.hands.instruction(copy, leg), self._quote(copy, ticket.spec)
            result = close_market(journal, market, account, ticket, amount, how, quote=quote)
            if isinstance(result, Refused):
                self.outcome.reject(copy, link.spec.symbol, amount, result.code, ticket)
                for owing, rest in plan.shares[leg:]:
                    self.outcome.owe(copy, owing, rest, result.code)
                return
            link.volume -= share
            link.realised += result.profit
            link.commission += result.commission
            self.outcome.link_changed(link)
            if not link.volume or ticket not in account.tickets:
                self.hands.end(copy, link, LinkState.CLOSED)
            self.outcome.fill(copy, link.spec.symbol, amount, ticket, result, market)
        self.outcome.finish(copy)
