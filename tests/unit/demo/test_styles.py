"""Decisions of the demo's leaders: from past prices and dice alone."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from config.demo.styles import Close, Held, Mood, Open, Signal, Style, Trader, usual_move
from core.states import Side

STEPS = {"EURUSD": Decimal("0.01"), "MES": Decimal(1)}


def style(**changes: Any) -> Style:
    values: dict[str, Any] = {
        "symbols": ("EURUSD",), "signal": Signal.TREND, "lookback": 2, "chance": 1000, "conviction": 1000, "target": 30,
        "stop": 20, "hold": 10, "open_max": 1, "lots": {"EURUSD": ("0.50",), "MES": ("3",)},
    }  # fmt: skip
    return Style(**values | changes)


def trader(**changes: Any) -> Trader:
    return Trader(style(**changes), Random("dice"), STEPS)


def holding(one: Trader, side: Side = Side.BUY, entry: int = 100, bar: int = 4, symbol: str = "EURUSD") -> Trader:
    one.held = [Held(1, symbol, side, Decimal("0.50"), entry, bar)]
    return one


@pytest.mark.parametrize(
    ("signal", "prices", "side"),
    [
        (Signal.TREND, [100, 101, 102], Side.BUY),
        (Signal.TREND, [102, 101, 100], Side.SELL),
        (Signal.REVERSION, [100, 101, 102], Side.SELL),
        (Signal.REVERSION, [102, 101, 100], Side.BUY),
    ],
)
def test_an_entry_takes_the_side_of_the_signal(signal: Signal, prices: list[int], side: Side) -> None:
    assert trader(signal=signal).decide({"EURUSD": prices}) == [Open("EURUSD", side, Decimal("0.50"))]


def test_without_conviction_the_other_side_is_taken() -> None:
    assert trader(conviction=0).decide({"EURUSD": [100, 101, 102]}) == [Open("EURUSD", Side.SELL, Decimal("0.50"))]


@pytest.mark.parametrize(
    ("side", "last", "closed"),
    [
        (Side.BUY, 103, True),  # three usual moves won
        (Side.BUY, 102, False),
        (Side.BUY, 98, True),  # two usual moves lost
        (Side.BUY, 99, False),
        (Side.SELL, 97, True),
        (Side.SELL, 102, True),
    ],
)
def test_target_and_stop_are_counted_in_usual_moves(side: Side, last: int, closed: bool) -> None:
    prices = [*range(last - 4, last + 1)]  # neighbours are one tick apart
    assert trader_exits(holding(trader(), side), prices) == ([Close(1)] if closed else [])


def test_an_old_ticket_is_closed() -> None:
    prices = [100, 101] * 7
    assert trader_exits(holding(trader()), prices) == [Close(1)]


def test_half_the_profit_is_taken_once_half_way() -> None:
    one = holding(trader(halves=True, target=40))
    prices = [98, 99, 100, 101, 102]
    assert trader_exits(one, prices) == [Close(1, Decimal("0.25"))]
    one.closed(Close(1, Decimal("0.25")))
    assert one.held[0].volume == Decimal("0.25")
    assert trader_exits(one, prices) == []


def test_one_lot_of_a_future_cannot_be_halved() -> None:
    one = holding(trader(halves=True, target=40, symbols=("MES",)), symbol="MES")
    one.held[0].volume = Decimal(1)
    assert one.decide({"MES": [98, 99, 100, 101, 102]}, Mood.AWAY) == []


def test_week_ends_are_for_exits_only() -> None:
    assert trader().decide({"EURUSD": [100, 101, 102]}, Mood.AWAY) == []
    assert len(trader(week_ends=True).decide({"EURUSD": [100, 101, 102]}, Mood.AWAY)) == 1


def test_what_is_kept_stays_open_in_the_last_hours() -> None:
    prices = [*range(200, 205)]
    assert trader_exits(holding(trader(keeps=1)), prices, Mood.EAGER) == []
    assert trader_exits(holding(trader(keeps=1)), prices) == [Close(1)]


def test_a_winner_is_added_to_once() -> None:
    one = holding(trader(adds=True, target=1000))
    prices = {"EURUSD": [98, 99, 100, 101, 102]}
    assert one.decide(prices) == [Open("EURUSD", Side.BUY, Decimal("0.50"))]
    one.opened(1, Open("EURUSD", Side.BUY, Decimal("0.50")), prices)
    assert (one.held[0].volume, one.held[0].entry) == (Decimal(1), 101)
    assert one.decide(prices) == []


def test_the_same_dice_make_the_same_decisions() -> None:
    prices = [1000 + (bar * 7919) % 13 for bar in range(200)]
    first, second = (
        [one.decide({"EURUSD": prices[:bar]}) for bar in range(20, 200)]
        for one in (Trader(style(chance=300), Random("x"), STEPS) for _run in range(2))
    )
    assert first == second
    assert any(first)


def test_the_usual_move_is_never_zero() -> None:
    assert usual_move([5]) == usual_move([5, 5, 5]) == 1
    assert usual_move([0, 4, 0]) == 4


def trader_exits(one: Trader, prices: list[int], mood: Mood = Mood.USUAL) -> list[Open | Close]:
    return [what for what in one.decide({"EURUSD": prices}, mood) if isinstance(what, Close)]
