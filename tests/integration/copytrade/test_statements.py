"""A turn sends the same statements for any number of followers and of events."""

import re

import pytest

from copytrade.domain import shards
from ledger.selectors import house_accounts_forget
from tests.support.copy_house import copy_house
from tests.support.statements import statements
from tests.support.world import place

_SAVEPOINT = re.compile(r'SAVEPOINT "\w+"')


def turn_of(house):
    """The statements of one drain that makes one turn; drawing numbers from a sequence is left out."""
    house_accounts_forget()
    with statements() as sent:
        assert house.drain() == 1
    drawn = [text for text in sent if "nextval" in text]
    assert len(drawn) <= 3  # tickets, orders, copy orders: a block each
    return [_SAVEPOINT.sub("SAVEPOINT", text) for text in sent if "nextval" not in text]


def story_of(world, name, followers, events):
    """The statements of a turn of openings and of a turn of closes."""
    house = copy_house(place(name), followers=followers, commission="3")
    trades = [house.open(house.leader, "0.01") for _number in range(events)]
    opening = turn_of(house)
    house.quote("EURUSD", "1.1010", "1.1012")
    for trade in trades:
        house.close(house.leader, trade)
    closing = turn_of(house)
    assert house.outcomes() == {
        ("OPEN", "FILLED", ""): followers * events,
        ("CLOSE", "FILLED", ""): followers * events,
    }
    return opening, closing


@pytest.mark.parametrize(("followers", "events"), [(10, 1), (100, 1), (1, 20), (10, 20)])
def test_the_statements_of_a_turn_do_not_grow(world, followers, events, monkeypatch):
    monkeypatch.setattr(shards, "SHARED_FROM", 1_000)
    one = story_of(world, "one", 1, 1)
    many = story_of(world, "many", followers, events)
    assert many[0] == one[0]
    assert many[1] == one[1]
    assert 10 < len(one[0]) < 40


def test_a_manual_order_sends_few_statements(world):
    house = copy_house(world.north)
    house.open(house.leader, "0.01")
    with statements() as sent:
        house.open(house.leader, "0.01")
    assert len([text for text in sent if "nextval" not in text]) < 20
