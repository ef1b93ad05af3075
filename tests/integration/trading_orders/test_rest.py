"""Pending orders, modifications, cancellation and flattening over REST: done, refused, and nothing changed when refused."""

from decimal import Decimal as D

import pytest

from accounts.models import TradingAccount
from core.clock import now, unix
from trading.models import AccountEvent, Order, Trade

LIMIT = {"cmd": 2, "volume": 10, "symbol": "EURUSD", "open_price": 1.09}


@pytest.fixture
def north(world):
    world.north.market()
    return world.north


@pytest.fixture
def alice(north):
    return north.person("alice")


@pytest.fixture
def call(api, alice):
    return api(alice)


def stored(place):
    """Everything that an order could change, in the order of its making."""
    with place.scope():
        return [
            list(model.objects.order_by("id").values())
            for model in (Trade, Order, AccountEvent, TradingAccount)
        ]  # fmt: skip


def record(place, order):
    with place.scope():
        return Trade.objects.get(pk=order)


def put_in(call, alice, **changes):
    answer = call.post("/trade/open/pending", {"login": alice.login, **LIMIT, **changes})
    assert answer.status == 200, answer.text
    return answer["order"]


def opened(call, alice, **changes):
    body = {"login": alice.login, "cmd": 0, "volume": 10, "symbol": "EURUSD", **changes}
    answer = call.post("/trade/open", body)
    assert answer.status == 200, answer.text
    return answer["order"]


# --- Placing


@pytest.mark.parametrize(("cmd", "price"), [(2, "1.09"), (3, "1.11"), (4, "1.11"), (5, "1.09")])
def test_each_kind_is_placed_and_listed(call, alice, north, cmd, price):
    expires = unix(now()) + 3600
    answer = call.post(
        "/trade/open/pending",
        {"login": alice.login, **LIMIT, "cmd": cmd, "open_price": price, "expiration": expires, "comment": "later"},
    )
    expected = {"accepted": True, "state": 0, "login": alice.login, "symbol": "EURUSD", "cmd": cmd, "volume": 10}
    assert expected.items() <= answer.json.items()
    (row,) = call.get("/trades", limit=10, offset=0, tradeType=3, login=alice.login).rows()
    shown = {
        k: row[k] for k in ("order", "cmd", "state", "open_price", "expiration", "comment", "profit", "close_time")
    }
    assert shown == {
        "order": answer["order"], "cmd": cmd, "state": 0, "open_price": D(price), "expiration": expires,
        "comment": "later", "profit": 0, "close_time": 0,
    }  # fmt: skip
    assert call.get("/trades", limit=10, offset=0, tradeType=1, login=alice.login)["count"] == 0
    account = call.get(f"/accounts/{alice.login}")
    assert (account["margin"], account["equity"]) == (0, 10000)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"open_price": 1.1003}, 403, "RET_TRADE_BAD_STOPS"),
        ({"sl": 1.0901}, 403, "RET_TRADE_BAD_STOPS"),
        ({"tp": "1.0899"}, 403, "RET_TRADE_BAD_STOPS"),
        ({"volume": 1_000_000}, 403, "RET_TRADE_BAD_VOLUME"),
        ({"symbol": "XAUUSD", "open_price": 2100, "cmd": 3, "volume": 6000}, 403, "RET_TRADE_BAD_VOLUME"),
        ({"symbol": "ES", "volume": 150}, 403, "RET_TRADE_BAD_VOLUME"),
        ({"expiration": 1_000_000}, 400, "INVALID_DATA"),
        ({"expiration": 253_402_300_800}, 400, "INVALID_DATA"),
        ({"expiration": -1}, 400, "INVALID_DATA"),
        ({"expiration": None}, 400, "INVALID_DATA"),
        ({"open_price": 0}, 400, "INVALID_DATA"),
        ({"open_price": -1}, 400, "INVALID_DATA"),
        ({"open_price": "1e400"}, 400, "INVALID_DATA"),
        ({"open_price": None}, 400, "INVALID_DATA"),
        ({"cmd": 0}, 400, "INVALID_DATA"),
        ({"cmd": 6}, 400, "INVALID_DATA"),
        ({"volume": 0}, 400, "INVALID_DATA"),
        ({"volume": 10.5}, 400, "INVALID_DATA"),
        ({"symbol": "NOSUCH"}, 400, "INVALID_DATA"),
        ({"sl": -1}, 400, "INVALID_DATA"),
        ({"comment": "x" * 256}, 400, "INVALID_DATA"),
    ],
)
def test_a_placement_that_is_refused_changes_nothing(call, alice, north, changes, status, code):
    assert alice.login
    before = stored(north)
    answer = call.post("/trade/open/pending", {"login": alice.login, **LIMIT, **changes})
    assert (answer.status, answer.error) == (status, code)
    assert stored(north) == before


