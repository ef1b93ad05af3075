"""What people ask of the copy engine: written in the request's transaction, carried out by the copy workers.

Every function here needs the lock of the follower's account: it keeps a request from meeting a turn that just ends the
same command.
"""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from copytrade.engine.listener import commands_ring
from copytrade.models import CopySubscription, TradeLink
from copytrade.models_commands import CommandKind, CopyCommand, FailedExit, FailedExitState
from copytrade.services.roles import accounts_lock, role_release
from core.errors import not_found
from core.rounding import ZERO
from core.states import LinkState, Side
from infra.bulk import hot_cursor
from trading.domain.valuation import picture
from trading.models import Trade
from trading.services.desk import desk_open


def position_close(*, account_id: int, trade_id: int, at: datetime) -> list[TradeLink]:
    """Asks for the close of all that is copied of a follower's ticket, at market (R045). 404 when nothing is."""
    links = _copied(account_id, trade_id)
    closes_ask(links, kind=CommandKind.PANEL_CLOSE, at=at)
    return links


def position_untrack(*, account_id: int, trade_id: int, at: datetime) -> list[TradeLink]:
    """Ends the links of a follower's ticket without an order (R046, D14). 404 when nothing of it is a copy."""
    links = _copied(account_id, trade_id)
    numbers = [link.pk for link in links]
    TradeLink.objects.filter(pk__in=numbers).update(state=LinkState.UNTRACKED, volume=ZERO, updated_at=at)
    owed = FailedExit.objects.filter(link_id__in=numbers, state=FailedExitState.OPEN)
    owed.update(state=FailedExitState.DONE, updated_at=at)
    role_release(account_id)
    return links


def closes_ask(links: Iterable[TradeLink], *, kind: CommandKind, at: datetime) -> int:
    """Asks for the close of active links, each with all it owns; one that is asked for already is not asked twice."""
    linked = list(links)
    names = dict(Trade.objects.filter(pk__in={link.leader_trade_id for link in linked}).values_list("pk", "symbol"))
    shards = dict(
        CopySubscription.objects.filter(pk__in={link.subscription_id for link in linked}).values_list("pk", "shard_id")
    )
    return _write(
        CopyCommand(
            tenant_id=link.tenant_id,
            kind=kind,
            subscription_id=link.subscription_id,
            shard_id=shards[link.subscription_id],
            leader_id=link.leader_id,
            follower_id=link.follower_id,
            leader_trade_id=link.leader_trade_id,
            symbol=names.get(link.leader_trade_id, link.symbol),
            side=Side(link.side).opposite,
            target=link.pk,
            requested_at=at,
            due_at=at,
        )
        for link in linked
    )


def existing_ask(subscription: CopySubscription, *, at: datetime) -> int:
    """Asks for copies of the leader's positions that never had a link with this subscription (R119); their number."""
    desk = desk_open(hot_cursor(), [subscription.leader_id], lock=False)
    leader = desk.accounts[subscription.leader_id]
    linked = set(
        TradeLink.objects.filter(
            subscription_id=subscription.pk, leader_trade_id__in=[ticket.number for ticket in leader.tickets]
        ).values_list("leader_trade_id", flat=True)
    )
    equity = picture(leader, desk.market).equity
    asked = []
    for ticket in leader.tickets:
        quote = desk.market.quote(ticket.spec)
        if ticket.number in linked:
            continue
        asked.append(
            CopyCommand(
                tenant_id=subscription.tenant_id,
                kind=CommandKind.COPY_EXISTING,
                subscription_id=subscription.pk,
                shard_id=subscription.shard_id,
                leader_id=subscription.leader_id,
                follower_id=subscription.follower_id,
                leader_trade_id=ticket.number,
                symbol=ticket.spec.symbol,
                side=ticket.side,
                target=ticket.number,
                after_seq=leader.event_seq,
                bid=ZERO if quote is None else quote.bid,
                ask=ZERO if quote is None else quote.ask,
                equity=equity,
                balance=leader.balance,
                requested_at=at,
                due_at=at,
            )
        )
    return _write(asked)


def _write(commands: Iterable[CopyCommand]) -> int:
    rows = list(commands)
    CopyCommand.objects.bulk_create(rows, ignore_conflicts=True)
    for tenant_id in {row.tenant_id for row in rows}:
        commands_ring(hot_cursor(), tenant_id, {row.leader_id for row in rows})
    return len(rows)


def _copied(account_id: int, trade_id: int) -> list[TradeLink]:
    """The active links of a ticket, under its account's lock."""
    accounts_lock([account_id])
    found = TradeLink.objects.filter(
        follower_id=account_id, follower_trade_id=trade_id, state=LinkState.ACTIVE, resting=False
    )
    links = list(found.order_by("pk"))
    if not links:
        raise not_found(_("Nothing of this position is copied."))
    return links
