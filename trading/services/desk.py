"""Lock, then read: the working values of any number of accounts in one round trip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import psycopg
from django.conf import settings

from core.contracts import ContractSpec
from core.money import round_money
from core.rounding import plain
from core.states import Cmd, CopyRole, PositionMode, Side, TicketKind
from infra.bulk import cursor_beside, ids_array, pipelined, texts_array
from trading.domain.values import AccountState, Market, QuoteNow, Ticket

# The locked row itself is returned as it is after the wait; anything joined to it would be as old as the statement.
LOCK_SQL = b"""
SELECT id, tenant_id, login, customer_id, group_id, currency, leverage, enabled, balance, credit, event_seq, copy_role,
       manual_trading_mode
FROM accounts_tradingaccount WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
READ_SQL = LOCK_SQL.replace(b" FOR NO KEY UPDATE", b"")
_GROUPS_SQL = b"""
SELECT id, position_mode, commission_per_lot, margin_call, stop_out, enabled FROM accounts_accountgroup
WHERE id = ANY(%s::bigint[])
"""
_GROUPS_OF_SQL = _GROUPS_SQL.replace(
    b"= ANY(%s::bigint[])", b"IN (SELECT group_id FROM accounts_tradingaccount WHERE id = ANY(%s::bigint[]))"
)
# Numbers lose their trailing zeros here, as `core.rounding.plain` would take them off.
_TICKETS_SQL = b"""
SELECT id, account_id, instrument_id, cmd, trim_scale(volume), trim_scale(open_price), open_at, trim_scale(sl),
       trim_scale(tp), trim_scale(commission), trim_scale(storage), reason, copied, comment, expiration_at
FROM trading_trade WHERE account_id = ANY(%(accounts)s::bigint[]) AND state = 0 ORDER BY account_id, open_at, id
"""
_TERMS = tuple(field.name for field in fields(ContractSpec))
_MARKET_SQL = f"""
WITH needed AS (
  SELECT i.id, i.profit_currency FROM trading_instrument i
  WHERE i.tenant_id = (select current_setting('app.tenant')::bigint)
    AND (i.symbol = ANY(%(symbols)s::text[])
         OR i.id IN (SELECT instrument_id FROM trading_trade WHERE account_id = ANY(%(accounts)s::bigint[]) AND state = 0)))
SELECT {", ".join(f"i.{name}" for name in _TERMS)}, trim_scale(q.bid), trim_scale(q.ask), q.at
FROM trading_instrument i LEFT JOIN trading_quote q ON q.instrument_id = i.id
WHERE i.tenant_id = (select current_setting('app.tenant')::bigint)
  AND (i.id IN (SELECT id FROM needed) OR i.asset_class = 'FX')
""".encode()
# Amounts may have to be converted through FX pairs. Locked accounts know whether: most trade in their own currency.
_WHERE_CONVERTED = b"""i.asset_class = 'FX' AND EXISTS (
         SELECT 1 FROM needed n, (
           SELECT DISTINCT currency FROM accounts_tradingaccount WHERE id = ANY(%(accounts)s::bigint[])) a
         WHERE a.currency <> n.profit_currency)"""
_LOCKED_MARKET_SQL = _MARKET_SQL.replace(b"i.asset_class = 'FX'", _WHERE_CONVERTED)
# A copy may be placed in any contract of the leader's family.
_NAMED_SYMBOLS = b"i.symbol = ANY(%(symbols)s::text[])"
_AND_FAMILIES = (
    _NAMED_SYMBOLS
    + b""" OR i.family IN (
         SELECT f.family FROM trading_instrument f
         WHERE f.tenant_id = (select current_setting('app.tenant')::bigint) AND f.symbol = ANY(%(symbols)s::text[])
           AND f.family <> '')"""
)
_FAMILIES_MARKET_SQL = _MARKET_SQL.replace(_NAMED_SYMBOLS, _AND_FAMILIES)


_ROLES = {role.value: role for role in CopyRole}
_COMMANDS = {Cmd.of(side, kind).value: (side, kind) for side in Side for kind in TicketKind}


@dataclass(frozen=True, slots=True)
class Desk:
    """Accounts with their open tickets and pending orders, and the market that prices them."""

    accounts: dict[int, AccountState]
    market: Market


@dataclass(frozen=True, slots=True)
class Asked:
    """A lock and reads that are on their way; `desk` waits for them."""

    locked: psycopg.Cursor[Any]
    groups: psycopg.Cursor[Any]
    tickets: psycopg.Cursor[Any]
    market: psycopg.Cursor[Any]

    def desk(self, rows: Sequence[tuple[Any, ...]] | None = None, quotes: Mapping[int, QuoteNow] | None = None) -> Desk:
        """The working values of the accounts that were locked, or of these `rows`."""
        if rows is None:
            rows = self.locked.fetchall()
        groups = {row[0]: row for row in self.groups.fetchall()}
        market = market_of(self.market.fetchall(), quotes)
        accounts = {row[0]: _account(row, groups[row[4]]) for row in rows}
        for row in self.tickets.fetchall():
            ticket, account = _ticket(row, market.spec(row[2])), accounts[row[1]]
            (account.tickets if ticket.kind is TicketKind.MARKET else account.pending).append(ticket)
        return Desk(accounts, market)


def desk_open(
    cursor: psycopg.Cursor[Any],
    account_ids: Sequence[int],
    symbols: Iterable[str] = (),
    *,
    lock: bool = True,
    pending: Sequence[int] | None = None,
    quotes: Mapping[int, QuoteNow] | None = None,
) -> Desk:
    """Locks the accounts in one statement by ascending id, then reads everything that a decision about them needs.

    With `lock=False` nothing is locked: for showing, never for deciding. Unknown or other tenants' ids are absent.
    """
    if not lock:
        rows = accounts_lock(cursor, account_ids, lock=False)
        return desk_read(cursor, rows, symbols, pending=pending, quotes=quotes)
    with pipelined():
        asked = desk_ask(cursor, account_ids, symbols, pending=pending)
    return asked.desk(quotes=quotes)


