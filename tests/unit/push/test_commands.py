"""Trade commands are read strictly, and alike for REST and WebSocket."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.terminal.orders import Bucket
from core.errors import DomainError
from core.states import Side
from infra.api.parsers import loads
from trading.commands import CloseCommand, OpenCommand, parse_close, parse_open

OPEN: dict[str, Any] = {"cmd": 0, "volume": 100, "symbol": "EURUSD"}
FIELDS = ("login", "cmd", "volume", "symbol", "sl", "tp", "comment", "order")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_an_opening_with_its_defaults() -> None:
    assert parse_open(OPEN) == OpenCommand(None, Side.BUY, Decimal(1), "EURUSD")


def test_every_field_of_an_opening() -> None:
    text = '{"login":5.0,"cmd":1,"volume":150,"symbol":"X","sl":1.10,"tp":"1.2","comment":"c","extra":[]}'
    expected = OpenCommand(5, Side.SELL, Decimal("1.5"), "X", Decimal("1.1"), Decimal("1.2"), "c")
    assert parse_open(loads(text)) == expected


def test_a_close_of_all_and_of_a_part() -> None:
    assert parse_close({"order": 9}) == CloseCommand(None, 9)
    assert parse_close({"order": 9, "volume": 25, "login": 3}) == CloseCommand(3, 9, Decimal("0.25"))


@pytest.mark.parametrize("field", ["login", "volume", "order", "cmd"])
@pytest.mark.parametrize("value", ["10", True, False, None, "10.5", "1e99999", "-1", [], {}, "99999999999999999999"])
def test_whole_numbers_are_whole_numbers(field: str, value: Any) -> None:
    text = value if isinstance(value, str) and field != "login" else json.dumps(value)
    if value == "10":
        text = '"10"'  # text is no number
    data = {**OPEN, "order": 1, field: loads(text)}
    parse = parse_close if field == "order" else parse_open
    with pytest.raises(DomainError) as refused:
        parse(data)
    assert refused.value.code == "INVALID_DATA"
    assert refused.value.message.startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["sl", "tp"])
@pytest.mark.parametrize("text", ["-1", "true", "null", '"1e5"', '""', "1e30", "0.00000000001", "[]"])
def test_prices_are_plain_numbers_of_limited_length(field: str, text: str) -> None:
    with pytest.raises(DomainError, match=f"^INVALID_DATA: {field}: "):
        parse_open({**OPEN, field: loads(text)})


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_whatever_comes_is_read_or_refused(sent: dict[str, Any]) -> None:
    data = loads(json.dumps(sent))
    for parse in (parse_open, parse_close):
        refused: DomainError | None = None
        try:
            parse(data)
        except DomainError as error:
            refused = error
        assert refused is None or (refused.code, refused.extra["field"] in FIELDS) == ("INVALID_DATA", True)


def test_equal_requests_have_equal_hashes_however_they_are_written() -> None:
    first = parse_open(loads('{"cmd":0,"volume":100,"symbol":"X","sl":0,"tp":1.50}'))
    second = parse_open(loads('{"login":5,"cmd":0.0,"volume":100.0,"symbol":"X","tp":"1.5","comment":""}'))
    assert first.request_hash(5) == second.request_hash(5)


@pytest.mark.parametrize(
    "change", [{"cmd": 1}, {"volume": 101}, {"symbol": "GBPUSD"}, {"sl": 1}, {"tp": 1}, {"comment": "x"}]
)
def test_other_requests_have_other_hashes(change: dict[str, Any]) -> None:
    assert parse_open({**OPEN, **change}).request_hash(5) != parse_open(OPEN).request_hash(5)
    assert parse_open(OPEN).request_hash(6) != parse_open(OPEN).request_hash(5)


def test_the_parts_of_a_hash_do_not_run_into_each_other() -> None:
    a = parse_open({**OPEN, "symbol": "A", "comment": "', 'B"})
    b = parse_open({**OPEN, "symbol": "A', 'B", "comment": ""})
    assert a.request_hash(1) != b.request_hash(1)


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = 1000.0
    bucket = Bucket(100, lambda: now)
    assert [bucket.take() for _ in range(500)] == [0] * 500
    assert bucket.take() == 1
    now += 0.025
    assert [bucket.take() for _ in range(3)] == [0, 0, 1]
    assert [Bucket(None).take() for _ in range(1000)] == [0] * 1000
