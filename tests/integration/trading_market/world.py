"""The cast as the market's tests speak to it: answers are pairs of status and body."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import Role
from tests.support import world as cast
from tests.support.api import Api
from trading.models import Instrument
from trading.services.instruments import instrument_create

STAFF = {
    "admin": Role.ADMIN,
    "manager": Role.MANAGER,
    "dealer": Role.DEALER,
    "crm_manager": Role.CRM_MANAGER,
    "crm_admin": Role.CRM_ADMIN,
}


class Caller:
    """A person of the cast at the API of its tenant."""

    def __init__(self, person: cast.Person) -> None:
        self._person = person
        self.host = person.place.domain
        self.token = person.token

    @property
    def login(self) -> int:
        return self._person.login

    def get(self, address: str, **query: Any) -> tuple[int, Any]:
        return self._answer(self.token, "get", address, **query)

    def get_as_account(self, address: str, **query: Any) -> tuple[int, Any]:
        return self._answer(self._person.account_token, "get", address, **query)

    def post(self, address: str, body: Any) -> tuple[int, Any]:
        return self._answer(self.token, "post", address, body)

    def put(self, address: str, body: Any) -> tuple[int, Any]:
        return self._answer(self.token, "put", address, body)

    def _answer(self, token: str, method: str, *args: Any, **query: Any) -> tuple[int, Any]:
        answer = getattr(Api(token=token, host=self.host), method)(*args, **query)
        return answer.status, answer.json


@dataclass
class World:
    """Alice, Bob and staff in alpha, Charlie in beta. Both have EURUSD and GBPUSD; nothing is quoted yet."""

    places: cast.World
    callers: dict[str, Caller]

    def __getattr__(self, name: str) -> Caller:
        try:
            return self.callers[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def alpha(self) -> int:
        return self.places.north.id

    @property
    def beta(self) -> int:
        return self.places.south.id

    def in_alpha(self) -> AbstractContextManager[None]:
        return self.places.north.scope()

    def in_beta(self) -> AbstractContextManager[None]:
        return self.places.south.scope()


def contract(tenant_id: int, symbol: str, **terms: Any) -> Instrument:
    """An instrument like EURUSD; inside its tenant."""
    standard: dict[str, Any] = {
        "asset_class": "FX",
        "contract_size": Decimal(100_000),
        "tick_size": Decimal("0.00001"),
        "digits": 5,
        "lot_min": Decimal("0.01"),
        "lot_max": Decimal(100),
        "lot_step": Decimal("0.01"),
    }
    return instrument_create(tenant_id=tenant_id, symbol=symbol, **standard | terms)


def make_world(places: cast.World) -> World:
    """The people and instruments of both tenants."""
    people = {"alice": places.alice, "bob": places.bob, "charlie": places.charlie}
    people |= {name: places.north.person(name, role) for name, role in STAFF.items()}
    for place in (places.north, places.south):
        with place.scope():
            for symbol in ("EURUSD", "GBPUSD"):
                contract(place.id, symbol)
    return World(places, {name: Caller(person) for name, person in people.items()})
