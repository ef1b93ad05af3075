"""Turns of copy commands: what somebody asked for instead of a leader's event, carried out in the same way.

A turn takes commands of one shard, those that close something first, locks their followers, reads, decides with the
same rules, and writes copies, links and book with the commands' end in one transaction. Commands are locked before
followers and never waited for. A position that is copied on request is taken as it was at the shard's cursor, under the
shard's row: what the leader did after it comes to the new copy as an event.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from copytrade.domain.codes import SkipReason
from copytrade.domain.guards import Skip
from copytrade.domain.planner import ExitPlan
from copytrade.domain.retries import retry_delay
from copytrade.domain.values import LeaderEvent, Link
from copytrade.engine.failures import failed_exit_frame
from copytrade.engine.hands import Hands
from copytrade.engine.metrics import copies_note, turn_note
from copytrade.engine.outcome import Copy, Outcome
from copytrade.engine.reads import Claim, Stand, read_stand
from copytrade.engine.resting import shadow_cancel
from copytrade.engine.telling import frames_beside, turn_publish
from copytrade.engine.turn import Clock, Turn
from copytrade.engine.writes import outcome_write
from copytrade.models_commands import CommandKind, CopyCommand, FailedExit, FailedExitState
from copytrade.services.roles import role_release
from core.rounding import ZERO, plain
from core.states import Cmd, CopyStatus, EventKind, Side, TradeState
from infra.bulk import Batch, hot_cursor, pipelined, update_rows
from infra.faults import fault
from infra.retry import DATABASE_PASSING, retried
from infra.tenancy import swift_scope
from trading.services.desk import accounts_lock

logger = logging.getLogger("copytrade.commands")

COMMANDS_PER_TURN = 250
LOCK_TIMEOUT = "200ms"

_CLAIM_SQL = b"""
SELECT id, kind, subscription_id, shard_id, follower_id, leader_trade_id, symbol, side, target, after_seq, bid, ask, equity,
       balance, attempts, requested_at
FROM copytrade_copycommand
WHERE leader_id = %(leader)s AND done_at IS NULL AND due_at <= %(at)s
  AND (%(only)s::bigint IS NULL OR id = %(only)s)
  AND shard_id = (SELECT c.shard_id FROM copytrade_copycommand c WHERE c.leader_id = %(leader)s AND c.done_at IS NULL
                  AND c.due_at <= %(at)s
                  AND (%(only)s::bigint IS NULL OR c.id = %(only)s)
                  ORDER BY c.kind = 'COPY_EXISTING', c.id LIMIT 1)
ORDER BY kind = 'COPY_EXISTING', id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
"""
_SHARD_SQL = b"SELECT cursor, number FROM copytrade_leadershard WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED"
_LEADER_SQL = b"SELECT login, customer_id, currency FROM accounts_tradingaccount WHERE id = %s"
# What the leader's trades were at the cursor: before the first change after it, or as they are.
_EXISTING_SQL = b"""
SELECT t.id, t.cmd, t.sl, t.tp, t.state, coalesce(e.volume_before, CASE WHEN t.state = 0 THEN t.volume ELSE 0 END)
FROM trading_trade t LEFT JOIN LATERAL (
  SELECT e.volume_before FROM trading_accountevent e
  WHERE e.account_id = t.account_id AND e.seq > %s AND e.trade_id = t.id
    AND e.kind IN ('OPEN', 'INCREASE', 'REDUCE', 'CLOSE')
  ORDER BY e.seq LIMIT 1) e ON true
