"""What the house does with a market order, and what it refuses."""

from decimal import Decimal as D

import pytest

from core.rounding import ZERO
from core.states import EventKind, Origin, Side, TradeState
from tests.support.house import AT, account, how, later, market, snapshot, spec
from trading.domain.execution import balance_change, close_market, open_market
from trading.domain.valuation import picture
from trading.domain.values import Journal, Movement, OrderRecord, Refused

FLAT = market(EURUSD=("1.10000", "1.10000"))


def order(owner, journal, side=Side.BUY, volume="1", quotes=FLAT, symbol="EURUSD", instruction=None, **stops):
    return open_market(
        journal,
        quotes,
        owner,
        quotes.find(symbol),
        side,
        D(volume),
        instruction or how(),
        **{k: D(v) for k, v in stops.items()},
    )


# --- Netting


def test_an_increase_averages_the_price_by_volume():
    owner, journal = account("100000", netting=True), Journal()
    order(owner, journal, volume="1", quotes=market(EURUSD=("1.10000", "1.10020")))
    second = order(owner, journal, volume="0.5", quotes=market(EURUSD=("1.10060", "1.10080")))
    (position,) = owner.tickets
    assert second.ticket is position
    assert (position.volume, position.open_price) == (D("1.5"), D("1.1004"))
    assert [(c.kind, c.volume_before, c.volume_after) for c in journal.changes] == [
        (EventKind.OPEN, 0, 1),
        (EventKind.INCREASE, 1, D("1.5")),
    ]


def test_an_averaged_price_is_kept_to_ten_places():
    owner, journal = account("100000", netting=True), Journal()
    order(owner, journal, volume="1", quotes=market(EURUSD=("1.1", "1.1")))
    order(owner, journal, volume="2", quotes=market(EURUSD=("1.10001", "1.10001")))
    assert owner.tickets[0].open_price == D("1.1000066667")


def test_the_other_side_reduces():
    owner, journal = account(netting=True), Journal()
    order(owner, journal, Side.BUY, "1")
    order(owner, journal, Side.SELL, "0.4", quotes=market(EURUSD=("1.10100", "1.10120")))
    (position,) = owner.tickets
    assert (position.side, position.volume) == (Side.BUY, D("0.6"))
    assert owner.balance == D("10040.00")  # 0.00100 x 100,000 x 0.4 at the bid
    assert journal.changes[-1].kind is EventKind.REDUCE
    assert [t.state for t in journal.opened] == [TradeState.OPEN, TradeState.CLOSED_PART]


def test_the_other_side_in_full_closes():
    owner, journal = account(netting=True), Journal()
    order(owner, journal, Side.BUY, "1")
    done = order(owner, journal, Side.SELL, "1")
    assert owner.tickets == []
    assert done.ticket.state is TradeState.CLOSED
    assert [c.kind for c in journal.changes] == [EventKind.OPEN, EventKind.CLOSE]


def test_a_flip_is_a_close_and_then_an_open_of_another_ticket():
    owner, journal = account(netting=True, commission_per_lot=D(2)), Journal()
    order(owner, journal, Side.BUY, "1")
    first = owner.tickets[0]
    done = order(owner, journal, Side.SELL, "1.5", quotes=market(EURUSD=("1.09900", "1.09920")))
    (position,) = owner.tickets
    assert position is not first
    assert done.ticket is position
    assert done.closed is first
    assert (position.side, position.volume, position.open_price) == (Side.SELL, D("0.5"), D("1.09900"))
    assert [(c.kind, c.ticket, c.volume_before, c.volume_after) for c in journal.changes[1:]] == [
        (EventKind.CLOSE, first, 1, 0),
        (EventKind.OPEN, position, 0, D("0.5")),
    ]
    assert [c.seq for c in journal.changes] == [1, 2, 3]
    # 2.00 at the first open; -100.00 and 2.00 at the close; 1.00 for the half lot opened
    assert owner.balance == D("9895.00")
    close, reopen = journal.changes[1:]
    assert close.balance == D("9998.00")
    assert reopen.balance == D("9896.00")  # each event tells the balance before it


def test_positions_of_different_contracts_do_not_net():
    owner, journal = account("100000", netting=True), Journal()
    quotes = market(EURUSD=("1.1", "1.1"), XAUUSD=("2000", "2000"))
    order(owner, journal, Side.BUY, "1", quotes=quotes)
    order(owner, journal, Side.SELL, "1", quotes=quotes, symbol="XAUUSD")
    assert len(owner.tickets) == 2


