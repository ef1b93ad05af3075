"""Margin, profit and commission against numbers worked by hand, contract by contract."""

from decimal import Decimal as D

import pytest

from core.rounding import stored
from core.states import Side, TradeState
from tests.support.house import account, how, later, market, spec
from trading.domain.execution import close_market, open_market
from trading.domain.valuation import margin_needed, picture
from trading.domain.values import Journal, OrderRecord


def opened(journal, quotes, owner, symbol, side, volume, **terms):
    order = open_market(journal, quotes, owner, quotes.find(symbol), side, D(volume), how(), **terms)
    assert isinstance(order, OrderRecord), order
    return order


def closed(journal, quotes, owner, ticket, volume=None):
    order = close_market(journal, quotes, owner, ticket, None if volume is None else D(volume), how(later(60)))
    assert isinstance(order, OrderRecord), order
    return order


def test_a_euro_bought_in_dollars():
    owner, journal = account(), Journal()
    before = market(EURUSD=("1.10000", "1.10020"))
    ticket = opened(journal, before, owner, "EURUSD", Side.BUY, "1").ticket
    assert ticket.open_price == D("1.10020")
    seen = picture(owner, before)
    assert seen.margin == D("1100.20")  # 100,000 x 1.1002 / 100
    assert seen.profit == D("-20.00")  # the spread: 0.0002 x 100,000
    assert seen.equity == D("9980.00")
    assert seen.margin_free == D("8879.80")
    assert seen.margin_level == D("907.11")  # 9,980 / 1,100.20

    after = market(EURUSD=("1.10500", "1.10520"))
    order = closed(journal, after, owner, ticket)
    assert order.price == D("1.10500")
    assert order.profit == D("480.00")
    assert owner.balance == D("10480.00")
    assert (ticket.state, ticket.rate) == (TradeState.CLOSED, 1)
    assert owner.tickets == []
    assert picture(owner, after).margin_level == 0


def test_yen_are_converted_at_the_inverse_of_the_mid():
    owner, journal = account(), Journal()
    before = market(USDJPY=("150.000", "150.010"))
    ticket = opened(journal, before, owner, "USDJPY", Side.BUY, "0.5").ticket
    # 100,000 x 150.010 x 0.5 / 100 = 75,005 JPY; / 150.005 = 500.0166...
    assert picture(owner, before).margin == D("500.02")
    after = market(USDJPY=("151.000", "151.010"))
    # 0.990 x 100,000 x 0.5 = 49,500 JPY; / 151.005 = 327.8037...
    assert closed(journal, after, owner, ticket).profit == D("327.80")
    assert owner.balance == D("10327.80")


def test_pounds_of_a_cross_are_converted_through_their_own_pair():
    owner, journal = account(), Journal()
    before = market(EURGBP=("0.86000", "0.86020"), GBPUSD=("1.25000", "1.25020"))
    ticket = opened(journal, before, owner, "EURGBP", Side.SELL, "2").ticket
    assert ticket.open_price == D("0.86000")
    assert picture(owner, before).margin == D("2150.17")  # 100,000 x 0.86 x 2 / 100 = 1,720 GBP x 1.2501
    after = market(EURGBP=("0.85480", "0.85500"), GBPUSD=("1.25000", "1.25020"))
    assert closed(journal, after, owner, ticket).profit == D("1250.10")  # 1,000 GBP x 1.2501
    assert ticket.rate == D("1.2501")


def test_francs_into_euros_go_through_the_dollar():
    owner = account(currency="EUR")
    quotes = market(USDCHF=("0.80000", "0.80000"), EURUSD=("1.25000", "1.25000"), USDCAD=("1.60000", "1.60000"))
    assert quotes.rate("CHF", "EUR") == 1  # 1 CHF = 1.25 USD = 1.00 EUR
    assert quotes.rate("CAD", "EUR") == D("0.5")
    assert quotes.rate("JPY", "EUR") is None
    assert margin_needed(owner, quotes, spec("USDCHF"), D(1), D("0.8")) == D("800.00")


