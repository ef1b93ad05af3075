"""Which trading day an instant belongs to: as days really ended, and by the tenant's clock where none has ended yet."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.days import ONE_DAY, DayBoundary


@dataclass(frozen=True, slots=True)
class Calendar:
    """Trading days in their order with the instants at which they end; the last one is running or still to come.

    An instant belongs to the first day that ends after it, one before them all to the first.
    """

    days: Sequence[date]
    ends: Sequence[datetime]

    def day_of(self, at: datetime) -> date:
        """The trading day that an instant belongs to."""
        return self.days[min(bisect_right(self.ends, at), len(self.days) - 1)]

    def beginning_of(self, day: date) -> datetime | None:
        """When a day begins; None for the first one, to which everything earlier belongs as well."""
        place = self.days.index(day)
        return self.ends[place - 1] if place else None


def calendar_of(
    boundary: DayBoundary, ended: Sequence[tuple[date, datetime]], first: datetime, at: datetime
) -> Calendar:
    """The trading days from the one of `first` to the one that is running at `at`.

    `ended` are days that have ended, in their order: their ends stand, whatever the tenant's clock says since. All others
    end by `boundary`, and none of them before what stands.
    """
    early, late = boundary.day_of(min(first, at)), boundary.day_of(at)
    if not ended:
        return _in_order([(day, boundary.end_of(day)) for day in _days(early, late)], {})
    before = [(day, boundary.end_of(day)) for day in _days(early, ended[0][0] - ONE_DAY)]
    newest = ended[-1][0] + ONE_DAY
    after = [(day, boundary.end_of(day)) for day in _days(newest, max(late, newest))]
    return _in_order([*before, *ended, *after], dict(ended))


def _in_order(days: Sequence[tuple[date, datetime]], standing: Mapping[date, datetime]) -> Calendar:
    """The days whose ends follow each other; where they do not, one by the clock gives way to one that stands."""
    kept: list[tuple[date, datetime]] = []
    for day, end in days:
        while kept and kept[-1][1] >= end and day in standing and kept[-1][0] not in standing:
            kept.pop()
        if not kept or end > kept[-1][1]:
            kept.append((day, end))
    return Calendar([day for day, _end in kept], [end for _day, end in kept])


def _days(first: date, last: date) -> list[date]:
    return [first + ONE_DAY * step for step in range((last - first).days + 1)]
