"""POST /copytrade/dry-run: what it answers, whom it refuses, and that it leaves nothing behind."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from accounts.models import ProductConfig
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, RewardPolicy
from core import clock
from core.states import Side, TicketKind
from tests.support.api import Api
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.dry_runs import play
from tests.support.resting import place
from tests.support.statements import statements
from trading.models import AccountEvent, Instrument
from trading.services.orders import Changes, order_modify

KEYS = {"period", "equity_curve", "pnl", "trades", "copied", "skipped", "max_drawdown", "fees"}


@pytest.fixture
def house(world):
    """A leader with a week-old trade or two, and nobody who follows."""
    made = copy_house(world.north, followers=0)
    made.at = clock.now() - timedelta(days=3)
    return made


def ask(world: Any, house: CopyHouse, *, as_: str = "bob", **body: Any) -> Any:
    person = world.north.person(as_)
    api = Api(token=person.token, host=world.north.domain)
    return api.post("/copytrade/dry-run", {"master_login": house.leader.login, "days": 30, **body})


def trade(house: CopyHouse, volume: str = "0.10", *, bid: str = "1.1050", side: Side = Side.BUY) -> int:
    """Opened at 1.1000/1.1002, closed an hour later at `bid`."""
    house.quote("EURUSD", "1.1000", "1.1002")
    number = house.open(house.leader, volume, side)
    house.wait(3600)
    house.quote("EURUSD", bid, str(D(bid) + D("0.0002")))
    house.close(house.leader, number)
    house.wait(3600)
    return number


def test_x05_a_dry_run_tells_the_curve_the_result_and_what_was_skipped(world, house):
    trade(house)
    answer = ask(world, house, risk_multiplier="2", symbols_mode=2, symbols="XAUUSD")
    assert answer.status == 200, answer.text
    assert set(answer.json) == KEYS
    assert answer["period"] == "30D"
    assert (answer["trades"], answer["copied"], answer["skipped"]) == (1, 1, [])
    assert answer["pnl"] == D("96.00")  # 48 points of the spread away from 50, 0.20 lots
    assert answer["fees"] == D("9.60")  # 10 % of a winning trade
    curve = answer["equity_curve"]
    assert len(curve) == 32
    assert [curve[0]["equity"], curve[-1]["equity"]] == [100_000, D("100096.00")]
    assert [point["time"] for point in curve] == sorted(point["time"] for point in curve)
    assert 0 < answer["max_drawdown"] < D("0.001")  # the spread, before it won


def test_x05_nothing_happened(world, house):
    answer = ask(world, house)
    assert (answer["trades"], answer["copied"], answer["skipped"], answer["pnl"]) == (0, 0, [], 0)
    assert (answer["max_drawdown"], answer["fees"]) == (0, 0)
    assert {point["equity"] for point in answer["equity_curve"]} == {100_000}


def test_x05_an_account_of_ones_own_lends_its_terms(world, house):
    trade(house)
    account = world.north.account(world.bob, world.north.charging, balance=5_000)
    answer = ask(world, house, follower_login=account.login, volume_mode=2, days=90)
    assert answer["period"] == "90D"
    assert answer["equity_curve"][0]["equity"] == 5_000
    # nothing comes of 0.10 x 5,000 / 100,000 = 0.005 lots
    assert answer["skipped"] == [{"reason": "ROUNDED_TO_ZERO", "count": 1}]
    larger = ask(world, house, follower_login=account.login, volume_mode=2, risk_multiplier=20)
    assert larger["pnl"] == D("47.30")  # 48 less 0.10 lots x 3.50 for each side
    assert larger["fees"] == D("0.70") + D("4.73")


def test_x05_a_reversed_copy_loses_what_the_master_won(world, house):
    trade(house)
    answer = ask(world, house, reverse_direction=1)
    assert answer["pnl"] == D("-52.00")
    assert answer["fees"] == 0


def test_x05_a_fixed_volume(world, house):
    trade(house, "1")
    assert ask(world, house, volume_mode=0, fixed_volume=3)["pnl"] == D("14.40")


def test_x05_what_is_open_at_the_end_counts_at_its_value_then(world, house):
    house.quote("EURUSD", "1.1000", "1.1002")
    house.open(house.leader, "0.10")
    house.wait(60)
    house.quote("EURUSD", "1.1022", "1.1024")
    answer = ask(world, house)
    assert answer["pnl"] == D("20.00")
    assert answer["fees"] == 0


def test_x05_only_the_days_that_are_asked_for(world, house):
    house.at -= timedelta(days=5)
    trade(house)
    house.at += timedelta(days=5)
    assert ask(world, house, days=4)["trades"] == 0
    assert ask(world, house, days=20)["trades"] == 1


# --- Every reason


def _modified(house: CopyHouse) -> None:
    number = house.open(house.leader, "0.10")
    with house.place.scope():
        order_modify(account_id=house.leader.id, trade_id=number, changes=Changes(sl=D("1.0900")), at=house.at)


def _reduced(house: CopyHouse) -> None:
    house.close(house.leader, house.open(house.leader, "0.10"), "0.04")


def _twice(house: CopyHouse) -> None:
    house.open(house.leader, "0.10")
    house.open(house.leader, "0.10", Side.SELL)


def _losing_then_again(house: CopyHouse) -> None:
    trade(house, "1", bid="1.0900")
    trade(house, "1")


def _gone(house: CopyHouse) -> None:
    trade(house)
    with house.place.scope():
        Instrument.objects.filter(symbol="EURUSD").update(symbol="GONE")


REASONS: list[tuple[str, dict[str, Any], Callable[[CopyHouse], Any]]] = [
    ("SUBSCRIPTION_PAUSED", {"enabled": 0}, trade),
    ("COPY_MODE", {"copy_mode": 2}, trade),
    ("COPY_MODE", {"copy_mode": 1}, trade),
    ("SYMBOL_FILTERED", {"symbols_mode": 1, "symbols": "XAUUSD"}, trade),
    ("UNMAPPED_CONTRACT", {}, _gone),
    ("PENDING_NOT_COPIED", {}, lambda house: place(house, house.leader, "1.0900", kind=TicketKind.LIMIT)),
    ("STOPS_NOT_COPIED", {"copy_sl": 0, "copy_tp": 0}, _modified),
    ("PARTIAL_NOT_COPIED", {"copy_partial_close": 0}, _reduced),
    ("FOLLOWER_STOPPED", {"max_loss": 500}, _losing_then_again),
    ("SUBSCRIPTION_PAUSED", {"max_loss_percent": "0.5", "stop_action": 1}, _losing_then_again),
    ("FOLLOWER_STOPPED", {"max_drawdown_percent": "0.5"}, _losing_then_again),
    ("MIN_EQUITY", {"min_equity": 200_000}, trade),
    ("MAX_POSITIONS", {"max_positions": 1}, _twice),
    ("BELOW_MIN_VOLUME", {"min_volume": 50}, trade),
    ("ROUNDED_TO_ZERO", {"risk_multiplier": "0.01"}, trade),
    ("RET_TRADE_NO_MONEY", {"risk_multiplier": 1000, "volume_mode": 1}, lambda house: trade(house, "0.9")),
]


@pytest.mark.parametrize(("reason", "settings", "past"), REASONS, ids=[f"{r[0]}-{n}" for n, r in enumerate(REASONS)])
def test_x05_every_reason_is_told(world, house, reason, settings, past):
    past(house)
    answer = ask(world, house, **settings)
    assert answer.status == 200, answer.text
    assert answer["skipped"] == [{"reason": reason, "count": 1}]


def test_x05_a_netting_account_refuses_the_opposite_side(world, house):
    _twice(house)
    account = world.north.account(world.bob, world.north.netting)
    answer = ask(world, house, follower_login=account.login)
    assert answer["skipped"] == [{"reason": "OPPOSITE_SIDE", "count": 1}]


def test_x05_an_increase_of_what_was_opened_before_the_period_has_nothing_to_join(world):
    house = copy_house(world.north, followers=0, leader_netting=True)
    house.at = clock.now() - timedelta(days=60)
    house.open(house.leader, "0.10")
    house.at += timedelta(days=59)
    house.open(house.leader, "0.10")
    answer = ask(world, house)
    assert (answer["trades"], answer["skipped"]) == (1, [{"reason": "NO_LINK", "count": 1}])


def test_x05_an_account_without_money_copies_nothing(world, house):
    trade(house)
    account = world.north.account(world.bob, world.north.real, balance=0)
    answer = ask(world, house, follower_login=account.login, volume_mode=3)
    assert answer["skipped"] == [{"reason": "INVALID_EQUITY", "count": 1}]
    assert (answer["pnl"], answer["max_drawdown"]) == (0, None)


def test_x05_a_currency_without_rates(world, house):
    trade(house)
    francs = world.north.group("francs", currency="CHF")
    account = world.north.account(world.bob, francs)
    answer = ask(world, house, follower_login=account.login, volume_mode=3)
    assert answer["skipped"] == [{"reason": "NO_CONVERSION_RATE", "count": 1}]


def test_x05_a_limit_of_the_master_binds_the_dry_run_too(world, house):
    _twice(house)
    with world.north.scope():
        CopyMaster.objects.update(bound_max_positions=1)
    assert ask(world, house)["skipped"] == [{"reason": "MAX_POSITIONS", "count": 1}]


# --- Whom it refuses


@pytest.mark.parametrize(
    "body",
    [
        {"days": 0}, {"days": 91}, {"days": "30"}, {"days": 1.5}, {"days": None}, {"master_login": None},
        {"volume_mode": 0}, {"volume_mode": 9}, {"risk_multiplier": 0}, {"min_volume": 20, "max_volume": 10},
        {"max_loss": "NaN"}, {"symbols": "x" * 2001},
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused(world, house, body):
    answer = ask(world, house, **body)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")


def test_the_follower_must_be_ones_own(world, house):
    alices = world.north.account(world.alice, world.north.real)
    answer = ask(world, house, follower_login=alices.login)
    assert (answer.status, answer.error) == (403, "INVALID_FOLLOWER_ACCOUNT")
    answer = ask(world, house, follower_login=999_999_999)
    assert (answer.status, answer.error) == (400, "ACCOUNT_NOT_FOUND")


@pytest.mark.parametrize("hidden", [{"visibility": "private"}, {"enabled": False}, {"status": "PAUSED"}])
def test_r087_a_master_that_is_not_visible_is_not_replayed_but_for_its_owner(world, house, hidden):
    trade(house)
    with world.north.scope():
        CopyMaster.objects.update(**hidden)
    answer = ask(world, house)
    assert (answer.status, answer.error) == (403, "MASTER_NOT_AVAILABLE")
    own = ask(world, house, as_="alice")
    assert own["copied"] == 1
    assert own["fees"] == 0  # no reward between accounts of one customer


def test_an_account_that_is_no_master_is_not_found(world, house):
    answer = ask(world, house, master_login=world.north.account(world.alice, world.north.real).login)
    assert (answer.status, answer.error) == (403, "MASTER_NOT_FOUND")


def test_another_tenants_master_is_not_found(world, house):
    charlie = world.charlie
    api = Api(token=charlie.token, host=world.south.domain)
    answer = api.post("/copytrade/dry-run", {"master_login": house.leader.login})
    assert (answer.status, answer.error) == (403, "MASTER_NOT_FOUND")


def test_without_a_session_or_without_the_module(world, house):
    answer = Api(host=world.north.domain).post("/copytrade/dry-run", {"master_login": house.leader.login})
    assert (answer.status, answer.error) == (401, "INVALID_CUSTOMER_SESSION")
    with world.north.scope():
        ProductConfig.objects.update(copy_trading=False)
    answer = ask(world, house)
    assert (answer.status, answer.error) == (403, "MODULE_DISABLED")


# --- What it leaves behind, and costs


def test_x05_a_dry_run_writes_nothing_and_always_asks_the_same_number_of_questions(world, house):
    trade(house)
    account = world.north.account(world.bob, world.north.real)
    assert ask(world, house).status == 200
    with world.north.scope():
        before = (AccountEvent.objects.count(), CopyOrder.objects.count(), CopySubscription.objects.count())
    with statements() as few:
        ask(world, house, follower_login=account.login)
    house.at -= timedelta(days=2)
    play(house, seed=5, steps=12)
    with world.north.scope():
        made = AccountEvent.objects.count()
    with statements() as many:
        assert ask(world, house, follower_login=account.login)["trades"] > 3
    assert len(many) == len(few)
    with world.north.scope():
        assert AccountEvent.objects.count() == made
        assert (CopyOrder.objects.count(), CopySubscription.objects.count()) == before[1:]
        RewardPolicy.objects.update(enabled=False)
    assert ask(world, house)["fees"] == 0
