"""Who trades, who copies, what dies, and what must be there afterwards."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connection

from accounts.models import TradingAccount
from copytrade.domain import shards
from copytrade.models import CopyOrder, LeaderShard, TradeLink
from core import clock
from core.states import LinkState, Side, TradeState
from infra.database import owner_connection
from tests.support.copy_house import copy_house, join, lead, subscribe
from tests.support.processes import Process, Product
from tests.support.proof import proved_wrong
from tests.support.terminal import Terminal
from tests.support.world import World
from trading.models import AccountEvent, Trade
from trading.services.orders import OrderAnswer, order_close, order_open

D = Decimal
T = TypeVar("T")
PATIENCE = 120.0
LOST = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
PLACES = (
    "copy.claimed", "copy.locked", "copy.read", "copy.decided", "copy.written", "copy.committed", "copy.published",
    "sweep.found",
)  # fmt: skip
ORDER_PLACES = ("order.locked", "order.written", "order.committed", "order.answered")
SHARD_SIZE = 3
HELD_MOST = 4


class Scene:
    """Two leaders, eight followers, four of them of both; what the leaders hold is `model`."""

    def __init__(self, product: Product, luck: random.Random, done: "Counter[str]") -> None:
        self.product, self.luck, self.done = product, luck, done
        shards.SHARD_SIZE = SHARD_SIZE  # type: ignore[misc]
        place = World().north
        self.house = house = copy_house(
            place, followers=4, balance=10_000_000, commission="1", max_signal_age_seconds=0, risk_multiplier=D(1)
        )
        group = place.group("both", position_mode="HEDGING")
        both = {"balance": 10_000_000, "profile": {"max_master_count": 2}, "max_signal_age_seconds": 0}
        join(house, 4, group, risk_multiplier=D(2), **both)
        second = lead(place, place.person("carol"), group)
        self.place, self.leaders = place, {"alice": house.leader, "carol": second}
        for account in self.leaders.values():
            place.deposit(account, 10_000_000)
        self.shares = {s.id: (s.leader_id, D(1)) for s in house.subscriptions[:4]}
        self.shares |= {s.id: (s.leader_id, D(2)) for s in house.subscriptions[4:]}
        for account in house.followers[4:]:
            made = subscribe(house, second, account, risk_multiplier=D(1), max_signal_age_seconds=0)
            self.shares[made.id] = (second.id, D(1))
        self.model: dict[int, dict[int, Decimal]] = {account.id: {} for account in self.leaders.values()}
        self.tokens = {name: place.person(name).token for name in self.leaders}
        self.commands = 0
        self.alive: dict[str, Process] = {}
        self.revive()

    # --- Life and death

    def revive(self) -> None:
        """Starts what has died; some of it will die again at a place of its path."""
        starts: dict[str, Callable[[], Process]] = {
            "first worker": self.product.copy_worker,
            "second worker": self.product.copy_worker,
            "beat": self.product.beat,
            "web": self.product.web,
        }
        for name, start in starts.items():
            process = self.alive.get(name)
            if process is not None and process.alive:
                continue
            if process is not None:
                self.done[f"deaths of {name.split()[-1]}"] += 1
            if name != "beat" and self.luck.random() < 0.5:
                places = ORDER_PLACES if name == "web" else PLACES
                self.product.arm(self.luck.choice(places), self.luck.randint(1, 5))
            try:
                self.alive[name] = start()
            except AssertionError:
                # It was armed and has died while it came up, or PostgreSQL is away: the next call starts it again.
                self.product.faults = {}
                self.alive.pop(name, None)

    def blow(self) -> None:
        """Something happens to somebody."""
        victim = self.luck.choice(["first worker", "first worker", "second worker", "beat", "web", "Redis", "nobody"])
        if victim == "Redis":
            self.product.redis.flushdb()
            self.done["losses of Redis"] += 1
        elif victim in self.alive:
            self.alive[victim].kill()

    def postgres_dies(self) -> None:
        """As in a crash; whoever started it starts it again."""
        with owner_connection() as raw:
            row = raw.execute("SHOW data_directory").fetchone()
        assert row is not None
        pid = int((Path(row[0]) / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, self.luck.choice([signal.SIGQUIT, signal.SIGINT]))
        self.done["restarts of PostgreSQL"] += 1

    def patiently(self, work: Callable[[], T]) -> T:
        """`work`, until PostgreSQL lets it; it must be harmless to do it twice."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return work()
            except LOST:
                connection.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    # --- One run

    def run(self, number: int) -> None:
        """Some actions with blows among them; then everybody has what the leaders' actions add up to."""
        for _action in range(self.luck.randint(2, 6)):
            self._act()
            if self.luck.random() < 0.6:
                time.sleep(self.luck.random() ** 2 * 0.06)
                self.blow()
            if self.luck.random() < 0.5:
                self.revive()
        self._settle(f"run {number}")
        self._compare()

    def close_everything(self) -> None:
        for name, leader in self.leaders.items():
            for order, volume in list(self.model[leader.id].items()):
                self._close(name, leader, order, volume, volume)
        self._settle("the end")
        self._compare()
        with self.place.scope():
            assert not Trade.objects.filter(state=TradeState.OPEN, cmd__lt=2).exists()

    def _act(self) -> None:
        name = self.luck.choice(sorted(self.leaders))
        leader = self.leaders[name]
        held = self.model[leader.id]
        if not held or (len(held) < HELD_MOST and self.luck.random() < 0.5):
            volume = D(self.luck.randint(1, 200)) / 100
            side = self.luck.choice(list(Side))
            order = self._ask(
                name,
                "trade.open",
                {"login": leader.login, "cmd": int(side is Side.SELL), "volume": int(volume * 100), "symbol": "EURUSD"},
                lambda key: order_open(
                    account_id=leader.id, symbol="EURUSD", side=side, volume=volume, at=clock.now(), client_order_id=key
                ),
            )
            assert order not in held
            held[order] = volume
            return
        order, volume = self.luck.choice(sorted(held.items()))
        part = volume if self.luck.random() < 0.5 else D(self.luck.randint(1, int(volume * 100))) / 100
        self._close(name, leader, order, volume, part)

    def _close(self, name: str, leader: TradingAccount, order: int, volume: Decimal, part: Decimal) -> None:
        self._ask(
            name,
            "trade.close",
            {"order": order, "volume": int(part * 100)},
            lambda key: order_close(
                account_id=leader.id, trade_id=order, volume=part, at=clock.now(), client_order_id=key
            ),
        )
        self.model[leader.id][order] = volume - part
        if part == volume:
            del self.model[leader.id][order]

    def _ask(self, name: str, event: str, data: dict[str, Any], service: Callable[[str], Any]) -> int:
        """By socket or by service; again with the same id until there is an answer."""
        self.commands += 1
        self.done["leaders' orders"] += 1
        key = f"chaos-{self.commands}"
        if self.luck.random() < 0.5:

            def by_hand() -> int:
                with self.place.scope():
                    answer = service(key)
                assert isinstance(answer, OrderAnswer), answer
                return answer.order

            return self.patiently(by_hand)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with Terminal(self.product.address, self.tokens[name]) as terminal:
                    return int(terminal.command(event, key, **data)["order"])
            except Exception as error:
                # A refusal would be an AssertionError of `command`; while PostgreSQL is away the platform says so.
                away = "UNAVAILABLE" in str(error) or "INTERNAL_ERROR" in str(error) or "no such frame" in str(error)
                if time.monotonic() > end or (isinstance(error, AssertionError) and not away):
                    raise
                self.done["orders sent again"] += 1
                time.sleep(0.05)
                self.revive()

    # --- What must hold

    def _settle(self, when: str) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            self.revive()
            if self.patiently(self._settled):
                return
            if time.monotonic() > end:
                tails = "\n".join(process.tail()[-1500:] for process in self.alive.values())
                raise AssertionError(f"{when}: not everything is copied after {PATIENCE:.0f} s\n{tails}")
            time.sleep(0.02)

    def _settled(self) -> bool:
        with self.place.scope():
            heads = dict(TradingAccount.objects.filter(pk__in=self.model).values_list("id", "event_seq"))
            return all(
                cursor == heads[leader] for leader, cursor in LeaderShard.objects.values_list("leader_id", "cursor")
            )

    def _compare(self) -> None:
        self.patiently(self._compare_once)

    def _compare_once(self) -> None:
        expected = {
            (name, order): volume * share
            for name, (leader, share) in self.shares.items()
            for order, volume in self.model[leader].items()
        }
        with self.place.scope():
            links = TradeLink.objects.filter(state=LinkState.ACTIVE)
            owned = {(k.subscription_id, k.leader_trade_id): (k.follower_trade_id, k.volume) for k in links}
            assert links.count() == len(owned), "a trade was copied twice"
            copied = Trade.objects.filter(state=TradeState.OPEN, copied=True)
            tickets = dict(copied.values_list("id", "volume"))
            own = Trade.objects.filter(state=TradeState.OPEN, account__in=self.model, cmd__lt=2)
            leaders = {(t.account_id, t.id): t.volume for t in own}
        assert leaders == {(leader, o): v for leader, held in self.model.items() for o, v in held.items()}
        assert {key: volume for key, (_ticket, volume) in owned.items()} == expected
        assert tickets == dict(owned.values())


def proofs(scene: Scene) -> None:
    """The product's own proofs, and one copy order for every event and subscription."""
    assert scene.patiently(proved_wrong) == []
    with scene.place.scope():
        events = Counter(
            AccountEvent.objects.filter(account__in=scene.model)
            .exclude(kind="BALANCE")
            .values_list("account_id", flat=True)
        )
        told = Counter(CopyOrder.objects.values_list("subscription_id", flat=True))
        left_out = Counter(CopyOrder.objects.exclude(status="FILLED").values_list("action", "reason"))
    # An opening that is closed again when it is looked at is not sent, and neither are its exits then.
    assert {reason for _action, reason in left_out} <= {"CLOSED_BEFORE_COPY"}
    if not left_out:
        assert told == {name: events[leader] for name, (leader, _share) in scene.shares.items()}
