"""Querysets as prepared statements: for questions that are asked often, whose planning takes longer than their answer."""

from typing import Any

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
    try:
        sql, params = queryset.order_by().values_list("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    ((number,),) = hot_cursor().execute(f"SELECT count(*) FROM ({sql}) AS matched".encode(), params)
    return int(number)
