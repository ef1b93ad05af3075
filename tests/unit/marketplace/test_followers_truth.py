"""X03: the followers' return, the gap and its parts; every row of docs/algorithms/followers.md."""

from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.followers_truth import UNKNOWN, FollowedDay, truth_of

TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "followers.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("|")][2:]
money = st.integers(-(10**9), 10**9).map(lambda cents: D(cents) / 100)


def value(cell: str) -> D | None:
    return None if cell == "none" else D(cell)


@pytest.mark.parametrize("row", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_x03_worked_gaps(row):
    days = [FollowedDay(*(D(part) for part in day.split())) for day in row[0].split(";")]
    truth = truth_of(days, value(row[1]))
    found = [truth.followers_return, truth.gap, truth.slippage, truth.fees, truth.skipped, truth.other]
    assert found == [value(cell) for cell in row[2:]]


@given(
    st.lists(st.builds(FollowedDay, money.map(abs), money, money, money, money), max_size=20),
    st.integers(-(10**10), 10**12).map(lambda parts: D(parts).scaleb(-10)),
)
def test_x03_the_parts_add_up_to_the_gap_exactly(days, twr):
    truth = truth_of(days, twr)
    if truth == UNKNOWN:
        assert not any(day.capital for day in days)
        return
    assert truth.gap == truth.followers_return - twr
    assert truth.gap == truth.slippage + truth.fees + truth.skipped + truth.other
