"""What a copy is decided from: the leader's event, the subscription, and what it owns so far."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from copytrade.domain.limits import who_set
from core.contracts import ContractSpec
from core.rounding import ONE, ZERO
from core.states import EventKind, LinkState, Side, TicketKind


@dataclass(frozen=True, slots=True)
class LeaderEvent:
    """One change of one leader's ticket, as it was written; `equity` and `balance` are those before it.

    `ticket_kind` and `expiration_at` are the ticket's after it; `price` is where it was filled, for changes and pending
    orders the ticket's own. `flipped_trade_ids`: the trades that the same order closed before it opened this one.
    `absorbed`: the limit order that a netting position took in with this change, and its price.
    """

    id: int
    seq: int
    kind: EventKind
    trade_id: int
    symbol: str
    side: Side
    volume_before: Decimal
    volume_after: Decimal
    price: Decimal
    bid: Decimal
    ask: Decimal
    sl: Decimal
    tp: Decimal
    equity: Decimal
    balance: Decimal
    at: datetime
    source_kind: str = "E"
    """What asks for the copy: "E" an event of the leader, "C" a command, which is told as if it were one."""
    ticket_kind: TicketKind = TicketKind.MARKET
    expiration_at: datetime | None = None
    flipped_trade_ids: tuple[int, ...] = ()
    absorbed: tuple[int, Decimal] | None = None

    @property
    def trades(self) -> tuple[int, ...]:
        """The leader's trades that the event speaks of."""
        absorbed = () if self.absorbed is None else (self.absorbed[0],)
        return (self.trade_id, *self.flipped_trade_ids, *absorbed)

    @property
    def volume(self) -> Decimal:
        """By how many lots the ticket changed."""
        return abs(self.volume_after - self.volume_before)


class Sizing(StrEnum):
    """What is kept the same between two contracts: the number of lots, or the worth of a point."""

    CONTRACTS = "CONTRACTS"
    NOTIONAL = "NOTIONAL"


class Rounding(StrEnum):
    """How a volume comes to whole steps (R035 to R037)."""

    ENTRY_DOWN_EXIT_UP = "ENTRY_DOWN_EXIT_UP"
    NEAREST = "NEAREST"
    ALWAYS_DOWN = "ALWAYS_DOWN"


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What a group's follower has set for one of the leader's contracts."""

    symbol: str
    ratio: Decimal = ONE
    synced: bool = True
    cross_symbol: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """A subscription's settings, and the states around it, as committed when the copy is decided. Volumes in lots.

    `max_positions`, `min_equity` and `slippage_tolerance` are those that hold: the tightest of tenant, master, follower.
    """

    subscription_id: int
    version: int
    leader_id: int
    follower_id: int
    entries_from_seq: int
    ended: bool
    enabled: bool
    status: int
    module_on: bool
    master_active: bool
    follower_enabled: bool
    role_is_follower: bool
    leader_currency: str
    copy_mode: int
    volume_mode: int
    risk_multiplier: Decimal
    fixed_volume: Decimal
    copy_sl: bool
    copy_tp: bool
    copy_partial_close: bool
    reverse_direction: bool
    max_volume: Decimal
    min_volume: Decimal
    max_positions: int
    symbols_mode: int
    symbols: str
    min_equity: Decimal
    slippage_tolerance: Decimal
    max_signal_age_seconds: int
    auto_variant: bool = False
    group_id: int | None = None
    group_pause_reason: str = ""
    group_active: bool = True
    sizing: Sizing = Sizing.CONTRACTS
    rounding: Rounding = Rounding.ENTRY_DOWN_EXIT_UP
    synced_all: bool = True
    contracts: tuple[ContractTerms, ...] = ()
    own_mappings: tuple[tuple[str, str], ...] = ()
    group_mappings: tuple[tuple[str, str], ...] = ()
    quarantine_after: int = 0
    """After how many rejections in a row a contract rests; 0: never."""
    quarantine_release: str = "MANUAL"
    copy_pending_orders: bool = False
    bounded_by: tuple[tuple[str, str], ...] = ()
    """Who else than the follower has set a limit that holds: pairs of its name and `Whose`."""

    def whose(self, limit: str) -> dict[str, str]:
        """What a refusal adds where the limit is not the follower's own."""
        return who_set(limit, self.bounded_by)