WHERE t.account_id = %s AND t.id = ANY(%s::bigint[])
"""
_OWED_SQL = b"""
SELECT id, follower_id, link_id, symbol, volume, attempts, expires_at, last_error FROM copytrade_failedexit
WHERE id = ANY(%s::bigint[]) AND state = 'OPEN'
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A claimed command."""

    id: int
    kind: CommandKind
    subscription_id: int
    shard_id: int
    follower_id: int
    leader_trade_id: int
    symbol: str
    side: Side
    target: int
    after_seq: int
    bid: Decimal
    ask: Decimal
    equity: Decimal
    balance: Decimal
    attempts: int
    requested_at: datetime


@dataclass(slots=True, eq=False)
class Owed:
    """A failed exit that is tried again, and what becomes of it."""

    id: int
    follower_id: int
    link_id: int
    symbol: str
    volume: Decimal
    attempts: int
    expires_at: datetime
    error: str
    state: FailedExitState = FailedExitState.OPEN
    next_at: datetime | None = None


@dataclass(slots=True, eq=False)
class _Work:
    """The working values of one turn."""

    claim: Claim
    commands: list[Command]
    stand: Stand
    existing: dict[int, tuple[Any, ...]]
    owed: dict[int, Owed]
    done: list[int]
    later: dict[int, datetime]


def commands_drain(*, tenant_id: int, leader_id: int, clock: Clock, simulated: bool = False) -> int:
    """Carries out all commands of a leader's followers that are due and that nobody else holds; gives their number."""
    total = 0
    while done := command_turn(tenant_id=tenant_id, leader_id=leader_id, clock=clock, simulated=simulated):
        total += done
    return total


def command_turn(*, tenant_id: int, leader_id: int, clock: Clock, simulated: bool = False) -> int:
    """One turn of due commands; how many of them it ended or put off, 0 when there was nothing to do.

    When the turn fails, its commands are tried one by one; one that fails alone is put off (an entry is skipped with
    EVENT_FAILED), so the others go on. Raises when the database is busy or away.
    """
    at = clock()
    claimed: list[int] = []
    try:
        return retried(lambda: _attempt(tenant_id, leader_id, clock, simulated, at, claimed=claimed))
    except DATABASE_PASSING:
        raise
    except Exception:
        if not claimed:
            raise
        logger.exception("a turn of commands %s failed", claimed)
    return sum(_alone(tenant_id, leader_id, clock, simulated, at, number) for number in dict.fromkeys(claimed))


def _alone(tenant_id: int, leader_id: int, clock: Clock, simulated: bool, at: datetime, number: int) -> int:
    try:
        return retried(lambda: _attempt(tenant_id, leader_id, clock, simulated, at, only=number))
    except DATABASE_PASSING:
        raise
    except Exception:
        logger.critical("command %s failed", number, exc_info=True)
    return retried(lambda: _attempt(tenant_id, leader_id, clock, simulated, at, only=number, set_aside=True))


def _attempt(
    tenant_id: int,
    leader_id: int,
    clock: Clock,
    simulated: bool,
    at: datetime,
    *,
    claimed: list[int] | None = None,
    only: int | None = None,
    set_aside: bool = False,
) -> int:
    """One transaction."""
    with swift_scope(tenant_id, lock_timeout=LOCK_TIMEOUT) as meanwhile:
        cursor = hot_cursor()
        commands = _claim(cursor, leader_id, at, only)
        if claimed is not None:
            claimed[:] = [command.id for command in commands]
        if not commands:
            return 0
        fault("command.claimed")
        if set_aside and commands[0].kind is not CommandKind.COPY_EXISTING:
            _put_off(cursor, commands, at)
            return len(commands)
        work = _read(cursor, tenant_id, leader_id, commands)
        if work is None:
            return 0
        fault("command.read")
        outcome = _decide(work, clock, set_aside=set_aside)
        fault("command.decided")
        outcome_write(cursor, work.claim, outcome, clock, Batch(), simulated=simulated)
        _commands_write(cursor, work, outcome, clock())
        for account_id in outcome.perhaps_free:
            role_release(account_id)
        frames_beside(outcome, meanwhile)
        fault("command.written")
    fault("command.committed")
    turn_publish(outcome)
    if not simulated:
        copies_note(outcome.copies, clock())
        turn_note(work.claim.leader_login, outcome.copies, clock())
    return len(work.done) + len(work.later)


def _claim(cursor: psycopg.Cursor[Any], leader_id: int, at: datetime, only: int | None) -> list[Command]:
    asked = {"leader": leader_id, "at": at, "only": only, "most": COMMANDS_PER_TURN}
    return [_command(row) for row in cursor.execute(_CLAIM_SQL, asked, prepare=True).fetchall()]


