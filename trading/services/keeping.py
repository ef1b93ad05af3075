"""What the house does on its own with accounts: triggers, expirations and stop-out, under the accounts' locks.

Whoever finds accounts to look at (`triggers`, `margin`) only suspects. Here they are locked, read again, and decided about
by the pure rules at the quote in force, 250 accounts a transaction; so whatever was done meanwhile is not done twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from infra.autonomous import autonomous
from infra.bulk import hot_cursor
from infra.push import publish_on_commit
from infra.retry import retried
from infra.tenancy import tenant_scope
from trading.domain.stopout import stop_out_carry_out, stop_out_stands
from trading.domain.triggers import expirations_carry_out, triggers_carry_out
from trading.domain.values import Journal, QuoteNow
from trading.services.book import book_write
from trading.services.desk import desk_open

ACCOUNTS_MAX: Final = 250
"""Accounts of one transaction: an order of one of them waits no longer than that takes."""


@dataclass(slots=True)
class Suspects:
    """Accounts to look at, with the pending orders of each that seemed due; `quotes` stand in place of the stored ones."""

    at: datetime
    instruments: Collection[int] = ()
    quotes: Mapping[int, QuoteNow] | None = None
    orders: dict[int, list[int]] = field(default_factory=dict)

    def add(self, account_id: int, *orders: int) -> None:
        self.orders.setdefault(account_id, []).extend(orders)

    def chunks(self) -> Iterator[Sequence[int]]:
        """The accounts, at most `ACCOUNTS_MAX` at a time."""
        accounts = list(self.orders)
        return (accounts[start : start + ACCOUNTS_MAX] for start in range(0, len(accounts), ACCOUNTS_MAX))


def suspects_keep(*, tenant_id: int, suspects: Suspects) -> int:
    """Looks at all of them, each chunk in a transaction of its own; gives the number of accounts that changed.

    For the market process. Inside a transaction of the caller's it joins that one, and all locks are had by its end.
    """

    def in_scope(chunk: Sequence[int]) -> int:
        with tenant_scope(tenant_id):
            return _keep(suspects, chunk)

    return sum(retried(partial(in_scope, chunk)) for chunk in suspects.chunks())


def suspects_keep_within(*, tenant_id: int, suspects: Suspects, last: bool) -> int:
    """The same inside a transaction that holds the quotes' rows: with `last`, the last chunk belongs to it.

    All other chunks commit on their own, on a second connection, while this one keeps other quotes of the symbols from
    being taken. No transaction locks accounts twice, so with `last` the caller locks none before or after.
    """
    chunks = list(suspects.chunks())
    joining = chunks.pop() if last and chunks else None
    done = sum(retried(partial(autonomous, partial(_keep, suspects, chunk), tenant_id=tenant_id)) for chunk in chunks)
    return done if joining is None else done + _keep(suspects, joining)


def _keep(suspects: Suspects, chunk: Sequence[int]) -> int:
    cursor = hot_cursor()
    orders = [number for account_id in chunk for number in suspects.orders[account_id]]
    desk = desk_open(cursor, chunk, pending=orders, quotes=suspects.quotes)
    journal = Journal()
    for account in desk.accounts.values():
        expirations_carry_out(journal, desk.market, account, suspects.at)
        triggers_carry_out(journal, desk.market, account, suspects.instruments, suspects.at)
        if stop_out_stands(account, desk.market):
            stop_out_carry_out(journal, desk.market, account, suspects.at)
    if journal.changes:
        publish_on_commit(book_write(cursor, journal, desk.market))
    return len(journal.accounts)
