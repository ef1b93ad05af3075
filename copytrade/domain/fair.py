"""The fair line (X12): nobody's copy of an event is favoured, neither by its place nor by its price. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from copytrade.domain.values import LeaderEvent

QUOTE_HELD: Final = timedelta(seconds=2)
"""For how long after the leader's fill all copies of it are filled at the quote that the leader met."""


def fair_place(event_id: int, subscription_id: int) -> int:
    """Where a subscription stands in the line of one event: drawn from a hash, so no account has priority.

    It orders the followers of a shard, and because it is stored as drawn, the followers of all shards of the event.
    """
    drawn = blake2b(f"{event_id}:{subscription_id}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn, "big") >> 1  # what a signed column of four bytes holds


def held_quote(event: LeaderEvent, symbol: str, at: datetime) -> tuple[Decimal, Decimal] | None:
    """Bid and ask at which all copies of the event in the leader's own contract are filled, whichever shard they are in.

    It is written on the event, so it needs no agreement between shards. None for other contracts, for what is asked for
    by a command, and when it is too old to be honest: then each is filled at the quote that it meets.
    """
    held = event.source_kind == "E" and event.bid and symbol == event.symbol and at - event.at <= QUOTE_HELD
    return (event.bid, event.ask) if held else None
