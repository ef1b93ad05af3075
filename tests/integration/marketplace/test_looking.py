"""GET /copytrade/master/trades and /copytrade/master/followers: what a master shows, to whom, and nothing beside it."""

from decimal import Decimal as D
from typing import Any

import pytest

from copytrade.models import CopyMaster, MasterStatus
from core.masking import masked_email
from tests.support.api import Answer, Api
from tests.support.copy_house import CopyHouse, copy_house, decide, join
from tests.support.world import World

TRADES = "/copytrade/master/trades"
FOLLOWERS = "/copytrade/master/followers"
FLAG_OF = {TRADES: "show_trade_history", FOLLOWERS: "show_followers"}
CODE_OF = {TRADES: "TRADE_HISTORY_NOT_PUBLIC", FOLLOWERS: "FOLLOWERS_NOT_PUBLIC"}


@pytest.fixture
def house(world: World) -> CopyHouse:
    """A leader with an open and a partly closed trade, a pending order and a follower; both flags are on."""
    made = copy_house(world.north)
    made.open(made.leader, "0.3", comment="private thoughts")
    partly = made.open(made.leader, "1", symbol="XAUUSD")
    made.drain()
    made.wait(5)
    made.quote("XAUUSD", "2010.00", "2010.50")
    made.close(made.leader, partly, "0.4")
    made.drain()
    change(made, show_trade_history=True, show_followers=True)
    return made


def change(house: CopyHouse, **values: Any) -> None:
    with house.place.scope():
        CopyMaster.objects.filter(account=house.leader).update(**values)


def ask(house: CopyHouse, who: Any, path: str, **query: Any) -> Answer:
    token = who if isinstance(who, str) else who.token
    asked = {"login": house.leader.login, "limit": 100, "offset": 0, **query}
    if path == TRADES:
        asked.setdefault("tradeType", 0)
    return Api(token=token).get(path, **{name: value for name, value in asked.items() if value is not None})


def test_r100_the_trades_of_a_master_have_the_columns_of_trades_but_the_comment(house: CopyHouse, world: World):
    alice = world.north.person("alice")
    answer = ask(house, world.north.person("bob"), TRADES)
    own = Api(token=alice.token).get("/trades", login=house.leader.login, tradeType=0, limit=100, offset=0)
    place = own["structure"].index("comment")
    assert answer["structure"] == [name for name in own["structure"] if name != "comment"]
    trades = [row[:place] + row[place + 1 :] for row in own["rows"] if row[own["structure"].index("cmd")] < 6]
    assert answer["rows"] == trades
    assert answer["count"] == len(trades) == 3
    assert set(answer.json) == {"structure", "rows", "count"}
    assert [row["net_profit"] for row in answer.rows() if row["state"] == 4] == [D(380)]
    for column in ("comment", "customer_id", "account__customer__email"):
        refused = ask(house, alice, TRADES, where=[[column, "like", "p%"]])
        assert (refused.status, refused.error) == (400, "INVALID_DATA")
        assert ask(house, alice, TRADES, orderBy=[column, "asc"]).error == "INVALID_DATA"


def test_balance_operations_are_never_shown(house: CopyHouse, world: World):
    for who in (world.north.person("alice"), world.north.person("bob"), world.north.manager):
        assert ask(house, who, TRADES, tradeType=4)["rows"] == []
        for query in ({}, {"where": [["cmd", ">=", 6]]}, {"whereIn": [["cmd", [6, 8]]]}):
            assert all(row["cmd"] < 6 for row in ask(house, who, TRADES, **query).rows())
    assert ask(house, world.north.person("bob"), TRADES, where=[["cmd", ">=", 6]])["count"] == 0


@pytest.mark.parametrize(("kind", "states"), [(1, [0, 0]), (2, [4]), (3, []), (0, [0, 0, 4])])
def test_trade_types(house: CopyHouse, world: World, kind: int, states: list[int]):
    answer = ask(house, world.north.person("bob"), TRADES, tradeType=kind)
    assert sorted(row["state"] for row in answer.rows()) == states


