"""Long walks of the machine, driven by an even hand: Hypothesis itself would mostly do little."""

from collections.abc import Callable
from random import Random
from typing import Any

from copytrade.services.endings import OpenCopies
from tests.model.hands.moments import BESIDE
from tests.model.hands.stage import SYMBOLS
from tests.model.hands.trading import DISTANCES
from tests.model.hands.waiting import FAR, KINDS, PATIENCE
from tests.model.machine import Copying
from tests.model.paper.house import STEP
from tests.model.wishes import DECK, FIRST_WISHES, drawn

STEPS = 56
PENDING = {"copy_pending_orders": True}
FLAGS = [(True, True, False), (True, False, True), (True, True, True), (False, True, False), (False, False, True)]
"""Of stops: turned round, with a loss, with a profit."""
Deed = Callable[[], Any]


def walk(number: int) -> None:
    """One walk from a fresh start, always the same one for a number, and everything undone after it."""
    Walk(number).go()


class Walk:
    """Every second step is a moment, one kind after the other; the others are what luck brings."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.luck = Random(number)
        self.machine = Copying()
        self.wishes = iter((DECK * 2)[number * STEPS // 4 % len(DECK) :])

    def go(self) -> None:
        luck, machine = self.luck, self.machine
        try:
            first = PENDING | FIRST_WISHES[self.number % len(FIRST_WISHES)]
            # How many wishes there are first decides which leader the netting account copies.
            odd = {"enabled": True} if self.number % 2 else {}
            machine.first_agreements([first | odd, PENDING, drawn(luck), drawn(luck)])
            for step in range(STEPS):
                if step % 2:
                    moments = self.moments()
                    moments[(self.number + step // 2) % len(moments)]()
                else:
                    self.deed()()
                machine.agree()
            machine.prove()
        finally:
            machine.undo()

    def even(self) -> bool:
        return self.luck.random() < 0.5

    def deed(self) -> Deed:
        """One thing that somebody does, by an even hand."""
        luck, machine = self.luck, self.machine
        who, symbol, volume = luck.randrange(1000), luck.choice(SYMBOLS), self.volume()
        part, copied, stops = luck.choice([None, luck.randrange(1000)]), luck.random() < 0.6, self.stops()
        side, held = self.even(), any(a.tickets for a in machine.leaders)
        living = any(not s.ended for s in machine.model.subscriptions)
        followed = any(a.tickets for a in machine.followers)
        kind, far, patience = luck.choice(KINDS), luck.choice(FAR), luck.choice(PATIENCE)
        ordered, rests = any(a.waiting for a in machine.leaders), any(a.waiting for a in machine.followers)
        deeds: list[tuple[int, bool, Deed]] = [
            (6, True, lambda: machine.leader_opens(who, symbol, side, volume, copied, stops)),
            (5, held, lambda: machine.leader_trades_what_he_has(who, volume, side, copied, stops)),
            (5, held, lambda: machine.leader_closes(who, part, copied)),
            (3, held, lambda: machine.leader_moves_stops(who, stops, copied)),
            (2, True, lambda: machine.follower_opens(who, symbol, side, volume)),
            (3, followed, lambda: machine.follower_closes(who, part)),
            (3, followed, lambda: machine.follower_trades_what_he_has(who, volume, side)),
            (1, followed, lambda: machine.follower_moves_stops(who, stops)),
            (3, True, lambda: machine.leader_places(who, symbol, side, kind, volume, far, stops, patience, copied)),
            (2, ordered, lambda: machine.leader_changes_an_order(who, far, stops, patience, copied)),
            (1, ordered, lambda: machine.leader_withdraws(who, copied)),
            (2, True, lambda: machine.follower_places(who, symbol, side, kind, volume, FAR[who % 2])),
            (1, rests, lambda: machine.follower_withdraws(who)),
            (1, rests, lambda: machine.follower_cannot_change_a_shadow(who)),
            (1, True, lambda: machine.money_moves(who, luck.choice([-300, 40, 200]))),
            (4, True, lambda: machine.market_moves(symbol, luck.randint(-60, 60), luck.randint(0, 30))),
            (2, True, lambda: machine.time_passes(luck.choice([1, 3, 3, 30, 31]))),
            (2, True, lambda: machine.somebody_subscribes(who, drawn(luck), existing=side)),
            (1, living, lambda: machine.settings_change(who, drawn(luck), luck.choice(list(OpenCopies)), side)),
            (1, living, lambda: machine.settings_change(who, {"status": 0}, OpenCopies.KEEP_EXITS, True)),
            (1, living, lambda: machine.subscription_ends(who, luck.choice(list(OpenCopies)))),
            (2, bool(machine.copied()), lambda: machine.follower_closes_in_the_panel(who)),
            (1, bool(machine.copied()), lambda: machine.follower_untracks(who)),
            (3, bool(machine.model.quarantined), lambda: machine.owner_releases(who)),
            (3, bool(machine.model.asked), lambda: machine.what_was_asked_is_done(who)),
            (2, True, lambda: machine.somebody_is_switched(who, luck.random() < 0.9)),
            (1, True, lambda: machine.nobody_goes_in_circles(who)),
            (2, True, lambda: machine.leader_is_copied(who)),
        ]
        return luck.choices(
            [deed for _w, _p, deed in deeds], [weight if possible else 0 for weight, possible, _d in deeds]
        )[0]

    def moments(self) -> list[Deed]:
        """What comes about in turn; every second time wishes are tried out."""
        luck, machine = self.luck, self.machine
        if all(s.ended for s in machine.model.subscriptions):
            return [lambda: machine.somebody_subscribes(luck.randrange(1000), {})]
        who, side, volume, stops = luck.randrange(1000), self.even(), self.volume(), self.stops()
        flags = luck.choice(FLAGS)
        shares = any(s.follower.netting and not s.ended for s in machine.model.subscriptions)
        nets = any(s.leader.netting and not s.ended for s in machine.model.subscriptions)
        tried: Deed = lambda: machine.leader_deals_under_other_settings(  # noqa: E731
            who, next(self.wishes), luck.randrange(1000), volume, side, stops
        )
        others: list[Deed] = [
            lambda: machine.leader_is_copied_when_the_market_has_moved_on(
                who, luck.choice([1, 5, 40]), luck.choice([-1, 0, 1, 1, 20]), luck.choice([2, 3, 30, 31]), side, volume
            ),
            lambda: machine.leaders_order_is_reached(
                who,
                luck.choice([{}, next(self.wishes)]),
                luck.choice(KINDS),
                side,
                luck.choice(FAR),
                volume,
                luck.choice([0, 0, 0, 1]),
                luck.choice([-20, 0, 20, 20]),
                luck.choice([1, 3, 3]),
                luck.random() < 0.3,
                stops,
            ),
            lambda: machine.leader_sets_and_moves_stops(who, flags, side, stops),
            lambda: machine.leader_opens_when_a_follower_has_just_so_much(who, luck.choice(BESIDE), side),
            lambda: machine.leader_is_copied_when_his_first_stop_has_been_passed(
                who, luck.choice([3, 25]), luck.randint(0, 1), self.even(), side
            ),
            lambda: (
                machine.hand_takes_part_of_what_a_copy_shares(who, side, volume, luck.randrange(1000))
                if shares
                else machine.somebody_subscribes(2, PENDING)
            ),
            lambda: machine.follower_asks_for_what_the_leader_has(
                who, side, copied=luck.random() < 0.2, left=luck.random() < 0.3
            ),
            lambda: machine.exits_fail(
                who,
                side,
                luck.choice([None, luck.randrange(1000)]),
                turns=self.even(),
                against=self.even(),
                asks=self.even(),
                goes_on=luck.randrange(3),
                seconds=luck.randrange(3),
            ),
            lambda: machine.leader_opens_while_somebody_is_off(who, luck.randrange(3), side),
            lambda: (
                machine.leaders_position_takes_a_limit_in(who, side)
                if nets
                else machine.somebody_subscribes(1, PENDING)
            ),
            lambda: machine.leader_opens_twice_when_a_follower_has_just_so_many(who, luck.randint(0, 2), side),
        ]
        return [deed for other in others for deed in (tried, other)]

    def volume(self) -> Any:
        return self.luck.choice([self.luck.randint(1, 120), self.luck.randint(1, 6)]) * STEP

    def stops(self) -> tuple[int, int]:
        return self.luck.choice(DISTANCES), self.luck.choice(DISTANCES)
