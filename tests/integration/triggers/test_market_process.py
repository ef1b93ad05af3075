"""The market process, its steps and its command for recorded ticks."""

from datetime import timedelta
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core.states import Cmd, TradeState
from infra.push import held
from tests.integration.triggers.conftest import Hands
from tests.support.world import World
from trading.feed.market import SimulatedMarket
from trading.models import Instrument, Quote
from trading.services.instruments import instrument_update


def simulate(hands: Hands, symbol: str) -> None:
    with hands.place.scope():
        instrument_update(tenant_id=hands.place.id, symbol=symbol, changes={"feed": "SIMULATED"})


def test_a_simulated_quote_carries_out_what_it_makes_due(transactional_db: None, world: World, hands: Hands) -> None:
    """Every order is filled at the first of the quotes that reached it; those that none reached go on waiting."""
    simulate(hands, "EURUSD")
    market, at, seen = SimulatedMarket(), hands.later(2), []
    market.step(at)
    hands.at = hands.later(3)
    with hands.place.scope():
        quote = Quote.objects.get(instrument__symbol="EURUSD")
    points = [D(number) / 100_000 for number in (1, 3, 300)]
    limits = [(hands.order(world.alice.account, Cmd.BUY_LIMIT, "0.01", quote.ask - p), quote.ask - p) for p in points]
    stops = [(hands.order(world.alice.account, Cmd.BUY_STOP, "0.01", quote.ask + p), quote.ask + p) for p in points]
    for number in range(1, 200):
        market.step(at + number * timedelta(milliseconds=250))
        with hands.place.scope():
            seen.append(Quote.objects.get(instrument__symbol="EURUSD").ask)
    reached = {number: next((ask for ask in seen if ask <= price), None) for number, price in limits}
    reached |= {number: next((ask for ask in seen if ask >= price), None) for number, price in stops}
    assert any(reached.values())
    for number, ask in reached.items():
        trade = hands.trade(number)
        assert (trade.cmd == Cmd.BUY) == (ask is not None)
        assert ask is None or trade.open_price == ask


def test_once_a_second_it_ends_what_expires_and_looks_at_margins(
    transactional_db: None, world: World, hands: Hands
) -> None:
    """Nothing of this tenant is simulated, and no quote comes."""
    pending = hands.order(world.alice.account, Cmd.BUY_LIMIT, "1", "1.0990", expiration_at=hands.later(3))
    poor = world.north.account(world.bob, world.north.real, balance=2_000)
    position = hands.order(poor, Cmd.BUY, "1")
    market = SimulatedMarket()
    market.step(hands.later(1))
    assert hands.trade(position).state == TradeState.OPEN
    with hands.place.scope():
        Quote.objects.filter(instrument__symbol="EURUSD").update(bid=D("1.0850"), ask=D("1.0852"))
        Quote.objects.filter(instrument__symbol="EURUSD").update(ask=D("1.0991"))
    market.step(hands.later(2))
    assert hands.trade(position).comment == "[so]"
    assert hands.trade(pending).state == TradeState.OPEN
    market.step(hands.later(3))
    assert hands.trade(pending).comment == "[expired]"


def test_margin_call_is_told_once_by_one_process(transactional_db: None, world: World, hands: Hands) -> None:
    hands.order(world.alice.account, Cmd.BUY, "8")
    with hands.place.scope():
        Quote.objects.filter(instrument__symbol="EURUSD").update(bid=D("1.0980"), ask=D("1.0982"))
    market = SimulatedMarket()
    with held() as frames:
        for second in range(1, 5):
            market.step(hands.later(second))
    assert len(frames) == 1


# --- Recorded ticks


def replay(folder: Path, text: str, **options: object) -> str:
    file, output = folder / "ticks.csv", StringIO()
    file.write_text(text)
    call_command("feed_replay", str(file), stdout=output, **{"tenant": "north", "speed": 0} | options)
    return output.getvalue()


RECORDED = """time,symbol,bid,ask
1700000000.0,EURUSD,1.0990,1.0992
1700000000.0,XAUUSD,2001,2001.5
1700000000.5,EURUSD,1.0940,1.0942
1700000001.0,EURUSD,1.0960,1.0962
"""


def test_recorded_ticks_are_taken_now_and_carry_out_what_they_make_due(
    transactional_db: None, world: World, hands: Hands, tmp_path: Path
) -> None:
    number = hands.order(world.alice.account, Cmd.BUY, "1", sl="1.0950")
    simulate(hands, "XAUUSD")
    assert replay(tmp_path, RECORDED) == "4 ticks were taken.\n"
    assert (hands.trade(number).close_price, hands.trade(number).comment) == (D("1.0940"), "[sl]")
    with hands.place.scope():
        quote = Quote.objects.get(instrument__symbol="EURUSD")
        assert (quote.bid, quote.source) == (D("1.0960"), "REPLAYED")
        assert quote.at > hands.at
        assert Instrument.objects.get(symbol="XAUUSD").feed_paused


def test_pauses_are_kept_at_a_speed(
    transactional_db: None, world: World, hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    said = replay(tmp_path, RECORDED, speed=2)
    assert said.endswith("in the median, 0 ms at the worst.\n")
    assert slept == [0.0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time,symbol,bid\n", "does not name the column ask"),
        ("time,symbol,bid,ask\nsoon,EURUSD,1,2\n", "Line 2 cannot be read"),
        ("time,symbol,bid,ask\n1,EURUSD,NaN,2\n", "Line 2 cannot be read"),
        ("time,symbol,bid,ask\n1,EURUSD,1\n", "Line 2 cannot be read"),
        ("time,symbol,bid,ask\n2,EURUSD,1,2\n1,EURUSD,1,2\n", "Line 3 is earlier"),
        ("time,symbol,bid,ask\n1e400,EURUSD,1,2\n", "Line 2 cannot be read"),
        ("time,symbol,bid,ask\n1,NOTHING,1,2\n", "is not an instrument"),
        ("time,symbol,bid,ask\n1,EURUSD,2,1\n", "must not be below bid"),
    ],
)
def test_a_bad_recording_says_where(world: World, hands: Hands, tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        replay(tmp_path, text)


def test_a_tenant_has_to_be_told_where_there_are_two(world: World, hands: Hands, tmp_path: Path) -> None:
    assert world.south.id
    with pytest.raises(CommandError, match="--tenant"):
        replay(tmp_path, RECORDED, tenant=None)
    with pytest.raises(CommandError, match="no such tenant"):
        replay(tmp_path, RECORDED, tenant="nowhere")
