"""Single values of the wire: exactly what the contract accepts, and never another failure than a refusal."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.api import wire
from infra.api.wire import NotAccepted, QueryText

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from([Decimal("1E+400"), Decimal("1E-400"), Decimal("0E+400"), Decimal("-0"), Decimal("10.0")])
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs", "Nd", "Lu"]))
    | st.text(st.characters()).map(QueryText)
    | st.sampled_from(["1e5", "NaN", "Infinity", "٣", "1\n", " 1", "+1", "1.", ".5", "9" * 6000]).map(QueryText),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("value", [10, Decimal("10.0"), Decimal("1E+1"), QueryText("10"), QueryText("10.0")])
def test_a_whole_number_may_be_written_with_a_point(value: object) -> None:
    assert wire.read_whole(value) == 10


@pytest.mark.parametrize(
    "value",
    [
        Decimal("10.5"),
        "10",
        True,
        None,
        [],
        {},
        2**63,
        -(2**63) - 1,
        Decimal("1E+999999"),
        QueryText("ten"),
        QueryText(""),
    ],
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(NotAccepted):
        wire.read_whole(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, "1"),
        (Decimal("1.50"), "1.50"),
        ("1.5", "1.5"),
        ("-0.0000000001", "-0.0000000001"),
        (Decimal("1E+2"), "100"),
        (Decimal("12345678901234567890.0123456789"), "12345678901234567890.0123456789"),
        (Decimal("-0.0"), "0"),
    ],
)
def test_a_decimal_keeps_every_digit(value: object, number: str) -> None:
    assert format(wire.read_decimal(value), "f") == number


@pytest.mark.parametrize(
    "value",
    [
        *("1e5", "NaN", "Infinity", "", " 1", "1 ", "1\n", "+1", ".5", "1.", "0x1", "1_000", "٣", "1,5"),
        *("123456789012345678901", "0.12345678901"),
        *(Decimal("1E+20"), Decimal("1E-11"), Decimal("1E+400"), Decimal("NaN"), Decimal("Infinity")),
        *(True, None, [], {}, 1.5, 10**20),
    ],
)
def test_what_is_no_plain_decimal_is_refused(value: object) -> None:
    with pytest.raises(NotAccepted):
        wire.read_decimal(value)


@pytest.mark.parametrize("value", [True, 1, Decimal("1.0"), QueryText("1")])
def test_a_flag_is_a_number_or_a_boolean(value: object) -> None:
    assert wire.read_flag(value) is True


@pytest.mark.parametrize("value", [2, -1, "1", "true", None, Decimal("0.5"), QueryText("yes"), []])
def test_anything_else_is_no_flag(value: object) -> None:
    with pytest.raises(NotAccepted):
        wire.read_flag(value)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff", "a" * 256, 1, None, ["a"]])
def test_text_that_postgresql_cannot_hold_is_refused(text: object) -> None:
    with pytest.raises(NotAccepted):
        wire.read_text(text)


@given(ANY_JSON)
def test_a_reader_gives_a_value_or_a_refusal(value: object) -> None:
    for read in (wire.read_whole, wire.read_decimal, wire.read_flag, wire.read_text, wire.read_seconds):
        with suppress(NotAccepted):
            read(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20) + 1, max_value=10**20 - 1))
def test_a_decimal_comes_back_from_its_own_text(number: Decimal) -> None:
    text = wire.decimal_text(number)
    assert text is not None
    assert "E" not in text
    assert wire.read_decimal(text) == number
    assert "." not in text or not text.endswith("0")


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cs", "Cc"])))
def test_a_repeated_word_can_always_be_encoded(word: str) -> None:
    assert len(wire.shown(word).encode()) <= 4 * wire.SHOWN_LENGTH
