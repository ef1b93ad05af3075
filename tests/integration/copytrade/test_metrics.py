"""Observability: what copying counts, how far it is behind, and what is written into the log."""

import logging
import re

from django.test import Client

from core.states import Side
from tests.support.copy_house import copy_house


def figures(name):
    """The samples of one metric as the address tells them, by their labels."""
    text = Client().get("/metrics").content.decode()
    found = {}
    for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE):
        found[labels] = float(value)
    return found


def test_copies_are_counted_by_what_became_of_them(world):
    house = copy_house(world.north, followers=2)
    filled = 'action="OPEN",reason="",status="FILLED"'
    before = figures("copytrade_copies_total").get(filled, 0)
    decided = figures("copytrade_known_to_decided_seconds_count").get("", 0)
    made = figures("copytrade_known_to_filled_seconds_count").get("", 0)
    house.open(house.leader, "0.1")
    house.drain()
    assert figures("copytrade_copies_total")[filled] == before + 2
    assert figures("copytrade_known_to_decided_seconds_count")[""] == decided + 2
    assert figures("copytrade_known_to_filled_seconds_count")[""] == made + 2


def test_the_lag_is_told_while_there_is_one(world):
    house = copy_house(world.north)
    labels = f'leader="{house.leader.login}",tenant="north"'
    house.drain()
    assert labels not in figures("copytrade_lag_events")
    house.open(house.leader, "0.1")
    house.open(house.leader, "0.1", Side.SELL)
    assert figures("copytrade_lag_events")[labels] == 2
    assert figures("copytrade_lag_seconds")[labels] > 0
    house.drain()
    assert labels not in figures("copytrade_lag_events")


def test_a_rejected_copy_is_a_line_with_its_ids(world, caplog):
    house = copy_house(world.north, balance=100)
    trade = house.open(house.leader, "10")
    with caplog.at_level(logging.WARNING, "copytrade.copies"):
        house.drain()
    (order,) = house.orders()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "copytrade.copies"]
    assert f"copy_order={order.pk} event=E{order.source_id}" in line
    assert f"follower={house.followers[0].login} leader_order={trade}" in line
    assert line.endswith("action=OPEN status=REJECTED reason=RET_TRADE_NO_MONEY")


def test_a_turn_that_filled_is_one_line(world, caplog):
    house = copy_house(world.north, followers=3)
    house.open(house.leader, "0.1")
    house.wait(0.25)
    with caplog.at_level(logging.INFO, "copytrade.copies"):
        house.drain()
        house.drain()
    event = house.orders()[0].source_id
    lines = [record.getMessage() for record in caplog.records if record.name == "copytrade.copies"]
    assert lines == [f"leader={house.leader.login} events=E{event}..{event} copies=3 filled=3 ms=250.0"]
