"""The writes of a turn: one set of statements and the shard's cursor, in the transaction that holds the shard's row."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from copytrade.domain.values import Link
from copytrade.engine.failures import failures_write
from copytrade.engine.outcome import Copy, Outcome
from copytrade.engine.reads import Claim
from copytrade.engine.rules import rules_write
from copytrade.models import CopyOrder, LeaderShard, TradeLink
from core.states import CopyStatus
from infra.bulk import Batch, SequenceBlocks, pipelined
from trading.services.book import book_store, numbers_assign

Clock = Callable[[], datetime]

copy_orders = SequenceBlocks("copytrade_copyorder_id_seq")

_COPY_ORDER = (
    "id", "tenant_id", "subscription_id", "source_kind", "source_id", "leader_id", "follower_id", "leader_trade_id",
    "follower_trade_id", "action", "symbol", "follower_symbol", "side", "volume", "status", "reason", "params",
    "settings_version", "place", "simulated", "event_at", "known_at", "decided_at", "sent_at", "filled_at", "slippage",
    "slippage_money",
)  # fmt: skip
_LINK = (
    "tenant_id", "subscription_id", "leader_id", "follower_id", "leader_trade_id", "follower_trade_id", "instrument_id",
    "symbol", "side", "volume", "opened_volume", "entry_price", "commission", "realised", "state", "resting",
    "created_at", "updated_at",
)  # fmt: skip
_LINK_CHANGED = (
    "follower_trade_id", "volume", "opened_volume", "entry_price", "commission", "realised", "state", "resting",
    "updated_at",
)  # fmt: skip

_encode = msgspec.json.Encoder(decimal_format="string").encode


def turn_write(cursor: psycopg.Cursor[Any], claim: Claim, outcome: Outcome, clock: Clock, *, simulated: bool) -> None:
    """Writes everything the turn decided and moves the shard's cursor."""
    first = Batch()
    first.update(LeaderShard, ("cursor",), [(claim.shard_id, claim.last_seq)])
    outcome_write(cursor, claim, outcome, clock, first, simulated=simulated)


def outcome_write(
    cursor: psycopg.Cursor[Any], claim: Claim, outcome: Outcome, clock: Clock, first: Batch, *, simulated: bool
) -> None:
    """Writes copy orders, links, debts and the book; what is in `first` goes with the first statement.

    The frames about debts and quarantines are left on `outcome`; `telling` adds those of every copy.
    """
    numbers_assign(cursor, outcome.journal)
    for copy, number in zip(outcome.copies, copy_orders.take(cursor, len(outcome.copies)), strict=True):
        copy.id = number
    at = clock()
    marks_at = None if simulated else at
    changed = [_changed_link_row(outcome, link, at) for link in outcome.changed_links.values()]
    first.insert(CopyOrder, _COPY_ORDER, [_copy_row(c, claim, marks_at) for c in outcome.copies])
    first.insert(TradeLink, _LINK, [_link_row(outcome, link, claim, at) for link in outcome.new_links])
    first.update(TradeLink, _LINK_CHANGED, changed)
    with pipelined():
        # Not together with the book: PostgreSQL works on these while the book is put together.
        first.write(cursor)
        if outcome.stand is not None and outcome.journal.accounts:
            book_store(cursor, outcome.journal)
    if outcome.stand is not None:
        outcome.filled_at = marks_at
        accounts = outcome.stand.desk.accounts
        outcome.frames += failures_write(cursor, outcome.debts.values(), outcome.settled, accounts, at)
        outcome.frames += rules_write(cursor, claim.tenant_id, outcome.stand.rules.quarantines, accounts, at)


def _copy_row(copy: Copy, claim: Claim, marks_at: datetime | None) -> tuple[Any, ...]:
    filled = marks_at if copy.status is CopyStatus.FILLED else None
    return (
        copy.id, claim.tenant_id, copy.settings.subscription_id, copy.event.source_kind, copy.event.id, claim.leader_id,
        copy.account.id, copy.event.trade_id, copy.ticket.id if copy.ticket else None, copy.event.kind,
        copy.event.symbol, copy.follower_symbol, copy.side, copy.volume, copy.status, copy.reason,
        _encode(copy.params).decode() if copy.params else "", copy.settings.version, copy.place, marks_at is None,
        copy.event.at, None if marks_at is None else copy.event.at, copy.decided_at, filled, filled, copy.slippage,
        copy.slippage_money,
    )  # fmt: skip


def _link_row(outcome: Outcome, link: Link, claim: Claim, at: datetime) -> tuple[Any, ...]:
    ticket = outcome.ticket_of(link)
    assert ticket is not None
    return (
        claim.tenant_id, link.subscription_id, claim.leader_id, link.follower_id, link.leader_trade_id, ticket.id,
        link.spec.id, link.spec.symbol, link.side, link.volume, link.opened_volume, link.entry_price,
        link.commission, link.realised, link.state, link.resting, at, at,
    )  # fmt: skip


def _changed_link_row(outcome: Outcome, link: Link, at: datetime) -> tuple[Any, ...]:
    ticket = outcome.ticket_of(link)
    return (
        link.id, link.follower_trade_id if ticket is None else ticket.id, link.volume, link.opened_volume,
        link.entry_price, link.commission, link.realised, link.state, link.resting, at,
    )  # fmt: skip