def test_the_fields_that_are_required(call, alice):
    for name in ("cmd", "volume", "symbol", "open_price", "login"):
        body = {"login": alice.login, **LIMIT}
        del body[name]
        answer = call.post("/trade/open/pending", body)
        assert (answer.status, answer.error) == (400, "INVALID_DATA")
        assert name in answer["message"]


def test_an_account_session_needs_no_login(api, alice, north):
    assert api(alice.account_token).post("/trade/open/pending", LIMIT)["login"] == alice.login


def test_too_many_records(call, alice, north, settings):
    settings.ACCOUNT_RECORDS_MAX = 2
    put_in(call, alice)
    opened(call, alice)
    before = stored(north)
    for path, body in (("/trade/open/pending", LIMIT), ("/trade/open", {**LIMIT, "cmd": 0})):
        answer = call.post(path, {"login": alice.login, **body})
        assert (answer.status, answer.error) == (403, "RET_TRADE_TOO_MANY_ORDERS")
    assert stored(north) == before


# --- Modifying


@pytest.mark.parametrize("path", ["/trade/modify/open", "/trade/modify"])
def test_stops_of_an_open_ticket(call, alice, north, path):
    order = opened(call, alice, sl="1.05")
    answer = call.put(path, {"order": order, "tp": "1.2"})
    assert {"accepted": True, "order": order, "state": 0, "cmd": 0, "volume": 10}.items() <= answer.json.items()
    assert [record(north, order).sl, record(north, order).tp] == [D("1.05"), D("1.2")]
    call.put(path, {"order": order, "sl": 0, "login": alice.login})
    assert [record(north, order).sl, record(north, order).tp] == [0, D("1.2")]
    with north.scope():
        event = AccountEvent.objects.order_by("-seq")[0]
    assert (event.kind, event.trade_id, event.sl, event.tp, event.cmd) == ("MODIFY", order, 0, D("1.2"), 0)


def test_all_of_a_pending_order(call, alice, north):
    order, expires = put_in(call, alice), unix(now()) + 100
    body = {"order": order, "open_price": "1.08", "sl": "1.07", "tp": "1.1", "expiration": expires}
    assert call.put("/trade/modify/pending", body).status == 200
    row = record(north, order)
    assert (row.open_price, row.sl, row.tp, unix(row.expiration_at)) == (D("1.08"), D("1.07"), D("1.1"), expires)
    assert call.put("/trade/modify/pending", {"order": order, "expiration": 0}).status == 200
    row = record(north, order)
    assert (row.open_price, row.sl, row.expiration_at) == (D("1.08"), D("1.07"), None)


@pytest.mark.parametrize(
    ("what", "changes", "status", "code"),
    [
        ("open", {"sl": "1.1"}, 403, "RET_TRADE_BAD_STOPS"),
        ("open", {"tp": 1}, 403, "RET_TRADE_BAD_STOPS"),
        ("open", {"sl": None}, 400, "INVALID_DATA"),
        ("open", {"tp": "NaN"}, 400, "INVALID_DATA"),
        ("open", {"order": True}, 400, "INVALID_DATA"),
        ("pending", {"open_price": "1.2"}, 403, "RET_TRADE_BAD_STOPS"),
        ("pending", {"sl": "1.09"}, 403, "RET_TRADE_BAD_STOPS"),
        ("pending", {"open_price": 0}, 400, "INVALID_DATA"),
        ("pending", {"expiration": 1}, 400, "INVALID_DATA"),
        ("pending", {"expiration": "0"}, 400, "INVALID_DATA"),
    ],
)
def test_a_modification_that_is_refused_changes_nothing(call, alice, north, what, changes, status, code):
    order = opened(call, alice) if what == "open" else put_in(call, alice)
    before = stored(north)
    answer = call.put(f"/trade/modify/{what}", {"order": order, **changes})
    assert (answer.status, answer.error) == (status, code)
    assert stored(north) == before


def test_each_address_is_for_records_of_its_kind(call, alice, north):
    ticket, waiting, closed, gone = opened(call, alice), put_in(call, alice), opened(call, alice), put_in(call, alice)
    call.delete("/trade/close", {"order": closed})
    call.delete("/trade/cancel", {"order": gone})
    before = stored(north)
    tried = {
        ("/trade/modify/open", order): call.put("/trade/modify/open", {"order": order, "sl": 1})
        for order in (waiting, closed, gone)
    } | {
        ("/trade/modify/pending", order): call.put("/trade/modify/pending", {"order": order, "sl": 1})
        for order in (ticket, closed, gone)
    }
    assert {(a.status, a.error) for a in tried.values()} == {(403, "RET_TRADE_INCORRECT_STATE")}
    assert call.delete("/trade/close", {"order": waiting}).error == "RET_TRADE_INCORRECT_STATE"
    assert stored(north) == before


