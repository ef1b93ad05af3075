"""The cast, made by the real services: Alice and Bob in one tenant, Charlie in another who must never see anything.

    def test_something(world, api):
        alice = world.alice
        api(alice).post("/trade/open", {"login": alice.login, ...})
        with world.north.scope(): ...

What is not touched is not made: each person, group, account and instrument comes into being when it is first asked for.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from accounts import directory, services
from accounts.models import AccountGroup, Role, Tenant, TradingAccount, User
from core.clock import now
from core.states import AccountMode, PositionMode
from infra.tenancy import tenant_scope

PASSWORD = "a password of the cast"
BIRTH = datetime(2024, 1, 8, 12, tzinfo=UTC)
"""When the world was made; sessions are opened at the real present, because the middleware's clock is real."""


@dataclass
class Person:
    """A customer or a member of staff, with a session and, for customers, a funded HEDGING account in REAL."""

    place: "Place"
    user: User

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def email(self) -> str:
        return self.user.email

    @cached_property
    def token(self) -> str:
        """A living session's token."""
        return self.place.session(self.user)

    @cached_property
    def account(self) -> TradingAccount:
        """The first account: REAL, HEDGING, 10,000 USD."""
        return self.place.account(self, self.place.real)

    @property
    def login(self) -> int:
        return self.account.login

    @cached_property
    def account_token(self) -> str:
        """A SESSION_USER token for the first account."""
        return self.place.session(self.user, self.account)


@dataclass
class Place:
    """One tenant and what is in it."""

    tenant: Tenant
    _members: dict[str, Person] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.tenant.id

    @property
    def slug(self) -> str:
        return self.tenant.slug

    @property
    def domain(self) -> str:
        return f"{self.tenant.slug}.example"

    def scope(self) -> AbstractContextManager[None]:
        """The tenant's scope: one transaction."""
        return tenant_scope(self.tenant.id)

    # --- People

    def person(self, name: str, role: str = Role.CUSTOMER, *, owner: bool = False) -> Person:
        """The person of that name, made at the first call; the address is `<name>@<slug>.example`."""
        if name not in self._members:
            with self.scope():
                user = services.user_create(
                    email=f"{name}@{self.domain}",
                    password=PASSWORD,
                    full_name=name.title(),
                    role=role,
                    owner=owner,
                    at=BIRTH,
                )
            self._members[name] = Person(self, user)
        return self._members[name]

    @property
    def owner(self) -> Person:
        return self.person("owner", Role.ADMIN, owner=True)

    @property
    def admin(self) -> Person:
        """An administrator who is no owner."""
        return self.person("admin", Role.ADMIN)

    @property
    def manager(self) -> Person:
        return self.person("manager", Role.MANAGER)

    @property
    def dealer(self) -> Person:
        return self.person("dealer", Role.DEALER)

    @property
    def crm(self) -> Person:
        return self.person("crm", Role.CRM_MANAGER)

    def session(self, user: User, account: TradingAccount | None = None, at: datetime | None = None) -> str:
        """A token of a new session, opened now unless written."""
        with self.scope():
            return services.session_open(user=user, account=account, at=at or now()).token

    # --- Groups and accounts

    @cached_property
    def real(self) -> AccountGroup:
        """REAL, HEDGING, without commission, open to the public."""
        return self.group("real", public_opening=True)

    @cached_property
    def demo(self) -> AccountGroup:
        """DEMO, HEDGING, open to the public."""
        return self.group("demo", account_mode=AccountMode.DEMO, public_opening=True)

    @cached_property
    def netting(self) -> AccountGroup:
        """REAL, NETTING."""
        return self.group("netting", position_mode=PositionMode.NETTING)

    @cached_property
    def charging(self) -> AccountGroup:
        """REAL, HEDGING, 3.50 commission per lot and side."""
        return self.group("charging", commission_per_lot=Decimal("3.5"))

    def group(self, name: str, **terms: Any) -> AccountGroup:
        """A new group; REAL unless written."""
        terms.setdefault("account_mode", AccountMode.REAL)
        with self.scope():
            return services.account_group_create(name=name, **terms)

    def account(
        self, customer: Person, group: AccountGroup, balance: Decimal | int | str = 10_000, leverage: int | None = None
    ) -> TradingAccount:
        """A new account with a first deposit."""
        with self.scope():
            opened = services.account_open(customer=customer.user, group=group, leverage=leverage, at=BIRTH).account
        if Decimal(balance):
            self.deposit(opened, balance)
        return opened

    def deposit(self, account: TradingAccount, amount: Decimal | int | str, at: datetime = BIRTH) -> int:
        """Pays in, or out when negative; gives the operation's order number."""
        from trading.services.balance import balance_operate

        with self.scope():
            return balance_operate(account_id=account.id, amount=Decimal(amount), at=at)

    # --- The market

    def instrument(self, symbol: str, **changes: Any) -> Any:
        """A new instrument: the terms of EURUSD, XAUUSD or ES, or with `changes` anything else."""
        from trading.services.instruments import instrument_create

        with self.scope():
            return instrument_create(tenant_id=self.id, **{"symbol": symbol, **INSTRUMENTS.get(symbol, {}), **changes})

    def quote(self, symbol: str, bid: Decimal | str, ask: Decimal | str, at: datetime | None = None) -> None:
        """Posts a quote of an instrument that exists; the present unless written."""
        from trading.services.quotes import NewQuote, quotes_store

        with self.scope():
            posted = NewQuote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask))
            quotes_store(tenant_id=self.id, quotes=[posted], at=at or now(), source="POSTED")

    def market(self) -> None:
        """EURUSD 1.1000/1.1002, XAUUSD 2000.00/2000.50 and ES 5000.00/5000.25, quoted now."""
        for symbol, (bid, ask) in QUOTES.items():
            self.instrument(symbol)
            self.quote(symbol, bid, ask)


