"""The house without a database: real contracts, quotes and accounts as plain values for tests of pure decisions."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import CopyRole, Origin
from trading.catalogue import BY_SYMBOL
from trading.domain.execution import Instruction
from trading.domain.values import AccountState, Journal, Market, QuoteNow, Ticket

D = Decimal
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

_NUMBERS = {symbol: number for number, symbol in enumerate(BY_SYMBOL, 1)}


def spec(symbol: str, **changes: Any) -> ContractSpec:
    """The built-in contract of that symbol, traded at any hour, with changes."""
    terms = BY_SYMBOL[symbol]
    names = {field.name for field in fields(ContractSpec)} - {"id", "stale_quote_seconds", "trade_enabled", "sessions"}
    made = ContractSpec(
        id=_NUMBERS[symbol],
        stale_quote_seconds=0,
        trade_enabled=True,
        **{name: getattr(terms, name) for name in names},
    )
    return replace(made, **changes)


def market(*specs: ContractSpec, at: datetime = AT, **quotes: tuple[str | Decimal, str | Decimal]) -> Market:
    """Quotes by symbol as (bid, ask); contracts that are quoted come along unless they are given."""
    known = {contract.symbol: contract for contract in specs}
    known |= {symbol: spec(symbol) for symbol in quotes if symbol not in known}
    prices = {known[s].id: QuoteNow(D(bid), D(ask), at) for s, (bid, ask) in quotes.items()}
    return Market(known.values(), prices)


def account(balance: str | Decimal = "10000", **changes: Any) -> AccountState:
    """A hedging USD account with leverage 100 and no commission."""
    values: dict[str, Any] = {
        "id": 1,
        "tenant_id": 1,
        "login": 1001,
        "customer_id": 1,
        "currency": "USD",
        "leverage": 100,
        "enabled": True,
        "netting": False,
        "commission_per_lot": ZERO,
        "margin_call": D(100),
        "stop_out": D(50),
        "balance": D(balance),
        "credit": ZERO,
        "event_seq": 0,
        "copy_role": CopyRole.NONE,
        "manual_trading_mode": 2,
    }
    return AccountState(**{**values, **changes})


def how(at: datetime = AT, **changes: Any) -> Instruction:
    """By hand, at `at`."""
    return Instruction(origin=changes.pop("origin", Origin.MANUAL), at=at, **changes)


def later(seconds: int) -> datetime:
    return AT + timedelta(seconds=seconds)


def numbered(journal: Journal, numbers: Iterator[int]) -> None:
    """Gives new tickets their numbers, as the book would."""
    for ticket in journal.opened:
        if ticket.id is None:
            ticket.id = next(numbers)
    journal.name_positions()


def snapshot(state: AccountState, journal: Journal) -> tuple[Any, ...]:
    """Everything that an order could change, by value: equal snapshots mean that nothing was changed."""
    return (
        tuple(getattr(state, f.name) for f in fields(AccountState) if f.name not in ("tickets", "pending")),
        tuple(_ticket_values(ticket) for ticket in state.tickets),
        tuple(_ticket_values(ticket) for ticket in state.pending),
        len(journal.orders),
        len(journal.opened),
        tuple(sorted(journal.changed)),
        len(journal.movements),
        len(journal.changes),
        tuple(sorted(journal.accounts)),
    )


def _ticket_values(ticket: Ticket) -> tuple[Any, ...]:
    return (id(ticket), *(getattr(ticket, f.name) for f in fields(Ticket) if f.name not in ("parent", "worth")))
