"""What copying tells of itself: Prometheus figures, and one line of log for each copy that needs a look.

Counted after the commit and only then: a turn that is rolled back has copied nothing.
"""

import logging
from collections import Counter as Counted
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.utils import DatabaseError, InterfaceError
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import Tenant
from copytrade.engine.outcome import Copy
from core.states import CopyStatus
from infra.bulk import hot_cursor
from infra.tenancy import tenant_scope

logger = logging.getLogger("copytrade.copies")

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

copies_total = Counter("copytrade_copies_total", "Copies by what became of them.", ["action", "status", "reason"])
decided_seconds = Histogram(
    "copytrade_known_to_decided_seconds", "From the leader's fill to the decision.", buckets=_SECONDS
)
filled_seconds = Histogram("copytrade_known_to_filled_seconds", "From the leader's fill to the copy.", buckets=_SECONDS)

# Those that lag, the worst shard of each. The age is that of the oldest event that waits.
_LAG_SQL = b"""
SELECT a.login, h.head_seq - s.cursor, extract(epoch FROM %(at)s - e.at)::float8
FROM (SELECT leader_id, min(cursor) AS cursor FROM copytrade_leadershard GROUP BY leader_id) s
JOIN copytrade_inboxhead h ON h.leader_id = s.leader_id AND h.head_seq > s.cursor
JOIN accounts_tradingaccount a ON a.id = s.leader_id
LEFT JOIN trading_accountevent e ON e.account_id = s.leader_id AND e.seq = s.cursor + 1
"""


def copies_note(copies: Sequence[Copy], filled_at: datetime) -> None:
    """Counts the copies of a turn whose transaction has been committed at `filled_at`."""
    kinds = Counted((copy.event.kind.value, copy.status.value, copy.reason) for copy in copies)
    for labels, number in kinds.items():
        copies_total.labels(*labels).inc(number)
    for copy in copies:
        decided_seconds.observe((copy.decided_at - copy.event.at).total_seconds())
        if copy.status is CopyStatus.FILLED:
            filled_seconds.observe((filled_at - copy.event.at).total_seconds())
        elif copy.status is CopyStatus.REJECTED or copy.reason == "EVENT_FAILED":
            logger.warning(
                "copy_order=%s event=%s%s subscription=%s follower=%s leader_order=%s action=%s status=%s reason=%s",
                copy.id, copy.event.source_kind, copy.event.id, copy.settings.subscription_id, copy.account.login,
                copy.event.trade_id, copy.event.kind.value, copy.status.value, copy.reason,
            )  # fmt: skip


def turn_note(leader: int, copies: Sequence[Copy], filled_at: datetime) -> None:
    """One line of log for a turn that filled something: its events, and the time from the oldest one to the copies."""
    filled = sum(1 for copy in copies if copy.status is CopyStatus.FILLED)
    if not filled or not logger.isEnabledFor(logging.INFO):
        return
    first, last = copies[0].event, copies[-1].event
    lag = (filled_at - min(copy.event.at for copy in copies)) / timedelta(milliseconds=1)
    logger.info(
        "leader=%s events=%s%s..%s copies=%s filled=%s ms=%.1f",
        leader, first.source_kind, first.id, last.id, len(copies), filled, lag,
    )  # fmt: skip


class LagCollector(Collector):
    """How far each leader's copying is behind, asked of the database when somebody looks; leaders up to date are left
    out. `clock` says what time it is then."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        yield from ()

    def collect(self) -> Iterator[Metric]:
        events = GaugeMetricFamily("copytrade_lag_events", "Events not copied yet.", labels=["tenant", "leader"])
        ages = GaugeMetricFamily("copytrade_lag_seconds", "Age of the oldest of them.", labels=["tenant", "leader"])
        try:
            for slug, login, behind, age in _lags(self._clock()):
                events.add_metric([slug, str(login)], behind)
                if age is not None:
                    ages.add_metric([slug, str(login)], age)
        except (DatabaseError, InterfaceError):
            # What the processes count is told all the same: it is then that somebody looks.
            logger.warning("the lag cannot be told: the database does not answer")
        yield events
        yield ages


def _lags(at: datetime) -> Iterator[tuple[str, int, int, float | None]]:
    """Tenant, leader's login, events and seconds behind."""
    for tenant_id, slug in Tenant.objects.filter(live=True).values_list("id", "slug"):
        with tenant_scope(tenant_id):
            rows = hot_cursor().execute(_LAG_SQL, {"at": at}).fetchall()
        for login, behind, age in rows:
            yield slug, login, behind, age
