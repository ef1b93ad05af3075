"""Storage (swap): what holding a position over the end of a trading day costs or brings. Formula: docs/algorithms/money.md.

Pure. Rates are points of 10^-digits per lot and night, from the customer's side: negative is paid, positive is received.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from core.money import round_money
from core.states import Side
from trading.domain.values import Ticket

TRIPLE_DAY: Final = 3
"""Wednesday: what is traded on it is settled after the weekend, so its night stands for three."""

_SATURDAY: Final = 6


@dataclass(frozen=True, slots=True)
class SwapTerms:
    """What an instrument charges. `triple_day` 1 Monday to 7 Sunday, 0 for none."""

    long: Decimal
    short: Decimal
    triple_day: int

    def points(self, side: Side) -> Decimal:
        """The points of one night for a ticket of that side."""
        return self.long if side is Side.BUY else self.short

    def nights(self, day: date) -> int:
        """How often the night after that trading day counts.

        With a triple day: three times after it, not at all after Saturday and Sunday, else once. Without: once.
        """
        if not self.triple_day:
            return 1
        weekday = day.isoweekday()
        return 3 if weekday == self.triple_day else 0 if weekday >= _SATURDAY else 1


def night_storage(ticket: Ticket, terms: SwapTerms, nights: int, rate: Decimal, currency: str) -> Decimal:
    """What the night adds to the ticket's storage, in account currency, rounded once.

    points x 10^-digits / tick size x tick value x lots x nights, in the profit currency, times the conversion rate.
    """
    spec = ticket.spec
    amount = terms.points(ticket.side) * spec.tick_value * ticket.volume * nights / spec.tick_size
    return round_money(amount.scaleb(-spec.digits) * rate, currency)
