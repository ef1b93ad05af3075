"""A house whose clock stands where the test puts it."""

import pytest

from tests.integration.day_end.evening import Evening
from tests.support.world import World


@pytest.fixture
def evening(world: World) -> Evening:
    """North, empty."""
    return Evening(world.north)
