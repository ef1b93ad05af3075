"""Tables of the contract: columns declared once, then filtered, sorted and paged by whoever asks.

    TRADES = Table(
        Trade,
        {"order": Column("id", WHOLE), "symbol": Column("symbol", TEXT), "open_time": Column("opened_at", TIME)},
        order=[("open_time", "desc")],
        limits=Limits(most=50_000, required=True),
    )
    return TRADES.answer(TRADES.asked(self.payload), trades_of(self.actor))

The queryset is the caller's: it holds what the actor may see, and no condition widens it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, F, Model, QuerySet
from django.db.models.expressions import BaseExpression
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from core import clock, volume
from infra.api.asking import Asked, Limits, Order, read_asked
from infra.api.conditions import ColumnKind, Operand
from infra.api.schema import table_parameters
from infra.api.shapes import Shape, row_shape, table_shape
from infra.api.wire import decimal_text

__all__ = ["DECIMAL", "FLAG", "TEXT", "TIME", "VOLUME", "WHOLE", "Asked", "Column", "Limits", "Table"]

WHOLE: Final = ColumnKind.WHOLE
DECIMAL: Final = ColumnKind.DECIMAL
TEXT: Final = ColumnKind.TEXT
TIME: Final = ColumnKind.TIME
FLAG: Final = ColumnKind.FLAG
VOLUME: Final = ColumnKind.VOLUME

_Cell = tuple[int, Callable[[Any], Any] | None]
"""Where a row has a column, and how it is written."""

_COUNT: Final = "wire_count"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_TO_WIRE: Final[dict[ColumnKind, Callable[[Any], Any]]] = {
    TIME: clock.unix,
    FLAG: lambda value: None if value is None else int(value),
    VOLUME: lambda value: None if value is None else volume.wire_of(value),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where the queryset has it (a path or an expression) and what it is on the wire.

    `to_wire` replaces the kind's own conversion and is given None too; `from_wire` turns the value of a condition,
    already read as its kind, into the stored one. A column that is not `filterable` is shown, but to conditions and
    sorting it does not exist: for what is shown in part only, such as a masked address.
    """

    source: str | BaseExpression
    kind: ColumnKind
    to_wire: Callable[[Any], Any] | None = None
    from_wire: Callable[[Any], Any] | None = None
    filterable: bool = True

    @property
    def writer(self) -> Callable[[Any], Any] | None:
        """How a stored value gets its form on the wire; None for as it is."""
        return self.to_wire or _TO_WIRE.get(self.kind)


