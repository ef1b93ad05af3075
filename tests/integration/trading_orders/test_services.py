"""What the services of orders promise beyond the addresses: repeated ids, guards, events, frames."""

from datetime import timedelta
from decimal import Decimal as D
from itertools import count

import msgspec
import pytest
from django.db import transaction

from core.clock import now
from core.errors import DomainError
from core.states import EventKind, Origin, Side, TicketKind, TradeState
from infra.bulk import hot_cursor
from infra.push import held
from trading import ports
from trading.domain.execution import Instruction
from trading.domain.pending import EXPIRED, cancel_pending, trigger_pending
from trading.domain.states import Stage
from trading.domain.values import Journal, Refused
from trading.models import AccountEvent, Order, Trade
from trading.services.book import book_write
from trading.services.desk import desk_open
from trading.services.orders import (
    Changes,
    OrderAnswer,
    Refusal,
    order_cancel,
    order_close,
    order_modify,
    order_open,
    order_open_pending,
    position_flatten,
)

AT = now()


@pytest.fixture
def north(world):
    world.north.market()
    with world.north.scope():
        yield world.north


@pytest.fixture
def account(north):
    return north.person("alice").account


def place(account, **changes):
    terms = {
        "symbol": "EURUSD",
        "side": Side.BUY,
        "kind": TicketKind.LIMIT,
        "volume": D("0.1"),
        "open_price": D("1.09"),
    }
    return order_open_pending(account_id=account.id, at=AT, **{**terms, **changes})


def market(account, **changes):
    return order_open(
        account_id=account.id, at=AT, **{"symbol": "EURUSD", "side": Side.BUY, "volume": D("0.1"), **changes}
    )


def modify(account, number, changes, **more):
    return order_modify(account_id=account.id, trade_id=number, changes=changes, at=AT, **more)


def waiting_in(state, number):
    """A pending order of the account as it is being decided about."""
    found = state.pending_order(number)
    assert found is not None
    return found


# --- Repeated ids


def commands(account):
    """Every kind of command on a record of its own, with the id and hash to be given."""
    waiting, ticket = place(account).order, market(account).order
    gone, closing = place(account).order, market(account).order
    common = {"account_id": account.id, "at": AT}
    return {
        "place": lambda **named: place(account, **named),
        "modify pending": lambda **named: order_modify(
            trade_id=waiting, changes=Changes(sl=D("1.08")), **common, **named
        ),
        "modify open": lambda **named: order_modify(trade_id=ticket, changes=Changes(tp=D("1.2")), **common, **named),
        "cancel": lambda **named: order_cancel(trade_id=gone, **common, **named),
        "close": lambda **named: order_close(trade_id=closing, **common, **named),
    }


def test_the_same_id_gives_the_same_answer_and_no_second_effect(account):
    for name, command in commands(account).items():
        first = command(client_order_id=name, request_hash="a")
        assert isinstance(first, OrderAnswer), name
        before = AccountEvent.objects.count(), Trade.objects.count(), Order.objects.count()
        again = command(client_order_id=name, request_hash="a")
        assert again == first
        assert [type(v) for v in again.wire.values()] == [type(v) for v in first.wire.values()]
        assert command(client_order_id=name, request_hash="b") == Refusal("IDEMPOTENCY_KEY_REUSED")
        assert (AccountEvent.objects.count(), Trade.objects.count(), Order.objects.count()) == before


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda a, **n: place(a, open_price=D(2), **n), "RET_TRADE_BAD_STOPS"),
        (lambda a, **n: order_cancel(account_id=a.id, trade_id=1, at=AT, **n), "RET_TRADE_INCORRECT_CMD"),
        (lambda a, **n: order_modify(account_id=a.id, trade_id=1, changes=Changes(), at=AT, **n), "RET_TRADE_INCORRECT_STATE"),
    ],
)  # fmt: skip
def test_a_refusal_is_remembered_too(account, command, code):
    events = AccountEvent.objects.count()
    for _ in range(2):
        assert command(account, client_order_id="x", request_hash="a") == Refusal(code)
    assert (Order.objects.filter(refusal=code, client_order_id="x").count(), AccountEvent.objects.count()) == (
        1,
        events,
    )


def test_another_accounts_id_is_another_id(north, account):
    second = north.account(north.person("alice"), north.real)
    answers = [place(a, client_order_id="x", request_hash="a") for a in (account, second)]
    assert answers[0].order != answers[1].order


# --- Modification by what the record is


