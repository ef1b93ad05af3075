"""Values of the copy engine for tests of its pure decisions: an event, settings, links, an entry under examination."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from copytrade.domain.guards import Entry
from copytrade.domain.values import LeaderEvent, Link, LinkBook, Settings
from core.rounding import ZERO
from core.states import EventKind, Side
from tests.support.house import AT, spec

D = Decimal
EURUSD = spec("EURUSD")


def event(kind: EventKind = EventKind.OPEN, before: str = "0", after: str = "1", **changes: Any) -> LeaderEvent:
    """The leader's change of trade 500 from `before` to `after` lots, at 1.10000/1.10020."""
    values: dict[str, Any] = {
        "id": 7,
        "seq": 10,
        "kind": kind,
        "trade_id": 500,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume_before": D(before),
        "volume_after": D(after),
        "price": D("1.10020"),
        "bid": D("1.10000"),
        "ask": D("1.10020"),
        "sl": ZERO,
        "tp": ZERO,
        "equity": D(10000),
        "balance": D(10000),
        "at": AT,
    }
    return LeaderEvent(**{**values, **changes})


def terms(**changes: Any) -> Settings:
    """A subscription with every setting at its default and everything switched on."""
    values: dict[str, Any] = {
        "subscription_id": 3,
        "version": 1,
        "leader_id": 1,
        "follower_id": 2,
        "entries_from_seq": 1,
        "ended": False,
        "enabled": True,
        "status": 0,
        "module_on": True,
        "master_active": True,
        "follower_enabled": True,
        "role_is_follower": True,
        "leader_currency": "USD",
        "copy_mode": 0,
        "volume_mode": 1,
        "risk_multiplier": D(1),
        "fixed_volume": ZERO,
        "copy_sl": True,
        "copy_tp": True,
        "copy_partial_close": True,
        "reverse_direction": False,
        "max_volume": ZERO,
        "min_volume": ZERO,
        "max_positions": 0,
        "symbols_mode": 0,
        "symbols": "",
        "min_equity": ZERO,
        "slippage_tolerance": ZERO,
        "max_signal_age_seconds": 30,
    }
    return Settings(**{**values, **changes})


def link(volume: str | Decimal, number: int = 1, **changes: Any) -> Link:
    """An active link of subscription 3 with the leader's trade 500."""
    values: dict[str, Any] = {
        "id": number,
        "subscription_id": 3,
        "follower_id": 2,
        "leader_trade_id": 500,
        "follower_trade_id": 600 + number,
        "spec": EURUSD,
        "side": Side.BUY,
        "volume": D(volume),
        "opened_volume": D(volume),
        "entry_price": D("1.10020"),
    }
    return Link(**{**values, **changes})


def book(*links: Link) -> LinkBook:
    """The links of a turn, oldest first."""
    made = LinkBook()
    for one in links:
        made.add(one)
    return made


def entry(at: datetime = AT, **changes: Any) -> Entry:
    """An entry that passes every guard."""
    values: dict[str, Any] = {
        "event": event(),
        "settings": terms(),
        "links": book(),
        "side": Side.BUY,
        "spec": EURUSD,
        "quote_price": D("1.10020"),
        "event_price": D("1.10020"),
        "held_side": None,
        "equity": D(10000),
        "balance": D(10000),
        "priced": True,
        "leader_rate": D(1),
        "closed_later": False,
    }
    return Entry(at=at, **{**values, **changes})
