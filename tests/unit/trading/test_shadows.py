"""Pending orders that are copies: they wait for their leader's order, never for the market."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from core.states import Origin, Side, TicketKind
from tests.support.house import AT, account, later, market, spec
from trading.domain.filling import Instruction
from trading.domain.pending import cancel_pending, modify_pending, place_pending
from trading.domain.triggers import due, expirations_carry_out, triggers_carry_out
from trading.domain.values import Journal, OrderRecord, Refused

EURUSD = spec("EURUSD")
QUOTES = market(EURUSD=("1.10000", "1.10020"))
PASSED = timedelta(seconds=-5)


def placed(owner, origin=Origin.COPY, price="1.2", expires=None):
    return place_pending(
        Journal(), QUOTES, owner, EURUSD, Side.BUY, TicketKind.LIMIT, D("0.5"), D(price), Instruction(origin, AT),
        expiration_at=expires,
    )  # fmt: skip


def test_a_copy_may_stand_where_the_market_has_been_already():
    owner = account()
    assert isinstance(placed(owner, expires=AT + PASSED), OrderRecord)
    assert [ticket.shadow for ticket in owner.pending] == [True]


@pytest.mark.parametrize(("price", "expires"), [("1.2", None), ("1.09", AT + PASSED)])
def test_an_order_of_ones_own_may_not(price, expires):
    owner = account()
    assert isinstance(placed(owner, Origin.MANUAL, price, expires), Refused)
    assert owner.pending == []


def test_neither_price_nor_time_makes_a_copy_due():
    owner, journal = account(), Journal()
    placed(owner, expires=later(1))
    assert due(owner, QUOTES, {EURUSD.id}, AT) == []
    triggers_carry_out(journal, QUOTES, owner, {EURUSD.id}, later(60))
    expirations_carry_out(journal, QUOTES, owner, later(60))
    assert (journal.changes, len(owner.pending), owner.tickets) == ([], 1, [])


def test_only_the_copying_itself_changes_a_copy_and_everybody_may_take_it_back():
    owner, journal = account(), Journal()
    placed(owner)
    (shadow,) = owner.pending

    def changed(origin):
        how = Instruction(origin, AT)
        return modify_pending(journal, QUOTES, owner, shadow, D("1.3"), D(1), D(2), None, how)

    assert changed(Origin.MANUAL) == changed(Origin.DEALER) == Refused("RET_TRADE_INCORRECT_STATE")
    assert shadow.open_price == D("1.2")
    assert isinstance(changed(Origin.COPY), OrderRecord)
    assert (shadow.open_price, shadow.sl, shadow.tp) == (D("1.3"), 1, 2)
    assert isinstance(cancel_pending(journal, owner, shadow, Instruction(Origin.MANUAL, AT)), OrderRecord)
    assert owner.pending == []
