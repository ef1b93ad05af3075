"""The doorbell: copy workers listen to PostgreSQL and drain at once.

A thread of the Celery worker that consumes the `copy` queue. Doorbells are hints: whatever one misses (a restart, a lost
connection) is found by the sweep. Leaders take turns, one shard each, so a large one does not hold up the others.
"""

import gc
import logging
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import close_old_connections, connection

from copytrade.engine.commands import command_turn
from copytrade.engine.drain import shard_turn
from copytrade.engine.listener import DOORBELL
from copytrade.engine.sweep import waiting_commands, waiting_leaders
from core import clock
from infra.database import owner_connection

logger = logging.getLogger("copytrade.doorbell")

IDLE_SECONDS = 1.0
REST_AFTER_FAILURE = timedelta(seconds=1)
PAUSE_AFTER_FAILURE_SECONDS = 0.5
GARBAGE_EVERY = 50_000


class WaitingLeaders:
    """(tenant, leader) pairs with something to do: those with a waiting exit first, the longest waiting first of each.

    A leader takes one turn of one shard and goes to the end of its line, so a large one does not hold up the others.
    """

    def __init__(self) -> None:
        self._exits: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._entries: OrderedDict[tuple[int, int], None] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._exits or self._entries)

    def add(self, leader: tuple[int, int], *, urgent: bool = False) -> None:
        """Puts a leader in line; one that waits already keeps its place, or moves up to the urgent ones."""
        if urgent:
            self._entries.pop(leader, None)
            self._exits.setdefault(leader, None)
        elif leader not in self._exits:
            self._entries.setdefault(leader, None)

    def take(self) -> tuple[int, int]:
        """The leader whose turn it is; it leaves the line."""
        line = self._exits or self._entries
        return line.popitem(last=False)[0]


class RestingShards:
    """Shards whose turn failed a moment ago: they rest, so that the leader's other shards come first."""

    def __init__(self) -> None:
        self._until: dict[int, datetime] = {}

    def add(self, shard_id: int, at: datetime) -> None:
        self._until[shard_id] = at + REST_AFTER_FAILURE

    def now(self, at: datetime) -> list[int]:
        """The shards that rest at this moment."""
        self._until = {shard: until for shard, until in self._until.items() if until > at}
        return list(self._until)


class DoorbellThread(threading.Thread):
    """Listens and drains until `stop` is called; survives the loss of its connections."""

    def __init__(self) -> None:
        super().__init__(name="copy-doorbell", daemon=True)
        self._stopping = threading.Event()
        self._resting = RestingShards()
        self._waiting = WaitingLeaders()
        self._commands: OrderedDict[tuple[int, int], None] = OrderedDict()

    def stop(self) -> None:
        """Asks the thread to end after the turn it is in."""
        self._stopping.set()

    def run(self) -> None:
        # What the process has loaded stays. A turn makes thousands of values that all end with it: looked through for
        # cycles every few hundred, as is usual, they cost a tenth of the turn.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_EVERY, 20, 20)
        while not self._stopping.is_set():
            try:
                with owner_connection() as bell:
                    bell.execute(f"LISTEN {DOORBELL}".encode())
                    # What was written while nobody listened.
                    for waiting in waiting_leaders():
                        self._waiting.add(waiting)
                    self._commands.update(dict.fromkeys(waiting_commands(clock.now())))
                    self._serve(bell)
            except Exception:
                logger.exception("the doorbell lost its connection")
                self._drop_connection()
                self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)
        self._drop_connection()

    def _serve(self, bell: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            # With work waiting only what has already arrived is taken in; otherwise the thread sleeps until a ring.
            timeout = 0.0 if self._waiting or self._commands else IDLE_SECONDS
            for ring in bell.notifies(timeout=timeout, stop_after=1):
                tenant, leader, kind = ring.payload.split(":")
                if kind == "c":
                    self._commands.setdefault((int(tenant), int(leader)), None)
                else:
                    self._waiting.add((int(tenant), int(leader)), urgent=kind == "x")
            self._take_commands()
            self._take_turn()

    def _take_commands(self) -> None:
        """One turn of the commands that wait longest; those that cannot be had now are found by the sweep."""
        if not self._commands:
            return
        leader, _none = self._commands.popitem(last=False)
        try:
            if command_turn(tenant_id=leader[0], leader_id=leader[1], clock=clock.now):
                self._commands.setdefault(leader, None)
        except Exception:
            logger.exception("the commands of leader %s failed", leader[1])
            self._drop_connection()
            self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)

    def _take_turn(self) -> None:
        if not self._waiting:
            return
        tenant_id, leader_id = self._waiting.take()
        try:
            report = shard_turn(
                tenant_id=tenant_id, leader_id=leader_id, clock=clock.now, avoid=self._resting.now(clock.now())
            )
            # What is committed while a turn runs rings for this worker too, so "no more" needs no second look here.
            if report is not None and report.more:
                self._waiting.add((tenant_id, leader_id), urgent=report.exits_wait)
            if report is not None and not report.done:
                self._resting.add(report.shard_id, clock.now())
        except Exception:
            # The cursor did not move; the sweep comes back to it within a second.
            logger.exception("the turn of leader %s failed", leader_id)
            self._drop_connection()
            self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)

    def _drop_connection(self) -> None:
        try:
            connection.close()
        except Exception:
            close_old_connections()
