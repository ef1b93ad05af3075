"""Any sequence of leaders', customers' and owners' actions ends as the small model says (X06, D06, D10, D20).

A fixed set in some seconds. MODEL_EXAMPLES, MODEL_STEPS and MODEL_WALKS ask for more examples, new ones each time;
MODEL_SHRINK looks for the smallest one that fails.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.hands.stage import prepare, seen
from tests.model.machine import Copying
from tests.model.walks import walk

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
STEPS = int(os.environ.get("MODEL_STEPS", "40"))
WALKS = int(os.environ.get("MODEL_WALKS", "8"))
SHRINK = bool(os.environ.get("MODEL_SHRINK"))
SEEN = {
    *((kind, "") for kind in ("OPEN", "INCREASE", "REDUCE", "CLOSE")),
    *(("OPEN", reason) for reason in (
        "MODULE_DISABLED", "MASTER_NOT_ACTIVE", "SUBSCRIPTION_PAUSED", "FOLLOWER_DISABLED", "COPY_MODE", "SYMBOL_FILTERED",
        "OPPOSITE_SIDE", "MIN_EQUITY", "MAX_POSITIONS", "BELOW_MIN_VOLUME", "ROUNDED_TO_ZERO", "SLIPPAGE_TOLERANCE",
        "SIGNAL_TOO_OLD", "CLOSED_BEFORE_COPY",
        "RET_TRADE_BAD_STOPS",
    )),
    *(("MODIFY", reason) for reason in ("", "RET_TRADE_BAD_STOPS", "STOPS_NOT_COPIED", "COPY_MODE", "ALREADY_FLAT")),
    *((who, stop) for who in ("leader", "follower") for stop in ("sl", "tp")),
    ("PLACE", ""), ("PLACE", "PENDING_NOT_COPIED"), ("CHANGE", ""), ("CANCEL", ""), ("OPEN", "ALREADY_FLAT"),
    *((who, order) for who in ("leader", "follower") for order in ("LIMIT", "STOP")),
    ("asked", ""), ("asked", "ALREADY_FLAT"), ("asked", "CLOSED_BEFORE_COPY"),
    ("REDUCE", "RET_TRADE_OFFQUOTES"), ("CLOSE", "RET_TRADE_OFFQUOTES"), ("OPEN", "CLOSE_ONLY"), ("OPEN", "QUARANTINED"),
    ("OPEN", "STALE_QUOTE"),
    ("INCREASE", "NO_LINK"), ("REDUCE", "PARTIAL_NOT_COPIED"), ("CLOSE", "COPY_MODE"), ("CLOSE", "ALREADY_FLAT"),
}  # fmt: skip
"""What some example has to come to: a machine that does nothing proves nothing."""


@pytest.fixture
def prepared(db: None, world: Any) -> None:
    prepare(world.north)


def test_any_sequence_is_copied_as_the_model_says(prepared):
    chosen = settings(
        max_examples=EXAMPLES or 20,
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
        walk(number)
    assert seen.keys() >= SEEN, SEEN - seen.keys()
