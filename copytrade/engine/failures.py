"""Exits that could not be carried out: what their links owe is written with the turn that found out, and tried again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from copytrade.domain.retries import KEPT, retry_delay
from copytrade.domain.values import Link
from copytrade.models_commands import FailedExitState
from copytrade.notices import Notice, notice_frame
from core.clock import unix
from core.rounding import plain
from core.states import Side
from core.volume import wire_of
from infra.push import Frame
from trading.domain.values import AccountState

# The link may be as new as this transaction, so it is found by what it links. Whoever owes already, owes more now.
_OWE_SQL = b"""
WITH owed AS (
  INSERT INTO copytrade_failedexit (
    tenant_id, subscription_id, leader_id, follower_id, link_id, leader_trade_id, follower_trade_id, instrument_id,
    symbol, volume, attempts, next_attempt_at, expires_at, last_error, state, created_at, updated_at)
  SELECT l.tenant_id, l.subscription_id, l.leader_id, l.follower_id, l.id, l.leader_trade_id, l.follower_trade_id,
         l.instrument_id, l.symbol, d.volume, 1, %(next)s, %(expires)s, d.error, 'OPEN', %(at)s, %(at)s
  FROM unnest(%(subscriptions)s::bigint[], %(trades)s::bigint[], %(tickets)s::bigint[], %(followers)s::bigint[],
              %(volumes)s::numeric[], %(errors)s::text[]) AS d (subscription_id, trade, ticket, follower, volume, error)
  JOIN copytrade_tradelink l ON l.follower_id = d.follower AND l.follower_trade_id = d.ticket AND l.state = 0
       AND l.subscription_id = d.subscription_id AND l.leader_trade_id = d.trade
  ON CONFLICT (link_id) WHERE state = 'OPEN' DO UPDATE
  SET volume = EXCLUDED.volume, last_error = EXCLUDED.last_error, updated_at = EXCLUDED.updated_at
  RETURNING *, xmax = 0 AS fresh
), asked AS (
  INSERT INTO copytrade_copycommand (
    tenant_id, kind, subscription_id, shard_id, leader_id, follower_id, leader_trade_id, symbol, side, target, after_seq,
    bid, ask, equity, balance, attempts, requested_at, due_at)
  SELECT owed.tenant_id, 'RETRY_EXIT', owed.subscription_id, sub.shard_id, owed.leader_id, owed.follower_id,
         owed.leader_trade_id, d.symbol, d.side, owed.id, 0, 0, 0, 0, 0, 0, %(at)s, owed.next_attempt_at
  FROM owed JOIN copytrade_copysubscription sub ON sub.id = owed.subscription_id
  JOIN unnest(%(subscriptions)s::bigint[], %(trades)s::bigint[], %(symbols)s::text[], %(sides)s::text[])
       AS d (subscription_id, trade, symbol, side)
       ON d.subscription_id = owed.subscription_id AND d.trade = owed.leader_trade_id
  ON CONFLICT DO NOTHING
)
SELECT id, follower_id, symbol, volume, attempts, next_attempt_at, expires_at, last_error, state, fresh FROM owed
"""
_SETTLE_SQL = b"""
UPDATE copytrade_failedexit SET state = 'DONE', updated_at = %s WHERE link_id = ANY(%s::bigint[]) AND state = 'OPEN'
RETURNING id, follower_id, symbol, volume, attempts, next_attempt_at, expires_at, last_error, state
"""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True, eq=False)
class Debt:
    """A link whose exit failed: `link.owed` lots, and the code that says why. `symbol` is the leader's."""

    link: Link
    account: AccountState
    symbol: str
    side: Side
    error: str
    ticket_id: int | None


def failures_write(
    cursor: psycopg.Cursor[Any],
    debts: Iterable[Debt],
    settled: Iterable[int],
    accounts: dict[int, AccountState],
    at: datetime,
) -> list[Frame]:
    """Writes what links owe from now on and ends what they do not owe any more; the frames that tell of both. Of a link's
    first failure its owner is told in words as well.

    The caller holds the locks of the followers, and has written their links. Nothing is sent when there is neither.
    """
    frames: list[Frame] = []
    owing = [debt for debt in debts if debt.link.active and debt.link.owed]
    if owing:
        rows = cursor.execute(
            _OWE_SQL,
            {
                "subscriptions": [debt.link.subscription_id for debt in owing],
                "trades": [debt.link.leader_trade_id for debt in owing],
                "tickets": [debt.ticket_id for debt in owing],
                "followers": [debt.link.follower_id for debt in owing],
                "volumes": [debt.link.owed for debt in owing],
                "errors": [debt.error for debt in owing],
                "symbols": [debt.symbol for debt in owing],
                "sides": [debt.side.value for debt in owing],
                "next": at + retry_delay(1),
                "expires": at + KEPT,
                "at": at,
            },
        ).fetchall()
        for *row, fresh in rows:
            frames.append(failed_exit_frame(accounts[row[1]], row))
            if fresh:
                values = {"symbol": row[2], "lots": plain(row[3]), "code": row[7], "exit": row[0]}
                frames.append(notice_frame(accounts[row[1]], Notice.FAILED_EXIT, values, at))
    links = list(settled)
    if links:
        ended = cursor.execute(_SETTLE_SQL, [at, links]).fetchall()
        frames += [failed_exit_frame(accounts[row[1]], row) for row in ended]
    return frames


def failed_exit_frame(account: AccountState, row: Sequence[Any]) -> Frame:
    """`failed_exit`: the row of GET /copytrade/failed-exits. `row` has the columns that the statements here return."""
    number, _follower, symbol, volume, attempts, next_at, expires_at, error, state = row
    data = {
        "id": number,
        "login": account.login,
        "symbol": symbol,
        "volume": wire_of(plain(volume)),
        "attempts": attempts,
        "next_attempt_time": unix(next_at),
        "expires_time": unix(expires_at),
        "last_error": error,
        "state": str(FailedExitState(state)),
    }
    text = _encode(data).decode()
    return Frame(account.tenant_id, account.customer_id, account.login, "copy", text, "failed_exit")
