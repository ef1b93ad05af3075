"""Real processes for tests that kill them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Product, running


@pytest.fixture
def product(transactional_db: None, tmp_path: Path) -> Iterator[Product]:
    """Nothing runs yet; what a test starts is gone before the database is emptied."""
    with running(tmp_path) as made:
        yield made