def test_r101_the_followers_of_a_master(house: CopyHouse, world: World):
    answer = ask(house, world.north.person("alice"), FOLLOWERS)
    assert answer["structure"] == [
        "subscription_id", "master_login", "follower_login", "follower_email", "subscribed_time", "status", "enabled",
        "copied_trades", "pnl", "volume",
    ]  # fmt: skip
    (row,) = answer.rows()
    assert row["subscription_id"] == house.subscriptions[0].pk
    assert (row["master_login"], row["follower_login"]) == (house.leader.login, house.followers[0].login)
    assert row["follower_email"] == f"b***@{world.north.domain}"
    assert (row["status"], row["enabled"]) == (0, 1)
    # 0.4 lots of gold bought at 2000.50 and sold at 2010.00; what is open counts when it is closed.
    assert (row["copied_trades"], row["pnl"], row["volume"]) == (1, D(380), 40)


def test_followers_are_counted_with_what_their_own_hands_closed(house: CopyHouse, world: World):
    follower = house.followers[0]
    ticket = next(t.id for t in house.tickets(follower) if t.symbol == "EURUSD")
    house.close(follower, ticket)
    by_hand = house.open(follower, "1")
    house.close(follower, by_hand)
    (row,) = ask(house, world.north.person("bob"), FOLLOWERS).rows()
    # The copy that was closed by hand counts, the trade that was opened by hand does not.
    assert (row["copied_trades"], row["pnl"], row["volume"]) == (2, D(374), 70)
    for condition, found in ((["pnl", ">", 373], 1), (["pnl", ">", 374], 0), (["volume", "=", 70], 1)):
        assert ask(house, world.north.person("bob"), FOLLOWERS, where=[condition])["count"] == found


def test_a_masked_address_is_nothing_to_search_or_sort_by(house: CopyHouse, world: World):
    assert masked_email("bob@example.com") == "b***@example.com"
    assert masked_email("b@x.de") == "b***@x.de"
    for query in (
        {"where": [["follower_email", "like", "bob%"]]},
        {"whereIn": [["follower_email", ["bob@example.com"]]]},
        {"orderBy": ["follower_email", "asc"]},
        {"where": [["follower__customer__email", "like", "b%"]]},
        {"where": [["email", "like", "b%"]]},
    ):
        refused = ask(house, world.north.person("alice"), FOLLOWERS, **query)
        assert (refused.status, refused.error) == (400, "INVALID_DATA")


def test_followers_of_the_same_customer_count_nowhere(world: World):
    house = copy_house(world.north, followers=2)
    with house.place.scope():
        house.followers[0].customer = world.north.person("alice").user
        house.followers[0].save(update_fields=["customer"])
    change(house, show_followers=True)
    rows = ask(house, world.north.person("alice"), FOLLOWERS).rows()
    assert [row["follower_login"] for row in rows] == [house.followers[1].login]


@pytest.mark.parametrize("path", [TRADES, FOLLOWERS])
def test_r092_any_session_sees_what_is_shown(house: CopyHouse, world: World, path: str):
    north = world.north
    bob = north.person("bob")
    sessions = [north.person("alice"), bob, north.session(bob.user, house.followers[0])]
    sessions += [north.admin, north.manager, north.dealer, north.crm]
    answers = [ask(house, who, path) for who in sessions]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    nobody = ask(house, "", path)
    assert (nobody.status, nobody.error) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("path", "requirement"), [(TRADES, "R085, R139"), (FOLLOWERS, "R086, R140")], ids=["trades", "followers"]
)
def test_r085_r086_r087_r139_r140_with_the_flag_off_only_the_owner_sees(
    house: CopyHouse, world: World, path: str, requirement: str
):
    change(house, **{FLAG_OF[path]: False})
    north = world.north
    bob = north.person("bob")
    strangers = [bob, north.session(bob.user, house.followers[0]), north.admin, north.manager, north.crm]
    # Another account session of the owner's is not the master's account.
    alice = north.person("alice")
    strangers.append(north.session(alice.user, north.account(alice, north.real)))
    for who in strangers:
        for query in ({}, {"where": [["symbol", "=", "EURUSD"]]} if path == TRADES else {"where": [["pnl", ">", 0]]}):
            refused = ask(house, who, path, **query)
            assert (refused.status, refused.error) == (403, CODE_OF[path]), requirement
            assert set(refused.json) == {"error", "message"}
    for owner in (alice, north.session(alice.user, house.leader)):
        assert ask(house, owner, path)["count"] > 0
    change(house, **{FLAG_OF[path]: True})
    assert ask(house, bob, path)["count"] > 0


