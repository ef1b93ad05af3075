"""Numbers, times and cells as a person reads them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from portal import formats
from portal.exports import csv_cell

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (Decimal("1234567.891"), "USD", "1,234,567.89"),
        (Decimal("-0.005"), "USD", "0.00"),
        (Decimal("-12.5"), "USD", "−12.50"),
        (Decimal("1234.4"), "JPY", "1,234"),
        (Decimal("0.000000015"), "BTC", "0.00000002"),
    ],
)
def test_money_has_its_currencys_digits(value: Decimal, currency: str, text: str) -> None:
    assert formats.money(value, currency) == text


def test_a_result_carries_its_sign() -> None:
    assert formats.money(Decimal("3"), "USD", sign=True) == "+3.00"
    assert formats.money(Decimal(0), "USD", sign=True) == "0.00"


def test_numbers_follow_the_language() -> None:
    with translation.override("de"):
        assert formats.money(Decimal("1234.5"), "EUR") == "1.234,50"


@pytest.mark.parametrize(("value", "text"), [("0.1", "0.10"), ("2", "2.00"), ("0.005", "0.005"), ("1000", "1,000.00")])
def test_lots_have_at_least_two_digits(value: str, text: str) -> None:
    assert formats.lots(Decimal(value)) == text


def test_a_price_that_is_not_set_is_a_dash() -> None:
    assert formats.price(Decimal(0), 5) == "–"
    assert formats.price(None, 5) == "–"
    assert formats.price(Decimal("1.1"), 5) == "1.10000"


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=60), "1 h ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
    ],
)
def test_ages(past: timedelta, text: str) -> None:
    assert formats.age(NOW - past, NOW) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Europe/Berlin", "11:00:00 CET"), ("Asia/Tokyo", "19:00:00 JST"), ("America/Sao_Paulo", "07:00:00 UTC-03")],
)
def test_exact_times_name_their_zone(zone: str, text: str) -> None:
    with timezone.override(zone):
        assert formats.exact_time(NOW).endswith(text)


@pytest.mark.parametrize("bad", ["", "Nowhere/City", "../etc/passwd", "/etc/localtime", "\x00", "A" * 300])
def test_what_is_no_zone_is_passed_over(bad: str) -> None:
    assert str(formats.zone_of(bad, "Asia/Tokyo")) == "Asia/Tokyo"
    assert str(formats.zone_of(bad)) == "UTC"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("@x", "'@x"),
        ("EURUSD", "EURUSD"),
        (Decimal("-1.50"), "-1.5"),
        (Decimal("1E+3"), "1000"),
        (None, ""),
    ],
)
def test_a_cell_is_never_a_formula(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


@pytest.mark.parametrize(
    ("fraction", "shown"), [("0.1234", "+12.3 %"), ("-0.05", "−5.0 %"), ("0", "0.0 %"), (None, "–")]
)
def test_a_fraction_is_shown_in_per_cent(fraction: str | None, shown: str) -> None:
    assert formats.percent(None if fraction is None else Decimal(fraction), sign=True) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3725, "1 h 2 min"),
        (86_400, "1 day"),
        (90_000, "1 day 1 h"),
        (None, "–"),
    ],
)
def test_a_length_of_time_is_shown_in_its_two_largest_units(seconds: int | None, shown: str) -> None:
    assert formats.span(seconds) == shown
