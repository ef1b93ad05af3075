"""Set-based SQL for the hot path: one statement for any number of rows.

psycopg's own cursor on Django's connection is used, with server-side binding and prepared statements: that saves a third
against Django's client-side binding, which stays for everything else. Row level security applies to these statements as
to all others (COPY, which is faster still, does not work under it).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import psycopg
from django.db import connection, models
from psycopg.pq import PipelineStatus
from psycopg.types.datetime import TimestamptzLoader


def hot_cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """A server-side binding cursor on the current connection, inside its transaction."""
    connection.ensure_connection()
    return _hot(connection.connection)


def cursor_beside(cursor: psycopg.Cursor[Any], *, instants: bool = False) -> psycopg.Cursor[tuple[Any, ...]]:
    """Another cursor on the same connection, for an answer that is fetched later; with `instants` it reads those fast."""
    return _hot(cursor.connection) if instants else psycopg.Cursor(cursor.connection)


def _hot(raw: psycopg.Connection[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
    cursor = psycopg.Cursor(raw)
    # psycopg's own reader of instants instead of Django's, which takes fifteen times as long to say UTC as well.
    cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    return cursor


@contextmanager
def pipelined() -> Iterator[None]:
    """Statements inside travel together and are answered together; joins a pipeline that is open already."""
    connection.ensure_connection()
    raw = connection.connection
    if raw.pgconn.pipeline_status != PipelineStatus.OFF:
        yield
        return
    with raw.pipeline():
        yield


def insert_rows(
    cursor: psycopg.Cursor[Any], model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Inserts `rows` (each in the order of `columns`) with one statement; does nothing for no rows."""
    if rows:
        cursor.execute(_insert_sql(model, columns), _arrays_of(model, columns, rows), prepare=True)


def update_rows(
    cursor: psycopg.Cursor[Any],
    model: type[models.Model],
    columns: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    key: str = "id",
) -> None:
    """Sets `columns` of the rows found by `key`, the first value of each row; does nothing for no rows."""
    if rows:
        cursor.execute(_update_sql(model, columns, key), _arrays_of(model, (key, *columns), rows), prepare=True)


def update_objects(objects: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Writes these fields of objects of one model with one statement. Django's `bulk_update` builds a condition for every
    value: twenty times the work."""
    if not objects:
        return
    model = type(objects[0])
    by_name = {field.name: field for field in model._meta.concrete_fields}
    attributes = [by_name[name].attname for name in fields]
    rows = [(one.pk, *[getattr(one, attribute) for attribute in attributes]) for one in objects]
    update_rows(hot_cursor(), model, tuple(str(by_name[name].column) for name in fields), rows)


class Batch:
    """Writes that travel as one statement and are planned as one. No row may be written by two of them, and none sees what
    another has written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._values: list[str] = []

    def insert(self, model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
        """As `insert_rows`."""
        if rows:
            self._parts.append(_insert_sql(model, columns))
            self._values += _arrays_of(model, columns, rows)

    def update(
        self, model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]], key: str = "id"
    ) -> None:
        """As `update_rows`."""
        if rows:
            self._parts.append(_update_sql(model, columns, key))
            self._values += _arrays_of(model, (key, *columns), rows)

    def write(self, cursor: psycopg.Cursor[Any]) -> None:
        """Sends everything on the cursor's connection; does nothing when there is nothing."""
        if self._parts:
            # Raw, because psycopg would look for placeholders in so long a statement each time.
            raw = psycopg.RawCursor(cursor.connection)
            raw.execute(_batch_sql(tuple(self._parts)), self._values, prepare=True)


@cache
def _batch_sql(parts: tuple[bytes, ...]) -> bytes:
    """All but the last as common table expressions, with numbered placeholders."""
    named = b", ".join(b"w%d AS (%s)" % (number, part) for number, part in enumerate(parts[:-1]))
    pieces = ((b"WITH " + named + b" " if named else b"") + parts[-1]).split(b"%s")
    return pieces[0] + b"".join(b"$%d%s" % (number, piece) for number, piece in enumerate(pieces[1:], 1))


