"""What the copy engine is asked to do beside leaders' events, and the exits it still owes."""

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount
from core.states import Side
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel


class CommandKind(models.TextChoices):
    """COPY_EXISTING opens a copy of a position that the leader holds; all others take something off."""

    COPY_EXISTING = "COPY_EXISTING"
    STOP_CLOSE = "STOP_CLOSE"
    PANEL_CLOSE = "PANEL_CLOSE"
    CLOSE_OUT = "CLOSE_OUT"
    RETRY_EXIT = "RETRY_EXIT"


class CopyCommand(TenantModel):
    """One thing that the engine is to do for one subscription, written in the transaction that asks for it.

    `target` is the leader's trade (COPY_EXISTING), the failed exit (RETRY_EXIT) or else the link. `after_seq`: not
    before the shard has handled the leader's events up to it. Prices and the leader's figures are those at the request:
    for a position that is copied on request, the request is the event (D09).
    """

    kind = models.CharField(max_length=16, choices=CommandKind.choices)
    subscription_id = models.BigIntegerField()
    shard_id = models.BigIntegerField()
    leader = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    leader_trade_id = models.BigIntegerField()
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4, choices=[(s, s) for s in Side])
    target = models.BigIntegerField()
    after_seq = models.BigIntegerField(default=0)
    bid = ExactDecimalField(default=0)
    ask = ExactDecimalField(default=0)
    equity = ExactDecimalField(default=0)
    balance = ExactDecimalField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["leader", "due_at"], name="command_waiting", condition=Q(done_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "kind", "target"],
                condition=Q(done_at__isnull=True),
                name="command_waits_once",
            )
        ]


class FailedExitState(models.TextChoices):
    OPEN = "OPEN"
    DONE = "DONE"
    EXPIRED = "EXPIRED"


class FailedExit(TenantModel):
    """An exit that could not be carried out: what a link still owes (D11). One open one per link.

    `volume` (lots) is what is owed in all. `attempts` counts every try, the first one included; the tries are made by
    the RETRY_EXIT command whose target this is.
    """

    subscription_id = models.BigIntegerField()
    leader = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    link_id = models.BigIntegerField()
    leader_trade_id = models.BigIntegerField()
    follower_trade_id = models.BigIntegerField()
    instrument_id = models.BigIntegerField()
    symbol = models.CharField(max_length=32)
    volume = ExactDecimalField()
    attempts = models.PositiveIntegerField(default=1)
    next_attempt_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_error = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=FailedExitState.choices, default=FailedExitState.OPEN)
    measured_at = models.DateTimeField(null=True)  # when it was given up and the tenant's measure was taken
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["follower", "state"], name="failed_exit_of_follower"),
            models.Index(
                fields=["id"],
                name="failed_exit_given_up",
                condition=Q(state=FailedExitState.EXPIRED, measured_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["link_id"], condition=Q(state=FailedExitState.OPEN), name="failed_exit_one_open_per_link"
            ),
            models.CheckConstraint(condition=Q(volume__gt=0), name="failed_exit_owes"),
        ]


class SyncState(models.TextChoices):
    """OUT_OF_SYNC: differs and nothing is under way. LATE: something is. RESTING: agrees, and nothing new is copied."""

    IN_SYNC = "IN_SYNC"
    LATE = "LATE"
    OUT_OF_SYNC = "OUT_OF_SYNC"
    RESTING = "RESTING"


class SyncLight(TenantModel):
    """How a follower's copies in one contract compare with what its leaders hold (X11); written by `engine.reconcile`.

    Volumes in lots, net, negative for short. `why` is a code, "" for IN_SYNC.
    """

    follower = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    symbol = models.CharField(max_length=32)
    expected = ExactDecimalField()
    held = ExactDecimalField()
    state = models.CharField(max_length=12, choices=SyncState.choices)
    why = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField()
    measured_at = models.DateTimeField(null=True)  # when the tenant's measure against OUT_OF_SYNC was taken

    class Meta:
        constraints = [models.UniqueConstraint(fields=["follower", "symbol"], name="sync_light_once")]
