"""Versions of masters' terms: frozen when a policy is made or changed, so that every charge names what it was made by."""

from collections.abc import Collection
from typing import Any

from django.db.models import OuterRef, Subquery

from copytrade.models import MasterChange, RewardPolicy
from copytrade.services.rewards import TERMS_FIELDS
from rewards.models import TermsVersion


def terms_note(master_ids: Collection[int]) -> None:
    """A `profile_listeners` port: keeps the terms of profiles that were made or changed as a new version, where they
    differ from the last one.

    Runs in the transaction that changed them, under the lock of the master's account, so versions are numbered in order.
    """
    last = last_versions(master_ids)
    # A change is recorded before anybody is told of it.
    changed_at = MasterChange.objects.filter(master_id=OuterRef("master_id")).order_by("-pk").values("at")[:1]
    policies = RewardPolicy.objects.select_related("master").annotate(changed_at=Subquery(changed_at))
    fresh = []
    for policy in policies.filter(master_id__in=list(master_ids)):
        known = last.get(policy.master_id)
        if known is not None and _values(known) == _values(policy):
            continue
        fresh.append(
            TermsVersion(
                tenant_id=policy.tenant_id,
                master_id=policy.master_id,
                number=1 if known is None else known.number + 1,
                created_at=policy.master.created_at if known is None else policy.changed_at,
                **_values(policy),
            )
        )
    TermsVersion.objects.bulk_create(fresh)


def last_versions(master_ids: Collection[int]) -> dict[int, TermsVersion]:
    """The newest version of each master that has one."""
    newest = TermsVersion.objects.filter(master_id__in=list(master_ids)).order_by("master_id", "-number")
    return {version.master_id: version for version in newest.distinct("master_id")}


def _values(row: Any) -> dict[str, Any]:
    return {field: getattr(row, field) for field in (*TERMS_FIELDS, "payout_account_id")}
