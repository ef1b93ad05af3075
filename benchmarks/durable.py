"""How fast copies become durable: from the leader's commit to the commit of the last shard.

The floor is COPY of the very rows that the copies of one entry have written, into the same tables with their indexes and
constraints, in one transaction. What the product changes in place (balances, cursors) is not in the floor.
"""

import math
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks.figures import Compared, compared
from benchmarks.place import BenchmarkError, Processes
from benchmarks.world import SYMBOL, Leader, World
from copytrade.engine.drain import leader_drain
from copytrade.engine.listener import doorbell_quiet
from core import clock
from core.states import Side
from infra.audience import audience_of
from infra.tenancy import tenant_scope
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open

PATIENCE: Final = 120.0
_FAR: Final = 10**15
"""Ids that no sequence reaches: rows written by the floor, removed again after each measurement."""
_POLL_SECONDS: Final = 0.001

# Which rows the copies of one leader's event are, by table; %(event)s is the event's id
_COPIES: Final = (
    "(SELECT follower_trade_id FROM copytrade_copyorder WHERE leader_id = %(leader)s AND source_id = %(event)s)"
)
_ROWS: Final[dict[str, str]] = {
    "trading_trade": f"id IN {_COPIES}",
    "trading_order": f"trade_id IN {_COPIES}",
    "ledger_transfer": f"reference IN {_COPIES}",
    "trading_accountevent": f"trade_id IN {_COPIES}",
    "copytrade_copyorder": "leader_id = %(leader)s AND source_id = %(event)s",
    "copytrade_tradelink": f"follower_trade_id IN {_COPIES}",
}
# What must differ from the original for the unique constraints
_MOVED: Final[dict[str, str]] = {
    "id": f"id + {_FAR}",
    "seq": f"seq + {_FAR}",
    "source_id": f"source_id + {_FAR}",
    "client_order_id": "client_order_id || '+'",
}
_OWN_DEFAULT: Final = "xid"


@dataclass(frozen=True)
class Behind:
    """An exit right behind an entry: milliseconds from the exit's commit to its first and to its last copies, and from the
    entry's commit to the last copies of the entry, which share the workers with the exit's."""

    first: float
    last: float
    entry: float


@dataclass
class Durable:
    """What came out for one number of followers. Rates are copies a second at the median of all entries."""

    followers: int
    entries: Compared
    exits_ms: list[float]
    firsts_ms: list[float] = field(default_factory=list)
    """From the leader's commit of an entry to its first copies: those of the first shard."""
    behind: list["Behind"] = field(default_factory=list)
    cpu_ms_per_copy: float = 0.0
    worker_bytes: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def copies_per_second(self) -> float:
        return self.followers / (self.entries.product[0]["p50"] / 1000)

    @property
    def floor_per_second(self) -> float:
        return self.followers / (self.entries.floor[0]["p50"] / 1000)


def measure(world: World, followers: int, repeats: int, processes: Processes, url: str) -> Durable:
    """Entries and exits by turns, each waited for; after each entry the floor. Nobody listens to live push meanwhile."""
    leader = world.leaders[followers]
    _wait_for_silence(world)
    entries, firsts, exits, floor = [], [], [], []
    rows: dict[str, int] = {}
    with psycopg.connect(url, autocommit=True) as owner:
        # Not bound by the tenant wall, but its expression is evaluated where row level security is on
        owner.execute("SELECT set_config('app.tenant', %s, false)", [str(world.tenant_id)])
        _entry_and_exit(world, leader, owner)
        before = processes.cpu_seconds(processes.copiers)
        cpu = 0.0
        for _repeat in range(repeats):
            answer, first, last = _timed(owner, leader, lambda: leader_open(world, leader))
            entries.append(last)
            firsts.append(first)
            cpu += processes.cpu_seconds(processes.copiers) - before
            rows, spent = _floor(owner, leader, answer.order)
            floor.append(spent)
            before = processes.cpu_seconds(processes.copiers)
            exits.append(_timed(owner, leader, lambda order=answer.order: leader_close(world, leader, order))[2])
        cpu += processes.cpu_seconds(processes.copiers) - before
        behind = [_behind(world, leader, owner) for _repeat in range(math.ceil(repeats / 4))]
    processes.check()
    return Durable(
        followers,
        compared("leader's commit to last copy durable", [entries], [floor]),
        exits,
        firsts,
        behind,
        cpu * 1000 / (2 * repeats * followers),
        processes.memory_bytes(processes.copiers),
        rows,
    )


def _wait_for_silence(world: World) -> None:
    """The sockets of the latency have been forgotten."""
    deadline = time.monotonic() + PATIENCE
    while (heard := audience_of(world.tenant_id, world.people)).people != set() or heard.staff:
        if time.monotonic() > deadline:
            raise BenchmarkError("Somebody listens to live push all the time.")
        time.sleep(1)


def drain_here(world: World, leader: Leader, observe: Any) -> int:
    """One entry and one exit with the copying done in this process under `observe`; the number of turns."""
    with doorbell_quiet():
        answer = leader_open(world, leader)
    with observe:
        turns = leader_drain(tenant_id=world.tenant_id, leader_id=leader.account_id, clock=clock.now)
    with doorbell_quiet():
        leader_close(world, leader, answer.order)
    with observe:
        turns += leader_drain(tenant_id=world.tenant_id, leader_id=leader.account_id, clock=clock.now)
    return turns


def _entry_and_exit(world: World, leader: Leader, owner: psycopg.Connection[Any]) -> None:
    answer, _first, _last = _timed(owner, leader, lambda: leader_open(world, leader))
    _timed(owner, leader, lambda: leader_close(world, leader, answer.order))


