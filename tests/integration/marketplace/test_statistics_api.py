"""GET /copytrade/master/stats: to whom, in which words, and with which numbers."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from copytrade.models import CopyMaster, MasterStatus, Visibility
from core import clock
from marketplace.services.refreshing import stats_refresh
from tests.support.api import Answer, Api
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World

PATH = "/copytrade/master/stats"
LISTS = {"monthly_returns", "profit_per_symbol", "pnl_history", "equity_history"}
FIGURES = {
    "pnl", "roi", "twr", "equity_start", "equity_end", "trades", "profit_trades", "loss_trades", "win_rate",
    "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor", "max_drawdown", "followers", "aum", "weekly_trades",
    "avg_holding_time", "last_trade_time", "sharp_ratio", "sortino_ratio", "risk_score", "followers_return",
    "followers_gap", "gap_parts",
}  # fmt: skip


@pytest.fixture
def house(world: World) -> CopyHouse:
    """A master that has closed two trades an hour ago, followed by one account of another customer."""
    made = copy_house(world.north)
    made.at = clock.now() - timedelta(hours=1)
    made.quote("EURUSD", "1.1000", "1.1000")
    for points in ("1.1010", "1.0995"):
        trade = made.open(made.leader, "1")
        made.wait(60)
        made.quote("EURUSD", points, points)
        made.close(made.leader, trade)
        made.quote("EURUSD", "1.1000", "1.1000")
    made.drain()
    stats_refresh(tenant_id=made.place.id, at=made.at)
    return made


def ask(house: CopyHouse, who: Any, **query: Any) -> Answer:
    token = who if isinstance(who, str) else who.token
    asked = {"login": house.leader.login, "period": "30D", **query}
    return Api(token=token).get(PATH, **{name: value for name, value in asked.items() if value is not None})


def change(house: CopyHouse, **values: Any) -> None:
    with house.place.scope():
        CopyMaster.objects.filter(account=house.leader).update(**values)


def test_r083_the_statistics_of_a_master_for_a_period(house: CopyHouse) -> None:
    answer = ask(house, house.place.person("bob"))
    assert answer.status == 200
    assert set(answer.json) == {"login", "period", "currency"} | FIGURES | LISTS
    numbers = {
        name: answer[name] for name in ("pnl", "trades", "profit_trades", "loss_trades", "win_rate", "profit_factor")
    }
    assert numbers == {
        "pnl": 50, "trades": 2, "profit_trades": 1, "loss_trades": 1, "win_rate": D("0.5"), "profit_factor": 2,
    }  # fmt: skip
    assert (answer["login"], answer["period"], answer["currency"]) == (house.leader.login, "30D", "USD")
    assert (answer["avg_pnl_per_trade"], answer["best_trade"], answer["worst_trade"]) == (25, 100, -50)
    assert (answer["avg_holding_time"], answer["followers"], answer["aum"]) == (60, 1, 10_000)
    assert answer["last_trade_time"] == clock.unix(house.at)
    assert answer["profit_per_symbol"] == [{"symbol": "EURUSD", "profit": 50, "orders": 2, "volume": 200}]
    assert answer["gap_parts"] == dict.fromkeys(("slippage", "fees", "skipped", "other"))


def test_what_is_undefined_is_null(house: CopyHouse) -> None:
    answer = ask(house, house.place.person("bob"), period="7D")
    undefined = (
        "twr",
        "max_drawdown",
        "sharp_ratio",
        "sortino_ratio",
        "risk_score",
        "followers_return",
        "followers_gap",
    )
    assert {name: answer[name] for name in undefined} == dict.fromkeys(undefined)


def test_the_end_is_live(house: CopyHouse) -> None:
    house.open(house.leader, "1")
    house.quote("EURUSD", "1.1020", "1.1020")
    answer = ask(house, house.place.person("bob"), period="ALL")
    assert answer["equity_end"] == 100_250
    assert answer["equity_history"][-1]["equity"] == 100_250
    assert (answer["pnl_history"][-1]["pnl"], answer["pnl"]) == (50, 50)


def test_r083_any_session_of_the_tenant_may_ask(house: CopyHouse) -> None:
    place = house.place
    account = place.session(place.person("bob").user, house.followers[0])
    for who in (
        place.person("bob"),
        place.person("alice"),
        account,
        place.manager,
        place.dealer,
        place.admin,
        place.crm,
    ):
        assert ask(house, who).status == 200
    assert (ask(house, "").status, ask(house, "").error) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "hidden",
    [
        {"visibility": Visibility.PRIVATE},
        {"enabled": False},
        {"status": MasterStatus.PAUSED},
        {"status": MasterStatus.PENDING},
    ],
    ids=lambda one: "-".join(map(str, one.items())),
)
def test_r138_a_hidden_master_is_shown_to_its_owner_and_staff_only(house: CopyHouse, hidden: dict[str, Any]) -> None:
    change(house, **hidden)
    place = house.place
    stranger = ask(house, place.person("bob"))
    assert (stranger.status, stranger.error) == (403, "MASTER_NOT_AVAILABLE")
    follower = ask(house, place.session(place.person("bob").user, house.followers[0]))
    assert (follower.status, follower.error) == (403, "MASTER_NOT_AVAILABLE")
    assert ask(house, place.person("alice")).status == 200
    assert ask(house, place.manager).status == 200


def test_r137_an_account_without_a_profile_is_no_master(house: CopyHouse, world: World) -> None:
    bob = house.place.person("bob")
    for login in (house.followers[0].login, 999_999_999, world.charlie.login):
        answer = ask(house, bob, login=login)
        assert (answer.status, answer.error) == (403, "MASTER_NOT_FOUND")


@pytest.mark.parametrize(
    "query",
    [
        {"period": None},
        {"period": "31D"},
        {"period": "all"},
        {"period": ""},
        {"login": None},
        {"login": "x"},
        {"login": "1.5"},
    ],
    ids=str,
)
def test_a_question_that_is_none(house: CopyHouse, query: dict[str, Any]) -> None:
    answer = ask(house, house.place.person("bob"), **query)
    assert (answer.status, answer.error) == (400, "INVALID_DATA")
    assert next(iter(query)) in answer["message"]


def test_switched_off_for_customers_and_not_for_staff(house: CopyHouse) -> None:
    from accounts.models import ProductConfig

    with house.place.scope():
        ProductConfig.objects.update(copy_trading=False)
    refused = ask(house, house.place.person("bob"))
    assert (refused.status, refused.error) == (403, "MODULE_DISABLED")
    assert ask(house, house.place.manager).status == 200


def test_the_list_says_the_same_as_the_master_alone(house: CopyHouse) -> None:
    bob = house.place.person("bob")
    alone = ask(house, bob, period="90D").json
    (row,) = Api(token=bob.token).get("/copytrade/masters", period="90D")["rows"]
    assert row["stats"] == {name: value for name, value in alone.items() if name not in LISTS | {"login", "currency"}}