# --- Cancelling


def test_a_cancelled_order_is_deleted_and_listed_only_on_demand(call, alice, north):
    order = put_in(call, alice, comment="dip")
    answer = call.delete(f"/trade/cancel?order={order}")
    assert (answer["accepted"], answer["order"], answer["state"], answer["cmd"]) == (True, order, 6, 2)
    listed = {"limit": 10, "offset": 0, "login": alice.login}
    assert call.get("/trades", tradeType=3, **listed)["count"] == 0
    (row,) = call.get("/trades", tradeType=3, where=[["state", "=", 6]], **listed).rows()
    assert (row["order"], row["comment"], row["close_price"]) == (order, "dip [cancelled]", 0)
    assert row["close_time"] > 0
    again = call.delete("/trade/cancel", {"order": order})
    assert (again.status, again.error) == (403, "RET_TRADE_INCORRECT_STATE")


def test_what_is_no_pending_order_cannot_be_cancelled(call, alice, north):
    ticket, closed = opened(call, alice), opened(call, alice)
    call.delete("/trade/close", {"order": closed})
    with north.scope():
        deposit = Trade.objects.get(cmd=6).id
    before = stored(north)
    for order in (ticket, closed, deposit):
        answer = call.delete("/trade/cancel", {"order": order})
        assert (answer.status, answer.error) == (409, "RET_TRADE_INCORRECT_CMD")
    assert stored(north) == before


# --- Flattening


def test_flattening_closes_one_contract_and_nothing_else(call, alice, north):
    mine = [opened(call, alice), opened(call, alice, cmd=1, volume=5)]
    other = opened(call, alice, symbol="XAUUSD", volume=1)
    waiting = put_in(call, alice)
    answer = call.post(f"/accounts/{alice.login}/positions/EURUSD/flatten")
    assert (answer.status, answer["login"], answer["symbol"]) == (200, alice.login, "EURUSD")
    told = [(r["order"], r["accepted"], r["state"], r["close_volume"]) for r in answer["results"]]
    assert told == [(mine[0], True, 3, 10), (mine[1], True, 3, 5)]
    assert [record(north, order).state for order in (*mine, other, waiting)] == [3, 3, 0, 0]
    again = call.post(f"/accounts/{alice.login}/positions/EURUSD/flatten")
    assert (again.status, again["results"]) == (200, [])


def test_what_cannot_be_flattened_says_why(call, alice, north):
    order = opened(call, alice)
    with north.scope():
        from trading.models import Quote

        Quote.objects.all().delete()
    before = stored(north)
    (result,) = call.post(f"/accounts/{alice.login}/positions/EURUSD/flatten")["results"]
    assert (result["accepted"], result["order"], result["error"]) == (False, order, "RET_TRADE_OFFQUOTES")
    assert result["message"]
    assert stored(north) == before


def test_flattening_is_never_throttled(call, alice, north, settings):
    settings.API_RATES = {"trade": 1}
    answers = [call.post(f"/accounts/{alice.login}/positions/EURUSD/flatten").status for _ in range(10)]
    assert set(answers) == {200}
    order = put_in(call, alice)
    assert [call.delete("/trade/cancel", {"order": order}).status for _ in range(10)] == [200, *[403] * 9]


@pytest.mark.parametrize("symbol", ["NOSUCH", "%00", "x" * 33])
def test_flattening_an_unknown_contract(call, alice, north, symbol):
    answer = call.post(f"/accounts/{alice.login}/positions/{symbol}/flatten")
    assert (answer.status, answer.error) == (400, "INVALID_DATA")


# --- Whose order it is


@pytest.fixture
def commands(call, alice, north):
    """Every command on Alice's records, by a caller."""
    ticket, waiting = opened(call, alice), put_in(call, alice)
    flatten = f"/accounts/{alice.login}/positions/EURUSD/flatten"
    return {
        "place": lambda caller: caller.post("/trade/open/pending", {"login": alice.login, **LIMIT}),
        "modify open": lambda caller: caller.put("/trade/modify/open", {"order": ticket, "sl": 1}),
        "modify": lambda caller: caller.put("/trade/modify", {"order": ticket, "sl": 1}),
        "modify pending": lambda caller: caller.put("/trade/modify/pending", {"order": waiting, "sl": 1}),
        "cancel": lambda caller: caller.delete("/trade/cancel", {"order": waiting}),
        "flatten": lambda caller: caller.post(flatten),
    }


