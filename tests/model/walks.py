"""Long walks of the machine, driven by an even hand: Hypothesis itself would mostly do little."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.model.hands.moments import BESIDE
from tests.model.hands.stage import SYMBOLS
from tests.model.machine import Copying
from tests.model.paper.copying import STEP
from tests.model.wishes import FIRST_WISHES, drawn

STEPS = 80


def walk(number: int) -> None:
    """One walk from a fresh start, always the same one for a number, and everything undone after it."""
    luck = Random(number)
    machine = Copying()
    try:
        machine.first_agreements([FIRST_WISHES[number % len(FIRST_WISHES)], {}, drawn(luck), drawn(luck)])
        for _step in range(STEPS):
            step_at_random(machine, luck)
            machine.agree()
        machine.prove()
    finally:
        machine.undo()


def step_at_random(machine: Copying, luck: Random) -> None:
    """One thing that somebody does, by an even hand."""
    who, symbol, side, volume = (
        luck.randrange(1000),
        luck.choice(SYMBOLS),
        luck.random() < 0.5,
        luck.choice([luck.randint(1, 120), luck.randint(1, 6)]) * STEP,
    )
    part = luck.choice([None, luck.randrange(1000)])
    copied = luck.random() < 0.6
    held = any(a.tickets for a in machine.leaders)
    living = any(not s.ended for s in machine.model.subscriptions)
    steps: list[tuple[int, bool, Callable[[], Any]]] = [
        (8, True, lambda: machine.leader_opens(who, symbol, side, volume, copied)),
        (5, held, lambda: machine.leader_trades_what_he_has(who, volume, side, copied)),
        (5, held, lambda: machine.leader_closes(who, part, copied)),
        (2, True, lambda: machine.follower_opens(who, symbol, side, volume)),
        (3, any(a.tickets for a in machine.followers), lambda: machine.follower_closes(who, part)),
        (1, True, lambda: machine.money_moves(who, luck.choice([-300, 40, 200]))),
        (4, True, lambda: machine.market_moves(symbol, luck.randint(-60, 60), luck.randint(0, 30))),
        (2, True, lambda: machine.time_passes(luck.choice([1, 3, 3, 30, 31]))),
        (2, True, lambda: machine.somebody_subscribes(who, drawn(luck))),
        (2, living, lambda: machine.settings_change(who, drawn(luck), side)),
        (1, living, lambda: machine.subscription_ends(who, side)),
        (2, True, lambda: machine.somebody_is_switched(who, luck.random() < 0.8)),
        (1, True, lambda: machine.nobody_goes_in_circles(who)),
        (2, True, lambda: machine.leader_is_copied(who)),
        (3, any(a.tickets for a in machine.followers), lambda: machine.follower_trades_what_he_has(who, volume, side)),
        (2, living, lambda: machine.leader_opens_when_a_follower_has_just_so_much(who, luck.choice(BESIDE), side)),
        (
            2,
            living,
            lambda: machine.leader_is_copied_when_the_market_has_moved_on(
                who, luck.choice([1, 5, 40]), luck.choice([-1, 0, 1, 20]), luck.choice([2, 3, 30, 31]), side, volume
            ),
        ),
    ]
    weights = [weight if possible else 0 for weight, possible, _step in steps]
    luck.choices(steps, weights)[0][2]()
