"""The product's own proofs, run over everything that a test has committed."""

from django.db import connection

from accounts.models import Tenant
from accounts.proof import Finding
from copytrade.selectors_proof import copies_prove
from ledger.selectors_proof import ledger_prove
from rewards.selectors_proof import rewards_prove
from trading.selectors_proof import trades_prove


def proved_wrong() -> list[Finding]:
    """What `ledger_check`, `integrity_check`, `copy_check` and `rewards_check` find in all tenants."""
    # the test may have left its own connection unusable
    connection.close()
    tenants = Tenant.objects.values_list("pk", flat=True)
    return [
        finding
        for tenant in tenants
        for prove in (ledger_prove, trades_prove, copies_prove, rewards_prove)
        for finding in prove(tenant)
    ]
