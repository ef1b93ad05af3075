"""Any sequence of orders of every kind keeps the books true, and the events alone rebuild what stands."""

from collections import defaultdict
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from core.contracts import ContractSpec
from core.rounding import ZERO, is_multiple
from core.states import Cmd, EventKind, Side, TicketKind, TradeState
from tests.support.house import D, account, how, later, market, numbered, snapshot
from trading.domain.execution import close_market, modify_stops, open_market
from trading.domain.pending import EXPIRED, cancel_pending, modify_pending, place_pending, trigger_pending
from trading.domain.values import Journal, Refused, average_price

SYMBOLS = ("EURUSD", "ES")
START = D(50000)

quotes_drawn = st.tuples(st.integers(108_000, 112_000), st.integers(0, 50), st.integers(19_900, 20_100))
distances = st.just(0) | st.integers(-30, 300)
"""Ticks to the right side of a price; below 0 to the wrong one; 0 is none."""
volumes = st.integers(1, 50)
sides = st.sampled_from(list(Side))
places = st.integers(0, 20)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), quotes_drawn, st.sampled_from(SYMBOLS), sides, volumes, distances, distances),
        st.tuples(
            st.just("place"), quotes_drawn, st.sampled_from(SYMBOLS), sides, volumes, distances,
            st.sampled_from([TicketKind.LIMIT, TicketKind.STOP]),
        ),
        st.tuples(st.just("close"), quotes_drawn, places, st.none() | st.integers(0, 50)),
        st.tuples(st.just("stops"), quotes_drawn, places, distances, distances),
        st.tuples(st.just("modify"), quotes_drawn, places, distances, distances, st.integers(-1, 3)),
        st.tuples(st.just("cancel"), quotes_drawn, places, st.sampled_from(["[cancelled]", EXPIRED])),
        st.tuples(st.just("trigger"), quotes_drawn, places),
    ),
    min_size=3,
    max_size=40,
)  # fmt: skip


def quoted(drawn):
    euro, spread, index = (D(n) for n in drawn)
    euro, spread, index = euro / 100_000, spread / 100_000, index / 4
    return market(EURUSD=(euro, euro + spread), ES=(index, index + D("0.25")))


def stops(side: Side, price: Decimal, spec: ContractSpec, sl: int, tp: int) -> tuple[Decimal, Decimal]:
    """A stop loss and a take profit so many ticks away."""
    return (
        price - side.sign * sl * spec.tick_size if sl else ZERO,
        price + side.sign * tp * spec.tick_size if tp else ZERO,
    )


def ahead(kind, side, quote, spec, distance):
    """The price of a pending order so many ticks ahead of the market."""
    sign = -side.sign if kind is TicketKind.LIMIT else side.sign
    return quote.entry_price(side) + sign * distance * spec.tick_size


def lots(spec, drawn):
    return drawn * spec.lot_step if spec.symbol == "EURUSD" else D(1 + drawn % 3)


class Replay:
    """The open tickets and pending orders of an account, from its events and nothing else."""

    def __init__(self):
        self.open, self.pending, self.seq = {}, {}, 0

    def follow(self, change):
        self.seq += 1
        assert change.seq == self.seq
        number, stops = change.ticket.id, (change.sl, change.tp)
        if change.kind in (EventKind.OPEN, EventKind.INCREASE):
            self._enter(change, number, stops)
        elif change.kind is EventKind.REDUCE:
            self.open[number] |= {"volume": change.volume_after}
        elif change.kind is EventKind.CLOSE:
            del self.open[number]
        elif change.kind is EventKind.CANCEL:
            del self.pending[number]
        elif change.cmd in (Cmd.BUY, Cmd.SELL):
            self.open[number] |= {"stops": stops}
        else:
            assert (number in self.pending) == (change.kind is EventKind.MODIFY)
            self.pending[number] = {
                "cmd": change.cmd, "volume": change.volume_after, "price": change.price, "stops": stops,
                "expires": change.expiration_at,
            }  # fmt: skip

    def _enter(self, change, number, stops):
        filled = self.pending.pop(number, None)
        assert filled is None or (filled["cmd"].side, filled["volume"]) == (change.cmd.side, change.volume_after)
        held = self.open.get(number)
        assert (held is not None) == (change.kind is EventKind.INCREASE)
        price = change.price
        if held is not None:
            price = average_price(held["volume"], held["price"], change.volume_after - held["volume"], price)
        self.open[number] = {"cmd": change.cmd, "volume": change.volume_after, "price": price, "stops": stops}


