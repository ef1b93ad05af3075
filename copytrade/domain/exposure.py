"""How much a follower's open copies weigh against its money (D22)."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

WARNING_SHARE: Final = Decimal("0.8")
"""The share of the tenant's threshold from which on staff are warned."""


class Overleverage(StrEnum):
    """What staff are told about a follower. UNKNOWN: something it holds cannot be priced."""

    NONE = ""
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"


def leverage_of(exposure: Decimal | None, equity: Decimal) -> Decimal | None:
    """Gross notional of the open copies / equity; None when the exposure is unknown or nothing is left to carry it."""
    if exposure is None or equity <= 0:
        return None
    return exposure / equity


def overleverage(exposure: Decimal | None, equity: Decimal, threshold: Decimal) -> Overleverage:
    """Whether a follower carries too much: WARNING from 80 % of the `threshold` of exposure / equity on, CRITICAL from
    all of it on, and with open copies on no equity."""
    if exposure is None:
        return Overleverage.UNKNOWN
    if not exposure:
        return Overleverage.NONE
    leverage = leverage_of(exposure, equity)
    if leverage is None or leverage >= threshold:
        return Overleverage.CRITICAL
    return Overleverage.WARNING if leverage >= threshold * WARNING_SHARE else Overleverage.NONE
