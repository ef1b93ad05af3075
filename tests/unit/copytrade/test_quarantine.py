"""R053, R064 to R066, D08: what puts a contract into quarantine."""

import pytest

from copytrade.domain.quarantine import (
    EntryMet,
    QuarantineBook,
    QuarantineReason,
    QuarantineRelease,
    QuarantineTerms,
)
from tests.support.house import AT

TWICE = QuarantineTerms(after_rejections=2, release=QuarantineRelease.WHEN_LEADER_FLAT)
NEVER = QuarantineTerms()


def met(follower=1, symbol="EURUSD"):
    return EntryMet(3, 9, follower, 2, symbol, "EURUSD", AT)


def test_so_many_rejections_in_a_row():
    book = QuarantineBook()
    book.rejected(met(), "RET_TRADE_NO_MONEY", TWICE)
    assert not book.holds(1, "EURUSD")
    book.rejected(met(), "RET_TRADE_NO_MONEY", TWICE)
    assert book.holds(1, "EURUSD")
    (begun,) = book.begun
    assert (begun.reason, begun.release) == (QuarantineReason.REJECTIONS, QuarantineRelease.WHEN_LEADER_FLAT)
    assert begun.params == {"number": 2, "code": "RET_TRADE_NO_MONEY"}


def test_what_was_counted_before_the_turn_counts():
    book = QuarantineBook(rejections={(1, "EURUSD"): 1})
    book.rejected(met(), "RET_TRADE_NO_MONEY", TWICE)
    assert len(book.begun) == 1


def test_a_filled_entry_begins_the_count_anew():
    book = QuarantineBook()
    book.filled(met())
    assert not book.counted
    book.rejected(met(), "RET_TRADE_NO_MONEY", TWICE)
    book.filled(met())
    book.rejected(met(), "RET_TRADE_NO_MONEY", TWICE)
    assert not book.begun
    assert book.rejections == {(1, "EURUSD"): 1}
    assert book.counted == {(1, "EURUSD")}


def test_it_is_of_one_follower_and_one_contract():
    book = QuarantineBook()
    once = QuarantineTerms(after_rejections=1)
    book.rejected(met(), "RET_TRADE_NO_MONEY", once)
    assert not book.holds(2, "EURUSD")
    assert not book.holds(1, "XAUUSD")
    book.rejected(met(symbol="XAUUSD"), "RET_TRADE_NO_MONEY", once)
    book.rejected(met(), "RET_TRADE_NO_MONEY", once)
    assert len(book.begun) == 2


def test_without_terms_rejections_are_not_counted():
    book = QuarantineBook()
    for _number in range(20):
        book.rejected(met(), "RET_TRADE_NO_MONEY", NEVER)
    assert not book.counted
    assert not book.begun


@pytest.mark.parametrize(
    ("netting", "owed", "begins"), [(True, True, 1), (True, False, 0), (False, True, 0), (False, False, 0)]
)
def test_an_opposite_position_only_where_an_exit_is_owed_on_netting(netting, owed, begins):
    book = QuarantineBook()
    book.opposite(met(), netting=netting, owed=owed, terms=NEVER)
    assert [b.reason for b in book.begun] == [QuarantineReason.OPPOSITE_SIDE] * begins
    assert book.holds(1, "EURUSD") is bool(begins)
