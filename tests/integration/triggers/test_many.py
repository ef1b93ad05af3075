"""Many at one tick, two hands at once, and what the statements find."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal as D
from random import Random

import pytest
from django.db import connection, connections

from core.states import Cmd, TradeState
from infra import retry
from infra.autonomous import autonomous
from infra.bulk import hot_cursor
from infra.database import analyze
from infra.tenancy import tenant_scope
from tests.integration.triggers.conftest import Hands
from tests.support.crowd import crowd, records
from tests.support.statements import statements
from tests.support.world import World
from trading import ports
from trading.domain.triggers import CONDITIONS, Level, Tick, due
from trading.domain.values import Journal
from trading.models import AccountEvent, Instrument, Quote, Trade
from trading.services import triggers
from trading.services.desk import desk_open
from trading.services.keeping import Suspects
from trading.services.triggers import triggers_sweep

Listening = Callable[[Callable[[Journal], None]], AbstractContextManager[None]]


@pytest.fixture
def listening() -> Listening:
    """Inside, a function is told of every journal in the transaction that writes it."""

    @contextmanager
    def told(listener: Callable[[Journal], None]) -> Iterator[None]:
        def port(cursor: object, journal: Journal) -> None:
            listener(journal)

        ports.trade_listeners.append(port)
        try:
            yield
        finally:
            ports.trade_listeners.remove(port)

    return told


def test_600_accounts_at_one_tick_are_three_transactions(transactional_db: None, world: World, hands: Hands) -> None:
    ids = crowd(world.north, world.alice, 600)
    rows = [{"cmd": Cmd.BUY_LIMIT, "open_price": D("1.09")}] * 600
    numbers = records(world.north, "EURUSD", ids, rows)
    hands.quote("1.0888", "1.0890")
    with hands.place.scope():
        trades = Trade.objects.filter(pk__in=numbers)
        assert set(trades.values_list("cmd", "open_price")) == {(Cmd.BUY, D("1.089"))}
        events = AccountEvent.objects.filter(account_id__in=ids).exclude(kind="BALANCE")
        assert set(events.values_list("kind", "bid", "ask")) == {("OPEN", D("1.0888"), D("1.0890"))}
        assert events.count() == 600
        sizes = Counter(events.values_list("xid", flat=True))
    assert sorted(sizes.values()) == [100, 250, 250]


def test_the_last_chunk_commits_with_the_quote_and_what_failed_is_done_by_the_next(
    transactional_db: None, world: World, hands: Hands, listening: Listening
) -> None:
    ids = crowd(world.north, world.alice, 600)
    numbers = records(world.north, "EURUSD", ids, [{"cmd": Cmd.BUY_LIMIT, "open_price": D("1.09")}] * 600)

    def fail_late(journal: Journal) -> None:
        if len(journal.accounts) == 100:
            raise ZeroDivisionError

    with listening(fail_late), pytest.raises(ZeroDivisionError):
        hands.quote("1.0888", "1.0890")
    with hands.place.scope():
        assert Trade.objects.filter(pk__in=numbers, cmd=Cmd.BUY).count() == 500
        assert Quote.objects.get(instrument__symbol="EURUSD").bid == D("1.1")
    hands.quote("1.0878", "1.0880")
    with hands.place.scope():
        filled = Counter(Trade.objects.filter(pk__in=numbers).values_list("cmd", "open_price"))
        assert filled == {(Cmd.BUY, D("1.089")): 500, (Cmd.BUY, D("1.088")): 100}
        assert AccountEvent.objects.filter(account_id__in=ids, kind="OPEN").count() == 600


def test_nobody_else_gets_a_quote_in_between(
    transactional_db: None, world: World, hands: Hands, listening: Listening
) -> None:
    """While the first chunk is written the quote's row is locked, and the stored quote is still the old one."""
    ids = crowd(world.north, world.alice, 251)
    records(world.north, "EURUSD", ids, [{"cmd": Cmd.BUY_LIMIT, "open_price": D("1.09")}] * 251)
    number, seen = instrument_id(world), []

    def look(journal: Journal) -> None:
        if len(journal.accounts) == 250:
            with connection.cursor() as cursor:
                cursor.execute("SELECT bid FROM trading_quote WHERE instrument_id = %s", [number])
                stored = cursor.fetchone()[0]
                free = "SELECT 1 FROM trading_quote WHERE instrument_id = %s FOR NO KEY UPDATE SKIP LOCKED"
                cursor.execute(free, [number])
                seen.append((stored, cursor.fetchone()))

    with listening(look):
        hands.quote("1.0888", "1.0890")
    assert seen == [(D("1.1"), None)]


