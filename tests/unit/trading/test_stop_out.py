"""Stop-out by hand: EURUSD bought at 1.2 with leverage 100 binds 1,200 of margin a lot."""

from decimal import Decimal as D

from core.states import EventKind, Origin, Side, TradeState
from tests.support.house import AT, account, later, market, spec
from trading.domain.stopout import stop_out_carry_out, stop_out_stands
from trading.domain.valuation import picture
from trading.domain.values import AccountState, Journal, Ticket


def held(
    owner: AccountState, symbol: str, volume: str, price: str, number: int, side: Side = Side.BUY, **terms
) -> Ticket:
    ticket = Ticket(number, spec(symbol), side, D(volume), D(price), AT, **terms)
    owner.tickets.append(ticket)
    return ticket


def test_at_the_level_it_stands_and_above_it_does_not():
    owner = account("2000")
    held(owner, "EURUSD", "1", "1.2", 1)
    # 2,000 - 1,400 = 600 is 50 % of 1,200
    assert stop_out_stands(owner, market(EURUSD=("1.186", "1.1861")))
    assert not stop_out_stands(owner, market(EURUSD=("1.18601", "1.18611")))


def test_the_worst_position_goes_first_and_no_more_than_has_to():
    owner = account("4000")
    small = held(owner, "EURUSD", "1", "1.2", 1)
    worst = held(owner, "EURUSD", "1", "1.21", 2)
    winner = held(owner, "EURUSD", "1", "1.21", 3, Side.SELL)
    quotes, journal = market(EURUSD=("1.18", "1.18")), Journal()
    # 4,000 - 2,000 - 3,000 + 3,000 = 2,000 of 3,620: 55 %
    assert not stop_out_stands(owner, quotes)
    winner.open_price = D("1.205")
    # 1,500 of 3,615 is 41 %: the second goes (-3,000); 1,500 of 2,405 are left, 62 %
    stop_out_carry_out(journal, quotes, owner, later(1))
    assert (worst.state, worst.comment, worst.profit) == (TradeState.CLOSED, "[so]", D(-3000))
    assert owner.tickets == [small, winner]
    assert owner.balance == 1000
    assert picture(owner, quotes).margin_level == D("62.37")
    assert [(c.kind, c.origin) for c in journal.changes] == [(EventKind.CLOSE, Origin.RISK)]


def test_everything_goes_and_a_negative_balance_stays():
    owner = account("2000")
    first = held(owner, "EURUSD", "1", "1.2", 1)
    second = held(owner, "XAUUSD", "0.1", "2000", 2)
    quotes, journal = market(EURUSD=("1.15", "1.1502"), XAUUSD=("2000", "2000.5")), Journal()
    stop_out_carry_out(journal, quotes, owner, AT)
    assert owner.tickets == []
    assert [order.ticket for order in journal.orders] == [first, second]
    assert owner.balance == -3000


def test_of_equal_losses_the_older_goes_first():
    owner = account("2000")
    held(owner, "EURUSD", "1", "1.2", 5)
    held(owner, "EURUSD", "1", "1.2", 3)
    quotes, journal = market(EURUSD=("1.19", "1.19")), Journal()
    # 0 of 2,400; after the first 0 of 1,200; then nothing is held
    stop_out_carry_out(journal, quotes, owner, AT)
    assert [order.ticket.id for order in journal.orders] == [3, 5]


def test_without_positions_there_is_nothing_to_do():
    owner = account("-5")
    journal = Journal()
    stop_out_carry_out(journal, market(EURUSD=("1.1", "1.1")), owner, AT)
    assert journal.orders == []


def test_while_a_position_cannot_be_priced_nobody_is_stopped_out():
    owner = account("100")
    held(owner, "EURUSD", "1", "1.2", 1)
    held(owner, "XAUUSD", "1", "2000", 2)
    journal = Journal()
    stop_out_carry_out(journal, market(spec("XAUUSD"), EURUSD=("1.1", "1.1")), owner, AT)
    assert journal.orders == []


def test_what_has_no_usable_quote_stays_and_the_next_worst_goes():
    owner = account("3000")
    stale = Ticket(1, spec("EURUSD", stale_quote_seconds=10), Side.BUY, D(1), D("1.2"), AT)
    owner.tickets.append(stale)
    gold = held(owner, "XAUUSD", "1", "2000", 2)
    quotes, journal = market(stale.spec, EURUSD=("1.18", "1.18"), XAUUSD=("1992", "1992")), Journal()
    stop_out_carry_out(journal, quotes, owner, later(11))
    assert [order.ticket for order in journal.orders] == [gold]
    assert owner.tickets == [stale]
