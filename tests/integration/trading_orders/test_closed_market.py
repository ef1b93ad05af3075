"""Outside its sessions a market takes no orders; nothing changes, and what waits goes on waiting.

The sessions are laid around the present, because the API's clock is real: open yesterday, or always but now.
"""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.clock import now
from core.sessions import DAYS
from tests.support.api import Api
from tests.support.world import Person, World
from trading.models import AccountEvent, Order, Trade
from trading.services.instruments import instrument_update
from trading.services.triggers import triggers_sweep

D = Decimal


def _elsewhere() -> str:
    """Sessions in which this moment is not, nor the hours around it."""
    return f"{DAYS[(now().astimezone(UTC) + timedelta(days=3)).weekday()]} 00:00-24:00 UTC"


@pytest.fixture
def alice(world: World) -> Person:
    world.north.market()
    return world.alice


def _sessions(alice: Person, line: str) -> None:
    with alice.place.scope():
        instrument_update(tenant_id=alice.place.id, symbol="EURUSD", changes={"sessions": line})


def _rows(alice: Person) -> list[Any]:
    with alice.place.scope():
        return [list(model.objects.order_by("id").values_list()) for model in (Trade, Order, AccountEvent)]


def test_everything_but_taking_back_is_refused(alice, api):
    caller: Api = api(alice)
    order = {"login": alice.login, "symbol": "EURUSD", "volume": 10, "cmd": 0}
    opened = caller.post("/trade/open", order).json["order"]
    placed = caller.post("/trade/open/pending", {**order, "cmd": 2, "open_price": "1.0900"}).json["order"]
    _sessions(alice, _elsewhere())
    before = _rows(alice)
    refused = [
        caller.post("/trade/open", order),
        caller.post("/trade/open/pending", {**order, "cmd": 2, "open_price": "1.0800"}),
        caller.put("/trade/modify", {"order": opened, "sl": "1.0500"}),
        caller.put("/trade/modify/pending", {"order": placed, "open_price": "1.0800"}),
        caller.delete("/trade/close", {"order": opened}),
    ]
    assert [(answer.status, answer.json["error"]) for answer in refused] == [(403, "RET_TRADE_MARKET_CLOSED")] * 5
    assert _rows(alice) == before
    assert caller.delete("/trade/cancel", {"order": placed}).status == 200
    _sessions(alice, "24/7")
    assert caller.delete("/trade/close", {"order": opened}).status == 200


def test_the_market_says_that_it_is_closed(alice, api):
    _sessions(alice, _elsewhere())
    assets = api(alice).get("/market", login=alice.login).json["assets"]
    assert (assets["EURUSD"]["market_state"], assets["EURUSD"]["trade"]) == ("closed", 1)
    assert assets["XAUUSD"]["market_state"] == "open"


def test_what_is_due_waits_for_the_opening(alice, api):
    caller: Api = api(alice)
    order = {"login": alice.login, "symbol": "EURUSD", "volume": 10, "cmd": 0}
    stopped = caller.post("/trade/open", {**order, "sl": "1.0950"}).json["order"]
    limit = caller.post("/trade/open/pending", {**order, "cmd": 2, "open_price": "1.0940"}).json["order"]
    _sessions(alice, _elsewhere())
    alice.place.quote("EURUSD", "1.0900", "1.0902")
    with alice.place.scope():
        assert dict(Trade.objects.filter(id__in=(stopped, limit)).values_list("id", "cmd")) == {stopped: 0, limit: 2}
        assert set(Trade.objects.filter(id__in=(stopped, limit)).values_list("state", flat=True)) == {0}
    assert triggers_sweep(tenant_id=alice.place.id, at=now()) == 0
    _sessions(alice, "24/7")
    assert triggers_sweep(tenant_id=alice.place.id, at=now()) == 1
    with alice.place.scope():
        rows = Trade.objects.filter(id__in=(stopped, limit)).values_list("id", "cmd", "state", "close_price")
        assert {row[0]: row[1:] for row in rows} == {stopped: (0, 3, D("1.09")), limit: (0, 0, 0)}
