"""Any sequence of orders at any quotes keeps the books true."""

from collections import defaultdict
from decimal import Decimal as D
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from core.rounding import ZERO, is_multiple
from core.states import EventKind, Side, TradeState
from tests.support.house import account, how, market, numbered, snapshot
from trading.domain.execution import balance_change, close_market, open_market
from trading.domain.valuation import picture
from trading.domain.values import Journal, Movement, OrderRecord, Refused

SYMBOLS = ("EURUSD", "EURGBP", "ES")
A_CENT_PER_STEP = D("0.02")
"""An increase is priced as one position afterwards: margin and profit are rounded once instead of twice."""

prices = st.tuples(
    st.integers(100_000, 120_000), st.integers(0, 50), st.integers(80_000, 90_000), st.integers(19_000, 21_000)
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sampled_from(SYMBOLS), st.sampled_from(list(Side)), st.integers(-1, 350), prices),
        st.tuples(st.just("close"), st.integers(0, 20), st.none() | st.integers(0, 250), st.just(0), prices),
        st.tuples(st.just("money"), st.integers(-500_000, 500_000), st.just(0), st.just(0), prices),
    ),
    min_size=1,
    max_size=25,
)


def quoted(drawn):
    euro, spread, pound, index = (D(n) for n in drawn)
    euro, spread, pound, index = euro / 100_000, spread / 100_000, pound / 100_000, index / 4
    return market(
        EURUSD=(euro, euro + spread),
        EURGBP=(pound, pound + spread),
        GBPUSD=(euro / pound, euro / pound),
        ES=(index, index + D("0.25")),
    )


@settings(max_examples=150, deadline=None)
@given(script=steps, netting=st.booleans(), commission=st.sampled_from(["0", "3.5", "0.333"]))
def test_the_books_stay_true(script, netting, commission):
    owner = account("50000", netting=netting, commission_per_lot=D(commission))
    numbers = count(1)
    families: defaultdict[int | None, list[D]] = defaultdict(lambda: [ZERO, ZERO])  # ticket -> opened, closed
    moved, seq = ZERO, 0
    for kind, first, second, third, drawn in script:
        quotes, journal = quoted(drawn), Journal()
        before = snapshot(owner, journal)
        free_before = picture(owner, quotes).margin_free
        outcome: OrderRecord | Movement | Refused
        if kind == "open":
            contract = quotes.find(first)
            volume = D(third) * (1 if first == "ES" and third < 4 else contract.lot_step)
            outcome = open_market(journal, quotes, owner, contract, second, volume, how())
        elif kind == "close":
            if not owner.tickets:
                continue
            ticket = owner.tickets[first % len(owner.tickets)]
            part = None if second is None else second * ticket.spec.lot_step
            outcome = close_market(journal, quotes, owner, ticket, part, how())
        else:
            outcome = balance_change(journal, quotes, owner, D(first) / 100, "DEPOSIT", "", how().at)

        if isinstance(outcome, Refused):
            assert snapshot(owner, journal) == before
            continue
        numbered(journal, numbers)
        moved += sum((m.amount for m in journal.movements), ZERO)
        assert owner.balance == D(50000) + moved
        assert [c.seq for c in journal.changes] == list(range(seq + 1, seq + 1 + len(journal.changes)))
        seq = owner.event_seq
        for change in journal.changes:
            if change.kind is EventKind.BALANCE:
                continue
            assert change.ticket is not None
            difference = change.volume_after - change.volume_before
            assert (difference > 0) == change.kind.is_entry
            families[change.ticket.id][0 if difference > 0 else 1] += abs(difference)
        for ticket in owner.tickets:
            opened, closed = families[ticket.id]
            assert ticket.state is TradeState.OPEN
            assert closed + ticket.volume == opened
            assert ticket.volume > 0
            assert is_multiple(ticket.volume, ticket.spec.lot_step)
        open_ids = {ticket.id for ticket in owner.tickets}
        assert all(opened == closed for number, (opened, closed) in families.items() if number not in open_ids)
        if netting:
            assert len({ticket.spec.id for ticket in owner.tickets}) == len(owner.tickets)
        if kind == "open" and journal.changes[-1].kind.is_entry:
            assert picture(owner, quotes).margin_free >= -A_CENT_PER_STEP
        if kind == "money" and first < 0:
            assert picture(owner, quotes).margin_free >= 0
            assert picture(owner, quotes).margin_free == free_before + D(first) / 100


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    storage=st.integers(-9999, 9999),
    commission=st.integers(0, 2000),
    price=prices,
)
def test_parts_add_up_to_the_whole(parts, storage, commission, price):
    """However a ticket is taken apart, its parts carry all of its opening commission and storage."""
    total = D(sum(parts)) / 100
    owner = account("10000000", commission_per_lot=D(commission) / 100)
    quotes, journal = quoted(price), Journal()
    contract = quotes.find("EURUSD")
    assert contract is not None
    open_market(journal, quotes, owner, contract, Side.BUY, total, how())
    (ticket,) = owner.tickets
    opening = ticket.commission
    ticket.storage = D(storage) / 100
    orders, records = [], []
    for part in parts:
        order = close_market(journal, quotes, owner, ticket, D(part) / 100, how())
        assert isinstance(order, OrderRecord)
        assert order.closed is not None
        orders.append(order)
        records.append(order.closed)
    assert owner.tickets == []
    assert sum((r.volume for r in records), ZERO) == total
    assert sum((r.storage for r in records), ZERO) == D(storage) / 100
    assert sum((r.commission for r in records), ZERO) == opening + sum((o.commission for o in orders), ZERO)
    assert owner.balance == D(10000000) + sum((r.profit + r.commission + r.storage for r in records), ZERO)
