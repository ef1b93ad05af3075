"""A master and a follower who are set up and trade by REST alone; only the copy worker's turn is taken by hand."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.models import TradingAccount
from copytrade.engine.drain import leader_drain
from core.clock import now
from tests.support.api import Answer, Api
from tests.support.world import Person, World

TERMS = {"reward_type": 0, "fee_amount": 10}
ANY_AGE = {"max_signal_age_seconds": 0}
"""A busy machine may take its time between a trade and its copy."""


@dataclass
class CopyStory:
    """Alice leads, Bob follows; both begin with 10,000 USD and EURUSD stands at 1.1000/1.1002."""

    world: World
    settings: dict[str, Any] = field(default_factory=dict)
    follower_settings: dict[str, Any] = field(default_factory=dict)
    subscribed: bool = True

    def __post_init__(self) -> None:
        self.world.north.market()
        self.alice, self.bob = Api(token=self.world.alice.token), Api(token=self.world.bob.token)
        self.leader, self.follower = self.world.alice.login, self.world.bob.login
        self.master = told(self.alice.post("/copytrade/master", master_body(self.leader)))
        profile = {"login": self.follower, **self.follower_settings}
        self.profile = told(self.bob.post("/copytrade/follower", profile))
        if self.subscribed:
            self.subscription = told(self.subscribe(**self.settings))

    def subscribe(self, **settings: Any) -> Answer:
        body = {"master_login": self.leader, "follower_login": self.follower, **ANY_AGE, **settings}
        return self.bob.post("/copytrade/subscription", body)

    def change(self, **settings: Any) -> dict[str, Any]:
        """PUT of the subscription."""
        return told(self.bob.put(f"/copytrade/subscription/{self.subscription['id']}", settings))

    def open(self, volume: int = 100, *, by: str = "leader", **terms: Any) -> int:
        """A market order, a buy of EURUSD unless written, as a terminal sends it; gives the ticket."""
        caller, login = (self.alice, self.leader) if by == "leader" else (self.bob, self.follower)
        body = {"login": login, "cmd": 0, "volume": volume, "symbol": "EURUSD", **terms}
        return int(told(caller.post("/trade/open", body))["order"])

    def close(self, order: int, volume: int | None = None) -> None:
        told(self.alice.delete("/trade/close", {"order": order, **({} if volume is None else {"volume": volume})}))

    def drain(self) -> None:
        """The copy worker's turn."""
        leader = account(self.world.alice, self.leader)
        leader_drain(tenant_id=self.world.north.id, leader_id=leader.pk, clock=now)

    def copies(self) -> list[tuple[str, str, int]]:
        """(action, status or reason, wire volume) of what was decided for Bob, oldest first."""
        rows = self.bob.get("/copytrade/orders", limit=1000).rows()
        return [(row["action"], row["reason"] or row["status"], row["volume"]) for row in reversed(rows)]

    def held(self) -> list[dict[str, Any]]:
        """Bob's open tickets, oldest first."""
        return list(reversed(self.trades(1)))

    def trades(self, kind: int) -> list[dict[str, Any]]:
        """Bob's records of a `tradeType`, newest first."""
        return self.bob.get("/trades", login=self.follower, limit=100, offset=0, tradeType=kind).rows()


def master_body(login: int, **more: Any) -> dict[str, Any]:
    public = {"strategy_name": "Trend", "visibility": "public", "allowed_follower_modes": 2}
    return {"login": login, **public, "reward_policy": TERMS, **more}


def told(answer: Answer) -> dict[str, Any]:
    """The object of a success."""
    assert answer.status == 200, answer.text
    return dict(answer.json)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error


def account(person: Person, login: int) -> TradingAccount:
    with person.place.scope():
        return TradingAccount.objects.get(login=login)


def new_login(person: Person, group: Any, balance: Decimal | int = 10_000) -> int:
    """One more account of a person's."""
    return int(person.place.account(person, group, balance).login)
