"""POST /manage/quotes carries out what it makes due before it answers."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from core.states import Cmd, EventKind, TradeState
from infra.push import held
from infra.tenancy import tenant_scope
from tests.integration.triggers.conftest import Hands
from tests.support.copy_house import prove_books
from tests.support.statements import statements
from tests.support.world import World
from trading.models import Order, Quote
from trading.services.quotes import NewQuote, quotes_store


def test_a_buy_limit_is_filled_at_the_better_quote(world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990", sl="1.0900", tp="1.1100", comment="mine")
    hands.quote("1.0989", "1.0991")
    assert hands.trade(number).cmd == Cmd.BUY_LIMIT
    hands.quote("1.0985", "1.0987")
    trade = hands.trade(number)
    assert (trade.cmd, trade.open_price, trade.sl, trade.tp) == (Cmd.BUY, D("1.0987"), D("1.09"), D("1.11"))
    assert (trade.comment, trade.expiration_at) == ("mine", None)
    assert hands.events(world.alice.account)[-2:] == [("PLACE", number), ("OPEN", number)]


def test_a_life_with_money(world: World, hands: Hands) -> None:
    """A sell stop is filled at 1.0994 and its take profit closes it at 1.0897: 97 points of 10 USD on one lot."""
    account = world.north.account(world.alice, world.north.charging)
    number = hands.order(account, Cmd.SELL_STOP, "1", "1.0995", tp="1.0900")
    hands.quote("1.0994", "1.0996")
    assert hands.trade(number).open_price == D("1.0994")
    hands.quote("1.0899", "1.0901")
    assert hands.trade(number).state == TradeState.OPEN
    hands.quote("1.0895", "1.0897")
    trade = hands.trade(number)
    assert (trade.state, trade.close_price, trade.comment) == (TradeState.CLOSED, D("1.0897"), "[tp]")
    assert (trade.profit, trade.commission) == (D("970"), D("-7"))
    assert hands.account(account).balance == D("10963")
    with hands.place.scope():
        intents = Order.objects.filter(trade_id=number).order_by("id").values_list("intent", "status", "price")
        assert list(intents)[1:] == [("TRIGGER", "FILLED", D("1.0994")), ("CLOSE", "FILLED", D("1.0897"))]
        prove_books()


def test_a_stop_loss_closes_at_the_quote_that_jumped_over_it(world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY, "1", sl="1.0950")
    hands.quote("1.0900", "1.0902")
    trade = hands.trade(number)
    assert (trade.close_price, trade.comment, trade.profit) == (D("1.09"), "[sl]", D("-1020"))
    assert hands.account(world.alice.account).balance == D("8980")


def test_quotes_of_one_symbol_in_one_call_are_taken_one_after_the_other(
    transactional_db: None, world: World, hands: Hands
) -> None:
    """Down through the stop and up again: the last quote alone would have left the position alone."""
    stopped = hands.order(world.alice.account, Cmd.BUY, "1", sl="1.0950")
    limit = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0940", tp="1.1000")
    answer = hands.post(("EURUSD", "1.0935", "1.0937"), ("XAUUSD", "2001", "2001.5"), ("EURUSD", "1.1005", "1.1007"))
    assert answer.status == 200
    assert hands.trade(stopped).close_price == D("1.0935")
    trade = hands.trade(limit)
    assert (trade.open_price, trade.close_price, trade.comment) == (D("1.0937"), D("1.1005"), "[tp]")
    with hands.place.scope():
        assert Quote.objects.get(instrument__symbol="EURUSD").bid == D("1.1005")
        prove_books()
    # -67 points and +68 points
    assert hands.account(world.alice.account).balance == D("10010")


def test_a_call_with_one_bad_quote_carries_out_nothing(world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY, "1", sl="1.0950")
    answer = hands.post(("EURUSD", "1.0900", "1.0902"), ("EURUSD", "1.0900", "1.0800"))
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert hands.trade(number).state == TradeState.OPEN


def test_an_order_whose_time_has_come_is_ended_by_the_quote_that_would_have_filled_it(
    world: World, hands: Hands
) -> None:
    number = hands.order(
        world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990", expiration_at=hands.at + timedelta(microseconds=1)
    )
    hands.quote("1.0980", "1.0982")
    trade = hands.trade(number)
    assert (trade.state, trade.comment, trade.cmd) == (TradeState.DELETED, "[expired]", Cmd.BUY_LIMIT)


def test_an_order_that_cannot_be_paid_ends(world: World, hands: Hands) -> None:
    account = world.north.account(world.alice, world.north.real, balance=100)
    number = hands.order(account, Cmd.BUY_STOP, "1", "1.1010")
    hands.quote("1.1010", "1.1012")
    trade = hands.trade(number)
    assert (trade.state, trade.comment) == (TradeState.DELETED, "[no money]")
    assert trade.close_at is not None
    assert hands.account(account).balance == 100
    assert hands.events(account)[-1] == ("CANCEL", number)


def test_a_netting_position_takes_an_order_in(world: World, hands: Hands) -> None:
    account = world.north.account(world.alice, world.north.netting)
    position = hands.order(account, Cmd.BUY, "1")
    stop = hands.order(account, Cmd.SELL_STOP, "0.4", "1.0990")
    hands.quote("1.0988", "1.0990")
    assert hands.trade(position).volume == D("0.6")
    assert (hands.trade(stop).state, hands.trade(stop).comment) == (TradeState.DELETED, f"[filled #{position}]")
    # 14 points of 10 USD on 0.4 lots
    assert hands.account(account).balance == D("9944")
    with hands.place.scope():
        prove_books()


def test_terminals_hear_of_it(transactional_db: None, world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY, "1", sl="1.0950")
    with held() as frames:
        hands.quote("1.0900", "1.0902")
    quote, closed, balance = (frame.text for frame in frames)
    assert quote.startswith('["t","EURUSD",1.09')
    assert closed.startswith(f'["o",{number},')
    assert closed.endswith('"[sl]",6]')
    assert balance.startswith(f'["b",{world.alice.login},8980')


def test_another_tenant_is_left_alone(world: World, hands: Hands) -> None:
    world.south.market()
    theirs = Hands(world.south, hands.dealer)
    number = theirs.order(world.charlie.account, Cmd.BUY, "1", sl="1.0950")
    hands.quote("1.0900", "1.0902")
    assert theirs.trade(number).state == TradeState.OPEN


@pytest.mark.parametrize("due", [1, 40])
def test_the_statements_do_not_grow_with_what_is_due(world: World, hands: Hands, due: int) -> None:
    for _number in range(due):
        hands.order(world.alice.account, Cmd.BUY_LIMIT, "0.01", "1.0990")
    with tenant_scope(hands.place.id), statements() as sent:
        quote = NewQuote("EURUSD", D("1.0988"), D("1.0989"))
        quotes_store(tenant_id=hands.place.id, quotes=[quote], at=hands.at, source="POSTED")
    assert hands.events(world.alice.account)[-1][0] == EventKind.OPEN
    assert len(sent) <= 30, "\n".join(sent)
