"""What a caller asks of a table: limit, offset, conditions, order and format, read strictly.

Names and types are checked here, before anything touches the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _

from core.errors import DomainError, invalid
from infra.api import wire
from infra.api.conditions import Operand, Unless
from infra.api.parsers import loads
from infra.api.wire import NotAccepted, QueryText, shown

MOST_CONDITIONS: Final = 50
MOST_LISTED: Final = 10_000

Order = tuple[tuple[str, bool], ...]
"""Column names, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a caller gets: unless asked otherwise, at most, and whether limit and offset must be written."""

    standard: int = 100
    most: int = 1000
    required: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a table, read and checked. `named` are the columns that its conditions and order use."""

    limit: int
    offset: int
    condition: Q
    order: Order
    named: frozenset[str]
    as_csv: bool


def read_asked(payload: Mapping[str, Any], limits: Limits, operand_of: Callable[[str], Operand | None]) -> Asked:
    """The request in `payload`; `operand_of` knows the columns that may be named. `DomainError` 400 for the first
    fault."""
    reader = _Reader(payload, operand_of)
    limit = reader.whole("limit", limits.standard, limits.most, required=limits.required)
    offset = reader.whole("offset", 0, wire.BIGINT_MAX, required=limits.required)
    condition = reader.conditions()
    order = reader.order()
    form = payload.get("format", "json")
    if form not in ("json", "csv"):
        raise invalid("format", _("must be json or csv"))
    return Asked(limit, offset, condition, order, frozenset(reader.named), form == "csv")


@dataclass(slots=True)
class _Reader:
    payload: Mapping[str, Any]
    operand_of: Callable[[str], Operand | None]
    named: set[str] = field(default_factory=set)
    listed: int = 0

    def whole(self, name: str, standard: int, most: int, *, required: bool) -> int:
        if name not in self.payload:
            if required:
                raise invalid(name, _("is required"))
            return standard
        try:
            return wire.read_whole(self.payload[name], 0, most)
        except NotAccepted as error:
            raise invalid(name, error.message) from error

    def conditions(self) -> Q:
        forms: dict[str, tuple[int, Callable[..., Q]]] = {
            "where": (3, lambda operand, operator, value: operand.compare(operator, value)),
            "whereNot": (2, lambda operand, value: Q(Unless(operand.equal(value)))),
            "whereIn": (2, lambda operand, values: operand.one_of(self._values(operand, values))),
            "whereNotIn": (2, lambda operand, values: _none_of(operand, self._values(operand, values))),
            "whereBetween": (2, lambda operand, pair: operand.between(*self._pair(operand, pair))),
            "whereNotBetween": (2, lambda operand, pair: Q(Unless(operand.between(*self._pair(operand, pair))))),
        }
        found = [(self._items(name, length), build) for name, (length, build) in forms.items()]
        if sum(len(items) for items, _build in found) > MOST_CONDITIONS:
            raise invalid("where", _("at most %(most)s conditions are possible") % {"most": MOST_CONDITIONS})
        whole = Q()
        for items, build in found:
            for item in items:
                whole &= build(self._operand(item[0]), *item[1:])
        return whole

    def order(self) -> Order:
        items = self._list("orderBy")
        if items and isinstance(items[0], str):
            items = [items]
        if len(items) > MOST_CONDITIONS:
            raise invalid("orderBy", _("at most %(most)s columns are possible") % {"most": MOST_CONDITIONS})
        order = []
        for item in items:
            if not isinstance(item, list) or len(item) != 2:
                raise invalid("orderBy", _("must be a list of pairs: column, direction"))
            operand = self._operand(item[0])
            direction = item[1].lower() if isinstance(item[1], str) else None
            if direction not in ("asc", "desc"):
                raise invalid("orderBy", _("the direction must be asc or desc"))
            order.append((operand.name, direction == "desc"))
        return tuple(order)

    def _items(self, name: str, length: int) -> list[list[Any]]:
        items = self._list(name)
        for item in items:
            if not isinstance(item, list) or len(item) != length:
                raise invalid(name, _("must be a list of lists with %(length)s elements") % {"length": length})
        return items

    def _list(self, name: str) -> list[Any]:
        if name not in self.payload:
            return []
        value = self.payload[name]
        if isinstance(value, QueryText):
            try:
                value = loads(str(value))
            except DomainError as error:
                raise invalid(name, _("must be a list as JSON text")) from error
        if not isinstance(value, list):
            raise invalid(name, _("must be a list"))
        return value

    def _operand(self, name: object) -> Operand:
        operand = self.operand_of(name) if isinstance(name, str) else None
        if operand is None:
            raise invalid(shown(name), _("there is no such column to filter or sort by"))
        self.named.add(operand.name)
        return operand

    def _values(self, operand: Operand, values: object) -> list[object]:
        if not isinstance(values, list):
            raise invalid(operand.name, _("the values must be a list"))
        self.listed += len(values)
        if self.listed > MOST_LISTED:
            raise invalid(operand.name, _("at most %(most)s values can be listed") % {"most": MOST_LISTED})
        return values

    def _pair(self, operand: Operand, pair: object) -> list[object]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise invalid(operand.name, _("must be a pair: from, to"))
        return pair


def _none_of(operand: Operand, values: list[object]) -> Q:
    # An empty list excludes nothing; as an expression it would be a condition that PostgreSQL cannot be asked.
    return Q(Unless(operand.one_of(values))) if values else Q()