@pytest.mark.parametrize("path", [TRADES, FOLLOWERS])
def test_r137_r138_unknown_then_unavailable_then_the_flag(house: CopyHouse, world: World, path: str):
    north = world.north
    alice, bob = north.person("alice"), north.person("bob")
    follower = house.followers[0]
    account_session = north.session(bob.user, follower)
    change(house, **{FLAG_OF[path]: False}, visibility="private")
    for login in (follower.login, 999_999_999, world.charlie.login):
        refused = ask(house, bob, path, login=login)
        assert (refused.status, refused.error) == (403, "MASTER_NOT_FOUND")
    for who in (bob, account_session):
        refused = ask(house, who, path)
        assert (refused.status, refused.error) == (403, "MASTER_NOT_AVAILABLE")
    # Staff may look at what is not listed, but the flag binds them too.
    assert ask(house, north.manager, path).error == CODE_OF[path]
    change(house, **{FLAG_OF[path]: True})
    assert ask(house, north.manager, path).status == 200
    assert ask(house, alice, path).status == 200
    assert ask(house, bob, path).error == "MASTER_NOT_AVAILABLE"
    change(house, visibility="public", enabled=False)
    assert ask(house, bob, path).error == "MASTER_NOT_AVAILABLE"
    change(house, enabled=True)
    assert ask(house, bob, path).status == 200
    with house.place.scope():
        decide(house, MasterStatus.PAUSED)
    assert ask(house, bob, path).error == "MASTER_NOT_AVAILABLE"
    foreign = ask(house, world.charlie, path)
    assert (foreign.status, foreign.error) == (403, "MASTER_NOT_FOUND")


@pytest.mark.parametrize("path", [TRADES, FOLLOWERS])
def test_the_query_string_is_read_strictly(house: CopyHouse, world: World, path: str):
    bob = world.north.person("bob")
    wrong: list[dict[str, Any]] = [
        {"login": None}, {"login": "x"}, {"limit": None}, {"offset": None}, {"limit": 50_001}, {"limit": -1},
        {"where": [["nothing", "=", 1]]}, {"orderBy": ["nothing", "asc"]},
    ]  # fmt: skip
    if path == TRADES:
        wrong += [{"tradeType": None}, {"tradeType": 5}, {"tradeType": "all"}]
    for query in wrong:
        refused = ask(house, bob, path, **query)
        assert (refused.status, refused.error) == (400, "INVALID_DATA"), query
        assert next(iter(query)) in refused["message"] or "nothing" in refused["message"]
    assert ask(house, bob, path, limit=50_000).status == 200
    table = ask(house, bob, path, format="csv")
    assert table.text.splitlines()[0].split(",") == ask(house, bob, path)["structure"]
    assert len(table.text.splitlines()) == ask(house, bob, path)["count"] + 1


@pytest.mark.parametrize("path", [TRADES, FOLLOWERS])
def test_the_same_queries_for_any_number(house: CopyHouse, world: World, path: str, django_assert_max_num_queries):
    bob = world.north.person("bob")
    ask(house, bob, path)  # what is looked up once per process
    counts = []
    for _round in range(3):
        with django_assert_max_num_queries(40) as seen:
            assert ask(house, bob, path).status == 200
        counts.append(len(seen))
        join(house, 1, house.followers[0].group)
        house.open(house.leader, "0.1")
        house.drain()
    assert len(set(counts)) == 1
