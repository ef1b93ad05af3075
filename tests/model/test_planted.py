"""The machine finds what it is there for: small rules of the product are made wrong on purpose, one at a time, and within
a few walks product and model disagree."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from copytrade.domain import exits, fair, guards, planner, quarantine, sizing, stops
from copytrade.domain.guards import Guard
from copytrade.domain.values import LinkBook, Settings
from copytrade.engine import failures, listener, resting, turn
from copytrade.engine import stops as engine_stops
from copytrade.services import endings, subscriptions
from core.rounding import ceil_to_step, floor_to_step
from tests.model.hands.stage import prepare
from tests.model.walks import walk
from trading.domain import execution, triggers
from trading.domain.values import Ticket
from trading.services import triggers as market

WALKS = 12
"""How many walks a wrong rule may survive at most. They are those of `test_model`, which find nothing where nothing is wrong."""


def without(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A guard is not asked."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        left = tuple(guard for guard in guards.ENTRY_GUARDS if guard.__name__ != name)
        assert len(left) == len(guards.ENTRY_GUARDS) - 1
        patch.setattr(guards, "ENTRY_GUARDS", left)

    return plant


def with_settings(name: str, **changes: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """A guard reads some settings wrong."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def wrong(guard: Guard) -> Guard:
            def ask(entry: guards.Entry) -> guards.Skip | None:
                right = entry.settings
                entry.settings = replace(right, **{key: change(getattr(right, key)) for key, change in changes.items()})
                try:
                    return guard(entry)
                finally:
                    entry.settings = right

            return ask

        made = tuple(wrong(guard) if guard.__name__ == name else guard for guard in guards.ENTRY_GUARDS)
        patch.setattr(guards, "ENTRY_GUARDS", made)

    return plant


def exits_round_down(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exits, "exit_rounded", lambda volume, step, _rounding: floor_to_step(volume, step))


def exits_take_a_step_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exits, "exit_rounded", lambda volume, step, _rounding: ceil_to_step(volume, step) + step)


def entries_round_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sizing, "_entry_rounded", lambda volume, step, _rounding: ceil_to_step(volume, step))


