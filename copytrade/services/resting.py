"""Resting copies of pending orders are taken back when copying rests or ends (D30); and what it means that it rests."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from accounts.models import TradingAccount
from copytrade.models import TradeLink
from core.rounding import ZERO
from core.states import LinkState, Origin, Reason
from infra.bulk import hot_cursor, update_rows
from infra.push import Frame, publish_on_commit
from infra.tenancy import tenant_scope
from trading.domain.execution import Instruction
from trading.domain.pending import cancel_pending
from trading.domain.values import Journal
from trading.services.book import book_write
from trading.services.desk import accounts_lock, desk_read

AT_ONCE = 250
"""Accounts of one transaction."""

RESTS_SQL = b"""
CASE WHEN NOT coalesce(config.copy_trading, false) THEN 'MODULE_DISABLED'
     WHEN grp.id IS NULL AND NOT coalesce(master.enabled AND master.status = 'ACTIVE' AND master.ended_at IS NULL, false)
       THEN 'MASTER_NOT_ACTIVE'
     WHEN grp.id IS NOT NULL
       AND NOT coalesce(grp.pause_reason = '' AND grp.leader_id = sub.leader_id AND grp.ended_at IS NULL, false)
       THEN 'GROUP_PAUSED'
     WHEN sub.ended_at IS NOT NULL OR NOT sub.enabled OR sub.status <> 0 THEN 'SUBSCRIPTION_PAUSED'
     WHEN grp.id IS NULL AND NOT coalesce(profile.enabled, false) THEN 'FOLLOWER_DISABLED'
     WHEN NOT coalesce(member.synced_all, true) OR NOT coalesce(setting.synced, true) THEN 'CONTRACT_NOT_SYNCED'
     WHEN EXISTS (SELECT 1 FROM copytrade_quarantine q
                  WHERE q.follower_id = l.follower_id AND q.symbol = l.symbol AND q.released_at IS NULL)
       THEN 'QUARANTINED'
     WHEN NOT account.enabled OR NOT account_group.enabled THEN 'ACCOUNT_LOCKED'
     ELSE '' END
"""
"""The code of what holds back every entry like that of a link `l` at present, in the order of the guards; '' for nothing.

Of the subscription `sub`, with `RESTS_FROM_SQL`; `traded` is the leader's trade."""
RESTS_FROM_SQL = b"""
LEFT JOIN copytrade_copymaster master ON master.id = sub.master_id
LEFT JOIN copytrade_copygroup grp ON grp.id = sub.group_id
LEFT JOIN copytrade_groupmember member ON member.id = sub.member_id
LEFT JOIN copytrade_copyfollower profile ON profile.account_id = sub.follower_id AND profile.ended_at IS NULL
LEFT JOIN accounts_productconfig config ON config.tenant_id = sub.tenant_id
JOIN accounts_tradingaccount account ON account.id = sub.follower_id
JOIN accounts_accountgroup account_group ON account_group.id = account.group_id
LEFT JOIN trading_trade traded ON traded.id = l.leader_trade_id AND traded.account_id = l.leader_id
LEFT JOIN copytrade_contractsetting setting ON setting.member_id = sub.member_id AND setting.symbol = traded.symbol
"""
# What a change of the settings or states has left waiting although nothing like it would be placed now.
_UNWANTED_SQL = (
    b"""
SELECT l.id, l.follower_id, l.follower_trade_id
FROM copytrade_tradelink l JOIN copytrade_copysubscription sub ON sub.id = l.subscription_id
"""
    + RESTS_FROM_SQL
    + b"""
WHERE l.state = 0 AND l.resting AND (%(followers)s::bigint[] IS NULL OR l.follower_id = ANY(%(followers)s::bigint[]))
  AND (NOT coalesce(grp.copy_pending_orders, sub.copy_pending_orders) OR coalesce(grp.reverse, sub.reverse_direction)
       OR """
    + RESTS_SQL
    + b"""<> '')
ORDER BY l.follower_id, l.id
"""
)
_OF_SUBSCRIPTIONS_SQL = b"""
SELECT l.id, l.follower_id, l.follower_trade_id FROM copytrade_tradelink l
JOIN copytrade_copysubscription sub ON sub.id = l.subscription_id AND sub.follower_id = l.follower_id
WHERE sub.id = ANY(%s::bigint[]) AND l.state = 0 AND l.resting ORDER BY l.follower_id, l.id
"""
_OF_CONTRACTS_SQL = b"""
SELECT l.id, l.follower_id, l.follower_trade_id FROM copytrade_tradelink l
JOIN unnest(%s::bigint[], %s::text[]) AS asked (follower_id, symbol)
  ON asked.follower_id = l.follower_id AND asked.symbol = l.symbol
WHERE l.state = 0 AND l.resting ORDER BY l.follower_id, l.id
"""


