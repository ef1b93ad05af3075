"""What is drawn without a script: the points of a sparkline, the cells of a heat map. Exact figures in, text out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.utils.dates import MONTHS_3
from django.utils.translation import gettext as _

from core.rounding import ONE, ZERO, half_even
from portal import formats

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 32
_MARGIN: Final = Decimal(2)
_STEPS: Final = (Decimal("0.01"), Decimal("0.03"), Decimal("0.07"))
"""Where a month's return enters the next shade."""
MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The `points` attributes of a line and of the area below it, in a box of `SPARK_WIDTH` by `SPARK_HEIGHT`."""

    line: str
    area: str
    trend: str  # up, down, flat


def sparkline_of(values: Sequence[Decimal]) -> Sparkline | None:
    """A series as a small line; None where there are fewer than two values, which is no line."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    room = SPARK_HEIGHT - 2 * _MARGIN
    step = Decimal(SPARK_WIDTH) / (len(values) - 1)
    points = [
        (step * place, _MARGIN + (room / 2 if high == low else (high - value) / (high - low) * room))
        for place, value in enumerate(values)
    ]
    line = " ".join(f"{half_even(x, 1)},{half_even(y, 1)}" for x, y in points)
    trend = "up" if values[-1] > values[0] else "down" if values[-1] < values[0] else "flat"
    return Sparkline(line, f"0,{SPARK_HEIGHT} {line} {SPARK_WIDTH},{SPARK_HEIGHT}", trend)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One month: its return as text, in a word, and its shade. Empty where nothing is known."""

    text: str = ""
    word: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A year with its twelve months, and what they make together."""

    year: int
    cells: list[HeatCell]
    whole: HeatCell

    @property
    def months(self) -> list[tuple[Any, HeatCell]]:
        """Each cell beside the name of its month."""
        return [(MONTHS_3[place], cell) for place, cell in enumerate(self.cells, 1)]


def heat_rows(months: Sequence[tuple[str, Decimal | None]]) -> list[HeatRow]:
    """Monthly returns (`YYYY-MM` and a fraction) as rows of years, the newest first."""
    years: dict[int, dict[int, Decimal]] = {}
    for name, fraction in months:
        year, month = int(name[:4]), int(name[5:7])
        known = years.setdefault(year, {})
        if fraction is not None:
            known[month] = fraction
    return [
        HeatRow(year, [heat_cell(known.get(month)) for month in range(1, MONTHS + 1)], heat_cell(_chained(known)))
        for year, known in sorted(years.items(), reverse=True)
    ]


def heat_cell(fraction: Decimal | None) -> HeatCell:
    """A return with sign, word and shade, so that colour only repeats what is written."""
    if fraction is None:
        return HeatCell()
    shade = sum(abs(fraction) >= step for step in _STEPS) + 1
    shown = half_even(fraction * 100, 1)
    if not shown:
        return HeatCell(formats.percent(ZERO), _("unchanged"), "heat-0")
    if shown > 0:
        return HeatCell(formats.percent(fraction, sign=True), _("gain"), f"heat-up-{shade}")
    return HeatCell(formats.percent(fraction, sign=True), _("loss"), f"heat-down-{shade}")


def heat_steps() -> list[HeatCell]:
    """The shades with what they mean, the largest loss first."""
    bounds = [formats.number(step * 100) for step in _STEPS]
    edges = ["0", *bounds]
    ups = [f"{low} … {high} %" for low, high in pairwise(edges)] + [f"≥ {bounds[-1]} %"]
    minus = formats.MINUS
    downs = [f"{minus}{high} … {minus if low != '0' else ''}{low} %" for low, high in pairwise(edges)]
    downs.append(f"≤ {minus}{bounds[-1]} %")
    losses = [HeatCell(text, css=f"heat-down-{place + 1}") for place, text in enumerate(downs)]
    return losses[::-1] + [HeatCell(text, css=f"heat-up-{place + 1}") for place, text in enumerate(ups)]


def _chained(known: dict[int, Decimal]) -> Decimal | None:
    if not known:
        return None
    product = ONE
    for fraction in known.values():
        product *= ONE + fraction
    return product - ONE
