"""D24, X04: every row of docs/algorithms/fees.md, and what holds for all histories."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.reward_charges import Marks, charge, managed_base, unused_part
from copytrade.domain.rewards_terms import HwmConvention, RewardTerms, RewardType

TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "fees.md").read_text(encoding="utf-8")
MONDAY = date(2026, 3, 2)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"# {heading}\n")[1].split("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def performance_terms(convention: str, percent: str | D) -> RewardTerms:
    return RewardTerms(
        RewardType.PERFORMANCE_FEE_HWM,
        fee_percent=D(percent),
        hwm_enabled=convention != "no-mark",
        hwm_convention=HwmConvention("GROSS" if convention == "no-mark" else convention),
    )


def fees_of(terms: RewardTerms, results: list[D]) -> tuple[list[D], Marks]:
    fees, marks = [], Marks()
    for result in results:
        fee, marks = charge(terms, result, "USD", marks=marks)
        fees.append(fee)
    return fees, marks


@pytest.mark.parametrize("row", rows("Worked charges"), ids=" ".join)
def test_d24_worked_charges(row):
    kind, words, base, rate, currency, fee = row
    value, *day_count = words.split()
    reward_type = RewardType[kind]
    by_amount = reward_type in (RewardType.SUBSCRIPTION_FEE, RewardType.VOLUME_REBATE)
    terms = RewardTerms(
        reward_type,
        fee_amount=D(value) if by_amount else D(0),
        fee_percent=D(0) if by_amount else D(value),
        day_count=int(*day_count) or 365,
    )
    found, marks = charge(terms, D(base), currency, rate=D(rate))
    assert found == D(fee)
    assert marks == Marks()


@pytest.mark.parametrize("row", rows("Days of a management fee"), ids=" ".join)
def test_d24_the_days_of_a_management_fee(row):
    day_count, equities, base = row
    terms = RewardTerms(RewardType.MANAGEMENT_FEE, fee_percent=D(2), day_count=int(day_count))
    days = [(MONDAY + timedelta(days=n), D(equity)) for n, equity in enumerate(equities.split(","))]
    assert managed_base(terms, days) == D(base)


@pytest.mark.parametrize("row", rows("The performance fee"), ids=" ".join)
def test_d24_worked_performance_fees(row):
    convention, percent, results, fees, mark = row
    found, marks = fees_of(performance_terms(convention, percent), [D(part) for part in results.split(",")])
    assert found == [D(part) for part in fees.split(",")]
    assert marks.mark == D(mark)
    assert marks.paid == sum(found)


@pytest.mark.parametrize("row", rows("Given back"), ids=" ".join)
def test_d24_what_is_given_back(row):
    fee, begin, end, stop, back = row
    begin, end, stop = (datetime.fromisoformat(cell).replace(tzinfo=UTC) for cell in (begin, end, stop))
    assert unused_part(D(fee), begin, end, stop, "USD") == D(back)


@given(
    st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=40),
    st.sampled_from(list(HwmConvention)),
    st.integers(1, 50),
)
def test_d24_a_gain_is_never_charged_twice(cents, convention, percent):
    """All fees so far never exceed the percentage of the highest cumulative result so far, but for their rounding."""
    fees, marks = fees_of(performance_terms(convention.value, D(percent)), [D(cent) / 100 for cent in cents])
    run = best = paid = D(0)
    for number, (cent, fee) in enumerate(zip(cents, fees, strict=True), 1):
        run += D(cent) / 100
        best = max(best, run)
        paid += fee
        assert fee >= 0
        assert paid <= best * percent / 100 + D("0.005") * number
        if run <= 0:
            assert fee <= D("0.005")
    assert (marks.result, marks.paid) == (run, paid)


@given(st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=40), st.integers(1, 50))
def test_d24_gross_never_asks_more_than_the_others(cents, percent):
    results = [D(cent) / 100 for cent in cents]
    sums = {c: sum(fees_of(performance_terms(c.value, D(percent)), results)[0]) for c in HwmConvention}
    rounding = D("0.005") * len(cents) * 2
    assert sums[HwmConvention.GROSS] <= sums[HwmConvention.NET] + rounding
    assert abs(sums[HwmConvention.NET] - sums[HwmConvention.CUMULATIVE]) <= rounding


@given(st.integers(0, 10_000_000), st.integers(1, 400), st.integers(-50, 500), st.sampled_from(["USD", "JPY", "USDT"]))
def test_d24_never_more_is_given_back_than_was_paid(units, days, stopped, currency):
    fee = D(units).scaleb(0 if currency == "JPY" else -2)
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    back = unused_part(fee, begin, begin + timedelta(days=days), begin + timedelta(days=stopped), currency)
    assert 0 <= back <= fee
    if stopped >= days:
        assert back == 0
