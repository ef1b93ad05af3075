"""How fast copies were and what slippage cost, in words (D28, X02): the rows of the table that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.selectors_latency import CopySpeed, Percentiles, copy_latency
from infra.actor import Actor
from portal import formats
from portal.words import VENUES

DAYS: Final = 7
"""How far back the pages count."""


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure: `values` are those that half, 95 and 99 of 100 copies do not exceed, written out."""

    label: str
    values: list[str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SpeedPart:
    """The measures of some copies under a heading."""

    title: str
    speed: CopySpeed
    rows: list[MeasureRow]


def speed_parts(actor: Actor, shown: Sequence[TradingAccount], at: datetime) -> list[SpeedPart]:
    """The copies of these accounts over the last days: by master, by group and by venue; empty where none was measured.

    Where all come from one source through one venue, that is told once.
    """
    found = copy_latency(actor, hours=24 * DAYS, at=at, shown=shown)
    sources = [(source.name, source.speed) for source in (*found.masters, *found.groups)]
    venues = [(str(VENUES.get(venue, venue)), speed) for venue, speed in found.venues]
    if len(sources) == len(venues) == 1:
        (source, speed), (venue, _same) = *sources, *venues
        return [_part(f"{source} · {venue}", speed)]
    through = [(_("All copies through %(venue)s") % {"venue": venue}, speed) for venue, speed in venues]
    return [_part(title, speed) for title, speed in (*sources, *through)]


def speed_of_master(actor: Actor, master_id: int, at: datetime) -> list[SpeedPart]:
    """The copies of one master that the viewer may see: as its owner all of them, as a follower the own ones."""
    found = copy_latency(actor, hours=24 * DAYS, at=at)
    return [_part(source.name, source.speed) for source in found.masters if source.id == master_id]


def _part(title: str, speed: CopySpeed) -> SpeedPart:
    rows = [
        MeasureRow(_("Decided, ms"), _written(speed.decided, 1)),
        MeasureRow(_("Sent, ms"), _written(speed.sent, 1)),
        MeasureRow(_("Filled, ms"), _written(speed.filled, 1)),
        MeasureRow(_("Slippage, points"), _written(speed.slippage)),
    ]
    for money in speed.slippage_money:
        whole = formats.money(money.total, money.currency, sign=True)
        values = [formats.money(value, money.currency) for value in (money.each.p50, money.each.p95, money.each.p99)]
        note = _("%(amount)s %(currency)s in all") % {"amount": whole, "currency": money.currency}
        rows.append(MeasureRow(_("Slippage, %(currency)s") % {"currency": money.currency}, values, note))
    return SpeedPart(title, speed, rows)


def _written(found: Percentiles | None, digits: int | None = None) -> list[str]:
    if found is None:
        return [formats.NO_VALUE] * 3
    values: tuple[Decimal, ...] = (found.p50, found.p95, found.p99)
    return [formats.number(value, digits) for value in values]
