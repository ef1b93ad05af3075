"""Conditions of the table filter: from what a caller wrote to expressions of the ORM.

Everything compares in units of the wire: times in unix seconds (where 0 is 'none'), volumes as whole numbers, flags as
0 and 1. A condition never raises in the database: each value is read by the rules of its column first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import BigIntegerField, BooleanField, F, Func, Lookup, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import In
from django.utils.translation import gettext as _

from core import clock, volume
from core.errors import invalid
from infra.api import wire
from infra.api.wire import NotAccepted

OPERATORS: Final = {
    "=": "exact",
    "==": "exact",
    "!=": "ne",
    ">": "gt",
    "<": "lt",
    ">=": "gte",
    "<=": "lte",
    "like": "like",
}
_LONGEST_TEXT: Final = 5000


class ColumnKind(Enum):
    """What a column's values are on the wire."""

    WHOLE = "whole"
    DECIMAL = "decimal"
    TEXT = "text"
    TIME = "time"
    FLAG = "flag"
    VOLUME = "volume"


def _lots(value: object) -> Decimal:
    return volume.lots_of(wire.read_whole(value))


def _text(value: object) -> str:
    return wire.read_text(value, _LONGEST_TEXT)


_READERS: Final[dict[ColumnKind, wire.Reader]] = {
    ColumnKind.WHOLE: wire.read_whole,
    ColumnKind.DECIMAL: wire.read_decimal,
    ColumnKind.TEXT: _text,
    ColumnKind.TIME: wire.read_seconds,
    ColumnKind.FLAG: wire.read_flag,
    ColumnKind.VOLUME: _lots,
}


class Like(Lookup):
    """Case-sensitive LIKE."""

    lookup_name = "wire_like"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right}", [*left_params, *right_params]


class UnixSeconds(Func):
    """An instant in the wire's unix seconds."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"
    output_field = BigIntegerField()


class Unless(Func):
    """Holds where a condition is false or has no answer: what has no value differs from every value."""

    template = "(%(expressions)s) IS NOT TRUE"
    output_field = BooleanField()

    def as_sql(self, *args: Any, **context: Any) -> Any:
        try:
            return super().as_sql(*args, **context)
        except EmptyResultSet:  # A condition that can never hold, such as a number too large for its column.
            raise FullResultSet from None


def like_pattern(text: str) -> str:
    """A caller's pattern, in which only `%` is special, as a pattern of PostgreSQL."""
    return text.replace("\\", "\\\\").replace("_", "\\_")


@dataclass(frozen=True, slots=True)
class Operand:
    """One column as conditions see it: the name callers use, what its values are, and where the query finds it.

    `from_wire` turns a value of the wire, already read, into the stored one, where they differ beyond units.
    """

    name: str
    kind: ColumnKind
    path: str
    nullable: bool
    from_wire: Callable[[Any], Any] | None = None

    def compare(self, operator: object, value: object) -> Q:
        """The column compared with `value` by one of `OPERATORS`."""
        lookup = OPERATORS.get(operator) if isinstance(operator, str) else None
        if lookup is None:
            raise invalid(
                self.name, _("the operator must be one of %(operators)s") % {"operators": " ".join(OPERATORS)}
            )
        if lookup == "like":
            return self._like(value)
        operand = self._read(value)
        if lookup == "ne":
            return Q(Unless(self._holds("exact", operand)))
        return self._holds(lookup, operand)

    def equal(self, value: object) -> Q:
        """The column's value is `value`."""
        return self._holds("exact", self._read(value))

    def one_of(self, values: list[object]) -> Q:
        """The column's value is among `values`."""
        operands = [self._read(value) for value in values]
        if self.kind is not ColumnKind.TIME:
            return Q(**{f"{self.path}__in": operands})
        seconds = Coalesce(UnixSeconds(F(self.path)), Value(0), output_field=BigIntegerField())
        return Q(In(seconds, operands)) if operands else Q(pk__in=[])

    def between(self, least: object, most: object) -> Q:
        """The column's value is at least `least` and at most `most`."""
        return self._holds("gte", self._read(least)) & self._holds("lte", self._read(most))

    def _read(self, value: object) -> Any:
        try:
            read = _READERS[self.kind](value)
        except NotAccepted as error:
            raise invalid(self.name, error.message) from error
        return read if self.from_wire is None else self.from_wire(read)

    def _holds(self, lookup: str, operand: Any) -> Q:
        if self.kind is ColumnKind.TIME:
            return self._holds_at(lookup, operand)
        return Q(**{f"{self.path}__{lookup}": operand})

    def _like(self, value: object) -> Q:
        if self.kind is not ColumnKind.TEXT:
            raise invalid(self.name, _("like is for text only"))
        return Q(Like(F(self.path), Value(like_pattern(self._read(value)))))

    def _holds_at(self, lookup: str, second: int) -> Q:
        """Seconds against instants with fractions: the second 10 is everything from 10 up to 11.

        Written as a range of the column itself, so that an index can serve it. A missing instant is 0 on the wire.
        """
        begin, end = _instant(second), _instant(second + 1)
        match lookup:
            case "gt":
                return Q(**{f"{self.path}__gte": end})
            case "gte":
                found, with_none = Q(**{f"{self.path}__gte": begin}), second == 0
            case "lt":
                found, with_none = Q(**{f"{self.path}__lt": begin}), second > 0
            case "lte":
                found, with_none = Q(**{f"{self.path}__lt": end}), True
            case _:
                found, with_none = Q(**{f"{self.path}__gte": begin, f"{self.path}__lt": end}), second == 0
        return found | Q(**{f"{self.path}__isnull": True}) if with_none and self.nullable else found


def _instant(second: int) -> datetime:
    return clock.from_unix(min(second, wire.LAST_SECOND))
