"""The reads of a turn: a fixed number of statements, whatever the number of followers and events."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import MINYEAR
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

from copytrade.domain.contracts import Offers, names_to_read
from copytrade.domain.values import LeaderEvent, Link, LinkBook, Owing, Settings
from copytrade.engine.rules import RULES_SQL, Rules, rules_of
from copytrade.engine.settings import SETTINGS_SQL, TARGETS_SQL, settings_of
from core.states import Cmd, CopyRole, EventKind, LinkState, Side
from infra.bulk import cursor_beside, ids_array, pipelined
from infra.faults import fault
from trading.services.desk import Desk, desk_read

# A shard whose next event is an exit comes before those that have yet to enter: what they copied is open meanwhile.
# A shard's row is never waited for: whoever holds it will see our event too, or the re-check after its commit will.
_CLAIM_SQL = b"""
SELECT s.tenant_id, s.id, s.cursor, s.number FROM copytrade_leadershard s
WHERE s.leader_id = %s AND s.cursor < (SELECT head_seq FROM copytrade_inboxhead h WHERE h.leader_id = s.leader_id)
  AND s.id <> ALL(%s::bigint[]) AND s.id = coalesce(%s::bigint, s.id)
ORDER BY (SELECT e.kind IN ('REDUCE', 'CLOSE') FROM trading_accountevent e
          WHERE e.account_id = s.leader_id AND e.seq = s.cursor + 1) DESC NULLS LAST, s.cursor, s.number
LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED
"""
# An order that closes trades and opens another is a flip: the opening half names the trades that it closed. A limit order
# that a netting position took in lends its price to what became of the position. Both are told from the few events before
# it; looked up one by one, by a `seq` that is computed, they would cost a read of all the leader's events each: row level
# security keeps such a condition out of the index.
_EVENTS_SQL = b"""
SELECT e.id, e.seq, e.kind, e.trade_id, e.symbol, e.side, trim_scale(e.volume_before), trim_scale(e.volume_after),
       trim_scale(e.price), trim_scale(e.bid), trim_scale(e.ask), trim_scale(e.sl), trim_scale(e.tp), trim_scale(e.equity),
       trim_scale(e.balance), e.at, e.cmd, e.expiration_at,
       CASE WHEN e.kind = 'OPEN' AND e.order_id IS NOT NULL THEN e.closed END, limited.id, trim_scale(limited.open_price)
