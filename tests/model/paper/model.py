"""What is asked of the copier apart from the leader's deeds: to close copies, to let them go, to copy what is there."""

from dataclasses import dataclass
from decimal import Decimal

from tests.model.paper.copying import Copying
from tests.model.paper.entering import Event
from tests.model.paper.house import ZERO, Account, Ticket
from tests.model.paper.links import ACTIVE, UNTRACKED, Link, Subscription

RETRY = "retry"
WAITS = (1, 2, 5, 10, 30, 60, 120, 300)
"""How many seconds an exit waits after each try that failed."""


@dataclass(eq=False)
class Asked:
    """A close of all that a link owns; another try of an exit that failed; or with an event, a copy of a position as if the
    leader had opened it now."""

    subscription: Subscription
    trade: Ticket
    link: Link | None = None
    way: str = ""
    event: Event | None = None
    due: int = 0
    tries: int = 0


class Model(Copying):
    """All that is known of copying. `answers` to what was asked: (subscription, leader's ticket, status, reason, lots)."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.answers: list[tuple[int, int | None, str, str, Decimal]] = []

    def ask_close(self, links: list[Link], way: str) -> None:
        """Somebody wants copies closed; wanting it twice in one way is wanting it once."""
        wanted = [a.link for a in self.asked if a.way == way]
        for s in self.subscriptions:
            for trade, of in s.links.items():
                self.asked += [Asked(s, trade, link, way) for link in of if link in links and link not in wanted]

    def ask_existing(self, s: Subscription) -> None:
        """Copies of what the leader holds and what was never copied for this subscription."""
        wanted = [a.trade for a in self.asked if a.event and a.subscription is s]
        for ticket in sorted(s.leader.tickets, key=lambda t: t.number or 0):
            if ticket not in s.links and ticket not in wanted:
                event = {
                    "kind": "OPEN", "trade": ticket, "symbol": ticket.symbol, "side": ticket.side, "before": ZERO,
                    "equity": self.equity(s.leader), "balance": s.leader.balance, "quote": self.quotes[ticket.symbol],
                    "at": self.now, "taken_in": None, "asked": True,
                }  # fmt: skip
                self.asked.append(Asked(s, ticket, event=event))

    def untrack(self, ticket: Ticket) -> None:
        """What is copied of a ticket is the customer's own from now on."""
        for link in self.all_links:
            if link.ticket is ticket and link.state == ACTIVE and not link.rests:
                link.end(UNTRACKED)

    def carry_out(self, leader: Account) -> None:
        """Does what was asked of this leader's copies, closes first."""
        mine = [a for a in self.asked if a.subscription.leader is leader and a.due <= self.now]
        self.asked = [a for a in self.asked if a not in mine]
        for a in mine:
            if a.link is not None and a.way == RETRY:
                self._retry(a, a.link)
            elif a.link is not None:
                self._answer(a, self._close(a, a.link))
        for a in mine:
            if a.event is not None and a.trade not in a.subscription.links:
                self._answer(a, self._copy_existing(a.subscription, a.trade, a.event))

    def _close(self, a: Asked, link: Link) -> tuple[str, str, Decimal]:
        if link.state != ACTIVE:
            return "SKIPPED", "ALREADY_FLAT", ZERO
        lots = link.lots
        if link.ticket.symbol in self.stale:
            self.owe(a.subscription, a.trade, link, lots)
            return "REJECTED", "RET_TRADE_OFFQUOTES", lots
        self.sell(a.subscription.follower, link.ticket, lots, hand=False)
        link.give(lots)
        return "FILLED", "", lots

    def owe(self, s: Subscription, trade: Ticket, link: Link, lots: Decimal) -> None:
        link.owed = min(link.lots, link.owed + lots)
        if not any(a.link is link and a.way == RETRY for a in self.asked):
            self.asked.append(Asked(s, trade, link, RETRY, due=self.now + WAITS[0], tries=1))

    def _retry(self, a: Asked, link: Link) -> None:
        """At most what is owed; later and later while it cannot be done, and nothing where nothing is owed any more."""
        if not link.owed:
            return
        if link.ticket.symbol in self.stale:
            a.tries += 1
            a.due = self.now + WAITS[min(a.tries, len(WAITS)) - 1]
            self.asked.append(a)
            return
        lots, link.owed = link.owed, ZERO
        self.sell(a.subscription.follower, link.ticket, lots, hand=False)
        link.give(lots)
        self._answer(a, ("FILLED", "", lots))

    def _copy_existing(self, s: Subscription, trade: Ticket, event: Event) -> tuple[str, str, Decimal]:
        if trade not in s.leader.tickets:
            return "SKIPPED", "CLOSED_BEFORE_COPY", ZERO
        event |= {"after": trade.lots, "sl": trade.sl, "tp": trade.tp, "side": trade.side}
        return self.enter(s, event, gone=False)

    def _answer(self, a: Asked, told: tuple[str, str, Decimal]) -> None:
        self.answers.append((a.subscription.name, a.trade.number, *told))