def desk_ask(
    cursor: psycopg.Cursor[Any],
    account_ids: Sequence[int],
    symbols: Iterable[str] = (),
    *,
    pending: Sequence[int] | None = None,
) -> Asked:
    """Locks as `desk_open` and asks for everything behind the lock, without waiting for it.

    In a pipeline all of it is one round trip. Each statement sees what is committed when its turn comes, so the reads see
    what the holder of the lock before this one has left.
    """
    locked = cursor_beside(cursor)
    ids = ids_array(account_ids)
    locked.execute(LOCK_SQL, [ids], prepare=True)
    return _ask(locked, (_GROUPS_OF_SQL, ids), ids, symbols, pending, _LOCKED_MARKET_SQL)


def accounts_lock(
    cursor: psycopg.Cursor[Any], account_ids: Iterable[int], *, lock: bool = True
) -> list[tuple[Any, ...]]:
    """Locks the accounts in one statement by ascending id, or only reads them; their rows, for `desk_read`."""
    return cursor.execute(LOCK_SQL if lock else READ_SQL, [ids_array(account_ids)], prepare=True).fetchall()


def desk_read(
    cursor: psycopg.Cursor[Any],
    account_rows: Sequence[tuple[Any, ...]],
    symbols: Iterable[str],
    *,
    pending: Sequence[int] | None = None,
    quotes: Mapping[int, QuoteNow] | None = None,
    families: bool = False,
) -> Desk:
    """The second half of `desk_open`, for callers that locked the accounts (rows as by LOCK_SQL) themselves.

    With `families` all contracts of the symbols' families come along.

    `pending` names the only pending orders that come along: an account may have a thousand, and whoever fills one needs
    no other. `quotes` by instrument id stand in place of the stored ones: those of a tick that is being taken.
    """
    ids = ids_array([row[0] for row in account_rows])
    groups = _GROUPS_SQL, ids_array({row[4] for row in account_rows})
    market_sql = _FAMILIES_MARKET_SQL if families else _MARKET_SQL
    with pipelined():
        asked = _ask(cursor, groups, ids, symbols, pending, market_sql)
    return asked.desk(account_rows, quotes)


def _ask(
    first: psycopg.Cursor[Any],
    groups: tuple[bytes, str],
    ids: str,
    symbols: Iterable[str],
    pending: Sequence[int] | None,
    market_sql: bytes,
) -> Asked:
    asked = Asked(first, cursor_beside(first), cursor_beside(first, instants=True), cursor_beside(first, instants=True))
    tickets_sql, values = _TICKETS_SQL, {"accounts": ids}
    if pending is not None:
        tickets_sql, market_sql = _named(tickets_sql), _named(market_sql)
        values["pending"] = ids_array(pending)
    asked.groups.execute(groups[0], [groups[1]], prepare=True)
    asked.tickets.execute(tickets_sql, values, prepare=True)
    asked.market.execute(market_sql, {**values, "symbols": texts_array(symbols)}, prepare=True)
    return asked


@cache
def _named(statement: bytes) -> bytes:
    """The statement with the pending orders that are named, instead of with all."""
    return statement.replace(b"state = 0", b"state = 0 AND (cmd < 2 OR id = ANY(%(pending)s::bigint[]))")


def market_of(rows: Iterable[tuple[Any, ...]], instead: Mapping[int, QuoteNow] | None = None) -> Market:
    """Contracts and quotes from rows of the market statement.

    Quotes by instrument id that are given stand `instead` of those of the rows.
    """
    specs, quotes = [], {}
    for row in rows:
        spec = _spec_of(row[: len(_TERMS)])
        specs.append(spec)
        bid, ask, at = row[len(_TERMS) :]
        if bid is not None:
            quotes[spec.id] = QuoteNow(bid, ask, at)
    if instead is not None:
        quotes |= instead
    return Market(specs, quotes)


@lru_cache(maxsize=10_000)
def _spec_of(row: tuple[Any, ...]) -> ContractSpec:
    """A contract by all of its terms, because they change rarely and are read with every order."""
    terms: dict[str, Any] = {
        name: plain(value) if isinstance(value, Decimal) else value for name, value in zip(_TERMS, row, strict=True)
    }
    return ContractSpec(**terms)


def _account(row: tuple[Any, ...], group: tuple[Any, ...]) -> AccountState:
    currency: str = row[5]
    return AccountState(
        id=row[0],
        tenant_id=row[1],
        login=row[2],
        customer_id=row[3],
        currency=currency,
        leverage=row[6],
        enabled=row[7] and group[5],
        netting=group[1] == PositionMode.NETTING,
        commission_per_lot=group[2],
        margin_call=group[3],
        stop_out=group[4],
        balance=round_money(row[8], currency),
        credit=round_money(row[9], currency),
        event_seq=row[10],
        copy_role=_ROLES[row[11]],
        manual_trading_mode=row[12],
        records_max=settings.ACCOUNT_RECORDS_MAX,
    )


def _ticket(row: tuple[Any, ...], spec: ContractSpec) -> Ticket:
    side, kind = _COMMANDS[row[3]]
    return Ticket(
        id=row[0],
        spec=spec,
        side=side,
        kind=kind,
        volume=row[4],
        open_price=row[5],
        open_at=row[6],
        sl=row[7],
        tp=row[8],
        commission=row[9],
        storage=row[10],
        reason=row[11],
        copied=row[12],
        comment=row[13],
        expiration_at=row[14],
    )
