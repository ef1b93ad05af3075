"""What the marketplace answers about a master."""

from typing import Any, Final

from copytrade.api import shapes as copy_shapes
from infra.api.shapes import Shape, extended, flag, nullable, number, record, text, whole, word
from infra.api.tables import DECIMAL, WHOLE
from marketplace.api.columns import FIGURES
from marketplace.domain.periods import PERIODS
from marketplace.models import COUNTED, MasterStats

_PARTS: Final = "gap_parts."


def stats_object(figures: MasterStats) -> dict[str, Any]:
    """The figures of one master for one period, as in `GET /copytrade/master/stats` without its lists. Undefined is
    null."""
    values: dict[str, Any] = {"period": figures.period}
    parts: dict[str, Any] = {}
    for name, column in FIGURES.items():
        value = getattr(figures, str(column.source))
        value = column.to_wire(value) if column.to_wire else value
        if name.startswith(_PARTS):
            parts[name.removeprefix(_PARTS)] = value
        else:
            values[name] = value
    return {**values, "gap_parts": parts}


def _stats_shape() -> Shape:
    fields: dict[str, Shape] = {"period": word(*PERIODS)}
    parts: dict[str, Shape] = {}
    for name, column in FIGURES.items():
        shape = number("1.25") if column.kind is DECIMAL else whole(3)
        if column.kind is not DECIMAL and column.kind is not WHOLE:
            shape = whole(1_760_000_000)
        if str(column.source) not in COUNTED:
            shape = nullable(shape)
        if name.startswith(_PARTS):
            parts[name.removeprefix(_PARTS)] = shape
        else:
            fields[name] = shape
    return record(**fields, gap_parts=record(**parts))


STATS: Final = _stats_shape()
MASTER_ROW: Final = extended(copy_shapes.MASTER, currency=text("USD"), own=flag(0), followers=whole(12), stats=STATS)
