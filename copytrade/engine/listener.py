"""What copytrade does inside every trading transaction: ring the doorbell for leaders, keep followers' links true."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from copytrade.domain.exits import outside_reduction
from copytrade.models import TradeLink
from core.rounding import ZERO, plain
from core.states import CopyRole, EventKind, LinkState, Origin
from infra.bulk import ids_array, texts_array, update_rows
from trading.domain.values import AccountState, Change, Journal

DOORBELL = "copy_doorbell"

_HEADS_SQL = b"""
WITH moved AS (
  INSERT INTO copytrade_inboxhead (leader_id, tenant_id, head_seq)
  SELECT unnest(%s::bigint[]), unnest(%s::bigint[]), unnest(%s::bigint[])
  ON CONFLICT (leader_id) DO UPDATE SET head_seq = EXCLUDED.head_seq)
SELECT pg_notify('copy_doorbell', ring) FROM unnest(%s::text[]) AS ring
"""
_RING_SQL = b"SELECT pg_notify('copy_doorbell', %s)"
_OWNED_SQL = b"""
SELECT id, follower_trade_id, volume FROM copytrade_tradelink
WHERE follower_id = ANY(%s::bigint[]) AND follower_trade_id = ANY(%s::bigint[]) AND state = 0 ORDER BY id
"""

_quiet: ContextVar[bool] = ContextVar("doorbell_quiet", default=False)


@contextmanager
def doorbell_quiet() -> Iterator[None]:
    """No doorbell inside: a simulated past is drained by whoever writes it, not by the workers."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def commands_ring(cursor: psycopg.Cursor[Any], tenant_id: int, leader_ids: Iterable[int]) -> None:
    """Rings for commands that this transaction has written, when it commits."""
    if not _quiet.get():
        for leader_id in sorted(set(leader_ids)):
            cursor.execute(_RING_SQL, [f"{tenant_id}:{leader_id}:c"], prepare=True)


def links_keep_true(cursor: psycopg.Cursor[Any], journal: Journal) -> None:
    """A `trade_listeners` port: runs in the transaction that changed the accounts, under their locks.

    A leader's events move its inbox head and ring the doorbell. A follower's ticket that anybody but the copy engine
    reduced (hand, stop, dealer) takes its links along, so the sum of active links never exceeds the ticket.
    """
    leaders = [account for account in journal.accounts.values() if account.copy_role is CopyRole.LEADER]
    if leaders:
        _heads_move(cursor, leaders, [] if _quiet.get() else [_ring_text(leader, journal) for leader in leaders])
    handed = [change for change in journal.changes if _is_another_hand(change)]
    if handed:
        _reduce_links(cursor, handed)


def _heads_move(cursor: psycopg.Cursor[Any], leaders: Sequence[AccountState], rings: Sequence[str]) -> None:
    """One statement, however many leaders a tick has stopped out."""
    heads = [
        ids_array(numbers)
        for numbers in zip(*((leader.id, leader.tenant_id, leader.event_seq) for leader in leaders), strict=True)
    ]
    cursor.execute(_HEADS_SQL, [*heads, texts_array(rings)], prepare=True)


def _ring_text(account: AccountState, journal: Journal) -> str:
    """`tenant:leader:kind`; the kind is x when an exit waits, which is served before everything else."""
    exits = any(change.kind.is_exit for change in journal.changes if change.account is account)
    return f"{account.tenant_id}:{account.id}:{'x' if exits else 'e'}"


def _is_another_hand(change: Change) -> bool:
    """Whether somebody other than the copy engine took something off a follower's ticket, or a resting copy back."""
    if change.account.copy_role is not CopyRole.FOLLOWER or change.origin is Origin.COPY:
        return False
    withdrawn = change.kind is EventKind.CANCEL and change.ticket is not None and change.ticket.copied
    return change.kind.is_exit or withdrawn


def _reduce_links(cursor: psycopg.Cursor[Any], changes: Sequence[Change]) -> None:
    """Takes the links along with their tickets: one read and one write, however many tickets a tick has closed."""
    accounts = list({change.account.id for change in changes})
    tickets = list({_ticket_number(change) for change in changes})
    owned: dict[int, dict[int, Decimal]] = {}
    for link_id, ticket, volume in cursor.execute(_OWNED_SQL, [accounts, tickets], prepare=True).fetchall():
        owned.setdefault(ticket, {})[link_id] = volume
    updates: dict[int, tuple[int, Decimal, int, datetime]] = {}
    for change in changes:
        for link_id, rest in _rest_after(change, owned.get(_ticket_number(change), {})).items():
            state = LinkState.ACTIVE if rest > ZERO else LinkState.CLOSED
            updates[link_id] = (link_id, rest, state.value, change.at)
    update_rows(cursor, TradeLink, ("volume", "state", "updated_at"), list(updates.values()))


def _rest_after(change: Change, links: dict[int, Decimal]) -> dict[int, Decimal]:
    """What the links of one ticket own after a change, for those that lose something; `links` is kept up to date."""
    assert change.ticket is not None
    volumes = list(links.values())
    if change.kind in (EventKind.CLOSE, EventKind.CANCEL):
        losses = volumes
    else:
        taken = change.volume_before - change.volume_after
        losses = outside_reduction(change.volume_before, taken, volumes, change.ticket.spec.lot_step)
    changed = {}
    for link_id, loss in zip(list(links), losses, strict=True):
        if loss:
            links[link_id] = changed[link_id] = plain(links[link_id] - loss)
    return changed


def _ticket_number(change: Change) -> int:
    assert change.ticket is not None
    return change.ticket.number
