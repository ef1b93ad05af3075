"""Querysets as prepared statements: for questions that are asked often, whose planning takes longer than their answer."""

from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from infra.bulk import hot_cursor


def rows_of(values: QuerySet[Any]) -> list[tuple[Any, ...]]:
    """What the queryset of a `values_list` gives, as PostgreSQL gives it. psycopg prepares what it has seen a few times."""
    try:
        sql, params = values.query.sql_with_params()
    except EmptyResultSet:  # a condition that can never hold, such as a number too large for its column
        return []
    return hot_cursor().execute(sql.encode(), params).fetchall()


def count_of(queryset: QuerySet[Any]) -> int:
    """How many rows the queryset has."""
    return Counting(queryset).answer()


class Counting:
    """`count_of` in steps, so that PostgreSQL counts while something else is done: between `send` and `answer`, inside
    `pipelined()`. The statement is written before either."""

    def __init__(self, queryset: QuerySet[Any]) -> None:
        self._sent: psycopg.Cursor[tuple[Any, ...]] | None = None
        try:
            sql, self._params = queryset.order_by().values_list("pk").query.sql_with_params()
            self._sql = f"SELECT count(*) FROM ({sql}) AS matched".encode()
        except EmptyResultSet:
            self._sql = b""

    def send(self) -> None:
        """Asks; what is sent before it is answered before it."""
        if self._sql:
            self._sent = hot_cursor().execute(self._sql, self._params)

    def answer(self) -> int:
        """The number."""
        if self._sent is None:
            self.send()
        return 0 if self._sent is None else sum(number for (number,) in self._sent)