def test_hedging_keeps_both_sides():
    owner, journal = account(), Journal()
    order(owner, journal, Side.BUY, "1")
    order(owner, journal, Side.SELL, "1")
    assert [t.side for t in owner.tickets] == [Side.BUY, Side.SELL]


def test_a_flip_counts_what_the_close_releases():
    """1,100 of margin are bound; the flip of the whole needs them again and nothing more."""
    owner, journal = account("1100", netting=True), Journal()
    order(owner, journal, Side.BUY, "1")
    assert picture(owner, FLAT).margin_free == 0
    assert order(owner, journal, Side.SELL, "2.01") == Refused("RET_TRADE_NO_MONEY")
    assert isinstance(order(owner, journal, Side.SELL, "2"), OrderRecord)


# --- Money


def test_free_margin_of_exactly_zero_is_enough_and_a_cent_less_is_not():
    quotes = market(EURUSD=("1.10000", "1.10020"))
    # margin 1,100.20, spread 20.00, commission 3.50
    enough, short = (account(b, commission_per_lot=D("3.5")) for b in ("1123.70", "1123.69"))
    journal = Journal()
    before = snapshot(short, journal)
    assert order(short, journal, quotes=quotes) == Refused("RET_TRADE_NO_MONEY")
    assert snapshot(short, journal) == before
    assert isinstance(order(enough, journal, quotes=quotes), OrderRecord)
    assert picture(enough, quotes).margin_free == 0


def test_a_withdrawal_leaves_free_margin_at_zero_or_more():
    owner, journal = account("2000"), Journal()
    order(owner, journal)
    before = snapshot(owner, journal)
    refused = balance_change(journal, FLAT, owner, D("-900.01"), "WITHDRAWAL", "", AT)
    assert refused == Refused("RET_TRADE_NO_MONEY")
    assert snapshot(owner, journal) == before
    assert isinstance(balance_change(journal, FLAT, owner, D(-900), "WITHDRAWAL", "", AT), Movement)
    assert picture(owner, FLAT).margin_free == 0


def test_nothing_is_paid_out_while_a_position_cannot_be_priced():
    owner, journal = account("2000"), Journal()
    order(owner, journal)
    blind = market(spec("EURUSD"))
    assert balance_change(journal, blind, owner, D(-1), "WITHDRAWAL", "", AT) == Refused("RET_TRADE_NO_MONEY")
    assert isinstance(balance_change(journal, blind, owner, D(1), "DEPOSIT", "", AT), Movement)


def test_floating_profit_is_not_paid_out():
    owner, journal = account("1100"), Journal()
    order(owner, journal)
    rich = market(EURUSD=("1.20000", "1.20000"))
    assert balance_change(journal, rich, owner, D("-1100.01"), "WITHDRAWAL", "", AT) == Refused("RET_TRADE_NO_MONEY")


# --- Refusals: the code, and nothing changed


@pytest.mark.parametrize("volume", ["0.005", "0", "-1", "0.015", "100.01", "0.001"])
def test_volumes_off_the_step_or_the_limits(volume):
    owner, journal = account("10000000"), Journal()
    before = snapshot(owner, journal)
    assert order(owner, journal, volume=volume) == Refused("RET_TRADE_BAD_VOLUME")
    assert snapshot(owner, journal) == before


@pytest.mark.parametrize("volume", ["0.01", "100"])
def test_volumes_at_the_limits(volume):
    assert isinstance(order(account("10000000"), Journal(), volume=volume), OrderRecord)


STOPS = market(EURUSD=("1.10000", "1.10020"))


@pytest.mark.parametrize(
    ("side", "stops"),
    [
        (Side.BUY, {"sl": "1.10000"}),  # a buy is closed at the bid: there it would be closed at once
        (Side.BUY, {"sl": "1.10010"}),
        (Side.BUY, {"tp": "1.10000"}),
        (Side.BUY, {"sl": "1.09000", "tp": "1.09500"}),
        (Side.SELL, {"sl": "1.10020"}),
        (Side.SELL, {"sl": "1.10010"}),
        (Side.SELL, {"tp": "1.10020"}),
    ],
)
def test_stops_on_the_wrong_side(side, stops):
    owner, journal = account(), Journal()
    before = snapshot(owner, journal)
    assert order(owner, journal, side, quotes=STOPS, **stops) == Refused("RET_TRADE_BAD_STOPS")
    assert snapshot(owner, journal) == before