@cache
def _insert_sql(model: type[models.Model], columns: tuple[str, ...]) -> bytes:
    names = ", ".join(columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {_rows(model, columns)}".encode()


@cache
def _update_sql(model: type[models.Model], columns: tuple[str, ...], key: str) -> bytes:
    table = model._meta.db_table
    assignments = ", ".join(f"{column} = v.{column}" for column in columns)
    return (
        f"UPDATE {table} AS t SET {assignments} FROM (SELECT {_rows(model, (key, *columns))}) AS v WHERE t.{key} = v.{key}"
    ).encode()


def _arrays_of(model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> list[str]:
    """The columns of `rows` as array literals. psycopg's own dumper looks at every element several times: a third of
    the copy path's CPU went there."""
    quoted = _quoted(model, columns)
    if len(rows) == 1:
        return [_single(value, quote) for value, quote in zip(rows[0], quoted, strict=True)]
    return [
        _array_of(values, _quoted_array if quote else _plain_array)
        for values, quote in zip(zip(*rows, strict=True), quoted, strict=True)
    ]


def _single(value: Any, quote: bool) -> str:
    """An array of one value: what a manual order writes."""
    if value is None:
        return "{NULL}"
    return f"{{{_quoted_text(value) if quote else value}}}"


def _array_of(values: tuple[Any, ...], literal: Callable[[Sequence[Any]], str]) -> str:
    """Most columns of a turn hold one and the same value; it is written out once."""
    many = len(values)
    if values.count(values[0]) == many:
        return "{" + ",".join([literal(values[:1])[1:-1]] * many) + "}"
    return literal(values)


def _plain_array(values: Sequence[Any]) -> str:
    """Numbers and flags: nothing in them can be mistaken for array syntax."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _quoted_array(values: Sequence[Any]) -> str:
    """Text and instants, quoted."""
    return "{" + ",".join(["NULL" if value is None else _quoted_text(value) for value in values]) + "}"


@lru_cache(maxsize=4096)
def _quoted_text(value: Any) -> str:
    """Backslash and quote are the only characters with a meaning inside quotes.

    Columns repeat few values (symbols, kinds), and an instant stands in several tables: each is quoted once.
    """
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def _quoted(model: type[models.Model], columns: tuple[str, ...]) -> tuple[bool, ...]:
    by_column = {field.column: field for field in model._meta.concrete_fields}
    unquoted = (models.IntegerField, models.DecimalField, models.BooleanField, models.ForeignKey)
    return tuple(not isinstance(by_column[column], unquoted) for column in columns)


def _rows(model: type[models.Model], columns: Iterable[str]) -> str:
    """Arrays side by side as rows. In the select list they are unfolded in step, without the copy of every row that
    `FROM unnest(...)` makes first."""
    by_column = {field.column: field for field in model._meta.concrete_fields}
    return ", ".join(f"unnest(%s::{_array_type(by_column[column])}[]) AS {column}" for column in columns)


def _array_type(field: Any) -> str:
    """The element type of a column. Text has no length here: a cast to varchar(n) would cut silently, an insert refuses."""
    if isinstance(field, models.CharField | models.TextField):
        return "text"
    return str(field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection))


def ids_array(ids: Iterable[int]) -> str:
    """Ids as an array literal, for `%s::bigint[]`: cheaper than a list, and one prepared statement whatever their size."""
    return "{" + ",".join(map(str, ids)) + "}"


def texts_array(texts: Iterable[str]) -> str:
    """Texts as an array literal, for `%s::text[]`."""
    return _quoted_array(list(texts))


class SequenceBlocks:
    """Ids drawn from a database sequence in blocks and handed out in this process. Gaps are harmless and expected."""

    def __init__(self, sequence: str, block: int = 256) -> None:
        # As one text: a row for each would take longer to read than to draw.
        self._sql = f"SELECT string_agg(nextval('{sequence}')::text, ',') FROM generate_series(1, %s)".encode()
        self._block = block
        self._free: list[int] = []
        self._lock = Lock()

    def take(self, cursor: psycopg.Cursor[Any], count: int) -> list[int]:
        """`count` ids nobody else has, ascending."""
        with self._lock:
            if len(self._free) >= count:
                taken, self._free = self._free[:count], self._free[count:]
                return taken
        # Fetched outside the lock: another thread must not wait for this connection's round trip. Who takes many at once
        # will do so again.
        more = max(self._block, 3 * count)
        row = cursor.execute(self._sql, [count + more], prepare=True).fetchone()
        assert row is not None
        fresh = [int(number) for number in row[0].split(",")]
        with self._lock:
            self._free.extend(fresh[count:])
        return fresh[:count]
