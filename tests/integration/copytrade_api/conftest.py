import pytest

from tests.support.copying import Cast
from tests.support.world import World


@pytest.fixture
def cast(world: World) -> Cast:
    return Cast(world)
