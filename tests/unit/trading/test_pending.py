"""Limit and stop orders and stops: what is taken, what is refused, and what becomes of them; figures by hand."""

from itertools import count

import pytest

from core.rounding import ZERO
from core.states import Cmd, EventKind, OrderStatus, Origin, Reason, Side, TicketKind, TradeState
from tests.support.house import AT, D, account, how, later, market, numbered, snapshot, spec
from trading.domain.execution import close_market, modify_stops, open_market
from trading.domain.pending import (
    EXPIRED,
    cancel_pending,
    modify_pending,
    place_pending,
    trigger_pending,
)
from trading.domain.values import COMMENT_LENGTH, Journal, OrderRecord, Refused, marked

QUOTES = market(EURUSD=("1.10000", "1.10020"))
EURO = spec("EURUSD")
BUY, SELL, LIMIT, STOP = Side.BUY, Side.SELL, TicketKind.LIMIT, TicketKind.STOP


def place(owner, journal, side=BUY, kind=LIMIT, volume="0.5", price="1.09500", quotes=QUOTES, expires=None, **more):
    stops = {name: D(more.pop(name)) for name in ("sl", "tp") if name in more}
    return place_pending(
        journal, quotes, owner, quotes.find("EURUSD"), side, kind, D(volume), D(price), how(**more), **stops,
        expiration_at=expires,
    )  # fmt: skip


def placed(owner, journal, *args, **more):
    """The pending order, as if the book had written it."""
    order = place(owner, journal, *args, **more)
    numbered(journal, count(1 + len(owner.pending) + len(owner.tickets)))
    return order.ticket


def done(outcome):
    """The order, which was not refused."""
    assert isinstance(outcome, OrderRecord)
    return outcome


def bought(owner, journal, volume="1", side=BUY, **stops):
    """A ticket opened at the market."""
    return done(open_market(journal, QUOTES, owner, EURO, side, D(volume), how(), **stops)).ticket


# --- Placing


def test_a_placed_order_waits_and_costs_nothing():
    owner, journal = account(commission_per_lot=D(7)), Journal()
    order = place(owner, journal, sl="1.09", tp="1.12", expires=later(60), comment="dip")
    assert owner.pending == [order.ticket]
    assert owner.tickets == []
    assert owner.balance == D(10000)
    ticket = order.ticket
    assert (ticket.cmd, ticket.state, ticket.open_price) == (Cmd.BUY_LIMIT, TradeState.OPEN, D("1.095"))
    assert journal.movements == []
    (change,) = journal.changes
    assert (change.kind, change.cmd, change.volume_before, change.volume_after) == (
        EventKind.PLACE, Cmd.BUY_LIMIT, 0, D("0.5"),
    )  # fmt: skip
    assert (change.price, change.sl, change.tp, change.expiration_at) == (D("1.095"), D("1.09"), D("1.12"), later(60))


@pytest.mark.parametrize(
    ("side", "kind", "fits", "does_not"),
    [
        (BUY, LIMIT, "1.10019", "1.10020"),
        (SELL, LIMIT, "1.10001", "1.10000"),
        (BUY, STOP, "1.10021", "1.10020"),
        (SELL, STOP, "1.09999", "1.10000"),
    ],
)
def test_the_price_has_to_be_ahead_of_the_market(side, kind, fits, does_not):
    owner, journal = account(), Journal()
    assert place(owner, journal, side, kind, price=does_not) == Refused("RET_TRADE_BAD_STOPS")
    assert place(owner, journal, side, kind, price=fits).ticket.kind is kind


@pytest.mark.parametrize(
    ("side", "price", "stops"),
    [
        (BUY, "1.09500", {"sl": "1.09500"}),
        (BUY, "1.09500", {"sl": "1.09600"}),
        (BUY, "1.09500", {"tp": "1.09500"}),
        (SELL, "1.10500", {"sl": "1.10500"}),
        (SELL, "1.10500", {"tp": "1.10600"}),
    ],
)
def test_stops_are_measured_against_the_orders_price(side, price, stops):
    owner, journal = account(), Journal()
    assert place(owner, journal, side, price=price, **stops) == Refused("RET_TRADE_BAD_STOPS")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"volume": "0.505"}, "RET_TRADE_BAD_VOLUME"),
        ({"volume": "0"}, "RET_TRADE_BAD_VOLUME"),
        ({"volume": "100000"}, "RET_TRADE_BAD_VOLUME"),
        ({"expires": AT}, "INVALID_DATA"),
        ({"quotes": market(spec("EURUSD"))}, "RET_TRADE_OFFQUOTES"),
        ({"quotes": market(spec("EURUSD", stale_quote_seconds=1), EURUSD=("1.1", "1.1")), "at": later(2)}, "RET_TRADE_OFFQUOTES"),
        ({"quotes": market(spec("EURUSD", trade_enabled=False), EURUSD=("1.1", "1.1"))}, "RET_TRADE_DISABLE"),
    ],
)  # fmt: skip
def test_a_refused_order_changes_nothing(changes, code):
    owner, journal = account(), Journal()
    before = snapshot(owner, journal)
    assert place(owner, journal, **changes) == Refused(code)
    assert snapshot(owner, journal) == before


