"""Copying, as a person with pencil and paper would do it: slow, without a database, and knowing nothing of the product."""

from decimal import Decimal
from fractions import Fraction

from tests.model.paper.entering import Event, down, up
from tests.model.paper.house import MARKET, STEP, ZERO, Account, Ticket
from tests.model.paper.links import ACTIVE, CLOSED, UNTRACKED, Link, Subscription
from tests.model.paper.resting import Resting


class Copying(Resting):
    """Who copies whom, and all that the leader's deeds bring about."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, int] = {}  # how much of each leader's log has been copied

    def copy(self, leader: Account) -> None:
        """Everything that the leader did since the last time, for everybody who copies it."""
        start = self.read.get(leader.name, 0)
        for seq, event in enumerate(leader.log[start:], start + 1):
            if event["kind"] == "BALANCE":
                continue
            later = leader.log[seq:]
            gone = any(e["kind"] in ("CLOSE", "CANCEL") and e["trade"] is event["trade"] for e in later)
            for s in self.subscriptions:
                if s.leader is leader:
                    self._copy(s, seq, event, gone)
        self.read[leader.name] = len(leader.log)
        self.review()

    def _copy(self, s: Subscription, seq: int, event: Event, gone: bool) -> None:
        if event["kind"] == "CHANGE":
            self.shadow_change(s, seq, event)
        elif event["kind"] == "CANCEL":
            self.shadow_end(s, seq, event)
        elif event["kind"] == "MODIFY":
            self._restop(s, seq, event)
        elif event["kind"] in ("REDUCE", "CLOSE"):
            self._leave(s, seq, event)
        elif s.ended or seq < s.first:
            return
        elif event["kind"] == "PLACE":
            self.shadow_place(s, seq, event, gone)
        elif s.resting(event["trade"]):
            self.shadow_fill(s, seq, event, gone)
        else:
            s.told[seq] = self.enter(s, event, gone)

    def _restop(self, s: Subscription, seq: int, event: Event) -> None:
        links = s.active(event["trade"])
        whole = [k for k in links if k.lots == k.ticket.lots]
        reasons = {
            "ALREADY_FLAT": not links,
            "COPY_MODE": s.settings["copy_mode"] == 1,
            "STOPS_NOT_COPIED": not (s.settings["copy_sl"] or s.settings["copy_tp"]) or not whole,
        }
        if not links and not s.was_closed(event["trade"]):
            return
        reason = next((reason for reason, holds in reasons.items() if holds), "")
        if reason:
            s.told[seq] = ("SKIPPED", reason, ZERO)
            return
        done, refused = ZERO, False
        for link in whole:
            if self.set_stops(s.follower, link.ticket, *self.stops_for(s, event, link.ticket.sl, link.ticket.tp)):
                done += link.lots
            else:
                refused = True
        s.told[seq] = ("REJECTED", "RET_TRADE_BAD_STOPS", done) if refused else ("FILLED", "", done)

    def _leave(self, s: Subscription, seq: int, event: Event) -> None:
        links = s.active(event["trade"])
        if not links:
            if s.was_closed(event["trade"]):
                s.told[seq] = ("SKIPPED", "ALREADY_FLAT", ZERO)
            return
        if s.settings["copy_mode"] == 1:
            if event["kind"] == "CLOSE":
                self.let_go(links)
            s.told[seq] = ("SKIPPED", "COPY_MODE", ZERO)
            return
        if event["kind"] == "REDUCE" and not s.settings["copy_partial_close"]:
            s.told[seq] = ("SKIPPED", "PARTIAL_NOT_COPIED", ZERO)
            return
        # What is owed is not there any more for a part, but goes with the whole.
        own = {k: k.lots - k.owed if event["kind"] == "REDUCE" else k.lots for k in links}
        owned = sum(own.values(), ZERO)
        share = Fraction(event["before"] - event["after"]) / Fraction(event["before"])
        wanted = min(owned, up(Fraction(owned) * share))
        parts = {}
        for link in links:
            if min(own[link], wanted):
                parts[link] = min(own[link], wanted)
                wanted -= parts[link]
        if not parts:
            s.told[seq] = ("SKIPPED", "ALREADY_FLAT", ZERO)
        elif event["symbol"] in self.stale:
            s.told[seq] = ("REJECTED", "RET_TRADE_OFFQUOTES", next(iter(parts.values())))
            for link, part in parts.items():
                self.owe(s, event["trade"], link, part)
        else:
            for link, part in parts.items():
                self.sell(s.follower, link.ticket, part, hand=False, price=self.fill_price(event, -link.ticket.side))
                link.give(part)
            s.told[seq] = ("FILLED", "", sum(parts.values(), ZERO))

    def owe(self, s: Subscription, trade: Ticket, link: Link, lots: Decimal) -> None:
        """An exit could not be made: it is tried again."""

    @staticmethod
    def let_go(links: list[Link]) -> None:
        for link in links:
            link.end(UNTRACKED)

    def somebody_took(self, ticket: Ticket) -> None:
        """Lots that nobody owns go first; then every link loses its share in whole steps, the largest remainders one
        step more. A shadow that is taken back is gone."""
        links = [k for k in self.all_links if k.ticket is ticket and k.state == ACTIVE]
        if ticket.copied and ticket.kind != MARKET:
            for link in links:
                link.end(CLOSED)
            return
        owned = sum((k.lots for k in links), ZERO)
        loss = max(ZERO, owned - ticket.lots) if ticket.lots else owned
        if not loss:
            return
        exact = [Fraction(loss) * Fraction(k.lots) / Fraction(owned) for k in links]
        parts = [down(e) for e in exact]
        by_remainder = sorted(range(len(links)), key=lambda i: (Fraction(parts[i]) - exact[i], i))
        for i in by_remainder[: int((loss - sum(parts)) / STEP)]:
            parts[i] += STEP
        for link, part in zip(links, parts, strict=True):
            link.give(part)
