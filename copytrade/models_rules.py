"""What the rules around entries remember: quarantines, rejections in a row, and where an equity began."""

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount, User
from copytrade.domain.quarantine import QuarantineReason, QuarantineRelease
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel

_RELEASES = [(r.value, r.value) for r in QuarantineRelease]


class Quarantine(TenantModel):
    """No entries in one contract for one follower until it is released (D08). Exits go on. Never deleted.

    `symbol` is the follower's contract, `leader_symbol` the one whose entry brought it about. `params` holds the values
    of its sentence as JSON text. `released_by` is None when it ended by itself.
    """

    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    leader = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+")
    subscription_id = models.BigIntegerField()
    group_id = models.BigIntegerField(null=True)
    symbol = models.CharField(max_length=32)
    leader_symbol = models.CharField(max_length=32)
    reason = models.CharField(max_length=16, choices=[(r.value, r.value) for r in QuarantineReason])
    params = models.TextField(blank=True, default="")
    release = models.CharField(max_length=16, choices=_RELEASES, default=QuarantineRelease.MANUAL.value)
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["follower", "-created_at"], name="quarantine_of_follower")]
        constraints = [
            models.UniqueConstraint(
                fields=["follower", "symbol"], condition=Q(released_at__isnull=True), name="quarantine_one_living"
            )
        ]


class EntryRejections(TenantModel):
    """How many entries in a row the venue rejected, by follower and contract; a filled entry sets it to nothing."""

    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    symbol = models.CharField(max_length=32)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["follower", "symbol"], name="entry_rejections_once")]


class SubscriptionMarks(TenantModel):
    """The follower's equity where a subscription began, and the highest seen since (D19), in account currency.

    Money paid in or out moves both marks with it: it is neither profit nor loss.
    """

    subscription_id = models.BigIntegerField(unique=True)
    follower = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="+")
    start_equity = ExactDecimalField()
    peak_equity = ExactDecimalField()
    updated_at = models.DateTimeField()
