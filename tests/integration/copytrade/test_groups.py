"""R016, R020 to R022, R026, R027, R030 to R039, R168 to R184, D03 to D07, D20: groups in real turns."""

from decimal import Decimal as D

import pytest

from core.states import CopyRole, Side
from tests.support.group_house import group_house, listed
from tests.support.statements import statements


def test_a_group_copies_entry_and_exit_to_every_follower(world):
    """R143, R150, R154: each with its own ratio, the group active from its creation on."""
    house = group_house(world.north, ratios=("1", "0.5", "2"))
    assert house.get()["status"] == "ACTIVE"
    trade = house.open(house.leader, "2", symbol="ES")
    house.drain()
    assert [house.copied(number) for number in range(3)] == [[("ES", 2)], [("ES", 1)], [("ES", 4)]]
    house.close(house.leader, trade, "1")
    house.drain()
    assert [house.copied(number) for number in range(3)] == [[("ES", 1)], [], [("ES", 2)]]  # half of 1 is 1, up
    house.close(house.leader, trade)
    house.drain()
    assert house.copied(0) == house.copied(2) == []
    house.prove(exact=True)


@pytest.mark.parametrize(("ratio", "leader", "follower"), [(1, "2", 2), (2, "2", 4), (3, "1", 3), (5, "2", 10)])
def test_r172_the_ratio_rows_of_the_source(world, ratio, leader, follower):
    """R169 to R172: per follower and contract, whole steps."""
    house = group_house(world.north)
    house.contract_set("ES", ratio=ratio)
    house.open(house.leader, leader, symbol="ES")
    house.open(house.leader, leader, symbol="NQ")
    house.drain()
    assert house.copied() == [("ES", follower), ("NQ", D(leader))]


def test_d03_follower_ratio_times_contract_ratio(world):
    house = group_house(world.north, ratios=("1.5",), copy_value="2")
    house.contract_set("ES", ratio=2)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.copied() == [("ES", 6)]


def test_r032_fixed_ignores_the_leaders_size_at_open_and_increase(world):
    house = group_house(world.north, ratios=("1", "2"), netting=True, copy_mode="FIXED", copy_value="3")
    house.open(house.leader, "50", symbol="ES")
    house.drain()
    assert (house.copied(0), house.copied(1)) == ([("ES", 3)], [("ES", 6)])
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert (house.copied(0), house.copied(1)) == ([("ES", 6)], [("ES", 12)])


def test_r181_cross_symbol(world):
    """The leader's MNQ is the follower's NQ, direction, timing and stops the same (R182); the count is the leader's."""
    house = group_house(world.north, ratios=("1", "1"))
    house.contract_set("MNQ", cross_symbol="NQ")
    house.open(house.leader, "2", Side.SELL, "MNQ", sl=D("18100.00"), tp=D("17900.00"))
    house.drain()
    assert (house.copied(0), house.copied(1)) == ([("NQ", 2)], [("MNQ", 2)])  # R179: the other one stays
    ticket = house.tickets(house.followers[0])[0]
    assert (ticket.cmd, ticket.sl, ticket.tp) == (1, D("18100"), D("17900"))
    house.contract_set("MNQ", cross_symbol="")  # R186
    house.open(house.leader, "1", symbol="MNQ")
    house.drain()
    assert house.last() == ("MNQ", "FILLED", 1)


def test_r034_notional_keeps_the_worth_of_a_point(world):
    house = group_house(world.north, sizing_mode="NOTIONAL")
    house.contract_set("ES", cross_symbol="MES")
    house.contract_set("MES", cross_symbol="ES")
    house.open(house.leader, "2", symbol="ES")
    house.open(house.leader, "25", symbol="MES")
    house.drain()
    assert house.copied() == [("MES", 20), ("ES", 2)]  # 2.5 down


@pytest.mark.parametrize(
    ("rounding", "entry", "left"),
    [
        ("ENTRY_DOWN_EXIT_UP", 7, 4),  # 7.5 down; 2.33 up to 3
        ("NEAREST", 8, 5),  # 7.5 up; 2.67 to 3
        ("ALWAYS_DOWN", 7, 5),  # 7.5 down; 2.33 down to 2
    ],
)
def test_r035_to_r037_the_three_roundings(world, rounding, entry, left):
    house = group_house(world.north, ratios=("0.5",), rounding_mode=rounding)
    trade = house.open(house.leader, "15", symbol="ES")
    house.drain()
    assert house.copied() == [("ES", entry)]
    house.close(house.leader, trade, "5")
    house.drain()
    assert house.copied() == [("ES", left)]
    house.close(house.leader, trade)
    house.drain()
    assert house.copied() == []


