"""X04: the line of every fee, worked through again, comes to the fee."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.reward_charges import Marks, charge, unused_part
from copytrade.domain.rewards_terms import HwmConvention, RewardTerms, RewardType
from core.money import round_money
from rewards.domain.formula import fee_formula, unused_formula, used_formula

cents = st.integers(-10_000_000, 10_000_000).map(lambda n: D(n) / 100)
above = st.integers(1, 10_000).map(lambda n: D(n) / 100)
BEGIN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def worked(line: str) -> D:
    """What the line comes to: nothing but numbers, brackets, the four operations and `max`."""
    text = line.replace("×", "*").replace("−", "-")
    assert re.fullmatch(r"[-+*/() .,0-9]|max|[-+*/() .,0-9max]+", text), text
    return eval(re.sub(r"\d+(\.\d+)?", r'D("\g<0>")', text), {"D": D, "max": max, "__builtins__": {}})


@given(
    st.sampled_from(RewardType), cents, above, above, st.sampled_from([365, 252]), st.booleans(),
    st.sampled_from(HwmConvention), cents, above, above, above,
)  # fmt: skip
def test_x04_the_line_comes_to_the_fee(
    kind, base, amount, percent, day_count, hwm, convention, result, paid, mark, rate
):
    if kind is not RewardType.PERFORMANCE_FEE_HWM:
        base = abs(base)
    terms = RewardTerms(
        kind, fee_amount=amount, fee_percent=percent, hwm_enabled=hwm, hwm_convention=convention, day_count=day_count
    )
    marks = Marks(result, paid, mark)
    fee, _after = charge(terms, base, "USD", rate=rate, marks=marks)
    assert round_money(worked(fee_formula(terms, base, rate=rate, marks=marks)), "USD") == fee


@given(above, st.integers(1, 400), st.integers(0, 500), st.integers(0, 86_399_999_999))
def test_x04_the_line_of_what_is_given_back_and_of_what_was_used(fee, days, stopped, microseconds):
    end, stop = BEGIN + timedelta(days=days), BEGIN + timedelta(days=stopped, microseconds=microseconds)
    back = worked(unused_formula(fee, BEGIN, end, stop))
    assert round_money(back, "USD") == -unused_part(fee, BEGIN, end, stop, "USD")
    assert abs(worked(used_formula(fee, BEGIN, end, stop)) - back - fee) < D("1e-20")


def test_x04_lines_are_written_for_a_person():
    terms = RewardTerms(RewardType.PERFORMANCE_FEE_HWM, fee_percent=D(20), hwm_enabled=True)
    line = fee_formula(terms, D("-30.50"), marks=Marks(D(100), D(20), D(100)))
    assert line == "max(0, (100 − 30.5 − 20 − 100) × 20 / 100)"
    assert fee_formula(RewardTerms(RewardType.SUBSCRIPTION_FEE), D(25), rate=D("0.9215")) == "25 × 0.9215"
