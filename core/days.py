"""Trading days: a day ends at an hour of a zone's clocks, and is named after the date on which it ends."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


SHORTEST_DAY = timedelta(hours=1)
"""What a change of zone or hour leaves of the day that follows it."""


@dataclass(frozen=True, slots=True)
class DayBoundary:
    """When days end: at `hour` of the clocks of `zone` (an IANA name); days up to `until` still end as `former` says."""

    zone: str
    hour: time
    former: "DayBoundary | None" = None
    until: date = date.min

    def end_of(self, day: date) -> datetime:
        """The instant at which the day is over and the next one begins, in UTC."""
        if self.former is not None and day <= self.until:
            return self.former.end_of(day)
        return self._by_clock(day)

    def day_of(self, at: datetime) -> date:
        """The day that is running at that instant."""
        if self.former is not None and at < self.former.end_of(self.until):
            return self.former.day_of(at)
        day = at.astimezone(ZoneInfo(self.zone)).date()
        day = day if at < self._by_clock(day) else day + ONE_DAY
        return day if self.former is None else max(day, self.until + ONE_DAY)

    def ended_before(self, at: datetime) -> date:
        """The last day that is over at that instant."""
        return self.day_of(at) - ONE_DAY

    def changed(self, zone: str, hour: time, at: datetime) -> "DayBoundary | None":
        """Another zone and hour, from the end of the day that is running at `at`: that one ends as it would have, and the
        next one as the new clocks say, so no day is left out or doubled.

        A change that has not begun yet is replaced. None when next to nothing would be left of the day that follows.
        """
        running = self.day_of(at)
        stands = self.former if self.former is not None and running <= self.until else self
        if (stands.zone, stands.hour) == (zone, hour):
            return stands
        fresh = DayBoundary(zone, hour, stands, running)
        left = fresh.end_of(running + ONE_DAY) - stands.end_of(running)
        return fresh if left >= SHORTEST_DAY else None

    def _by_clock(self, day: date) -> datetime:
        return datetime.combine(day, self.hour, ZoneInfo(self.zone)).astimezone(UTC)


_Instant = TypeVar("_Instant", date, datetime)


def month_later(at: _Instant, months: int) -> _Instant:
    """The same day, and time, `months` later; where that month is shorter, on its last day."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
