"""X05: what the terms would have cost, and how far the equity fell; every row of docs/algorithms/dry-run.md."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.rewards_terms import BillingPeriod, HwmConvention, RewardTerms, RewardType
from marketplace.domain.dry_run import Closed, CurvePoint, Fall
from marketplace.domain.dry_run_fees import reward_fees

BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "dry-run.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def fees(terms: RewardTerms, results: list[D], *, days: int = 30, convention: str = "GROSS", lots: D = D(1)) -> D:
    """Results come one a week, at noon of its third day; the equity is 10,000 throughout."""
    closed = [Closed(BEGIN + timedelta(days=7 * n + 2), lots, net) for n, net in enumerate(results)]
    curve = [CurvePoint(BEGIN + timedelta(days=n), D(10_000)) for n in range(days + 1)]
    terms = replace(terms, hwm_convention=HwmConvention(convention))
    return reward_fees(terms, closed=closed, curve=curve, rate=D(2), currency="USD")


@pytest.mark.parametrize("row", rows("The master's terms"), ids=" ".join)
def test_worked_fees(row):
    kind, period, terms, days, results, cost = row
    words = terms.split()
    value = D(words[0])
    reward_type = RewardType[kind]
    percent = reward_type not in (RewardType.SUBSCRIPTION_FEE, RewardType.VOLUME_REBATE)
    made = RewardTerms(
        reward_type,
        BillingPeriod(period or "monthly"),
        fee_amount=D(0) if percent else value,
        fee_percent=value if percent else D(0),
        hwm_enabled="no-mark" not in words,
        day_count=252 if "252" in words else 365,
    )
    convention = next((c for c in ("NET", "CUMULATIVE") if c in words), "GROSS")
    wins = [D(part) for part in results.split(",") if part]
    assert fees(made, wins, days=int(days), convention=convention) == D(cost)


@pytest.mark.parametrize("row", rows("The fall"), ids=" ".join)
def test_worked_falls(row):
    equities, drawdown = row
    fall = Fall()
    for equity in equities.split(","):
        fall.see(D(equity))
    assert fall.drawdown == (None if drawdown == "none" else D(drawdown))


@given(st.lists(st.integers(-1000, 100_000), min_size=1, max_size=60))
def test_the_fall_is_the_largest_below_any_peak_so_far(points):
    equities = [D(point) for point in points]
    fall = Fall()
    for equity in equities:
        fall.see(equity)
    peaks = [max(equities[: n + 1]) for n in range(len(equities))]
    falls = [(peak - equity) / peak for peak, equity in zip(peaks, equities, strict=True) if peak > 0]
    if falls:
        assert abs(fall.drawdown - max(falls)) <= D("1e-10")
    else:
        assert fall.drawdown is None


@given(st.lists(st.integers(-50_000, 50_000), max_size=12), st.sampled_from(["weekly", "monthly"]))
def test_a_performance_fee_never_takes_more_than_its_share_of_what_was_ever_won(cents, period):
    results = [D(cent) / 100 for cent in cents]
    terms = RewardTerms(RewardType.PERFORMANCE_FEE_HWM, BillingPeriod(period), fee_percent=D(20), hwm_enabled=True)
    best = run = D(0)
    for result in results:
        run += result
        best = max(best, run)
    for convention in HwmConvention:
        taken = fees(terms, results, days=90, convention=convention)
        assert D(0) <= taken
        assert taken <= best * D("0.2") + D("0.1")  # a cent of rounding for each settlement