def test_a_future_takes_its_margin_per_lot():
    owner, journal = account("100000"), Journal()
    before = market(ES=("5000.00", "5000.25"))
    ticket = opened(journal, before, owner, "ES", Side.BUY, "3").ticket
    assert picture(owner, before).margin == D("69000.00")  # 3 x 23,000
    after = market(ES=("5010.00", "5010.25"))
    assert closed(journal, after, owner, ticket).profit == D("1462.50")  # 39 ticks x 12.50 x 3


def test_a_future_without_margin_per_lot_falls_back_to_the_general_formula():
    contract = spec("ES", margin_per_lot=D(0))
    quotes = market(contract, ES=("5000.00", "5000.25"))
    assert margin_needed(account(), quotes, contract, D(1), D("5000.25")) == D(
        "2500.12"
    )  # 50 x 5,000.25 / 100, half-even


def test_gold_sold():
    owner, journal = account(), Journal()
    before = market(XAUUSD=("2000.00", "2000.50"))
    ticket = opened(journal, before, owner, "XAUUSD", Side.SELL, "0.10").ticket
    assert picture(owner, before).margin == D("200.00")
    assert picture(owner, before).profit == D("-5.00")
    after = market(XAUUSD=("1990.00", "1990.50"))
    assert closed(journal, after, owner, ticket).profit == D("95.00")


def test_a_bitcoin_needs_ten_times_the_margin_and_half_a_cent_rounds_to_even():
    owner, journal = account(), Journal()
    before = market(BTCUSD=("60000.00", "60010.00"))
    ticket = opened(journal, before, owner, "BTCUSD", Side.BUY, "0.25").ticket
    assert picture(owner, before).margin == D("1500.25")
    after = market(BTCUSD=("61000.50", "61010.00"))
    assert closed(journal, after, owner, ticket).profit == D("247.62")  # 247.625


def test_an_account_in_yen_books_whole_yen():
    owner, journal = account("1000000", currency="JPY", commission_per_lot=D("333.5")), Journal()
    quotes = market(USDJPY=("150.000", "150.010"))
    order = opened(journal, quotes, owner, "USDJPY", Side.BUY, "1")
    assert order.commission == D(-334)  # 333.5 to the even yen
    assert owner.balance == D(999666)


def test_a_part_carries_its_share_of_the_opening_commission_and_the_rest_is_by_subtraction():
    owner, journal = account(commission_per_lot=D("3.5")), Journal()
    quotes = market(EURUSD=("1.10000", "1.10000"))
    ticket = opened(journal, quotes, owner, "EURUSD", Side.BUY, "1").ticket
    assert (ticket.commission, owner.balance) == (D("-3.50"), D("9996.50"))

    part = closed(journal, quotes, owner, ticket, "0.33").closed
    # 3.5 x 0.33 = 1.155, half-even 1.16: once as share of the opening, once for the close
    assert (part.state, part.volume, part.commission) == (TradeState.CLOSED_PART, D("0.33"), D("-2.32"))
    assert part.parent is ticket
    assert (part.open_price, part.open_at) == (ticket.open_price, ticket.open_at)
    assert (ticket.state, ticket.volume, ticket.commission) == (TradeState.OPEN, D("0.67"), D("-2.34"))
    assert owner.balance == D("9995.34")

    rest = closed(journal, quotes, owner, ticket).closed
    assert rest is ticket
    # 3.5 x 0.67 = 2.345, half-even 2.34
    assert (ticket.state, ticket.commission) == (TradeState.CLOSED, D("-4.68"))
    assert owner.balance == D("9993.00")
    assert part.commission + ticket.commission == D("-7.00")


