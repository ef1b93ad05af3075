"""When a contract is put into quarantine for a follower (D08, R053, R064 to R066). Pure.

Two causes. REJECTIONS: as many entries in a row as the group allows were rejected by the venue; our own refusals do not
count, and a filled entry starts the count anew. OPPOSITE_SIDE: on a NETTING account an entry meets the opposite side, and
an exit of the same contract is still owed there: what is held ought not to be held any more, so leader and follower no
longer agree. An opposite position for which nothing is owed is explained by itself (another ticket of the leader,
another master, the customer's hand): the entry is refused and that is all.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Key = tuple[int, str]
"""A follower's account and one of its contracts."""


class QuarantineReason(StrEnum):
    """Why a contract is in quarantine."""

    REJECTIONS = "REJECTIONS"
    OPPOSITE_SIDE = "OPPOSITE_SIDE"


class QuarantineRelease(StrEnum):
    """What ends a quarantine, apart from the owner's and the staff's hands: nothing, or the leader being flat."""

    MANUAL = "MANUAL"
    WHEN_LEADER_FLAT = "WHEN_LEADER_FLAT"


@dataclass(frozen=True, slots=True)
class QuarantineTerms:
    """What a subscription asks for. `after_rejections` 0: rejections never lead to quarantine (master subscriptions)."""

    after_rejections: int = 0
    release: QuarantineRelease = QuarantineRelease.MANUAL


@dataclass(frozen=True, slots=True)
class EntryMet:
    """An entry that was refused, rejected or filled: whose it was, and in which contract."""

    subscription_id: int
    group_id: int | None
    follower_id: int
    leader_id: int
    symbol: str
    leader_symbol: str
    at: datetime

    @property
    def key(self) -> Key:
        return self.follower_id, self.symbol


@dataclass(frozen=True, slots=True)
class NewQuarantine:
    """A quarantine that begins."""

    met: EntryMet
    reason: QuarantineReason
    params: dict[str, Any]
    release: QuarantineRelease


@dataclass(slots=True)
class QuarantineBook:
    """What is known of a turn's followers, and what the turn has added."""

    living: set[Key] = field(default_factory=set)
    rejections: dict[Key, int] = field(default_factory=dict)
    begun: list[NewQuarantine] = field(default_factory=list)
    counted: set[Key] = field(default_factory=set)

    def holds(self, follower_id: int, symbol: str) -> bool:
        """Whether entries in the contract are refused."""
        return (follower_id, symbol) in self.living

    def opposite(self, met: EntryMet, *, netting: bool, owed: bool, terms: QuarantineTerms) -> None:
        """An entry was refused because the follower holds the other side; `owed`: an exit there has yet to be made."""
        if netting and owed:
            self._begin(met, QuarantineReason.OPPOSITE_SIDE, {}, terms)

    def rejected(self, met: EntryMet, code: str, terms: QuarantineTerms) -> None:
        """The venue rejected an entry."""
        if not terms.after_rejections:
            return
        number = self.rejections.get(met.key, 0) + 1
        self._count(met.key, number)
        if number >= terms.after_rejections:
            self._begin(met, QuarantineReason.REJECTIONS, {"number": number, "code": code}, terms)

    def filled(self, met: EntryMet) -> None:
        """The venue filled an entry."""
        if self.rejections.get(met.key):
            self._count(met.key, 0)

    def _count(self, key: Key, number: int) -> None:
        self.rejections[key] = number
        self.counted.add(key)

    def _begin(self, met: EntryMet, reason: QuarantineReason, params: dict[str, Any], terms: QuarantineTerms) -> None:
        if met.key not in self.living:
            self.living.add(met.key)
            self.begun.append(NewQuarantine(met, reason, params, terms.release))
