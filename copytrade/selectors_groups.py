"""The reads of copy groups. Those for request code take the actor and never give what it may not see."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from copytrade.domain.contracts import Catalogue
from copytrade.models import ContractMapping, ContractSetting, CopyGroup, CopySubscription, GroupMember
from core.contracts import ContractSpec
from core.errors import not_found
from infra.actor import Actor
from trading.models import Instrument


def groups_own(actor: Actor) -> QuerySet[CopyGroup]:
    """The actor's living groups with everything that is shown of them, newest first."""
    subscriptions = CopySubscription.objects.filter(ended_at__isnull=True)
    members = (
        GroupMember.objects.filter(ended_at__isnull=True)
        .select_related("account")
        .order_by("pk")
        .prefetch_related(
            Prefetch("contracts", ContractSetting.objects.order_by("symbol")),
            Prefetch("mappings", ContractMapping.objects.order_by("leader_symbol")),
            Prefetch("subscriptions", subscriptions),
        )
    )
    own_mappings = ContractMapping.objects.filter(Q(member__isnull=True)).order_by("leader_symbol")
    return (
        CopyGroup.objects.filter(customer_id=actor.user_id, ended_at__isnull=True)
        .select_related("leader")
        .prefetch_related(Prefetch("members", members), Prefetch("mappings", own_mappings))
        .order_by("-created_at", "-pk")
    )


def group_owned(actor: Actor, group_id: int) -> CopyGroup:
    """One of the actor's living groups; 404 for every other id, another customer's too."""
    found = groups_own(actor).filter(pk=group_id).first()
    if found is None:
        raise not_found(_("There is no such group."))
    return found


def cross_options(symbol: str, at: datetime) -> list[str]:
    """The contracts that a follower may trade instead of the leader's `symbol` (R185); 404 for an unknown one."""
    catalogue = contract_catalogue(at)
    if not catalogue.knows(symbol):
        raise not_found(_("There is no contract %(symbol)s.") % {"symbol": symbol})
    return catalogue.options(symbol)


def contract_catalogue(at: datetime) -> Catalogue:
    """All contracts of the tenant."""
    names = [field.name for field in fields(ContractSpec)]
    rows: list[dict[str, Any]] = list(Instrument.objects.order_by("symbol").values(*names))
    return Catalogue([ContractSpec(**row) for row in rows], at.year)
