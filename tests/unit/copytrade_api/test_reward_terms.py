"""R107, R108, R134: what each reward type requires and allows."""

from decimal import Decimal

import pytest

from copytrade.domain.rewards_terms import BillingPeriod, RewardTerms, RewardType, TermsProblem, terms_problem

WEEKLY, MONTHLY, ONE_TIME = BillingPeriod.WEEKLY, BillingPeriod.MONTHLY, BillingPeriod.ONE_TIME


def problem(reward_type, period=MONTHLY, amount="0", percent="0", day_count=365):
    return terms_problem(
        RewardTerms(
            reward_type=RewardType(reward_type),
            billing_period=period,
            fee_amount=Decimal(amount),
            fee_percent=Decimal(percent),
            day_count=day_count,
        )
    )


@pytest.mark.parametrize(
    ("reward_type", "period", "amount", "percent"),
    [
        (0, WEEKLY, "1", "0"),
        (0, MONTHLY, "0.01", "0"),
        (0, ONE_TIME, "1", "0"),
        (1, WEEKLY, "0", "50"),
        (1, MONTHLY, "0", "0.01"),
        (2, WEEKLY, "3", "0"),
        (3, MONTHLY, "0", "50"),
        (4, MONTHLY, "0", "10"),
    ],
)
def test_terms_that_are_fine(reward_type, period, amount, percent):
    assert problem(reward_type, period, amount, percent) is None


@pytest.mark.parametrize(
    ("reward_type", "period", "amount", "percent", "field", "why"),
    [
        (0, MONTHLY, "0", "0", "fee_amount", TermsProblem.NOT_POSITIVE),
        (0, MONTHLY, "1", "1", "fee_percent", TermsProblem.NOT_OF_THIS_TYPE),
        (1, ONE_TIME, "0", "10", "billing_period", TermsProblem.PERIOD),
        (1, MONTHLY, "0", "50.01", "fee_percent", TermsProblem.TOO_HIGH),
        (1, MONTHLY, "0", "0", "fee_percent", TermsProblem.NOT_POSITIVE),
        (1, MONTHLY, "5", "10", "fee_amount", TermsProblem.NOT_OF_THIS_TYPE),
        (2, ONE_TIME, "1", "0", "billing_period", TermsProblem.PERIOD),
        (3, WEEKLY, "0", "10", "billing_period", TermsProblem.NOT_OF_THIS_TYPE),
        (3, MONTHLY, "0", "51", "fee_percent", TermsProblem.TOO_HIGH),
        (4, MONTHLY, "0", "10.1", "fee_percent", TermsProblem.TOO_HIGH),
        (4, ONE_TIME, "0", "5", "billing_period", TermsProblem.PERIOD),
    ],
)
def test_terms_that_are_not(reward_type, period, amount, percent, field, why):
    assert problem(reward_type, period, amount, percent) == (field, why)


def test_a_year_has_365_or_252_days():
    assert problem(4, percent="2", day_count=252) is None
    assert problem(4, percent="2", day_count=360) == ("day_count", TermsProblem.DAY_COUNT)