def as_it_stands(owner):
    tickets = {
        t.id: {"cmd": t.cmd, "volume": t.volume, "price": t.open_price, "stops": (t.sl, t.tp)} for t in owner.tickets
    }
    pending = {
        t.id: {
            "cmd": t.cmd, "volume": t.volume, "price": t.open_price, "stops": (t.sl, t.tp), "expires": t.expiration_at,
        }
        for t in owner.pending
    }  # fmt: skip
    return tickets, pending


def carried_out(step, quotes, owner, journal, at):
    """The outcome of a drawn step; None when there is nothing that it could act on."""
    kind, _drawn, *values = step
    if kind == "open":
        symbol, side, volume, sl, tp = values
        spec = quotes.find(symbol)
        near = stops(side, quotes.quote(spec).exit_price(side), spec, sl, tp)
        return open_market(journal, quotes, owner, spec, side, lots(spec, volume), how(at), *near)
    if kind == "place":
        symbol, side, volume, distance, order_kind = values
        spec = quotes.find(symbol)
        price = ahead(order_kind, side, quotes.quote(spec), spec, distance)
        return place_pending(
            journal, quotes, owner, spec, side, order_kind, lots(spec, volume), price, how(at),
            *stops(side, price, spec, distance // 2, distance // 3),
            expiration_at=later(distance * 100) if distance % 2 else None,
        )  # fmt: skip
    standing = owner.tickets if kind in ("close", "stops") else owner.pending
    if not standing:
        return None
    ticket = standing[values[0] % len(standing)]
    spec, side = ticket.spec, ticket.side
    if kind == "close":
        return close_market(
            journal, quotes, owner, ticket, None if values[1] is None else lots(spec, values[1]), how(at)
        )
    if kind == "stops":
        return modify_stops(
            journal,
            quotes,
            owner,
            ticket,
            *stops(side, quotes.quote(spec).exit_price(side), spec, *values[1:]),
            how(at),
        )
    if kind == "modify":
        price = ahead(ticket.kind, side, quotes.quote(spec), spec, values[1])
        expires = None if values[3] == 0 else later(10_000 * values[3])
        return modify_pending(
            journal, quotes, owner, ticket, price, *stops(side, price, spec, values[2], 0), expires, how(at)
        )
    if kind == "cancel":
        return cancel_pending(journal, owner, ticket, how(at), values[1], quotes)
    return trigger_pending(journal, quotes, owner, ticket, quotes.quote(spec).entry_price(ticket.side), how(at))


@settings(max_examples=300, deadline=None)
@given(script=steps, netting=st.booleans(), commission=st.sampled_from(["0", "3.5"]), poor=st.booleans())
def test_the_books_stay_true_and_the_events_rebuild_them(script, netting, commission, poor):
    start = D(2000) if poor else START
    owner = account(start, netting=netting, commission_per_lot=D(commission), records_max=6)
    numbers, replay, moved = count(1), Replay(), ZERO
    filled: Any = defaultdict(lambda: [ZERO, ZERO])  # ticket -> opened, closed
    for second, step in enumerate(script):
        quotes, journal = quoted(step[1]), Journal()
        before = snapshot(owner, journal)
        outcome = carried_out(step, quotes, owner, journal, later(second))
        if outcome is None:
            continue
        ended = step[0] == "trigger" and isinstance(outcome, Refused) and journal.changes
        event(f"{step[0]} {outcome.code if isinstance(outcome, Refused) else 'done'}")
        if isinstance(outcome, Refused) and not ended:
            assert snapshot(owner, journal) == before
            continue
        numbered(journal, numbers)
        moved += sum((m.amount for m in journal.movements), ZERO)
        for change in journal.changes:
            replay.follow(change)
            if change.kind.is_entry or change.kind.is_exit:
                difference = change.volume_after - change.volume_before
                assert change.ticket is not None
                filled[change.ticket.id][0 if difference > 0 else 1] += abs(difference)
        keeps_true(owner, start + moved, filled)
        assert (replay.open, replay.pending) == as_it_stands(owner)


def keeps_true(owner, balance, filled):
    assert owner.balance == balance
    assert len(owner.tickets) + len(owner.pending) <= owner.records_max
    for ticket in owner.tickets + owner.pending:
        assert ticket.state is TradeState.OPEN
        assert ticket.volume > 0
        assert is_multiple(ticket.volume, ticket.spec.lot_step)
    for ticket in owner.pending:
        assert ticket.cmd not in (Cmd.BUY, Cmd.SELL)
        assert ticket.commission == 0
    standing = {ticket.id: ticket.volume for ticket in owner.tickets}
    assert all(opened - closed == standing.get(number, ZERO) for number, (opened, closed) in filled.items())
    if owner.netting:
        assert len({ticket.spec.id for ticket in owner.tickets}) == len(owner.tickets)
