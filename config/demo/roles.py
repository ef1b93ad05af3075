"""What the demo's cast is described with.

Days count from the beginning of the past. Accounts are named by keys that exist only here; the logins that people see
are drawn by the services.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.demo.styles import Style
from core.states import AccountMode, PositionMode


@dataclass(frozen=True, slots=True)
class Group:
    """An account group."""

    name: str
    mode: AccountMode = AccountMode.REAL
    currency: str = "USD"
    position_mode: PositionMode = PositionMode.HEDGING
    commission: str = "0"
    public: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A customer. `name` is the first part of the address."""

    name: str
    full_name: str
    day: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A trading account and its first deposit."""

    key: str
    person: str
    group: str
    deposit: str
    day: int = 0


@dataclass(frozen=True, slots=True)
class Master:
    """A strategy on an account.

    `pace`: how large a share of the present's trades it makes; 0: it is left to the person who signs in.
    """

    account: str
    style: Style
    settings: Mapping[str, Any]
    reward: Mapping[str, Any]
    pace: int = 1
    day: int = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """A follower's profile."""

    account: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    day: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """`follower` copies `master`, both named by their account's key."""

    master: str
    follower: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    day: int = 0


@dataclass(frozen=True, slots=True)
class Cash:
    """Money paid in, or out when negative, in the middle of the past."""

    account: str
    day: int
    amount: str
    comment: str


@dataclass(frozen=True, slots=True)
class Change:
    """New settings of a subscription."""

    master: str
    follower: str
    day: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewTerms:
    """Other rewards that a master asks, from its followers' next periods on; all but one accept them at once."""

    account: str
    day: int
    reward: Mapping[str, Any]
    undecided: str


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One tenant."""

    slug: str
    name: str
    people: tuple[Person, ...]
    groups: tuple[Group, ...]
    accounts: tuple[Account, ...]
    masters: tuple[Master, ...]
    followers: tuple[Follower, ...]
    subscriptions: tuple[Subscription, ...]
    cash: tuple[Cash, ...] = ()
    changes: tuple[Change, ...] = ()
    new_terms: tuple[NewTerms, ...] = ()

    @property
    def domain(self) -> str:
        """What the addresses of its people end in."""
        return f"{self.slug}.example"

    def symbols(self) -> list[str]:
        """The contracts that its leaders trade, in alphabetical order."""
        return sorted({symbol for master in self.masters for symbol in master.style.symbols})
