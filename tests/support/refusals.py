"""A scene for every code that a copy order can end with: leaders, customers and staff do it, the engine says it.

Each scene makes a house whose first follower's copy orders hold the code. What no scene can bring about yet is named in
`NOT_BUILT` with the reason, what needs processes or transactions of its own in `ELSEWHERE` with its test.
"""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any, Final

from django.test import override_settings

from accounts.models import TradingAccount
from accounts.services import account_update, product_config_update
from copytrade.models import CopyFollower, CopyMaster
from copytrade.services.followers import follower_update
from copytrade.services.subscriptions import subscription_update
from core.states import CopyRole, Side
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.group_house import accepted, group_house, listed
from tests.support.resting import modify, place
from tests.support.world import World
from trading.models import Instrument

Scene = Callable[[World], CopyHouse]

NOT_BUILT: Final = {
    "SYNC_GUARD": "pauses an account after a lost connection to its broker: connections to brokers are not built",
    "RISK_LIMIT": "the port is asked and tested (test_follower_stops.py); rules of account risk are not built",
    "FLATTENED": "drops entries that wait while a scope is flattened: flattening of groups is not built",
    "VENUE_REJECTED": "what a remote venue says in its own words: connections to brokers are not built",
}
ELSEWHERE: Final = {
    "EVENT_FAILED": "tests/integration/copytrade/test_poison.py::test_one_bad_follower_does_not_hold_up_the_others",
}


def copied(house: CopyHouse, volume: str = "1", side: Side = Side.BUY, **terms: Any) -> int:
    """The leader opens, and the copies are made."""
    trade = house.open(house.leader, volume, side, **terms)
    house.drain()
    return trade


def told(house: CopyHouse) -> CopyHouse:
    house.drain()
    return house


def instrument(house: CopyHouse, **terms: Any) -> None:
    with house.place.scope():
        Instrument.objects.filter(symbol="EURUSD").update(**terms)


def change(house: CopyHouse, **settings: Any) -> None:
    with house.place.scope():
        subscription_update(subscription_id=house.subscriptions[0].pk, settings=settings, at=house.at)


def with_settings(**settings: Any) -> Scene:
    """One lot is opened under these settings of the subscription."""

    def scene(world: World) -> CopyHouse:
        house = copy_house(world.north, **settings)
        copied(house)
        return house

    return scene


def module_off(world: World) -> CopyHouse:
    house = copy_house(world.north)
    with house.place.scope():
        product_config_update(copy_trading=False)
    copied(house)
    with house.place.scope():
        product_config_update(copy_trading=True)
    return house


def master_rests(world: World) -> CopyHouse:
    house = copy_house(world.north)
    with house.place.scope():
        CopyMaster.objects.update(status="PAUSED")
    house.open(house.leader, "1")
    return told(house)


def group_rests(world: World) -> CopyHouse:
    house = group_house(world.north)
    accepted(house.api.post(f"{house.path}/pause", {}))
    house.open(house.leader, "1")
    return told(house)


def follower_off(world: World) -> CopyHouse:
    house = copy_house(world.north)
    with house.place.scope():
        follower_update(follower_id=CopyFollower.objects.get().pk, settings={"enabled": False}, at=house.at)
    house.open(house.leader, "1")
    return told(house)


def contract_off(world: World) -> CopyHouse:
    house = group_house(world.north)
    house.contract_set("EURUSD", synced=0)
    house.open(house.leader, "1")
    return told(house)


def two_contracts_of_one_name(world: World) -> CopyHouse:
    house = group_house(world.north, contract_mappings_enabled=1)
    for symbol in ("ESZ6", "XQZ6", "XQZ26"):
        listed(house.place, symbol, "ES", family=symbol[:2])
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "XQ"}])
    house.open(house.leader, "1", symbol="ESZ6")
    return told(house)


def pending(world: World) -> CopyHouse:
    house = copy_house(world.north)
    place(house, house.leader)
    return told(house)


def stops_moved(world: World) -> CopyHouse:
    house = copy_house(world.north, copy_sl=False, copy_tp=False)
    modify(house, house.leader, copied(house), sl=D("1.05"))
    return told(house)


def part_closed(world: World) -> CopyHouse:
    house = copy_house(world.north, copy_partial_close=False)
    house.close(house.leader, copied(house), "0.4")
    return told(house)


def increase_of_nothing(world: World) -> CopyHouse:
    house = copy_house(world.north, leader_netting=True, status=1)
    copied(house)
    change(house, status=0)
    house.open(house.leader, "1")
    return told(house)


def closed_by_hand(world: World) -> CopyHouse:
    house = copy_house(world.north)
    trade = copied(house)
    house.close(house.followers[0], house.tickets(house.followers[0])[0].id)
    house.close(house.leader, trade)
    return told(house)


def exit_owed(world: World) -> CopyHouse:
    house = exit_without_price(world)
    house.quote("EURUSD", "1.1000", "1.1002")
    house.open(house.leader, "0.5")
    return told(house)


def other_side_by_hand(world: World) -> CopyHouse:
    house = copy_house(world.north, follower_netting=True)
    house.open(house.followers[0], "0.2", Side.SELL)
    copied(house)
    return house


def rejected_before(world: World) -> CopyHouse:
    house = group_house(world.north)
    house.place.deposit(house.followers[0], -9_999_900, at=house.at)
    copied(house, "5")
    copied(house, "5")
    return house


def account_off(world: World) -> CopyHouse:
    house = copy_house(world.north)
    with house.place.scope():
        account_update(account_id=house.followers[0].pk, enabled=False, at=house.at)
    house.open(house.leader, "1")
    return told(house)


def loss(world: World) -> CopyHouse:
    house = copy_house(world.north, max_loss=D(100))
    copied(house)
    house.wait(1)
    house.quote("EURUSD", "1.0902", "1.0904")
    copied(house)
    return house


