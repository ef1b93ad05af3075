"""Everything that is due about a tenant's rewards, in its order; what a task, a command or a simulated past calls."""

from datetime import datetime
from typing import Final

from copytrade.services.endings import OpenCopies
from copytrade.services.subscriptions import subscription_end
from core.errors import DomainError, Kind
from infra.faults import fault
from infra.push import publish_on_commit
from infra.tenancy import tenant_scope
from rewards.models import RewardAgreement
from rewards.notices import refused_frame
from rewards.services.agreements import agreements_begin
from rewards.services.pairs import pairs_charge, pairs_forget
from rewards.services.settling import accruals_settle

ROUNDS: Final = 5
"""A pair may need several: its subscription ends, its last copies are charged, a new one takes it over."""


def rewards_work(*, tenant_id: int, at: datetime) -> int:
    """Begins agreements, charges, settles and forgets what is due; gives how many charges were tried.

    Idempotent, and safe to run beside itself.
    """
    pairs_forget(tenant_id=tenant_id, at=at)
    for _round in range(ROUNDS):
        begun = agreements_begin(tenant_id=tenant_id)
        walked, refused = pairs_charge(tenant_id=tenant_id, at=at)
        for subscription_id in refused:
            _end(tenant_id, subscription_id, at)
        if not begun and not walked:
            break
    fault("rewards.accrued")
    tried = accruals_settle(tenant_id=tenant_id, at=at)
    fault("rewards.done")
    return tried


def _end(tenant_id: int, subscription_id: int, at: datetime) -> None:
    """Ends a subscription whose follower did not accept dearer terms; exits are kept."""
    with tenant_scope(tenant_id):
        try:
            subscription_end(subscription_id=subscription_id, open_copies=OpenCopies.KEEP_EXITS, at=at)
        except DomainError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return  # it ended in between, whoever did it
        agreements = RewardAgreement.objects.select_related("leader", "follower")
        agreement = agreements.get(subscription_id=subscription_id, forgotten_at__isnull=True)
        publish_on_commit([refused_frame(agreement, at)])