class Table:
    """The columns of one address and how it is paged.

    `filters` are columns that conditions and sorting know, and that are not shown. `aliases` are further names of
    columns. `order` is used when the caller gives none; `tie` is the path that makes every order complete, in the
    direction of the order's last column.
    """

    def __init__(
        self,
        model: type[Model],
        columns: Mapping[str, Column],
        *,
        order: Sequence[tuple[str, str]],
        filters: Mapping[str, Column] | None = None,
        aliases: Mapping[str, str] | None = None,
        tie: str = "id",
        limits: Limits | None = None,
    ) -> None:
        self.columns = dict(columns)
        self.limits = limits or Limits()
        self._known = {**self.columns, **(filters or {})}
        self._aliases = dict(aliases or {})
        self._operands = {
            name: _operand(model, name, column, index) for index, (name, column) in enumerate(self._known.items())
        }
        self._order: Order = tuple((name, direction == "desc") for name, direction in order)
        self._tie = tie
        self.paths = tuple(dict.fromkeys(self._operands[name].path for name in self.columns))
        """Where a queryset has what the columns show, each once."""
        self._cells_by_column: dict[str, _Cell] = {
            name: (self.paths.index(self._operands[name].path), column.writer) for name, column in self.columns.items()
        }
        self._level = _level_of(self._cells_by_column)

    def asked(self, payload: Mapping[str, Any]) -> Asked:
        """What the caller asks of this table; `DomainError` 400 for what it does not have. Touches no database."""
        return read_asked(payload, self.limits, self._operand_of)

    def matches(self, asked: Asked, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Every row that was asked for, in order, before paging."""
        order = asked.order or self._order
        used = asked.named | {name for name, _descending in order}
        hidden = {
            self._operands[name].path: self._known[name].source
            for name in used
            if not isinstance(self._known[name].source, str)
        }
        narrowed = queryset.alias(**hidden) if hidden else queryset
        return (narrowed.filter(asked.condition) if asked.condition else narrowed).order_by(*self._terms(order))

    def read(self, asked: Asked, queryset: QuerySet[Any], totals: Mapping[str, Column] | None = None) -> dict[str, Any]:
        """`{"structure", "rows", "count"}` and `totals`, aggregates over all matches, in two queries."""
        found = self.matches(asked, queryset)
        summary = self._summary(found, totals or {})
        page = _page(asked, found, summary["count"])
        rows = [] if page is None else self.values_of(self.stored(page))
        return {"structure": list(self.columns), "rows": rows, **summary}

    def answer(self, asked: Asked, queryset: QuerySet[Any], totals: Mapping[str, Column] | None = None) -> HttpResponse:
        """What `read` gives as a response, JSON or CSV as asked."""
        table = self.read(asked, queryset, totals)
        return csv_response(table["structure"], table["rows"]) if asked.as_csv else Response(table)

    def objects_of(self, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """Rows in the order of `paths` as objects; a dot in a column's name opens one inside."""
        return [self._level.object_of(row) for row in rows]

    def shape(self, **totals: Shape) -> Shape:
        """What `answer` gives, for `describe(answer=...)`; `totals` as in `read`."""
        return table_shape(self._cells(), totals)

    def row_shape(self) -> Shape:
        """One row as an object."""
        return row_shape(self._cells())

    def _cells(self) -> dict[str, tuple[str, bool]]:
        cells = {}
        for name, column in self.columns.items():
            # Without an instant the wire has 0.
            absent = self._operands[name].nullable and not (column.kind is TIME and column.to_wire is None)
            cells[name] = (column.kind.value, absent)
        return cells

    def parameters(self) -> list[OpenApiParameter]:
        """The query string of this table, for `describe(query=...)`."""
        return table_parameters(standard=self.limits.standard, most=self.limits.most, required=self.limits.required)

    def _operand_of(self, name: str) -> Operand | None:
        name = self._aliases.get(name, name)
        column = self._known.get(name)
        return self._operands[name] if column is not None and column.filterable else None

    def _terms(self, order: Order) -> list[Any]:
        terms = []
        paths = set()
        descending = True
        for name, descending in order:
            operand = self._operands[name]
            paths.add(operand.path)
            terms.append(_term(operand.path, descending, operand.nullable))
        if self._tie not in paths:
            terms.append(_term(self._tie, descending, nullable=False))
        return terms

    def _summary(self, found: QuerySet[Any], totals: Mapping[str, Column]) -> dict[str, Any]:
        sums = found.order_by().aggregate(
            **{_COUNT: Count("*")}, **{name: column.source for name, column in totals.items()}
        )
        summary = {"count": sums[_COUNT]}
        for name, column in totals.items():
            value = Decimal(0) if sums[name] is None else sums[name]
            summary[name] = column.writer(value) if column.writer else value
        return summary

    def stored(self, page: QuerySet[Any]) -> QuerySet[Any]:
        """What the rows of a queryset hold, in the order of `paths`."""
        sources = {self._operands[name].path: column.source for name, column in self.columns.items()}
        # Annotations move behind plain columns unless they are named, so all of them are.
        return page.annotate(
            **{path: source for path, source in sources.items() if not isinstance(source, str)}
        ).values_list(*self.paths)

    def values_of(self, rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
        """Rows in the order of `paths` as lists in the order of the columns."""
        cells = self._cells_by_column.values()
        return [[row[place] if write is None else write(row[place]) for place, write in cells] for row in rows]


def csv_response(structure: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The rows as a CSV file.

    It is written whole: the rows have been read inside the request's transaction, which ends before a stream would
    begin.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(structure)
    writer.writerows([_cell(value) for value in row] for row in rows)
    headers = {"Content-Disposition": 'attachment; filename="table.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, str):
        # Spreadsheets run text that begins like this as a formula; the apostrophe makes it text again.
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else str(value)
    return value


@dataclass(frozen=True, slots=True)
class _Level:
    """One object of a row: its names, where the row has their values, and what is done to some of them."""

    blank: dict[str, Any]
    values: Callable[[Sequence[Any]], tuple[Any, ...]]
    writers: tuple[tuple[str, Callable[[Any], Any]], ...]
    inner: tuple[tuple[str, "_Level"], ...]

    def object_of(self, row: Sequence[Any]) -> dict[str, Any]:
        # Most values are shown as they are: those are put in all at once, into a copy that has room for them already.
        found = self.blank.copy()
        found.update(zip(self.blank, self.values(row), strict=False))
        for name, write in self.writers:
            found[name] = write(found[name])
        for name, level in self.inner:
            found[name] = level.object_of(row)
        return found


def _level_of(cells: Mapping[str, _Cell]) -> _Level:
    """The object of these cells; a dot in a name opens one inside, which stands where the first of its names does."""
    places: dict[str, int] = {}
    writers: dict[str, Callable[[Any], Any]] = {}
    opened: dict[str, dict[str, _Cell]] = {}
    for name, (place, write) in cells.items():
        outer, dot, rest = name.partition(".")
        places.setdefault(outer, place)
        if dot:
            opened.setdefault(outer, {})[rest] = (place, write)
        elif write is not None:
            writers[outer] = write
    return _Level(
        dict.fromkeys(places),
        # A getter of a single place would give the value itself; what is one too many finds no name.
        itemgetter(*places.values(), 0),
        tuple(writers.items()),
        tuple((name, _level_of(inside)) for name, inside in opened.items()),
    )


def _page(asked: Asked, found: QuerySet[Any], count: int) -> QuerySet[Any] | None:
    """The asked page, None when it is known to be empty."""
    if asked.offset >= count or asked.limit == 0:
        return None
    return found[asked.offset : asked.offset + asked.limit]


def _operand(model: type[Model], name: str, column: Column, index: int) -> Operand:
    if isinstance(column.source, str):
        return Operand(name, column.kind, column.source, _is_nullable(model, column.source), column.from_wire)
    return Operand(name, column.kind, f"wire_{index}", True, column.from_wire)


def _is_nullable(model: type[Model], path: str) -> bool:
    """Whether a path can lead to null. What is no field of the model is an annotation of the queryset, and may be."""
    current: Any = model
    for part in path.split("__"):
        if part == "pk":
            return False
        try:
            step = current._meta.get_field(part)
        except FieldDoesNotExist:
            return not any(part == plain.attname for plain in current._meta.concrete_fields if not plain.null)
        if not step.concrete or step.null:
            return True
        current = step.related_model or current
    return False


def _term(path: str, descending: bool, nullable: bool) -> Any:
    """One term of an order, nulls at its end. PostgreSQL puts them there in ascending order; where there are none the
    clause would only keep an index from being used."""
    if not descending:
        return F(path).asc()
    return F(path).desc(nulls_last=True) if nullable else F(path).desc()
