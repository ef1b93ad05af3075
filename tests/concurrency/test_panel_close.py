"""The leader, the drain, the copy panel and the customer's own hand all close the same copies at the same time."""

import time
from decimal import Decimal as D
from functools import partial

import pytest
from django.db import connections

from copytrade.engine.commands import commands_drain
from copytrade.engine.drain import leader_drain
from copytrade.models import TradeLink
from copytrade.services.commands import position_close
from core import clock
from core.errors import DomainError
from core.states import LinkState, Side, TradeState
from infra.tenancy import tenant_scope
from tests.concurrency.test_three_hands import Hands
from tests.support.copy_house import copy_house
from trading.models import Trade
from trading.services.orders import Refusal, order_close, order_open

SECONDS = 5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whoever_closes_first_closes_once(transactional_db, world):
    house = copy_house(world.north, followers=4, balance=1_000_000)
    house.at = clock.now()
    tenant, leader = house.place.id, house.leader.id
    followers = [account.id for account in house.followers]
    hands = Hands(tenant)

    def lead(luck):
        with tenant_scope(tenant):
            mine = list(Trade.objects.filter(account_id=leader, state=TradeState.OPEN).values_list("id", flat=True))
        with tenant_scope(tenant):
            if len(mine) < 4:
                order_open(account_id=leader, symbol="EURUSD", side=Side.BUY, volume=house_volume(luck), at=clock.now())
                return "opened"
            answer = order_close(account_id=leader, trade_id=luck.choice(mine), volume=None, at=clock.now())
        return "refused" if isinstance(answer, Refusal) else "closed"

    def house_volume(luck):
        return D(luck.randint(1, 20)) / 100

    def panel(luck, account):
        with tenant_scope(tenant):
            links = TradeLink.objects.filter(follower_id=account, state=LinkState.ACTIVE)
            tickets = list(links.values_list("follower_trade_id", flat=True))
        if not tickets:
            time.sleep(0.002)
            return "nothing"
        try:
            with tenant_scope(tenant):
                position_close(account_id=account, trade_id=luck.choice(tickets), at=clock.now())
        except DomainError:
            return "panel too late"
        return "asked"

    def hand(luck, account):
        with tenant_scope(tenant):
            mine = list(Trade.objects.filter(account_id=account, state=TradeState.OPEN).values_list("id", flat=True))
        if not mine:
            time.sleep(0.002)
            return "nothing"
        with tenant_scope(tenant):
            answer = order_close(account_id=account, trade_id=luck.choice(mine), volume=None, at=clock.now())
        return "hand too late" if isinstance(answer, Refusal) else "closed by hand"

    def drain(work, _luck):
        done = work(tenant_id=tenant, leader_id=leader, clock=clock.now)
        if not done:
            time.sleep(0.002)
        return f"{work.__name__}" if done else "idle"

    hands.start(lead)
    for work in (leader_drain, leader_drain, commands_drain, commands_drain):
        hands.start(partial(drain, work))
    hands.start(lambda luck: panel(luck, luck.choice(followers)))
    hands.start(lambda luck: hand(luck, luck.choice(followers)))
    deeds = ("opened", "closed", "asked", "closed by hand", "leader_drain", "commands_drain")
    hands.run(SECONDS, lambda: all(hands.done[did] > 3 for did in deeds))
    connections.close_all()

    assert all(hands.done[did] > 3 for did in deeds), hands.done
    house.drain()
    commands_drain(tenant_id=tenant, leader_id=leader, clock=clock.now)
    house.prove(exact=True)
    for ticket in house.tickets(house.leader):
        house.close(house.leader, ticket.id)
    house.drain()
    assert [house.held(number) for number in range(4)] == [[]] * 4
    assert "EVENT_FAILED" not in {reason for _action, _status, reason in house.outcomes()}
    house.prove(exact=True)
