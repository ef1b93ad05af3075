"""How the leader's pending orders are copied: as shadows, which wait for the leader's order and never for the market."""

from tests.model.paper.entering import Entering, Event
from tests.model.paper.house import ZERO, Ticket
from tests.model.paper.links import CLOSED, UNTRACKED, Link, Subscription


class Resting(Entering):
    """Shadows, from the leader's order to its end."""

    def shadow_place(self, s: Subscription, seq: int, event: Event, gone: bool) -> None:
        reason, lots = self.refusal(s, event, event["side"], event["price"], gone)
        if reason:
            s.told[seq] = ("SKIPPED", reason, ZERO)
            return
        shadow = Ticket(
            event["symbol"], event["side"], lots, event["price"], *self.stops_for(s, event, ZERO, ZERO),
            kind=event["waits"], expires=event["expires"], copied=True,
        )  # fmt: skip
        self.link(s, event["trade"], Link(self.place(s.follower, shadow), lots, rests=True))
        s.told[seq] = ("FILLED", "", lots)

    def shadow_change(self, s: Subscription, seq: int, event: Event) -> None:
        for link in s.resting(event["trade"]):
            sl, tp = self.stops_for(s, event, link.ticket.sl, link.ticket.tp)
            changed = self.reshape(s.follower, link.ticket, event["price"], sl, tp, event["expires"])
            s.told[seq] = ("FILLED", "", link.lots) if changed else ("REJECTED", "RET_TRADE_BAD_STOPS", link.lots)
            return
        self._perhaps_flat(s, seq, event)

    def shadow_end(self, s: Subscription, seq: int, event: Event) -> None:
        for link in s.resting(event["trade"]):
            s.told[seq] = ("FILLED", "", link.lots)
            self._take_back(s, link, CLOSED)
            return
        self._perhaps_flat(s, seq, event)

    def shadow_fill(self, s: Subscription, seq: int, event: Event, gone: bool) -> None:
        """The leader's order is filled, and so is its shadow if the guards of an entry let it; else it ends."""
        (link,) = s.resting(event["trade"])
        shadow, lots = link.ticket, link.lots
        price = self.fill_price(event, shadow.side, shadow)
        reason, _lots = self.refusal(s, event, shadow.side, price, gone, shadow)
        self.note(s, shadow.symbol, shadow.side, reason)
        if reason:
            s.told[seq] = ("SKIPPED", reason, ZERO)
            self._take_back(s, link, CLOSED)
            return
        if s.follower.position(shadow.symbol) is not None:
            shadow.sl = shadow.tp = ZERO  # stops guard all of a ticket, and this one is not only the copy's
        if not self.stops_fit_now(shadow.symbol, shadow.side, shadow.sl, shadow.tp):
            s.told[seq] = ("REJECTED", "RET_TRADE_BAD_STOPS", lots)
            self._take_back(s, link, CLOSED)
            return
        ticket = self.fill(s.follower, shadow, price, hand=False)
        assert ticket is not None, "an entry never reduces"
        link.ticket, link.rests = ticket, False
        s.told[seq] = ("FILLED", "", lots)

    def review(self) -> None:
        """Nothing waits where copying rests or has ended, in quarantine, or where orders are not wanted."""
        for s in self.subscriptions:
            of = s.settings
            rests = s.ended or not of["enabled"] or of["status"] != 0 or not self.module_on
            off = bool({s.leader.name, s.follower.name} & self.switched_off)
            if rests or off or not of["copy_pending_orders"] or of["reverse_direction"]:
                unwanted = s.resting()
            else:
                unwanted = [k for k in s.resting() if (s.follower.name, k.ticket.symbol) in self.quarantined]
            for link in unwanted:
                self._take_back(s, link, UNTRACKED)

    def _take_back(self, s: Subscription, link: Link, state: str) -> None:
        self.withdraw(s.follower, link.ticket, hand=False)
        link.end(state)

    @staticmethod
    def _perhaps_flat(s: Subscription, seq: int, event: Event) -> None:
        if not s.active(event["trade"]) and s.was_closed(event["trade"]):
            s.told[seq] = ("SKIPPED", "ALREADY_FLAT", ZERO)
