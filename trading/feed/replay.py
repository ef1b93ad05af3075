"""Recorded ticks: a CSV file with the columns time, symbol, bid and ask, in the order of their times.

`time` is unix seconds, with or without a fraction, or ISO 8601 (UTC unless it says otherwise).
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Final

COLUMNS: Final = ("time", "symbol", "bid", "ask")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadRecording(ValueError):
    """A recording that cannot be read, with the line and what is wrong there."""


@dataclass(frozen=True, slots=True)
class RecordedTick:
    """One line."""

    at: datetime
    symbol: str
    bid: Decimal
    ask: Decimal


def ticks_read(lines: Iterable[str]) -> Iterator[RecordedTick]:
    """The ticks of a recording, one by one. Raises `BadRecording`."""
    reader = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise BadRecording(f"The first line does not name the column {missing[0]}.")
    last = _EPOCH
    for row in reader:
        try:
            tick = RecordedTick(_instant(row["time"]), row["symbol"], _price(row["bid"]), _price(row["ask"]))
        except (ValueError, InvalidOperation, TypeError, OverflowError) as error:
            raise BadRecording(f"Line {reader.line_num} cannot be read.") from error
        if tick.at < last:
            raise BadRecording(f"Line {reader.line_num} is earlier than the one before.")
        last = tick.at
        yield tick


def ticks_grouped(ticks: Iterable[RecordedTick]) -> Iterator[tuple[timedelta, list[RecordedTick]]]:
    """Ticks of the same instant together, with how long after the first of all they come."""
    start: datetime | None = None
    for at, together in groupby(ticks, key=lambda tick: tick.at):
        start = start or at
        yield at - start, list(together)


def _instant(text: str) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=int(Decimal(text) * 1_000_000))
    except InvalidOperation:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def _price(text: str) -> Decimal:
    price = Decimal(text)
    if not price.is_finite():
        raise ValueError(text)
    return price