def empty_account(world: World) -> CopyHouse:
    house = copy_house(world.north, volume_mode=3)
    house.place.deposit(house.followers[0], -10_000, at=house.at)
    copied(house)
    return house


def no_rate(world: World) -> CopyHouse:
    house = group_house(world.north, sizing_mode="NOTIONAL", contract_mappings_enabled=1)
    listed(house.place, "FDAX", "ES", profit_currency="CHF", family="DAX")
    house.set_up(mappings=[{"leader_symbol": "ES", "follower_symbol": "FDAX"}])
    house.open(house.leader, "1", symbol="ES")
    return told(house)


def second_position(world: World) -> CopyHouse:
    house = copy_house(world.north, max_positions=1)
    copied(house)
    copied(house)
    return house


def old_quote(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.open(house.leader, "1")
    instrument(house, stale_quote_seconds=5)
    house.wait(10)
    return told(house)


def price_ran_away(world: World) -> CopyHouse:
    house = copy_house(world.north, slippage_tolerance=D(5))
    house.open(house.leader, "1")
    house.wait(3)
    house.quote("EURUSD", "1.1050", "1.1052")
    return told(house)


def too_late(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.open(house.leader, "1")
    house.wait(31)
    return told(house)


def closed_again(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.close(house.leader, house.open(house.leader, "1"))
    return told(house)


def no_follower_any_more(world: World) -> CopyHouse:
    house = copy_house(world.north)
    with house.place.scope():
        # No service leaves a subscription behind when it takes the role: the guard stands behind all of them.
        TradingAccount.objects.filter(pk=house.followers[0].pk).update(copy_role=CopyRole.NONE)
    house.open(house.leader, "1")
    return told(house)


def no_money(world: World) -> CopyHouse:
    house = copy_house(world.north, balance=500)
    copied(house)
    return house


def off_the_step(world: World) -> CopyHouse:
    """The contract got a coarser step, and the copy is a part of a position that the follower made larger by hand."""
    house = copy_house(world.north, follower_netting=True)
    house.open(house.followers[0], "0.5")
    trade = copied(house, "0.13")
    instrument(house, lot_step=D("0.1"), lot_min=D("0.1"))
    house.close(house.leader, trade)
    return told(house)


def stop_passed(world: World) -> CopyHouse:
    """A wide spread: over the reversed copy's stop, and below the leader's target."""
    house = copy_house(world.north, reverse_direction=True)
    house.open(house.leader, "1", tp=D("1.1010"))
    house.quote("EURUSD", "1.1005", "1.1012")
    return told(house)


def market_closed(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.open(house.leader, "1")
    instrument(house, sessions=CLOSED_AT_THE_TIME)
    return told(house)


def exit_without_price(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.close(house.leader, copied(house))
    instrument(house, stale_quote_seconds=5)
    house.wait(10)
    return told(house)


def contract_not_traded(world: World) -> CopyHouse:
    house = copy_house(world.north)
    house.open(house.leader, "1")
    instrument(house, trade_enabled=False)
    return told(house)


def account_full(world: World) -> CopyHouse:
    house = copy_house(world.north)
    copied(house)
    house.open(house.leader, "1")
    with override_settings(ACCOUNT_RECORDS_MAX=1):
        return told(house)


CLOSED_AT_THE_TIME: Final = "Sat 01:00-02:00 UTC"

SCENES: Final[dict[str, Scene]] = {
    "MODULE_DISABLED": module_off,
    "MASTER_NOT_ACTIVE": master_rests,
    "GROUP_PAUSED": group_rests,
    "SUBSCRIPTION_PAUSED": with_settings(status=1),
    "FOLLOWER_DISABLED": follower_off,
    "COPY_MODE": with_settings(copy_mode=2),
    "SYMBOL_FILTERED": with_settings(symbols_mode=2, symbols="eur*"),
    "CONTRACT_NOT_SYNCED": contract_off,
    "UNMAPPED_CONTRACT": two_contracts_of_one_name,
    "PENDING_NOT_COPIED": pending,
    "STOPS_NOT_COPIED": stops_moved,
    "PARTIAL_NOT_COPIED": part_closed,
    "NO_LINK": increase_of_nothing,
    "ALREADY_FLAT": closed_by_hand,
    "CLOSE_ONLY": exit_owed,
    "OPPOSITE_SIDE": other_side_by_hand,
    "QUARANTINED": rejected_before,
    "ACCOUNT_LOCKED": account_off,
    "FOLLOWER_STOPPED": loss,
    "MIN_EQUITY": with_settings(min_equity=D(20_000)),
    "MAX_POSITIONS": second_position,
    "INVALID_EQUITY": empty_account,
    "NO_CONVERSION_RATE": no_rate,
    "BELOW_MIN_VOLUME": with_settings(min_volume=D(2)),
    "ROUNDED_TO_ZERO": with_settings(risk_multiplier=D("0.001")),
    "STALE_QUOTE": old_quote,
    "SLIPPAGE_TOLERANCE": price_ran_away,
    "SIGNAL_TOO_OLD": too_late,
    "CLOSED_BEFORE_COPY": closed_again,
    "ROLE_CONFLICT": no_follower_any_more,
    "RET_TRADE_NO_MONEY": no_money,
    "RET_TRADE_BAD_VOLUME": off_the_step,
    "RET_TRADE_BAD_STOPS": stop_passed,
    "RET_TRADE_MARKET_CLOSED": market_closed,
    "RET_TRADE_OFFQUOTES": exit_without_price,
    "RET_TRADE_DISABLE": contract_not_traded,
    "RET_TRADE_TOO_MANY_ORDERS": account_full,
}
