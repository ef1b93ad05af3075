"""The demo with a short past, as tests look at it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

END = datetime(2026, 3, 4, 15, 7, 30, tzinfo=UTC)
"""The present of the demo: a Wednesday."""
LENGTH = timedelta(days=1)


@dataclass(frozen=True)
class Demo:
    """The ids of both tenants, and what was told of the progress."""

    demo: int
    other: int
    told: list[int]
