"""Trading sessions: when an instrument's market is open, written as one line of text.

    24/7
    Sun 17:00-Fri 17:00 America/New_York
    Sun 17:00-Fri 16:00 break 16:00-17:00 America/Chicago
    Mon-Fri 09:30-12:00 Asia/Hong_Kong; Mon-Fri 13:00-16:00 Asia/Hong_Kong

A line is `24/7`, or parts joined by `; `; the market is open while one of them is. A part is `DAY HH:MM-DAY HH:MM ZONE`,
open without interruption over the week, or `DAY-DAY HH:MM-HH:MM ZONE` (one `DAY` too), open between these hours of each
of the days. `break HH:MM-HH:MM` before the zone closes it between these hours of every day. Days are Mon to Sun, a range
may run over the end of the week; hours go from 00:00 to 24:00 in the zone, an IANA name; the end is no longer in it.

The hours are those of the zone's clocks, so they move with its summer time. An hour that a clock leaves out counts as
the moment after it, one that it shows twice as the first.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

ALWAYS_OPEN: Final = "24/7"
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_HORIZON: Final = timedelta(days=8)
_HOUR = r"(?:[01]\d|2[0-3]):[0-5]\d|24:00"
_NAME = "|".join(DAYS)
_PART: Final = re.compile(
    rf"(?P<first>{_NAME})(?:-(?P<last>{_NAME}))? (?P<opens>{_HOUR})-(?:(?P<end>{_NAME}) )?(?P<closes>{_HOUR})"
    rf"(?: break (?P<pause>{_HOUR})-(?P<resume>{_HOUR}))? (?P<zone>[A-Za-z0-9_+/-]+)"
)


class Fault(StrEnum):
    """What can be wrong with a part."""

    FORM = "FORM"  # it is not written as a part is
    ZONE = "ZONE"  # its zone does not exist
    HOURS = "HOURS"  # its hours or its break end where or before they begin, or nothing is left of them


class SessionsError(ValueError):
    """A line that says nothing; `part` is the one at fault."""

    def __init__(self, fault: Fault, part: str) -> None:
        super().__init__(f"{fault}: {part}")
        self.fault = fault
        self.part = part


_Span = tuple[int, int]
"""From and until, in minutes since Monday 00:00 of the zone's clocks; the end may lie in the week after."""


@dataclass(frozen=True, slots=True)
class _Part:
    zone: ZoneInfo
    spans: tuple[_Span, ...]

    def intervals(self, monday: date) -> Iterable[tuple[datetime, datetime]]:
        """The instants between which the part is open, of spans that begin in the week of `monday`."""
        for opens, closes in self.spans:
            yield _instant(monday, opens, self.zone), _instant(monday, closes, self.zone)


@dataclass(frozen=True, slots=True)
class Sessions:
    """When a market is open. Made by `sessions_of`."""

    text: str
    parts: tuple[_Part, ...]

    def is_open(self, at: datetime) -> bool:
        """Whether the market is open at that instant."""
        return not self.parts or bisect_right(_edges(self.text, _week(at)), at) % 2 == 1

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after `at` at which it opens or closes; None when that never happens."""
        if not self.parts:
            return None
        edges = _edges(self.text, _week(at))
        place = bisect_right(edges, at)
        return edges[place] if place < len(edges) and edges[place] <= at + _HORIZON else None


@lru_cache(maxsize=1024)
def sessions_of(text: str) -> Sessions:
    """What the line says; `SessionsError` for one that says nothing."""
    if text == ALWAYS_OPEN:
        return Sessions(text, ())
    return Sessions(text, tuple(_part(part) for part in text.split("; ")))


def is_open(text: str, at: datetime) -> bool:
    """Whether a market with these sessions is open at that instant; made for the path of every order."""
    return text == ALWAYS_OPEN or sessions_of(text).is_open(at)


def _part(text: str) -> _Part:
    found = _PART.fullmatch(text)
    if found is None:
        raise SessionsError(Fault.FORM, text)
    if found["zone"] not in available_timezones():
        raise SessionsError(Fault.ZONE, text)
    opens, closes = _minutes(found["opens"]), _minutes(found["closes"])
    first = DAYS.index(found["first"])
    if found["end"] is not None:
        if found["last"] is not None:
            raise SessionsError(Fault.FORM, text)
        begin, end = first * _DAY + opens, DAYS.index(found["end"]) * _DAY + closes
        if begin % _WEEK == end % _WEEK:
            raise SessionsError(Fault.HOURS, text)
        spans = [(begin, end if end > begin else end + _WEEK)]
    else:
        if closes <= opens:
            raise SessionsError(Fault.HOURS, text)
        last = DAYS.index(found["last"] or found["first"])
        spans = [
            (day * _DAY + opens, day * _DAY + closes) for day in range(first, last + 1 if last >= first else last + 8)
        ]
    if found["pause"] is not None:
        pause, resume = _minutes(found["pause"]), _minutes(found["resume"])
        if resume <= pause:
            raise SessionsError(Fault.HOURS, text)
        for day in range(15):
            spans = [rest for span in spans for rest in _without(span, day * _DAY + pause, day * _DAY + resume)]
        if not spans:
            raise SessionsError(Fault.HOURS, text)
    return _Part(ZoneInfo(found["zone"]), tuple(spans))


def _without(span: _Span, pause: int, resume: int) -> Iterable[_Span]:
    begin, end = span
    if resume <= begin or end <= pause:
        yield span
        return
    if begin < pause:
        yield begin, pause
    if resume < end:
        yield resume, end


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _week(at: datetime) -> int:
    return (at.astimezone(UTC).toordinal() - 1) // 7


def _instant(monday: date, minutes: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minutes, _DAY)
    return datetime.combine(monday + timedelta(days=days), time(*divmod(rest, 60)), zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def _edges(text: str, week: int) -> tuple[datetime, ...]:
    """Openings and closings by turns, from well before that week of UTC to more than `_HORIZON` after its end."""
    intervals = sorted(
        interval
        for shift in range(-2, 4)
        for part in sessions_of(text).parts
        for interval in part.intervals(date.fromordinal((week + shift) * 7 + 1))
    )
    edges: list[datetime] = []
    for opens, closes in intervals:
        if edges and opens <= edges[-1]:
            edges[-1] = max(edges[-1], closes)
        elif opens < closes:
            edges += (opens, closes)
    return tuple(edges)
