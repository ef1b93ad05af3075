"""The comparison of links with what is really open, and the sync light that shows it (R120, X11).

Events and commands keep links true in the transactions that change anything. What is found here should not exist; it is
put right all the same: a link whose ticket is gone ends, and what a leader does not hold any more is closed, once all of
the leader's events are handled and no exit is waiting to be tried again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from prometheus_client import Counter

from accounts.models import TradingAccount
from copytrade.models import CopyMode, TradeLink
from copytrade.models_commands import CommandKind, FailedExit, FailedExitState, SyncLight, SyncState
from copytrade.services.commands import closes_ask
from copytrade.services.resting import RESTS_FROM_SQL, RESTS_SQL
from copytrade.services.roles import accounts_lock, role_release
from core.clock import unix
from core.rounding import ZERO, plain
from core.states import LinkState
from core.volume import wire_of
from infra.bulk import hot_cursor
from infra.push import Frame, publish
from infra.tenancy import tenant_scope

logger = logging.getLogger("copytrade.reconcile")

CHUNK = 500
orphans_total = Counter("copytrade_orphaned_links_total", "Active links found without one of their trades.", ["side"])

_ENDED_SQL = b"""
SELECT l.id, l.follower_id FROM copytrade_tradelink l
LEFT JOIN trading_trade t ON t.id = l.follower_trade_id AND t.account_id = l.follower_id AND t.state = 0
WHERE l.state = 0 AND t.id IS NULL AND (%(only)s::bigint[] IS NULL OR l.id = ANY(%(only)s)) ORDER BY l.id LIMIT %(most)s
"""
# In one snapshot: the leader's trade is gone, everything the leader did is handled, and nobody is about to close it.
_LEFT_SQL = b"""
SELECT l.id, l.follower_id, sub.copy_mode FROM copytrade_tradelink l
JOIN copytrade_copysubscription sub ON sub.id = l.subscription_id
JOIN copytrade_leadershard shard ON shard.id = sub.shard_id
JOIN accounts_tradingaccount leader ON leader.id = l.leader_id AND shard.cursor >= leader.event_seq
LEFT JOIN trading_trade t ON t.id = l.leader_trade_id AND t.account_id = l.leader_id AND t.state = 0
WHERE l.state = 0 AND t.id IS NULL AND (%(only)s::bigint[] IS NULL OR l.id = ANY(%(only)s))
  AND NOT EXISTS (SELECT 1 FROM copytrade_failedexit f WHERE f.link_id = l.id AND f.state <> 'DONE')
  AND NOT EXISTS (SELECT 1 FROM copytrade_copycommand c WHERE c.subscription_id = l.subscription_id AND c.target = l.id
                  AND c.done_at IS NULL AND c.kind IN ('STOP_CLOSE', 'PANEL_CLOSE', 'CLOSE_OUT'))
ORDER BY l.id LIMIT %(most)s
"""
_FOLLOWERS_SQL = b"""
SELECT follower_id FROM copytrade_tradelink WHERE state = 0 AND NOT resting
UNION SELECT follower_id FROM copytrade_synclight ORDER BY 1
"""
# A ticket's volume goes to its oldest link first: what all of its links hold together is never more than the ticket.
_LIGHTS_SQL = (
    b"""
SELECT l.follower_id, l.symbol,
  sum(CASE l.side WHEN 'BUY' THEN 1 ELSE -1 END * CASE WHEN lt.id IS NULL THEN 0
      ELSE l.volume - least(l.volume, coalesce(f.volume, 0)) END),
  sum(CASE l.side WHEN 'BUY' THEN 1 ELSE -1 END * greatest(least(l.volume, coalesce(ft.volume, 0) - l.older), 0)),
  bool_or(shard.cursor < leader.event_seq),
  max(f.last_error) FILTER (WHERE f.state = 'OPEN'),
  CASE WHEN bool_and(rests.code <> '') THEN min(rests.code) ELSE '' END
FROM (SELECT *, sum(volume) OVER (PARTITION BY follower_id, follower_trade_id ORDER BY id) - volume AS older
      FROM copytrade_tradelink WHERE state = 0 AND NOT resting AND follower_id = ANY(%s::bigint[])) l
JOIN copytrade_copysubscription sub ON sub.id = l.subscription_id
"""
    + RESTS_FROM_SQL
    + b"""
CROSS JOIN LATERAL (SELECT """
    + RESTS_SQL
    + b""" AS code) rests
JOIN copytrade_leadershard shard ON shard.id = sub.shard_id
JOIN accounts_tradingaccount leader ON leader.id = l.leader_id
LEFT JOIN trading_trade lt ON lt.id = l.leader_trade_id AND lt.account_id = l.leader_id AND lt.state = 0
LEFT JOIN trading_trade ft ON ft.id = l.follower_trade_id AND ft.account_id = l.follower_id AND ft.state = 0
LEFT JOIN copytrade_failedexit f ON f.link_id = l.id AND f.state = 'OPEN'
GROUP BY l.follower_id, l.symbol
"""
)
_SAVE_SQL = b"""
INSERT INTO copytrade_synclight (tenant_id, follower_id, symbol, expected, held, state, why, since)
SELECT current_setting('app.tenant')::bigint, v.* FROM unnest(
  %s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::text[], %s::text[], %s::timestamptz[]) AS v
ON CONFLICT (follower_id, symbol) DO UPDATE SET expected = EXCLUDED.expected, held = EXCLUDED.held,
  state = EXCLUDED.state, why = EXCLUDED.why, since = EXCLUDED.since,
  measured_at = CASE WHEN EXCLUDED.since = copytrade_synclight.since THEN copytrade_synclight.measured_at END
