"""Pending orders and stops of leader and follower beside the copying of positions."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from copytrade import reasons
from core.states import Origin, Side, TicketKind
from infra.bulk import hot_cursor
from tests.support.copy_house import copy_house
from trading.domain.execution import Instruction
from trading.domain.pending import trigger_pending
from trading.domain.values import Journal
from trading.services.book import book_write
from trading.services.desk import desk_open
from trading.services.orders import Changes, OrderAnswer, order_cancel, order_modify, order_open_pending


@pytest.fixture
def house(world):
    return copy_house(world.north)


def place(house, account, price="1.09"):
    with house.place.scope():
        placed = order_open_pending(
            account_id=account.id, symbol="EURUSD", side=Side.BUY, kind=TicketKind.LIMIT, volume=D("0.5"),
            open_price=D(price), at=house.at,
        )  # fmt: skip
    assert isinstance(placed, OrderAnswer)
    return placed.order


def modify(house, account, number, **changes):
    with house.place.scope():
        order_modify(account_id=account.id, trade_id=number, changes=Changes(**changes), at=house.at)


def cancel(house, account, number):
    with house.place.scope():
        order_cancel(account_id=account.id, trade_id=number, at=house.at)


def trigger(house, account, number):
    with house.place.scope():
        cursor, journal = hot_cursor(), Journal()
        desk = desk_open(cursor, [account.id])
        state = desk.accounts[account.id]
        ticket = state.pending_order(number)
        assert ticket is not None
        how = Instruction(Origin.MANUAL, house.at + timedelta(seconds=1))
        trigger_pending(journal, desk.market, state, ticket, D("1.09"), how)
        book_write(cursor, journal, desk.market)


def test_a_filled_pending_order_is_an_entry(house):
    trigger(house, house.leader, place(house, house.leader))
    house.drain()
    assert house.story() == [("PLACE", "PENDING_NOT_COPIED", 0), ("OPEN", "FILLED", D("0.5"))]
    assert [side for side, _volume in house.held()] == ["BUY"]
    house.prove(exact=True)


def test_a_followers_own_pending_orders_and_stops_leave_its_links_alone(house):
    house.open(house.leader, "1")
    house.drain()
    (copied,) = house.tickets(house.followers[0])
    waiting = place(house, house.followers[0])
    modify(house, house.followers[0], copied.id, sl=D("1.05"))
    modify(house, house.followers[0], waiting, sl=D("1.05"))
    assert [link.volume for link in house.links()] == [copied.volume]
    cancel(house, house.followers[0], waiting)
    house.prove(exact=True)


def test_a_full_account_refuses_the_copy_and_says_why(house, settings):
    settings.ACCOUNT_RECORDS_MAX = 1
    house.open(house.leader, "1")
    house.drain()
    settings.ACCOUNT_RECORDS_MAX = 2
    house.open(house.leader, "1")
    settings.ACCOUNT_RECORDS_MAX = 1
    house.drain()
    assert [(action, outcome) for action, outcome, _volume in house.story()] == [
        ("OPEN", "FILLED"),
        ("OPEN", "RET_TRADE_TOO_MANY_ORDERS"),
    ]
    (_first, refused) = house.orders()
    assert reasons.detail(refused.reason).startswith("The account has as many")
