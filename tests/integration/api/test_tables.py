"""The table filter on PostgreSQL: what is asked in units of the wire finds the right rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, VOLUME, WHOLE, Column, Table
from infra.tenancy import tenant_scope
from trading.models import Instrument

pytestmark = pytest.mark.django_db

TABLE = Table(
    Instrument,
    {
        "id": Column("id", WHOLE),
        "symbol": Column("symbol", TEXT),
        "digits": Column("digits", WHOLE),
        "lot_min": Column("lot_min", VOLUME),
        "tick": Column("tick_size", DECIMAL),
        "double": Column(F("tick_size") * 2, DECIMAL),
        "trade": Column("trade_enabled", FLAG),
        "again": Column("symbol", TEXT, to_wire=str.lower),
    },
    order=[("double", "desc")],
)
SYMBOLS = ("EURUSD", "EUR_USD", "EUR%", "eurusd", "GBP\\USD", "=CMD")


@pytest.fixture(autouse=True)
def instruments() -> Iterator[None]:
    with tenant_scope(1):
        for index, symbol in enumerate(SYMBOLS):
            Instrument.objects.create(
                tenant_id=1,
                symbol=symbol,
                asset_class="FX",
                contract_size=1,
                tick_size=Decimal("0.1") if index < 3 else Decimal("0.0000000001"),
                tick_value=1,
                digits=index,
                lot_min=Decimal("0.01") * (index + 1),
                lot_max=1,
                lot_step=Decimal("0.01"),
                trade_enabled=index != 0,
            )
        yield


def read(**payload: Any) -> dict[str, Any]:
    return TABLE.read(TABLE.asked(payload), Instrument.objects.all())


def digits(**payload: Any) -> list[int]:
    """The rows found, by their number."""
    return sorted(row[2] for row in read(**payload)["rows"])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"where": [["symbol", "=", "EURUSD"]]}, [0]),
        ({"where": [["symbol", "!=", "EURUSD"]]}, [1, 2, 3, 4, 5]),
        ({"where": [["symbol", "like", "EUR%"]]}, [0, 1, 2]),
        ({"where": [["symbol", "like", "EUR_USD"]]}, [1]),
        ({"where": [["symbol", "like", "%\\%"]]}, [4]),
        ({"where": [["symbol", "like", "%"], ["digits", ">=", 4]]}, [4, 5]),
        ({"where": [["lot_min", "<=", 2]]}, [0, 1]),
        ({"where": [["lot_min", "=", 2**62]]}, []),
        ({"where": [["digits", "=", 2**62]]}, []),
        ({"where": [["digits", "!=", 2**62]]}, [0, 1, 2, 3, 4, 5]),
        ({"where": [["digits", "<", 2**62]]}, [0, 1, 2, 3, 4, 5]),
        ({"where": [["trade", "=", 0]]}, [0]),
        ({"where": [["trade", ">", False]]}, [1, 2, 3, 4, 5]),
        ({"where": [["double", "=", "0.2"]]}, [0, 1, 2]),
        ({"where": [["tick", "<", Decimal("0.0000000002")]]}, [3, 4, 5]),
        ({"where": [["tick", "<", "99999999999999999999.9999999999"]]}, [0, 1, 2, 3, 4, 5]),
        ({"whereNot": [["symbol", "EURUSD"], ["digits", 5]]}, [1, 2, 3, 4]),
        ({"whereIn": [["digits", [1, 2, 2**62, -(2**63)]]]}, [1, 2]),
        ({"whereIn": [["digits", []]]}, []),
        ({"whereNotIn": [["digits", [0, 1, 2]]]}, [3, 4, 5]),
        ({"whereNotIn": [["digits", []]]}, [0, 1, 2, 3, 4, 5]),
        ({"whereBetween": [["lot_min", [2, 4]]]}, [1, 2, 3]),
        ({"whereBetween": [["lot_min", [4, 2]]]}, []),
        ({"whereNotBetween": [["lot_min", [2, 4]]]}, [0, 4, 5]),
        ({"whereIn": [["id", list(range(10_000))]], "where": [["digits", "<", 0]]}, []),
    ],
)
def test_conditions_find_their_rows(payload: dict[str, Any], expected: list[int]) -> None:
    assert digits(**payload) == expected


def test_rows_have_their_form_of_the_wire() -> None:
    table = read(where=[["digits", "=", 0]])
    assert table["structure"] == ["id", "symbol", "digits", "lot_min", "tick", "double", "trade", "again"]
    assert table["rows"][0][1:] == ["EURUSD", 0, 1, Decimal("0.1"), Decimal("0.2"), 0, "eurusd"]


def test_the_count_is_taken_before_paging_and_two_queries_are_enough() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        table = read(limit=2, offset=1, orderBy=[["digits", "asc"]])
    assert ([row[2] for row in table["rows"]], table["count"], len(queries)) == ([1, 2], 6, 2)


@pytest.mark.parametrize("paging", [{"limit": 0}, {"offset": 6}, {"offset": 2**63 - 1}])
def test_a_page_beyond_the_matches_is_empty(paging: dict[str, int]) -> None:
    table = read(**paging)
    assert (table["rows"], table["count"]) == ([], 6)


def test_equal_rows_are_ordered_by_id() -> None:
    def numbers(**payload: Any) -> list[int]:
        return [row[2] for row in read(**payload)["rows"]]

    assert numbers() == [2, 1, 0, 5, 4, 3]
    assert numbers(orderBy=["double", "asc"]) == [3, 4, 5, 0, 1, 2]
    assert numbers(orderBy=[["trade", "desc"], ["digits", "DESC"]]) == [5, 4, 3, 2, 1, 0]


def test_totals_are_taken_over_all_matches() -> None:
    totals = {"total_ticks": Column(Sum("tick_size"), DECIMAL), "total_volume": Column(Sum("lot_min"), VOLUME)}
    asked = TABLE.asked({"limit": 1, "where": [["digits", "<", 3]]})
    table = TABLE.read(asked, Instrument.objects.all(), totals)
    assert (table["count"], table["total_ticks"], table["total_volume"]) == (3, Decimal("0.3"), 6)
    nothing = TABLE.read(TABLE.asked({"where": [["digits", "<", 0]]}), Instrument.objects.all(), totals)
    assert (nothing["total_ticks"], nothing["total_volume"]) == (0, 0)


def test_a_dot_in_a_name_opens_an_object() -> None:
    table = Table(
        Instrument,
        {
            "symbol": Column("symbol", TEXT),
            "terms.digits": Column("digits", WHOLE),
            "terms.lots.least": Column("lot_min", DECIMAL),
        },
        order=[("symbol", "asc")],
    )
    (row, *_others) = table.objects_of(table.stored(Instrument.objects.filter(digits=5)))
    assert row == {"symbol": "=CMD", "terms": {"digits": 5, "lots": {"least": row["terms"]["lots"]["least"]}}}
    assert row["terms"]["lots"]["least"] > 0


def test_csv_has_the_same_rows_and_no_formula() -> None:
    asked = TABLE.asked({"format": "csv", "where": [["digits", "=", 5]]})
    response = TABLE.answer(asked, Instrument.objects.all())
    header, row = response.content.decode().splitlines()
    assert header == "id,symbol,digits,lot_min,tick,double,trade,again"
    assert row.partition(",")[2] == "'=CMD,5,6,0.0000000001,0.0000000002,1,'=cmd"


def test_times_compare_in_whole_seconds() -> None:
    people = Table(User, {"email": Column("email", TEXT), "time": Column("created_at", TIME)}, order=[("time", "desc")])
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for milliseconds in (0, 999, 1000, 1999):
        User.objects.create(
            tenant_id=1, email=f"{milliseconds}@x", created_at=start + timedelta(milliseconds=milliseconds)
        )
    second = int(start.timestamp())

    def found(**payload: Any) -> set[str]:
        return {row[0][:-2] for row in people.read(people.asked(payload), User.objects.all())["rows"]}

    assert found(where=[["time", "=", second]]) == {"0", "999"}
    assert found(where=[["time", ">", second]]) == {"1000", "1999"}
    assert found(where=[["time", "<=", second]]) == {"0", "999"}
    assert found(whereIn=[["time", [second + 1]]]) == {"1000", "1999"}
    assert found(whereNotIn=[["time", [second + 1]]]) == {"0", "999"}
    assert found(where=[["time", "!=", second + 1]]) == {"0", "999"}
    assert found(where=[["time", "<=", 253402300799], ["time", ">", 0]]) == {"0", "999", "1000", "1999"}


def test_a_column_without_a_value_comes_last_and_differs_from_every_value() -> None:
    table = Table(
        User,
        {"email": Column("email", TEXT), "login": Column("accounts__login", WHOLE)},
        order=[("login", "desc")],
    )
    User.objects.create(tenant_id=1, email="nobody@x", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    users = User.objects.all()
    assert table.read(table.asked({"where": [["login", "!=", 5]]}), users)["count"] == 1
    assert table.read(table.asked({"whereNotIn": [["login", [5]]]}), users)["count"] == 1
    assert table.read(table.asked({"where": [["login", ">", 5]]}), users)["count"] == 0
