"""Two leaders, the customers' own hands, deposits and withdrawals, stop-outs and several drains work on the same twenty
followers at the same time; nobody ever hears of a deadlock.

Runs for some seconds, or for as many as THREE_HANDS_SECONDS says.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal as D
from functools import partial

import pytest
from django.db import connection, connections

from copytrade.engine.drain import leader_drain
from core import clock
from core.errors import DomainError
from core.states import LinkState, Side, TradeState
from infra.tenancy import tenant_scope
from tests.support.copy_house import copy_house, join, lead, subscribe
from trading.models import Trade
from trading.services.balance import balance_operate
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open

FOLLOWERS = 20
POOR = 4
"""The last ones, who are stopped out when the market moves."""
PATIENCE = 120
SECONDS = float(os.environ.get("THREE_HANDS_SECONDS", "8"))

DEEDS = ("opened", "closed", "closed by hand", "turned", "looked", "hand too late", "paid", "quoted")

_UNTRUE = """
SELECT l.follower_trade_id, sum(l.volume), t.volume, t.state
FROM copytrade_tradelink l LEFT JOIN trading_trade t ON t.id = l.follower_trade_id
WHERE l.state = 0 GROUP BY l.follower_trade_id, t.volume, t.state
HAVING t.state IS DISTINCT FROM 0 OR sum(l.volume) > t.volume
"""


@contextmanager
def may_lack_money() -> Iterator[None]:
    try:
        yield
    except DomainError as refused:
        if refused.code != "RET_TRADE_NO_MONEY":
            raise


class Hands:
    """Threads that work until the time is over; what any of them raises is kept."""

    def __init__(self, tenant_id: int) -> None:
        self.tenant_id = tenant_id
        self.done: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, step: Callable[[random.Random], str]) -> None:
        """`step` is done again and again; it says what it did."""

        def work() -> None:
            luck = random.Random(len(self._threads))
            try:
                while not self._over.is_set():
                    did = step(luck)
                    with self._lock:
                        self.done[did] += 1
            except BaseException as error:
                self.errors.append(error)
                self._over.set()
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def run(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Lets them work for some seconds; longer, up to two minutes, where not `enough` has come about by then."""
        self._over.wait(seconds)
        end = time.monotonic() + PATIENCE
        while not self._over.is_set() and not enough() and time.monotonic() < end:
            self._over.wait(1)
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads), "a thread hangs"
        if self.errors:
            raise self.errors[0]


