"""The simulated market: the same for everybody, without a seam, and shaped like a market."""

import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts import AssetClass
from core.rounding import ONE, is_multiple
from trading.catalogue import BY_SYMBOL, CONTRACTS
from trading.feed import noise
from trading.feed.simulation import Profile, basis_of, fair_price, next_quote, path, profile_of, rests

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


PINNED = {
    "EURUSD": (Decimal("1.13541"), Decimal("1.13548")),
    "ES": (Decimal("6449.00"), Decimal("6449.25")),
}


def profile(symbol: str) -> Profile:
    contract = BY_SYMBOL[symbol]
    return profile_of(symbol, contract.asset_class, contract.tick_size)


def test_same_seed_and_instant_give_the_same_quote() -> None:
    before = [next_quote(profile(c.symbol), NOW, seed=7) for c in CONTRACTS]
    for remembered in (noise.raw, noise.stream, noise._lattice):
        remembered.cache_clear()
    assert [next_quote(profile(c.symbol), NOW, seed=7) for c in CONTRACTS] == before
    assert [next_quote(profile(c.symbol), NOW, seed=8) for c in CONTRACTS] != before


def test_values_stay_what_they_are() -> None:
    """A changed formula would tear every running deployment's prices: it is to be meant."""
    assert next_quote(profile("EURUSD"), NOW, seed=1) == PINNED["EURUSD"]
    assert next_quote(profile("ES"), NOW, seed=1) == PINNED["ES"]


def test_the_past_ends_where_the_live_market_begins() -> None:
    past = list(path(profile("EURUSD"), NOW - 90 * DAY, NOW, QUARTER, seed=3))
    assert len(past) == 90 * 96 + 1
    assert past[-1] == (NOW, *next_quote(profile("EURUSD"), NOW, seed=3))
    # and a quarter of a second later it is still there, but for a few points
    bid, _ask = next_quote(profile("EURUSD"), NOW + timedelta(milliseconds=250), seed=3)
    assert abs(bid - past[-1][1]) <= Decimal("0.00010")


@pytest.mark.parametrize("symbol", ["EURUSD", "USDJPY", "ES", "CL", "BTCUSD", "XAUUSD"])
def test_no_step_is_a_jump(symbol: str) -> None:
    middles = [(bid + ask) / 2 for _at, bid, ask in path(profile(symbol), NOW, NOW + 2 * DAY, QUARTER, seed=5)]
    daily = {"EURUSD": 0.5, "USDJPY": 0.6, "ES": 1.0, "CL": 2.0, "BTCUSD": 2.6, "XAUUSD": 1.0}[symbol] / 100
    largest = max(abs(float(b / a) - 1) for a, b in pairwise(middles))
    # six standard deviations of a quarter of an hour
    assert largest < 6 * daily / 96**0.5


@pytest.mark.parametrize(
    ("symbol", "least", "most"),
    [("EURUSD", 0.25, 0.55), ("ES", 0.6, 1.3), ("CL", 1.2, 2.6), ("BTCUSD", 1.7, 3.6)],
)
def test_a_usual_day_moves_as_a_market_does(symbol: str, least: float, most: float) -> None:
    start = NOW - 400 * DAY
    closes = [(bid + ask) / 2 for _at, bid, ask in path(profile(symbol), start, NOW, DAY, seed=11)]
    changes = [float(b / a) - 1 for a, b in pairwise(closes)]
    assert least < 100 * statistics.pstdev(changes) < most


def test_a_price_never_leaves_its_band() -> None:
    for symbol, widest in {"EURUSD": 0.08, "CL": 0.27, "BTCUSD": 0.36}.items():
        one = profile(symbol)
        for _at, bid, _ask in path(one, NOW - 800 * DAY, NOW, 3 * DAY, seed=2):
            assert abs(float(bid / one.reference) - 1) < widest


def test_a_micro_has_the_price_of_its_standard() -> None:
    for standard in ("ES", "NQ", "CL", "GC"):
        for hours in range(24):
            at = NOW + timedelta(hours=hours)
            assert next_quote(profile(standard), at) == next_quote(profile(f"M{standard}"), at)


def test_crosses_agree_with_their_pairs() -> None:
    for hours in range(48):
        at = NOW + timedelta(hours=hours)
        price = {c.symbol: fair_price(profile(c.symbol), at) for c in CONTRACTS}
        assert abs(price["EURGBP"] * price["GBPUSD"] - price["EURUSD"]) < Decimal("1e-20")
        assert abs(price["EURUSD"] * price["USDJPY"] - price["EURJPY"]) < Decimal("1e-18")


def test_quotes_lie_on_ticks_with_the_usual_spread() -> None:
    for contract in CONTRACTS:
        bid, ask = next_quote(profile(contract.symbol), NOW)
        assert is_multiple(bid, contract.tick_size)
        assert is_multiple(ask, contract.tick_size)
        assert 0 < bid < ask < bid * Decimal("1.001")


@given(
    asset_class=st.sampled_from(AssetClass),
    tick=st.decimals(min_value="0.0000000001", max_value=10**15, places=10),
    basis=st.decimals(min_value="0.0000000001", max_value=10**12, places=10),
    days=st.integers(-30_000, 30_000),
)
def test_any_instrument_gets_a_valid_quote(asset_class: str, tick: Decimal, basis: Decimal, days: int) -> None:
    one = profile_of("WHATEVER", asset_class, tick)
    bid, ask = next_quote(one, NOW + timedelta(days=days), basis=basis)
    assert 0 < bid < ask < Decimal(10) ** 20


def test_an_instrument_with_a_known_name_of_another_kind_is_not_taken_for_it() -> None:
    assert profile_of("ES", AssetClass.CFD, Decimal("0.01")).reference == 100


@pytest.mark.parametrize(("bid", "ask"), [("1.5", "1.5002"), ("0.9", "0.9"), ("250", "251")])
def test_it_goes_on_from_a_quote_that_was_posted(bid: str, ask: str) -> None:
    one = profile("EURUSD")
    basis = basis_of(one, Decimal(bid), Decimal(ask), NOW)
    middle = (Decimal(bid) + Decimal(ask)) / 2
    joined, _ask = next_quote(one, NOW, basis=basis)
    assert abs(joined + one.spread / 2 - middle) <= one.tick_size
    later = fair_price(one, NOW + DAY) / fair_price(one, NOW)
    moved, _ask = next_quote(one, NOW + DAY, basis=basis)
    assert abs(moved + one.spread / 2 - middle * later) <= one.tick_size


def test_its_own_quotes_need_no_basis() -> None:
    for contract in CONTRACTS:
        for minutes in range(60):
            at = NOW + timedelta(minutes=minutes)
            bid, ask = next_quote(profile(contract.symbol), at)
            assert basis_of(profile(contract.symbol), bid, ask, at) == ONE


def test_two_to_four_ticks_a_second() -> None:
    steps = [NOW + timedelta(milliseconds=250 * n) for n in range(4_000)]
    for symbol in ("EURUSD", "ES"):
        ticks = sum(not rests(symbol, at) for at in steps)
        assert 2_800 < ticks < 3_200
    assert any(rests("EURUSD", at) != rests("ES", at) for at in steps), "symbols do not move in one beat"
