"""What becomes of open copies when copying rests or ends (D20)."""

from datetime import datetime
from enum import StrEnum

from copytrade.models import CopySubscription, TradeLink
from copytrade.models_commands import CommandKind, FailedExit, FailedExitState
from copytrade.ports import following_tell
from copytrade.services.commands import closes_ask
from copytrade.services.resting import resting_cancel
from core.rounding import ZERO
from core.states import LinkState


class OpenCopies(StrEnum):
    """`keep_exits`: they stay linked and the leader's exits are copied until flat. `let_go`: they are untracked.
    `close`: the engine closes them now, by commands."""

    KEEP_EXITS = "keep_exits"
    LET_GO = "let_go"
    CLOSE = "close"


def subscriptions_end(subscriptions: list[CopySubscription], *, open_copies: OpenCopies, at: datetime) -> None:
    """Ends subscriptions whose follower accounts are all locked: no new entries; open copies as asked."""
    ids = [subscription.pk for subscription in subscriptions]
    for subscription in subscriptions:
        subscription.ended_at = subscription.updated_at = at
    CopySubscription.objects.filter(pk__in=ids).update(ended_at=at, updated_at=at)
    copies_treat(ids, open_copies=open_copies, at=at)
    following_tell({s.master_id for s in subscriptions if s.master_id is not None})


def copies_treat(subscription_ids: list[int], *, open_copies: OpenCopies, at: datetime) -> None:
    """Does with the open copies of subscriptions, whose follower accounts are locked, what was chosen for them.

    Copies of pending orders that rest are no open ones: they are taken back in any case.
    """
    resting_cancel(subscription_ids, at=at)
    if open_copies is OpenCopies.LET_GO:
        copies_let_go(subscription_ids, at=at)
    elif open_copies is OpenCopies.CLOSE:
        links = TradeLink.objects.filter(subscription_id__in=subscription_ids, state=LinkState.ACTIVE)
        closes_ask(list(links.order_by("pk")), kind=CommandKind.STOP_CLOSE, at=at)


def copies_let_go(subscription_ids: list[int], *, at: datetime) -> int:
    """Untracks the active links of subscriptions whose follower accounts are locked (D14); gives their number."""
    owed = FailedExit.objects.filter(subscription_id__in=subscription_ids, state=FailedExitState.OPEN)
    owed.update(state=FailedExitState.DONE, updated_at=at)
    return TradeLink.objects.filter(subscription_id__in=subscription_ids, state=LinkState.ACTIVE).update(
        state=LinkState.UNTRACKED, volume=ZERO, updated_at=at
    )