@pytest.fixture
def house(transactional_db, world):
    """Twenty hedging followers of two leaders."""
    made = copy_house(world.north, followers=0)
    group = made.place.group("hands", position_mode="HEDGING", commission_per_lot=D("0.5"))
    made.at = clock.now()
    join(made, FOLLOWERS - POOR, group, balance=1_000_000, profile={"max_master_count": 2})
    join(made, POOR, group, balance=2_000, risk_multiplier=D(5), profile={"max_master_count": 2})
    other = lead(made.place, made.place.person("carol"), group)
    for account in made.followers:
        subscribe(made, other, account, risk_multiplier=D("0.5"))
    return made, other


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_links_equal_tickets_whatever_happens_at_the_same_time(house):
    house, other = house
    hands = Hands(house.place.id)
    leaders = [house.leader.id, other.id]
    followers = [account.id for account in house.followers]

    def open_tickets(account_id: int) -> list[tuple[int, D]]:
        found = Trade.objects.filter(account_id=account_id, state=TradeState.OPEN)
        return list(found.values_list("id", "volume"))

    def trade(account_id: int, luck: random.Random) -> str:
        with tenant_scope(hands.tenant_id):
            mine = open_tickets(account_id)
        with tenant_scope(hands.tenant_id):
            if len(mine) < 3 or (len(mine) < 6 and luck.random() < 0.5):
                volume = D(luck.randint(1, 40)) / 100
                side = luck.choice(list(Side))
                answer = order_open(account_id=account_id, symbol="EURUSD", side=side, volume=volume, at=clock.now())
                assert isinstance(answer, OrderAnswer), answer
                return "opened"
            ticket, held = luck.choice(mine)
            part = D(luck.randint(1, int(held * 100))) / 100 if luck.random() < 0.6 else None
            outcome = order_close(account_id=account_id, trade_id=ticket, volume=part, at=clock.now())
            if isinstance(outcome, Refusal):
                # somebody else was quicker: that, and nothing else, may be refused
                assert outcome.code in ("RET_TRADE_INCORRECT_STATE", "RET_TRADE_BAD_VOLUME"), outcome
                return "too late"
            return "closed"

    def by_hand(luck: random.Random) -> str:
        account_id = luck.choice(followers)
        with tenant_scope(hands.tenant_id):
            mine = open_tickets(account_id)
        time.sleep(luck.random() * 0.004)  # a person looks before the click; meanwhile the copies go on
        if not mine:
            return "nothing to close"
        ticket, held = luck.choice(mine)
        part = D(luck.randint(1, int(held * 100))) / 100 if luck.random() < 0.7 else None
        with tenant_scope(hands.tenant_id):
            outcome = order_close(account_id=account_id, trade_id=ticket, volume=part, at=clock.now())
        if isinstance(outcome, Refusal):
            assert outcome.code in ("RET_TRADE_INCORRECT_STATE", "RET_TRADE_BAD_VOLUME"), outcome
            return "hand too late"
        return "closed by hand"

    def drain(leader_id: int, _luck: random.Random) -> str:
        turns = leader_drain(tenant_id=hands.tenant_id, leader_id=leader_id, clock=clock.now)
        if not turns:
            time.sleep(0.002)
        return "turned" if turns else "idle"

    def money(luck: random.Random) -> str:
        """Deposits and withdrawals; the poor get what they need to trade again."""
        account_id = luck.choice(followers)
        time.sleep(luck.random() * 0.01)
        # The withdrawal of somebody who has not so much: that, and nothing else, may be refused.
        with may_lack_money(), tenant_scope(hands.tenant_id):
            balance_operate(account_id=account_id, amount=D(luck.choice([-700, -100, 300, 900])), at=clock.now())
        return "paid"

    def market(luck: random.Random) -> str:
        """The quote jumps up and down: every posted quote stops out whoever it leaves too little."""
        time.sleep(0.05 + luck.random() * 0.1)
        bid = D("1.1000") + D(luck.randint(-200, 200)) / 10_000
        house.place.quote("EURUSD", bid, bid + D("0.0002"))
        return "quoted"

    def look(_luck: random.Random) -> str:
        """One statement is one snapshot."""
        with tenant_scope(hands.tenant_id), connection.cursor() as cursor:
            cursor.execute(_UNTRUE)
            assert cursor.fetchall() == []
        time.sleep(0.02)
        return "looked"

    for leader_id in leaders:
        hands.start(partial(trade, leader_id))
        for _worker in range(2):
            hands.start(partial(drain, leader_id))
    for _customer in range(2):
        hands.start(by_hand)
    hands.start(money)
    hands.start(market)
    hands.start(look)

    def met() -> bool:
        """All hands had work, and they met: some came too late, some copies found nothing left to close."""
        worked = all(hands.done[did] > 3 for did in DEEDS) and house.outcomes()["CLOSE", "SKIPPED", "ALREADY_FLAT"] > 0
        with house.place.scope():
            stopped_out = Trade.objects.filter(account__in=followers[-POOR:], comment__contains="[so]")
            return worked and stopped_out.exists()

    hands.run(SECONDS, met)
    assert met(), hands.done

    for leader in (house.leader, other):
        house.drain(leader)
    house.prove(exact=True)
    for leader in (house.leader, other):
        for ticket in house.tickets(leader):
            house.close(leader, ticket.id)
        house.drain(leader)
    assert [house.held(number) for number in range(FOLLOWERS)] == [[]] * FOLLOWERS
    assert not any(link.state == LinkState.ACTIVE for number in range(FOLLOWERS) for link in house.links(number))
    # Only the poor are refused anything, and never an exit.
    assert {key for key in house.outcomes() if key[1] == "REJECTED"} <= {("OPEN", "REJECTED", "RET_TRADE_NO_MONEY")}
    assert "EVENT_FAILED" not in {reason for _action, _status, reason in house.outcomes()}
    house.prove(exact=True)