def test_a_modification_goes_by_what_the_record_is(account):
    waiting, ticket = place(account).order, market(account).order
    for order in (waiting, ticket):
        done = modify(account, order, Changes(sl=D("1.05")))
        assert (done.order, Trade.objects.get(pk=order).sl) == (order, D("1.05"))
    price = Changes(open_price=D("1.08"))
    assert modify(account, waiting, price).order == waiting
    wrong = [(ticket, price, None), (ticket, Changes(never_expires=True), None), (ticket, Changes(), Stage.PENDING),
             (waiting, Changes(), Stage.OPEN)]  # fmt: skip
    for order, changes, stage in wrong:
        assert modify(account, order, changes, stage=stage) == Refusal("RET_TRADE_INCORRECT_STATE")


def test_an_expiration_that_has_passed_is_bad_data(account):
    waiting = place(account).order
    for call in (
        lambda: place(account, expiration_at=AT),
        lambda: order_modify(account_id=account.id, trade_id=waiting, changes=Changes(expiration_at=AT), at=AT),
    ):
        with pytest.raises(DomainError, match="INVALID_DATA: expiration"):
            call()


# --- Guards


@pytest.fixture
def asked():
    """What the guards were asked; they refuse what is in `refusing`."""
    requests: list[ports.OrderRequest] = []
    refusing: list[str] = []

    def guard(_cursor, request):
        requests.append(request)
        return Refused("MANUAL_TRADING_DISABLED") if request.action in refusing else None

    ports.order_guards.append(guard)
    yield requests, refusing
    ports.order_guards.remove(guard)


def test_guards_are_told_what_an_order_is_about(account, asked):
    requests, _refusing = asked
    offered = commands(account)
    requests.clear()
    for command in offered.values():
        command()
    told = [(r.action, r.spec.symbol, None if r.ticket is None else r.ticket.kind) for r in requests]
    assert told == [
        ("PLACE", "EURUSD", None),
        ("MODIFY", "EURUSD", TicketKind.LIMIT),
        ("MODIFY", "EURUSD", TicketKind.MARKET),
        ("CANCEL", "EURUSD", TicketKind.LIMIT),
        ("CLOSE", "EURUSD", TicketKind.MARKET),
    ]
    assert {r.how.origin for r in requests} == {Origin.MANUAL}
    assert {r.account.id for r in requests} == {account.id}


def test_what_a_guard_refuses_does_not_happen(account, asked):
    _requests, refusing = asked
    offered = commands(account)
    refusing.extend(ports.Action)
    before = list(Trade.objects.order_by("id").values()), AccountEvent.objects.count()
    for command in offered.values():
        assert command() == Refusal("MANUAL_TRADING_DISABLED")
    assert (list(Trade.objects.order_by("id").values()), AccountEvent.objects.count()) == before


def test_flattening_asks_no_guard(account, asked):
    market(account)
    requests, refusing = asked
    requests.clear()
    refusing.extend(ports.Action)
    assert [r["accepted"] for r in position_flatten(account_id=account.id, symbol="EURUSD", at=AT)] == [True]
    assert requests == []


# --- Events and frames


def test_each_change_is_one_event(account):
    expires = AT + timedelta(hours=1)
    order = place(account, sl=D("1.08"), expiration_at=expires).order
    order_modify(
        account_id=account.id, trade_id=order, changes=Changes(open_price=D("1.085"), never_expires=True), at=AT
    )
    order_cancel(account_id=account.id, trade_id=order, at=AT)
    told = [
        (e.kind, e.cmd, e.volume_before, e.volume_after, e.price, e.sl, e.expiration_at)
        for e in AccountEvent.objects.filter(trade_id=order).order_by("seq")
    ]
    assert told == [
        ("PLACE", 2, 0, D("0.1"), D("1.09"), D("1.08"), expires),
        ("MODIFY", 2, D("0.1"), D("0.1"), D("1.085"), D("1.08"), None),
        ("CANCEL", 2, D("0.1"), 0, 0, D("1.08"), None),
    ]


def frames_of(call, django_capture_on_commit_callbacks):
    with held() as frames, django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        call()
    return [msgspec.json.decode(frame.text) for frame in frames]


