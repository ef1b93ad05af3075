"""Resting copies of pending orders are taken back when copying rests or ends (D30)."""

from collections.abc import Collection
from datetime import datetime

from copytrade.models import TradeLink
from core.rounding import ZERO
from core.states import LinkState, Origin, Reason
from infra.bulk import hot_cursor
from infra.push import publish_on_commit
from trading.domain.execution import Instruction
from trading.domain.pending import cancel_pending
from trading.domain.values import Journal
from trading.services.book import book_write
from trading.services.desk import desk_open


def resting_cancel(subscription_ids: Collection[int], *, at: datetime) -> int:
    """Takes back all resting copies of subscriptions whose follower accounts are locked; gives their number.

    Their links are let go: should the leader's order be filled later, it is an opening like any other.
    """
    resting = TradeLink.objects.filter(
        subscription_id__in=list(subscription_ids), state=LinkState.ACTIVE, resting=True
    ).order_by("follower_id", "pk")
    links = list(resting)
    if not links:
        return 0
    cursor, journal = hot_cursor(), Journal()
    numbers = [link.follower_trade_id for link in links]
    desk = desk_open(cursor, sorted({link.follower_id for link in links}), pending=numbers)
    how = Instruction(Origin.COPY, at, Reason.SIGNAL)
    for link in links:
        account = desk.accounts[link.follower_id]
        order = account.pending_order(link.follower_trade_id)
        if order is not None:
            cancel_pending(journal, account, order, how, market=desk.market)
    publish_on_commit(book_write(cursor, journal, desk.market))
    TradeLink.objects.filter(pk__in=[link.pk for link in links]).update(
        state=LinkState.UNTRACKED, volume=ZERO, updated_at=at
    )
    return len(links)