@dataclass
class World:
    """Two tenants. Alice and Bob live in north, Charlie in south."""

    @cached_property
    def north(self) -> Place:
        return place("north")

    @cached_property
    def south(self) -> Place:
        return place("south")

    @property
    def alice(self) -> Person:
        return self.north.person("alice")

    @property
    def bob(self) -> Person:
        return self.north.person("bob")

    @property
    def charlie(self) -> Person:
        return self.south.person("charlie")

    @property
    def owner(self) -> Person:
        """North's owner."""
        return self.north.owner


def place(slug: str) -> Place:
    """A new tenant with the domain `<slug>.example`."""
    tenant = services.tenant_create(slug=slug, name=slug.title(), domains=[f"{slug}.example"], at=BIRTH)
    directory.forget()  # in a test that is rolled back no commit says so
    return Place(tenant)


def _terms(**terms: Any) -> dict[str, Any]:
    return {key: Decimal(value) if key in _NUMBERS else value for key, value in terms.items()}


_NUMBERS = {"contract_size", "tick_size", "tick_value", "lot_min", "lot_max", "lot_step", "margin_per_lot"}

INSTRUMENTS: dict[str, dict[str, Any]] = {
    "EURUSD": _terms(
        asset_class="FX",
        family="EURUSD",
        contract_size="100000",
        tick_size="0.00001",
        tick_value="1",
        digits=5,
        lot_min="0.01",
        lot_max="100",
        lot_step="0.01",
    ),
    "XAUUSD": _terms(
        asset_class="METAL",
        family="XAUUSD",
        contract_size="100",
        tick_size="0.01",
        tick_value="1",
        digits=2,
        lot_min="0.01",
        lot_max="50",
        lot_step="0.01",
    ),
    "ES": _terms(
        asset_class="FUTURE",
        family="ES",
        contract_size="50",
        tick_size="0.25",
        tick_value="12.50",
        digits=2,
        lot_min="1",
        lot_max="100",
        lot_step="1",
        margin_per_lot="500",
    ),
}

QUOTES = {"EURUSD": ("1.1000", "1.1002"), "XAUUSD": ("2000.00", "2000.50"), "ES": ("5000.00", "5000.25")}
