"""Which records a quote makes due, in which order, and where they are filled."""

from decimal import Decimal as D

import pytest

from core.rounding import ZERO
from core.states import Cmd, EventKind, Origin, Reason, Side, TicketKind, TradeState
from tests.support.house import AT, account, later, market, spec
from trading.domain.triggers import CONDITIONS, due, expirations_carry_out, triggers_carry_out
from trading.domain.values import AccountState, Journal, Ticket

EURUSD = spec("EURUSD")
HERE = {EURUSD.id}


def waiting(owner: AccountState, cmd: Cmd, price: str = "1.2", number: int = 1, **terms: object) -> Ticket:
    """A record of the account: an open position for the market commands, else a pending order."""
    values = {"volume": D(1), "open_at": AT, **terms}
    ticket = Ticket(id=number, spec=EURUSD, side=cmd.side, kind=cmd.kind, open_price=D(price), **values)
    (owner.tickets if cmd.kind is TicketKind.MARKET else owner.pending).append(ticket)
    return ticket


def tick(bid: str, ask: str):
    return market(EURUSD=(bid, ask))


def run(owner: AccountState, bid: str, ask: str, at=AT) -> Journal:
    journal = Journal()
    triggers_carry_out(journal, tick(bid, ask), owner, HERE, at)
    return journal


# --- The table, by hand: bid/ask just before, at, and beyond the level of 1.2

TABLE = [
    # command, what waits, last quote that leaves it alone, first that does not, one far beyond, fills of the last two
    (Cmd.BUY_LIMIT, "price", ("1.1999", "1.2001"), ("1.1998", "1.2"), ("1.1", "1.11"), ("1.2", "1.11")),
    (Cmd.SELL_LIMIT, "price", ("1.1999", "1.2001"), ("1.2", "1.2002"), ("1.3", "1.31"), ("1.2", "1.3")),
    (Cmd.BUY_STOP, "price", ("1.1998", "1.1999"), ("1.1999", "1.2"), ("1.3", "1.31"), ("1.2", "1.31")),
    (Cmd.SELL_STOP, "price", ("1.2001", "1.2002"), ("1.2", "1.2001"), ("1.1", "1.11"), ("1.2", "1.1")),
    (Cmd.BUY, "sl", ("1.2001", "1.2002"), ("1.2", "1.2001"), ("1.1", "1.11"), ("1.2", "1.1")),
    (Cmd.SELL, "sl", ("1.1998", "1.1999"), ("1.1999", "1.2"), ("1.3", "1.31"), ("1.2", "1.31")),
    (Cmd.BUY, "tp", ("1.1999", "1.2001"), ("1.2", "1.2001"), ("1.3", "1.31"), ("1.2", "1.3")),
    (Cmd.SELL, "tp", ("1.1999", "1.2001"), ("1.1999", "1.2"), ("1.1", "1.11"), ("1.2", "1.11")),
]


@pytest.mark.parametrize(("cmd", "level", "before", "at", "beyond", "fills"), TABLE)
def test_each_condition(cmd, level, before, at, beyond, fills):
    for quote, fill in ((before, None), (at, fills[0]), (beyond, fills[1])):
        owner = account("1000000")
        terms = {} if level == "price" else {level: D("1.2")}
        ticket = waiting(owner, cmd, "1.2" if level == "price" else "1.25", **terms)
        journal = run(owner, *quote)
        if fill is None:
            assert journal.changes == []
        elif level == "price":
            assert (ticket.kind, ticket.open_price, ticket.state) == (TicketKind.MARKET, D(fill), TradeState.OPEN)
            assert [change.kind for change in journal.changes] == [EventKind.OPEN]
        else:
            assert (ticket.close_price, ticket.state, ticket.comment) == (D(fill), TradeState.CLOSED, f"[{level}]")
            assert [change.kind for change in journal.changes] == [EventKind.CLOSE]


def test_every_condition_is_in_the_table():
    assert {(c.cmd, c.level) for c in CONDITIONS} == {
        (row[0], {"price": "open_price"}.get(row[1], row[1])) for row in TABLE
    }


def test_no_stop_is_no_condition():
    owner = account()
    waiting(owner, Cmd.BUY)
    waiting(owner, Cmd.SELL)
    assert run(owner, "0.0001", "9").changes == []