def test_open_and_pending_records_are_counted_together():
    owner, journal = account(records_max=2), Journal()
    place(owner, journal)
    open_market(journal, QUOTES, owner, EURO, BUY, D("0.1"), how())
    before = snapshot(owner, journal)
    assert place(owner, journal) == Refused("RET_TRADE_TOO_MANY_ORDERS")
    full = open_market(journal, QUOTES, owner, EURO, BUY, D("0.1"), how())
    assert full == Refused("RET_TRADE_TOO_MANY_ORDERS")
    assert snapshot(owner, journal) == before


def test_a_full_netting_account_can_still_change_its_position():
    owner, journal = account(netting=True, records_max=1), Journal()
    open_market(journal, QUOTES, owner, EURO, BUY, D("0.1"), how())
    open_market(journal, QUOTES, owner, EURO, BUY, D("0.1"), how())
    open_market(journal, QUOTES, owner, EURO, SELL, D("0.5"), how())
    assert [(t.side, t.volume) for t in owner.tickets] == [(SELL, D("0.3"))]


# --- Changing and taking back


def test_a_pending_order_is_changed_in_all_its_values():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    order = done(modify_pending(journal, QUOTES, owner, ticket, D("1.094"), D("1.093"), D("1.2"), later(9), how()))
    assert order.ticket is ticket
    assert (ticket.open_price, ticket.sl, ticket.tp, ticket.expiration_at) == (
        D("1.094"),
        D("1.093"),
        D("1.2"),
        later(9),
    )
    assert journal.changes[-1].kind is EventKind.MODIFY
    assert journal.changes[0].price == D("1.095")  # what was told before stays as it was
    assert ticket.id in journal.reshaped


@pytest.mark.parametrize(
    ("price", "sl", "tp", "expires", "code"),
    [
        ("1.10020", "0", "0", None, "RET_TRADE_BAD_STOPS"),
        ("1.09500", "1.09500", "0", None, "RET_TRADE_BAD_STOPS"),
        ("1.09000", "1.09200", "0", None, "RET_TRADE_BAD_STOPS"),
        ("1.09500", "0", "1.09000", None, "RET_TRADE_BAD_STOPS"),
        ("1.09500", "0", "0", AT, "INVALID_DATA"),
    ],
)
def test_a_refused_change_changes_nothing(price, sl, tp, expires, code):
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    before = snapshot(owner, journal)
    assert modify_pending(journal, QUOTES, owner, ticket, D(price), D(sl), D(tp), expires, how()) == Refused(code)
    assert snapshot(owner, journal) == before


def test_a_pending_order_that_the_market_has_reached_may_still_get_other_stops():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    reached = market(EURUSD=("1.09400", "1.09420"))
    modify_pending(journal, reached, owner, ticket, ticket.open_price, D("1.08"), ZERO, None, how())
    assert ticket.sl == D("1.08")


def test_a_change_to_what_is_there_is_carried_out_without_an_event():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal, expires=later(5))
    same = done(modify_pending(journal, QUOTES, owner, ticket, ticket.open_price, ZERO, ZERO, later(5), how(later(6))))
    assert same.status is OrderStatus.FILLED
    assert [c.kind for c in journal.changes] == [EventKind.PLACE]


@pytest.mark.parametrize(("mark", "comment"), [("[cancelled]", "dip [cancelled]"), (EXPIRED, "dip [expired]")])
def test_the_end_of_a_pending_order_is_in_its_comment(mark, comment):
    owner, journal = account(), Journal()
    ticket = placed(owner, journal, comment="dip")
    cancel_pending(journal, owner, ticket, how(later(1)), mark, QUOTES)
    assert owner.pending == []
    assert (ticket.state, ticket.comment, ticket.close_at) == (TradeState.DELETED, comment, later(1))
    change = journal.changes[-1]
    assert (change.kind, change.price, change.volume_before, change.volume_after) == (EventKind.CANCEL, 0, D("0.5"), 0)
    assert cancel_pending(journal, owner, ticket, how()) == Refused("RET_TRADE_INCORRECT_STATE")