def test_an_exit_that_is_rounded_to_nothing_is_told(world):
    house = group_house(world.north, ratios=("0.1",), rounding_mode="ALWAYS_DOWN")
    trade = house.open(house.leader, "20", symbol="ES")
    house.drain()
    house.close(house.leader, trade, "5")
    house.drain()
    assert house.last() == ("", "ROUNDED_TO_ZERO", 0)
    assert house.copied() == [("ES", 2)]


def test_r038_the_micro_takes_what_rounds_to_zero(world):
    """R020, R021, R039: half an ES is five MES; increases and exits stay in the micro (D06)."""
    house = group_house(world.north, ratios=("0.5",))
    trade = house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.copied() == [("MES", 5)]
    house.close(house.leader, trade)
    house.drain()
    assert house.copied() == []
    house.prove(exact=True)


def test_an_increase_stays_in_the_contract_of_the_position(world):
    house = group_house(world.north, ratios=("0.5",), netting=True)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    house.open(house.leader, "3", symbol="ES")
    house.drain()
    assert house.copied() == [("MES", 20)]  # 1.5 ES more, as 15 MES


def test_without_auto_variant_nothing_is_converted(world):
    house = group_house(world.north, ratios=("0.5",), auto_variant=0)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.story() == [("OPEN", "ROUNDED_TO_ZERO", 0)]


def test_r030_mappings_own_before_cross_before_the_groups(world):
    house = group_house(world.north, ratios=("1", "1", "1"))
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "NQ"}])
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.last(2) == ("ES", "FILLED", 1)  # mappings are off by default (R029)
    house.set_up(contract_mappings_enabled=1)
    house.contract_set("ES", 0, cross_symbol="MES")
    house.contract_set("ES", 1, cross_symbol="MES")
    house.follower_set(0, mappings=[{"leader_symbol": "ES", "follower_symbol": "MNQ"}])
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert [house.last(number) for number in range(3)] == [
        ("MNQ", "FILLED", 1),
        ("MES", "FILLED", 1),
        ("NQ", "FILLED", 1),
    ]


def test_dated_futures_take_the_leaders_delivery_over(world):
    house = group_house(world.north, ratios=("1", "0.5"), contract_mappings_enabled=1)
    for symbol, like in [("ESZ6", "ES"), ("ESH7", "ES"), ("MESZ26", "MES"), ("MESH27", "MES"), ("NQZ2026", "NQ")]:
        listed(house.place, symbol, like)
    listed(house.place, "XQZ2026", "NQ", family="XQ")
    house.open(house.leader, "1", symbol="ESZ6")
    house.drain()
    assert (house.last(0), house.last(1)) == (("ESZ6", "FILLED", 1), ("MESZ26", "FILLED", 5))
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "XQ"}])
    house.contract_set("ES", 1, cross_symbol="MES", ratio=2)
    house.open(house.leader, "1", symbol="ESZ6")
    house.open(house.leader, "1", symbol="ESH7")
    house.drain()
    # there is no XQ for March: it was meant, and nothing else is taken
    assert [(o.follower_symbol, o.reason or o.status) for o in house.orders(0)[1:]] == [
        ("XQZ2026", "FILLED"),
        ("", "UNMAPPED_CONTRACT"),
    ]
    assert [(o.follower_symbol, o.volume) for o in house.orders(1)[1:]] == [("MESZ26", 1), ("MESH27", 1)]


def test_two_names_of_one_delivery_are_no_answer(world):
    house = group_house(world.north, contract_mappings_enabled=1)
    for symbol in ("ESZ6", "XQZ6", "XQZ26"):
        listed(house.place, symbol, "ES", family=symbol[:2])
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "XQ"}])
    house.open(house.leader, "1", symbol="ESZ6")
    house.drain()
    assert house.last() == ("", "UNMAPPED_CONTRACT", 0)


def test_r174_to_r178_sync_switches(world):
    house = group_house(world.north, ratios=("1", "1"))
    trade = house.open(house.leader, "1", symbol="ES")
    house.drain()
    house.contract_set("ES", 0, synced=0)
    house.open(house.leader, "1", symbol="ES")
    house.open(house.leader, "1", symbol="NQ")
    house.drain()
    assert [o.reason or o.status for o in house.orders(0)] == ["FILLED", "CONTRACT_NOT_SYNCED", "FILLED"]
    assert [o.reason or o.status for o in house.orders(1)] == ["FILLED", "FILLED", "FILLED"]
    house.close(house.leader, trade)  # D20: what is open still follows the leader out
    house.drain()
    assert house.last(0) == ("ES", "FILLED", 1)
    house.api.put(f"{house.path}/contracts/ES/sync", {"synced": 1})
    house.follower_set(1, synced_all=0)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert (house.last(0)[1], house.last(1)[1]) == ("FILLED", "CONTRACT_NOT_SYNCED")