# --- Order


def test_a_gap_down_carries_out_from_the_highest_level_to_the_lowest():
    owner = account("1000000")
    waiting(owner, Cmd.BUY_LIMIT, "1.15", 1)
    waiting(owner, Cmd.BUY, "1.25", 2, sl=D("1.18"))
    waiting(owner, Cmd.SELL_STOP, "1.19", 3)
    waiting(owner, Cmd.SELL, "1.25", 4, tp=D("1.16"))
    found = due(owner, tick("1.1", "1.1001"), HERE, AT)
    assert [one.ticket.id for one in found] == [3, 2, 4, 1]
    journal = run(owner, "1.1", "1.1001")
    assert [change.ticket.id for change in journal.changes] == [3, 2, 4, 1]
    assert [order.price for order in journal.orders] == [D("1.1"), D("1.1"), D("1.1001"), D("1.1001")]


def test_a_gap_up_carries_out_from_the_lowest_level_to_the_highest():
    owner = account("1000000")
    waiting(owner, Cmd.SELL_LIMIT, "1.25", 1)
    waiting(owner, Cmd.SELL, "1.15", 2, sl=D("1.22"))
    waiting(owner, Cmd.BUY_STOP, "1.21", 3)
    waiting(owner, Cmd.BUY, "1.15", 4, tp=D("1.24"))
    assert [one.ticket.id for one in due(owner, tick("1.3", "1.3001"), HERE, AT)] == [3, 2, 4, 1]


def test_the_older_of_two_at_one_level_comes_first_and_of_two_at_one_time_the_smaller_number():
    owner = account("1000000")
    waiting(owner, Cmd.BUY_LIMIT, "1.2", 3, open_at=later(5))
    waiting(owner, Cmd.BUY_LIMIT, "1.2", 9)
    waiting(owner, Cmd.BUY_LIMIT, "1.2", 4)
    assert [one.ticket.id for one in due(owner, tick("1.1", "1.1"), HERE, AT)] == [4, 9, 3]


def test_a_close_that_comes_first_pays_for_what_comes_after():
    """Margin for one lot only: the stop at 1.19 frees it before the limit at 1.15 needs it."""
    owner = account("12000")
    waiting(owner, Cmd.BUY, "1.2", 1, sl=D("1.19"), volume=D("0.5"))
    waiting(owner, Cmd.SELL, "1.2", 2, volume=D("0.5"))
    limit = waiting(owner, Cmd.BUY_LIMIT, "1.15", 3, volume=D("10"))
    run(owner, "1.15", "1.15")
    # -2,500 of the long, +2,500 floating of the short; 12,000 - 600 for the short - 11,500 does not fit
    assert limit.state is TradeState.DELETED
    assert limit.comment == "[no money]"
    owner = account("12100")
    waiting(owner, Cmd.BUY, "1.2", 1, sl=D("1.19"), volume=D("0.5"))
    waiting(owner, Cmd.SELL, "1.2", 2, volume=D("0.5"))
    limit = waiting(owner, Cmd.BUY_LIMIT, "1.15", 3, volume=D("10"))
    run(owner, "1.15", "1.15")
    assert limit.kind is TicketKind.MARKET  # 12,100 - 600 - 11,500 = 0 is left; with the long there were -600


# --- What follows at the same quote


def test_the_stop_of_a_position_that_a_gap_has_opened_is_carried_out_at_the_same_quote():
    owner = account("100000")
    ticket = waiting(owner, Cmd.BUY_STOP, "1.2", sl=D("1.19"), tp=D("1.205"))
    journal = run(owner, "1.2098", "1.21")
    assert [change.kind for change in journal.changes] == [EventKind.OPEN, EventKind.CLOSE]
    assert (ticket.open_price, ticket.close_price, ticket.comment) == (D("1.21"), D("1.2098"), "[tp]")
    assert owner.balance == D("99980.00")


def test_a_netting_position_takes_an_order_in_and_keeps_its_own_stop_level():
    owner = account("100000", netting=True)
    held = waiting(owner, Cmd.BUY, "1.25", 1, sl=D("1.1"))
    limit = waiting(owner, Cmd.BUY_LIMIT, "1.2", 2)
    journal = run(owner, "1.1999", "1.2")
    journal.name_positions()
    assert (held.volume, held.open_price, held.sl) == (2, D("1.225"), D("1.1"))
    assert (limit.state, limit.comment) == (TradeState.DELETED, "[filled #1]")


