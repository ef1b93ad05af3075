"""Who trades and who follows: one leader for each number of followers."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import psycopg

from accounts.models import Role, User
from accounts.services.groups import account_group_create
from accounts.services.sessions import session_open
from accounts.services.tenants import tenant_create
from accounts.services.trading_accounts import account_open
from accounts.services.users import user_create
from benchmarks.seeding import followers_repeat
from benchmarks.skeleton.schema import TABLES
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create
from copytrade.services.subscriptions import subscription_create
from core import clock
from core.sessions import ALWAYS_OPEN
from core.states import AccountMode
from infra.actor import Actor, SessionType
from infra.database import analyze
from infra.tenancy import tenant_scope
from trading.services.balance import balance_operate
from trading.services.instruments import catalogue_install, instrument_update
from trading.services.quotes import NewQuote, quotes_store

SYMBOL: Final = "EURUSD"
CUSTOMERS: Final = 4
"""So many people own all followers: their sockets see every copy, and reading them costs the client little."""
FAN_FOLLOWERS: Final = 100

_MONEY: Final = Decimal(10_000_000)


@dataclass(frozen=True)
class Leader:
    """An account that `followers` others copy; with 0 it is an ordinary account."""

    account_id: int
    login: int
    followers: int


@dataclass(frozen=True)
class World:
    """The seeded tenant, with the tokens that its people's sockets sign in with."""

    tenant_id: int
    leader_token: str
    customer_tokens: list[str]
    people: list[int]
    """The ids of the leader's owner and of the customers."""
    leaders: dict[int, Leader] = field(default_factory=dict)
    fan: list[Leader] = field(default_factory=list)
    """Leaders of the same size who trade at once."""


def build(sizes: list[int], url: str, fan: int = 0) -> World:
    """Makes the tenant, a leader with so many followers for each of `sizes`, and the skeleton's counterpart; and the
    `fan`: so many leaders with FAN_FOLLOWERS each."""
    at = clock.now()
    tenant = tenant_create(slug="bench", name="Benchmark", timezone="UTC", at=at)
    with tenant_scope(tenant.id):
        people = [_person(name) for name in ("leader", *(f"customer{n}" for n in range(CUSTOMERS)))]
        group = account_group_create(
            name="real", account_mode=AccountMode.REAL, commission_per_lot=Decimal(3), leverage=100
        )
        catalogue_install(tenant_id=tenant.id, symbols=None, feed="NONE")
        instrument_update(tenant_id=tenant.id, symbol=SYMBOL, changes={"sessions": ALWAYS_OPEN})  # measured on any day
        quote = NewQuote(SYMBOL, Decimal("1.1"), Decimal("1.1001"), at)
        quotes_store(tenant_id=tenant.id, quotes=[quote], at=at, source="POSTED")
        tokens = [session_open(user=person, at=at).token for person in people]
    world = World(tenant.id, tokens[0], tokens[1:], [person.pk for person in people])
    for size in sizes:
        world.leaders[size] = _leader(tenant.id, people[0], group, people[1:], size, url)
    for _number in range(fan):
        world.fan.append(_leader(tenant.id, people[0], group, people[1:], FAN_FOLLOWERS, url))
    with psycopg.connect(url, autocommit=True) as connection:
        _skeleton(connection, sizes)
    analyze()
    return world


def _person(name: str) -> User:
    return user_create(
        email=f"{name}@bench.example",
        password="a benchmark's password",
        full_name=name.title(),
        role=Role.CUSTOMER,
        owner=False,
        at=clock.now(),
    )


def _leader(tenant_id: int, owner: User, group: Any, customers: list[User], size: int, url: str) -> Leader:
    """A leader with its followers: the first one is made by the services, the others are like it."""
    at = clock.now()
    with tenant_scope(tenant_id):
        leader = account_open(customer=owner, group=group, at=at).account
        balance_operate(account_id=leader.pk, amount=_MONEY, at=at)
        if size:
            master_create(
                actor=_actor(owner),
                login=leader.login,
                settings={"strategy_name": f"{size} followers", "visibility": "public"},
                reward_policy={"reward_type": 3, "fee_percent": Decimal(10)},
                at=at,
            )
            first = account_open(customer=customers[0], group=group, at=at).account
            balance_operate(account_id=first.pk, amount=_MONEY, at=at)
            follower_create(actor=_actor(customers[0]), login=first.login, settings={}, at=at)
            subscription_create(
                actor=_actor(customers[0]),
                master_login=leader.login,
                follower_login=first.login,
                settings={"risk_multiplier": Decimal("0.5")},
                at=at,
            )
    if size > 1:
        people = [person.pk for person in customers]
        with psycopg.connect(url, autocommit=True) as connection:
            followers_repeat(
                connection,
                tenant_id=tenant_id,
                leader_id=leader.pk,
                model_id=first.pk,
                customers=people,
                many=size - 1,
            )
    return Leader(leader.pk, leader.login, size)


def _actor(user: User) -> Actor:
    return Actor(session_type=SessionType.CUSTOMER, user_id=user.pk, tenant_id=user.tenant_id)


def _skeleton(connection: psycopg.Connection[Any], sizes: list[int]) -> None:
    """Leader `n` of the skeleton has n followers, owned by the same number of customers."""
    connection.execute(TABLES)
    for size in sizes:
        connection.execute(
            "INSERT INTO skeleton.follower SELECT %s, %s * 100000 + n, n %% %s FROM generate_series(0, %s - 1) n",
            [size, size, CUSTOMERS, size],
        )
