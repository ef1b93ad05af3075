"""Time: aware datetimes inside, unix seconds on the wire.

`now()` is called at entrances only (views, consumers, tasks, commands); everything below takes `at`. An architecture
test keeps it so, because that is what makes a simulated past possible and tests exact.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, aware, in UTC. For entrances only."""
    return datetime.now(tz=UTC)


def unix(at: datetime | None) -> int:
    """Whole unix seconds of an aware instant, 0 for none: the time format of the wire."""
    return 0 if at is None else int(at.timestamp())


def from_unix(seconds: int) -> datetime:
    """The aware instant of unix seconds."""
    return datetime.fromtimestamp(seconds, tz=UTC)
