"""Whether an account is good enough for a master's: the operator's rules, each with what it asks and what there is."""

from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Qualification:
    """Days since the account was opened, closed records of trades, equity in account currency.

    As a rule each is the least that is asked, 0 for anything.
    """

    account_days: int
    closed_trades: int
    equity: Decimal

    @property
    def asks_anything(self) -> bool:
        """Whether, as a rule, it can refuse anybody."""
        return any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One rule that is not met."""

    rule: str
    required: int | Decimal
    actual: int | Decimal


def shortfalls(asked: Qualification, has: Qualification) -> list[Shortfall]:
    """The rules that `has` does not meet. A rule of 0 asks nothing, so that a negative equity is no obstacle."""
    found = []
    for field in fields(Qualification):
        required, actual = getattr(asked, field.name), getattr(has, field.name)
        if required and actual < required:
            found.append(Shortfall(field.name, required, actual))
    return found
