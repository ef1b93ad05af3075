"""The simulated market: a bid and an ask for every instrument at every instant, from a seed.

A price is a reference times the drivers above the line over the drivers below it. Every currency is a driver, so
crosses agree with their pairs at every instant (EURGBP is EURUSD over GBPUSD), and contracts of one family, such as ES
and MES, have one price. Quotes made here are stored with the source SIMULATED and shown as such; nobody is to take them
for a market.

The curve does not depend on what was quoted before. A `basis` joins it to a quote that came from elsewhere: prices are
multiplied by it, so the simulation goes on from that quote instead of jumping.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.contracts import AssetClass
from core.rounding import ONE, nearest_to_step
from trading.catalogue import BY_SYMBOL
from trading.feed.noise import deviation, stream

SEED = 20_200_101
"""The seed of the deployment's simulated market; all its tenants see the same one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_HIGHEST_PRICE = Decimal(10) ** 15

_DAILY_VOLATILITY: dict[str, Decimal] = {
    name: Decimal(percent) / 100
    for name, percent in {
        "USD": "0.25", "EUR": "0.30", "GBP": "0.35", "JPY": "0.40", "CHF": "0.30", "CAD": "0.25", "AUD": "0.45",
        "NZD": "0.50", "gold": "0.90", "stocks": "0.90", "technology": "0.50", "oil": "1.80", "bitcoin": "2.50",
    }.items()
}  # fmt: skip
_CLASS_VOLATILITY: dict[str, Decimal] = {
    AssetClass.FX: Decimal("0.005"),
    AssetClass.METAL: Decimal("0.01"),
    AssetClass.FUTURE: Decimal("0.01"),
    AssetClass.CRYPTO: Decimal("0.03"),
    AssetClass.CFD: Decimal("0.01"),
    AssetClass.INDEX: Decimal("0.01"),
}
_WORTH_IN_USD: dict[str, Decimal] = {
    "USD": ONE,
    "EUR": Decimal("1.16"),
    "GBP": Decimal("1.32"),
    "JPY": ONE / 155,
    "CHF": Decimal("1.24"),
    "CAD": Decimal("0.715"),
    "AUD": Decimal("0.655"),
    "NZD": Decimal("0.57"),
}
_OTHERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "XAUUSD": ("4080", ("gold",)),
    "GC": ("4095", ("gold",)),
    "ES": ("6800", ("stocks",)),
    "NQ": ("25000", ("stocks", "technology")),
    "CL": ("62", ("oil",)),
    "BTCUSD": ("95000", ("bitcoin",)),
}
"""By symbol or family: the price in the middle of the band, and what moves it."""
_SPREAD_TICKS: dict[str, int] = {
    "EURUSD": 7, "GBPUSD": 10, "USDJPY": 9, "USDCHF": 12, "USDCAD": 12, "AUDUSD": 9, "NZDUSD": 14, "EURGBP": 11,
    "EURJPY": 15, "GBPJPY": 22, "EURCHF": 16, "AUDJPY": 16, "XAUUSD": 22, "ES": 1, "MES": 1, "NQ": 2, "MNQ": 2, "CL": 1,
    "MCL": 1, "GC": 1, "MGC": 1, "BTCUSD": 1_200,
}  # fmt: skip
_UNKNOWN_PRICE_TICKS = 10_000
_UNKNOWN_SPREAD_TICKS = 2


@dataclass(frozen=True, slots=True)
class Driver:
    """One thing that moves prices, and its usual change in a day."""

    name: str
    daily_volatility: Decimal


@dataclass(frozen=True, slots=True)
class Profile:
    """How one instrument is simulated."""

    symbol: str
    reference: Decimal
    above: tuple[Driver, ...]
    below: tuple[Driver, ...]
    tick_size: Decimal
    spread: Decimal


def profile_of(symbol: str, asset_class: str, tick_size: Decimal) -> Profile:
    """The profile of any instrument: of the catalogue's contract of this name and kind, else a plausible one.

    An instrument that is not in the catalogue has 10,000 ticks as its middle.
    """
    contract = BY_SYMBOL.get(symbol)
    if contract is None or contract.asset_class != asset_class:
        own = Driver(f"instrument {symbol}", _CLASS_VOLATILITY[asset_class])
        return Profile(
            symbol, _UNKNOWN_PRICE_TICKS * tick_size, (own,), (), tick_size, _UNKNOWN_SPREAD_TICKS * tick_size
        )
    above: tuple[str, ...]
    below: tuple[str, ...]
    if contract.asset_class == AssetClass.FX:
        bought, paid = symbol[:3], symbol[3:]
        reference = _WORTH_IN_USD[bought] / _WORTH_IN_USD[paid]
        above, below = (bought,), (paid,)
    else:
        price, above = _OTHERS[contract.family or symbol]
        reference, below = Decimal(price), ("USD",)
    spread = _SPREAD_TICKS[symbol] * contract.tick_size
    return Profile(
        symbol=symbol,
        reference=reference,
        above=_drivers(above),
        below=_drivers(below),
        tick_size=tick_size,
        # an operator may quote the contract in other ticks than the exchange
        spread=max(nearest_to_step(spread, tick_size), tick_size),
    )


def next_quote(profile: Profile, at: datetime, *, seed: int = SEED, basis: Decimal = ONE) -> tuple[Decimal, Decimal]:
    """Bid and ask at `at`, on ticks, 0 < bid < ask."""
    middle = min(fair_price(profile, at, seed=seed) * basis, _HIGHEST_PRICE)
    bid = nearest_to_step(middle - profile.spread / 2, profile.tick_size)
    if bid <= 0:
        bid = profile.tick_size
    return bid, bid + profile.spread


def path(
    profile: Profile, start: datetime, end: datetime, step: timedelta, *, seed: int = SEED, basis: Decimal = ONE
) -> Iterator[tuple[datetime, Decimal, Decimal]]:
    """(instant, bid, ask) from `start` up to and including `end`, every `step`.

    The live simulation of the same seed goes on exactly where it ends.
    """
    at = start
    while at <= end:
        yield at, *next_quote(profile, at, seed=seed, basis=basis)
        at += step


def basis_of(profile: Profile, bid: Decimal, ask: Decimal, at: datetime, *, seed: int = SEED) -> Decimal:
    """The basis that lets the simulation go on from this quote: 1 when the quote lies on the curve already."""
    middle, fair = (bid + ask) / 2, fair_price(profile, at, seed=seed)
    # what rounding to ticks may have moved it by
    if abs(middle - fair) <= profile.tick_size:
        return ONE
    return middle / fair


def fair_price(profile: Profile, at: datetime, *, seed: int = SEED) -> Decimal:
    """The unrounded price on the curve, above 0."""
    at_ms = (at - _EPOCH) // _MILLISECOND
    price = profile.reference
    for driver in profile.above:
        price *= _level(driver, seed, at_ms)
    for driver in profile.below:
        price /= _level(driver, seed, at_ms)
    return price


def rests(symbol: str, at: datetime, *, seed: int = SEED) -> bool:
    """Whether a symbol skips a live step: about every fourth, so that symbols do not move in one beat."""
    return stream(seed ^ ((at - _EPOCH) // _MILLISECOND), symbol) % 4 == 0


def _level(driver: Driver, seed: int, at_ms: int) -> Decimal:
    return ONE + deviation(stream(seed, driver.name), at_ms, driver.daily_volatility)


def _drivers(names: tuple[str, ...]) -> tuple[Driver, ...]:
    return tuple(Driver(name, _DAILY_VOLATILITY[name]) for name in names)
