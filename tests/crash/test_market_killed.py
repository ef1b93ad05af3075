"""The market process is killed while it carries out what a quote made due: after a restart everything has fired once."""

from decimal import Decimal as D

import pytest

from core import clock
from core.states import TradeState
from infra.database import owner_connection
from infra.tenancy import tenant_scope
from tests.support.crowd import crowd, records
from tests.support.processes import wait_until
from trading.models import AccountEvent, Quote, Trade
from trading.services.instruments import instrument_update

ACCOUNTS = 600


@pytest.fixture
def house(transactional_db, world):
    """600 accounts with two positions each whose stops the market has passed, in a tenant that is not live yet."""
    north = world.north
    north.market()
    ids = crowd(north, world.alice, ACCOUNTS)
    rows = [{"cmd": 0, "sl": D("1.0990")}] * ACCOUNTS + [{"cmd": 1, "sl": D("1.0980")}] * ACCOUNTS
    north.numbers = sorted(records(north, "EURUSD", ids, rows))
    north.accounts = ids
    with north.scope():
        Quote.objects.filter(instrument__symbol="EURUSD").update(bid=D("1.0985"), ask=D("1.0986"), at=clock.now())
    with owner_connection() as raw:
        raw.execute("ANALYZE")
    return north


def closed(house) -> int:
    with house.scope():
        return Trade.objects.filter(pk__in=house.numbers, state=TradeState.CLOSED).count()


def fired_once(house) -> None:
    with house.scope():
        events = list(AccountEvent.objects.filter(kind="CLOSE").values_list("trade_id", flat=True))
        comments = set(Trade.objects.filter(pk__in=house.numbers).values_list("comment", flat=True))
    assert sorted(events) == house.numbers
    assert comments == {"[sl]"}


def waited_for(raw, asking) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    return asking.execute(waiting, [raw.info.backend_pid]).fetchone() is not None


def until(process, holds, what: str) -> None:
    """Waits, and says what the process has said if it was in vain."""
    try:
        wait_until(holds, 60, what)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{process.tail()}") from None


def test_killed_between_two_chunks(house, product):
    """The account that somebody holds is one of the last chunk: 500 are done when the process is killed."""
    with owner_connection() as raw, owner_connection() as asking:
        with raw.transaction():
            raw.execute("SELECT id FROM accounts_tradingaccount WHERE id = %s FOR NO KEY UPDATE", [house.accounts[-1]])
            process = product.market()
            until(process, lambda: waited_for(raw, asking), "the market waits for the account")
            done = closed(house)
            process.kill()
        assert 0 < done < 2 * ACCOUNTS
        assert closed(house) == done
    until(product.market(), lambda: closed(house) == 2 * ACCOUNTS, "everything has fired")
    fired_once(house)


def test_killed_again_and_again_while_quotes_come(house, product):
    """Also when the killing hits the tick itself: the simulation moves the symbol all the time."""
    with tenant_scope(house.id):
        instrument_update(tenant_id=house.id, symbol="EURUSD", changes={"feed": "SIMULATED"})
    for _time in range(3):
        process = product.market()
        before = closed(house)
        until(process, lambda before=before: closed(house) > before or before == 2 * ACCOUNTS, "some have fired")
        process.kill()
    until(product.market(), lambda: closed(house) == 2 * ACCOUNTS, "everything has fired")
    fired_once(house)


def test_two_at_once_without_a_lease_do_no_harm(house, product):
    """Two processes carry out the same: the lease is taken from the first by ending its connection."""
    first, second = product.market(), product.market()
    with owner_connection() as raw:
        until(first, lambda: closed(house) > 0, "some have fired")
        raw.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")  # fmt: skip
    until(second, lambda: closed(house) == 2 * ACCOUNTS, "everything has fired")
    fired_once(house)