@pytest.mark.parametrize(("side", "sl", "tp"), [(Side.BUY, "1.09999", "1.10001"), (Side.SELL, "1.10021", "1.10019")])
def test_stops_on_the_right_side(side, sl, tp):
    owner = account()
    assert isinstance(order(owner, Journal(), side, quotes=STOPS, sl=sl, tp=tp), OrderRecord)
    assert (owner.tickets[0].sl, owner.tickets[0].tp) == (D(sl), D(tp))


def test_a_quote_is_usable_for_exactly_its_seconds():
    contract = spec("EURUSD", stale_quote_seconds=5)
    quotes = market(contract, EURUSD=("1.1", "1.1"))
    owner, journal = account(), Journal()
    assert order(owner, journal, quotes=quotes, instruction=how(later(6))) == Refused("RET_TRADE_OFFQUOTES")
    assert isinstance(order(owner, journal, quotes=quotes, instruction=how(later(5))), OrderRecord)
    ticket = owner.tickets[0]
    before = snapshot(owner, journal)
    assert close_market(journal, quotes, owner, ticket, None, how(later(6))) == Refused("RET_TRADE_OFFQUOTES")
    assert snapshot(owner, journal) == before


def test_without_a_quote_or_a_conversion_nothing_is_traded():
    owner, journal = account(), Journal()
    assert order(owner, journal, quotes=market(spec("EURUSD"))) == Refused("RET_TRADE_OFFQUOTES")
    no_dollar = market(EURGBP=("0.86", "0.86"))
    assert order(owner, journal, quotes=no_dollar, symbol="EURGBP") == Refused("RET_TRADE_OFFQUOTES")


def test_switched_off_accounts_and_contracts_open_nothing_but_close():
    journal = Journal()
    off = account(enabled=False)
    assert order(off, journal) == Refused("RET_TRADE_DISABLE")
    owner = account()
    ticket = order(owner, journal).ticket
    closed_contract = market(spec("EURUSD", trade_enabled=False), EURUSD=("1.1", "1.1"))
    assert order(owner, journal, quotes=closed_contract) == Refused("RET_TRADE_DISABLE")
    assert isinstance(close_market(journal, closed_contract, owner, ticket, None, how()), OrderRecord)


@pytest.mark.parametrize("volume", ["0", "-0.5", "1.01", "0.005"])
def test_a_close_of_an_impossible_volume(volume):
    owner, journal = account(), Journal()
    ticket = order(owner, journal).ticket
    before = snapshot(owner, journal)
    assert close_market(journal, FLAT, owner, ticket, D(volume), how()) == Refused("RET_TRADE_BAD_VOLUME")
    assert snapshot(owner, journal) == before


def test_a_closed_ticket_is_not_closed_again():
    owner, journal = account(), Journal()
    ticket = order(owner, journal).ticket
    close_market(journal, FLAT, owner, ticket, None, how())
    assert close_market(journal, FLAT, owner, ticket, None, how()) == Refused("RET_TRADE_INCORRECT_STATE")


def test_all_of_a_ticket_can_be_closed_after_its_contract_got_a_coarser_step():
    owner, journal = account(), Journal()
    ticket = order(owner, journal, volume="0.05").ticket
    ticket.spec = spec("EURUSD", lot_step=D("0.1"), lot_min=D("0.1"))
    quotes = market(ticket.spec, EURUSD=("1.1", "1.1"))
    assert close_market(journal, quotes, owner, ticket, D("0.03"), how()) == Refused("RET_TRADE_BAD_VOLUME")
    assert isinstance(close_market(journal, quotes, owner, ticket, None, how()), OrderRecord)


# --- Labels


def test_a_copy_marks_its_ticket():
    owner, journal = account(), Journal()
    order(owner, journal, instruction=how(origin=Origin.COPY, comment="c", client_order_id="x"))
    (change,) = journal.changes
    assert owner.tickets[0].copied
    assert change.origin is Origin.COPY
    assert change.order is not None
    assert (change.order.client_order_id, owner.tickets[0].comment) == ("x", "c")
    assert (change.equity, change.balance) == (D(10000), D(10000))


def test_nothing_is_booked_for_zero():
    owner, journal = account(), Journal()
    ticket = order(owner, journal).ticket
    close_market(journal, FLAT, owner, ticket, None, how())
    assert ticket.profit == ZERO
    assert journal.movements == []
    assert [c.kind for c in journal.changes] == [EventKind.OPEN, EventKind.CLOSE]
