"""What of a fee reaches whom (D25). Pure."""

from decimal import Decimal
from typing import Final, NamedTuple

from core.money import round_money

_PERCENT: Final = Decimal(100)


class Payout(NamedTuple):
    """The tenant's `share` in the follower's currency, and the `amount` that reaches the payout account in its own; both
    with the sign of the fee."""

    share: Decimal
    amount: Decimal


def payout_of(fee: Decimal, *, share_percent: Decimal, rate: Decimal, currency: str, payout_currency: str) -> Payout:
    """A fee in `currency` less the tenant's share, converted at `rate` into the payout account's currency."""
    share = round_money(fee * share_percent / _PERCENT, currency)
    return Payout(share, round_money((fee - share) * rate, payout_currency))
