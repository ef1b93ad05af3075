"""Trading sessions: the grammar, the days on which clocks change, and what holds for every line."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sessions import DAYS, Fault, SessionsError, is_open, sessions_of
from trading.catalogue import CONTRACTS

FX = "Sun 17:00-Fri 17:00 America/New_York"
CME = "Sun 17:00-Fri 16:00 break 16:00-17:00 America/Chicago"
SHARES = "Mon-Fri 09:30-16:00 America/New_York"
TOKYO = "Mon-Fri 09:00-11:30 Asia/Tokyo; Mon-Fri 12:30-15:30 Asia/Tokyo"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at", "open_then"),
    [
        ("24/7", "2026-03-08T07:30", True),
        # 2026-03-02 is a Monday; New York is five hours behind UTC until 8 March, four from then on.
        (FX, "2026-03-06T21:59:59", True),
        (FX, "2026-03-06T22:00", False),  # Friday 17:00: the end is no longer in it
        (FX, "2026-03-07T12:00", False),
        (FX, "2026-03-08T20:59:59", False),
        (FX, "2026-03-08T21:00", True),  # Sunday 17:00, an hour earlier for UTC than the week before
        (FX, "2026-11-01T21:59:59", False),
        (FX, "2026-11-01T22:00", True),  # and an hour later again
        (CME, "2026-03-03T21:59", True),
        (CME, "2026-03-03T22:00", False),  # 16:00 in Chicago
        (CME, "2026-03-03T22:59", False),
        (CME, "2026-03-03T23:00", True),
        (CME, "2026-03-06T23:30", False),  # the week is over: no session after Friday's break
        (SHARES, "2026-03-06T14:29", False),
        (SHARES, "2026-03-06T14:30", True),
        (SHARES, "2026-03-09T13:30", True),
        (SHARES, "2026-03-09T20:00", False),
        (SHARES, "2026-03-07T15:00", False),
        (TOKYO, "2026-03-02T00:00", True),
        (TOKYO, "2026-03-02T02:30", False),
        (TOKYO, "2026-03-02T03:30", True),
        (TOKYO, "2026-03-02T06:30", False),
        ("Sat-Mon 00:00-24:00 UTC", "2026-03-09T23:59", True),
        ("Sat-Mon 00:00-24:00 UTC", "2026-03-10T00:00", False),
        ("Wed 10:00-11:00 UTC", "2026-03-04T10:59", True),
        ("Wed 10:00-11:00 UTC", "2026-03-05T10:30", False),
    ],
)
def test_open_or_not(text, at, open_then):
    assert sessions_of(text).is_open(utc(at)) is open_then
    assert is_open(text, utc(at)) is open_then


@pytest.mark.parametrize(
    ("text", "at", "change"),
    [
        ("24/7", "2026-03-02T10:00", None),
        ("Mon-Sun 00:00-24:00 Europe/Berlin", "2026-03-28T10:00", None),
        (FX, "2026-03-02T10:00", "2026-03-06T22:00"),
        (FX, "2026-03-06T22:00", "2026-03-08T21:00"),
        (FX, "2026-10-30T21:00", "2026-11-01T22:00"),
        (CME, "2026-03-06T22:00", "2026-03-08T22:00"),
        (CME, "2026-03-02T10:00", "2026-03-02T22:00"),
        ("Wed 10:00-11:00 UTC", "2026-03-04T11:00", "2026-03-11T10:00"),
        # 02:30 is left out on 8 March: what would open then opens at the moment after it, 03:30 summer time.
        ("Sun 02:30-05:00 America/New_York", "2026-03-08T05:00", "2026-03-08T07:30"),
        # 01:30 comes twice on 1 November: the first counts.
        ("Sun 01:30-05:00 America/New_York", "2026-11-01T04:00", "2026-11-01T05:30"),
        ("Sat 20:00-Sun 01:30 America/New_York", "2026-11-01T04:00", "2026-11-01T05:30"),
    ],
)
def test_next_change(text, at, change):
    assert sessions_of(text).next_change(utc(at)) == (None if change is None else utc(change))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.FORM),
        ("24/6", Fault.FORM),
        (" 24/7", Fault.FORM),
        ("24/7; " + FX, Fault.FORM),
        ("mon-fri 09:30-16:00 UTC", Fault.FORM),
        ("Mon-Fri 9:30-16:00 UTC", Fault.FORM),
        ("Mon-Fri 09:30-16:00", Fault.FORM),
        ("Mon-Fri 09:30-16:60 UTC", Fault.FORM),
        ("Mon-Fri 09:30-24:01 UTC", Fault.FORM),
        ("Mon-Fri 09:30-25:00 UTC", Fault.FORM),
        ("Mon-Fri 09:30-Fri 16:00 UTC", Fault.FORM),
        ("Mon-Fri 09:30-16:00 UTC;Mon 17:00-18:00 UTC", Fault.FORM),
        ("Mon-Fri 09:30-16:00 UTC; ", Fault.FORM),
        ("Mon-Fri 09:30-16:00 UTC break 12:00-13:00", Fault.FORM),
        ("Mon-Fri 09:30-16:00 UTC\n", Fault.FORM),
        ("Mon-Fri ٠٩:٣٠-١٦:٠٠ UTC", Fault.FORM),
        ("Mon-Fri 09:30-16:00 New_York", Fault.ZONE),
        ("Mon-Fri 09:30-16:00 ../UTC", Fault.FORM),
        ("Mon-Fri 09:30-16:00 America", Fault.ZONE),
        ("Mon-Fri 16:00-09:30 UTC", Fault.HOURS),
        ("Mon-Fri 09:30-09:30 UTC", Fault.HOURS),
        ("Sun 17:00-Sun 17:00 UTC", Fault.HOURS),
        ("Mon-Fri 09:30-16:00 break 13:00-12:00 UTC", Fault.HOURS),
        ("Mon-Fri 12:00-13:00 break 11:00-14:00 UTC", Fault.HOURS),
    ],
)
def test_lines_that_say_nothing(text, fault):
    with pytest.raises(SessionsError) as refused:
        sessions_of(text)
    assert refused.value.fault is fault


def test_the_catalogue_has_true_sessions():
    monday, saturday = utc("2026-03-02T15:00"), utc("2026-03-07T15:00")
    for contract in CONTRACTS:
        assert is_open(contract.sessions, monday), contract.symbol
        assert is_open(contract.sessions, saturday) is (contract.symbol == "BTCUSD"), contract.symbol


HOURS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
ZONES = st.sampled_from(("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"))
DAY = st.sampled_from(DAYS)
INSTANTS = st.integers(1_735_700_000, 1_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@st.composite
def lines(draw):
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        opens, closes = sorted(draw(st.lists(HOURS, min_size=2, max_size=2, unique=True)))
        first, last, zone = draw(DAY), draw(DAY), draw(ZONES)
        if draw(st.booleans()):
            parts.append(f"{first}-{last} {opens}-{closes} {zone}")
        else:
            parts.append(f"{first} {opens}-{last} {closes} {zone}")
    return "; ".join(parts)


def by_the_clock(text: str, at: datetime) -> bool:
    """The plainest reading: what the zone's clock shows, part by part."""
    for part in text.split("; "):
        days, hours, zone = (part.split(" ")[0], part.split(" ")[1:-1], part.split(" ")[-1])
        clock = at.astimezone(ZoneInfo(zone))
        hour = clock.strftime("%H:%M")
        if len(hours) == 1:
            first, last = (DAYS.index(day) for day in days.split("-"))
            opens, closes = hours[0].split("-")
            if (clock.weekday() - first) % 7 <= (last - first) % 7 and opens <= hour < closes:
                return True
        else:
            opens, last_day = hours[0].split("-")
            begin, end = (DAYS.index(days), opens), (DAYS.index(last_day), hours[1])
            here = (clock.weekday(), hour)
            if begin <= here < end if begin < end else here >= begin or here < end:
                return True
    return False


@given(lines(), INSTANTS)
def test_open_is_what_the_clocks_of_the_zone_say(text, at):
    # In the two hours around a change of clocks the plain reading has no opinion.
    shifts = [
        (at + timedelta(hours=hours)).astimezone(ZoneInfo(part.rsplit(" ", 1)[1])).utcoffset()
        for part in text.split("; ")
        for hours in (-4, 4)
    ]
    if all(shifts[place] == shifts[place + 1] for place in range(0, len(shifts), 2)):
        assert is_open(text, at) is by_the_clock(text, at)


@given(lines(), INSTANTS, st.integers(1, 59))
def test_nothing_changes_before_the_next_change(text, at, part):
    sessions = sessions_of(text)
    change = sessions.next_change(at)
    until = change or at + timedelta(days=8)
    assert until > at
    assert sessions.is_open(at + (until - at) * part / 60) is sessions.is_open(at)
    if change is not None:
        assert sessions.is_open(change) is not sessions.is_open(at)
