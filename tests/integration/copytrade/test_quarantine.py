"""R053, R064 to R066, D08, D29: quarantine in real turns, from the position that should be gone to the release."""

import json
from decimal import Decimal as D

import pytest

from copytrade.domain.quarantine import EntryMet, QuarantineBook, QuarantineRelease, QuarantineTerms
from copytrade.engine.rules import RULES_SQL, rules_of, rules_write
from copytrade.models import Quarantine
from copytrade.services.quarantines import quarantine_release
from core.states import Side
from infra.bulk import hot_cursor
from infra.push import held
from tests.support.copy_house import copy_house, join
from tests.support.group_house import group_house
from tests.support.world import INSTRUMENTS
from trading.services.desk import desk_open


def living(house):
    with house.place.scope():
        return list(Quarantine.objects.filter(released_at__isnull=True).order_by("pk"))


@pytest.fixture
def stranded(world):
    """On netting accounts the leader flips in GBPUSD, and for want of a price the first follower's exit fails: it holds
    what the leader has left. The second follower joined later."""
    house = copy_house(world.north, leader_netting=True, follower_netting=True)
    house.place.instrument("GBPUSD", **INSTRUMENTS["EURUSD"] | {"family": "GBPUSD"}, stale_quote_seconds=5)
    house.quote("GBPUSD", "1.3000", "1.3002")
    house.open(house.leader, "1", symbol="GBPUSD")
    house.drain()
    house.open(house.leader, "2", Side.SELL, symbol="GBPUSD")
    house.wait(6)
    with held() as frames:
        house.drain()
    house.quote("GBPUSD", "1.3000", "1.3002")
    join(house, 1, house.followers[0].group)
    return house, frames


def test_a_position_that_the_leader_has_left_is_quarantined_at_once(stranded):
    house, frames = stranded
    assert house.held(0) == [("BUY", D(1))]
    assert [row[1] for row in house.story(0)] == ["FILLED", "RET_TRADE_OFFQUOTES", "CLOSE_ONLY"]
    (made,) = living(house)
    assert (made.follower_id, made.leader_id) == (house.followers[0].pk, house.leader.pk)
    assert (made.symbol, made.leader_symbol, made.reason, made.release) == (
        "GBPUSD",
        "GBPUSD",
        "OPPOSITE_SIDE",
        "MANUAL",
    )
    assert (made.subscription_id, made.group_id, made.created_at) == (house.subscriptions[0].pk, None, house.at)
    (frame,) = [f for f in frames if f.event == "quarantine"]
    told = json.loads(frame.text)
    assert (frame.customer_id, told["id"], told["login"]) == (bob(house), made.pk, house.followers[0].login)
    assert (told["symbol"], told["reason"], told["group_id"]) == ("GBPUSD", "OPPOSITE_SIDE", None)
    assert "opposite side" in told["detail"]


def bob(house):
    return house.place.person("bob").id


def test_later_trades_open_nothing_there_until_it_is_released(stranded):
    house, _frames = stranded
    follower = house.followers[0]
    for ticket in house.tickets(follower):  # the hand that cleans up
        house.close(follower, ticket.id)
    house.open(house.leader, "2", Side.BUY, symbol="GBPUSD")  # flips again
    house.open(house.leader, "0.1", symbol="XAUUSD")
    house.drain()
    assert house.story(0)[-2:] == [("OPEN", "QUARANTINED", 0), ("OPEN", "FILLED", D("0.1"))]
    assert house.story(1)[-2:] == [("OPEN", "FILLED", D(1)), ("OPEN", "FILLED", D("0.1"))]
    assert "GBPUSD" in house.orders(0)[-2].params
    (made,) = living(house)
    with house.place.scope():
        quarantine_release(quarantine_id=made.pk, user_id=bob(house), at=house.at)
    house.open(house.leader, "2", Side.SELL, symbol="GBPUSD")
    house.drain()
    assert house.story(0)[-1] == ("OPEN", "FILLED", D(1))
    house.prove()


