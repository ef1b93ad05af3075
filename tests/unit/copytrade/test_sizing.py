"""How large a copied entry is."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.codes import SkipReason
from copytrade.domain.sizing import BALANCE_RATIO, EQUITY_RATIO, FIXED, MULTIPLIER, Unsized, entry_volume
from core.rounding import is_multiple
from tests.support.copies import EURUSD, event, terms
from tests.support.house import spec


def sized(settings, leader="1", contract=EURUSD):
    outcome = entry_volume(settings, event(after=leader), contract, equity=D(10000), balance=D(10000), leader_rate=D(1))
    return outcome.reason if isinstance(outcome, Unsized) else outcome


@pytest.mark.parametrize(
    ("ratio", "leader", "copy"),
    [
        ("0.5", "1", "0.5"),  # scales down
        ("2.0", "1", "2"),  # doubles
        ("1", "0.37", "0.37"),
        ("0.5", "0.05", "0.02"),  # 0.025 down to the step
        ("0.333", "1", "0.33"),
    ],
)
def test_multiplier(ratio, leader, copy):
    assert sized(terms(volume_mode=MULTIPLIER, risk_multiplier=D(ratio)), leader) == D(copy)


def test_an_increase_is_sized_by_what_was_added():
    added = event(before="1", after="1.4")
    outcome = entry_volume(terms(risk_multiplier=D("0.5")), added, EURUSD, equity=D(1), balance=D(1), leader_rate=D(1))
    assert outcome == D("0.2")


def test_fixed_does_not_look_at_the_leader():
    settings = terms(volume_mode=FIXED, fixed_volume=D("0.25"), risk_multiplier=D(7))
    assert {sized(settings, leader) for leader in ("0.01", "1", "100")} == {D("0.25")}


def test_equity_ratio():
    settings = terms(volume_mode=EQUITY_RATIO, risk_multiplier=D(2))
    # 1 lot x 5,000 / 20,000 x 2; the balances do not matter
    assert _ratio(settings, mine=("5000", "1"), theirs=("20000", "77")) == D("0.5")


def test_balance_ratio():
    settings = terms(volume_mode=BALANCE_RATIO)
    assert _ratio(settings, mine=("1", "5000"), theirs=("77", "20000")) == D("0.25")


def _ratio(settings, mine, theirs, rate="1", leader="1"):
    outcome = entry_volume(
        settings,
        event(after=leader, equity=D(theirs[0]), balance=D(theirs[1])),
        EURUSD,
        equity=D(mine[0]),
        balance=D(mine[1]),
        leader_rate=None if rate is None else D(rate),
    )
    return outcome.reason if isinstance(outcome, Unsized) else outcome


def test_the_leaders_money_is_converted():
    settings = terms(volume_mode=EQUITY_RATIO)
    # the leader's 20,000 EUR are 25,000 USD
    assert _ratio(settings, ("5000", "0"), ("20000", "0"), rate="1.25") == D("0.2")


def test_a_ratio_that_comes_out_even_is_not_a_step_short():
    """1 x 10,000 / 30,000 x 3 is one lot, not 0.9999... rounded down to 0.99."""
    settings = terms(volume_mode=EQUITY_RATIO, risk_multiplier=D(3))
    assert _ratio(settings, ("10000", "0"), ("30000", "0")) == D(1)


@pytest.mark.parametrize(("mine", "theirs"), [("0", "1"), ("-1", "1"), ("1", "0"), ("1", "-5")])
@pytest.mark.parametrize("mode", [EQUITY_RATIO, BALANCE_RATIO])
def test_ratios_need_money_on_both_sides(mode, mine, theirs):
    assert _ratio(terms(volume_mode=mode), (mine, mine), (theirs, theirs)) is SkipReason.INVALID_EQUITY


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(EQUITY_RATIO, SkipReason.NO_CONVERSION_RATE), (BALANCE_RATIO, SkipReason.NO_CONVERSION_RATE), (MULTIPLIER, D(1))],
)
def test_a_missing_rate_matters_to_ratios_only(mode, expected):
    assert _ratio(terms(volume_mode=mode), ("1", "1"), ("1", "1"), rate=None) == expected


def test_limits_of_the_subscription_come_before_the_step():
    assert sized(terms(min_volume=D("0.5")), "0.49") is SkipReason.BELOW_MIN_VOLUME
    assert sized(terms(min_volume=D("0.5")), "0.50") == D("0.5")
    assert sized(terms(max_volume=D("0.5")), "0.51") == D("0.5")
    assert sized(terms(max_volume=D("0.505")), "2") == D("0.5")  # cut first, rounded after
    # 0.505 raw is not below the minimum of 0.504, although 0.50 is what comes out
    assert sized(terms(min_volume=D("0.504"), risk_multiplier=D("0.505"))) == D("0.5")


def test_contract_limits():
    assert sized(terms(risk_multiplier=D(1000)), "1") == D(100)  # cut at the largest lot
    assert sized(terms(risk_multiplier=D("0.5")), "0.01") is SkipReason.ROUNDED_TO_ZERO
    es = spec("ES")
    assert sized(terms(risk_multiplier=D("0.5")), "5", contract=es) == D(2)
    assert sized(terms(risk_multiplier=D("0.5")), "1", contract=es) is SkipReason.ROUNDED_TO_ZERO
    odd = spec("EURUSD", lot_min=D("0.1"), lot_step=D("0.03"), lot_max=D(1))
    assert sized(terms(), "0.11", contract=odd) is SkipReason.ROUNDED_TO_ZERO  # 0.09 is below the minimum
    assert sized(terms(), "5", contract=odd) == D("0.99")  # the largest multiple within the limit


settings_drawn = st.builds(
    terms,
    volume_mode=st.sampled_from([FIXED, MULTIPLIER, EQUITY_RATIO, BALANCE_RATIO]),
    risk_multiplier=st.decimals("0.01", "1000", places=2),
    fixed_volume=st.decimals("0.01", "500", places=2),
    max_volume=st.just(D(0)) | st.decimals("0.01", "200", places=2),
    min_volume=st.just(D(0)) | st.decimals("0.01", "5", places=2),
)
contracts = st.sampled_from([EURUSD, spec("ES"), spec("BTCUSD"), spec("EURUSD", lot_min=D("0.1"), lot_step=D("0.1"))])
lots = st.integers(1, 100_000).map(lambda n: D(n) / 100)
money = st.decimals("0.01", "10000000", places=2)


@given(settings_drawn, contracts, lots, lots, money, money)
def test_volumes_fit_the_contract_and_rise_with_the_leaders(settings, contract, first, second, mine, theirs):
    def volume(leader):
        return _volume_or_zero(settings, contract, leader, mine, theirs)

    small, large = sorted((first, second))
    assert volume(small) <= volume(large)
    for outcome in (volume(small), volume(large)):
        if outcome:
            assert contract.lot_min <= outcome <= contract.lot_max
            assert is_multiple(outcome, contract.lot_step)
            assert not settings.max_volume or outcome <= settings.max_volume


def _volume_or_zero(settings, contract, leader, mine, theirs):
    outcome = entry_volume(
        settings,
        event(after=leader, equity=theirs, balance=theirs),
        contract,
        equity=mine,
        balance=mine,
        leader_rate=D("1.0837"),
    )
    return D(0) if isinstance(outcome, Unsized) else outcome
