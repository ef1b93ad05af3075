"""What rewards come to, computed a second time and slowly: from the list of everything that was closed, at one go.

Shares nothing with the product but the words of docs/algorithms/fees.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Won:
    """A copy that was closed."""

    at: datetime
    lots: Decimal
    net: Decimal


def trading_day(at: datetime) -> date:
    """Days end at 17:00 in New York and are called after the date on which they end."""
    local = at.astimezone(NEW_YORK)
    return local.date() + timedelta(days=1) if local.time() >= time(17) else local.date()


def period_ends(begin: datetime, until: datetime, period: str) -> list[datetime]:
    """The ends of periods from the subscription at `begin` on, up to `until`."""
    first, ends, number = trading_day(begin), [], 0
    while True:
        number += 1
        if period == "weekly":
            next_first = first + timedelta(days=7 * number)
        else:
            year, month = first.year + (first.month - 1 + number) // 12, (first.month - 1 + number) % 12 + 1
            next_first = next(date(year, month, day) for day in range(first.day, 0, -1) if _exists(year, month, day))
        end = datetime.combine(next_first - timedelta(days=1), time(17), NEW_YORK)
        if end > until:
            return ends
        ends.append(end)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def cents(amount: Decimal) -> Decimal:
    return max(Decimal(0), amount.quantize(CENT, ROUND_HALF_EVEN))


def slow_fees(
    terms: dict[str, Any], begin: datetime, until: datetime, closed: Sequence[Won], *, stopped: bool = False
) -> list[tuple[Decimal, Decimal]]:
    """(base, fee) of every charge above zero until `until`, in the order of time; with `stopped` the subscription ended
    then."""
    kind, percent = terms["reward_type"], terms.get("fee_percent", Decimal(0)) / 100
    if kind == 3:
        shares = [(won.net, cents(won.net * percent)) for won in sorted(closed, key=lambda w: w.at)]
        return [(base, fee) for base, fee in shares if fee]
    ends = period_ends(begin, until, terms["billing_period"])
    if kind == 0:
        return [(terms["fee_amount"], cents(terms["fee_amount"]))] * (len(ends) + 1)
    if stopped:
        ends.append(until + timedelta(microseconds=1))
    edges = [datetime.min.replace(tzinfo=NEW_YORK), *ends]
    periods = [[w for w in closed if low <= w.at < high] for low, high in zip(edges, ends, strict=False)]
    found = []
    if kind == 2:
        for period in periods:
            lots = sum((won.lots for won in period), Decimal(0))
            found.append((lots, cents(lots * terms["fee_amount"])))
    else:
        paid: list[Decimal] = []
        results: list[Decimal] = []  # the cumulative result at each settlement so far
        for period in periods:
            won = sum((one.net for one in period), Decimal(0))
            if not period:
                continue
            total = sum((one.net for p in periods[: periods.index(period) + 1] for one in p), Decimal(0))
            fee = cents(_performance(terms, percent, won, total, results, paid))
            results.append(total)
            paid.append(fee)
            found.append((won, fee))
    return [(base, fee) for base, fee in found if fee]


def _performance(
    terms: dict[str, Any], percent: Decimal, won: Decimal, total: Decimal, results: list[Decimal], paid: list[Decimal]
) -> Decimal:
    if not terms.get("hwm_enabled", True):
        return won * percent
    convention = terms.get("hwm_convention", "GROSS")
    so_far = sum(paid, Decimal(0))
    if convention == "CUMULATIVE":
        return total * percent - so_far
    after = 1 if convention == "NET" else 0
    values = [result - sum(paid[: place + after], Decimal(0)) for place, result in enumerate(results)]
    return (total - so_far - max([Decimal(0), *values])) * percent
