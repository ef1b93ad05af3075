"""The built-in contracts: plain data with the sizes that exchanges and the FX market use.

Sizes, ticks and tick values are those of the exchange (CME, NYMEX, COMEX) or of the market's custom. `margin_per_lot`
of the futures is a round figure near what the exchange asks; it changes with the market, so a deployment sets its own.
Nothing is charged for nights: what that costs changes with interest rates, so a deployment sets that as well.
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
    """The terms of one contract. Volumes in lots, prices in `profit_currency`, as in `core.contracts.ContractSpec`."""

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
    swap_triple_day: int = 3


def _pair(symbol: str, description: str) -> CatalogueContract:
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
    _pair("EURUSD", "Euro vs US Dollar"),
    _pair("GBPUSD", "Pound Sterling vs US Dollar"),
    _pair("USDJPY", "US Dollar vs Japanese Yen"),
    _pair("USDCHF", "US Dollar vs Swiss Franc"),
    _pair("USDCAD", "US Dollar vs Canadian Dollar"),
    _pair("AUDUSD", "Australian Dollar vs US Dollar"),
    _pair("NZDUSD", "New Zealand Dollar vs US Dollar"),
    _pair("EURGBP", "Euro vs Pound Sterling"),
    _pair("EURJPY", "Euro vs Japanese Yen"),
    _pair("GBPJPY", "Pound Sterling vs Japanese Yen"),
    _pair("EURCHF", "Euro vs Swiss Franc"),
    _pair("AUDJPY", "Australian Dollar vs Japanese Yen"),
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
        swap_triple_day=0,
    ),
)

BY_SYMBOL: dict[str, CatalogueContract] = {contract.symbol: contract for contract in CONTRACTS}
