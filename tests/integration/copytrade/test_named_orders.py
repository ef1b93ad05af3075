"""Orders with a client's own id: one trade, and the same answer every time."""

from decimal import Decimal as D

import pytest

from core.states import Side
from tests.support.copy_house import copy_house
from trading.models import Order, Trade
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open


@pytest.fixture
def house(world):
    return copy_house(world.north, followers=0)


def opened(house, volume="1", name="mine", request_hash="a", symbol="EURUSD"):
    with house.place.scope():
        return order_open(
            account_id=house.leader.id,
            symbol=symbol,
            side=Side.BUY,
            volume=D(volume),
            at=house.at,
            client_order_id=name,
            request_hash=request_hash,
        )


@pytest.mark.parametrize(("symbol", "price"), [("EURUSD", "1.1002"), ("ES", "5000.25"), ("XAUUSD", "2000.5")])
def test_the_same_id_gives_the_same_answer_and_no_second_trade(house, symbol, price):
    first = opened(house, symbol=symbol)
    house.wait(5)
    again = opened(house, symbol=symbol)
    assert isinstance(first, OrderAnswer)
    assert again == first
    assert again.wire["price"] == D(price)
    with house.place.scope():
        assert Trade.objects.filter(cmd=0).count() == 1
    house.prove()


def test_another_request_under_the_same_id_is_refused(house):
    opened(house)
    assert opened(house, volume="2", request_hash="b") == Refusal("IDEMPOTENCY_KEY_REUSED")


def test_a_refusal_is_remembered_too(house):
    assert opened(house, volume="1000") == Refusal("RET_TRADE_BAD_VOLUME")
    with house.place.scope():
        (order,) = Order.objects.all()
    assert (order.status, order.refusal) == ("REJECTED", "RET_TRADE_BAD_VOLUME")
    assert opened(house, volume="1000") == Refusal("RET_TRADE_BAD_VOLUME")
    # a request that would be fine now is another request
    assert opened(house, volume="1", request_hash="b") == Refusal("IDEMPOTENCY_KEY_REUSED")


def test_a_close_is_remembered(house):
    ticket = opened(house).order

    def close():
        with house.place.scope():
            return order_close(
                account_id=house.leader.id,
                trade_id=ticket,
                volume=D("0.4"),
                at=house.at,
                client_order_id="close",
                request_hash="c",
            )

    first = close()
    assert (first.wire["close_volume"], first.wire["volume"]) == (40, 60)
    assert close() == first
    (open_ticket,) = house.tickets(house.leader)
    assert open_ticket.volume == D("0.6")


def test_ids_belong_to_their_account(house):
    other = house.place.account(house.place.person("bob"), house.leader.group)
    first = opened(house)
    with house.place.scope():
        second = order_open(
            account_id=other.id,
            symbol="EURUSD",
            side=Side.BUY,
            volume=D("0.1"),
            at=house.at,
            client_order_id="mine",
            request_hash="a",
        )
    assert isinstance(second, OrderAnswer)
    assert second.order != first.order
