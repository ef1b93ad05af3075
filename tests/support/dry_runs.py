"""A master's past, copied live, and dry runs over it."""

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from copytrade.domain.fair import QUOTE_HELD
from core.states import CopyStatus, Side
from infra.actor import Actor, SessionType
from marketplace.domain.dry_run import DryRun
from marketplace.services.dry_run import dry_run_make
from tests.support.copy_house import CopyHouse

D = Decimal


def play(
    house: CopyHouse,
    seed: int,
    steps: int = 30,
    longest: int = 4000,
    every: Callable[[], object] = lambda: None,
    late: int = 0,
) -> None:
    """A master who opens, reduces and closes at moving prices, copied after every step; `every` comes before each.

    With `late` a copy is made when the leader's quote is held no longer, and the price has moved by up to so many points.

    A price moves when its symbol is traded: what happens in between, a dry run does not know.
    """
    chance = random.Random(seed)
    held: dict[int, tuple[str, int]] = {}
    prices = {"EURUSD": (110_000, 20, 5), "XAUUSD": (200_000, 50, 2)}
    for _step in range(steps):
        house.wait(chance.randint(30, longest))
        every()
        closing = chance.choice(list(held)) if held and chance.random() < 0.55 else None
        symbol = chance.choice(list(prices)) if closing is None else held[closing][0]
        bid, spread, digits = prices[symbol]
        bid += chance.randint(-60, 60) * (1 if symbol == "EURUSD" else 10)
        prices[symbol] = (bid, spread, digits)
        house.quote(symbol, str(D(bid).scaleb(-digits)), str(D(bid + spread).scaleb(-digits)))
        if closing is None:
            lots = chance.randint(1, 12)
            held[house.open(house.leader, str(D(lots) / 100), chance.choice(list(Side)), symbol)] = (symbol, lots)
        elif held[closing][1] > 1 and chance.random() < 0.5:
            part = chance.randint(1, held[closing][1] - 1)
            house.close(house.leader, closing, str(D(part) / 100))
            held[closing] = (symbol, held[closing][1] - part)
        else:
            house.close(house.leader, closing)
            del held[closing]
        if late:
            house.wait(QUOTE_HELD.total_seconds() + 1)
            moved = bid + chance.randint(-late, late)
            house.quote(symbol, str(D(moved).scaleb(-digits)), str(D(moved + spread).scaleb(-digits)))
        house.drain()


def dry(house: CopyHouse, login: int | None, settings: dict[str, Any], days: int = 90) -> DryRun:
    bob = house.place.person("bob")
    with house.place.scope():
        return dry_run_make(
            actor=Actor(SessionType.CUSTOMER, bob.id, house.place.id),
            master_login=house.leader.login,
            follower_login=login,
            days=days,
            settings=settings,
            at=house.at,
        )


def live(house: CopyHouse, number: int = 0) -> tuple[int, Counter[str]]:
    """How many entries were copied, and how often what was skipped or rejected why."""
    orders = house.orders(number)
    copied = sum(1 for o in orders if o.status == CopyStatus.FILLED and o.action in ("OPEN", "INCREASE"))
    return copied, Counter(o.reason for o in orders if o.status != CopyStatus.FILLED)
