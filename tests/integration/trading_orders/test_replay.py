"""Random sequences on the real tables: the ledger, the records and the events tell one and the same story."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal as D
from itertools import count
from typing import Any

from django.db.models import Sum
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from accounts.models import TradingAccount
from accounts.proof import findings_of
from core.rounding import ZERO, is_multiple, plain
from core.states import Cmd, EventKind, Origin, Side, TicketKind, TradeState
from infra.bulk import hot_cursor
from ledger.models import Transfer
from tests.support.world import BIRTH
from trading.domain.execution import Instruction
from trading.domain.pending import trigger_pending
from trading.domain.values import Journal, average_price
from trading.models import AccountEvent, Instrument, Trade
from trading.selectors_proof import BOOKED, REFERENCES
from trading.services.book import book_write
from trading.services.desk import desk_open
from trading.services.orders import (
    Changes,
    Refusal,
    order_cancel,
    order_close,
    order_modify,
    order_open,
    order_open_pending,
    position_flatten,
)
from trading.services.quotes import NewQuote, quotes_store

sides, places, ticks = st.sampled_from(list(Side)), st.integers(0, 9), st.integers(-5, 400)
mids = st.integers(109_000, 111_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), mids),
        st.tuples(st.just("open"), sides, st.integers(1, 40), ticks),
        st.tuples(st.just("place"), sides, st.integers(1, 40), ticks, st.sampled_from([TicketKind.LIMIT, TicketKind.STOP])),
        st.tuples(st.just("close"), places, st.none() | st.integers(1, 30)),
        st.tuples(st.just("modify"), places, ticks),
        st.tuples(st.just("cancel"), places),
        st.tuples(st.just("trigger"), places),
        st.tuples(st.just("flatten"), st.just(0)),
    ),
    min_size=3,
    max_size=20,
)  # fmt: skip
TICK, STEP = D("0.00001"), D("0.01")


class House:
    """One account at the services, and the market that it trades."""

    def __init__(self, account):
        self.account, self.at = account, BIRTH + timedelta(hours=1)

    def quote(self, drawn):
        self.bid = drawn * TICK
        self.ask = self.bid + 2 * TICK
        quote = NewQuote(symbol="EURUSD", bid=self.bid, ask=self.ask)
        quotes_store(tenant_id=self.account.tenant_id, quotes=[quote], at=self.at, source="POSTED")

    def do(self, step):
        """Carries a drawn step out; what it answered, None when there was nothing to act on."""
        self.at += timedelta(seconds=1)
        kind, *values = step
        common = {"account_id": self.account.id, "at": self.at}
        if kind == "quote":
            return self.quote(values[0])
        if kind == "open":
            side, volume, sl = values
            price = self.bid if side is Side.BUY else self.ask
            return order_open(
                symbol="EURUSD", side=side, volume=volume * STEP, sl=price - side.sign * sl * TICK, **common
            )
        if kind == "place":
            side, volume, distance, order_kind = values
            sign = side.sign if order_kind is TicketKind.STOP else -side.sign
            price = (self.ask if side is Side.BUY else self.bid) + sign * distance * TICK
            return order_open_pending(
                symbol="EURUSD", side=side, kind=order_kind, volume=volume * STEP, open_price=price,
                expiration_at=self.at + timedelta(hours=distance) if distance > 200 else None, **common,
            )  # fmt: skip
        if kind == "flatten":
            return position_flatten(symbol="EURUSD", **common)
        return self.act(kind, values, common)

    def act(self, kind, values, common):
        standing = Trade.objects.filter(account=self.account, state=TradeState.OPEN).order_by("id")
        pending = kind in ("cancel", "trigger")
        if kind in ("close", "cancel", "trigger"):
            standing = standing.exclude(cmd__lte=1) if pending else standing.filter(cmd__lte=1)
        found = list(standing)
        if not found:
            return None
        trade = found[values[0] % len(found)]
        if kind == "close":
            return order_close(trade_id=trade.id, volume=values[1] and values[1] * STEP, **common)
        if kind == "cancel":
            return order_cancel(trade_id=trade.id, **common)
        if kind == "trigger":
            return self.trigger(trade.id)
        cmd, distance = Cmd(trade.cmd), values[1]
        if cmd.kind is TicketKind.MARKET:
            price = self.bid if cmd.side is Side.BUY else self.ask
            changes = Changes(tp=price + cmd.side.sign * distance * TICK)
        else:
            sign = cmd.side.sign if cmd.kind is TicketKind.STOP else -cmd.side.sign
            price = (self.ask if cmd.side is Side.BUY else self.bid) + sign * distance * TICK
            changes = Changes(open_price=price, never_expires=distance % 2 == 0)
        return order_modify(trade_id=trade.id, changes=changes, **common)

    def trigger(self, number):
        cursor, journal = hot_cursor(), Journal()
        desk = desk_open(cursor, [self.account.id])
        account = desk.accounts[self.account.id]
        ticket = account.pending_order(number)
        assert ticket is not None
        price = self.ask if ticket.side is Side.BUY else self.bid
        done = trigger_pending(journal, desk.market, account, ticket, price, Instruction(Origin.MANUAL, self.at))
        book_write(cursor, journal, desk.market)
        return done


def rebuilt(events):
    """The open tickets and pending orders that the stored events tell of."""
    opened: dict[int, Any] = {}
    pending: dict[int, Any] = {}
    for e in events:
        stops = (plain(e.sl), plain(e.tp))
        if e.kind in (EventKind.OPEN, EventKind.INCREASE):
            pending.pop(e.trade_id, None)
            price, held = e.price, opened.get(e.trade_id)
            if held is not None:
                price = average_price(held[1], held[2], e.volume_after - held[1], e.price)
            opened[e.trade_id] = (e.cmd, plain(e.volume_after), plain(price), stops, None)
        elif e.kind == EventKind.REDUCE:
            cmd, _volume, *rest = opened[e.trade_id]
            opened[e.trade_id] = (cmd, plain(e.volume_after), *rest)
        elif e.kind == EventKind.CLOSE:
            del opened[e.trade_id]
        elif e.kind == EventKind.CANCEL:
            del pending[e.trade_id]
        elif e.kind in (EventKind.PLACE, EventKind.MODIFY):
            book = opened if e.cmd <= 1 else pending
            price = book[e.trade_id][2] if book is opened else plain(e.price)
            book[e.trade_id] = (e.cmd, plain(e.volume_after), price, stops, e.expiration_at)
    return opened | pending


def proved(account):
    """What always holds between account, ledger, records and events."""
    account.refresh_from_db()
    transfers = Transfer.objects
    paid = transfers.filter(credit_id=account.id).aggregate(s=Sum("amount"))["s"] or ZERO
    taken = transfers.filter(debit_id=account.id).aggregate(s=Sum("amount"))["s"] or ZERO
    assert account.balance == paid - taken
    events = list(AccountEvent.objects.filter(account=account).order_by("seq"))
    assert [e.seq for e in events] == list(range(1, account.event_seq + 1))
    standing = {
        t.id: (t.cmd, plain(t.volume), plain(t.open_price), (plain(t.sl), plain(t.tp)), t.expiration_at)
        for t in Trade.objects.filter(account=account, state=TradeState.OPEN)
    }
    assert rebuilt(events) == standing
    assert all(is_multiple(volume, STEP) and volume > 0 for _cmd, volume, *_rest in standing.values())
    moved: defaultdict[int | None, D] = defaultdict(lambda: ZERO)
    for e in events:
        if e.kind in (EventKind.OPEN, EventKind.INCREASE, EventKind.REDUCE, EventKind.CLOSE):
            moved[e.trade_id] += e.volume_after - e.volume_before
    closed = Trade.objects.filter(account=account, state__in=(TradeState.CLOSED, TradeState.CLOSED_PART), cmd__lte=1)
    assert all(volume == (standing[number][1] if number in standing else 0) for number, volume in moved.items())
    booked = closed.aggregate(s=Sum("profit"))["s"] or ZERO
    commission = Trade.objects.filter(account=account).aggregate(s=Sum("commission"))["s"] or ZERO
    assert account.balance == D(10000) + booked + commission
    return [number for number, (cmd, *_rest) in standing.items() if cmd <= 1]


_accounts = count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=steps, netting=st.booleans())
def test_account_ledger_records_and_events_agree(world, script, netting):
    north = world.north
    number = next(_accounts)
    group = north.group(
        f"random {number}", position_mode="NETTING" if netting else "HEDGING", commission_per_lot=D("3.5")
    )
    account = north.account(world.alice, group, leverage=100)
    with north.scope():
        if not Instrument.objects.exists():
            north.instrument("EURUSD")
        house = House(TradingAccount.objects.get(pk=account.pk))
        house.at += timedelta(days=number)
        house.quote(110_000)
        for step in script:
            answer = house.do(step)
            event(f"{step[0]} {getattr(answer, 'code', 'done') if answer is not None else 'nothing'}")
            opened = proved(house.account)
            assert not netting or len(opened) <= 1
            if isinstance(answer, Refusal):
                assert answer.message
        assert findings_of({**BOOKED, **REFERENCES}) == []
