"""Stop-out and margin call, at posted quotes and by the market process's watch."""

import json
from datetime import timedelta
from decimal import Decimal as D
from random import Random

import pytest
from django.db import connection

from accounts.models import TradingAccount
from core.states import Cmd, TradeState
from infra.bulk import hot_cursor
from infra.push import held
from tests.integration.triggers.conftest import Hands
from tests.support.copy_house import prove_books
from tests.support.crowd import crowd, records
from tests.support.statements import statements
from tests.support.world import World
from trading.domain.stopout import stop_out_stands
from trading.models import AccountEvent, Order, Quote, Trade
from trading.services.desk import desk_open
from trading.services.keeping import Suspects
from trading.services.margin import margin_watch, suspects_of_margin


def jump(hands: Hands, bid: str, ask: str) -> None:
    """A quote that nobody has acted upon."""
    with hands.place.scope():
        Quote.objects.filter(instrument__symbol="EURUSD").update(bid=D(bid), ask=D(ask))


def test_a_posted_quote_stops_out_the_worst_position(world: World, hands: Hands) -> None:
    """2,000 with one lot from 1.1002 and one from 1.1005: 2,200.70 of margin, half of it is 1,100.35."""
    account = world.north.account(world.alice, world.north.real, balance=2_500)
    first = hands.order(account, Cmd.BUY, "1")
    hands.quote("1.1003", "1.1005")
    second = hands.order(account, Cmd.BUY, "1")
    # 2,500 - 682 - 712 = 1,106 is above 1,100.35
    hands.quote("1.0934", "1.0936")
    hands.quote("1.09338", "1.09358")
    assert hands.trade(second).state == TradeState.OPEN
    # 2,500 - 685 - 715 = 1,100 is not
    hands.quote("1.09335", "1.09355")
    trade = hands.trade(second)
    assert (trade.state, trade.comment, trade.close_price) == (TradeState.CLOSED, "[so]", D("1.09335"))
    assert trade.profit == D("-715")
    assert hands.trade(first).state == TradeState.OPEN
    assert hands.account(account).balance == D("1785")
    with hands.place.scope():
        event = AccountEvent.objects.filter(account=account).latest("seq")
        assert (event.kind, event.origin, event.trade_id) == ("CLOSE", "RISK", second)
        assert Order.objects.filter(account=account).latest("id").origin == "RISK"
        prove_books()


def test_a_negative_balance_stays(world: World, hands: Hands) -> None:
    account = world.north.account(world.alice, world.north.real, balance=2_000)
    number = hands.order(account, Cmd.BUY, "1")
    hands.quote("1.0500", "1.0502")
    assert hands.trade(number).comment == "[so]"
    assert hands.account(account).balance == D("-3020")


def test_the_watch_finds_who_fell_through_other_symbols_and_rates(world: World, hands: Hands) -> None:
    """An account in EUR: its profit in USD is worth more when the euro falls, which no quote of gold tells."""
    group = world.north.group("euro", currency="EUR")
    account = world.north.account(world.bob, group, balance=1_000)
    number = hands.order(account, Cmd.BUY, "0.4", symbol="XAUUSD")
    # margin 0.4 x 100 x 2000.50 / 100 = 800.20 USD: 727.39 EUR. At 1,980 the loss is 820 USD
    with hands.place.scope():
        Quote.objects.filter(instrument__symbol="XAUUSD").update(bid=D("1983"), ask=D("1983.5"))
    # -700 USD are -636.31 EUR at 1.1001: 363.69 left of 727.39 is exactly half of it
    assert margin_watch(tenant_id=hands.place.id, at=hands.at) == 1
    trade = hands.trade(number)
    assert (trade.comment, trade.profit) == ("[so]", D("-636.31"))
    assert margin_watch(tenant_id=hands.place.id, at=hands.at) == 0


