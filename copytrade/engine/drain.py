"""The drain: turns of a leader's shards until nothing is left. Claim, lock, read, decide, write, in one transaction.

There is one writer per (leader, shard): whoever holds the shard's row. The shard's cursor moves in the transaction that
writes the copies and nowhere else, so a worker killed anywhere leaves a turn that is done or never was.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from prometheus_client import Counter

from copytrade.engine.metrics import copies_note, turn_note
from copytrade.engine.outcome import Outcome
from copytrade.engine.reads import claim_shard, members_of, read_stand
from copytrade.engine.telling import frames_beside, turn_publish
from copytrade.engine.turn import ALL, Clock, Muster, turn_decide
from copytrade.engine.writes import turn_write
from copytrade.services.roles import role_release
from infra.bulk import hot_cursor
from infra.faults import fault
from infra.retry import DATABASE_PASSING, retried
from infra.tenancy import swift_scope, tenant_scope

logger = logging.getLogger("copytrade.engine")

MAX_TURNS = 10_000
LOCK_TIMEOUT = "200ms"
set_aside_total = Counter(
    "copytrade_events_set_aside_total", "Subscriptions for which an event could not be carried out."
)


@dataclass(frozen=True, slots=True)
class TurnReport:
    """A turn that was tried on a shard: whether its copies are written, and whether more was waiting when it began."""

    shard_id: int
    done: bool
    more: bool = True
    exits_wait: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    tenant_id: int
    leader_id: int
    clock: Clock
    simulated: bool


class _Rehearsed(Exception):
    """Ends a rehearsal: everything it wrote is rolled back."""


def leader_drain(*, tenant_id: int, leader_id: int, clock: Clock, simulated: bool = False) -> int:
    """Copies everything of the leader that is waiting and that no other worker holds. Returns the number of turns.

    A shard that cannot be drained now is left for later and does not hold up the others. `clock` gives the instants of
    decisions and marks; with `simulated` the marks stay empty, because time is made up.
    """
    turns, avoid = 0, set[int]()
    # The re-check after each commit is what closes the gap between "nothing left" and a doorbell that rang meanwhile.
    while turns < MAX_TURNS:
        report = shard_turn(tenant_id=tenant_id, leader_id=leader_id, clock=clock, simulated=simulated, avoid=avoid)
        if report is None:
            break
        if report.done:
            turns += 1
        else:
            avoid.add(report.shard_id)
    return turns


def shard_turn(
    *, tenant_id: int, leader_id: int, clock: Clock, simulated: bool = False, avoid: Collection[int] = ()
) -> TurnReport | None:
    """One turn of the leader's shard that lags most, `avoid` left out; None when there was nothing to do.

    Deadlocks and lock time-outs are tried again. When the turn fails for another reason, the subscriptions that make it
    fail are found by halves and set aside with EVENT_FAILED, and the others are copied. Raises when not even a shard
    could be claimed.
    """
    task = _Task(tenant_id, leader_id, clock, simulated)
    claimed: list[int] = []
    try:
        outcome = retried(lambda: _attempt(task, claimed, avoid=avoid))
        if outcome is None:
            return None
    except Exception as error:
        if not claimed:
            raise
        shard_id = claimed[-1]
        logger.exception("a turn of shard %s failed", shard_id)
        if isinstance(error, DATABASE_PASSING):
            return TurnReport(shard_id, done=False)
        rescued = _without_culprits(task, shard_id)
        if rescued is None:
            return TurnReport(shard_id, done=False)
        outcome = rescued
    turn_publish(outcome)
    if not simulated:
        copies_note(outcome.copies, clock())
        turn_note(outcome.claim.leader_login, outcome.copies, clock())
    fault("copy.published")
    return TurnReport(outcome.claim.shard_id, done=True, more=outcome.claim.more, exits_wait=outcome.claim.exits_wait)


def _attempt(
    task: _Task,
    claimed: list[int],
    *,
    avoid: Collection[int] = (),
    only_shard: int | None = None,
    muster: Muster = ALL,
    rehearsal: bool = False,
) -> Outcome | None:
    """One transaction; `claimed` gets the shard's id as soon as it is known."""
    with swift_scope(task.tenant_id, lock_timeout=LOCK_TIMEOUT) as meanwhile:
        cursor = hot_cursor()
        claim = claim_shard(cursor, task.leader_id, avoid=avoid, only=only_shard, claimed=claimed.append)
        if claim is None:
            return None
        fault("copy.locked")
        stand = read_stand(cursor, claim) if claim.events and claim.account_rows else None
        fault("copy.read")
        outcome = turn_decide(claim, stand, task.clock, muster)
        fault("copy.decided")
        turn_write(cursor, claim, outcome, task.clock, simulated=task.simulated)
        for account_id in outcome.perhaps_free:
            role_release(account_id)
        if rehearsal:
            # Waits for the answers to all queued writes: an error among them is what the rehearsal is for.
            cursor.execute(b"SELECT 1").fetchone()
            raise _Rehearsed
        frames_beside(outcome, meanwhile)
        fault("copy.written")
    fault("copy.committed")
    return outcome


def _without_culprits(task: _Task, shard_id: int) -> Outcome | None:
    """The shard's turn without the subscriptions that make it fail; None when it cannot be saved that way."""
    with tenant_scope(task.tenant_id):
        members = members_of(hot_cursor(), shard_id)
    culprits = _culprits(task, shard_id, members)
    if not culprits:
        return None
    try:
        outcome = retried(lambda: _attempt(task, [], only_shard=shard_id, muster=Muster(set_aside=frozenset(culprits))))
    except Exception:
        logger.exception("shard %s fails even without subscriptions %s", shard_id, culprits)
        return None
    set_aside_total.inc(len(culprits))
    return outcome


def _culprits(task: _Task, shard_id: int, members: list[int]) -> list[int]:
    """The subscriptions among `members` whose turn fails on its own, found by halving."""
    if not members or not _fails(task, shard_id, members):
        return []
    if len(members) == 1:
        return members
    middle = len(members) // 2
    return _culprits(task, shard_id, members[:middle]) + _culprits(task, shard_id, members[middle:])


def _fails(task: _Task, shard_id: int, members: list[int]) -> bool:
    muster = Muster(only=frozenset(members))
    try:
        retried(lambda: _attempt(task, [], only_shard=shard_id, muster=muster, rehearsal=True))
    except _Rehearsed:
        return False
    except Exception as error:
        if isinstance(error, DATABASE_PASSING):
            raise
        return True
    return False
