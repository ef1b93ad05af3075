"""What one leader's event means for one follower. Pure: values in, a decision out."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from copytrade.domain.codes import SkipReason
from copytrade.domain.exits import exit_shares
from copytrade.domain.guards import Entry, Skip, examine
from copytrade.domain.stops import follower_stops
from copytrade.domain.values import LeaderEvent, Link, LinkBook, Rounding, Settings
from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import EventKind, Side

OPEN_ONLY = 1


class EntryPlan(NamedTuple):
    """An entry to be placed, in lots of the follower's contract."""

    spec: ContractSpec
    side: Side
    volume: Decimal
    sl: Decimal
    tp: Decimal
    price: Decimal
    """Where it is filled."""


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """What is taken from which link, oldest first."""

    shares: list[tuple[Link, Decimal]]


@dataclass(frozen=True, slots=True)
class StopsPlan:
    """The links whose tickets get the leader's new stops, oldest first."""

    links: list[Link]


@dataclass(frozen=True, slots=True)
class Release:
    """Links that end without an order, and the refusal that is recorded."""

    links: list[Link] = field(default_factory=list)
    skip: Skip = field(default_factory=lambda: Skip(SkipReason.COPY_MODE, {}))


Decision = EntryPlan | ExitPlan | StopsPlan | Release | Skip
"""What is done for a follower. None stands for an event that is no business of the subscription: no row is written."""


def adds_risk(event: LeaderEvent) -> bool:
    """Whether the event opens something, or will."""
    return event.kind.is_entry or event.kind is EventKind.PLACE


def is_entry_for(event: LeaderEvent, settings: Settings) -> bool:
    """Whether the event is an entry that this subscription was already there for."""
    return adds_risk(event) and not settings.ended and event.seq >= settings.entries_from_seq


def plan_entry(entry: Entry) -> EntryPlan | Skip:
    """An entry passes all guards or is skipped with the first refusal."""
    refused = examine(entry)
    if refused is not None:
        return refused
    assert entry.spec is not None
    assert entry.quote_price is not None
    stops = follower_stops(
        entry.event,
        entry.settings,
        leader=entry.leader_spec,
        spec=entry.spec,
        side=entry.side,
        fill=entry.quote_price,
    )
    return EntryPlan(
        spec=entry.spec, side=entry.side, volume=entry.volume, sl=stops.sl, tp=stops.tp, price=entry.quote_price
    )


def plan_exit(event: LeaderEvent, settings: Settings, links: LinkBook) -> ExitPlan | Release | Skip | None:
    """An exit acts on what is linked and on nothing else; it is never held back by state, limits or age.

    None when there never was a copy, or it was untracked: then the event is none of the subscription's business.
    """
    active = links.active(settings.subscription_id, event.trade_id)
    if not active:
        closed = links.was_closed(settings.subscription_id, event.trade_id)
        return Skip(SkipReason.ALREADY_FLAT, {}) if closed else None
    if settings.copy_mode == OPEN_ONLY:
        return Release(links=active if event.kind is EventKind.CLOSE else [])
    if event.kind is EventKind.REDUCE and not settings.copy_partial_close:
        return Skip(SkipReason.PARTIAL_NOT_COPIED, {})
    shares = exit_shares(event, active, settings.rounding)
    if not shares and settings.rounding is not Rounding.ENTRY_DOWN_EXIT_UP:
        spec, held = active[0].spec, sum((link.volume for link in active), ZERO)
        exact = held * event.volume / event.volume_before
        params = {"volume": exact, "lot_min": spec.lot_min, "lot_step": spec.lot_step}
        return Skip(SkipReason.ROUNDED_TO_ZERO, params)
    return ExitPlan(shares)


def plan_stops(event: LeaderEvent, settings: Settings, links: LinkBook) -> StopsPlan | Skip | None:
    """A change of stops acts on what is linked, as an exit does: state, limits and age never hold it back."""
    active = links.active(settings.subscription_id, event.trade_id)
    if not active:
        closed = links.was_closed(settings.subscription_id, event.trade_id)
        return Skip(SkipReason.ALREADY_FLAT, {}) if closed else None
    if settings.copy_mode == OPEN_ONLY:
        return Skip(SkipReason.COPY_MODE, {})
    if not settings.copy_sl and not settings.copy_tp:
        return Skip(SkipReason.STOPS_NOT_COPIED, {})
    return StopsPlan(active)


def plan_resting(event: LeaderEvent, settings: Settings, links: LinkBook) -> list[Link] | Skip:
    """The resting links that the end or a change of the leader's pending order is about; none: no business of theirs."""
    active = links.active(settings.subscription_id, event.trade_id)
    if not active and links.was_closed(settings.subscription_id, event.trade_id):
        return Skip(SkipReason.ALREADY_FLAT, {})
    return [link for link in active if link.resting]
