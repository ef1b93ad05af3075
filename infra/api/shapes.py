"""What answers look like: each shape is a JSON schema and an example of it, written once.

    ACCOUNT = record(login=whole(100001), balance=number("10000"), account_mode=word("REAL", "DEMO"), locks=many(text()))

All keys of a record are always there, and no others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON schema with an example. `csv` marks a table, which can also be had as CSV."""

    schema: Schema
    example: Any
    csv: bool = False


def whole(example: int = 1) -> Shape:
    """A whole number: an id, a login, a wire volume, a count."""
    return Shape({"type": "integer"}, example)


def number(example: str | int = 0) -> Shape:
    """A decimal: money, a price, lots; always a JSON number."""
    # The example is shown, never computed with.
    return Shape({"type": "number"}, example if isinstance(example, int) else float(Decimal(example)))


def text(example: str = "") -> Shape:
    return Shape({"type": "string"}, example)


def flag(example: int = 1) -> Shape:
    """0 or 1."""
    return Shape({"type": "integer", "enum": [0, 1]}, example)


def seconds(example: int = 1_760_000_000) -> Shape:
    """An instant in unix seconds, 0 for none."""
    return Shape({"type": "integer", "minimum": 0, "description": "unix seconds, 0 = none"}, example)


def word(*choices: Any) -> Shape:
    """One text of a fixed set; the first is the example."""
    bare = [_bare(choice) for choice in choices]
    return Shape({"type": "string", "enum": bare}, bare[0])


def code(*choices: Any) -> Shape:
    """One whole number of a fixed set; the first is the example."""
    bare = [int(_bare(choice)) for choice in choices]
    return Shape({"type": "integer", "enum": bare}, bare[0])


def nullable(shape: Shape, *, empty: bool = False) -> Shape:
    """The shape or null; with `empty` the example is null."""
    return Shape({"anyOf": [shape.schema, {"type": "null"}]}, None if empty else shape.example)


def many(shape: Shape, *, empty: bool = False) -> Shape:
    """A list of them."""
    return Shape({"type": "array", "items": shape.schema}, [] if empty else [shape.example])


def by_name(shape: Shape, name: str) -> Shape:
    """An object with any names, `name` in the example, whose values are all of one shape."""
    return Shape({"type": "object", "additionalProperties": shape.schema}, {name: shape.example})


def record(_optional: Iterable[str] = (), /, **fields: Shape) -> Shape:
    """An object with exactly these keys; those in `_optional` may be missing."""
    schema: Schema = {
        "type": "object",
        "properties": {name: shape.schema for name, shape in fields.items()},
        "required": [name for name in fields if name not in set(_optional)],
        "additionalProperties": False,
    }
    return Shape(schema, {name: shape.example for name, shape in fields.items()})


def extended(base: Shape, **fields: Shape) -> Shape:
    """A record with further keys, or with others in place of the ones it has."""
    properties = base.schema["properties"] | {name: shape.schema for name, shape in fields.items()}
    required = list(dict.fromkeys([*base.schema["required"], *fields]))
    example = base.example | {name: shape.example for name, shape in fields.items()}
    return Shape({**base.schema, "properties": properties, "required": required}, example)


_CELLS: dict[str, Shape] = {
    "whole": whole(),
    "decimal": number("1.25"),
    "text": text("text"),
    "time": seconds(),
    "flag": flag(),
    "volume": whole(10),
}
_KNOWN: dict[str, Any] = {
    "login": 100001,
    "master_login": 100001,
    "leader_login": 100001,
    "follower_login": 100002,
    "symbol": "EURUSD",
    "follower_symbol": "EURUSD",
    "side": "BUY",
    "action": "OPEN",
    "status": "FILLED",
    "reason": "",
    "detail": "",
    "comment": "",
    "pause_reason": "",
    "group_id": 4,
    "email": "anna@example.com",
    "full_name": "Anna Example",
    "name": "Anna Example",
    "group": "Real USD",
    "currency": "USD",
    "profit_currency": "USD",
    "account_mode": "REAL",
    "position_mode": "HEDGING",
    "session_type": "SESSION_DEALER",
    "asset_class": "FX",
    "variant": "STANDARD",
    "sessions": "24/7",
    "feed": "SIMULATED",
    "copy_role": "NONE",
    "symbols": "",
}


def row_shape(cells: Mapping[str, tuple[str, bool]]) -> Shape:
    """A row as an object: `cells` says, by column, what its values are and whether one may be null."""
    return record(**{name: _cell(name, kind, absent) for name, (kind, absent) in cells.items()})


def table_shape(cells: Mapping[str, tuple[str, bool]], totals: Mapping[str, Shape]) -> Shape:
    """A table with such rows, as lists, and further keys beside them."""
    names, row = list(cells), [_cell(name, kind, absent) for name, (kind, absent) in cells.items()]
    shape = {
        "type": "array",
        "prefixItems": [cell.schema for cell in row],
        "minItems": len(row),
        "maxItems": len(row),
    }
    rows = many(Shape(shape, [cell.example for cell in row]))
    table = record(structure=Shape({"const": names}, names), rows=rows, count=whole(), **totals)
    return Shape(table.schema, table.example, csv=True)


def _cell(name: str, kind: str, absent: bool) -> Shape:
    shape = _CELLS[kind]
    if name in _KNOWN and isinstance(_KNOWN[name], str) == (kind == "text"):
        shape = Shape(shape.schema, _KNOWN[name])
    return nullable(shape) if absent else shape


def _bare(choice: Any) -> Any:
    return choice.value if isinstance(choice, Enum) else choice
