"""Trading days end at an hour of the tenant's clocks."""

from datetime import UTC, date, datetime, time, timedelta

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