def test_margin_call_is_told_when_it_begins_and_when_it_ends(
    transactional_db: None, world: World, hands: Hands
) -> None:
    account = world.alice.account
    hands.order(account, Cmd.BUY, "8")  # 8,801.60 of margin, 10,000 - 160 of equity
    levels: dict[int, int] = {}

    def told(bid: str, ask: str) -> list[tuple[str, int]]:
        jump(hands, bid, ask)
        with held() as frames:
            margin_watch(tenant_id=hands.place.id, at=hands.at, levels=levels)
        return [(frame.kind, json.loads(frame.text)[8]) for frame in frames]

    assert told("1.1000", "1.1002") == []
    assert told("1.0980", "1.0982") == [("account", 1)]  # 8,240
    assert told("1.0979", "1.0981") == []
    assert told("1.0999", "1.1001") == [("account", 0)]
    assert levels == {}


def test_a_process_that_is_new_tells_once(transactional_db: None, world: World, hands: Hands) -> None:
    hands.order(world.alice.account, Cmd.BUY, "8")
    jump(hands, "1.0980", "1.0982")
    with held() as frames:
        margin_watch(tenant_id=hands.place.id, at=hands.at)
    assert len(frames) == 1


def test_storage_and_credit_count(world: World, hands: Hands) -> None:
    account = world.north.account(world.alice, world.north.real, balance=1_000)
    with hands.place.scope():
        TradingAccount.objects.filter(pk=account.pk).update(credit=500)
    number = hands.order(account, Cmd.BUY, "1")
    jump(hands, "1.0905", "1.0907")  # 1,500 - 970 = 530 of 1,100.20
    with hands.place.scope():
        Trade.objects.filter(pk=number).update(storage=D("50"))
    assert margin_watch(tenant_id=hands.place.id, at=hands.at) == 0  # 580
    with hands.place.scope():
        Trade.objects.filter(pk=number).update(storage=D("-30"))
    assert margin_watch(tenant_id=hands.place.id, at=hands.at) == 1


def test_without_a_rate_nobody_is_judged(world: World, hands: Hands) -> None:
    group = world.north.group("yen", currency="JPY")
    account = world.north.account(world.bob, group, balance=0)
    with hands.place.scope():
        TradingAccount.objects.filter(pk=account.pk).update(balance=D(-1000))
    records(world.north, "EURUSD", [account.pk], [{"volume": D(1)}])
    with hands.place.scope():
        suspects = Suspects(hands.at)
        suspects_of_margin(hot_cursor(), suspects, [])
    assert suspects.orders == {}


@pytest.mark.parametrize("seed", range(3))
def test_the_statement_suspects_everybody_whom_the_rules_stop_out(world: World, hands: Hands, seed: int) -> None:
    """Random positions of random accounts in two currencies, at random quotes."""
    dice = Random(seed)
    euro = world.north.account(world.bob, world.north.group("euro", currency="EUR"), balance=0)
    ids = crowd(world.north, world.alice, 60, 0) + crowd(world.north, world.bob, 60, 0, like=euro)
    for symbol, price, lots in (("EURUSD", D("1.1"), D("0.3")), ("XAUUSD", D("2000"), D("0.2")), ("ES", D(5000), D(1))):
        rows = [
            {
                "cmd": dice.randrange(2),
                "volume": lots * dice.randint(1, 5),
                "open_price": price * (1 + D(dice.randint(-40, 40)) / 10_000),
                "storage": D(dice.randint(-500, 200)) / 100,
            }
            for _number in range(120)
        ]
        records(world.north, symbol, dice.sample(ids, 90), rows)
    with hands.place.scope():
        for account in TradingAccount.objects.filter(pk__in=ids):
            account.balance = D(dice.randint(100_000, 500_000)) / 100
            account.save(update_fields=["balance"])
        cursor = hot_cursor()
        desk = desk_open(cursor, ids, lock=False)
        due = {account.id for account in desk.accounts.values() if stop_out_stands(account, desk.market)}
        suspects = Suspects(hands.at)
        suspects_of_margin(cursor, suspects, [])
    assert 5 < len(due) < 115
    assert due <= set(suspects.orders)
    assert len(set(suspects.orders) - due) < 3


def test_the_watch_is_a_fixed_number_of_statements(world: World, hands: Hands) -> None:
    records(world.north, "EURUSD", crowd(world.north, world.alice, 50), [{} for _number in range(50)])
    with statements() as sent:
        margin_watch(tenant_id=hands.place.id, at=hands.at + timedelta(seconds=1))
    assert len(sent) <= 10, "\n".join(sent)
    assert connection.in_atomic_block
