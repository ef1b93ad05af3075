"""A copy group of Alice's, driven through the public interface: one leader and its followers, futures and a pair.

house = group_house(world.north, ratios=("1", "0.5"))
house.set_up(sizing_mode="NOTIONAL")
house.open(house.leader, "2", symbol="ES")
house.drain()
"""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from accounts.models import TradingAccount
from tests.support.api import Answer, Api
from tests.support.copy_house import CopyHouse
from tests.support.house import AT
from tests.support.world import Person, Place
from trading.catalogue import BY_SYMBOL

QUOTES = {
    "EURUSD": ("1.10000", "1.10020"),
    "ES": ("5000.00", "5000.25"),
    "MES": ("5000.00", "5000.25"),
    "NQ": ("18000.00", "18000.25"),
    "MNQ": ("18000.00", "18000.25"),
}


def listed(place: Place, symbol: str, like: str = "", **changes: Any) -> None:
    """A contract of the catalogue, or another with its terms, traded at any hour and quoted like it."""
    terms = {**asdict(BY_SYMBOL[like or symbol]), "sessions": "24/7", **changes, "symbol": symbol}
    place.instrument(**terms)
    place.quote(symbol, *QUOTES[like or symbol], at=AT)


@dataclass
class GroupHouse(CopyHouse):
    """A `CopyHouse` whose followers are those of one group."""

    group_id: int = 0

    @property
    def alice(self) -> Person:
        return self.place.person("alice")

    @property
    def api(self) -> Api:
        return Api(token=self.alice.token, host=self.place.domain)

    @property
    def path(self) -> str:
        return f"/copytrade/groups/{self.group_id}"

    def get(self) -> Any:
        """The group as it is shown."""
        return accepted(self.api.get(self.path))

    def set_up(self, **settings: Any) -> Any:
        """Changes the group's settings."""
        return accepted(self.api.put(self.path, settings))

    def follower_set(self, number: int = 0, **settings: Any) -> Any:
        return accepted(self.api.put(f"{self.path}/followers/{self.followers[number].login}", settings))

    def contract_set(self, symbol: str, number: int = 0, **settings: Any) -> Any:
        address = f"{self.path}/followers/{self.followers[number].login}/contracts/{symbol}"
        return accepted(self.api.put(address, settings))

    def copied(self, number: int = 0) -> list[tuple[str, Decimal]]:
        """(symbol, lots) of one follower's open tickets."""
        return [(t.symbol, t.volume.normalize() + 0) for t in self.tickets(self.followers[number])]

    def last(self, number: int = 0) -> tuple[str, str, Decimal]:
        """(contract, status or reason, lots) of a follower's last copy order."""
        order = self.orders(number)[-1]
        return order.follower_symbol, order.reason or order.status, order.volume.normalize() + 0


def accepted(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    return answer.json


def group_house(
    place: Place, *, ratios: tuple[str, ...] = ("1",), netting: bool = False, **settings: Any
) -> GroupHouse:
    """Alice's group `Funded`: a rich leader and one follower for each ratio, all in one account group."""
    for symbol in QUOTES:
        listed(place, symbol)
    alice, kind = place.person("alice"), place.netting if netting else place.demo
    accounts: list[TradingAccount] = [place.account(alice, kind, balance=10_000_000) for _ in range(len(ratios) + 1)]
    leader, *followers = accounts
    house = GroupHouse(place, leader, followers=followers)
    body = {
        "name": "Funded",
        "leader_login": leader.login,
        "followers": [{"login": f.login, "ratio": r} for f, r in zip(followers, ratios, strict=True)],
    }
    house.group_id = accepted(house.api.post("/copytrade/groups", {**body, **settings}))["id"]
    leader.refresh_from_db()
    return house