def test_r155_a_paused_group_copies_no_entry_and_never_later(world):
    house = group_house(world.north)
    trade = house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.api.post(f"{house.path}/pause").json["status"] == "PAUSED"
    house.open(house.leader, "1", symbol="ES")
    house.close(house.leader, trade)
    house.drain()
    assert house.story() == [("OPEN", "FILLED", 1), ("OPEN", "GROUP_PAUSED", 0), ("CLOSE", "FILLED", 1)]
    assert house.api.post(f"{house.path}/resume").json["status"] == "ACTIVE"
    house.drain()
    house.open(house.leader, "1", symbol="NQ")
    house.drain()
    assert house.story()[3:] == [("OPEN", "FILLED", 1)]


def test_r168_a_new_follower_begins_with_the_next_trade(world):
    house = group_house(world.north)
    trade = house.open(house.leader, "1", symbol="ES")
    new = house.place.account(house.alice, house.place.demo, balance=1_000_000)
    body = {"followers": [{"login": house.followers[0].login}, {"login": new.login}]}
    assert house.api.put(f"{house.path}/members", body).status == 200
    house.followers.append(new)
    house.drain()
    house.close(house.leader, trade)
    house.open(house.leader, "2", symbol="NQ")
    house.drain()
    assert house.story(1) == [("OPEN", "FILLED", 2)]


def test_r027_exit_with_leader(world):
    house = group_house(world.north, partial_exit="EXIT_WITH_LEADER")
    trade = house.open(house.leader, "4", symbol="ES")
    house.drain()
    house.close(house.leader, trade, "3")
    house.drain()
    assert house.last() == ("", "PARTIAL_NOT_COPIED", 0)
    house.close(house.leader, trade)
    house.drain()
    assert house.copied() == []


def test_a_reversed_group_takes_the_other_side(world):
    house = group_house(world.north, reverse=1)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.held() == [("SELL", D(1))]


def test_notional_without_a_rate_is_refused(world):
    house = group_house(world.north, sizing_mode="NOTIONAL", contract_mappings_enabled=1)
    listed(house.place, "FDAX", "ES", profit_currency="CHF", family="DAX")
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "FDAX"}])
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    assert house.last()[1] == "NO_CONVERSION_RATE"


def test_a_removed_follower_still_follows_out_and_is_free_then(world):
    """D02, D20: the role is held by the open copy, and by nothing after it."""
    house = group_house(world.north, ratios=("1", "1"))
    trade = house.open(house.leader, "1", symbol="ES")
    house.drain()
    body = {"followers": [{"login": house.followers[0].login}]}
    assert house.api.put(f"{house.path}/members", body).status == 200
    removed = house.followers[1]
    removed.refresh_from_db()
    assert removed.copy_role == CopyRole.FOLLOWER
    house.open(house.leader, "1", symbol="NQ")
    house.close(house.leader, trade)
    house.drain()
    assert house.story(1) == [("OPEN", "FILLED", 1), ("CLOSE", "FILLED", 1)]
    removed.refresh_from_db()
    assert removed.copy_role == CopyRole.NONE


def test_copy_orders_and_positions_name_the_group(world):
    house = group_house(world.north)
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    for table in ("orders", "positions"):
        assert [row["group_id"] for row in house.api.get(f"/copytrade/{table}").rows()] == [house.group_id]


def test_the_group_of_copies_costs_no_further_statement(world):
    """One settings statement, whatever is set for how many followers."""
    few, many = group_house(world.north), group_house(world.south, ratios=("1", "1", "1"))
    for number in range(3):
        many.contract_set("ES", number, cross_symbol="MES", ratio=3)
        many.follower_set(number, mappings=[{"leader_symbol": "NQ", "follower_symbol": "MNQ"}])
    for house in (few, many):
        house.open(house.leader, "1", symbol="NQ")
    with statements() as first:
        few.drain()
    with statements() as second:
        many.drain()
    # Numbers are drawn in blocks, so either turn may have to ask for more.
    assert len([text for text in first if "nextval" not in text]) == len(
        [text for text in second if "nextval" not in text]
    )
