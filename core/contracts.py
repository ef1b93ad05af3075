"""What a contract is: sizes, ticks, steps and margin, as plain values."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.sessions import ALWAYS_OPEN


class AssetClass(StrEnum):
    FX = "FX"
    METAL = "METAL"
    FUTURE = "FUTURE"
    CRYPTO = "CRYPTO"
    CFD = "CFD"
    INDEX = "INDEX"


class Variant(StrEnum):
    MICRO = "MICRO"
    MINI = "MINI"
    STANDARD = "STANDARD"


@dataclass(frozen=True, slots=True)
class ContractSpec:
    """The terms of one instrument. Volumes in lots (1 futures contract = 1 lot), prices in the profit currency.

    `tick_value` is the worth of one tick of one lot in `profit_currency`; `margin_per_lot` is used for futures when set
    (above 0), `margin_percent` is a factor (1 = as it stands); `sessions` is a line of `core.sessions`.
    """

    id: int
    symbol: str
    asset_class: str
    family: str
    variant: str
    contract_size: Decimal
    tick_size: Decimal
    tick_value: Decimal
    digits: int
    profit_currency: str
    lot_min: Decimal
    lot_max: Decimal
    lot_step: Decimal
    margin_percent: Decimal
    margin_per_lot: Decimal
    stale_quote_seconds: int
    trade_enabled: bool
    sessions: str = ALWAYS_OPEN

    @property
    def point_value(self) -> Decimal:
        """The worth of a price change of 1.0 for one lot, in the profit currency."""
        return self.tick_value / self.tick_size