def _command(row: tuple[Any, ...]) -> Command:
    prices = [plain(number) for number in row[10:14]]
    bid, ask, equity, balance = prices
    return Command(
        row[0], CommandKind(row[1]), row[2], row[3], row[4], row[5], row[6], Side(row[7]), row[8], row[9], bid, ask, equity,
        balance, row[14], row[15],
    )  # fmt: skip


def _read(cursor: psycopg.Cursor[Any], tenant_id: int, leader_id: int, commands: list[Command]) -> _Work | None:
    """Takes the shard where an entry is asked for, locks the followers, and reads everything else after that.

    None when all there is are entries that have to wait.
    """
    shard_id = commands[0].shard_id
    entries = [command for command in commands if command.kind is CommandKind.COPY_EXISTING]
    shard = cursor.execute(_SHARD_SQL, [shard_id], prepare=True).fetchone() if entries else None
    seen, number = shard or (-1, 0)
    # An entry whose shard is being drained, or has not come so far, waits for the next turn.
    commands = [c for c in commands if c.kind is not CommandKind.COPY_EXISTING or c.after_seq <= seen]
    if not commands:
        return None
    rows = accounts_lock(cursor, list({command.follower_id for command in commands}))
    leader = cursor.execute(_LEADER_SQL, [leader_id], prepare=True).fetchone()
    assert leader is not None
    claim = Claim(
        tenant_id=tenant_id,
        shard_id=shard_id,
        number=number,
        cursor=seen,
        leader_id=leader_id,
        leader_login=leader[0],
        leader_customer_id=leader[1],
        leader_currency=leader[2],
        events=[_event(command) for command in commands],
        last_seq=seen,
        more=False,
        exits_wait=False,
        account_rows=rows,
    )
    trades = [command.leader_trade_id for command in commands if command.kind is CommandKind.COPY_EXISTING]
    retries = [command.target for command in commands if command.kind is CommandKind.RETRY_EXIT]
    existing = cursor.execute(_EXISTING_SQL, [seen, leader_id, trades], prepare=True).fetchall() if trades else []
    owed = cursor.execute(_OWED_SQL, [retries], prepare=True).fetchall() if retries else []
    return _Work(
        claim=claim,
        commands=commands,
        stand=read_stand(cursor, claim),
        existing={row[0]: row for row in existing},
        owed={row[0]: Owed(row[0], row[1], row[2], row[3], plain(row[4]), row[5], row[6], row[7]) for row in owed},
        done=[],
        later={},
    )


def _event(command: Command) -> LeaderEvent:
    """A command told as an event: what it asks for, with the prices and figures of the request."""
    entry = command.kind is CommandKind.COPY_EXISTING
    return LeaderEvent(
        id=command.id,
        seq=command.after_seq,
        kind=EventKind.OPEN if entry else EventKind.CLOSE,
        trade_id=command.leader_trade_id,
        symbol=command.symbol,
        side=command.side,
        volume_before=ZERO,
        volume_after=ZERO,
        price=command.ask if command.side is Side.BUY else command.bid,
        bid=command.bid,
        ask=command.ask,
        sl=ZERO,
        tp=ZERO,
        equity=command.equity,
        balance=command.balance,
        at=command.requested_at,
        source_kind="C",
    )


def _decide(work: _Work, clock: Clock, *, set_aside: bool = False) -> Outcome:
    outcome = Outcome(claim=work.claim, stand=work.stand)
    settings = {known.subscription_id: known for known in work.stand.settings}
    turn = Turn(Hands(work.stand, outcome), clock, frozenset())
    for place, (command, event) in enumerate(zip(work.commands, work.claim.events, strict=True)):
        account = work.stand.desk.accounts[command.follower_id]
        own = settings[command.subscription_id]
        copy = Copy(event, own, account, place, clock(), side=event.side)
        if command.kind is CommandKind.COPY_EXISTING:
            _enter(work, turn, command, copy, set_aside)
        elif command.kind is CommandKind.RETRY_EXIT:
            _retry(work, turn, command, copy)
        else:
            link = _link(work.stand, command.target)
            if own.ended:
                outcome.perhaps_free.add(account.id)
            if link is not None and link.resting:
                copy.event = replace(event, kind=EventKind.CANCEL)
                shadow_cancel(turn.hands, copy)
            else:
                turn.close(copy, ExitPlan([] if link is None else [(link, link.volume)]))
            work.done.append(command.id)
    return outcome


