"""Instruments as administrators make and change them, and the built-in catalogue."""

from decimal import Decimal
from typing import Any

import pytest

from core.errors import DomainError
from tests.integration.trading_market.world import World, contract
from trading.catalogue import CONTRACTS
from trading.models import Instrument
from trading.services.instruments import catalogue_install, instrument_update

TERMS: dict[str, Any] = {
    "symbol": "DAX40",
    "asset_class": "INDEX",
    "contract_size": 25,
    "tick_size": 0.5,
    "digits": 1,
    "lot_min": "0.10",
    "lot_max": 50,
    "lot_step": 0.1,
}
RECORD = {
    "symbol": "DAX40",
    "description": "",
    "asset_class": "INDEX",
    "family": "",
    "variant": "STANDARD",
    "contract_size": 25,
    "tick_size": Decimal("0.5"),
    "tick_value": Decimal("12.5"),
    "digits": 1,
    "profit_currency": "USD",
    "lot_min": Decimal("0.1"),
    "lot_max": 50,
    "lot_step": Decimal("0.1"),
    "margin_percent": 1,
    "margin_per_lot": 0,
    "stale_quote_seconds": 0,
    "sessions": "24/7",
    "feed": "NONE",
    "feed_paused": 0,
    "trade": 1,
    "swap_long": 0,
    "swap_short": 0,
    "swap_triple_day": 3,
}


def test_an_instrument_with_the_defaults(world: World) -> None:
    status, record = world.admin.post("/manage/instruments", TERMS)
    assert status == 200
    assert record.pop("id") > 0
    assert record == RECORD


def test_every_term_can_be_given(world: World) -> None:
    given = {
        "symbol": "MNQ_2",
        "description": "Micro E-mini",
        "asset_class": "FUTURE",
        "family": "NQ",
        "variant": "MICRO",
        "contract_size": 2,
        "tick_size": Decimal("0.25"),
        "tick_value": Decimal("0.55"),
        "digits": 2,
        "profit_currency": "EUR",
        "lot_min": 1,
        "lot_max": 9,
        "lot_step": 1,
        "margin_percent": Decimal("1.5"),
        "margin_per_lot": 3300,
        "stale_quote_seconds": 30,
        "sessions": "Sun 17:00-Fri 16:00 break 16:00-17:00 America/Chicago",
        "feed": "SIMULATED",
        "trade": 0,
        "swap_long": Decimal("-2.5"),
        "swap_short": Decimal("0.75"),
        "swap_triple_day": 0,
    }
    sent = {name: str(value) if isinstance(value, Decimal) else value for name, value in given.items()}
    status, record = world.admin.post("/manage/instruments", sent)
    assert (status, record.pop("id") > 0, record.pop("feed_paused")) == (200, True, 0)
    assert record == given


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("symbol", ""),
        ("symbol", "A B"),
        ("symbol", "EUR,USD"),
        ("symbol", "EUR*"),
        ("symbol", "@copy"),
        ("symbol", "A/B"),
        ("symbol", "S" * 33),
        ("symbol", 7),
        ("asset_class", "BOND"),
        ("asset_class", "fx"),
        ("variant", "NANO"),
        ("contract_size", 0),
        ("contract_size", -1),
        ("contract_size", "1e5"),
        ("contract_size", "1" + "0" * 16),
        ("tick_size", 0),
        ("tick_size", "0.00000000001"),
        ("tick_value", 0),
        ("digits", -1),
        ("digits", 11),
        ("digits", 1.5),
        ("digits", "5"),
        ("profit_currency", "usd"),
        ("profit_currency", ""),
        ("lot_min", 0),
        ("lot_max", 0.05),
        ("lot_step", 0),
        ("lot_step", 0.015),
        ("lot_step", "0.001"),
        ("margin_percent", -1),
        ("margin_per_lot", -1),
        ("stale_quote_seconds", -1),
        ("stale_quote_seconds", 2**31),
        ("sessions", "mon-fri"),
        ("sessions", ""),
        ("sessions", "Mon-Fri 09:30-16:00"),
        ("sessions", "Mon-Fri 09:30-16:00 Mars/Olympus"),
        ("sessions", "Mon-Fri 16:00-09:30 UTC"),
        ("sessions", "; ".join(["Mon 09:30-16:00 Africa/Johannesburg"] * 9)),
        ("swap_triple_day", 8),
        ("swap_triple_day", -1),
        ("swap_long", "much"),
        ("swap_short", "1e400"),
        ("feed", "REAL"),
        ("trade", 2),
        ("description", "x" * 256),
        ("family", "x" * 33),
        ("family", None),
        ("family", "a\x00b"),
    ],
)
def test_a_wrong_term_is_named(world: World, field: str, wrong: Any) -> None:
    status, answer = world.admin.post("/manage/instruments", TERMS | {field: wrong})
    assert (status, answer["error"], answer["field"]) == (400, "INVALID_DATA", field)
    assert field in answer["message"]
    with world.in_alpha():
        assert not Instrument.objects.exclude(symbol__in=["EURUSD", "GBPUSD"]).exists()


@pytest.mark.parametrize("field", list(TERMS))
def test_what_is_starred_is_needed(world: World, field: str) -> None:
    status, answer = world.admin.post("/manage/instruments", {k: v for k, v in TERMS.items() if k != field})
    assert (status, answer["field"]) == (400, field)


