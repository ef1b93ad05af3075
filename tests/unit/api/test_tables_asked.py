"""What a caller may ask of a table, before any database is asked."""

import json
from contextlib import suppress
from typing import Any

import pytest
from django.db.models import F
from django_scopes import scopes_disabled
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DomainError
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, VOLUME, WHOLE, Column, Limits, Table, csv_response
from infra.api.wire import QueryText
from tests.unit.api.test_wire import ANY_JSON
from trading.models import Instrument, Trade

TABLE = Table(
    Trade,
    {
        "order": Column("id", WHOLE),
        "symbol": Column("symbol", TEXT),
        "digits": Column("digits", WHOLE),
        "volume": Column("volume", VOLUME),
        "profit": Column("profit", DECIMAL),
        "net": Column(F("profit") + F("commission"), DECIMAL),
        "copied": Column("copied", FLAG),
        "close_time": Column("close_at", TIME),
        "email": Column("comment", TEXT, filterable=False),
    },
    order=[("close_time", "desc")],
    aliases={"ticket": "order"},
    limits=Limits(standard=25, most=500),
)


def sql(**payload: Any) -> str:
    with scopes_disabled():
        return str(TABLE.matches(TABLE.asked(payload), Trade.objects.all()).query).partition(" WHERE ")[2]


def refused(**payload: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        TABLE.asked(payload)
    assert caught.value.code == "INVALID_DATA"
    return caught.value


def test_limits_have_defaults() -> None:
    asked = TABLE.asked({})
    assert (asked.limit, asked.offset, asked.as_csv) == (25, 0, False)


@pytest.mark.parametrize("name", ["limit", "offset"])
def test_a_starred_limit_must_be_written(name: str) -> None:
    table = Table(Trade, TABLE.columns, order=[("order", "desc")], limits=Limits(required=True))
    payload = {"limit": QueryText("5"), "offset": QueryText("0")}
    assert table.asked(payload).limit == 5
    del payload[name]
    with pytest.raises(DomainError, match=name):
        table.asked(payload)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"limit": 501}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"offset": 2**63}, "offset"),
        ({"format": "xml"}, "format"),
        ({"format": ["csv"]}, "format"),
        ({"where": QueryText("[")}, "where"),
        ({"where": QueryText("{}")}, "where"),
        ({"where": "[]"}, "where"),
        ({"where": [["symbol", "="]]}, "where"),
        ({"where": ["symbol", "=", "x"]}, "where"),
        ({"where": [["symbol", "~", "x"]]}, "symbol"),
        ({"where": [["symbol", ["="], "x"]]}, "symbol"),
        ({"where": [["nothing", "=", "x"]]}, "nothing"),
        ({"where": [["email", "=", "x"]]}, "email"),
        ({"where": [[["order"], "=", 1]]}, "['order']"),
        ({"where": [["account__password", "like", "%"]]}, "account__password"),
        ({"where": [["order", "=", "1"]]}, "order"),
        ({"where": [["ticket", "=", True]]}, "order"),
        ({"where": [["order", "=", 2**63]]}, "order"),
        ({"where": [["order", "like", "1%"]]}, "order"),
        ({"where": [["symbol", "=", 1]]}, "symbol"),
        ({"where": [["symbol", "=", None]]}, "symbol"),
        ({"where": [["close_time", ">", 10**15]]}, "close_time"),
        ({"whereIn": [["order", 1]]}, "order"),
        ({"whereIn": [["order", list(range(10_001))]]}, "order"),
        ({"whereBetween": [["order", [1]]]}, "order"),
        ({"whereNot": [["order", "=", 1]]}, "whereNot"),
        ({"where": [["order", "=", 1]] * 30, "whereNot": [["order", 1]] * 21}, "where"),
        ({"orderBy": [["order", "up"]]}, "orderBy"),
        ({"orderBy": ["order"]}, "orderBy"),
        ({"orderBy": [["email", "asc"]]}, "email"),
        ({"orderBy": QueryText("order")}, "orderBy"),
    ],
)
def test_what_the_table_does_not_have_is_named(payload: dict[str, Any], field: str) -> None:
    error = refused(**payload)
    assert error.extra["field"] == field
    assert field in error.message


def test_values_are_compared_in_units_of_the_wire() -> None:
    assert '"volume" = 1.5' in sql(where=[["volume", "=", 150]])
    assert '"copied"' in sql(where=[["copied", "=", 1]])
    assert "IN (0, 100)" in sql(whereIn=[["close_time", [0, 100]]])


def test_a_second_holds_its_fractions() -> None:
    assert '"close_at" >= 1970-01-01 00:01:41' in sql(where=[["close_time", ">", 100]])
    assert '"close_at" < 1970-01-01 00:01:41' in sql(where=[["close_time", "<=", 100]])


def test_only_the_percent_sign_is_special() -> None:
    assert r"LIKE a\_b\\%" in sql(where=[["symbol", "like", "a_b\\%"]])


def test_json_text_of_a_query_string_is_the_same_as_a_body() -> None:
    where = [["symbol", "like", "EUR%"], ["order", ">=", 10.0]]
    assert sql(where=QueryText(json.dumps(where))) == sql(where=[["symbol", "like", "EUR%"], ["order", ">=", 10]])


def test_nulls_come_last_and_the_id_breaks_ties_in_the_same_direction() -> None:
    assert sql_order(orderBy=["close_time", "DESC"]) == ['"trading_trade"."close_at" DESC NULLS LAST', "DESC"]
    assert sql_order(orderBy=[["close_time", "asc"]]) == ['"trading_trade"."close_at" ASC', "ASC"]
    assert sql_order(orderBy=[["symbol", "desc"]]) == ['"trading_trade"."symbol" DESC', "DESC"]


def sql_order(**payload: Any) -> list[str]:
    with scopes_disabled():
        query = str(TABLE.matches(TABLE.asked(payload), Trade.objects.all()).query)
    *terms, tie = query.partition(" ORDER BY ")[2].split(", ")
    assert len(terms) == 1
    return [terms[0], tie.split(" ")[-1]]


def test_a_number_too_large_for_its_column_differs_from_every_value() -> None:
    small = Table(Instrument, {"id": Column("id", WHOLE), "digits": Column("digits", WHOLE)}, order=[("id", "desc")])
    with scopes_disabled():
        query = small.matches(small.asked({"where": [["digits", "!=", 2**40]]}), Instrument.objects.all()).query
    assert "WHERE" not in str(query)


@given(
    st.sampled_from(["where", "whereNot", "whereIn", "whereNotIn", "whereBetween", "whereNotBetween", "orderBy"]),
    st.lists(
        st.tuples(
            st.sampled_from([*TABLE.columns, "ticket"]) | ANY_JSON,
            st.sampled_from(["=", "!=", "<", ">=", "like", "desc"]) | ANY_JSON,
            ANY_JSON,
        ).map(list)
        | st.tuples(st.sampled_from([*TABLE.columns]), ANY_JSON | st.lists(ANY_JSON, min_size=2, max_size=2)).map(list)
        | ANY_JSON,
        max_size=3,
    )
    | ANY_JSON,
)
def test_any_json_gives_a_query_or_a_refusal(name: str, value: Any) -> None:
    with suppress(DomainError), scopes_disabled():
        TABLE.matches(TABLE.asked({name: value}), Trade.objects.all())


def test_text_in_a_csv_file_is_never_a_formula() -> None:
    response = csv_response(["a", "b"], [["=1+1", -5], ["@x", None], ["plain, text", True]])
    assert response.content.decode().splitlines() == ["a,b", "'=1+1,-5", "'@x,", '"plain, text",True']
