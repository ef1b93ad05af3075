"""A running product for stories that are told from outside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.test import override_settings

from tests.support.processes import Product, running
from tests.support.terminal import Outsider
from tests.support.world import Place, place

ARGON2 = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
"""As the processes have it; tests hash cheaply otherwise."""


@pytest.fixture
def product(transactional_db: None, tmp_path: Path) -> Iterator[Product]:
    """Nothing runs yet; what a test starts is gone before the database is emptied."""
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def tenants(transactional_db: None) -> tuple[Place, Place]:
    """Two operators, each with its owner: what an installation begins with. Everything else is made by address."""
    with override_settings(PASSWORD_HASHERS=ARGON2):
        made = place("north"), place("south")
        for one in made:
            assert one.owner.id
    return made


@pytest.fixture
def outside_of() -> Iterator[Callable[[Product], Outsider]]:
    """Starts the web process and gives a caller without a token."""
    with ExitStack() as stack:

        def start(product: Product) -> Outsider:
            product.web()
            return stack.enter_context(Outsider(product.address))

        yield start
