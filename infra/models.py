"""Tables of the infrastructure itself."""

from django.db import models

from infra.tenancy import TenantModel


class IdempotencyRecord(TenantModel):
    """The first answer to a write that carried an `Idempotency-Key`; see `infra.api.idempotency`.

    Inserted at the start of the write's own transaction, so it exists exactly when the write does. `status` is 0 and
    `answer` empty only inside that transaction.
    """

    user_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=128)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        app_label = "infra"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "user_id", "account_id", "key"],
                nulls_distinct=False,
                name="idempotency_one_per_key",
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "created_at"], name="idempotency_by_age")]
