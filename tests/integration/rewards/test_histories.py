"""D24, X04: whole random histories of real copies against an independent, slow computation from the stored records."""

from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from core.states import Side, TradeState
from rewards.models import AccrualState
from tests.support.reward_house import RewardHouse, reward_house
from tests.support.slow_rewards import Won, slow_fees
from tests.support.world import World
from trading.models import Trade

pytestmark = pytest.mark.django_db

TERMS = {
    "subscription": {"reward_type": 0, "fee_amount": D(5), "billing_period": "weekly"},
    "gross": {"reward_type": 1, "fee_percent": D(30), "billing_period": "weekly", "hwm_convention": "GROSS"},
    "net": {"reward_type": 1, "fee_percent": D(30), "billing_period": "weekly", "hwm_convention": "NET"},
    "cumulative": {"reward_type": 1, "fee_percent": D(30), "billing_period": "weekly", "hwm_convention": "CUMULATIVE"},
    "no mark": {"reward_type": 1, "fee_percent": D(30), "billing_period": "weekly", "hwm_enabled": False},
    "volume": {"reward_type": 2, "fee_amount": D("7.5"), "billing_period": "weekly"},
    "share": {"reward_type": 3, "fee_percent": D("12.5")},
}


@pytest.mark.parametrize("name", TERMS)
def test_d24_x04_a_random_history(world: World, name: str) -> None:
    terms, luck = TERMS[name], Random(f"rewards {name}")
    house = reward_house(world.north, terms, commission="2", balance=50_000)
    begun = house.at
    for _step in range(30):
        live(house, luck)
    house.wait(days=1)
    for trade in house.house.tickets(house.house.leader):
        house.close(trade.id, "1.1020")
    house.leave()
    house.work()
    found = [(a.base_amount, a.fee_amount) for a in house.accruals() if a.fee_amount]
    assert found == slow_fees(terms, begun, house.at, records(house), stopped=True)
    assert found
    assert {a.state for a in house.accruals()} <= {AccrualState.SETTLED, AccrualState.CANCELLED}
    house.prove()


def live(house: RewardHouse, luck: Random) -> None:
    """A few hours or days later somebody does something, and perhaps somebody looks."""
    house.wait(hours=luck.randint(1, 50))
    house.price(f"1.{luck.randint(940, 1080):04}")
    leader, follower = house.house.leader, house.house.followers[0]
    held = house.house.tickets(leader)
    match luck.choice(["open", "open", "part", "close", "hand"]):
        case "open":
            house.house.open(
                leader, f"0.{luck.randint(2, 30):02}", luck.choice([Side.BUY, Side.BUY, Side.BUY, Side.BUY, Side.SELL])
            )
            house.house.drain()
        case "part" if held:
            house.close(luck.choice(held).id, price(luck), "0.01")
        case "close" if held:
            house.close(luck.choice(held).id, price(luck))
        case "hand" if copies := house.house.tickets(follower):
            house.price(price(luck))
            house.house.close(follower, luck.choice(copies).id)
            house.house.drain()
    if luck.random() < 0.4:
        house.work()


def price(luck: Random) -> str:
    """Where something is closed: above where it was opened more often than not."""
    return f"1.{luck.randint(990, 1160):04}"


def records(house: RewardHouse) -> list[Won]:
    """Everything that the follower closed; there is nothing that was not copied."""
    with house.place.scope():
        closed: list[Any] = list(
            Trade.objects.filter(
                account=house.house.followers[0], cmd__in=(0, 1), state__in=(TradeState.CLOSED, TradeState.CLOSED_PART)
            ).order_by("close_at", "id")
        )
    return [Won(t.close_at, t.volume, t.profit + t.commission + t.storage) for t in closed]
