"""The cast of the copy management tests: the world's people and places, with masters, followers and subscriptions.

Accounts have no money and no events unless a test makes them: what is tested here does not depend on either.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from accounts.models import AccountGroup, TradingAccount, User
from copytrade.models import CopyFollower, CopyMaster, CopySubscription
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create
from copytrade.services.subscriptions import subscription_create
from infra.actor import Actor, SessionType
from infra.tenancy import tenant_scope
from tests.support import world
from tests.support.api import Answer, Api

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FEE = {"reward_type": 0, "fee_amount": Decimal(10)}
"""The simplest terms."""


@dataclass(frozen=True)
class Told:
    """An HTTP answer; `error` is status and code, because the contract fixes both."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def json(self) -> Any:
        return self.answer.json

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def error(self) -> tuple[int, str]:
        return self.answer.status, self.answer.error

    def rows(self) -> list[dict[str, Any]]:
        assert self.answer.status == 200, self.answer.text
        return self.answer.rows()


@dataclass
class Customer:
    """Somebody who calls the API, with or without a session."""

    person: world.Person
    signed_in: bool = True

    @property
    def user(self) -> User:
        return self.person.user

    @property
    def actor(self) -> Actor:
        return Actor(session_type=SessionType.CUSTOMER, user_id=self.person.id, tenant_id=self.person.place.id)

    @cached_property
    def api(self) -> Api:
        return Api(token=self.person.token if self.signed_in else "", host=self.person.place.domain)

    def get(self, path: str, **query: Any) -> Told:
        return Told(self.api.get(path, **query))

    def post(self, path: str, body: Any) -> Told:
        return Told(self.api.post(path, body))

    def put(self, path: str, body: Any) -> Told:
        return Told(self.api.put(path, body))

    def delete(self, path: str, body: Any = None) -> Told:
        return Told(self.api.delete(path, body))


@dataclass
class House:
    """A tenant in which copying is set up."""

    place: world.Place

    @property
    def id(self) -> int:
        return self.place.id

    def account(self, owner: Customer, group: str | AccountGroup = "real") -> TradingAccount:
        """A new account in "real", "demo", "netting" or a group of the test's own."""
        chosen = getattr(self.place, group) if isinstance(group, str) else group
        return self.place.account(owner.person, chosen, balance=0)

    def master(self, owner: Customer, account: TradingAccount | None = None, **settings: Any) -> CopyMaster:
        """A public master profile that admits everybody, on a new account unless one is given."""
        account = account or self.account(owner)
        values = {"strategy_name": "Trend", "visibility": "public", "allowed_follower_modes": 2, **settings}
        with tenant_scope(self.id):
            return master_create(actor=owner.actor, login=account.login, settings=values, reward_policy=FEE, at=AT)

    def follower(self, owner: Customer, account: TradingAccount | None = None, **settings: Any) -> CopyFollower:
        """A follower profile, on a new account unless one is given."""
        account = account or self.account(owner)
        with tenant_scope(self.id):
            return follower_create(actor=owner.actor, login=account.login, settings=settings, at=AT)

    def subscription(
        self, owner: Customer, master: CopyMaster, follower: CopyFollower, **settings: Any
    ) -> CopySubscription:
        """`follower`, which is `owner`'s, copies `master`."""
        with tenant_scope(self.id):
            return subscription_create(
                actor=owner.actor,
                master_login=master.account.login,
                follower_login=follower.account.login,
                settings=settings,
                at=AT,
            )


class Cast:
    """Alice and Bob in one house, Charlie in another; nobody has no session."""

    def __init__(self, made: world.World) -> None:
        self.house, self.other_house = House(made.north), House(made.south)
        self.alice, self.bob, self.charlie = Customer(made.alice), Customer(made.bob), Customer(made.charlie)
        self.nobody = Customer(made.alice, signed_in=False)
