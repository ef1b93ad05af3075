"""Numbers, prices and times as a person reads them, in the active language and the viewer's zone.

Nothing here decides anything: values come exact from selectors and are only written out. `static/portal/live.js` writes
the same forms for what it updates in place.
"""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.money import currency_digits
from core.rounding import half_even, plain

MINUS = "−"
NO_VALUE = "–"


def number(value: Decimal, digits: int | None = None, *, sign: bool = False) -> str:
    """A number with grouping, `digits` after the point (None: as many as it has), and `+` when `sign` is asked for."""
    shown = plain(value) if digits is None else half_even(value, digits)
    places = max(0, -int(shown.as_tuple().exponent)) if digits is None else digits
    text = formats.number_format(abs(shown), places, use_l10n=True, force_grouping=True)
    if shown < 0:
        return f"{MINUS}{text}"
    return f"+{text}" if sign and shown > 0 else text


def money(value: Decimal, currency: str, *, sign: bool = False) -> str:
    """An amount with its currency's digits, without the currency's name."""
    return number(value, currency_digits(currency), sign=sign)


def price(value: Decimal | None, digits: int) -> str:
    """A price with the instrument's digits; a dash for none (0 on the wire)."""
    return number(value, digits) if value else NO_VALUE


def percent(fraction: Decimal | None, digits: int = 1, *, sign: bool = False) -> str:
    """A fraction in per cent, 0.1 as `10.0 %`; a dash where it is not defined."""
    return NO_VALUE if fraction is None else f"{number(fraction * 100, digits, sign=sign)} %"


def ratio(value: Decimal | None, digits: int = 2) -> str:
    """A plain figure such as a profit factor; a dash where it is not defined."""
    return NO_VALUE if value is None else number(value, digits)


def span(seconds: Decimal | int | None) -> str:
    """A length of time in its two largest units: `3 h 20 min`."""
    if seconds is None:
        return NO_VALUE
    left = int(seconds)
    parts: list[tuple[int, str]] = []
    for size, text in (
        (86400, lambda n: ngettext("%(n)s day", "%(n)s days", n)),
        (3600, lambda n: ngettext("%(n)s h", "%(n)s h", n)),
        (60, lambda n: ngettext("%(n)s min", "%(n)s min", n)),
        (1, lambda n: ngettext("%(n)s s", "%(n)s s", n)),
    ):
        amount, left = divmod(left, size)
        if amount or parts or size == 1:
            parts.append((amount, text(amount) % {"n": amount}))
        if len(parts) == 2:
            break
    return " ".join(text for amount, text in parts if amount or len(parts) == 1)


def lots(value: Decimal) -> str:
    """A volume in lots, never with fewer than two digits so that columns align."""
    return number(value, max(2, -int(plain(value).as_tuple().exponent)))


def exact_time(at: datetime) -> str:
    """The instant to the second in the viewer's zone, with the zone named."""
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'DATE_FORMAT')} {local:%H:%M:%S} {zone_name(local)}"


def zone_name(local: datetime) -> str:
    """`CEST` where the zone has a name, `UTC+03` where it has none."""
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{name}"


def age(at: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit."""
    seconds = int((now - at).total_seconds())
    if seconds < 5:
        return _("just now")
    for size, text in (
        (86400, lambda n: ngettext("%(n)s day ago", "%(n)s days ago", n)),
        (3600, lambda n: ngettext("%(n)s h ago", "%(n)s h ago", n)),
        (60, lambda n: ngettext("%(n)s min ago", "%(n)s min ago", n)),
        (1, lambda n: ngettext("%(n)s s ago", "%(n)s s ago", n)),
    ):
        if seconds >= size:
            return text(seconds // size) % {"n": seconds // size}
    return _("just now")


def zone_of(*names: str) -> ZoneInfo:
    """The first of `names` that is a time zone, else UTC."""
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return ZoneInfo("UTC")


def typed(value: Decimal) -> str:
    """A number as it is typed into a field: a point, no grouping, no exponent, no trailing zeros."""
    return format(plain(value), "f")
