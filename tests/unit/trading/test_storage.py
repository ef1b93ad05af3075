"""Storage of a night against numbers worked by hand in docs/algorithms/money.md, and what holds for all of them."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.states import Side
from tests.support.house import AT, spec
from trading.domain.storage import SwapTerms, night_storage
from trading.domain.values import Ticket

MONDAY = date(2026, 3, 2)


def held(symbol: str, volume: str, side: Side = Side.BUY) -> Ticket:
    return Ticket(id=1, spec=spec(symbol), side=side, volume=D(volume), open_price=D(1), open_at=AT)


@pytest.mark.parametrize(
    ("symbol", "side", "volume", "points", "nights", "rate", "currency", "amount"),
    [
        ("EURUSD", Side.BUY, "1.00", "-6.5", 1, "1", "USD", "-6.50"),
        ("EURUSD", Side.BUY, "1.00", "-6.5", 3, "1", "USD", "-19.50"),
        ("EURUSD", Side.SELL, "0.50", "1.2", 1, "1", "USD", "0.60"),
        ("EURUSD", Side.BUY, "0.01", "-6.5", 1, "1", "USD", "-0.06"),  # -0.065, half-even
        ("EURUSD", Side.BUY, "0.03", "-6.5", 1, "1", "USD", "-0.20"),  # -0.195, half-even
        ("ES", Side.BUY, "2", "-40", 1, "1", "USD", "-40.00"),  # 0.40 is 1.6 ticks of 12.50
        ("XAUUSD", Side.BUY, "0.10", "-32", 1, "1", "USD", "-3.20"),
        ("USDJPY", Side.BUY, "0.20", "-25", 1, "1", "JPY", "-500"),
        ("BTCUSD", Side.SELL, "0.05", "-1800", 1, "0.8", "EUR", "-0.72"),
    ],
)
def test_a_night(symbol, side, volume, points, nights, rate, currency, amount):
    terms = SwapTerms(D(points), D(0), 3) if side is Side.BUY else SwapTerms(D(0), D(points), 3)
    assert night_storage(held(symbol, volume, side), terms, nights, D(rate), currency) == D(amount)


@pytest.mark.parametrize(
    ("triple_day", "week"),
    [
        (3, [1, 1, 3, 1, 1, 0, 0]),
        (5, [1, 1, 1, 1, 3, 0, 0]),
        (1, [3, 1, 1, 1, 1, 0, 0]),
        (7, [1, 1, 1, 1, 1, 0, 3]),
        (0, [1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_the_nights_of_a_week(triple_day, week):
    terms = SwapTerms(D(-1), D(-1), triple_day)
    assert [terms.nights(MONDAY + timedelta(days=day)) for day in range(7)] == week


@given(st.dates(), st.integers(0, 7))
def test_any_seven_days_have_seven_nights(first, triple_day):
    """Wherever a week begins, weekends are paid for once; with the weekend's own triple day by eight nights at most."""
    terms = SwapTerms(D(-1), D(-1), triple_day)
    nights = sum(terms.nights(date.fromordinal((first.toordinal() + day - 1) % 700_000 + 1)) for day in range(7))
    assert nights == (8 if triple_day in (6, 7) else 7)


@given(
    st.decimals(-1000, 1000, places=2),
    st.integers(1, 1000),
    st.sampled_from(("EURUSD", "USDJPY", "XAUUSD", "BTCUSD")),
)
def test_what_is_long_for_one_is_short_for_the_other(points, hundredths, symbol):
    terms = SwapTerms(points, -points, 3)
    volume = str(D(hundredths) / 100)
    buy, sell = (night_storage(held(symbol, volume, side), terms, 1, D(1), "USD") for side in Side)
    assert buy == -sell
    assert abs(buy) <= abs(night_storage(held(symbol, volume), terms, 3, D(1), "USD"))
