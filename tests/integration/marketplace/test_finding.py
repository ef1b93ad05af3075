"""GET /copytrade/masters: who is found, by what, in which order, and that nobody else is."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.db.models import Case, Value, When

from copytrade.models import CopyMaster, MasterStatus
from infra.tenancy import tenant_scope
from marketplace.api.finding import MASTERS, masters_page
from marketplace.domain.periods import Period
from marketplace.models import MasterStats
from marketplace.selectors_finding import masters_found, with_followers
from tests.support.api import Api
from tests.support.copying import Cast, Customer
from tests.support.statements import statements
from tests.support.world import World

STATS_KEYS = {
    "period", "pnl", "roi", "twr", "equity_start", "equity_end", "trades", "profit_trades", "loss_trades", "win_rate",
    "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor", "max_drawdown", "followers", "aum",
    "weekly_trades", "avg_holding_time", "last_trade_time", "sharp_ratio", "sortino_ratio", "risk_score",
    "followers_return", "followers_gap", "gap_parts",
}  # fmt: skip


@pytest.fixture
def cast(world: World) -> Cast:
    return Cast(world)


def figures(cast: Cast, master: CopyMaster, period: str = "30D", **values: Any) -> None:
    with tenant_scope(cast.house.id):
        assert MasterStats.objects.filter(master=master, period=period).update(**values) == 1


def found(cast: Cast, who: Any = None, **query: Any) -> list[int]:
    answer = (who or cast.bob).get("/copytrade/masters", **query)
    assert answer.status == 200, answer.text
    if "limit" not in query:
        assert answer.json["count"] == len(answer.json["rows"])
    return [row["id"] for row in answer.json["rows"]]


def decide(cast: Cast, master: CopyMaster, status: MasterStatus) -> None:
    body = {"status": status.value, "reason": "as agreed"}
    assert Api(token=cast.house.place.manager.token).put(f"/manage/masters/{master.pk}/status", body).status == 200


def test_r097_the_list_shows_what_can_be_followed_and_what_is_own(cast: Cast):
    public = cast.house.master(cast.alice, strategy_name="Public")
    private = cast.house.master(cast.alice, strategy_name="Private", visibility="private")
    disabled = cast.house.master(cast.alice, strategy_name="Disabled", enabled=False)
    paused = cast.house.master(cast.alice, strategy_name="Paused")
    decide(cast, paused, MasterStatus.PAUSED)
    cast.house.subscription(cast.bob, public, cast.house.follower(cast.bob))
    cast.house.subscription(cast.alice, public, cast.house.follower(cast.alice))

    seen = cast.bob.get("/copytrade/masters").json
    assert (seen["count"], [row["id"] for row in seen["rows"]]) == (1, [public.pk])
    row = seen["rows"][0]
    # The whole profile with its terms as the owner reads it, and nothing else.
    (profile,) = [mine for mine in cast.alice.get("/copytrade/my").json["masters"] if mine["id"] == public.pk]
    assert {name: row[name] for name in profile} == profile
    assert set(row) == set(profile) | {"currency", "own", "followers", "stats"}
    # Followers of the master's own customer count nowhere.
    assert (row["currency"], row["own"], row["followers"]) == ("USD", 0, 1)

    own = cast.alice.get("/copytrade/masters").json
    assert {row["id"] for row in own["rows"]} == {public.pk, private.pk, disabled.pk, paused.pk}
    assert all(row["own"] == 1 for row in own["rows"])
    assert own["count"] == 4
    named = {"where": [["strategy_name", "like", "P%"]], "orderBy": ["id", "asc"]}
    assert found(cast, cast.alice, **named) == [public.pk, private.pk, paused.pk]
    assert found(cast, cast.alice, orderBy=["followers", "desc"], limit=1) == [public.pk]
    assert found(cast, cast.alice, where=[["own", "=", 0]]) == []
    assert cast.charlie.get("/copytrade/masters").json == {"rows": [], "count": 0}


def test_r083_the_figures_of_the_asked_period(cast: Cast):
    master = cast.house.master(cast.alice)
    figures(cast, master, roi=D("0.125"), trades=7, win_rate=D("0.5"), gap_slippage=D("-0.01"))
    figures(cast, master, "90D", roi=D("-0.25"), risk_score=4)
    row = cast.bob.get("/copytrade/masters").json["rows"][0]
    assert set(row["stats"]) == STATS_KEYS
    assert set(row["stats"]["gap_parts"]) == {"slippage", "fees", "skipped", "other"}
    assert (row["stats"]["period"], row["stats"]["roi"], row["stats"]["trades"]) == ("30D", D("0.125"), 7)
    assert row["stats"]["gap_parts"]["slippage"] == D("-0.01")
    # Undefined is null and never 0.
    assert (row["stats"]["sharp_ratio"], row["stats"]["last_trade_time"], row["stats"]["risk_score"]) == (None,) * 3
    for name in ("period", "stats_period"):
        other = cast.bob.get("/copytrade/masters", **{name: "90D"}).json["rows"][0]["stats"]
        assert (other["period"], other["roi"], other["risk_score"], other["trades"]) == ("90D", D("-0.25"), 4, 0)


def test_r084_the_best_return_first_and_what_is_undefined_last(cast: Cast):
    masters = [cast.house.master(cast.alice) for _number in range(5)]
    for master, roi in zip(masters, (D("0.1"), None, D("0.3"), D("-0.2"), None), strict=True):
        figures(cast, master, roi=roi)
    first, second, third, fourth, fifth = (master.pk for master in masters)
    ranking = [third, first, fourth, fifth, second]
    assert found(cast) == ranking
    assert found(cast, orderBy=["stats.roi", "desc"]) == ranking
    assert found(cast, orderBy=["stats.roi", "asc"]) == [fourth, first, third, second, fifth]
    # In pages, for somebody who has none of them and for their owner.
    for who in (cast.bob, cast.alice):
        pages = [found(cast, who, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert [master for page in pages for master in page] == ranking
    assert cast.bob.get("/copytrade/masters", limit=2).json["count"] == 5


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("hidden", [0, 2])
def test_pages_put_together_are_the_whole_ranking(cast: Cast, direction: str, hidden: int):
    masters = [cast.house.master(cast.alice) for _number in range(4)]
    masters += [cast.house.master(cast.bob, visibility="private") for _number in range(hidden)]
    returns = dict(zip((m.pk for m in masters), (D("0.1"), None, D("-0.2"), None, None, D("0.1")), strict=False))
    for master in masters:
        figures(cast, master, roi=returns[master.pk])
    order = {"orderBy": ["stats.roi", direction]}
    sign = 1 if direction == "asc" else -1
    defined = sorted((sign * roi, sign * pk) for pk, roi in returns.items() if roi is not None)
    undefined = sorted(sign * pk for pk, roi in returns.items() if roi is None)
    whole = [sign * pk for _roi, pk in defined] + [sign * pk for pk in undefined]
    assert found(cast, **order) == whole
    for offset in range(len(whole) + 2):
        for limit in (0, 1, 2, 3):
            assert found(cast, offset=offset, limit=limit, **order) == whole[offset : offset + limit]
            # Asked of PostgreSQL, or told by the last page.
            assert cast.bob.get("/copytrade/masters", offset=offset, limit=limit, **order).json["count"] == len(whole)
    assert found(cast, offset=2**63 - 1, limit=500, **order) == []


def test_own_masters_stand_among_the_others_where_they_belong(cast: Cast):
    alices = [cast.house.master(cast.alice) for _number in range(3)]
    hidden = cast.house.master(cast.bob, visibility="private")
    public = cast.house.master(cast.bob)
    for master, roi in zip((*alices, hidden, public), ("0.5", "0.3", "0.1", "0.4", "0.2"), strict=True):
        figures(cast, master, roi=D(roi))
    first, second, third = (master.pk for master in alices)
    assert found(cast, cast.bob) == [first, hidden.pk, second, public.pk, third]
    assert found(cast, cast.alice) == [first, second, public.pk, third]
    pages = [found(cast, cast.bob, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert pages == [[first, hidden.pk], [second, public.pk], [third]]
    condition = [["stats.roi", "<=", "0.4"]]
    assert found(cast, cast.bob, where=condition, limit=1, offset=1) == [second]
    assert cast.bob.get("/copytrade/masters", where=condition, limit=1).json["count"] == 4


@pytest.mark.parametrize("name", [*sorted(STATS_KEYS - {"period", "gap_parts", "last_trade_time"}), "gap_parts.fees"])
def test_every_figure_can_be_filtered_and_sorted_by(cast: Cast, name: str):
    low, high, none = (cast.house.master(cast.alice) for _number in range(3))
    column = name.replace("gap_parts.", "gap_")
    figures(cast, low, **{column: 2})
    figures(cast, high, **{column: 3})
    assert found(cast, where=[[f"stats.{name}", ">=", 2]], orderBy=[f"stats.{name}", "desc"]) == [high.pk, low.pk]
    assert found(cast, whereBetween=[[f"stats.{name}", [1, 2]]]) == [low.pk]
    assert found(cast, orderBy=[f"stats.{name}", "desc"])[:2] == [high.pk, low.pk]
    assert none.pk in found(cast, whereNot=[[f"stats.{name}", 2]])


def test_every_field_of_the_profile_and_of_the_terms_can_be_filtered_by(cast: Cast):
    master = cast.house.master(cast.alice, strategy_name="Only this", max_followers=7, description="slow")
    cast.house.master(cast.alice, strategy_name="Other")
    row = next(row for row in cast.bob.get("/copytrade/masters").json["rows"] if row["id"] == master.pk)
    fields = {name: value for name, value in row.items() if name not in ("reward_policy", "stats")}
    assert len(fields) > 15
    terms = {
        f"reward_policy.{name}": value for name, value in row["reward_policy"].items() if name != "payout_account_login"
    }
    for name, value in {**fields, **terms}.items():
        sent = str(value) if isinstance(value, D) else value
        assert master.pk in found(cast, where=[[name, "=", sent]]), name
        assert master.pk not in found(cast, whereNot=[[name, sent]]), name
    assert found(cast, where=[["stats.days", ">=", 1]]) == []


def test_what_is_hidden_is_nothing_to_filter_or_sort_by(cast: Cast):
    cast.house.master(cast.alice)
    for name in (
        "customer_id", "customer", "master__customer__email", "account__balance", "master_id", "listed", "stats.listed",
        "stats.volatility", "published_at", "reward_policy.payout_account_login", "stats", "roi", "stats.",
    ):  # fmt: skip
        for query in ({"where": [[name, "!=", 1]]}, {"orderBy": [name, "asc"]}, {"whereIn": [[name, [1]]]}):
            assert cast.bob.get("/copytrade/masters", **query).error == (400, "INVALID_DATA"), name
    for bad in ({"limit": 501}, {"period": "1D"}, {"stats_period": "30d"}, {"where": [["stats.roi", "like", "1%"]]}):
        assert cast.bob.get("/copytrade/masters", **bad).error == (400, "INVALID_DATA")
    assert cast.nobody.get("/copytrade/masters").error == (401, "INVALID_CUSTOMER_SESSION")


def test_a_profile_that_changes_is_listed_and_unlisted_at_once(cast: Cast):
    master = cast.house.master(cast.alice, visibility="private")
    assert found(cast) == []
    path = f"/copytrade/master/{master.pk}"
    for change, visible in (
        ({"visibility": "public"}, True),
        ({"enabled": 0}, False),
        ({"enabled": 1}, True),
        ({"visibility": "private"}, False),
        ({"visibility": "public"}, True),
    ):
        assert cast.alice.put(path, change).status == 200
        assert found(cast) == ([master.pk] if visible else []), change
    decide(cast, master, MasterStatus.INACTIVE)
    assert found(cast) == []
    decide(cast, master, MasterStatus.ACTIVE)
    assert found(cast) == [master.pk]
    assert cast.alice.delete(path).status == 200
    assert found(cast) == found(cast, cast.alice) == []


def test_the_list_as_csv(cast: Cast):
    master = cast.house.master(cast.alice, strategy_name="=Formula")
    figures(cast, master, roi=D("0.5"))
    header, row = cast.bob.get("/copytrade/masters", format="csv").text.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["login"], cells["stats.roi"], cells["stats.sharp_ratio"]) == (str(master.account.login), "0.5", "")
    assert cells["strategy_name"] == "'=Formula"


@pytest.mark.parametrize("who", ["bob", "alice"])
def test_the_same_queries_for_any_number(cast: Cast, who: str):
    caller = getattr(cast, who)
    cast.house.master(cast.alice, visibility="private")
    cast.house.master(cast.alice)
    found(cast, caller)  # what is looked up once per process
    counts = []
    for _number in range(3):
        with statements() as sent:
            found(cast, caller)
        counts.append(len(sent))
        cast.house.master(cast.alice)
    assert len(set(counts)) == 1
    assert counts[0] <= 20


def test_a_condition_that_nothing_can_fulfil_finds_nothing(cast: Cast):
    cast.house.master(cast.alice)
    cast.house.master(cast.alice, visibility="private")
    for who in (cast.bob, cast.alice):
        assert found(cast, who, where=[["stats.trades", "=", 10**15]]) == []
        assert found(cast, who, whereIn=[["stats.trades", []]]) == []


def page_of(who: Customer, asked: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a page as they are stored; inside the tenant's scope."""
    rows, _count = masters_page(MASTERS.asked(asked or {}), masters_found(who.actor, Period.MONTH), list)
    return rows


