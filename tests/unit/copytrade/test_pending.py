"""Prices of shadows: where they wait and where they are filled (docs/algorithms/stops.md)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from copytrade.domain.codes import SkipReason as R
from copytrade.domain.guards import Skip
from copytrade.domain.pending import fill_price, promised_price, shadow_price
from copytrade.domain.planner import plan_resting
from core.states import EventKind, LinkState, Side, TicketKind
from tests.support.copies import EURUSD, book, event, link, terms
from tests.support.house import spec

QUARTERS = spec("EURUSD", id=901, tick_size=D("0.0025"))
LIMIT, STOP, BUY, SELL = TicketKind.LIMIT, TicketKind.STOP, Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("kind", "side", "expected"),
    [(LIMIT, BUY, "1.0900"), (LIMIT, SELL, "1.0925"), (STOP, BUY, "1.0925"), (STOP, SELL, "1.0900")],
)
def test_a_shadow_waits_on_the_tick_away_from_the_market(kind, side, expected):
    leader = event(EventKind.PLACE, ticket_kind=kind, side=side, price=D("1.0910"))
    assert shadow_price(leader, QUARTERS) == D(expected)
    assert shadow_price(leader, EURUSD) == D("1.0910")


@pytest.mark.parametrize(
    ("kind", "side", "now", "filled"),
    [
        (LIMIT, BUY, "1.0912", "1.0900"),
        (LIMIT, BUY, "1.0890", "1.0890"),
        (LIMIT, SELL, "1.0890", "1.0900"),
        (LIMIT, SELL, "1.0912", "1.0912"),
        (STOP, BUY, "1.0912", "1.0912"),
        (STOP, SELL, "1.0890", "1.0890"),
    ],
)
def test_a_limit_is_never_filled_worse_than_its_price(kind, side, now, filled):
    assert fill_price(kind, side, D("1.0900"), D(now)) == D(filled)


def test_the_end_of_the_leaders_order_is_about_resting_links_alone():
    cancel = event(EventKind.CANCEL, before="1", after="0", ticket_kind=LIMIT)
    waiting, filled = link("1", resting=True), link("1", 2)
    assert plan_resting(cancel, terms(), book(waiting, filled)) == [waiting]
    links = book()
    assert plan_resting(cancel, terms(), links) == []
    links.add_ended(3, 500, LinkState.UNTRACKED)
    assert plan_resting(cancel, terms(), links) == []
    links.add_ended(3, 500, LinkState.CLOSED)
    assert plan_resting(cancel, terms(), links) == Skip(R.ALREADY_FLAT, {})


def test_an_order_that_a_position_took_in_keeps_its_promise_only_in_its_own_direction():
    taken_in = replace(event(EventKind.INCREASE, side=BUY), absorbed=(700, D("1.0910")))
    links = book()
    assert promised_price(taken_in, terms(), links, EURUSD) is None, "no copy of it ever waited"
    links.add_ended(3, 700, LinkState.CLOSED)
    assert promised_price(taken_in, terms(), links, EURUSD) == D("1.0910")
    assert promised_price(taken_in, terms(), links, QUARTERS) == D("1.0900")
    assert promised_price(taken_in, terms(reverse_direction=True), links, EURUSD) is None
