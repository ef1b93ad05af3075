"""What the rules around entries know and remember: quarantines, rejections in a row, follower stops.

One statement reads it for all followers of a turn; what the turn adds is written only when there is something.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from copytrade.domain.codes import SkipReason
from copytrade.domain.follower_stops import FollowerStop
from copytrade.domain.quarantine import EntryMet, NewQuarantine, QuarantineBook, QuarantineRelease, QuarantineTerms
from copytrade.domain.values import Settings
from copytrade.engine.settings import STOPS_FROM_SQL, STOPS_SET_SQL, STOPS_SQL, stop_of
from copytrade.frames import quarantine_frame
from copytrade.models_rules import Quarantine
from copytrade.services.resting import resting_of_contracts
from core.contracts import ContractSpec
from core.states import CopyStatus
from infra.bulk import SequenceBlocks, insert_rows
from infra.push import Frame
from trading.domain.values import AccountState, Ticket

if TYPE_CHECKING:
    from copytrade.engine.outcome import Copy
    from copytrade.engine.reads import Claim, Stand

RULES_SQL = (
    b"""
SELECT 'Q', follower_id, symbol, 0, NULL::numeric[] FROM copytrade_quarantine
WHERE follower_id = ANY(%(followers)s::bigint[]) AND released_at IS NULL
UNION ALL
SELECT 'R', follower_id, symbol, number, NULL FROM copytrade_entryrejections
WHERE follower_id = ANY(%(followers)s::bigint[]) AND number > 0
UNION ALL
SELECT 'S', sub.id, '', 0,
       ARRAY["""
    + STOPS_SQL
    + b"""]
FROM copytrade_copysubscription sub """
    + STOPS_FROM_SQL
    + b"""
WHERE sub.follower_id = ANY(%(followers)s::bigint[]) AND sub.ended_at IS NULL AND """
    + STOPS_SET_SQL
)
_COUNT_SQL = b"""
INSERT INTO copytrade_entryrejections (tenant_id, follower_id, symbol, number)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::integer[])
ON CONFLICT (follower_id, symbol) DO UPDATE SET number = EXCLUDED.number
"""
_QUARANTINE = (
    "id", "tenant_id", "follower_id", "leader_id", "subscription_id", "group_id", "symbol", "leader_symbol", "reason",
    "params", "release", "created_at",
)  # fmt: skip

_DIVERGED = frozenset((SkipReason.OPPOSITE_SIDE.value, SkipReason.CLOSE_ONLY.value))

_numbers = SequenceBlocks("copytrade_quarantine_id_seq", block=16)
_encode = msgspec.json.Encoder(decimal_format="string").encode


@dataclass(slots=True)
class Rules:
    """Quarantines of a turn's followers, and the stops of its subscriptions that have one."""

    quarantines: QuarantineBook = field(default_factory=QuarantineBook)
    stops: dict[int, FollowerStop] = field(default_factory=dict)


def rules_of(rows: Iterable[Sequence[Any]]) -> Rules:
    """From the rows of RULES_SQL; other kinds are passed over."""
    rules = Rules()
    for kind, owner, symbol, number, figures in rows:
        if kind == "Q":
            rules.quarantines.living.add((owner, symbol))
        elif kind == "R":
            rules.quarantines.rejections[owner, symbol] = number
        elif kind == "S":
            rules.stops[owner] = stop_of(figures)
    return rules


def terms_of(settings: Settings) -> QuarantineTerms:
    """What a subscription asks for: a master's never counts rejections, a group's is what its owner has set."""
    return QuarantineTerms(settings.quarantine_after, QuarantineRelease(settings.quarantine_release))


def entry_note(stand: "Stand", claim: "Claim", copy: "Copy", spec: ContractSpec | None, held: Ticket | None) -> None:
    """Takes down what an entry in `spec` met: a rejection, a fill, or a netting position `held` on the other side."""
    book = stand.rules.quarantines
    if spec is None or (copy.status is CopyStatus.FILLED and not book.rejections):
        return
    settings = copy.settings
    met = EntryMet(
        subscription_id=settings.subscription_id,
        group_id=settings.group_id,
        follower_id=copy.account.id,
        leader_id=claim.leader_id,
        symbol=spec.symbol,
        leader_symbol=copy.event.symbol,
        at=copy.decided_at,
    )
    if copy.status is CopyStatus.FILLED:
        book.filled(met)
    elif copy.status is CopyStatus.REJECTED:
        book.rejected(met, copy.reason, terms_of(settings))
    elif copy.reason in _DIVERGED and held is not None and held.side is not copy.side:
        owed = _is_owing(stand, copy, spec)
        book.opposite(met, netting=copy.account.netting, owed=owed, terms=terms_of(settings))


def _is_owing(stand: "Stand", copy: "Copy", spec: ContractSpec) -> bool:
    """Whether an exit of the follower's position has yet to be made."""
    links, subscription_id = stand.links, copy.settings.subscription_id
    left = any(links.active(subscription_id, closed) for closed in copy.event.flipped_trade_ids)
    return left or (copy.account.id, spec.id) in stand.closing


def rules_write(
    cursor: psycopg.Cursor[Any],
    tenant_id: int,
    book: QuarantineBook,
    accounts: Mapping[int, AccountState],
    at: datetime,
) -> list[Frame]:
    """Writes the quarantines that began and the counts that changed, under the followers' locks, after everything else
    was written: what rests in those contracts is taken back. The frames of both."""
    if book.counted:
        keys = sorted(book.counted)
        numbers = [book.rejections[key] for key in keys]
        cursor.execute(_COUNT_SQL, [tenant_id, [k[0] for k in keys], [k[1] for k in keys], numbers])
    if not book.begun:
        return []
    begun = list(zip(_numbers.take(cursor, len(book.begun)), book.begun, strict=True))
    insert_rows(cursor, Quarantine, _QUARANTINE, [_row(number, new, tenant_id, at) for number, new in begun])
    frames = [quarantine_frame(accounts[new.met.follower_id], number, new, at) for number, new in begun]
    return frames + resting_of_contracts(cursor, [new.met.key for new in book.begun], at)


def _row(number: int, new: NewQuarantine, tenant_id: int, at: datetime) -> tuple[Any, ...]:
    met = new.met
    return (
        number, tenant_id, met.follower_id, met.leader_id, met.subscription_id, met.group_id, met.symbol,
        met.leader_symbol, new.reason.value, _encode(new.params).decode(), new.release.value, at,
    )  # fmt: skip