def _behind(world: World, leader: Leader, owner: psycopg.Connection[Any]) -> Behind:
    """The exit of an older ticket, committed right behind an entry that nobody has copied yet."""
    older, _first, _last = _timed(owner, leader, lambda: leader_open(world, leader))
    entry = leader_open(world, leader)
    entered, head = time.perf_counter_ns(), _head(owner, leader)
    leader_close(world, leader, older.order)
    left = time.perf_counter_ns()
    # Both are waited for at once: turns that have both events write both
    passed = _passed(owner, leader, [head, _head(owner, leader)])
    (_first, entry_last), (exit_first, exit_last) = passed
    _timed(owner, leader, lambda: leader_close(world, leader, entry.order))
    return Behind((exit_first - left) / 1e6, (exit_last - left) / 1e6, (entry_last - entered) / 1e6)


def _timed(owner: psycopg.Connection[Any], leader: Leader, act: Any) -> tuple[OrderAnswer, float, float]:
    """What the act of the leader answers, and the milliseconds from its commit to the first and the last copies."""
    answer = act()
    committed = time.perf_counter_ns()
    ((first, last),) = _passed(owner, leader, [_head(owner, leader)])
    return answer, (first - committed) / 1e6, (last - committed) / 1e6


def _passed(owner: psycopg.Connection[Any], leader: Leader, heads: list[int]) -> list[tuple[int, int]]:
    """When (ns) the leader's foremost and hindmost shards were seen to have passed each of these events."""
    deadline = time.monotonic() + PATIENCE
    first, last = dict.fromkeys(heads, 0), dict.fromkeys(heads, 0)
    while not all(last.values()):
        hindmost, foremost = _cursors(owner, leader)
        now = time.perf_counter_ns()
        for head in heads:
            first[head] = first[head] or (now if foremost >= head else 0)
            last[head] = last[head] or (now if hindmost >= head else 0)
        if time.monotonic() > deadline:
            raise BenchmarkError(f"The copies of {leader.followers} followers are not durable after {PATIENCE:.0f} s.")
        time.sleep(_POLL_SECONDS)
    return [(first[head], last[head]) for head in heads]


def _head(owner: psycopg.Connection[Any], leader: Leader) -> int:
    statement = b"SELECT head_seq FROM copytrade_inboxhead WHERE leader_id = %s"
    row = owner.execute(statement, [leader.account_id], prepare=True).fetchone()
    assert row is not None
    return int(row[0])


def _cursors(owner: psycopg.Connection[Any], leader: Leader) -> tuple[int, int]:
    """How far the hindmost and the foremost of the leader's shards have come."""
    statement = b"SELECT min(cursor), max(cursor) FROM copytrade_leadershard WHERE leader_id = %s"
    row = owner.execute(statement, [leader.account_id], prepare=True).fetchone()
    assert row is not None
    return row[0], row[1]


def leader_open(world: World, leader: Leader) -> OrderAnswer:
    at = clock.now()
    with tenant_scope(world.tenant_id):
        return _accepted(
            order_open(account_id=leader.account_id, symbol=SYMBOL, side=Side.BUY, volume=Decimal(1), at=at)
        )


def leader_close(world: World, leader: Leader, order: int) -> OrderAnswer:
    with tenant_scope(world.tenant_id):
        return _accepted(order_close(account_id=leader.account_id, trade_id=order, at=clock.now()))


def _accepted(answer: OrderAnswer | Refusal) -> OrderAnswer:
    if isinstance(answer, Refusal):
        raise BenchmarkError(f"The leader's order was refused: {answer.message}")
    return answer


def _floor(owner: psycopg.Connection[Any], leader: Leader, order: int) -> tuple[dict[str, int], float]:
    """COPY of what the copies of the entry `order` wrote; rows by table, and milliseconds."""
    event = owner.execute(
        "SELECT id FROM trading_accountevent WHERE account_id = %s AND trade_id = %s", [leader.account_id, order]
    ).fetchone()
    assert event is not None
    batches = [_batch(owner, table, {"leader": leader.account_id, "event": event[0]}) for table in _ROWS]
    began = time.perf_counter_ns()
    with owner.transaction(), owner.cursor() as cursor:
        counts = {}
        for table, statement, data in batches:
            with cursor.copy(statement) as copy:
                copy.write(data)
            counts[table] = cursor.rowcount
    took = (time.perf_counter_ns() - began) / 1e6
    for table in _ROWS:
        owner.execute(sql.SQL("DELETE FROM {} WHERE id > %s").format(sql.Identifier(table)), [_FAR])
        owner.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
    if counts["copytrade_copyorder"] != leader.followers:
        raise BenchmarkError(f"{counts['copytrade_copyorder']} of {leader.followers} copies were made.")
    return counts, took


def _batch(owner: psycopg.Connection[Any], table: str, values: dict[str, int]) -> tuple[str, sql.Composed, bytes]:
    """The table, the statement that loads, and the rows in binary form."""
    with owner.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table)))
        columns = [column.name for column in cursor.description or () if column.name != _OWN_DEFAULT]
        listed = sql.SQL(", ").join(sql.SQL(_MOVED.get(name, f'"{name}"')) for name in columns)
        rows = sql.SQL(_ROWS[table]).format()
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT binary)").format(
            listed, sql.Identifier(table), rows
        )
        with cursor.copy(query, values) as copy:
            data = b"".join(bytes(part) for part in copy)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    load = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), names)
    return table, load, data