"""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Light:
    """One comparison: volumes in lots, net."""

    follower_id: int
    symbol: str
    expected: Decimal
    held: Decimal
    state: SyncState
    why: str
    since: datetime


def reconcile(*, tenant_id: int, at: datetime) -> int:
    """Puts right what has lost one of its trades, and brings the sync lights up to date; how many links were wrong."""
    found = 0
    with tenant_scope(tenant_id):
        found += _end_without_ticket(at)
    with tenant_scope(tenant_id):
        found += _close_without_leader(at)
    with tenant_scope(tenant_id):
        followers = [number for (number,) in hot_cursor().execute(_FOLLOWERS_SQL)]
    for start in range(0, len(followers), CHUNK):
        with tenant_scope(tenant_id):
            frames = lights_refresh(followers[start : start + CHUNK], at=at)
        publish(frames)
    return found


def _end_without_ticket(at: datetime) -> int:
    """Ends links whose ticket is gone."""
    asked: dict[str, Any] = {"only": None, "most": CHUNK}
    cursor = hot_cursor()
    suspects = cursor.execute(_ENDED_SQL, asked).fetchall()
    if not suspects:
        return 0
    accounts_lock({follower for _link, follower in suspects})
    asked["only"] = [link for link, _follower in suspects]
    rows = cursor.execute(_ENDED_SQL, asked).fetchall()
    numbers = [link for link, _follower in rows]
    _end(numbers, LinkState.CLOSED, at)
    for follower_id in {follower for _link, follower in rows}:
        role_release(follower_id)
    if numbers:
        orphans_total.labels("follower").inc(len(numbers))
        logger.critical("links %s had lost their tickets and were ended", numbers)
    return len(numbers)


def _close_without_leader(at: datetime) -> int:
    """Asks for the close of what its leader does not hold any more; under OPEN_ONLY it is let go instead (D20)."""
    asked: dict[str, Any] = {"only": None, "most": CHUNK}
    cursor = hot_cursor()
    suspects = cursor.execute(_LEFT_SQL, asked).fetchall()
    if not suspects:
        return 0
    accounts_lock({row[1] for row in suspects})
    asked["only"] = [row[0] for row in suspects]
    rows = cursor.execute(_LEFT_SQL, asked).fetchall()
    let_go = [link for link, _follower, mode in rows if mode == CopyMode.OPEN_ONLY]
    closing = [link for link, _follower, mode in rows if mode != CopyMode.OPEN_ONLY]
    _end(let_go, LinkState.UNTRACKED, at)
    closes_ask(TradeLink.objects.filter(pk__in=closing).order_by("pk"), kind=CommandKind.CLOSE_OUT, at=at)
    if rows:
        orphans_total.labels("leader").inc(len(rows))
        logger.critical("links %s had lost their leader's trades", [row[0] for row in rows])
    return len(rows)


def _end(links: Sequence[int], state: LinkState, at: datetime) -> None:
    TradeLink.objects.filter(pk__in=links).update(state=state, volume=ZERO, updated_at=at)
    owed = FailedExit.objects.filter(link_id__in=links, state=FailedExitState.OPEN)
    owed.update(state=FailedExitState.DONE, updated_at=at)


def lights_refresh(follower_ids: Sequence[int], *, at: datetime) -> list[Frame]:
    """Compares anew what these accounts hold with what they should; the frames of what changed (`sync`)."""
    cursor = hot_cursor()
    known = {
        (light.follower_id, light.symbol): light for light in SyncLight.objects.filter(follower_id__in=follower_ids)
    }
    changed = []
    for row in cursor.execute(_LIGHTS_SQL, [list(follower_ids)]).fetchall():
        before = known.pop((row[0], row[1]), None)
        light = _light(row, before, at)
        now = (light.expected, light.held, light.state, light.why)
        if before is None or now != (before.expected, before.held, before.state, before.why):
            changed.append(light)
    if changed:
        columns = [
            [light.follower_id for light in changed],
            [light.symbol for light in changed],
            [light.expected for light in changed],
            [light.held for light in changed],
            [light.state.value for light in changed],
            [light.why for light in changed],
            [light.since for light in changed],
        ]
        cursor.execute(_SAVE_SQL, columns)
    SyncLight.objects.filter(pk__in=[light.pk for light in known.values()]).delete()
    # What is flat on both sides leaves the list, in agreement.
    changed += [Light(follower, symbol, ZERO, ZERO, SyncState.IN_SYNC, "", at) for follower, symbol in sorted(known)]
    owners = TradingAccount.objects.in_bulk({light.follower_id for light in changed})
    return [_frame(owners[light.follower_id], light) for light in changed]


def _light(row: tuple[Any, ...], before: SyncLight | None, at: datetime) -> Light:
    follower_id, symbol, expected, held, waiting, error, resting = row
    if waiting:
        state, why = SyncState.LATE, "EVENTS_WAITING"
    elif error:
        state, why = SyncState.LATE, error
    elif expected != held:
        state, why = SyncState.OUT_OF_SYNC, "DIFFERENT_VOLUME"
    elif resting:
        state, why = SyncState.RESTING, resting
    else:
        state, why = SyncState.IN_SYNC, ""
    since = before.since if before is not None and before.state == state else at
    return Light(follower_id, symbol, plain(expected), plain(held), state, why, since)


def _frame(account: TradingAccount, light: Light) -> Frame:
    data = {
        "login": account.login,
        "symbol": light.symbol,
        "expected": wire_of(light.expected),
        "held": wire_of(light.held),
        "state": light.state.value,
        "since": unix(light.since),
        "why": light.why,
    }
    return Frame(account.tenant_id, account.customer_id, account.login, "copy", _encode(data).decode(), "sync")
