"""Sparklines and heat maps: exact figures in, text out."""

from decimal import Decimal

import pytest

from portal.drawing import SPARK_HEIGHT, SPARK_WIDTH, heat_cell, heat_rows, sparkline_of


def _values(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_a_line_spans_the_box_from_its_lowest_to_its_highest_value() -> None:
    drawn = sparkline_of(_values("1", "3", "2"))
    assert drawn is not None
    assert drawn.line == f"0.0,{SPARK_HEIGHT - 2}.0 {SPARK_WIDTH // 2}.0,2.0 {SPARK_WIDTH}.0,16.0"
    assert drawn.trend == "up"


def test_a_line_without_change_is_flat_in_the_middle() -> None:
    drawn = sparkline_of(_values("5", "5"))
    assert drawn is not None
    assert (drawn.line, drawn.trend) == (f"0.0,16.0 {SPARK_WIDTH}.0,16.0", "flat")


@pytest.mark.parametrize("values", [[], ["1"]])
def test_less_than_two_values_are_no_line(values: list[str]) -> None:
    assert sparkline_of(_values(*values)) is None


def test_months_stand_in_the_rows_of_their_years_with_the_year_chained() -> None:
    rows = heat_rows([("2024-12", Decimal("0.10")), ("2025-01", Decimal("0.10")), ("2025-03", Decimal("-0.5"))])
    assert [row.year for row in rows] == [2025, 2024]
    assert [cell.text for cell in rows[0].cells[:4]] == ["+10.0 %", "", "−50.0 %", ""]
    assert rows[0].whole.text == "−45.0 %"
    assert rows[1].cells[11].text == "+10.0 %"


def test_a_month_that_is_not_defined_is_empty_and_counts_for_nothing() -> None:
    row = heat_rows([("2025-01", None), ("2025-02", Decimal("0.02"))])[0]
    assert row.cells[0].text == ""
    assert row.whole.text == "+2.0 %"


@pytest.mark.parametrize(
    ("fraction", "css", "word"),
    [
        ("0.0004", "heat-0", "unchanged"),
        ("0.005", "heat-up-1", "gain"),
        ("0.01", "heat-up-2", "gain"),
        ("0.03", "heat-up-3", "gain"),
        ("0.5", "heat-up-4", "gain"),
        ("-0.005", "heat-down-1", "loss"),
        ("-0.07", "heat-down-4", "loss"),
    ],
)
def test_a_shade_goes_with_a_sign_and_a_word(fraction: str, css: str, word: str) -> None:
    cell = heat_cell(Decimal(fraction))
    assert (cell.css, cell.word) == (css, word)
