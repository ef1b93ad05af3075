"""The machine that does everything twice: with the product, and with the small model."""

from tests.model.hands.moments import Moments


class Copying(Moments):
    """Does everything twice: with the product in a transaction that is rolled back, and with the model."""