def resting_cancel(subscription_ids: Collection[int], *, at: datetime) -> int:
    """Takes back all resting copies of subscriptions whose follower accounts are locked; gives their number.

    Their links are let go: should the leader's order be filled later, it is an opening like any other.
    """
    rows = hot_cursor().execute(_OF_SUBSCRIPTIONS_SQL, [list(subscription_ids)]).fetchall()
    publish_on_commit(_take_back(hot_cursor(), rows, at))
    return len(rows)


def resting_review(account_ids: Collection[int], *, at: datetime) -> int:
    """Takes back what waits on locked follower accounts though by the settings and states as they are written now
    nothing like it would be placed; gives the number."""
    rows = hot_cursor().execute(_UNWANTED_SQL, {"followers": list(account_ids)}).fetchall()
    publish_on_commit(_take_back(hot_cursor(), rows, at))
    return len(rows)


def resting_sweep(*, tenant_id: int, at: datetime) -> int:
    """As `resting_review` for all accounts of a tenant: for changes that reach too many followers to lock them all at
    once. Opens transactions of its own."""
    with tenant_scope(tenant_id):
        rows = hot_cursor().execute(_UNWANTED_SQL, {"followers": None}).fetchall()
    followers, taken = sorted({row[1] for row in rows}), 0
    for first in range(0, len(followers), AT_ONCE):
        some = followers[first : first + AT_ONCE]
        with tenant_scope(tenant_id):
            accounts_lock(hot_cursor(), some)
            taken += resting_review(some, at=at)
    return taken


def resting_of_account(*, account: TradingAccount, at: datetime) -> None:
    """The port `account_disabled`: a locked account that may not trade any more waits for nothing."""
    resting_review([account.pk], at=at)


def resting_of_contracts(
    cursor: psycopg.Cursor[Any], contracts: Collection[tuple[int, str]], at: datetime
) -> list[Frame]:
    """Takes back what waits in (locked follower account, contract) pairs; the frames that tell of it."""
    followers, symbols = [pair[0] for pair in contracts], [pair[1] for pair in contracts]
    return _take_back(cursor, cursor.execute(_OF_CONTRACTS_SQL, [followers, symbols]).fetchall(), at)


def _take_back(cursor: psycopg.Cursor[Any], rows: Iterable[Sequence[int]], at: datetime) -> list[Frame]:
    """Ends resting links (id, follower, record) of locked accounts, and their records."""
    rows = list(rows)
    if not rows:
        return []
    journal, how = Journal(), Instruction(Origin.COPY, at, Reason.SIGNAL)
    accounts = accounts_lock(cursor, sorted({row[1] for row in rows}), lock=False)
    desk = desk_read(cursor, accounts, (), pending=[row[2] for row in rows])
    for _link, follower_id, record in rows:
        account = desk.accounts[follower_id]
        order = account.pending_order(record)
        if order is not None:
            cancel_pending(journal, account, order, how, market=desk.market)
    frames = book_write(cursor, journal, desk.market)
    ended = [(row[0], LinkState.UNTRACKED.value, ZERO, at) for row in rows]
    update_rows(cursor, TradeLink, ("state", "volume", "updated_at"), ended)
    return frames
