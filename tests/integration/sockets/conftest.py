"""Two tenants with their people, and a client that talks to the consumer as ASGI."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from channels.testing import WebsocketCommunicator
from django.db import connection

from accounts import directory
from accounts.models import Role, TradingAccount, User
from accounts.services.groups import account_group_create
from accounts.services.sessions import session_open
from accounts.services.tenants import tenant_create
from accounts.services.trading_accounts import account_open
from accounts.services.users import user_create
from config.consumers import TerminalConsumer
from core import clock
from infra.hub import hub
from infra.tenancy import tenant_scope
from trading.services.balance import balance_operate
from trading.services.instruments import instrument_create
from trading.services.quotes import NewQuote, quotes_store

T = TypeVar("T")
application = TerminalConsumer.as_asgi()

PATIENCE = 30
"""Seconds for what comes at once on an idle machine."""

START = Decimal(10_000)


@dataclass
class Person:
    """Somebody with an account or two (staff: none), and tokens for all of it."""

    tenant_id: int
    user: User
    token: str
    session_id: str
    accounts: list[TradingAccount]
    account_token: str = ""

    @property
    def login(self) -> int:
        return self.accounts[0].login


@dataclass
class World:
    """Alice, Bob and staff in `alpha.test`; Charlie in `beta.test`. EURUSD is quoted, GBPUSD is not."""

    alice: Person
    bob: Person
    dealer: Person
    crm: Person
    charlie: Person

    @property
    def alpha(self) -> int:
        return self.alice.tenant_id


@pytest.fixture
def world(transactional_db: None) -> World:
    directory.forget()
    at = clock.now()
    people: dict[str, Person] = {}
    for slug, names in {"alpha": ("alice", "bob", "dealer", "crm"), "beta": ("charlie",)}.items():
        tenant = tenant_create(slug=slug, name=slug, domains=[f"{slug}.test"], at=at)
        with tenant_scope(tenant.id):
            group = account_group_create(name="Live", account_mode="REAL")
            for symbol in ("EURUSD", "GBPUSD"):
                instrument_create(
                    tenant_id=tenant.id,
                    symbol=symbol,
                    asset_class="FX",
                    contract_size=Decimal(100_000),
                    tick_size=Decimal("0.00001"),
                    digits=5,
                    lot_min=Decimal("0.01"),
                    lot_max=Decimal(100),
                    lot_step=Decimal("0.01"),
                )
            quotes_store(
                tenant_id=tenant.id,
                quotes=[NewQuote("EURUSD", Decimal("1.1"), Decimal("1.1002"))],
                at=at - timedelta(seconds=10),
                source="POSTED",
            )
            for name in names:
                people[name] = _person(tenant.id, name, group)
    return World(**people)


def _person(tenant_id: int, name: str, group: Any) -> Person:
    at = clock.now()
    role = {"dealer": Role.DEALER, "crm": Role.CRM_MANAGER}.get(name, Role.CUSTOMER)
    user = user_create(email=f"{name}@example.org", password="long enough", role=role, at=at)
    accounts = []
    if role == Role.CUSTOMER:
        accounts = [account_open(customer=user, group=group, at=at).account for _ in range(2)]
        for account in accounts:
            account.refresh_from_db()
            balance_operate(account_id=account.id, amount=START, at=at)
    issued = session_open(user=user, at=at)
    person = Person(tenant_id, user, issued.token, str(issued.session.id), accounts)
    if accounts:
        person.account_token = session_open(user=user, account=accounts[0], at=at).token
    return person


async def in_database(tenant_id: int, work: Callable[[], T]) -> T:
    """`work` in a thread, inside the tenant, committed."""

    def run() -> T:
        try:
            with tenant_scope(tenant_id):
                return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


class Client(WebsocketCommunicator):
    """A terminal."""

    async def say(self, **message: Any) -> None:
        await self.send_to(text_data=json.dumps(message))

    async def hear(self) -> Any:
        """The next JSON message."""
        return json.loads(await self.receive_from(timeout=PATIENCE))

    async def hear_until(self, wanted: Callable[[Any], bool]) -> list[Any]:
        """All messages up to the one that is wanted."""
        heard = []
        while not (heard and wanted(heard[-1])):
            heard.append(await self.hear())
        return heard

    async def closed(self) -> int:
        """The code with which the server closes next."""
        message = await self.receive_output(timeout=PATIENCE)
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def silent(self) -> bool:
        """Whether nothing waits once the server has answered a ping, that is after all that was said before."""
        await self.send_to(text_data="ping")
        return await self.receive_from(timeout=PATIENCE) == "pong"


Connect = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    """`await connect()` gives an open socket; with a token an authorised one; `switch` makes a login active."""
    clients: list[Client] = []

    async def opened(
        token: str | None = None, *, host: str = "alpha.test", switch: int | None = None, **headers: str
    ) -> Client:
        raw = [(b"host", host.encode()), *((name.encode(), value.encode()) for name, value in headers.items())]
        client = Client(application, "/ws/", headers=raw)
        clients.append(client)
        accepted, _ = await client.connect(timeout=PATIENCE)
        assert accepted
        if token is not None:
            await client.say(authorization=token)
            assert await client.hear() == {"event": "authorization", "success": True}
            await asyncio.wait_for(hub()._ready.wait(), PATIENCE)  # a socket goes on without frames; a test needs them
        if switch is not None:
            await client.say(event="account.switch", active_login=switch)
            assert await client.hear() == {"event": "account.switch", "success": True, "active_login": switch}
        return client

    yield opened
    for client in clients:
        await client.disconnect(timeout=PATIENCE)
    await hub().stop()


@pytest.fixture(autouse=True)
def _fresh_directory() -> Iterator[None]:
    yield
    directory.forget()
