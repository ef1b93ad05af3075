"""Any sequence of leaders', customers' and owners' actions ends as the small model says (X06, D06, D10, D20).

A fixed set in some seconds. MODEL_EXAMPLES, MODEL_STEPS and MODEL_WALKS ask for more examples, new ones each time;
MODEL_SHRINK looks for the smallest one that fails.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import SYMBOLS, Copying, prepare, seen
from tests.model.model import STEP
from tests.model.wishes import FIRST_WISHES, drawn

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
STEPS = int(os.environ.get("MODEL_STEPS", "40"))
WALKS = int(os.environ.get("MODEL_WALKS", "12"))
SHRINK = bool(os.environ.get("MODEL_SHRINK"))
SEEN = {
    *((kind, "") for kind in ("OPEN", "INCREASE", "REDUCE", "CLOSE")),
    *(("OPEN", reason) for reason in (
        "MODULE_DISABLED", "MASTER_NOT_ACTIVE", "SUBSCRIPTION_PAUSED", "FOLLOWER_DISABLED", "COPY_MODE", "SYMBOL_FILTERED",
        "OPPOSITE_SIDE", "MIN_EQUITY", "MAX_POSITIONS", "BELOW_MIN_VOLUME", "ROUNDED_TO_ZERO", "SLIPPAGE_TOLERANCE",
        "SIGNAL_TOO_OLD", "CLOSED_BEFORE_COPY",
    )),
    ("INCREASE", "NO_LINK"), ("REDUCE", "PARTIAL_NOT_COPIED"), ("CLOSE", "COPY_MODE"), ("CLOSE", "ALREADY_FLAT"),
}  # fmt: skip
"""What some example has to come to: a machine that does nothing proves nothing."""


@pytest.fixture
def prepared(db: None, world: Any) -> None:
    prepare(world.north)


def test_any_sequence_is_copied_as_the_model_says(prepared):
    chosen = settings(
        max_examples=EXAMPLES or 30,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        # Looking for a smaller example takes minutes: for whoever looks for the cause.
        phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Copying, settings=chosen)


def test_long_walks_come_to_everything_and_are_copied_as_the_model_says(prepared):
    """The same machine driven by an even hand, which comes to every outcome: one that does nothing proves nothing."""
    seen.clear()
    for number in range(5 * WALKS):
        if number >= WALKS and seen.keys() >= SEEN:
            break
        luck = Random(number)
        machine = Copying()
        try:
            machine.first_agreements([FIRST_WISHES[number % len(FIRST_WISHES)], {}, drawn(luck), drawn(luck)])
            for _step in range(80):
                step_at_random(machine, luck)
                machine.agree()
        finally:
            machine.teardown()
    assert SEEN - set(seen) == set()


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
    ]
    weights = [weight if possible else 0 for weight, possible, _step in steps]
    luck.choices(steps, weights)[0][2]()
