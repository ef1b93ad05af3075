"""The marketplace's pages: finding, narrowing, sorting, sharing the address, and what nobody may find."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from copytrade.models import CopyMaster, MasterStatus
from infra.tenancy import tenant_scope
from marketplace.domain.periods import Period
from marketplace.models import MasterStats
from marketplace.services.listing import profiles_listed
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn

FIGURES: dict[str, dict[str, Any]] = {
    "Steady Trend": {"roi": "0.10", "max_drawdown": "0.05", "risk_score": 3, "win_rate": "0.6", "days": 40},
    "Gold Breakout": {"roi": "-0.20", "max_drawdown": "0.40", "risk_score": 9, "win_rate": "0.4", "days": 200},
    "Index Reversal": {"roi": None, "max_drawdown": None, "risk_score": None, "win_rate": None, "days": 0},
}


@pytest.fixture
def figures(scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        MasterStats.objects.all().delete()
        for master in CopyMaster.objects.all():
            known = {
                name: Decimal(value) if isinstance(value, str) else value
                for name, value in FIGURES[master.strategy_name].items()
            }
            for period in (Period.MONTH, Period.ALL):
                MasterStats.objects.create(
                    tenant_id=scene.tenant_id, master=master, period=period, listed=True, **known
                )


@pytest.fixture
def client(sign_in: SignIn, scene: Scene, figures: None) -> Client:
    return sign_in(scene.newcomer_email)


def names(client: Client, query: str = "") -> list[str]:
    """The strategies that the page shows, in order."""
    answer = client.get(f"/app/masters?{query}")
    assert answer.status_code == 200
    return [shown["master"].strategy_name for shown in answer.context["masters"]]


def test_r084_masters_are_ranked_by_return_and_the_undefined_stand_last(client: Client) -> None:
    assert names(client) == ["Steady Trend", "Gold Breakout", "Index Reversal"]
    assert names(client, "dir=asc") == ["Gold Breakout", "Steady Trend", "Index Reversal"]
    assert names(client, "sort=max_drawdown") == ["Gold Breakout", "Steady Trend", "Index Reversal"]
    assert names(client, "sort=history&dir=asc") == ["Index Reversal", "Steady Trend", "Gold Breakout"]


@pytest.mark.parametrize("view", ["cards", "table"])
def test_r083_a_master_is_shown_with_its_figures(client: Client, view: str) -> None:
    page = client.get(f"/app/masters?view={view}&q=Steady").content.decode()
    for text in ("+10.0 %", "5.0 %", "3 of 10", "60.0 %", "40 days"):
        assert text in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=gold", ["Gold Breakout"]),
        ("q=nothing", []),
        ("roi_min=5", ["Steady Trend"]),
        ("roi_min=-50", ["Steady Trend", "Gold Breakout"]),
        ("drawdown_max=10", ["Steady Trend"]),
        ("risk_max=9", ["Steady Trend", "Gold Breakout"]),
        ("win_min=50", ["Steady Trend"]),
        ("history=90", ["Gold Breakout"]),
        ("currency=EUR", []),
        ("fee=0", ["Gold Breakout"]),
        ("fee=1", ["Steady Trend"]),
        ("fee=free", []),
        ("followers_min=1", []),
        ("roi_min=5&win_min=90", []),
    ],
)
def test_filters_narrow(client: Client, query: str, found: list[str]) -> None:
    assert names(client, query) == found


def test_a_login_is_found_by_its_beginning(client: Client, scene: Scene) -> None:
    assert names(client, f"q={scene.leader_login}") == ["Steady Trend"]


def test_only_masters_with_free_places(client: Client, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        CopyMaster.objects.filter(account__login=scene.leader_login).update(max_followers=1)
    assert "Steady Trend" not in names(client, "places=on")
    assert "Steady Trend" in names(client)


def test_a_filter_that_is_no_number_says_so_and_asks_for_nothing(client: Client) -> None:
    page = client.get("/app/masters?roi_min=much").content.decode()
    assert "Write a number" in page
    assert 'value="much"' in page
    assert "Steady Trend" in page


@pytest.mark.parametrize(
    "query", ["sort=account__customer__email", "period=1D", "view=map", "dir=up", "page=999", "fee=9"]
)
def test_an_address_that_makes_no_sense_shows_the_usual_list(client: Client, query: str) -> None:
    assert len(names(client, query)) == 3


def test_no_match_and_no_masters_are_pages_too(client: Client, scene: Scene) -> None:
    assert "No master fits" in client.get("/app/masters?q=nothing").content.decode()
    with tenant_scope(scene.tenant_id):
        CopyMaster.objects.update(visibility="private")
        profiles_listed(CopyMaster.objects.values_list("pk", flat=True))
    assert "No master can be followed at the moment" in client.get("/app/masters").content.decode()


def test_a_part_of_the_page_names_its_own_address(client: Client) -> None:
    form = {"q": "", "period": "30D", "view": "table", "sort": "roi", "dir": "desc", "roi_min": "5", "page": ""}
    headers = {"HX-Request": "true", "HX-Target": "market-results"}
    answer = client.get("/app/masters", form, headers=headers)
    assert answer.headers["HX-Push-Url"] == "/app/masters?view=table&roi_min=5"
    assert "<html" not in answer.content.decode()
    typed = client.get("/app/masters", {"q": "gold"}, headers=headers | {"HX-Trigger-Name": "q"})
    assert typed.headers["HX-Replace-Url"] == "/app/masters?q=gold"


def test_the_rows_that_are_shown_come_as_csv(client: Client) -> None:
    text = client.get("/app/masters.csv?roi_min=5").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["strategy_name"] for row in rows] == ["Steady Trend"]
    assert (rows[0]["roi"], rows[0]["risk_score"], rows[0]["period"]) == ("0.1", "3", "30D")


@pytest.mark.parametrize(
    "hidden",
    [{"visibility": "private"}, {"enabled": False}, {"status": MasterStatus.PAUSED}, {"status": MasterStatus.PENDING}],
)
def test_what_is_not_offered_is_found_by_its_owner_alone(
    sign_in: SignIn, client: Client, scene: Scene, hidden: dict[str, Any]
) -> None:
    with tenant_scope(scene.tenant_id):
        leading = CopyMaster.objects.filter(account__login=scene.leader_login)
        leading.update(**hidden)
        profiles_listed(leading.values_list("pk", flat=True))
    place = f"/app/masters/{scene.leader_login}"
    for query in ("", "sort=roi", "q=steady", f"q={scene.leader_login}", "roi_min=1"):
        assert "Steady Trend" not in names(client, query)
        assert "Steady Trend" not in client.get(f"/app/masters.csv?{query}").content.decode()
    assert client.get(place).status_code == 404
    assert client.get(f"{place}/follow").status_code == 404
    owner = sign_in(scene.leader_email)
    assert "Steady Trend" in names(owner)
    assert owner.get(place).status_code == 200


def test_pages_of_24_with_their_place_in_the_address(
    client: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.market.ROWS", 2)
    first = client.get("/app/masters?view=table").content.decode()
    assert "1–2 of 3" in first
    assert re.search(r'rel="next" href="\?view=table&amp;page=2"', first)
    assert names(client, "view=table&page=2") == ["Index Reversal"]


def test_the_number_of_queries_does_not_grow_with_the_masters(
    client: Client, scene: Scene, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        client.get("/app/masters")


def test_x07_what_became_of_all_strategies_is_told(client: Client, sign_in: SignIn, scene: Scene) -> None:
    assert (
        "3 strategies were ever offered here: 0 ended, 0 lost nearly everything"
        in client.get("/app/masters").content.decode()
    )
    with tenant_scope(scene.tenant_id):
        ending = CopyMaster.objects.get(account__login=scene.leader_login).pk
        MasterStats.objects.filter(master__strategy_name="Gold Breakout").update(max_drawdown=Decimal("0.99"))
    sign_in(scene.leader_email).post(f"/app/masters/mine/{ending}/end", {"open_copies": "keep_exits"})
    page = client.get("/app/masters").content.decode()
    assert "3 strategies were ever offered here: 1 ended, 1 lost nearly everything" in page
    assert len(names(client)) == 2
