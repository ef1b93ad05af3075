"""A house of masters whose clock stands where the test puts it."""

import pytest

from tests.integration.marketplace.arena import Arena
from tests.support.world import World


@pytest.fixture
def arena(world: World) -> Arena:
    """North with EURUSD, and nobody in it yet."""
    made = Arena(world.north)
    made.instrument()
    made.quote("1.1000", "1.1000", "1 12:00")
    return made
