"""What accounts were worth at the ends of trading days."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef

from core.rounding import plain
from rewards.domain.pairs import DayEquity
from trading.models import DayEnd, EquitySnapshot


def ended_days(account_ids: Collection[int], since: datetime, until: datetime) -> dict[int, list[DayEquity]]:
    """The days of these accounts that ended after `since` and not after `until`, in their order; absent without any.

    An account's first snapshot, which its first deposit writes, is the end of no day.
    """
    ends = DayEnd.objects.filter(day=OuterRef("day"), boundary_at=OuterRef("at"))
    rows = EquitySnapshot.objects.filter(Exists(ends), account_id__in=list(account_ids), at__gt=since, at__lte=until)
    found: defaultdict[int, list[DayEquity]] = defaultdict(list)
    for row in rows.order_by("day"):
        found[row.account_id].append(DayEquity(row.day, row.at, plain(row.equity)))
    return found
