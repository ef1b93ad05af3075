"""Any orders under any ticks: what is due fires at the first tick at which it is due, and nothing else ever does."""

from decimal import Decimal as D
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from core.states import Cmd, TicketKind, TradeState
from tests.support.house import AT, account, later, market, spec
from trading.domain.triggers import expirations_carry_out, triggers_carry_out
from trading.domain.values import Journal, Ticket

EURUSD = spec("EURUSD")
TRADED = (Cmd.BUY, Cmd.SELL, Cmd.BUY_LIMIT, Cmd.SELL_LIMIT, Cmd.BUY_STOP, Cmd.SELL_STOP)

levels = st.integers(0, 40)  # 0 is no stop
records = st.tuples(st.sampled_from(TRADED), st.integers(1, 40), levels, levels, st.none() | st.integers(1, 30))
ticks = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=30)


def price(number: int) -> D:
    return D(number) / 10


def reached(cmd: Cmd, at: int, sl: int, tp: int, bid: int, ask: int) -> str:
    """What becomes due, said the other way round: in whole steps, command by command."""
    match cmd:
        case Cmd.BUY_LIMIT:
            return "fill" if not ask > at else ""
        case Cmd.SELL_LIMIT:
            return "fill" if not bid < at else ""
        case Cmd.BUY_STOP:
            return "fill" if not ask < at else ""
        case Cmd.SELL_STOP:
            return "fill" if not bid > at else ""
        case Cmd.BUY:
            return "[sl]" if sl and not bid > sl else "[tp]" if tp and not bid < tp else ""
        case _:
            return "[sl]" if sl and not ask < sl else "[tp]" if tp and not ask > tp else ""


@settings(max_examples=200, deadline=None)
@given(script=st.lists(records, min_size=1, max_size=12), path=ticks)
def test_every_due_record_fires_at_its_first_tick_and_none_other(script, path):
    owner, numbers = account("100000000", leverage=1000), count(1)
    model, fired, expected = {}, [], []
    for cmd, at, sl, tp, lifetime in script:
        number = next(numbers)
        pending = cmd.kind is not TicketKind.MARKET
        lifetime = lifetime if pending else None
        ticket = Ticket(
            number, EURUSD, cmd.side, D("0.01"), price(at), AT, sl=price(sl), tp=price(tp), kind=cmd.kind,
            expiration_at=None if lifetime is None else later(lifetime),
        )  # fmt: skip
        (owner.pending if pending else owner.tickets).append(ticket)
        model[number] = (cmd, at, sl, tp, lifetime, ticket)
    for second, (bid, spread) in enumerate(path):
        ask = bid + spread
        quotes, journal = market(EURUSD=(price(bid), price(ask))), Journal()
        expirations_carry_out(journal, quotes, owner, later(second))
        triggers_carry_out(journal, quotes, owner, {EURUSD.id}, later(second))
        for order in journal.orders:
            what = {"TRIGGER": "fill", "CLOSE": order.ticket.comment, "CANCEL": "[expired]"}[order.intent]
            fired.append((second, order.ticket.id, what, order.price))
        for number, (cmd, at, sl, tp, lifetime, ticket) in list(model.items()):
            if lifetime is not None and second >= lifetime:
                expected.append((second, number, "[expired]", None))
                del model[number]
                continue
            what = reached(cmd, at, sl, tp, bid, ask)
            if what == "fill":
                expected.append((second, number, "fill", price(ask if cmd.side is Cmd.BUY.side else bid)))
                cmd = Cmd.of(cmd.side)
                model[number] = (cmd, at, sl, tp, None, ticket)
                what = reached(cmd, at, sl, tp, bid, ask)
            if what:
                expected.append((second, number, what, price(bid if cmd is Cmd.BUY else ask)))
                del model[number]
    assert sorted(fired, key=str) == sorted(expected, key=str)
    alive = {ticket.id for ticket in (*owner.tickets, *owner.pending)}
    assert alive == set(model)
    assert all(ticket.state is TradeState.OPEN for *_, ticket in model.values())