@pytest.mark.parametrize(("size", "tick"), [("0.0000000001", "0.0000000001"), ("9" * 15, "9" * 15)])
def test_a_default_tick_value_that_cannot_be_stored_is_refused(world: World, size: str, tick: str) -> None:
    status, answer = world.admin.post("/manage/instruments", TERMS | {"contract_size": size, "tick_size": tick})
    assert (status, answer["field"]) == (400, "tick_value")


def test_a_symbol_is_taken_once_per_tenant(world: World) -> None:
    assert world.admin.post("/manage/instruments", TERMS)[0] == 200
    status, answer = world.admin.post("/manage/instruments", TERMS)
    assert (status, answer["error"]) == (409, "RET_DUPLICATE_RECORD")
    with world.in_beta():
        assert contract(world.beta, "DAX40").pk


def test_a_change_touches_only_what_is_sent(world: World) -> None:
    number = world.admin.post("/manage/instruments", TERMS)[1]["id"]
    status, record = world.admin.put("/manage/instruments", {"symbol": "DAX40", "lot_max": 5, "trade": False})
    assert status == 200
    assert record == RECORD | {"id": number, "lot_max": 5, "trade": 0}
    assert world.admin.put("/manage/instruments", {"symbol": "DAX40", "id": number, "novelty": 1})[1] == record


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lot_min": 51}, "lot_max"),
        ({"lot_step": "0.005"}, "lot_step"),
        ({"id": 1}, "id"),
        ({"symbol": "NOPE"}, "symbol"),
        ({"symbol": None}, "symbol"),
        ({"sessions": "09:00-17:00"}, "sessions"),
        ({"contract_size": None}, "contract_size"),
    ],
)
def test_a_change_must_leave_sense(world: World, changes: dict[str, Any], field: str) -> None:
    before = world.admin.post("/manage/instruments", TERMS)[1]
    status, answer = world.admin.put("/manage/instruments", {"symbol": "DAX40", "lot_max": 50} | changes)
    assert (status, answer["error"], answer["field"]) == (400, "INVALID_DATA", field)
    assert world.admin.get("/manage/instruments", limit=1)[1]["rows"] == [list(before.values())]


def test_setting_feed_ends_the_silence(world: World) -> None:
    with world.in_alpha():
        Instrument.objects.filter(symbol="EURUSD").update(feed="SIMULATED", feed_paused=True)
        instrument_update(tenant_id=world.alpha, symbol="EURUSD", changes={"description": "Euro"})
        assert Instrument.objects.get(symbol="EURUSD").feed_paused
        instrument_update(tenant_id=world.alpha, symbol="EURUSD", changes={"feed": "SIMULATED"})
        assert not Instrument.objects.get(symbol="EURUSD").feed_paused


def test_the_table_of_instruments(world: World) -> None:
    world.admin.post("/manage/instruments", TERMS)
    status, table = world.crm_admin.get("/manage/instruments")
    assert (status, table["count"]) == (200, 3)
    assert [row[1] for row in table["rows"]] == ["DAX40", "GBPUSD", "EURUSD"]
    assert table["structure"] == ["id", *RECORD]
    _status, found = world.crm_admin.get("/manage/instruments", where='[["asset_class", "=", "FX"]]', limit=1)
    assert (found["count"], len(found["rows"])) == (2, 1)


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_customers_see_nothing_of_it(world: World, who: str) -> None:
    for status, answer in (
        getattr(world, who).get("/manage/instruments"),
        getattr(world, who).post("/manage/instruments", TERMS),
        getattr(world, who).put("/manage/instruments", {"symbol": "EURUSD", "lot_max": 1}),
        getattr(world, who).post("/manage/quotes", {"quotes": []}),
    ):
        assert (status, answer["error"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("who", ["manager", "dealer", "crm_manager", "crm_admin"])
def test_only_administrators_change_instruments(world: World, who: str) -> None:
    person = getattr(world, who)
    assert person.get("/manage/instruments")[0] == 200
    assert person.post("/manage/instruments", TERMS)[0] == 403
    assert person.put("/manage/instruments", {"symbol": "EURUSD", "lot_max": 1})[0] == 403


def test_without_a_session(world: World) -> None:
    world.admin.token = ""
    assert world.admin.get("/manage/instruments")[0] == 401
    assert world.admin.post("/manage/quotes", "nonsense")[0] == 401


def test_the_catalogue_in_a_tenant(world: World) -> None:
    with world.in_alpha():
        installed = catalogue_install(tenant_id=world.alpha)
        assert [instrument.symbol for instrument in installed] == [terms.symbol for terms in CONTRACTS]
        assert Instrument.objects.get(symbol="EURUSD").feed == "NONE", "what was there stays as it is"
        micro = Instrument.objects.get(symbol="MES")
        assert (micro.family, micro.variant, micro.tick_value, micro.feed) == (
            "ES",
            "MICRO",
            Decimal("1.25"),
            "SIMULATED",
        )
        assert len(catalogue_install(tenant_id=world.alpha)) == len(CONTRACTS)
    with world.in_beta():
        chosen = catalogue_install(tenant_id=world.beta, symbols=["NQ", "ES"], feed="NONE")
        assert [(instrument.symbol, instrument.feed) for instrument in chosen] == [("ES", "NONE"), ("NQ", "NONE")]
        assert Instrument.objects.count() == 4
        with pytest.raises(DomainError, match="NOPE"):
            catalogue_install(tenant_id=world.beta, symbols=["ES", "NOPE"])