FROM (
  SELECT n.*, array_agg(n.trade_id) FILTER (WHERE n.kind = 'CLOSE') OVER earlier AS closed,
         max(n.trade_id) FILTER (WHERE n.kind = 'CANCEL') OVER earlier AS cancelled
  FROM (SELECT * FROM trading_accountevent WHERE account_id = %(leader)s AND seq > %(after)s::bigint - 9
        ORDER BY seq LIMIT %(most)s + 9) n
  WINDOW earlier AS (PARTITION BY n.order_id ORDER BY n.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) e
LEFT JOIN trading_trade limited ON limited.id = e.cancelled AND limited.cmd IN (2, 3)
  AND e.kind IN ('OPEN', 'INCREASE') AND e.order_id IS NOT NULL
WHERE e.seq > %(after)s ORDER BY e.seq LIMIT %(most)s
"""
# The leader, how many of its shards have something to do (this one included), and whether an exit is among it. What waits is
# read in order and no further than a turn goes: a search for any exit would look through everybody's events when there is none.
_LEADER_SQL = (
    b"""
SELECT a.login, a.customer_id, a.currency, """
    + TARGETS_SQL
    + b""",
       (SELECT count(*) FROM copytrade_leadershard s JOIN copytrade_inboxhead h ON h.leader_id = s.leader_id
        WHERE s.leader_id = a.id AND s.cursor < h.head_seq),
       EXISTS (SELECT 1 FROM (
                 SELECT e.kind FROM trading_accountevent e
                 WHERE e.account_id = a.id
                   AND e.seq > (SELECT min(s.cursor) FROM copytrade_leadershard s WHERE s.leader_id = a.id)
                 ORDER BY e.seq LIMIT 100) waiting
               WHERE waiting.kind IN ('REDUCE', 'CLOSE'))
FROM accounts_tradingaccount a WHERE a.id = %s
"""
)
# Ended subscriptions stay as long as they own something: their exits are still copied (D20).
_MEMBERS = b"""
FROM copytrade_copysubscription sub
WHERE sub.shard_id = %s AND (sub.ended_at IS NULL OR EXISTS (
  SELECT 1 FROM copytrade_tradelink l
  WHERE l.follower_id = sub.follower_id AND l.subscription_id = sub.id AND l.state = 0))
"""
_LOCK_SQL = (
    b"""
SELECT id, tenant_id, login, customer_id, group_id, currency, leverage, enabled, balance, credit, event_seq, copy_role,
       manual_trading_mode
FROM accounts_tradingaccount WHERE id IN (SELECT sub.follower_id """
    + _MEMBERS
    + b""") ORDER BY id FOR NO KEY UPDATE
"""
)
_LINKS_SQL = b"""
SELECT l.id, l.subscription_id, l.follower_id, l.leader_trade_id, l.follower_trade_id, l.instrument_id, l.side,
       trim_scale(l.volume), trim_scale(l.opened_volume), trim_scale(l.entry_price), trim_scale(l.commission),
       trim_scale(l.realised), l.state, coalesce(trim_scale(f.volume), 0), l.resting
FROM copytrade_tradelink l LEFT JOIN copytrade_failedexit f ON f.link_id = l.id AND f.state = 'OPEN'
WHERE l.leader_trade_id = ANY(%s::bigint[]) AND l.follower_id = ANY(%s::bigint[]) ORDER BY l.id
"""
# Beside the rules, in the same form: where an exit is owed nothing is opened (D11), as long as its link lives; and how many
# copies are open, where a limit is set and anybody asks.
_BESIDE_SQL = (
    RULES_SQL
    + b"""
UNION ALL
SELECT 'C', f.follower_id, l.id::text, f.instrument_id, NULL FROM copytrade_failedexit f
JOIN copytrade_tradelink l ON l.id = f.link_id AND l.state = 0
WHERE f.follower_id = ANY(%(followers)s::bigint[]) AND f.state = 'OPEN'
UNION ALL
SELECT 'O', sub.id, '', count(*), NULL FROM copytrade_copysubscription sub
JOIN copytrade_tradelink l ON l.follower_id = sub.follower_id AND l.subscription_id = sub.id AND l.state = 0
  AND NOT l.resting
LEFT JOIN copytrade_copymaster master ON master.id = sub.master_id
LEFT JOIN accounts_productconfig config ON config.tenant_id = sub.tenant_id
WHERE sub.shard_id = %(shard)s
  AND (sub.max_positions > 0 OR master.bound_max_positions > 0 OR config.copy_bound_max_positions > 0)
  AND NOT l.leader_trade_id = ANY(%(trades)s::bigint[]) GROUP BY sub.id
"""
)

EVENTS_PER_TURN = 100

_SIDES = {side.value: side for side in Side}

# The cursor passes balance operations.
_HANDLED = frozenset(EventKind) - {EventKind.BALANCE}


def events_after(cursor: psycopg.Cursor[Any], leader_id: int, seq: int, most: int) -> list[LeaderEvent]:
    """Up to `most` changes of a leader's tickets after its event `seq`, oldest first, as the engine decides from them."""
    rows = cursor.execute(_EVENTS_SQL, {"leader": leader_id, "after": seq, "most": most}, prepare=True).fetchall()
    return [_event(row) for row in rows if row[2] in _HANDLED]


@dataclass(frozen=True, slots=True)
class Claim:
    """A shard whose row this transaction holds, with what its leader did since the cursor."""

    tenant_id: int
    shard_id: int
    number: int
    cursor: int
    leader_id: int
    leader_login: int
    leader_customer_id: int
    leader_currency: str
    events: list[LeaderEvent]
    last_seq: int
    more: bool
    exits_wait: bool
    account_rows: list[tuple[Any, ...]]
    targets: Sequence[str] = ()
    """Contracts that followers of the leader's groups have named."""

    @property
    def year(self) -> int:
        """The year that years with one or two digits are read from."""
        return self.events[0].at.year if self.events else MINYEAR


@dataclass(frozen=True, slots=True)
class Stand:
    """Everything that a turn decides from, read after the locks were had."""

    desk: Desk
    settings: list[Settings]
    links: LinkBook
    offers: Offers
    rules: Rules
    closing: Owing


def members_of(cursor: psycopg.Cursor[Any], shard_id: int) -> list[int]:
    """The subscriptions of a shard that a turn may be about."""
    return [number for (number,) in cursor.execute(b"SELECT sub.id " + _MEMBERS + b" ORDER BY sub.id", [shard_id])]


def claim_shard(
    cursor: psycopg.Cursor[Any],
    leader_id: int,
    *,
    avoid: Collection[int] = (),
    only: int | None = None,
    claimed: Callable[[int], None] = lambda _shard: None,
) -> Claim | None:
    """Claims the shard of the leader that lags most, reads its events and locks its followers; None: nothing to do here.

    `avoid` are shards to leave out, `only` the one to take; `claimed` is told the shard before its followers are locked.
    """
    row = cursor.execute(_CLAIM_SQL, [leader_id, ids_array(avoid), only], prepare=True).fetchone()
    if row is None:
        return None
    tenant_id, shard_id, done, number = row
    claimed(shard_id)
    fault("copy.claimed")
    events, leader, locked = cursor_beside(cursor, instants=True), cursor_beside(cursor), cursor_beside(cursor)
    with pipelined():
        told = {"leader": leader_id, "after": done, "most": EVENTS_PER_TURN}
        events.execute(_EVENTS_SQL, told, prepare=True)
        locked.execute(_LOCK_SQL, [shard_id], prepare=True)
        # After the lock: the contracts that followers have named change under it.
        leader.execute(_LEADER_SQL, [leader_id], prepare=True)
    event_rows = events.fetchall()
    login, customer_id, currency, targets, behind, exits = leader.fetchone() or (0, 0, "", [], 0, False)
    return Claim(
        tenant_id=tenant_id,
        shard_id=shard_id,
        number=number,
        cursor=done,
        leader_id=leader_id,
        leader_login=login,
        leader_customer_id=customer_id,
        leader_currency=currency,
        events=[_event(row) for row in event_rows if row[2] in _HANDLED],
        last_seq=event_rows[-1][1] if event_rows else done,
        more=behind > 1 or len(event_rows) == EVENTS_PER_TURN,
        exits_wait=exits,
        account_rows=locked.fetchall(),
        targets=targets,
    )


def read_stand(cursor: psycopg.Cursor[Any], claim: Claim) -> Stand:
    """Settings, links, tickets and quotes in statements of their own, after the lock: read with it they would be stale."""
    followers = ids_array([row[0] for row in claim.account_rows])
    trades = ids_array({number for event in claim.events for number in event.trades})
    names = names_to_read({event.symbol for event in claim.events}, claim.targets, claim.year)
    settings, links, beside = (cursor_beside(cursor) for _ in range(3))
    with pipelined():
        settings.adapters.register_loader("numeric", TextLoader)
        settings.execute(SETTINGS_SQL, [claim.shard_id, followers], prepare=True)
        links.execute(_LINKS_SQL, [trades, followers], prepare=True)
        asked = {"followers": followers, "shard": claim.shard_id, "trades": trades}
        beside.execute(_BESIDE_SQL, asked, prepare=True)
        desk = desk_read(cursor, claim.account_rows, names, families=True)
    found = beside.fetchall()
    closing = Owing()
    for kind, owner, link, number, _figures in found:
        if kind == "C":
            closing.add(owner, number, int(link))
    book = LinkBook(elsewhere={owner: number for kind, owner, _symbol, number, _figures in found if kind == "O"})
    for row in links.fetchall():
        if row[12] == LinkState.ACTIVE:
            book.add(_link(row, desk))
        else:
            book.add_ended(row[1], row[3], LinkState(row[12]))
    return Stand(
        desk=desk,
        settings=[_settings(row, claim.leader_currency, desk) for row in settings.fetchall()],
        links=book,
        offers=Offers(desk.market.specs, claim.year, desk.market.rate),
        rules=rules_of(found),
        closing=closing,
    )


def _event(row: tuple[Any, ...]) -> LeaderEvent:
    volume_before, volume_after, price, bid, ask, sl, tp, equity, balance = row[6:15]
    return LeaderEvent(
        id=row[0],
        seq=row[1],
        kind=EventKind(row[2]),
        trade_id=row[3],
        symbol=row[4],
        side=Side(row[5]),
        volume_before=volume_before,
        volume_after=volume_after,
        price=price,
        bid=bid,
        ask=ask,
        sl=sl,
        tp=tp,
        equity=equity,
        balance=balance,
        at=row[15],
        ticket_kind=Cmd(row[16]).kind,
        expiration_at=row[17],
        flipped_trade_ids=tuple(row[18] or ()),
        absorbed=None if row[19] is None else (row[19], row[20]),
    )


def _link(row: tuple[Any, ...], desk: Desk) -> Link:
    volume, opened, price, commission, realised = row[7:12]
    return Link(
        id=row[0],
        subscription_id=row[1],
        follower_id=row[2],
        leader_trade_id=row[3],
        follower_trade_id=row[4],
        spec=desk.market.spec(row[5]),
        side=_SIDES[row[6]],
        volume=volume,
        opened_volume=opened,
        entry_price=price,
        commission=commission,
        realised=realised,
        owed=min(volume, row[13]),
        resting=row[-1],
    )


def _settings(row: tuple[Any, ...], leader_currency: str, desk: Desk) -> Settings:
    is_follower = desk.accounts[row[3]].copy_role is CopyRole.FOLLOWER
    return settings_of(row, is_follower, leader_currency)