def test_storage_is_split_with_the_volume_and_booked_at_the_close():
    owner, journal = account(), Journal()
    quotes = market(EURUSD=("1.10000", "1.10000"))
    ticket = opened(journal, quotes, owner, "EURUSD", Side.SELL, "1").ticket
    ticket.storage = D("-1.01")
    assert picture(owner, quotes).equity == D("9998.99")
    part = closed(journal, quotes, owner, ticket, "0.5").closed
    assert (part.storage, ticket.storage) == (D("-0.50"), D("-0.51"))
    assert owner.balance == D("9999.50")
    closed(journal, quotes, owner, ticket)
    assert owner.balance == D("9998.99")


def test_yen_into_euros_go_through_the_dollar_at_the_rates_of_the_close():
    owner, journal = account(currency="EUR"), Journal()
    before = market(USDJPY=("149.990", "150.010"), EURUSD=("1.24990", "1.25010"))
    ticket = opened(journal, before, owner, "USDJPY", Side.BUY, "1").ticket
    # 100,000 x 150.010 / 100 = 150,010 JPY; / 150.000 = 1,000.0666... USD; / 1.2500 = 800.0533... EUR
    assert picture(owner, before).margin == D("800.05")
    after = market(USDJPY=("151.490", "151.510"), EURUSD=("1.24990", "1.25010"))
    # 1.480 / 0.001 x 100 = 148,000 JPY; / 151.500 = 976.8976... USD; / 1.2500 = 781.5181... EUR
    assert closed(journal, after, owner, ticket).profit == D("781.52")
    assert stored(ticket.rate) == D("0.0052805281")  # 1 / 151.500 / 1.2500
    assert owner.balance == D("10781.52")


def test_a_pair_of_its_own_goes_before_the_way_through_the_dollar():
    owner, journal = account(currency="EUR"), Journal()
    crosses = {"EURUSD": ("1.24990", "1.25010"), "EURJPY": ("189.990", "190.010")}
    ticket = opened(journal, market(USDJPY=("149.990", "150.010"), **crosses), owner, "USDJPY", Side.BUY, "1").ticket
    # 148,000 JPY / 190.000
    assert closed(journal, market(USDJPY=("151.490", "151.510"), **crosses), owner, ticket).profit == D("778.95")


def test_a_future_and_a_bitcoin_in_an_account_in_euros():
    owner, journal = account("100000", currency="EUR"), Journal()
    before = market(
        ES=("5000.00", "5000.25"), BTCUSD=("60000.00", "60050.00"), EURUSD=("1.24990", "1.25010")
    )  # fmt: skip
    future = opened(journal, before, owner, "ES", Side.BUY, "2").ticket
    assert picture(owner, before).margin == D("36800.00")  # 23,000 USD x 2 / 1.2500
    coin = opened(journal, before, owner, "BTCUSD", Side.SELL, "0.05").ticket
    assert picture(owner, before).margin == D("37040.00")  # and 60,000 x 10 x 0.05 / 100 = 300 USD / 1.2500
    after = market(ES=("5010.00", "5010.25"), BTCUSD=("58950.00", "59000.00"), EURUSD=("1.24990", "1.25010"))
    assert closed(journal, after, owner, future).profit == D("780.00")  # 39 ticks x 12.50 x 2 = 975 USD / 1.2500
    assert closed(journal, after, owner, coin).profit == D("40.00")  # 1,000 x 0.05 = 50 USD / 1.2500
    assert (future.rate, coin.rate) == (D("0.8"), D("0.8"))
    assert owner.balance == D("100820.00")


@pytest.mark.parametrize("missing", ["quote", "rate"])
def test_what_cannot_be_priced_counts_as_zero_and_says_so(missing):
    owner, journal = account(), Journal()
    both = market(EURGBP=("0.86000", "0.86020"), GBPUSD=("1.25000", "1.25020"))
    opened(journal, both, owner, "EURGBP", Side.BUY, "1")
    poor = market(GBPUSD=("1.25", "1.25")) if missing == "quote" else market(EURGBP=("0.86", "0.86"))
    seen = picture(owner, poor)
    assert not seen.complete
    assert (seen.profit, seen.margin) == (0, 0)