@dataclass(slots=True, eq=False)
class Link:
    """What a subscription owns of a follower's ticket because of a leader's trade. `id` is None until it is written."""

    id: int | None
    subscription_id: int
    follower_id: int
    leader_trade_id: int
    follower_trade_id: int | None
    spec: ContractSpec
    side: Side
    volume: Decimal
    opened_volume: Decimal
    entry_price: Decimal
    commission: Decimal = ZERO
    realised: Decimal = ZERO
    state: LinkState = LinkState.ACTIVE
    resting: bool = False
    """What it has is a pending record that waits for the leader's order to be filled (D30)."""
    owed: Decimal = ZERO
    """How much of `volume` should have been closed already: exits that failed and are tried again (D11)."""

    @property
    def active(self) -> bool:
        return self.state is LinkState.ACTIVE


@dataclass(slots=True)
class Owing:
    """In which contracts of which followers an exit is owed: as long as one link there owes."""

    _links: dict[tuple[int, int], set[int]] = field(default_factory=dict)

    def __contains__(self, contract: tuple[int, int]) -> bool:
        """Whether an exit of this follower in this contract is owed."""
        return contract in self._links

    def add(self, follower_id: int, contract_id: int, link: int) -> None:
        self._links.setdefault((follower_id, contract_id), set()).add(link)

    def owe(self, link: Link) -> None:
        self.add(link.follower_id, link.spec.id, _name_of(link))

    def settle(self, link: Link) -> None:
        """The link owes nothing any more."""
        contract = (link.follower_id, link.spec.id)
        owing = self._links.get(contract, set())
        owing.discard(_name_of(link))
        if not owing:
            self._links.pop(contract, None)


def _name_of(link: Link) -> int:
    """Its id, or something else that no other link of a turn has."""
    return -id(link) if link.id is None else link.id


@dataclass(slots=True)
class LinkBook:
    """The links of a shard's followers with the trades of a turn, oldest first; of all others only how many are open.

    `elsewhere` has the number of active links by subscription that are not in the book.
    """

    links: list[Link] = field(default_factory=list)
    elsewhere: dict[int, int] = field(default_factory=dict)
    _by_pair: dict[tuple[int, int], list[Link]] = field(default_factory=dict)
    _closed: set[tuple[int, int]] = field(default_factory=set)
    _untracked: set[tuple[int, int]] = field(default_factory=set)

    def add(self, link: Link) -> None:
        self.links.append(link)
        self._by_pair.setdefault((link.subscription_id, link.leader_trade_id), []).append(link)

    def add_ended(self, subscription_id: int, leader_trade_id: int, state: LinkState) -> None:
        """Remembers a link that had ended before the turn."""
        ended = self._closed if state is LinkState.CLOSED else self._untracked
        ended.add((subscription_id, leader_trade_id))

    def active(self, subscription_id: int, leader_trade_id: int) -> list[Link]:
        """The active links of one subscription with one leader's trade, oldest first."""
        return [link for link in self._by_pair.get((subscription_id, leader_trade_id), ()) if link.active]

    def was_closed(self, subscription_id: int, leader_trade_id: int) -> bool:
        """Whether a copy of the trade existed and was closed (being untracked does not count)."""
        pair = (subscription_id, leader_trade_id)
        return pair in self._closed or any(link.state is LinkState.CLOSED for link in self._by_pair.get(pair, ()))

    def known(self, subscription_id: int, leader_trade_id: int) -> bool:
        """Whether there ever was a link of the subscription with the leader's trade."""
        pair = (subscription_id, leader_trade_id)
        return pair in self._by_pair or pair in self._closed or pair in self._untracked

    def active_count(self, subscription_id: int) -> int:
        """Open copies of a subscription."""
        here = sum(1 for k in self.links if k.active and not k.resting and k.subscription_id == subscription_id)
        return self.elsewhere.get(subscription_id, 0) + here
