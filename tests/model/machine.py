"""The machine that does everything twice: with the product, and with the small model."""

from tests.model.hands.failing import Failing


class Copying(Failing):
    """Does everything twice: with the product in a transaction that is rolled back, and with the model."""