def test_a_cancellation_is_possible_with_trading_off():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    owner.enabled = False
    assert modify_pending(journal, QUOTES, owner, ticket, D("1.09"), ZERO, ZERO, None, how()) == Refused(
        "RET_TRADE_DISABLE"
    )
    cancel_pending(journal, owner, ticket, how())
    assert owner.pending == []


# --- Triggering


def test_a_filled_order_becomes_the_ticket():
    """The worked case of docs/algorithms/orders.md."""
    owner, journal = account(commission_per_lot=D(2)), Journal()
    ticket = placed(owner, journal, sl="1.09", comment="dip", expires=later(99), reason=Reason.MOBILE)
    quotes = market(EURUSD=("1.09460", "1.09480"))
    order = done(trigger_pending(journal, quotes, owner, ticket, D("1.0948"), how(later(5), origin=Origin.RISK)))
    assert (owner.pending, owner.tickets) == ([], [ticket])
    assert order.ticket is ticket
    assert (ticket.cmd, ticket.open_price, ticket.open_at) == (Cmd.BUY, D("1.0948"), later(5))
    assert (ticket.sl, ticket.comment, ticket.reason, ticket.expiration_at) == (D("1.09"), "dip", Reason.MOBILE, None)
    assert owner.balance == D("9999.00")  # 0.5 lots x 2
    change = journal.changes[-1]
    assert (change.kind, change.price, change.cmd, change.volume_before) == (EventKind.OPEN, D("1.0948"), Cmd.BUY, 0)
    assert [c.ticket for c in journal.changes] == [ticket, ticket]

    gap = market(EURUSD=("1.08900", "1.08920"))
    closed = done(close_market(journal, gap, owner, ticket, None, how(later(6)), mark="[sl]"))
    assert closed.profit == D("-290.00")
    assert ticket.comment == "dip [sl]"


def test_a_close_at_a_price_of_its_own():
    owner, journal = account(), Journal()
    ticket = bought(owner, journal, "1", tp=D("1.101"))
    quotes = market(EURUSD=("1.10150", "1.10170"))
    order = done(close_market(journal, quotes, owner, ticket, None, how(), D("1.101"), "[tp]"))
    assert (order.price, ticket.close_price, order.profit) == (D("1.101"), D("1.101"), D("80.00"))
    assert ticket.comment == "[tp]"


def test_without_money_the_order_ends_and_says_so():
    owner, journal = account("100"), Journal()
    ticket = placed(owner, journal, volume="1")
    outcome = trigger_pending(journal, QUOTES, owner, ticket, D("1.095"), how())
    assert outcome == Refused("RET_TRADE_NO_MONEY")
    assert (owner.pending, owner.tickets, owner.balance) == ([], [], D(100))
    assert (ticket.state, ticket.comment) == (TradeState.DELETED, "[no money]")
    refused = journal.orders[-1]
    assert (refused.status, refused.refusal) == (OrderStatus.REJECTED, "RET_TRADE_NO_MONEY")
    assert journal.changes[-1].kind is EventKind.CANCEL


def test_with_trading_off_the_order_ends_and_says_so():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    owner.enabled = False
    assert trigger_pending(journal, QUOTES, owner, ticket, D("1.095"), how()) == Refused("RET_TRADE_DISABLE")
    assert ticket.comment == "[disabled]"


def test_without_a_rate_the_order_goes_on_waiting():
    owner, journal = account(), Journal()
    ticket = placed(owner, journal)
    owner.currency = "GBP"
    before = snapshot(owner, journal)
    assert trigger_pending(journal, QUOTES, owner, ticket, D("1.095"), how()) == Refused("RET_TRADE_OFFQUOTES")
    nothing = market(spec("EURUSD"))
    assert trigger_pending(journal, nothing, owner, ticket, D("1.095"), how()) == Refused("RET_TRADE_OFFQUOTES")
    assert snapshot(owner, journal) == before


