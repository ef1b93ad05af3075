"""What the tests of the market start from."""

from datetime import UTC, datetime

import pytest

from tests.integration.trading_market.world import World, make_world
from tests.support import world as cast


@pytest.fixture
def world(db: None) -> World:
    return make_world(cast.World())


@pytest.fixture
def committed_world(transactional_db: None) -> World:
    return make_world(cast.World())


@pytest.fixture
def now() -> datetime:
    """This second, for services; the market has no quotes from before."""
    return datetime.now(tz=UTC).replace(microsecond=0)
