"""The built-in contracts: plain data with the sizes that exchanges and the FX market use.

Sizes, ticks and tick values are those of the exchange (CME, NYMEX, COMEX) or of the market's custom. `margin_per_lot`
of the futures is a round figure near what the exchange asks; it changes with the market, so a deployment sets its own.
`swap_long` and `swap_short` are near what the difference of interest rates makes of a night, less a margin for the house; they
change with those rates, so a deployment sets its own. A future pays nothing for nights: its price holds them.
Contracts of one `family` differ in size only: one STANDARD lot of it is worth ten MICRO lots.
"""

from dataclasses import dataclass
from decimal import Decimal

from core.contracts import AssetClass, Variant
from core.sessions import ALWAYS_OPEN

ONE = Decimal(1)
ZERO = Decimal(0)

FX_HOURS = "Sun 17:00-Fri 17:00 America/New_York"
METAL_HOURS = "Sun 18:00-Fri 17:00 break 17:00-18:00 America/New_York"
CME_HOURS = "Sun 17:00-Fri 16:00 break 16:00-17:00 America/Chicago"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueContract:
    """The terms of one contract. Volumes in lots, prices in `profit_currency`, as in `core.contracts.ContractSpec`.

    `swap_long` and `swap_short` in points of 10^-digits per lot and night, below 0 when the holder pays.
    """

    symbol: str
    description: str
    asset_class: AssetClass
    contract_size: Decimal
    tick_size: Decimal
    tick_value: Decimal
    digits: int
    profit_currency: str
    lot_min: Decimal
    lot_max: Decimal
    lot_step: Decimal
    family: str = ""
    variant: Variant = Variant.STANDARD
    margin_percent: Decimal = ONE
    margin_per_lot: Decimal = ZERO
    sessions: str = ALWAYS_OPEN
    swap_long: Decimal = ZERO
    swap_short: Decimal = ZERO
    swap_triple_day: int = 3


def _pair(symbol: str, description: str, swap_long: str, swap_short: str) -> CatalogueContract:
    """A currency pair: one lot is 100,000 of the first currency, the price is in the second."""
    quoted = symbol[3:]
    digits = 3 if quoted == "JPY" else 5
    tick = ONE.scaleb(-digits)
    return CatalogueContract(
        symbol=symbol,
        description=description,
        asset_class=AssetClass.FX,
        contract_size=Decimal(100_000),
        tick_size=tick,
        tick_value=100_000 * tick,
        digits=digits,
        profit_currency=quoted,
        lot_min=Decimal("0.01"),
        lot_max=Decimal(100),
        lot_step=Decimal("0.01"),
        sessions=FX_HOURS,
        swap_long=Decimal(swap_long),
        swap_short=Decimal(swap_short),
    )


def _future(
    symbol: str, description: str, family: str, variant: Variant, size: str, tick: str, tick_value: str, margin: int
) -> CatalogueContract:
    """A future in US dollars, traded in whole contracts."""
    return CatalogueContract(
        symbol=symbol,
        description=description,
        asset_class=AssetClass.FUTURE,
        family=family,
        variant=variant,
        contract_size=Decimal(size),
        tick_size=Decimal(tick),
        tick_value=Decimal(tick_value),
        digits=2,
        profit_currency="USD",
        lot_min=ONE,
        lot_max=Decimal(500),
        lot_step=ONE,
        margin_per_lot=Decimal(margin),
        sessions=CME_HOURS,
        swap_triple_day=0,
    )


CONTRACTS: tuple[CatalogueContract, ...] = (
    _pair("EURUSD", "Euro vs US Dollar", "-7.2", "2.9"),
    _pair("GBPUSD", "Pound Sterling vs US Dollar", "-1.9", "-1.6"),
    _pair("USDJPY", "US Dollar vs Japanese Yen", "11.5", "-18"),
    _pair("USDCHF", "US Dollar vs Swiss Franc", "7.4", "-12.1"),
    _pair("USDCAD", "US Dollar vs Canadian Dollar", "3.4", "-7.8"),
    _pair("AUDUSD", "Australian Dollar vs US Dollar", "-1.7", "-0.6"),
    _pair("NZDUSD", "New Zealand Dollar vs US Dollar", "-1.9", "-0.3"),
    _pair("EURGBP", "Euro vs Pound Sterling", "-6.1", "2.5"),
    _pair("EURJPY", "Euro vs Japanese Yen", "3.9", "-9.6"),
    _pair("GBPJPY", "Pound Sterling vs Japanese Yen", "13.6", "-22.4"),
    _pair("EURCHF", "Euro vs Swiss Franc", "2.6", "-6.9"),
    _pair("AUDJPY", "Australian Dollar vs Japanese Yen", "6.8", "-12.7"),
    CatalogueContract(
        symbol="XAUUSD",
        description="Gold vs US Dollar",
        asset_class=AssetClass.METAL,
        contract_size=Decimal(100),
        tick_size=Decimal("0.01"),
        tick_value=Decimal("1.00"),
        digits=2,
        profit_currency="USD",
        lot_min=Decimal("0.01"),
        lot_max=Decimal(50),
        lot_step=Decimal("0.01"),
        sessions=METAL_HOURS,
        swap_long=Decimal(-38),
        swap_short=Decimal(14),
    ),
    _future("ES", "E-mini S&P 500", "ES", Variant.STANDARD, "50", "0.25", "12.50", 23_000),
    _future("MES", "Micro E-mini S&P 500", "ES", Variant.MICRO, "5", "0.25", "1.25", 2_300),
    _future("NQ", "E-mini Nasdaq-100", "NQ", Variant.STANDARD, "20", "0.25", "5.00", 33_000),
    _future("MNQ", "Micro E-mini Nasdaq-100", "NQ", Variant.MICRO, "2", "0.25", "0.50", 3_300),
    _future("CL", "Crude Oil WTI", "CL", Variant.STANDARD, "1000", "0.01", "10.00", 5_500),
    _future("MCL", "Micro Crude Oil WTI", "CL", Variant.MICRO, "100", "0.01", "1.00", 550),
    _future("GC", "Gold Futures", "GC", Variant.STANDARD, "100", "0.10", "10.00", 20_000),
    _future("MGC", "Micro Gold Futures", "GC", Variant.MICRO, "10", "0.10", "1.00", 2_000),
    CatalogueContract(
        symbol="BTCUSD",
        description="Bitcoin vs US Dollar",
        asset_class=AssetClass.CRYPTO,
        contract_size=ONE,
        tick_size=Decimal("0.01"),
        tick_value=Decimal("0.01"),
        digits=2,
        profit_currency="USD",
        lot_min=Decimal("0.01"),
        lot_max=Decimal(50),
        lot_step=Decimal("0.01"),
        margin_percent=Decimal(10),  # a tenth of the account's leverage
        swap_long=Decimal(-1800),
        swap_short=Decimal(-540),
        swap_triple_day=0,  # it settles every day, so every night counts once
    ),
)

BY_SYMBOL: dict[str, CatalogueContract] = {contract.symbol: contract for contract in CONTRACTS}
