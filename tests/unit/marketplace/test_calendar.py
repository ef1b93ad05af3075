"""Which trading day an instant belongs to, also after the tenant's clock was set anew."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.days import ONE_DAY, DayBoundary
from marketplace.domain.calendar import calendar_of

NEW_YORK = DayBoundary("America/New_York", time(17))
ZONES = ("America/New_York", "Asia/Tokyo", "Pacific/Honolulu", "UTC", "Europe/Berlin", "Pacific/Kiritimati")


def instant(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@given(
    st.sampled_from(ZONES),
    st.times(),
    st.integers(0, 365 * 86_400),
    st.lists(st.floats(0, 1), max_size=20),
)
def test_without_an_ended_day_the_clock_decides(zone, hour, first, places):
    boundary = DayBoundary(zone, hour)
    first = instant(1) + timedelta(seconds=first)
    at = first + timedelta(days=90)
    calendar = calendar_of(boundary, [], first, at)
    for place in places:
        moment = first + place * (at - first)
        assert calendar.day_of(moment) == boundary.day_of(moment)
    assert calendar.day_of(at) == boundary.day_of(at)


def test_a_day_ended_stays_as_it_ended_when_the_zone_changes():
    ended = [(date(2026, 3, day), NEW_YORK.end_of(date(2026, 3, day))) for day in (3, 4)]
    calendar = calendar_of(DayBoundary("Asia/Tokyo", time(17)), ended, instant(1), instant(6))
    assert calendar.day_of(instant(4, 21, 59)) == date(2026, 3, 4)
    assert calendar.day_of(instant(4, 22)) == date(2026, 3, 5)
    # From then on by the new clock: 17:00 in Tokyo is 8:00 UTC.
    assert calendar.day_of(instant(5, 7, 59)) == date(2026, 3, 5)
    assert calendar.day_of(instant(5, 8)) == date(2026, 3, 6)
    # What came before the first ended day, by the clock that is in force.
    assert calendar.day_of(instant(2, 7, 59)) == date(2026, 3, 2)


def test_a_day_that_the_new_clock_has_passed_already_does_not_come_again():
    """17:00 in Tokyo on the 4th is over when the tenant moves to New York, where the 4th would still be running."""
    tokyo = DayBoundary("Asia/Tokyo", time(17))
    ended = [(date(2026, 3, 4), tokyo.end_of(date(2026, 3, 4)))]
    calendar = calendar_of(NEW_YORK, ended, instant(4), instant(4, 12))
    assert calendar.day_of(instant(4, 12)) == date(2026, 3, 5)


@given(
    st.lists(st.tuples(st.sampled_from(ZONES), st.times()), min_size=1, max_size=6),
    st.integers(0, 30),
    st.integers(-30, 40),
)
def test_days_and_their_ends_follow_each_other_whatever_was_set(clocks, count, since):
    first = date(2026, 3, 1)
    boundaries = [DayBoundary(zone, hour) for zone, hour in clocks]
    days = [first + ONE_DAY * n for n in range(count)]
    ended = [(day, boundaries[n % len(boundaries)].end_of(day)) for n, day in enumerate(days)]
    at = max([end for _day, end in ended], default=instant(1)) + timedelta(hours=1)
    calendar = calendar_of(boundaries[-1], ended, instant(1) + timedelta(days=since), at)
    assert list(calendar.days) == sorted(set(calendar.days))
    assert list(calendar.ends) == sorted(set(calendar.ends))
    assert calendar.ends[-1] > at
    assert not days or calendar.day_of(at) > days[-1] - ONE_DAY


@pytest.mark.parametrize("day", [1, 2])
def test_a_day_begins_where_the_one_before_ended(day):
    calendar = calendar_of(NEW_YORK, [], instant(1, 12), instant(2, 12))
    begins = calendar.beginning_of(date(2026, 3, day))
    assert begins == (None if day == 1 else NEW_YORK.end_of(date(2026, 3, 1)))
