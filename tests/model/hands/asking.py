"""What followers ask for with their copies: closed from the panel, let go, and when it is carried out."""

from hypothesis.stateful import precondition, rule

from copytrade.services.commands import position_close, position_untrack
from tests.model.hands.stage import Stage, some
from tests.model.paper.house import Account, Ticket
from tests.model.paper.links import ACTIVE

anything_copied = precondition(lambda self: bool(self.copied()))


class Asking(Stage):
    """The panel of open copies."""

    def copied(self) -> list[tuple[Account, Ticket]]:
        """Tickets of followers of which something is copied."""
        linked = [k.ticket for k in self.model.all_links if k.state == ACTIVE]
        return [(a, t) for a in self.followers for t in a.tickets if t in linked]

    @anything_copied
    @rule(which=some)
    def follower_closes_in_the_panel(self, which: int) -> None:
        """What is copied of a ticket, and not what is his own."""
        account, ticket = self.copied()[which % len(self.copied())]
        with self.place.scope():
            position_close(account_id=self.id_of(account), trade_id=ticket.number or 0, at=self.at)
        links = [k for k in self.model.all_links if k.ticket is ticket and k.state == ACTIVE]
        self.model.ask_close(links, "panel")

    @anything_copied
    @rule(which=some)
    def follower_untracks(self, which: int) -> None:
        account, ticket = self.copied()[which % len(self.copied())]
        with self.place.scope():
            position_untrack(account_id=self.id_of(account), trade_id=ticket.number or 0, at=self.at)
        self.model.untrack(ticket)

    @rule(who=some)
    def what_was_asked_is_done(self, who: int) -> None:
        self.carry_out(self.leaders[who % 2])
