"""Finding masters: by their figures of one period, and never one that the actor may not see."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BigIntegerField, Case, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from copytrade.models import CopySubscription, MasterStatus, Visibility
from core.errors import forbidden
from infra.actor import Actor
from marketplace.domain.periods import Period
from marketplace.models import MasterStats

_LISTED: Final = Q(
    listed=True,
    master__status=MasterStatus.ACTIVE,
    master__enabled=True,
    master__visibility=Visibility.PUBLIC,
    master__ended_at__isnull=True,
)
"""The figures' own mark serves the indexes; the profile itself has the last word."""


@dataclass(frozen=True, slots=True)
class Found:
    """Masters with their figures of one period, in two parts: all that everybody finds, and the actor's own.

    In one part they could not be read in the order of an index. Own masters that are listed are in both.
    """

    everybody: QuerySet[MasterStats]
    own: QuerySet[MasterStats]
    figures: QuerySet[MasterStats]

    @property
    def counted(self) -> tuple[QuerySet[MasterStats], QuerySet[MasterStats]]:
        """The same in two parts without overlap. For counting the mark is enough: it changes with the profile, in one
        transaction."""
        return self.figures.filter(listed=True), self.own.exclude(listed=True)

    def chosen(self, ids: set[int]) -> QuerySet[MasterStats]:
        """The masters of these rows."""
        return self.figures.filter(pk__in=ids)


def masters_found(actor: Actor, period: Period) -> Found:
    """What a customer may find: active, enabled, public masters, and always the own ones."""
    own = Q(master__customer_id=actor.user_id)
    figures = with_followers(
        MasterStats.objects.filter(period=period).select_related(
            "master__account", "master__reward_policy__payout_account"
        )
    ).annotate(own=Case(When(own, then=Value(True)), default=Value(False)))
    return Found(figures.filter(_LISTED), figures.filter(own, master__ended_at__isnull=True), figures)


def masters_managed(actor: Actor, period: Period) -> QuerySet[MasterStats]:
    """Every living master of the tenant with its figures, for staff."""
    if not actor.is_staff:
        raise forbidden("PERMISSION_DENIED", _("This is for staff."))
    return with_followers(MasterStats.objects.filter(period=period, master__ended_at__isnull=True))


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
