"""Reading and writing single values of the wire, exactly: the one set of rules for bodies, query strings and filters.

Every reader takes whatever JSON or a query string can hold and either gives the value or raises `NotAccepted` with a
translated sentence; it never raises anything else.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

BIGINT_MAX: Final = 2**63 - 1
BIGINT_MIN: Final = -(2**63)
LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999, the last one that a stored instant can hold."""
DIGITS_BEFORE: Final = 20
DIGITS_AFTER: Final = 10
SHOWN_LENGTH: Final = 64

_WHOLE_TEXT = re.compile(r"-?[0-9]{1,20}(\.0{1,10})?")
_PLAIN_DECIMAL = re.compile(rf"-?[0-9]{{1,{DIGITS_BEFORE}}}(\.[0-9]{{1,{DIGITS_AFTER}}})?")


class NotAccepted(ValueError):
    """A value that the contract refuses; the only argument is the sentence for a person."""

    @property
    def message(self) -> str:
        return str(self.args[0])


class QueryText(str):
    """Text from a query string, where numbers and flags have no other form than text."""

    __slots__ = ()


def query_values(query: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a query string, marked as text; of a repeated key the last one counts."""
    return {key: QueryText(query[key]) for key in query}


def shown(name: object) -> str:
    """A caller's own word, made safe to repeat in a message: short, printable, encodable."""
    text = str(name)[:SHOWN_LENGTH]
    return "".join(c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in text)


def read_whole(value: object, least: int = BIGINT_MIN, most: int = BIGINT_MAX) -> int:
    """10 and 10.0, and in a query string their text; never a flag, and never text in a body."""
    number: int
    if isinstance(value, QueryText):
        if not _WHOLE_TEXT.fullmatch(value):
            raise NotAccepted(_("must be a whole number"))
        number = int(value.partition(".")[0])
    elif type(value) is int:
        number = value
    elif type(value) is Decimal:
        # The size is looked at first: 1e999999 as an int would be a million digits.
        if value.adjusted() > DIGITS_BEFORE:
            raise NotAccepted(_("is out of range"))
        if value != value.to_integral_value():
            raise NotAccepted(_("must be a whole number"))
        number = int(value)
    else:
        raise NotAccepted(_("must be a whole number"))
    if number < least:
        raise NotAccepted(_("must be at least %(least)s") % {"least": least})
    if number > most:
        raise NotAccepted(_("must be at most %(most)s") % {"most": most})
    return number


def read_decimal(value: object) -> Decimal:
    """A JSON number, or text in plain decimal notation; at most 20 digits before and 10 after the point."""
    if isinstance(value, str):
        if not _PLAIN_DECIMAL.fullmatch(value):
            raise NotAccepted(_("must be a number in plain decimal notation"))
        number = Decimal(value)
    elif type(value) is int:
        number = Decimal(value)
    elif type(value) is Decimal:
        number = value
    else:
        raise NotAccepted(_("must be a number"))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise NotAccepted(_("must be a number"))
    if number.adjusted() >= DIGITS_BEFORE or exponent < -DIGITS_AFTER:
        raise NotAccepted(
            _("has more than %(before)s digits before or %(after)s after the point")
            % {"before": DIGITS_BEFORE, "after": DIGITS_AFTER}
        )
    if not number:
        return Decimal(0)
    return Decimal(format(number, "f")) if exponent > 0 else number


def read_flag(value: object) -> bool:
    """0 or 1, or a JSON boolean."""
    if value is True or value is False:
        return value
    if isinstance(value, QueryText):
        if value in ("0", "1"):
            return value == "1"
    elif type(value) in (int, Decimal) and value in (0, 1):
        return value == 1
    raise NotAccepted(_("must be 0 or 1"))


def read_text(value: object, longest: int = 255, shortest: int = 0) -> str:
    """Text that PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise NotAccepted(_("must be text"))
    text = str(value)
    if len(text) > longest:
        raise NotAccepted(_("must have at most %(longest)s characters") % {"longest": longest})
    if len(text) < shortest:
        if not text:
            raise NotAccepted(_("must not be empty"))
        raise NotAccepted(_("must have at least %(shortest)s characters") % {"shortest": shortest})
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise NotAccepted(_("has characters that cannot be stored"))
    return text


def read_seconds(value: object) -> int:
    """An instant in unix seconds, from 1970 to 9999."""
    return read_whole(value, 0, LAST_SECOND)


def decimal_text(value: Decimal) -> str | None:
    """A number as the wire shows it: no exponent, no trailing zeros, every digit kept; None for what is no number.

    `core.rounding.plain` works in 28 digits; a stored value may have 30, so the text itself is trimmed here.
    """
    if not value.is_finite():
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


Reader = Callable[[object], Any]
