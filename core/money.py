"""Currencies and their digits."""

from decimal import Decimal

from core.rounding import half_even

DEFAULT_DIGITS = 2

_DIGITS = {"JPY": 0, "KRW": 0, "HUF": 0, "BTC": 8, "ETH": 8, "USDT": 6, "USDC": 6}


def currency_digits(currency: str) -> int:
    """Digits after the point in which amounts of `currency` are booked."""
    return _DIGITS.get(currency, DEFAULT_DIGITS)


def round_money(amount: Decimal, currency: str) -> Decimal:
    """An amount in `currency`, rounded half-even to its digits, as it is booked."""
    return half_even(amount, _DIGITS.get(currency, DEFAULT_DIGITS))