def test_strangers_may_do_nothing(api, world, north, commands):
    before = stored(north)
    strangers = {"bob": world.bob, "charlie": world.charlie, "crm": north.crm, "nobody": ""}
    answers = {
        (name, command): api(who)
        for name, who in strangers.items()
        for command in commands
    }  # fmt: skip
    found = {key: commands[key[1]](caller) for key, caller in answers.items()}
    codes = {(name, answer.status, answer.error) for (name, _command), answer in found.items()}
    assert codes == {
        ("bob", 403, "PERMISSION_DENIED"),
        ("charlie", 403, "PERMISSION_DENIED"),
        ("crm", 403, "PERMISSION_DENIED"),
        ("nobody", 401, "UNAUTHORIZED"),
    }
    assert stored(north) == before


def test_another_account_of_the_same_customer_may_do_nothing(api, alice, north, commands):
    second = north.account(alice, north.real)
    session = api(north.session(alice.user, second))
    before = stored(north)
    assert {(c(session).status, c(session).error) for c in commands.values()} == {(403, "PERMISSION_DENIED")}
    assert stored(north) == before


def test_a_login_that_is_not_the_orders_is_refused(call, alice, north):
    second = north.account(alice, north.real)
    order = put_in(call, alice)
    for method, path in (("put", "/trade/modify/pending"), ("delete", "/trade/cancel")):
        answer = getattr(call, method)(path, {"order": order, "login": second.login, "sl": 1})
        assert (answer.status, answer.error) == (403, "PERMISSION_DENIED")
    assert call.delete("/trade/cancel", {"order": order, "login": alice.login}).status == 200


def test_a_dealer_does_it_all_for_the_tenants_accounts_and_finds_no_others(api, world, north, commands):
    dealer = api(north.dealer)
    assert {name: commands[name](dealer).status for name in commands} == dict.fromkeys(commands, 200)
    with north.scope():
        origins = set(Order.objects.order_by("-id")[:5].values_list("origin", flat=True))
    assert origins == {"DEALER"}
    for answer in (
        dealer.post("/trade/open/pending", {"login": world.charlie.login, **LIMIT}),
        dealer.put("/trade/modify", {"order": 999_999_999, "sl": 1}),
        dealer.delete("/trade/cancel", {"order": 999_999_999}),
        dealer.post(f"/accounts/{world.charlie.login}/positions/EURUSD/flatten"),
    ):
        assert (answer.status, answer.error) == (404, "RET_ERR_NOTFOUND")


# --- Repetition


def test_the_same_key_gives_the_same_answer_and_one_order(call, alice, north):
    bodies = [{"login": alice.login, **LIMIT}] * 2
    first, second = (call.post("/trade/open/pending", body, Idempotency_Key="k") for body in bodies)
    assert first.json == second.json
    with north.scope():
        assert Trade.objects.filter(cmd=2).count() == 1
    other = call.post("/trade/open/pending", {"login": alice.login, **LIMIT, "volume": 11}, Idempotency_Key="k")
    assert (other.status, other.error) == (409, "IDEMPOTENCY_KEY_REUSED")


# --- Netting


def test_a_netting_position_keeps_its_stops_through_changes_and_is_flattened(call, alice, north):
    account = north.account(alice, north.netting)
    body = {"login": account.login, "cmd": 0, "volume": 10, "symbol": "EURUSD"}
    order = call.post("/trade/open", {**body, "sl": "1.05"})["order"]
    assert call.put("/trade/modify", {"order": order, "tp": "1.2"})["order"] == order
    assert call.post("/trade/open", {**body, "volume": 5})["order"] == order
    row = record(north, order)
    assert (row.volume, row.sl, row.tp) == (D("0.15"), D("1.05"), D("1.2"))
    (result,) = call.post(f"/accounts/{account.login}/positions/EURUSD/flatten")["results"]
    assert (result["order"], result["close_volume"]) == (order, 15)


def test_a_module_that_is_off_or_a_pause_holds_nothing_back(call, alice, north):
    """Disabled accounts may still get rid of what they have."""
    ticket, waiting = opened(call, alice), put_in(call, alice)
    with north.scope():
        TradingAccount.objects.filter(login=alice.login).update(enabled=False)
    assert call.put("/trade/modify", {"order": ticket, "sl": 1}).error == "RET_TRADE_DISABLE"
    assert call.post("/trade/open/pending", {"login": alice.login, **LIMIT}).error == "RET_TRADE_DISABLE"
    assert call.delete("/trade/cancel", {"order": waiting}).status == 200
    assert call.post(f"/accounts/{alice.login}/positions/EURUSD/flatten")["results"][0]["accepted"] is True
