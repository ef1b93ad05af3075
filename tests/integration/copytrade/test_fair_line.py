"""X12: one line and one quote for all followers of an event, whichever shard they are in."""

from decimal import Decimal as D

import pytest

from copytrade.domain import shards
from copytrade.domain.fair import fair_place
from copytrade.engine.drain import shard_turn
from copytrade.models import CopyOrder, LeaderShard
from core.states import Side
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World
from trading.models import Trade


@pytest.fixture
def house(world: World, monkeypatch: pytest.MonkeyPatch) -> CopyHouse:
    """Six followers in three shards."""
    monkeypatch.setattr(shards, "SHARD_SIZE", 2)
    made = copy_house(world.north, followers=6)
    with made.place.scope():
        assert LeaderShard.objects.count() == 3
    return made


def one_turn(house: CopyHouse) -> None:
    report = shard_turn(tenant_id=house.place.id, leader_id=house.leader.id, clock=lambda: house.at)
    assert report is not None
    assert report.done


def prices(house: CopyHouse) -> list[D]:
    """Where the followers' tickets were opened, in the order in which they were."""
    with house.place.scope():
        copies = Trade.objects.filter(account__in=house.followers, copied=True).order_by("id")
        return [price.normalize() for price in copies.values_list("open_price", flat=True)]


def test_x12_shards_that_meet_other_quotes_fill_at_the_same(house):
    house.open(house.leader, "1")
    one_turn(house)
    house.wait(1)
    house.quote("EURUSD", "1.1020", "1.1022")
    one_turn(house)
    house.wait(1)
    house.quote("EURUSD", "1.0980", "1.0982")
    one_turn(house)
    assert prices(house) == [D("1.1002")] * 6
    with house.place.scope():
        assert set(CopyOrder.objects.values_list("slippage", flat=True)) == {0}
    house.prove(exact=True)


def test_x12_exits_are_made_at_one_quote_too(house):
    trade = house.open(house.leader, "1", Side.SELL)
    house.drain()
    house.close(house.leader, trade)
    one_turn(house)
    house.wait(2)
    house.quote("EURUSD", "1.1020", "1.1022")
    house.drain()
    with house.place.scope():
        closed = Trade.objects.filter(account__in=house.followers, copied=True)
        assert set(closed.values_list("close_price", flat=True)) == {D("1.1002")}
    house.prove(exact=True)


def test_what_is_too_old_is_filled_at_the_quote_that_it_meets(house):
    house.open(house.leader, "1")
    one_turn(house)
    house.wait(3)
    house.quote("EURUSD", "1.1020", "1.1022")
    house.drain()
    assert prices(house) == [D("1.1002")] * 2 + [D("1.1022")] * 4


def test_a_stop_is_measured_against_the_market_as_it_is(world):
    """The held quote fills; it never lets an entry through whose stop the market has passed."""
    house = copy_house(world.north, reverse_direction=True)
    house.open(house.leader, "1", tp=D("1.1010"))
    house.wait(1)
    house.quote("EURUSD", "1.1005", "1.1012")
    house.drain()
    assert house.story() == [("OPEN", "RET_TRADE_BAD_STOPS", D(1))]


def test_x12_the_place_that_was_drawn_is_stored_and_orders_the_whole_event(house):
    for _round in range(3):
        house.open(house.leader, "0.01")
    house.drain()
    with house.place.scope():
        rows = list(CopyOrder.objects.order_by("source_id", "id").values_list("source_id", "subscription_id", "place"))
        shard_of = {s.pk: s.shard_id for s in house.subscriptions}
    assert [place for _event, _subscription, place in rows] == [fair_place(e, s) for e, s, _place in rows]
    lines: dict[int, list[int]] = {}
    served: dict[tuple[int, int], list[int]] = {}
    for event, subscription, place in rows:
        lines.setdefault(event, []).append(place)
        served.setdefault((event, shard_of[subscription]), []).append(place)
    assert all(len(set(line)) == 6 for line in lines.values())
    assert all(places == sorted(places) for places in served.values())