def test_frames_of_a_pending_orders_life(account, django_capture_on_commit_callbacks):
    def told(call):
        return [
            (f[4], f[5], f[6], f[12], f[15], f[16], f[17])
            for f in frames_of(call, django_capture_on_commit_callbacks)
            if f[0] == "o"
        ]

    orders = []
    assert told(lambda: orders.append(place(account).order)) == [(2, 10, 1.09, 0, 0, "", 0)]
    changes = Changes(open_price=D("1.08"))
    modify = {"account_id": account.id, "trade_id": orders[0], "at": AT}
    assert told(lambda: order_modify(changes=changes, **modify)) == [(2, 10, 1.08, 0, 0, "", 1)]
    assert told(lambda: order_cancel(**modify)) == [(2, 10, 1.08, 6, 0, "[cancelled]", 2)]


# --- Triggered, as the market process does it


def triggered(account, number, price="1.09"):
    cursor, journal = hot_cursor(), Journal()
    desk = desk_open(cursor, [account.id])
    state = desk.accounts[account.id]
    how = Instruction(Origin.MANUAL, AT + timedelta(seconds=5))
    trigger_pending(journal, desk.market, state, waiting_in(state, number), D(price), how)
    frames = book_write(cursor, journal, desk.market)
    return [msgspec.json.decode(frame.text) for frame in frames]


def test_a_triggered_order_is_the_same_record_opened(account):
    order = place(account, sl=D("1.08"), expiration_at=AT + timedelta(hours=1), comment="dip").order
    frames = triggered(account, order)
    row = Trade.objects.get(pk=order)
    assert (row.cmd, row.state, row.open_price, row.sl, row.comment) == (
        0,
        TradeState.OPEN,
        D("1.09"),
        D("1.08"),
        "dip",
    )
    assert (row.open_at, row.expiration_at) == (AT + timedelta(seconds=5), None)
    assert [(f[1], f[4], f[-1]) for f in frames if f[0] == "o"] == [(order, 0, 1)]
    closed = order_close(account_id=account.id, trade_id=order, at=AT)
    assert isinstance(closed, OrderAnswer)
    assert closed.wire["state"] == 3


@pytest.mark.parametrize(("side", "price", "flip"), [(Side.BUY, "1.09", False), (Side.SELL, "1.11", True)])
def test_a_netting_position_is_named_in_the_order_that_it_took_in(north, side, price, flip):
    account = north.account(north.person("alice"), north.netting)
    held_order = market(account).order
    order = place(account, side=side, open_price=D(price), volume=D("0.3"), comment="dip").order
    triggered(account, order, price)
    (position,) = Trade.objects.filter(account=account, state=TradeState.OPEN)
    assert (position.id != held_order) == flip
    row = Trade.objects.get(pk=order)
    assert (row.cmd, row.state, row.comment) == (3 if flip else 2, 6, f"dip [filled #{position.id}]")
    kinds = AccountEvent.objects.filter(account=account).order_by("seq").values_list("kind", flat=True)
    then = [EventKind.CLOSE, EventKind.OPEN] if flip else [EventKind.INCREASE]
    assert list(kinds)[1:] == [EventKind.OPEN, EventKind.PLACE, EventKind.CANCEL, *then]


def test_an_expired_order_says_so(account):
    order = place(account, comment="dip").order
    cursor, journal = hot_cursor(), Journal()
    desk = desk_open(cursor, [account.id])
    state = desk.accounts[account.id]
    how = Instruction(Origin.MANUAL, AT)
    cancel_pending(journal, state, waiting_in(state, order), how, EXPIRED, desk.market)
    book_write(cursor, journal, desk.market)
    row = Trade.objects.get(pk=order)
    assert (row.state, row.comment, row.close_at) == (6, "dip [expired]", AT)
    assert order_cancel(account_id=account.id, trade_id=order, at=AT) == Refusal("RET_TRADE_INCORRECT_STATE")


def test_many_orders_are_written_together(account):
    """Records that became tickets and records that only changed go in two statements of one journal."""
    numbers = [place(account).order for _ in range(4)]
    market(account)
    cursor, journal, seconds = hot_cursor(), Journal(), count(1)
    desk = desk_open(cursor, [account.id])
    state = desk.accounts[account.id]
    for number in numbers[:2]:
        how = Instruction(Origin.MANUAL, AT + timedelta(seconds=next(seconds)))
        trigger_pending(journal, desk.market, state, waiting_in(state, number), D("1.09"), how)
    for number in numbers[2:]:
        cancel_pending(journal, state, waiting_in(state, number), Instruction(Origin.MANUAL, AT), EXPIRED, desk.market)
    book_write(cursor, journal, desk.market)
    rows = Trade.objects.in_bulk(numbers)
    assert [(rows[n].cmd, rows[n].state) for n in numbers] == [(0, 0), (0, 0), (2, 6), (2, 6)]