@pytest.mark.parametrize("accounts", [5, 300])
def test_two_hands_at_once_carry_everything_out_once(
    transactional_db: None, world: World, hands: Hands, accounts: int
) -> None:
    ids = crowd(world.north, world.alice, accounts)
    numbers = records(world.north, "EURUSD", ids, [{"cmd": Cmd.BUY, "sl": D("1.09")}] * (accounts * 2))
    instrument = instrument_id(world)
    with hands.place.scope():
        Quote.objects.filter(pk=instrument).update(bid=D("1.08"), ask=D("1.0802"))
    failures: list[BaseException] = []
    start = threading.Barrier(3)

    def sweep() -> None:
        try:
            start.wait()
            triggers_sweep(tenant_id=hands.place.id, at=hands.at)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    def post() -> None:
        try:
            start.wait()
            hands.quote("1.0800", "1.0802")
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for work in (sweep, sweep, post)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with hands.place.scope():
        assert set(Trade.objects.filter(pk__in=numbers).values_list("state", "comment")) == {
            (TradeState.CLOSED, "[sl]")
        }
        closed = list(AccountEvent.objects.filter(kind="CLOSE").values_list("trade_id", flat=True))
    assert sorted(closed) == numbers


# --- The sweep


def test_the_sweep_carries_out_what_no_tick_saw(world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990")
    with hands.place.scope():
        Quote.objects.filter(pk=instrument_id(world)).update(bid=D("1.0980"), ask=D("1.0982"))
    assert triggers_sweep(tenant_id=hands.place.id, at=hands.at) == 1
    assert hands.trade(number).open_price == D("1.0982")
    assert triggers_sweep(tenant_id=hands.place.id, at=hands.at) == 0


def test_the_sweep_ends_what_has_expired_and_nothing_before(world: World, hands: Hands) -> None:
    number = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990", expiration_at=hands.later(10))
    keep = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990")
    assert triggers_sweep(tenant_id=hands.place.id, at=hands.later(9)) == 0
    assert triggers_sweep(tenant_id=hands.place.id, at=hands.later(10)) == 1
    assert (hands.trade(number).state, hands.trade(number).comment) == (TradeState.DELETED, "[expired]")
    assert hands.trade(number).close_at == hands.later(10)
    assert hands.trade(keep).state == TradeState.OPEN


# --- What the statements find


def instrument_id(world: World, symbol: str = "EURUSD") -> int:
    with world.north.scope():
        return Instrument.objects.get(symbol=symbol).pk


@pytest.mark.parametrize("seed", range(4))
def test_the_statements_find_exactly_what_the_rules_call_due(world: World, hands: Hands, seed: int) -> None:
    dice = Random(seed)
    ids = crowd(world.north, world.alice, 40)

    def price() -> D:
        return D(dice.randint(10_900, 11_100)) / 10_000

    for symbol in ("EURUSD", "XAUUSD"):
        rows = []
        for _number in range(600):
            pending = dice.random() < 0.5
            stops = {"sl": dice.choice([D(0), price()]), "tp": dice.choice([D(0), price()])}
            late = hands.later(dice.choice([-5, 5])) if pending and dice.random() < 0.3 else None
            cmd = dice.randint(2, 5) if pending else dice.randrange(2)
            rows.append({"cmd": cmd, "open_price": price(), "expiration_at": late, **stops})
        records(world.north, symbol, ids, rows)
    with world.north.scope():
        cursor = hot_cursor()
        for _number in range(20):
            bid = price()
            tick = Tick(instrument_id(world), bid, bid + D("0.0002"))
            Quote.objects.filter(pk=tick.instrument_id).update(bid=tick.bid, ask=tick.ask)
            desk = desk_open(cursor, ids, lock=False)
            wanted = {
                account.id: {one.ticket.id for one in found if one.condition.level is Level.PRICE}
                for account in desk.accounts.values()
                if (found := due(account, desk.market, {tick.instrument_id}, hands.at))
            }
            suspects = Suspects(hands.at)
            triggers._suspect(cursor, [tick], suspects)
            late = set(Trade.objects.filter(expiration_at__lte=hands.at, state=0).values_list("id", flat=True))
            pending = set(Trade.objects.filter(cmd__gte=2).values_list("id", flat=True))
            found = {account: (set(orders) & pending) - late for account, orders in suspects.orders.items()}
            assert {account: orders for account, orders in found.items() if orders} == {
                account: orders for account, orders in wanted.items() if orders
            }
            assert set(wanted) <= set(found)
            touched = set(Trade.objects.filter(pk__in=late).values_list("account_id", flat=True))
            assert set(found) - set(wanted) <= touched


def test_every_condition_is_read_in_the_order_of_its_index(transactional_db: None, world: World, hands: Hands) -> None:
    """Under row level security, with plans that know no values."""
    ids = crowd(world.north, world.alice, 10)
    rows = [
        {"cmd": number % 6, "open_price": D("1.2"), "sl": D(number % 6 == 0), "tp": D(number % 6 == 1)}
        for number in range(6_000)
    ]
    records(world.north, "EURUSD", ids, rows)
    analyze()
    for limit in (1, 64):
        with tenant_scope(world.north.id), connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            sql = triggers._due_sql(tuple(range(len(CONDITIONS))), limit).decode()
            for number in (1, 2, 3):
                sql = sql.replace("%s", f"${number}", 1)
            cursor.execute(f"PREPARE found{limit} AS {sql}")
            cursor.execute(f"EXPLAIN EXECUTE found{limit} ('{{{instrument_id(world)}}}', '{{1.1}}', '{{1.1}}')")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            cursor.execute(f"DEALLOCATE found{limit}")
        assert plan.count("Index Cond: ((instrument_id = k.instrument_id) AND (cmd = ") == len(CONDITIONS), plan
        assert "Seq Scan" not in plan
        assert plan.count("Sort Key") == 1, "only the rows found are sorted"


def test_a_tick_that_makes_nothing_due_asks_once(world: World, hands: Hands) -> None:
    records(world.north, "EURUSD", [world.alice.account.pk], [{"cmd": 2, "open_price": D("1.05")}] * 20)
    with world.north.scope(), statements() as sent:
        suspects = Suspects(hands.at)
        triggers._suspect(hot_cursor(), [Tick(instrument_id(world), D("1.1"), D("1.1002"))], suspects)
    assert len([text for text in sent if "trading_trade" in text]) == 1
    assert suspects.orders == {}


# --- The second connection


def test_work_on_a_second_connection_commits_whatever_becomes_of_the_caller(
    transactional_db: None, world: World
) -> None:
    def rename() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            timeout = cursor.fetchone()[0]
        Instrument.objects.update(description="renamed")
        return str(timeout)

    world.north.instrument("EURUSD")

    def caller() -> None:
        with world.north.scope():
            assert autonomous(rename, tenant_id=world.north.id) == "5s"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caller()
    with world.north.scope():
        assert Instrument.objects.get().description == "renamed"


def test_its_failure_is_the_callers_and_leaves_nothing(transactional_db: None, world: World) -> None:
    def fail() -> None:
        Instrument.objects.update(description="renamed")
        raise ZeroDivisionError

    world.north.instrument("EURUSD")
    with world.north.scope():
        with pytest.raises(ZeroDivisionError):
            autonomous(fail, tenant_id=world.north.id)
        assert Instrument.objects.get().description == ""


def test_a_lock_that_the_caller_holds_is_given_up(
    transactional_db: None, world: World, monkeypatch: pytest.MonkeyPatch, hands: Hands
) -> None:
    monkeypatch.setattr("infra.autonomous.LOCK_TIMEOUT_MS", 100)
    account = world.alice.account
    work: Callable[[], object] = lambda: desk_open(hot_cursor(), [account.pk])  # noqa: E731
    with world.north.scope():
        desk_open(hot_cursor(), [account.pk])
        with pytest.raises(Exception, match="lock timeout") as caught:
            autonomous(work, tenant_id=world.north.id)
    assert retry._is_passing(caught.value)
