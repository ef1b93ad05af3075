"""Ports: what higher layers may hang into trading. `config/subscribers.py` fills them; nothing here imports upward."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from core.contracts import ContractSpec
from trading.domain.execution import Instruction
from trading.domain.values import AccountState, Journal, Refused, Ticket


class Action(StrEnum):
    """What an order wants to do."""

    OPEN = "OPEN"
    PLACE = "PLACE"
    MODIFY = "MODIFY"
    CLOSE = "CLOSE"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that is about to be carried out on one account, whose lock is held.

    `ticket` is the open ticket or pending order that it changes; None for new ones, which on NETTING may still act on the
    position in `spec`.
    """

    action: Action
    account: AccountState
    spec: ContractSpec
    ticket: Ticket | None
    how: Instruction


order_guards: list[Callable[[psycopg.Cursor[Any], OrderRequest], Refused | None]] = []
"""Asked before any order of a single account, under its lock; the first refusal stands. `how.origin` tells whose will it
is. Flattening, triggers, stop-out and the copy engine do not ask."""

trade_listeners: list[Callable[[psycopg.Cursor[Any], Journal], None]] = []
"""Told inside the writing transaction what was written; they may write, on the same connection."""

market_steps: list[Callable[[int, datetime], None]] = []
"""Called by the market process after each step with (tenant, instant)."""
