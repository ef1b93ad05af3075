"""The guards of an entry: each a small rule that approves (None) or refuses with a code and the values it is told with.

They are asked in the order of `SkipReason`; the first refusal stands. Exits do not come here: nothing but the exit cap,
close-only and the copy mode may hold an exit back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copytrade.domain.codes import SkipReason
from copytrade.domain.contracts import Offer
from copytrade.domain.follower_stops import FollowerStop, stop_reached
from copytrade.domain.sizing import Unsized, entry_volume
from copytrade.domain.stops import same_market
from copytrade.domain.values import LeaderEvent, LinkBook, Settings
from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import EventKind, Side

NO_OFFER = Offer(None)
ACTIVE = 0
CLOSE_ONLY = 2
INCLUDE, EXCLUDE = 1, 2


@dataclass(frozen=True, slots=True)
class Skip:
    """A copy that is not tried."""

    reason: SkipReason
    params: dict[str, Any]


@dataclass(slots=True)
class Entry:
    """An entry under examination. Follower figures are before its order, in its currency; prices are current."""

    event: LeaderEvent
    settings: Settings
    links: LinkBook
    side: Side
    spec: ContractSpec | None
    quote_price: Decimal | None
    event_price: Decimal
    held_side: Side | None
    equity: Decimal
    balance: Decimal
    priced: bool
    leader_rate: Decimal | None
    closed_later: bool
    at: datetime
    volume: Decimal = ZERO
    leader_spec: ContractSpec | None = None
    offer: Offer = NO_OFFER
    """How the entry is sized in `spec`."""
    quarantined: bool = False
    locked: bool = False
    """The follower's account may not trade at all."""
    risk_rule: str = ""
    """The account's risk rule that does not allow the entry, "" for none."""
    stop: FollowerStop | None = None
    closing: bool = False
    """Whether an exit of this account in this contract is owed."""


Guard = Callable[[Entry], Skip | None]


def symbol_passes(settings: Settings, symbol: str) -> bool:
    """Whether the subscription's symbol list lets a contract through; `*` at the end of an entry matches a prefix."""
    if settings.symbols_mode not in (INCLUDE, EXCLUDE):
        return True
    name = symbol.casefold()
    entries = [entry.strip().casefold() for entry in settings.symbols.split(",") if entry.strip()]
    listed = any(name.startswith(e[:-1]) if e.endswith("*") else name == e for e in entries)
    return listed if settings.symbols_mode == INCLUDE else not listed


def _module(entry: Entry) -> Skip | None:
    return None if entry.settings.module_on else Skip(SkipReason.MODULE_DISABLED, {})


def _master(entry: Entry) -> Skip | None:
    return None if entry.settings.master_active else Skip(SkipReason.MASTER_NOT_ACTIVE, {})


def _group(entry: Entry) -> Skip | None:
    settings = entry.settings
    if settings.group_active:
        return None
    return Skip(SkipReason.GROUP_PAUSED, {"pause_reason": settings.group_pause_reason})


def _subscription(entry: Entry) -> Skip | None:
    settings = entry.settings
    running = settings.enabled and settings.status == ACTIVE and not settings.ended
    return None if running else Skip(SkipReason.SUBSCRIPTION_PAUSED, {})


def _follower(entry: Entry) -> Skip | None:
    return None if entry.settings.follower_enabled else Skip(SkipReason.FOLLOWER_DISABLED, {})


def _copy_mode(entry: Entry) -> Skip | None:
    return Skip(SkipReason.COPY_MODE, {}) if entry.settings.copy_mode == CLOSE_ONLY else None


def _symbols(entry: Entry) -> Skip | None:
    if symbol_passes(entry.settings, entry.event.symbol):
        return None
    return Skip(SkipReason.SYMBOL_FILTERED, {"symbol": entry.event.symbol})


def _synced(entry: Entry) -> Skip | None:
    return None if entry.offer.synced else Skip(SkipReason.CONTRACT_NOT_SYNCED, {"symbol": entry.event.symbol})


def _contract(entry: Entry) -> Skip | None:
    return Skip(SkipReason.UNMAPPED_CONTRACT, {"symbol": entry.event.symbol}) if entry.spec is None else None


def _pending(entry: Entry) -> Skip | None:
    """A pending order is copied where that is wanted and its price means the same; reversed it never is (D30)."""
    if entry.event.kind is not EventKind.PLACE:
        return None
    wanted = entry.settings.copy_pending_orders and not entry.settings.reverse_direction
    same = entry.spec is not None and same_market(entry.leader_spec, entry.spec)
    return None if wanted and same else Skip(SkipReason.PENDING_NOT_COPIED, {})


def _linked(entry: Entry) -> Skip | None:
    """An increase follows only what was copied: the first copy of a trade is its opening (D13)."""
    if entry.event.kind is not EventKind.INCREASE:
        return None
    linked = entry.links.active(entry.settings.subscription_id, entry.event.trade_id)
    return None if linked else Skip(SkipReason.NO_LINK, {})


def _withdrawn(entry: Entry) -> Skip | None:
    """Who took the copy of a pending order back does not get it at market when the leader's is filled."""
    opens = entry.event.kind is EventKind.OPEN
    gone = opens and entry.links.was_closed(entry.settings.subscription_id, entry.event.trade_id)
    return Skip(SkipReason.ALREADY_FLAT, {}) if gone else None


