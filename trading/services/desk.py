"""Lock, then read: the working values of any number of accounts in two round trips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from core.contracts import ContractSpec
from core.money import round_money
from core.rounding import plain
from core.states import Cmd, CopyRole, PositionMode, TicketKind
from infra.bulk import pipelined
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
_TICKETS_SQL = b"""
SELECT id, account_id, instrument_id, cmd, volume, open_price, open_at, sl, tp, commission, storage, reason, copied, comment,
       expiration_at
FROM trading_trade WHERE account_id = ANY(%s::bigint[]) AND state = 0 ORDER BY account_id, open_at, id
"""
_TERMS = tuple(field.name for field in fields(ContractSpec))
# FX pairs come along because amounts may have to be converted through them.
_MARKET_SQL = f"""
SELECT {", ".join(f"i.{name}" for name in _TERMS)}, q.bid, q.ask, q.at
FROM trading_instrument i LEFT JOIN trading_quote q ON q.instrument_id = i.id
WHERE i.tenant_id = (select current_setting('app.tenant')::bigint)
  AND (i.asset_class = 'FX' OR i.symbol = ANY(%s::text[])
       OR i.id IN (SELECT instrument_id FROM trading_trade WHERE account_id = ANY(%s::bigint[]) AND state = 0))
""".encode()
# A copy may be placed in any contract of the leader's family.
_NAMED_SYMBOLS = b"i.symbol = ANY(%s::text[])"
_AND_FAMILIES = (
    _NAMED_SYMBOLS
    + b""" OR i.family IN (
         SELECT f.family FROM trading_instrument f
         WHERE f.tenant_id = (select current_setting('app.tenant')::bigint) AND f.symbol = ANY(%s::text[])
           AND f.family <> '')"""
)
# Of an account's many pending orders only those that are named.
_NAMED = b"state = 0 AND (cmd < 2 OR id = ANY(%s::bigint[]))"
_NAMED_TICKETS_SQL = _TICKETS_SQL.replace(b"state = 0", _NAMED)
_NAMED_MARKET_SQL = _MARKET_SQL.replace(b"state = 0", _NAMED)


@dataclass(frozen=True, slots=True)
class Desk:
    """Accounts with their open tickets and pending orders, and the market that prices them."""

    accounts: dict[int, AccountState]
    market: Market


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
    rows = accounts_lock(cursor, account_ids, lock=lock)
    return desk_read(cursor, rows, symbols, pending=pending, quotes=quotes)


def accounts_lock(
    cursor: psycopg.Cursor[Any], account_ids: Sequence[int], *, lock: bool = True
) -> list[tuple[Any, ...]]:
    """Locks the accounts in one statement by ascending id; their rows, for `desk_read`."""
    return cursor.execute(LOCK_SQL if lock else READ_SQL, [list(account_ids)], prepare=True).fetchall()


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
    ids = [row[0] for row in account_rows]
    named: list[Any] = [] if pending is None else [list(pending)]
    tickets_sql, market_sql = (
        (_TICKETS_SQL, _MARKET_SQL) if pending is None else (_NAMED_TICKETS_SQL, _NAMED_MARKET_SQL)
    )
    names = [list(symbols)]
    if families:
        market_sql, names = market_sql.replace(_NAMED_SYMBOLS, _AND_FAMILIES), names * 2
    connected = connection.connection
    with pipelined():
        groups_cursor, tickets_cursor, market_cursor = (psycopg.Cursor(connected) for _ in range(3))
        groups_cursor.execute(_GROUPS_SQL, [list({row[4] for row in account_rows})], prepare=True)
        tickets_cursor.execute(tickets_sql, [ids, *named], prepare=True)
        market_cursor.execute(market_sql, [*names, ids, *named], prepare=True)
    groups = {row[0]: row for row in groups_cursor.fetchall()}
    market = market_of(market_cursor.fetchall(), quotes)
    accounts = {row[0]: _account(row, groups[row[4]]) for row in account_rows}
    for row in tickets_cursor.fetchall():
        ticket, account = _ticket(row, market.spec(row[2])), accounts[row[1]]
        (account.tickets if ticket.kind is TicketKind.MARKET else account.pending).append(ticket)
    return Desk(accounts, market)


def market_of(rows: Iterable[tuple[Any, ...]], instead: Mapping[int, QuoteNow] | None = None) -> Market:
    """Contracts and quotes from rows of the market statement; numbers lose their trailing zeros once, here.

    Quotes by instrument id that are given stand `instead` of those of the rows.
    """
    specs, quotes = [], {}
    for row in rows:
        spec = _spec_of(row[: len(_TERMS)])
        specs.append(spec)
        bid, ask, at = row[len(_TERMS) :]
        if bid is not None:
            quotes[spec.id] = QuoteNow(plain(bid), plain(ask), at)
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
        copy_role=CopyRole(row[11]),
        manual_trading_mode=row[12],
        records_max=settings.ACCOUNT_RECORDS_MAX,
    )


def _ticket(row: tuple[Any, ...], spec: ContractSpec) -> Ticket:
    numbers: list[Decimal] = [plain(number) for number in (row[4], row[5], row[7], row[8], row[9], row[10])]
    cmd = Cmd(row[3])
    return Ticket(
        id=row[0],
        spec=spec,
        side=cmd.side,
        kind=cmd.kind,
        volume=numbers[0],
        open_price=numbers[1],
        open_at=row[6],
        sl=numbers[2],
        tp=numbers[3],
        commission=numbers[4],
        storage=numbers[5],
        reason=row[11],
        copied=row[12],
        comment=row[13],
        expiration_at=row[14],
    )