def test_a_profile_that_is_hidden_after_it_was_ranked_is_not_shown(cast: Cast):
    master = cast.house.master(cast.alice)
    with tenant_scope(cast.house.id):
        CopyMaster.objects.filter(pk=master.pk).update(visibility="private")
        assert page_of(cast.bob) == []
        assert len(page_of(cast.alice)) == 1


def test_rows_hold_what_the_queryset_of_the_columns_would(cast: Cast):
    masters = [cast.house.master(cast.alice, strategy_name=f"No. {number}") for number in range(3)]
    for number, master in enumerate(masters):
        figures(cast, master, roi=D(number), aum=D("12.5"), gap_fees=D("-0.25"))
    cast.house.subscription(cast.bob, masters[1], cast.house.follower(cast.bob))
    with tenant_scope(cast.house.id):
        ids = [masters[2].pk, masters[1].pk, masters[0].pk]
        own = Case(When(master__customer_id=cast.alice.actor.user_id, then=Value(True)), default=Value(False))
        stored = MASTERS.stored(with_followers(MasterStats.objects.filter(period="30D")).annotate(own=own))
        expected = [row for master in ids for row in stored.filter(master_id=master)]
        assert page_of(cast.alice, {"orderBy": ["stats.roi", "desc"]}) == expected