def _flip(entry: Entry) -> Skip | None:
    """The opening half of a flip waits for nothing: it comes only when the closing half left nothing behind (D29)."""
    left = any(entry.links.active(entry.settings.subscription_id, closed) for closed in entry.event.flipped_trade_ids)
    return Skip(SkipReason.CLOSE_ONLY, {}) if left else None


def _closing(entry: Entry) -> Skip | None:
    """Nothing is opened where something should have been closed already (D11, D13)."""
    return Skip(SkipReason.CLOSE_ONLY, {}) if entry.closing else None


def _opposite(entry: Entry) -> Skip | None:
    if entry.event.kind is EventKind.PLACE:
        return (
            None  # it is asked again when it is filled: until then the position may be gone, or was meant to be closed
        )
    if entry.held_side is None or entry.held_side is entry.side:
        return None
    return Skip(SkipReason.OPPOSITE_SIDE, {"symbol": entry.event.symbol, "held": entry.held_side.value})


def _quarantine(entry: Entry) -> Skip | None:
    if not entry.quarantined or entry.spec is None:
        return None
    return Skip(SkipReason.QUARANTINED, {"symbol": entry.spec.symbol})


def _lock(entry: Entry) -> Skip | None:
    return Skip(SkipReason.ACCOUNT_LOCKED, {}) if entry.locked else None


def _risk(entry: Entry) -> Skip | None:
    return Skip(SkipReason.RISK_LIMIT, {"rule": entry.risk_rule}) if entry.risk_rule else None


def _stop(entry: Entry) -> Skip | None:
    # An account that cannot be priced has no equity to judge by; the quote's guard refuses it further on.
    if entry.stop is None or not entry.priced:
        return None
    reached = stop_reached(entry.stop, entry.equity)
    if reached is None:
        return None
    return Skip(SkipReason.FOLLOWER_STOPPED, {"loss": reached.loss, "limit": reached.limit, **reached.bounded_by})


def _equity_floor(entry: Entry) -> Skip | None:
    floor = entry.settings.min_equity
    if not floor or entry.equity >= floor:
        return None
    whose = entry.settings.whose("min_equity")
    return Skip(SkipReason.MIN_EQUITY, {"equity": entry.equity, "min_equity": floor, **whose})


def _positions(entry: Entry) -> Skip | None:
    most = entry.settings.max_positions
    if not most or entry.event.kind is EventKind.INCREASE:
        return None
    held = entry.links.active_count(entry.settings.subscription_id)
    if held < most:
        return None
    whose = entry.settings.whose("max_positions")
    return Skip(SkipReason.MAX_POSITIONS, {"positions": held, "max_positions": most, **whose})


def _size(entry: Entry) -> Skip | None:
    assert entry.spec is not None
    if entry.volume:
        return None  # the copy of a pending order was sized when it was placed
    sized = entry_volume(
        entry.settings,
        entry.event,
        entry.spec,
        equity=entry.equity,
        balance=entry.balance,
        leader_rate=entry.leader_rate,
        ratio=entry.offer.ratio,
        notional=entry.offer.notional,
    )
    if isinstance(sized, Unsized):
        return Skip(sized.reason, dict(sized.params))
    entry.volume = sized
    return None


def _quote(entry: Entry) -> Skip | None:
    if entry.quote_price is not None and entry.priced:
        return None
    return Skip(SkipReason.STALE_QUOTE, {"symbol": entry.event.symbol})


def _slippage(entry: Entry) -> Skip | None:
    tolerance = entry.settings.slippage_tolerance
    if not tolerance or not entry.offer.comparable or entry.event.kind is EventKind.PLACE:
        return None
    assert entry.spec is not None
    assert entry.quote_price is not None
    points = (entry.quote_price - entry.event_price) * entry.side.sign * 10**entry.spec.digits
    if points <= tolerance:
        return None
    whose = entry.settings.whose("slippage_tolerance")
    return Skip(SkipReason.SLIPPAGE_TOLERANCE, {"points": points, "tolerance": tolerance, **whose})


def _age(entry: Entry) -> Skip | None:
    limit = entry.settings.max_signal_age_seconds
    age = entry.at - entry.event.at
    if not limit or age <= timedelta(seconds=limit):
        return None
    return Skip(SkipReason.SIGNAL_TOO_OLD, {"age": age // timedelta(seconds=1), "limit": limit})


def _still_open(entry: Entry) -> Skip | None:
    return Skip(SkipReason.CLOSED_BEFORE_COPY, {}) if entry.closed_later else None


def _role(entry: Entry) -> Skip | None:
    return None if entry.settings.role_is_follower else Skip(SkipReason.ROLE_CONFLICT, {})


ENTRY_GUARDS: tuple[Guard, ...] = (
    _module, _master, _group, _subscription, _follower, _copy_mode, _symbols, _synced, _contract, _pending, _linked,
    _withdrawn, _flip, _closing, _opposite, _quarantine, _lock, _risk, _stop, _equity_floor, _positions, _size, _quote,
    _slippage, _age, _still_open, _role,
)  # fmt: skip


def examine(entry: Entry) -> Skip | None:
    """The first refusal, or None: then `entry.volume` is set."""
    for guard in ENTRY_GUARDS:
        refused = guard(entry)
        if refused is not None:
            return refused
    return None
