"""Finding masters: by their figures of one period, and never one that the actor may not see."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, Final, TypeVar

import psycopg
from django.db.models import BigIntegerField, Case, Count, F, QuerySet, Sum, Value, When
from django.utils.translation import gettext as _

from copytrade.models import CopySubscription, MasterStatus
from copytrade.selectors import living_followers
from core.errors import forbidden
from infra.actor import Actor
from infra.bulk import hot_cursor, ids_array, pipelined
from infra.prepared import Counting, count_of, rows_of
from marketplace.domain.periods import Period
from marketplace.models import RANKED, MasterStats

_HIDDEN_SQL: Final = b"""
SELECT id FROM copytrade_copymaster
WHERE customer_id = %s AND ended_at IS NULL AND NOT (enabled AND status = 'ACTIVE' AND visibility = 'public')
"""
# The figures are read by the mark of who is listed; for what is shown the profile itself has the last word.
_ROWS_SQL: Final = """
SELECT {columns}
FROM unnest(%(masters)s::bigint[]) WITH ORDINALITY AS page (master_id, place)
JOIN marketplace_masterstats s ON s.master_id = page.master_id AND s.period = %(period)s
JOIN copytrade_copymaster m ON m.id = s.master_id
JOIN accounts_tradingaccount a ON a.id = m.account_id
LEFT JOIN copytrade_rewardpolicy p ON p.master_id = m.id
LEFT JOIN accounts_tradingaccount o ON o.id = p.payout_account_id
WHERE m.ended_at IS NULL
  AND (m.customer_id = %(customer)s OR m.enabled AND m.status = 'ACTIVE' AND m.visibility = 'public')
