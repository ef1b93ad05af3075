"""Trading days: a day ends at an hour of a zone's clocks, and is named after the date on which it ends."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayBoundary:
    """When days end: at `hour` of the clocks of `zone` (an IANA name)."""

    zone: str
    hour: time

    def end_of(self, day: date) -> datetime:
        """The instant at which the day is over and the next one begins, in UTC."""
        return datetime.combine(day, self.hour, ZoneInfo(self.zone)).astimezone(UTC)

    def day_of(self, at: datetime) -> date:
        """The day that is running at that instant."""
        day = at.astimezone(ZoneInfo(self.zone)).date()
        return day if at < self.end_of(day) else day + ONE_DAY

    def ended_before(self, at: datetime) -> date:
        """The last day that is over at that instant."""
        return self.day_of(at) - ONE_DAY


def month_later(at: datetime, months: int) -> datetime:
    """The same day and time `months` later; where that month is shorter, on its last day."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
