"""R102, R126, D02: what a follower's owner may do by hand beside the copies."""

from decimal import Decimal as D

import pytest

from accounts.models import TradingAccount
from copytrade.models import TradeLink
from core.states import LinkState, Origin, Side, TicketKind
from tests.support.copy_house import copy_house
from tests.support.statements import statements
from trading.models import Trade
from trading.services.orders import (
    Changes,
    Refusal,
    order_cancel,
    order_close,
    order_modify,
    order_open,
    order_open_pending,
    position_flatten,
)

DISABLED, PROTECTED = "MANUAL_TRADING_DISABLED", "COPIED_POSITION_PROTECTED"


def house_of(world, mode, **changes):
    """A follower in that mode that holds one copy of 1 lot EURUSD, and an own ticket of 0.1 lot in gold."""
    house = copy_house(world.north, **changes)
    own = house.open(house.followers[0], "0.1", symbol="XAUUSD")
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        TradingAccount.objects.filter(pk=house.followers[0].pk).update(manual_trading_mode=mode)
    return house, house.links()[0].follower_trade_id, own


def code(house, call, **values):
    """The refusal of an order on the follower's account, "" when it is carried out."""
    with house.place.scope():
        answer = call(account_id=house.followers[0].id, at=house.at, **values)
    return answer.code if isinstance(answer, Refusal) else ""


def buy(symbol):
    return {"symbol": symbol, "side": Side.BUY, "volume": D("0.1")}


def limit(symbol, price):
    return buy(symbol) | {"open_price": D(price), "kind": TicketKind.LIMIT}


@pytest.mark.parametrize("netting", [False, True])
def test_disabled_refuses_every_order_by_hand(world, netting):
    house, copied, own = house_of(world, 0, follower_netting=netting)
    with statements() as sent:
        assert code(house, order_open, **buy("EURUSD")) == DISABLED
    assert not [text for text in sent if "copytrade_tradelink" in text]
    assert code(house, order_open, **buy("XAUUSD")) == DISABLED
    for ticket in (copied, own):
        assert code(house, order_close, trade_id=ticket) == DISABLED
        assert code(house, order_modify, trade_id=ticket, changes=Changes(sl=D(1))) == DISABLED
    assert len(house.tickets(house.followers[0])) == 2


def test_non_copied_protects_copied_tickets_and_nothing_else(world):
    house, copied, own = house_of(world, 1)
    assert code(house, order_close, trade_id=copied) == PROTECTED
    assert code(house, order_close, trade_id=copied, volume=D("0.1")) == PROTECTED
    assert code(house, order_modify, trade_id=copied, changes=Changes(sl=D("1.05"))) == PROTECTED
    # on HEDGING another ticket in the same symbol is another ticket
    assert code(house, order_open, **buy("EURUSD")) == ""
    assert code(house, order_close, trade_id=house.tickets(house.followers[0])[-1].id) == ""
    assert code(house, order_modify, trade_id=own, changes=Changes(sl=D(1900))) == ""
    assert code(house, order_close, trade_id=own) == ""
    assert [link.state for link in house.links()] == [LinkState.ACTIVE]


def test_non_copied_protects_whole_contracts_on_netting(world):
    house, copied, own = house_of(world, 1, follower_netting=True)
    assert code(house, order_open, **buy("EURUSD")) == PROTECTED
    assert code(house, order_open, symbol="EURUSD", side=Side.SELL, volume=D("0.1")) == PROTECTED
    assert code(house, order_close, trade_id=copied) == PROTECTED
    assert code(house, order_open, **buy("XAUUSD")) == ""
    assert code(house, order_close, trade_id=own) == ""


def test_a_ticket_that_is_no_copy_any_more_is_free(world):
    house, copied, _own = house_of(world, 1)
    with house.place.scope():
        TradeLink.objects.update(state=LinkState.UNTRACKED, volume=0)
    assert code(house, order_close, trade_id=copied) == ""


def test_allow_all_lets_everything_through_and_asks_nothing(world):
    house, copied, _own = house_of(world, 2)
    with statements() as sent:
        assert code(house, order_open, **buy("EURUSD")) == ""
    assert not [text for text in sent if text.lstrip().startswith("SELECT 1 FROM copytrade_tradelink")]
    assert code(house, order_close, trade_id=copied) == ""


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("origin", [Origin.DEALER, Origin.RISK, Origin.BOT, Origin.COPY])
def test_only_orders_by_hand_are_refused(world, mode, origin):
    house, copied, own = house_of(world, mode)
    assert code(house, order_close, trade_id=copied, origin=origin) == ""
    assert code(house, order_close, trade_id=own, origin=origin) == ""


@pytest.mark.parametrize("mode", [0, 1])
def test_copies_exits_and_flattening_go_on(world, mode):
    house, _copied, own = house_of(world, mode)
    house.open(house.leader, "0.5")
    house.drain()
    for ticket in house.tickets(house.leader):
        house.close(house.leader, ticket.id)
    house.drain()
    assert [t.id for t in house.tickets(house.followers[0])] == [own]
    with house.place.scope():
        (result,) = position_flatten(account_id=house.followers[0].id, symbol="XAUUSD", at=house.at)
    assert result["accepted"]


def test_the_mode_binds_followers_only(world):
    house, _copied, _own = house_of(world, 0)
    with house.place.scope():
        TradingAccount.objects.filter(pk=house.leader.pk).update(manual_trading_mode=0)
    assert house.open(house.leader, "0.1")


def test_pending_orders_by_hand_are_orders_by_hand(world):
    house, _copied, _own = house_of(world, 2)
    assert code(house, order_open_pending, **limit("EURUSD", "1.0900")) == ""
    with house.place.scope():
        (waiting,) = Trade.objects.filter(account=house.followers[0], cmd=2).values_list("pk", flat=True)
        TradingAccount.objects.filter(pk=house.followers[0].pk).update(manual_trading_mode=0)
    assert code(house, order_open_pending, **limit("EURUSD", "1.0900")) == DISABLED
    assert code(house, order_cancel, trade_id=waiting) == DISABLED


def test_over_rest_each_refusal_has_its_sentence(world, api):
    house, copied, own = house_of(world, 1)
    bob = api(world.bob)
    refused = bob.delete("/trade/close", {"login": house.followers[0].login, "order": copied})
    assert (refused.status, refused.error) == (403, PROTECTED)
    assert "copied" in refused["message"]
    with house.place.scope():
        TradingAccount.objects.filter(pk=house.followers[0].pk).update(manual_trading_mode=0)
    order = {"login": house.followers[0].login, "symbol": "EURUSD", "cmd": 0, "volume": 10}
    refused = bob.post("/trade/open", order)
    assert (refused.status, refused.error) == (403, DISABLED)
    assert "switched off" in refused["message"]
    # staff is not bound
    done = api(world.north.dealer).delete("/trade/close", {"login": house.followers[0].login, "order": own})
    assert done.status == 200, done.text
