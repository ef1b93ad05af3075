"""The periods that statistics are kept for."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Final


class Period(StrEnum):
    """A master's statistics are kept for each of these, the shortest first."""

    WEEK = "7D"
    MONTH = "30D"
    QUARTER = "90D"
    YEAR = "365D"
    ALL = "ALL"

    @property
    def days(self) -> int | None:
        """How many closed trading days belong to it besides the running one; None for all there are."""
        return _DAYS[self]

    def begins(self, today: date) -> date | None:
        """The trading day at whose end it begins: the first snapshot of the period is of this day or the first later one.

        `today` is the running trading day; None for the beginning of the account.
        """
        days = self.days
        return None if days is None else today - timedelta(days=days + 1)


_DAYS: Final = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 90, Period.YEAR: 365, Period.ALL: None}
PERIODS: Final = tuple(Period)