def test_exits_go_on_while_quarantined(world):
    house = copy_house(world.north)
    trade = house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        Quarantine.objects.create(
            tenant_id=house.place.id,
            follower_id=house.followers[0].pk,
            leader_id=house.leader.pk,
            subscription_id=house.subscriptions[0].pk,
            symbol="EURUSD",
            leader_symbol="EURUSD",
            reason="REJECTIONS",
            created_at=house.at,
        )
    house.open(house.leader, "1")
    house.close(house.leader, trade)
    house.drain()
    assert house.story()[1:] == [("OPEN", "QUARANTINED", 0), ("CLOSE", "FILLED", D(1))]


def test_an_opposite_position_that_explains_itself_is_refused_and_no_more(world):
    house = copy_house(world.north, follower_netting=True)
    house.open(house.leader, "1")  # hedging: another ticket of the same leader
    house.open(house.leader, "1", Side.SELL)
    join(house, 1, house.followers[0].group)
    house.open(house.followers[1], "0.5", Side.BUY)  # the customer's hand
    house.open(house.leader, "1", Side.SELL)
    house.drain()
    assert [row[1] for row in house.story(0)] == ["FILLED", "OPPOSITE_SIDE", "OPPOSITE_SIDE"]
    assert [row[1] for row in house.story(1)] == ["OPPOSITE_SIDE"]
    assert living(house) == []


def test_a_reversed_copy_expects_the_other_side(world):
    house = copy_house(world.north, follower_netting=True, reverse_direction=True)
    house.open(house.leader, "1")
    house.open(house.leader, "1")
    house.drain()
    assert house.held() == [("SELL", D(2))]
    assert living(house) == []


def test_rejections_in_a_row_are_counted_over_turns(world):
    house = copy_house(world.north)
    follower = house.followers[0].pk
    terms = QuarantineTerms(after_rejections=2, release=QuarantineRelease.WHEN_LEADER_FLAT)
    met = EntryMet(house.subscriptions[0].pk, 5, follower, house.leader.pk, "EURUSD", "EURUSD", house.at)

    def read():
        with house.place.scope():
            rows = hot_cursor().execute(RULES_SQL, {"followers": [follower]}).fetchall()
        return rules_of(rows).quarantines

    def write(book):
        with house.place.scope():
            accounts = desk_open(hot_cursor(), [follower]).accounts
            return rules_write(hot_cursor(), house.place.id, book, accounts, house.at)

    book = read()
    assert book == QuarantineBook()
    book.rejected(met, "RET_TRADE_NO_MONEY", terms)
    assert write(book) == []
    book = read()
    assert (book.rejections, book.living) == ({(follower, "EURUSD"): 1}, set())
    book.rejected(met, "RET_TRADE_NO_MONEY", terms)
    (frame,) = write(book)
    assert "rejected 2 entries" in json.loads(frame.text)["detail"]
    assert read().living == {(follower, "EURUSD")}
    (made,) = living(house)
    assert (made.group_id, made.release, json.loads(made.params)["code"]) == (
        5,
        "WHEN_LEADER_FLAT",
        "RET_TRADE_NO_MONEY",
    )
    book = read()
    book.filled(met)
    write(book)
    assert read().rejections == {}


def test_a_groups_rejected_entry_quarantines_the_symbol_for_that_follower(world):
    house = group_house(world.north, ratios=("1", "1"))
    poor = house.followers[0]
    house.place.deposit(poor, -9_999_900, at=house.at)
    house.open(house.leader, "5")
    house.open(house.leader, "5")
    house.drain()
    assert [row[1] for row in house.story(0)] == ["RET_TRADE_NO_MONEY", "QUARANTINED"]
    assert [row[1] for row in house.story(1)] == ["FILLED", "FILLED"]
    (made,) = living(house)
    assert (made.follower_id, made.group_id, made.reason) == (poor.pk, house.group_id, "REJECTIONS")
