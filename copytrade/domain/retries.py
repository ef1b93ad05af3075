"""When an exit that failed is tried again (D11)."""

from datetime import timedelta
from typing import Final

DELAYS: Final = tuple(timedelta(seconds=s) for s in (1, 2, 5, 10, 30, 60, 120, 300))
KEPT: Final = timedelta(days=7)
"""How long an exit is tried again."""


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after this many tries, the first one included."""
    return DELAYS[min(max(attempts, 1), len(DELAYS)) - 1]