ORDER BY page.place
"""
_WORKED_OUT: Final = {
    "own": "m.customer_id = %(customer)s",
    "living_followers": (
        "(SELECT count(*) FROM copytrade_copysubscription f JOIN accounts_tradingaccount fa ON fa.id = f.follower_id"
        " WHERE f.master_id = m.id AND f.ended_at IS NULL AND fa.customer_id <> m.customer_id)"
    ),
}
_TABLES: Final = (
    ("master__reward_policy__payout_account__", "o"),
    ("master__reward_policy__", "p"),
    ("master__account__", "a"),
    ("master__", "m"),
    ("", "s"),
)

Made = TypeVar("Made")
Narrowed = Callable[[QuerySet[Any]], QuerySet[Any]]
"""Filters figures and puts them in an order of expressions, such as `F("roi").desc(nulls_last=True)`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a customer may find for one period: active, enabled, public masters, and always the own ones."""

    customer_id: int
    period: Period

    def ranking(self, narrowed: Narrowed, *, worked_out: bool) -> "Ranking":
        """Those that `narrowed` leaves of the figures that it is given, in its order. `worked_out` says whether it may use
        `own` and `living_followers`, which cost something for every row."""
        figures = MasterStats.objects.filter(period=self.period)
        # Asked together with the first ids where both travel in one pipeline.
        hidden = hot_cursor().execute(_HIDDEN_SQL, [self.customer_id], prepare=True)
        if worked_out:
            own = Case(When(master__customer_id=self.customer_id, then=Value(True)), default=Value(False))
            figures = with_followers(figures).annotate(own=own)
        return Ranking(narrowed, figures, hidden)

    def page(
        self, ranking: "Ranking", part: slice, paths: tuple[str, ...], made: Callable[[list[tuple[Any, ...]]], Made]
    ) -> tuple[Made, int]:
        """What `made` makes of a part of the ranking, and how many masters there are in all of it.

        `made` gets what `paths` of the masters' figures hold, without those that may not be found. That statement is the same for
        every question, so it is neither built nor planned again; and PostgreSQL counts while the rows become something.
        """
        masters = ranking[part]
        values = {"masters": ids_array(masters), "period": self.period.value, "customer": self.customer_id}
        with pipelined():
            rows = hot_cursor().execute(_rows_sql(paths), values, prepare=True)
            if len(masters) < part.stop - part.start and (masters or not part.start):
                return made(rows.fetchall()), part.start + len(masters)  # the last page tells how many there are
            counting, hidden = ranking.counting(), ranking.hidden_number
            first = rows.fetchmany(1)  # waits for all rows and reads one of them
            counting.send()
            return made([*first, *rows.fetchall()]), counting.answer() + hidden


class Ranking:
    """The ids of masters that a customer finds, narrowed and in order; a slice is read when it is asked for.

    What everybody finds and what is `hidden` from others are read apart: in one query they could not be read in the order
    of an index. Where there is nothing of the latter, the former is all.
    """

    def __init__(self, narrowed: Narrowed, figures: QuerySet[Any], hidden: psycopg.Cursor[tuple[int]]) -> None:
        self._narrowed = narrowed
        self._figures = figures
        self._listed = narrowed(figures.filter(listed=True))
        self._asked = hidden

    @cached_property
    def _hidden(self) -> list[int]:
        hidden = [master for (master,) in self._asked]
        return self._ids(self._narrowed(self._figures.filter(listed=False, master_id__in=hidden))) if hidden else []

    def count(self) -> int:
        """How many there are."""
        return self.counting().answer() + self.hidden_number

    def counting(self) -> Counting:
        """Of those that everybody finds; `hidden_number` comes on top."""
        return Counting(self._listed)

    @property
    def hidden_number(self) -> int:
        """How many of them nobody else finds."""
        return len(self._hidden)

    def __getitem__(self, part: slice) -> list[int]:
        start, stop = part.start or 0, min(part.stop, BigIntegerField.MAX_BIGINT)
        if start and not self._hidden:
            return self._read(start, stop)
        # The own hidden ones may stand anywhere: among the listed ones from the first to the last of the part.
        first = self._read(0, stop)
        if not self._hidden:
            return first
        return self._ids(self._narrowed(self._figures.filter(master_id__in=[*first, *self._hidden]))[part])

    def _read(self, start: int, stop: int) -> list[int]:
        """A slice of the listed ones. From the largest down, what is undefined stands behind all others although the index,
        read backwards, has it in front of them: so it is read apart, by the same index."""
        order: Any = self._listed.query.order_by
        first, *others = order
        name = first.expression.name
        if not first.nulls_last or name not in RANKED:
            return self._ids(self._listed[start:stop])
        ordered = self._listed.order_by(F(name).desc(), *others)
        defined = ordered.filter(**{f"{name}__isnull": False})
        ids = self._ids(defined[start:stop])
        missing = stop - start - len(ids)
        if missing:
            begins = 0 if ids or not start else start - count_of(defined)
            ids += self._ids(ordered.filter(**{f"{name}__isnull": True})[begins : begins + missing])
        return ids

    @staticmethod
    def _ids(figures: QuerySet[Any]) -> list[int]:
        return [master for (master,) in rows_of(figures.values_list("master_id"))]


@cache
def _rows_sql(paths: tuple[str, ...]) -> bytes:
    return _ROWS_SQL.replace("{columns}", ", ".join(map(_column, paths))).encode()


def _column(path: str) -> str:
    if path in _WORKED_OUT:
        return _WORKED_OUT[path]
    prefix, table = next(known for known in _TABLES if path.startswith(known[0]))
    return f"{table}.{path.removeprefix(prefix)}"


def masters_found(actor: Actor, period: Period) -> Found:
    """What a customer may find."""
    return Found(actor.user_id, Period(period))


def masters_managed(actor: Actor, period: Period) -> QuerySet[Any]:
    """Every living master of the tenant with its figures, for staff."""
    if not actor.is_staff:
        raise forbidden("PERMISSION_DENIED", _("This is for staff."))
    return with_followers(MasterStats.objects.filter(period=period, master__ended_at__isnull=True))


@dataclass(frozen=True, slots=True)
class Summary:
    """Copying in the tenant at a glance: accounts that follow, money under copy by account currency, and the first few
    masters by followers and by return over all their history."""

    active: int
    pending: int
    followers: int
    aum: dict[str, Decimal]
    most_copied: list[MasterStats]
    top_performers: list[MasterStats]


def copying_summary(actor: Actor, most: int = 5) -> Summary:
    """For staff; a fixed number of queries. Followers of a master's own customer count nowhere."""
    living = masters_managed(actor, Period.ALL).select_related("master__account")
    status = "master__status"
    counts = dict(living.order_by().values_list(status).annotate(number=Count("pk")).values_list(status, "number"))
    following = CopySubscription.objects.filter(master__isnull=False, ended_at__isnull=True)
    others = following.exclude(follower__customer_id=F("master__customer_id"))
    money = living.order_by().values_list("master__account__currency").annotate(total=Sum("aum"))
    return Summary(
        active=counts.get(MasterStatus.ACTIVE, 0),
        pending=counts.get(MasterStatus.PENDING, 0),
        followers=others.aggregate(number=Count("follower_id", distinct=True))["number"],
        aum=dict(money.order_by("master__account__currency").values_list("master__account__currency", "total")),
        most_copied=list(living.filter(living_followers__gt=0).order_by("-living_followers", "master_id")[:most]),
        top_performers=list(living.filter(roi__isnull=False).order_by("-roi", "master_id")[:most]),
    )


def with_followers(figures: QuerySet[MasterStats]) -> QuerySet[Any]:
    """With `living_followers`: the living subscriptions at this moment, those of the master's own customer left out."""
    return figures.annotate(living_followers=living_followers("master_id", "master__customer_id"))
