"""Trading days end at an hour of the tenant's clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.days import DayBoundary

INSTANTS = st.integers(1_735_700_000, 1_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
NEW_YORK = DayBoundary("America/New_York", time(17))


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 6, 22, tzinfo=UTC)),
        (date(2026, 3, 8), datetime(2026, 3, 8, 21, tzinfo=UTC)),  # the day of the change has 23 hours
        (date(2026, 11, 1), datetime(2026, 11, 1, 22, tzinfo=UTC)),  # and this one 25
    ],
)
def test_a_day_ends_at_five_in_new_york(day, end):
    assert NEW_YORK.end_of(day) == end
    assert NEW_YORK.day_of(end - timedelta(microseconds=1)) == day
    assert NEW_YORK.day_of(end) == day + timedelta(days=1)
    assert NEW_YORK.ended_before(end) == day


@given(
    INSTANTS,
    st.sampled_from(("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC")),
    st.times(),
)
def test_every_instant_is_in_one_day(at, zone, hour):
    boundary = DayBoundary(zone, hour.replace(second=0, microsecond=0))
    day = boundary.day_of(at)
    assert boundary.end_of(day - timedelta(days=1)) <= at < boundary.end_of(day)


ZONES = ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Niue", "UTC")
CHANGES = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(ZONES), st.integers(0, 23).map(time)), min_size=1, max_size=5
)


@given(INSTANTS, CHANGES)
def test_changes_of_zone_and_hour_leave_out_no_day_and_double_none(begin, changes):
    days, at = NEW_YORK, begin
    for hours, zone, hour in changes:
        at += timedelta(hours=hours)
        running, over = days.day_of(at), days.end_of(days.day_of(at))
        days = days.changed(zone, hour, at) or days
        assert (days.day_of(at), days.end_of(running)) == (running, over), "the running day ends as it would have"
    first = NEW_YORK.day_of(begin)
    ends = [days.end_of(first + timedelta(days=number)) for number in range(60)]
    for number, (before, after) in enumerate(pairwise(ends)):
        assert timedelta(hours=1) <= after - before <= timedelta(hours=73)
        assert (
            days.day_of(before) == days.day_of(after - timedelta(microseconds=1)) == first + timedelta(days=number + 1)
        )


def test_a_change_holds_from_the_end_of_the_running_day():
    days = NEW_YORK.changed("Asia/Tokyo", time(17), datetime(2026, 3, 3, 17, tzinfo=UTC))
    assert days.end_of(date(2026, 3, 2)) == datetime(2026, 3, 2, 22, tzinfo=UTC)
    assert days.end_of(date(2026, 3, 3)) == datetime(2026, 3, 3, 22, tzinfo=UTC)
    assert days.end_of(date(2026, 3, 4)) == datetime(2026, 3, 4, 8, tzinfo=UTC)
    later = days.changed("Europe/London", time(17), datetime(2026, 3, 28, 10, tzinfo=UTC))
    assert later.end_of(date(2026, 3, 3)) == datetime(2026, 3, 3, 22, tzinfo=UTC)
    assert later.end_of(date(2026, 3, 29)) == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert later.end_of(date(2026, 3, 30)) == datetime(2026, 3, 30, 16, tzinfo=UTC)  # summer time began the day before


def test_a_change_that_has_not_begun_is_replaced_or_taken_back():
    noon = datetime(2026, 3, 3, 17, tzinfo=UTC)
    first = NEW_YORK.changed("Asia/Tokyo", time(17), noon)
    assert first.changed("UTC", time(20), noon) == NEW_YORK.changed("UTC", time(20), noon)
    assert first.changed("America/New_York", time(17), noon) == NEW_YORK


def test_a_change_that_leaves_nothing_of_the_next_day_is_none():
    noon = datetime(2026, 3, 3, 17, tzinfo=UTC)
    assert NEW_YORK.changed("Asia/Tokyo", time(0), noon) is None  # 4 March would end before 3 March has
    halfway = NEW_YORK.changed("Asia/Tokyo", time(12), noon)
    assert halfway.changed("Asia/Tokyo", time(0), noon + timedelta(days=1)) is not None
