"""Who copies whom, and what is whose of which ticket."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.model.paper.house import Account, Ticket

ACTIVE, CLOSED, UNTRACKED = "ACTIVE", "CLOSED", "UNTRACKED"


@dataclass(eq=False)
class Link:
    """A subscription's part of a ticket, or the copy of a pending order that rests. `lots` is 0 once it has ended; of them
    so many as are `owed` should have been closed already."""

    ticket: Ticket
    lots: Decimal
    state: str = ACTIVE
    rests: bool = False
    owed: Decimal = Decimal(0)

    def end(self, state: str) -> None:
        self.lots, self.owed, self.state = Decimal(0), Decimal(0), state

    def give(self, lots: Decimal) -> None:
        """Loses lots, and ends with the last one."""
        self.lots -= lots
        self.owed = min(self.owed, self.lots)
        if not self.lots:
            self.end(CLOSED)


@dataclass(eq=False)
class Subscription:
    """`links` by the leader's ticket, oldest first; `told` by the leader's event: (status, reason, lots)."""

    name: int
    leader: Account
    follower: Account
    first: int
    settings: dict[str, Any]
    ended: bool = False
    links: dict[Ticket, list[Link]] = field(default_factory=dict)
    told: dict[int, tuple[str, str, Decimal]] = field(default_factory=dict)

    def active(self, trade: Ticket | None = None) -> list[Link]:
        """What it owns of open tickets, of one leader's ticket or of all."""
        return [link for link in self._living(trade) if not link.rests]

    def resting(self, trade: Ticket | None = None) -> list[Link]:
        """What it has that waits for the leader's order."""
        return [link for link in self._living(trade) if link.rests]

    def was_closed(self, trade: Ticket) -> bool:
        """Whether there was a copy of it that has been closed."""
        return any(link.state == CLOSED for link in self.links.get(trade, []))

    def _living(self, trade: Ticket | None) -> list[Link]:
        all_of_them = [k for t, links in self.links.items() if trade in (None, t) for k in links]
        return [link for link in all_of_them if link.state == ACTIVE]