def test_what_a_stop_has_closed_no_other_level_finds():
    owner = account("100000", netting=True)
    waiting(owner, Cmd.BUY, "1.25", 1, sl=D("1.2"))
    sell = waiting(owner, Cmd.SELL_STOP, "1.19", 2)
    journal = run(owner, "1.18", "1.1802")
    assert [(c.ticket.id, c.kind) for c in journal.changes] == [(1, EventKind.CLOSE), (2, EventKind.OPEN)]
    assert (sell.kind, sell.open_price) == (TicketKind.MARKET, D("1.18"))


def test_both_stops_due_at_once_count_as_the_loss():
    owner = account()
    ticket = waiting(owner, Cmd.BUY, "1.2", sl=D("1.25"), tp=D("1.15"))
    run(owner, "1.2", "1.2001")
    assert ticket.comment == "[sl]"


# --- What is left alone


def test_only_the_instruments_that_were_quoted_are_looked_at():
    owner = account("1000000")
    waiting(owner, Cmd.BUY_LIMIT, "1.2")
    journal = Journal()
    triggers_carry_out(journal, tick("1.1", "1.1"), owner, {EURUSD.id + 1}, AT)
    assert journal.changes == []


def test_an_order_whose_time_has_come_is_never_filled_and_ends():
    owner = account("1000000")
    late = waiting(owner, Cmd.BUY_LIMIT, "1.2", 1, expiration_at=AT)
    good = waiting(owner, Cmd.BUY_LIMIT, "1.2", 2, expiration_at=later(1))
    quotes, journal = tick("1.1", "1.1"), Journal()
    assert [one.ticket for one in due(owner, quotes, HERE, AT)] == [good]
    expirations_carry_out(journal, quotes, owner, AT)
    assert (late.state, late.comment) == (TradeState.DELETED, "[expired]")
    assert owner.pending == [good]
    assert [change.kind for change in journal.changes] == [EventKind.CANCEL]


def test_an_order_that_cannot_be_paid_ends_and_says_so():
    owner = account("100")
    limit = waiting(owner, Cmd.BUY_LIMIT, "1.2", comment="mine")
    journal = run(owner, "1.19", "1.1901")
    assert (limit.state, limit.comment) == (TradeState.DELETED, "mine [no money]")
    assert owner.balance == 100
    assert [change.kind for change in journal.changes] == [EventKind.CANCEL]


def test_what_has_no_usable_quote_goes_on_waiting():
    owner = account("1000000")
    contract = spec("EURUSD", stale_quote_seconds=10)
    ticket = Ticket(1, contract, Side.BUY, D(1), D("1.2"), AT, kind=TicketKind.LIMIT)
    held = Ticket(2, contract, Side.BUY, D(1), D("1.2"), AT, sl=D("1.15"))
    owner.pending.append(ticket)
    owner.tickets.append(held)
    journal, quotes = Journal(), market(contract, EURUSD=("1.1", "1.1"))
    triggers_carry_out(journal, quotes, owner, HERE, later(11))
    assert (journal.changes, owner.pending, owner.tickets) == ([], [ticket], [held])
    triggers_carry_out(journal, quotes, owner, HERE, later(10))
    assert (owner.pending, held.state) == ([], TradeState.CLOSED)


def test_records_keep_their_reason_and_whose_will_they_were():
    owner = account("1000000")
    limit = waiting(owner, Cmd.BUY_LIMIT, "1.2", 1, reason=Reason.MOBILE, copied=True, comment="mine")
    held = waiting(owner, Cmd.BUY, "1.25", 2, reason=Reason.EXPERT, sl=D("1.2"), comment="ours")
    journal = run(owner, "1.19", "1.19")
    assert (limit.reason, limit.copied, limit.comment) == (Reason.MOBILE, True, "mine")
    assert (held.reason, held.comment) == (Reason.EXPERT, "ours [sl]")
    assert {change.origin for change in journal.changes} == {Origin.MANUAL}
    assert owner.balance == D(1_000_000) - D(6_000)
    assert all(order.volume > ZERO for order in journal.orders)
