"""The end of a trading day: storage, quotes and snapshots, each once, whatever happens in between."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.services import tenant_settings_update
from core.rounding import plain
from core.states import PositionMode, Side
from ledger.models import Transfer
from ledger.selectors_proof import ledger_prove
from tests.integration.day_end.evening import Evening, instant
from trading.models import DailyQuote, DayEnd, EquityMark
from trading.selectors_proof import trades_prove
from trading.services import day_end as service
from trading.services.day_end import day_end, days_catch_up, days_due
from trading.services.instruments import instrument_update
from trading.services.snapshots import equity_marks_update
from trading.tasks import day_end_sweep, days_end, equity_marks


@pytest.fixture
def swap(evening: Evening) -> Evening:
    """EURUSD costs 6.5 points a night to hold and brings 1.2 to be short of."""
    evening.instrument(swap_long=D("-6.5"), swap_short=D("1.2"))
    return evening


def test_storage_grows_once_a_night_and_three_times_on_wednesday(swap):
    alice = swap.account()
    buy, sell = swap.open(alice, "1", "2 10:00"), swap.open(alice, "0.5", "2 10:00", Side.SELL)
    for day in range(2, 10):
        assert swap.end(day)
    # 6.5 points x 0.00001 x 100,000 = 6.50 USD a lot and night
    nights = [(2, 1), (3, 1), (4, 3), (5, 1), (6, 1), (9, 1)]
    assert swap.charges(buy) == [(day, count, D("-6.5") * count) for day, count in nights]
    assert swap.charges(sell) == [(day, count, D("0.6") * count) for day, count in nights]
    assert swap.storage(buy) == -52
    assert swap.storage(sell) == D("4.8")


def test_a_position_opened_after_the_boundary_pays_nothing_for_the_day_before(swap):
    alice = swap.account()
    held, late = swap.open(alice, "1", "2 21:59"), swap.open(alice, "1", "2 22:00")
    swap.end(2)
    assert swap.storage(held) == D("-6.5")
    assert swap.storage(late) == 0


def test_storage_is_booked_at_the_close_and_shared_by_a_part(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    swap.end(2)
    swap.close(alice, buy, "3 9:00", "0.4")
    assert swap.storage(buy) == D("-3.9")
    swap.close(alice, buy, "3 9:30")
    with swap.place.scope():
        booked = (
            Transfer.objects.filter(account=alice, reason="STORAGE").order_by("id").values_list("amount", flat=True)
        )
        assert [plain(amount) for amount in booked] == [D("2.6"), D("3.9")]
    swap.end(3)
    assert swap.charges(buy) == [(2, 1, D("-6.5"))]
    assert ledger_prove(swap.tenant_id) == []
    assert trades_prove(swap.tenant_id) == []


def test_without_a_triple_day_every_night_counts(evening):
    evening.instrument(swap_long=D(-10), swap_triple_day=0)
    alice = evening.account()
    buy = evening.open(alice, "0.1", "4 10:00")
    for day in range(4, 9):
        evening.end(day)
    assert [(day, nights) for day, nights, _amount in evening.charges(buy)] == [(4, 1), (5, 1), (6, 1), (7, 1), (8, 1)]


def test_storage_in_an_account_of_another_currency(evening):
    """-25 points of 0.001 x 100,000 x 0.2 lots = -500 JPY; x 1 / 150 x 1 / 1.25 = -2.666... EUR."""
    evening.instrument("EURUSD", "1.2500", "1.2500")
    evening.instrument(
        "USDJPY", "150.000", "150.000", asset_class="FX", contract_size=D(100_000), tick_size=D("0.001"), digits=3,
        profit_currency="JPY", lot_min=D("0.01"), lot_max=D(100), lot_step=D("0.01"), swap_long=D(-25),
    )  # fmt: skip
    account = evening.account(group=evening.place.group("euro", currency="EUR"))
    buy = evening.open(account, "0.2", "2 10:00", symbol="USDJPY")
    evening.end(2)
    assert evening.charges(buy) == [(2, 1, D("-2.67"))]


def test_ending_a_day_again_changes_nothing(swap):
    alice = swap.account()
    swap.open(alice, "1", "2 10:00")
    assert swap.end(2)
    before = swap.rows()
    swap.quote("1.2000", "1.2002", "2 23:00")
    assert swap.end(2)
    assert swap.end(2, instant("5 12:00"))
    assert swap.rows() == before


def test_a_day_that_is_not_over_cannot_be_ended(swap):
    with pytest.raises(ValueError, match="not over"):
        swap.end(2, instant("2 21:59"))


def test_the_quotes_of_the_boundary_are_kept(swap):
    alice = swap.account()
    swap.open(alice, "1", "2 10:00")
    swap.quote("1.1050", "1.1052", "2 21:59")
    swap.end(2)
    swap.quote("1.0900", "1.0902", "3 10:00")
    with swap.place.scope():
        kept = DailyQuote.objects.get()
        assert (kept.day, plain(kept.bid), plain(kept.ask), kept.at) == (
            date(2026, 3, 2), D("1.105"), D("1.1052"), instant("2 21:59"),
        )  # fmt: skip
    # 10,000 + (1.1050 - 1.1002) x 100,000 - 6.50
    assert swap.curve(alice)[-1][:2] == (2, "10473.5")


# --- Snapshots


def test_the_first_snapshot_is_that_of_the_first_deposit(swap):
    alice = swap.account("0")
    swap.end(2)
    assert swap.curve(alice) == []
    swap.pay(alice, "1000", "3 9:00")
    swap.pay(alice, "500", "3 12:00")
    assert swap.curve(alice) == [(2, "1000", "1000", "1000", "1000")]
    swap.end(3)
    assert swap.curve(alice)[1:] == [(3, "1500", "1500", "1500", "500")]


def test_payments_are_neither_gains_nor_losses(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")  # at 1.1002; 20.00 down at once
    swap.quote("1.0980", "1.0982", "2 12:00")  # 220 down: seen by the next event
    swap.pay(alice, "5000", "2 13:00")
    swap.quote("1.1100", "1.1102", "2 15:00")  # 980 up
    swap.pay(alice, "-2000", "2 16:00")
    swap.quote("1.1000", "1.1002", "2 17:00")
    swap.close(alice, buy, "2 18:00")  # 20 down
    swap.end(2)
    assert swap.curve(alice) == [
        (1, "10000", "10000", "10000", "10000"),
        (2, "12980", "12780", "13980", "3000"),
    ]


def test_marks_between_the_events_are_part_of_low_and_high(swap):
    alice, quiet = swap.account(), swap.account()
    swap.open(alice, "1", "2 10:00")
    swap.quote("1.0902", "1.0904", "2 12:00")  # 1,000 down
    equity_marks_update(tenant_id=swap.tenant_id, at=instant("2 12:00"))
    swap.quote("1.1202", "1.1204", "2 13:00")  # 2,000 up
    equity_marks_update(tenant_id=swap.tenant_id, at=instant("2 13:00"))
    swap.pay(alice, "700", "2 14:00")
    equity_marks_update(tenant_id=swap.tenant_id, at=instant("2 14:01"))
    swap.quote("1.1000", "1.1002", "2 15:00")
    # the day is over, but not yet ended: nothing is marked for the next one, whose beginning is not known
    swap.quote("1.0000", "1.0002", "2 22:00")
    equity_marks_update(tenant_id=swap.tenant_id, at=instant("2 22:00"))
    swap.quote("1.1000", "1.1002", "2 22:00")
    swap.end(2)
    assert swap.curve(alice)[1] == (2, "10673.5", "9700", "12700", "700")
    assert swap.curve(quiet)[1] == (2, "10000", "10000", "10000", "0")
    with swap.place.scope():
        assert not EquityMark.objects.exists()


def test_a_day_begins_where_the_day_before_ended(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    swap.quote("1.1102", "1.1104", "2 20:00")
    swap.end(2)
    swap.quote("1.1052", "1.1054", "3 1:00")
    swap.close(alice, buy, "3 2:00")
    swap.end(3)
    assert swap.curve(alice)[1:] == [
        (2, "10993.5", "10000", "10993.5", "0"),
        (3, "10493.5", "10493.5", "10993.5", "0"),
    ]


def test_what_happens_after_the_boundary_belongs_to_the_next_day(swap):
    """The end of the day runs half a minute late; meanwhile a deposit and a close were booked."""
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    swap.pay(alice, "3000", "2 22:00")
    swap.close(alice, buy, "2 22:00")
    swap.end(2)
    swap.end(3)
    assert swap.charges(buy) == []
    assert swap.curve(alice)[1:] == [
        (2, "9980", "9980", "10000", "0"),
        (3, "12980", "12980", "12980", "3000"),
    ]


def test_a_snapshot_cannot_be_changed(swap):
    swap.account()
    swap.end(2)
    for table in ("trading_equitysnapshot", "trading_dailyquote", "trading_storagecharge"):
        for statement in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), swap.place.scope():
                connection.cursor().execute(statement)


def test_a_netting_position_pays_for_all_of_it(swap):
    account = swap.account(group=swap.place.group("net", position_mode=PositionMode.NETTING))
    first = swap.open(account, "1", "2 10:00")
    assert swap.open(account, "0.5", "2 11:00") == first
    swap.end(2)
    assert swap.storage(first) == D("-9.75")


def test_tenants_end_their_own_days(swap, world):
    """South's days end in Tokyo; ending north's touches nothing of it."""
    charlie = world.charlie.account
    swap.account()
    swap.end(2)
    with world.south.scope():
        assert not DayEnd.objects.exists()
        assert not DailyQuote.objects.exists()
    assert charlie.balance == 0


# --- Killed, resumed, caught up


class Killed(Exception):
    """What ends a process in the middle."""


def test_killed_in_the_middle_and_resumed(swap, monkeypatch):
    """Killed at each point of each chunk: after the resumption everything is as if nothing had happened."""
    monkeypatch.setattr(service, "ACCOUNTS_MAX", 2)
    accounts = [swap.account() for _ in range(5)]
    trades = [swap.open(account, "1", "2 10:00") for account in accounts]
    swap.quote("1.1050", "1.1052", "2 21:00")
    write = service.snapshots_write
    for survived in range(3):
        calls = iter(range(10))

        def dying(*args, at=survived, calls=calls):
            write(*args)
            if next(calls) == (0 if at == 0 else 1):
                raise Killed

        monkeypatch.setattr(service, "snapshots_write", dying)
        with pytest.raises(Killed):
            swap.end(2)
        with swap.place.scope():
            assert DayEnd.objects.get().last_account_id == (0 if not survived else accounts[2 * survived - 1].id)
        swap.quote("1.2000", "1.2002", "2 22:10")  # must not move what is priced at the boundary
    monkeypatch.setattr(service, "snapshots_write", write)
    assert swap.end(2)
    assert [swap.storage(trade) for trade in trades] == [D("-6.5")] * 5
    assert {tuple(swap.curve(account)[1:]) for account in accounts} == {((2, "10473.5", "10000", "10473.5", "0"),)}
    with swap.place.scope():
        ended = DayEnd.objects.get()
        assert (ended.accounts, ended.finished_at is None) == (5, False)


def test_three_days_are_caught_up_one_by_one(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    swap.end(2)
    late = instant("5 23:00")
    assert days_due(tenant_id=swap.tenant_id, at=late) == [date(2026, 3, day) for day in (3, 4, 5)]
    assert days_catch_up(tenant_id=swap.tenant_id, at=late) == 3
    assert swap.charges(buy) == [(2, 1, D("-6.5")), (3, 1, D("-6.5")), (4, 3, D("-19.5")), (5, 1, D("-6.5"))]
    assert [(day, equity) for day, equity, *_ in swap.curve(alice)] == [
        (1, "10000"), (2, "9973.5"), (3, "9967"), (4, "9947.5"), (5, "9941"),
    ]  # fmt: skip
    assert days_due(tenant_id=swap.tenant_id, at=late) == []
    assert days_catch_up(tenant_id=swap.tenant_id, at=late) == 0


def test_days_of_downtime_keep_what_was_paid_in_each_of_them(swap):
    alice = swap.account()
    swap.end(2)
    swap.pay(alice, "100", "3 12:00")
    swap.pay(alice, "200", "4 12:00")
    swap.pay(alice, "400", "5 22:30")
    assert days_catch_up(tenant_id=swap.tenant_id, at=instant("6 12:00")) == 3
    assert swap.curve(alice)[2:] == [
        (3, "10100", "10100", "10100", "100"),
        (4, "10300", "10300", "10300", "200"),
        (5, "10300", "10300", "10300", "0"),
    ]


def test_a_new_tenant_has_no_days_before_its_own(world):
    tenant = world.north.tenant
    with world.north.scope():
        type(tenant).objects.filter(pk=tenant.pk).update(created_at=instant("2 22:00"))
    assert days_due(tenant_id=tenant.pk, at=instant("3 21:59")) == []
    assert days_due(tenant_id=tenant.pk, at=instant("3 22:00")) == [date(2026, 3, 3)]
    assert days_due(tenant_id=tenant.pk, at=instant("9 22:00")) == [date(2026, 3, 9)]


def test_beat_ends_the_days_of_live_tenants(world, monkeypatch, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    asked = []
    monkeypatch.setattr(days_end, "apply_async", lambda args, expires: asked.append(args[0]))
    north, south = world.north.tenant, world.south.tenant
    type(south).objects.filter(pk=south.pk).update(live=False)
    day_end_sweep()
    assert asked == [north.pk]
    days_end(north.pk)
    equity_marks()
    asked.clear()
    day_end_sweep()
    assert asked == []
    with world.north.scope():
        assert DayEnd.objects.get().finished_at is not None


def test_an_instrument_changes_its_rates_for_the_nights_to_come(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    swap.end(2)
    with swap.place.scope():
        instrument_update(tenant_id=swap.tenant_id, symbol="EURUSD", changes={"swap_long": D(2)})
    swap.end(3)
    assert swap.charges(buy) == [(2, 1, D("-6.5")), (3, 1, D(2))]


def test_days_end_by_the_clock_of_the_tenant(world):
    tenant = world.south.tenant
    type(tenant).objects.filter(pk=tenant.pk).update(timezone="Asia/Tokyo", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    boundary = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 17:00 in Tokyo
    assert days_due(tenant_id=tenant.pk, at=boundary - timedelta(seconds=1)) == [date(2026, 3, 1)]
    assert days_due(tenant_id=tenant.pk, at=boundary) == [date(2026, 3, 2)]
    assert day_end(tenant_id=tenant.pk, day=date(2026, 3, 2), at=boundary)


def test_a_change_of_zone_and_hour_leaves_out_no_day_and_charges_none_twice(swap):
    alice = swap.account()
    buy = swap.open(alice, "1", "2 10:00")
    hours = [instant("2 23:00") + timedelta(hours=number) for number in range(0, 24 * 9, 2)]
    changes = {instant("4 9:00"): ("Asia/Tokyo", time(17)), instant("9 3:00"): ("Pacific/Niue", time(23))}
    swap.end(2)
    for at in hours:
        if at in changes:
            zone, hour = changes[at]
            with swap.place.scope():
                tenant_settings_update(timezone=zone, day_end=hour, at=at)
        days_catch_up(tenant_id=swap.tenant_id, at=at)
    with swap.place.scope():
        ended = list(DayEnd.objects.order_by("day").values_list("day", "boundary_at"))
    days, boundaries = [day.day for day, _at in ended], [at for _day, at in ended]
    assert days == list(range(2, days[-1] + 1))
    assert days[-1] >= 10
    assert boundaries == sorted(set(boundaries))
    assert [day for day, _nights, _amount in swap.charges(buy)] == [day for day in days if day not in (7, 8)]
    assert boundaries[2:4] == [instant("4 22:00"), instant("5 8:00")]
    assert trades_prove(swap.tenant_id) == []