def with_stops(**changes: Callable[[Settings], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Copied stops are worked out from settings that are read wrong."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def wrong(event: Any, settings: Settings, **more: Any) -> stops.Stops:
            misread = {name: change(settings) for name, change in changes.items()}
            return stops.follower_stops(event, replace(settings, **misread), **more)

        for place in (planner, engine_stops):
            patch.setattr(place, "follower_stops", wrong)

    return plant


def passed_stops_are_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(execution, "stops_fit", lambda *_prices: True)


def losses_are_not_stopped(patch: pytest.MonkeyPatch) -> None:
    right = triggers.Condition.holds
    patch.setattr(
        triggers.Condition,
        "holds",
        lambda condition, ticket, quote: condition.level is triggers.Level.TP and right(condition, ticket, quote),
    )


def closes_leave_the_links(patch: pytest.MonkeyPatch) -> None:
    right = listener._is_another_hand

    def wrong(change: Any) -> bool:
        return right(change) and change.order.intent != "CLOSE"

    patch.setattr(listener, "_is_another_hand", wrong)


def with_guard(name: str, wrong: Guard) -> Callable[[pytest.MonkeyPatch], None]:
    """A guard is another one."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        made = tuple(wrong if guard.__name__ == name else guard for guard in guards.ENTRY_GUARDS)
        assert made != guards.ENTRY_GUARDS
        patch.setattr(guards, "ENTRY_GUARDS", made)

    return plant


def opposite_orders_are_not_placed(entry: guards.Entry) -> guards.Skip | None:
    against = entry.held_side is not None and entry.held_side is not entry.side
    return guards.Skip(guards.SkipReason.OPPOSITE_SIDE, {}) if against else None


def limits_are_filled_at_market(patch: pytest.MonkeyPatch) -> None:
    for place in (resting, turn):
        patch.setattr(place, "fill_price", lambda _kind, _side, _price, now: now)


def promises_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(turn, "promised_price", lambda *_about: None)


def shadows_are_filled_by_the_market(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "shadow", False)
    right = market._due_sql
    patch.setattr(market, "_due_sql", lambda *asked: right(*asked).replace(b" AND NOT t.copied", b""))


def pauses_leave_what_rests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(subscriptions, "resting_cancel", lambda *_which, at: 0)


def orders_taken_back_leave_the_links(patch: pytest.MonkeyPatch) -> None:
    right = listener._is_another_hand
    patch.setattr(listener, "_is_another_hand", lambda change: change.kind.is_exit and right(change))


def closing_copies_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(endings, "closes_ask", lambda *_links, **_more: 0)


def requests_are_filled_at_their_own_quote(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        turn, "held_quote", lambda event, symbol, at: fair.held_quote(replace(event, source_kind="E"), symbol, at)
    )


def what_was_copied_is_copied_on_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LinkBook, "known", lambda *_pair: False)


def nothing_is_quarantined(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quarantine.QuarantineBook, "opposite", lambda *_met, **_more: None)


def exits_are_tried_again_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(failures, "retry_delay", lambda _attempts: timedelta(0))


def hands_take_from_links_first(patch: pytest.MonkeyPatch) -> None:
    right = listener.outside_reduction

    def wrong(ticket: D, reduced: D, owned: Sequence[D], step: D) -> list[D]:
        return right(sum(owned, D(0)), min(reduced, sum(owned, D(0))), owned, step)

    patch.setattr(listener, "outside_reduction", wrong)


PLANTED = {
    "exits round down": exits_round_down,
    "exits take a step more": exits_take_a_step_more,
    "entries round up": entries_round_up,
    "the other side is not looked at": without("_opposite"),
    "an increase needs no copy": without("_linked"),
    "what is closed again is copied": without("_still_open"),
    "a pause does not hold": without("_subscription"),
    "close only opens": without("_copy_mode"),
    "symbol lists are not read": without("_symbols"),
    "one position too many": with_settings("_positions", max_positions=lambda most: most and most + 1),
    "slippage is not asked": without("_slippage"),
    "a point of slippage too many": with_settings("_slippage", slippage_tolerance=lambda points: points and points + 1),
    "minimum equity is read 1 too high": with_settings("_equity_floor", min_equity=lambda least: least and least + 1),
    "minimum equity is read 1 too low": with_settings("_equity_floor", min_equity=lambda least: least and least - 1),
    "a hand takes what is linked first": hands_take_from_links_first,
    "stops are not changed over when reversed": with_stops(reverse_direction=lambda s: False),
    "flags of stops name the leader's side": with_stops(
        copy_sl=lambda s: s.copy_tp if s.reverse_direction else s.copy_sl,
        copy_tp=lambda s: s.copy_sl if s.reverse_direction else s.copy_tp,
    ),
    "a stop that has been passed is taken": passed_stops_are_taken,
    "losses are not stopped": losses_are_not_stopped,
    "closes leave the links": closes_leave_the_links,
    "pending orders are always copied": without("_pending"),
    "who took a copy back gets it all the same": without("_withdrawn"),
    "orders against a position are not placed": with_guard("_opposite", opposite_orders_are_not_placed),
    "limits are filled at market": limits_are_filled_at_market,
    "promises of limits are forgotten": promises_are_forgotten,
    "shadows are filled by the market": shadows_are_filled_by_the_market,
    "a pause leaves what rests": pauses_leave_what_rests,
    "orders taken back leave their links": orders_taken_back_leave_the_links,
    "copies that should be closed are forgotten": closing_copies_is_forgotten,
    "requests are filled at their own quote": requests_are_filled_at_their_own_quote,
    "what was copied is copied again on request": what_was_copied_is_copied_on_request,
    "what is owed is opened against": without("_closing"),
    "what is in quarantine is opened": without("_quarantine"),
    "nothing is put into quarantine": nothing_is_quarantined,
    "exits are tried again at once": exits_are_tried_again_at_once,
    "a stale price does": without("_quote"),
    "a signal may be a second too old": with_settings("_age", max_signal_age_seconds=lambda s: s and s + 1),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_rule_that_is_made_wrong_is_found(db: None, world: Any, monkeypatch: pytest.MonkeyPatch, plant: Any) -> None:
    prepare(world.north)
    plant(monkeypatch)
    assert any(_walk_fails(number) for number in range(WALKS)), "the machine did not find it"


def _walk_fails(number: int) -> bool:
    try:
        walk(number)
    except (AssertionError, ValueError, KeyError):
        # Also where the model itself cannot go on from there: an exit larger than a ticket, a link that it does not know.
        return True
    return False
