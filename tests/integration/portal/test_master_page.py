"""A master's page: figures, what it shows and what it does not, and all strategies of its owner."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from copytrade.models import CopyMaster
from core import clock
from infra.tenancy import tenant_scope
from marketplace.domain.periods import Period
from marketplace.models import AccountDay, MasterStats
from portal.report import falls
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn
from trading.models import EquitySnapshot, Trade


@pytest.fixture
def reader(sign_in: SignIn, scene: Scene) -> Client:
    """Somebody who neither owns nor follows anything."""
    return sign_in(scene.newcomer_email)


def place(scene: Scene) -> str:
    """A master that trades."""
    return f"/app/masters/{scene.leader_login}"


def quiet_place(scene: Scene) -> str:
    """A master on an account into which nothing was ever paid: it has no history but what a test gives it."""
    return f"/app/masters/{scene.free_master_login}"


def master_of(scene: Scene, login: int) -> CopyMaster:
    with tenant_scope(scene.tenant_id):
        return CopyMaster.objects.select_related("account").get(account__login=login)


def set_up(scene: Scene, **changes: Any) -> None:
    with tenant_scope(scene.tenant_id):
        CopyMaster.objects.filter(account__login=scene.leader_login).update(**changes)


def trade(sign_in: SignIn, scene: Scene) -> None:
    """The leader opens and closes 0.10 EURUSD by the portal."""
    client = sign_in(scene.leader_email)
    form = {"login": scene.leader_login, "symbol": "EURUSD", "was": "EURUSD", "side": "BUY", "volume": "0.10"}
    client.post("/app/trade", {**form, "attempt": uuid4().hex})
    with tenant_scope(scene.tenant_id):
        order = Trade.objects.get(account__login=scene.leader_login, cmd=0, state=0).pk
    client.post(f"/app/positions/{order}/close", {"volume": "0.10", "attempt": uuid4().hex})


# Four days: +10 %, a deposit of 1,000 without a gain, a fall of half with a still deeper low.
DAYS = (
    ("1000", "1000", "0"),
    ("1100", "990", "0"),
    ("2100", "2050", "1000"),
    ("1050", "840", "0"),
)


def history(scene: Scene) -> None:
    master = master_of(scene, scene.free_master_login)
    today = clock.now().date()
    with tenant_scope(scene.tenant_id):
        for place_, (equity, low, flow) in enumerate(DAYS):
            day = today - timedelta(days=len(DAYS) - place_)
            EquitySnapshot.objects.create(
                tenant_id=scene.tenant_id, account=master.account, day=day, at=clock.now() - timedelta(days=4 - place_),
                equity=Decimal(equity), balance=Decimal(equity), low=Decimal(low), high=Decimal(equity),
                flow=Decimal(flow), event_seq=place_,
            )  # fmt: skip


def test_r202_drawdown_is_drawn_from_the_lows_with_payments_left_out() -> None:
    columns = [[Decimal(row[column]) for row in DAYS] for column in range(3)]
    equity, low, flow = columns
    # Index 1, 1.1, 1.1, 0.55; lows 0.99, 1.05, 0.44 against the peaks 1, 1.1, 1.1.
    depths = falls(equity, low, flow)
    assert [round(depth, 6) for depth in depths] == [0, Decimal("-0.01"), Decimal("-0.045455"), Decimal("-0.6")]


def test_r202_curve_months_and_payments_are_on_the_page(reader: Client, scene: Scene) -> None:
    history(scene)
    answer = reader.get(f"{quiet_place(scene)}?period=ALL")
    page = answer.content.decode()
    points = answer.context["curve"]["points"]
    # The last point is the account as it stands now.
    assert [(point["equity"], point["flow"]) for point in points[:-1]] == [
        (Decimal(equity), Decimal(flow)) for equity, _low, flow in DAYS
    ]
    assert 'id="equity-data"' in page
    # The table behind the picture has the same figures.
    for text in ("1,050.00", "+1,000.00", "−60.0 %"):
        assert text in page
    whole = answer.context["report"].months
    assert round(_chained(whole), 6) == Decimal("-0.45")


def _chained(months: list[tuple[str, Decimal | None]]) -> Decimal:
    product = Decimal(1)
    for _name, change in months:
        product *= 1 + (change or 0)
    return product - 1


def test_x07_a_payment_is_no_gain(reader: Client, scene: Scene) -> None:
    history(scene)
    point = reader.get(f"{quiet_place(scene)}?period=ALL").context["curve"]["points"][2]
    assert (point["flow"], round(point["drawdown"], 4)) == (1000, Decimal("-0.0455"))


def test_r083_figures_of_the_period_and_of_all_periods(reader: Client, scene: Scene) -> None:
    master = master_of(scene, scene.leader_login)
    with tenant_scope(scene.tenant_id):
        MasterStats.objects.filter(master=master).delete()
        for period, roi, trades in ((Period.MONTH, "0.05", 7), (Period.YEAR, "-0.25", 9)):
            MasterStats.objects.create(
                tenant_id=scene.tenant_id, master=master, period=period, roi=Decimal(roi), trades=trades,
                risk_score=4, avg_holding_time=Decimal(3700),
            )  # fmt: skip
    page = reader.get(f"{place(scene)}?period=365D")
    assert page.context["stats"].trades == 9
    text = page.content.decode()
    for shown in ("+5.0 %", "−25.0 %", "4 of 10", "1 h 1 min"):
        assert shown in text
    assert reader.get(f"{place(scene)}?period=1D").context["period"] == Period.MONTH


def test_x03_the_gap_is_told_with_its_parts(reader: Client, scene: Scene) -> None:
    master = master_of(scene, scene.leader_login)
    with tenant_scope(scene.tenant_id):
        MasterStats.objects.filter(master=master).delete()
        MasterStats.objects.create(
            tenant_id=scene.tenant_id, master=master, period=Period.MONTH, twr=Decimal("0.06"),
            followers_return=Decimal("0.04"), followers_gap=Decimal("-0.02"), gap_slippage=Decimal("-0.004"),
            gap_fees=Decimal("-0.01"), gap_skipped=Decimal("-0.006"), gap_other=Decimal(0),
        )  # fmt: skip
    text = reader.get(place(scene)).content.decode()
    for shown in ("+4.0 %", "+6.0 %", "−2.00 %", "−0.40 %", "−1.00 %", "−0.60 %", "Trades that were not copied"):
        assert shown in text


def test_profit_per_symbol_adds_the_days_of_the_period(reader: Client, scene: Scene) -> None:
    history(scene)
    master = master_of(scene, scene.free_master_login)
    now = clock.now()
    with tenant_scope(scene.tenant_id):
        for days_ago, symbol, pnl in ((1, "EURUSD", "10"), (2, "EURUSD", "5"), (1, "XAUUSD", "-30"), (300, "ES", "1")):
            AccountDay.objects.create(
                tenant_id=scene.tenant_id, account=master.account, day=now.date() - timedelta(days=days_ago),
                symbol=symbol, trades=1, profit_trades=1, loss_trades=0, pnl=Decimal(pnl), gross_profit=Decimal(0),
                gross_loss=Decimal(0), best=Decimal(pnl), worst=Decimal(pnl), volume=Decimal(1),
                holding_seconds=Decimal(60), last_close_at=now,
            )  # fmt: skip
    symbols = reader.get(quiet_place(scene)).context["report"].symbols
    assert [(row.result.symbol, row.result.profit, row.result.orders, row.bar) for row in symbols] == [
        ("EURUSD", 15, 2, 50),
        ("XAUUSD", -30, 1, 100),
    ]


def test_r085_trades_are_shown_when_the_master_shows_them(sign_in: SignIn, reader: Client, scene: Scene) -> None:
    trade(sign_in, scene)
    hidden = reader.get(place(scene))
    assert "This master does not show its trades." in hidden.content.decode()
    assert reader.get(f"{place(scene)}/trades.csv").status_code == 404
    set_up(scene, show_trade_history=True)
    shown = reader.get(place(scene))
    assert len(shown.context["trades"].object_list) == 1
    rows = list(csv.DictReader(io.StringIO(reader.get(f"{place(scene)}/trades.csv").content.decode())))
    assert [(row["symbol"], row["side"], row["volume"]) for row in rows] == [("EURUSD", "BUY", "0.1")]


def test_r086_followers_are_shown_masked_when_the_master_shows_them(reader: Client, scene: Scene) -> None:
    assert "This master does not show its followers." in reader.get(place(scene)).content.decode()
    set_up(scene, show_followers=True)
    page = reader.get(place(scene)).content.decode()
    assert "f***@northwind.example" in page
    assert scene.follower_email not in page


def test_r087_the_owner_sees_what_is_not_shown_and_that_nobody_else_does(sign_in: SignIn, scene: Scene) -> None:
    trade(sign_in, scene)
    page = sign_in(scene.leader_email).get(place(scene)).content.decode()
    assert page.count("Only you see this list.") == 2
    assert "f***@northwind.example" in page


def test_r087_hidden_lists_are_in_no_part_of_the_page(sign_in: SignIn, reader: Client, scene: Scene) -> None:
    trade(sign_in, scene)
    answer = reader.get(f"{place(scene)}?trades=1&followers=1")
    assert (answer.context["trades"], answer.context["followers"]) == (None, None)
    assert str(scene.follower_login) not in answer.content.decode()


def test_x07_all_strategies_of_the_owner_are_shown_those_that_ended_too(
    sign_in: SignIn, reader: Client, scene: Scene
) -> None:
    owner = sign_in("second@northwind.example")
    with tenant_scope(scene.tenant_id):
        ending = CopyMaster.objects.get(account__login=scene.second_master_login)
    owner.post(f"/app/masters/mine/{ending.pk}/end", {"open_copies": "keep_exits"})
    answer = reader.get(f"/app/masters/{scene.free_master_login}")
    page = answer.content.decode()
    assert "All strategies of the same owner" in page
    assert [other.strategy_name for other, _figures in answer.context["others"]] == ["Gold Breakout"]
    assert "Ended" in page


def test_the_page_takes_a_fixed_number_of_queries(
    sign_in: SignIn, reader: Client, scene: Scene, django_assert_max_num_queries: Any
) -> None:
    trade(sign_in, scene)
    set_up(scene, show_trade_history=True, show_followers=True)
    with django_assert_max_num_queries(30):
        reader.get(place(scene))


def test_an_account_without_any_history_has_a_page(reader: Client, scene: Scene) -> None:
    page = reader.get(quiet_place(scene)).content.decode()
    assert "No day has ended since the first deposit" in page
    assert "not rated" in page
