"""Finding masters: by their figures of one period, and never one that the actor may not see."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import BigIntegerField, Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from copytrade.models import CopySubscription, MasterStatus, Visibility
from core.errors import forbidden
from infra.actor import Actor
from marketplace.domain.periods import Period
from marketplace.models import MasterStats

_PUBLIC: Final = Q(
    listed=True,
    master__status=MasterStatus.ACTIVE,
    master__enabled=True,
    master__visibility=Visibility.PUBLIC,
    master__ended_at__isnull=True,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a customer may find for one period: active, enabled, public masters, and always the own ones.

    The figures carry a mark of who is listed, which changes with the profile in one transaction and serves the indexes; for
    what is shown the profile itself has the last word. `worked_out` says whether a query may use `own` and
    `living_followers`, which cost something for every row.
    """

    customer_id: int
    period: Period

    def parts(self, *, worked_out: bool) -> tuple[QuerySet[MasterStats], QuerySet[MasterStats]]:
        """What everybody finds, and what this customer finds alone: in one query they could not be read in the order of
        an index."""
        figures = self._figures(worked_out)
        return figures.filter(listed=True), figures.filter(self._own, listed=False)

    def chosen(self, ids: list[int], *, worked_out: bool) -> QuerySet[MasterStats]:
        """The masters of these rows."""
        return self._figures(worked_out).filter(pk__in=ids)

    def shown(self, ids: list[int] | None = None) -> QuerySet[MasterStats]:
        """Listed masters, or those of these rows, with everything that is told of them."""
        if ids is None:
            return self._figures(True).filter(_PUBLIC)
        return self.chosen(ids, worked_out=True).filter(_PUBLIC | self._own)

    @property
    def _own(self) -> Q:
        return Q(master__customer_id=self.customer_id, master__ended_at__isnull=True)

    def _figures(self, worked_out: bool) -> QuerySet[MasterStats]:
        figures = MasterStats.objects.filter(period=self.period)
        if not worked_out:
            return figures
        own = Case(When(master__customer_id=self.customer_id, then=Value(True)), default=Value(False))
        return with_followers(figures).annotate(own=own)


def masters_found(actor: Actor, period: Period) -> Found:
    """What a customer may find."""
    return Found(actor.user_id, period)


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
    living = (
        CopySubscription.objects.filter(master_id=OuterRef("master_id"), ended_at__isnull=True)
        .exclude(follower__customer_id=OuterRef("master__customer_id"))
        .order_by()
        .values("master_id")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return figures.annotate(living_followers=Coalesce(Subquery(living), Value(0), output_field=BigIntegerField()))