def _enter(work: _Work, turn: Turn, command: Command, copy: Copy, set_aside: bool) -> None:
    work.done.append(command.id)
    if work.stand.links.known(command.subscription_id, command.leader_trade_id):
        return  # an event of the leader, or an earlier request, was first
    row = work.existing.get(command.leader_trade_id)
    if set_aside:
        turn.outcome.skip(copy, Skip(SkipReason.EVENT_FAILED, {}))
        return
    if row is None or row[4] != TradeState.OPEN:
        turn.outcome.skip(copy, Skip(SkipReason.CLOSED_BEFORE_COPY, {}))
        return
    _id, cmd, sl, tp, _state, volume = row
    if not volume:
        return  # opened after the cursor: its event is still to come, and brings the copy
    copy.event = replace(copy.event, side=Cmd(cmd).side, volume_after=plain(volume), sl=plain(sl), tp=plain(tp))
    turn.enter(copy)


def _retry(work: _Work, turn: Turn, command: Command, copy: Copy) -> None:
    """Tries a failed exit again: at most what its link owns now, and nothing where nothing is held any more."""
    owed = work.owed.get(command.target)
    if owed is None:
        work.done.append(command.id)
        return
    link = _link(work.stand, owed.link_id)
    if link is None:
        owed.state = FailedExitState.DONE
        work.done.append(command.id)
        return
    if copy.decided_at >= owed.expires_at:
        logger.critical("exit %s of account %s was given up after %s tries", owed.id, copy.account.login, owed.attempts)
        owed.state = FailedExitState.EXPIRED
        work.done.append(command.id)
        return
    share = min(owed.volume, link.volume)
    kind = EventKind.CLOSE if share == link.volume else EventKind.REDUCE
    copy.event, copy.is_retry = replace(copy.event, kind=kind), True
    link.owed, before = ZERO, link.owed
    turn.close(copy, ExitPlan([(link, share)]))
    owed.attempts += 1
    if copy.status is CopyStatus.REJECTED:
        link.owed = before
        owed.error = copy.reason
        owed.next_at = copy.decided_at + retry_delay(owed.attempts)
        work.later[command.id] = owed.next_at
        return
    owed.state = FailedExitState.DONE
    work.stand.closing.settle(link)
    work.done.append(command.id)


def _link(stand: Stand, link_id: int) -> Link | None:
    return next((link for link in stand.links.links if link.id == link_id and link.active), None)


def _commands_write(cursor: psycopg.Cursor[Any], work: _Work, outcome: Outcome, at: datetime) -> None:
    with pipelined():
        update_rows(cursor, CopyCommand, ("done_at",), [(number, at) for number in work.done])
        update_rows(cursor, CopyCommand, ("due_at",), list(work.later.items()))
        rows = [(o.id, o.attempts, o.next_at or at, o.error, o.state.value, at) for o in work.owed.values()]
        columns = ("attempts", "next_attempt_at", "last_error", "state", "updated_at")
        update_rows(cursor, FailedExit, columns, rows)
    accounts = work.stand.desk.accounts
    for o in work.owed.values():
        row = (o.id, o.follower_id, o.symbol, o.volume, o.attempts, o.next_at or at, o.expires_at, o.error, o.state)
        outcome.frames.append(failed_exit_frame(accounts[o.follower_id], row))


def _put_off(cursor: psycopg.Cursor[Any], commands: Sequence[Command], at: datetime) -> None:
    """An exit that cannot even be written is never dropped: it waits longer each time."""
    update_rows(
        cursor,
        CopyCommand,
        ("attempts", "due_at"),
        [(c.id, c.attempts + 1, at + retry_delay(c.attempts + 1)) for c in commands],
    )
