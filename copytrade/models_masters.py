"""What happened to masters' profiles."""

from django.db import models

from accounts.models import User
from infra.tenancy import TenantModel


class MasterChangeKind(models.TextChoices):
    """What was changed: the profile itself, its terms, or where it stands in its life (D21)."""

    CREATED = "CREATED"
    SETTINGS = "SETTINGS"
    TERMS = "TERMS"
    STATUS = "STATUS"
    ENDED = "ENDED"


class MasterChange(TenantModel):
    """One change of a master's profile: who, when, why, and what differed. Written once and never changed.

    `before` and `after` hold what differs, by the contract's names, as JSON text. `by` is None for what the platform did
    by itself; `by_session` is the type of the session it was done in.
    """

    master = models.ForeignKey("copytrade.CopyMaster", on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=8, choices=MasterChangeKind.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_session = models.CharField(max_length=24, blank=True, default="")
    reason = models.CharField(max_length=255, blank=True, default="")
    before = models.TextField()
    after = models.TextField()
    at = models.DateTimeField()