@pytest.mark.parametrize(
    ("side", "volume", "kinds", "left"),
    [
        (BUY, "0.5", [EventKind.INCREASE], (BUY, D("1.5"))),
        (SELL, "0.4", [EventKind.REDUCE], (BUY, D("0.6"))),
        (SELL, "1", [EventKind.CLOSE], None),
        (SELL, "1.5", [EventKind.CLOSE, EventKind.OPEN], (SELL, D("0.5"))),
    ],
)
def test_a_netting_position_takes_the_order_in(side, volume, kinds, left):
    owner, journal = account(netting=True), Journal()
    held = bought(owner, journal, "1")
    numbered(journal, count(1))
    price = "1.09500" if side is BUY else "1.10500"
    ticket = placed(owner, journal, side, LIMIT, volume, price, comment="dip")
    journal.changes.clear()
    order = done(trigger_pending(journal, QUOTES, owner, ticket, D(price), how()))
    numbered(journal, count(50))
    assert [c.kind for c in journal.changes] == [EventKind.CANCEL, *kinds]
    assert journal.changes[0].price == D(price)
    assert (owner.pending, ticket.state) == ([], TradeState.DELETED)
    assert ticket.comment == f"dip [filled #{order.ticket.id}]"
    assert [(t.side, t.volume) for t in owner.tickets] == ([left] if left else [])
    flipped = left is not None and left[0] is SELL
    assert (order.ticket is held) != flipped
    if flipped:
        assert order.ticket.comment == "dip"


def test_on_netting_without_a_position_the_order_becomes_it():
    owner, journal = account(netting=True), Journal()
    ticket = placed(owner, journal)
    trigger_pending(journal, QUOTES, owner, ticket, D("1.095"), how())
    assert owner.tickets == [ticket]
    assert ticket.cmd is Cmd.BUY


def test_the_copied_mark_of_an_order_goes_to_the_position():
    owner, journal = account(netting=True), Journal()
    held = bought(owner, journal, "0.1")
    ticket = placed(owner, journal, origin=Origin.COPY)
    assert (held.copied, ticket.copied) == (False, True)
    trigger_pending(journal, QUOTES, owner, ticket, D("1.095"), how())
    assert held.copied


# --- Stops of open tickets


@pytest.mark.parametrize(
    ("side", "good", "bad"),
    [
        (BUY, {"sl": "1.09999"}, {"sl": "1.10000"}),
        (BUY, {"tp": "1.10001"}, {"tp": "1.10000"}),
        (SELL, {"sl": "1.10021"}, {"sl": "1.10020"}),
        (SELL, {"tp": "1.10019"}, {"tp": "1.10020"}),
    ],
)
def test_stops_are_measured_against_the_price_that_closes(side, good, bad):
    owner, journal = account(), Journal()
    ticket = bought(owner, journal, "1", side)
    numbered(journal, count(1))
    before = snapshot(owner, journal)
    values = [{"sl": ZERO, "tp": ZERO} | {k: D(v) for k, v in stops.items()} for stops in (bad, good)]
    assert modify_stops(journal, QUOTES, owner, ticket, how=how(), **values[0]) == Refused("RET_TRADE_BAD_STOPS")
    assert snapshot(owner, journal) == before
    modify_stops(journal, QUOTES, owner, ticket, how=how(), **values[1])
    assert (ticket.sl, ticket.tp) == (values[1]["sl"], values[1]["tp"])
    change = journal.changes[-1]
    assert (change.kind, change.sl, change.tp, change.volume_after) == (EventKind.MODIFY, ticket.sl, ticket.tp, 1)


def test_a_stop_that_was_passed_does_not_hold_the_other_one():
    owner, journal = account(), Journal()
    ticket = bought(owner, journal, "1", sl=D("1.09"))
    passed = market(EURUSD=("1.08900", "1.08920"))
    modify_stops(journal, passed, owner, ticket, D("1.09"), D("1.12"), how())
    assert (ticket.sl, ticket.tp) == (D("1.09"), D("1.12"))


def test_stops_are_taken_away_without_a_quote_but_not_set():
    owner, journal = account(), Journal()
    ticket = bought(owner, journal, "1", sl=D("1.09"))
    nothing = market(spec("EURUSD"))
    assert modify_stops(journal, nothing, owner, ticket, D("1.08"), ZERO, how()) == Refused("RET_TRADE_OFFQUOTES")
    modify_stops(journal, nothing, owner, ticket, ZERO, ZERO, how())
    assert ticket.sl == 0


def test_a_mark_is_never_cut():
    assert marked("", "[sl]") == "[sl]"
    assert marked("x", "") == "x"
    long = marked("x" * COMMENT_LENGTH, "[cancelled]")
    assert len(long) == COMMENT_LENGTH
    assert long.endswith("x [cancelled]")
