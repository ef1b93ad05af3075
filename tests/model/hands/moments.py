"""Moments that chance alone would hardly come to: at the very bound of a setting, and when the market has moved on."""

from decimal import Decimal as D
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.hands.agreements import Agreements
from tests.model.hands.asking import Asking
from tests.model.hands.stage import SYMBOLS, lots, some
from tests.model.hands.trading import NONE, Distances, stops
from tests.model.hands.waiting import FAR, KINDS, Waiting
from tests.model.paper.house import LIMIT
from tests.model.wishes import changes

BESIDE = [D("-0.5"), D("-0.01"), D(0), D("0.01"), D("0.5")]
anybody_copies = precondition(lambda self: any(not s.ended for s in self.model.subscriptions))


class Moments(Waiting, Asking, Agreements):
    """What a leader does at such a moment."""

    @anybody_copies
    @rule(which=some, beside=st.sampled_from(BESIDE), buys=st.booleans())
    def leader_opens_when_a_follower_has_just_so_much(self, which: int, beside: D, buys: bool) -> None:
        """Equity is the minimum that the follower has set, or a little beside it."""
        subscription = self.one_of_the_living(which)
        with self.for_now(subscription, min_equity=self.model.equity(subscription.follower) - beside):
            self.leader_opens(self.leaders.index(subscription.leader), SYMBOLS[which % 2], buys, D("0.5"), copied=True)

    @anybody_copies
    @rule(which=some, more=st.integers(0, 2), buys=st.booleans())
    def leader_opens_twice_when_a_follower_has_just_so_many(self, which: int, more: int, buys: bool) -> None:
        """Of the open copies that he wants at most so many are left."""
        subscription = self.one_of_the_living(which)
        with self.for_now(subscription, max_positions=len(subscription.active()) + more):
            for _time in range(2):
                self.open(subscription.leader, SYMBOLS[which % 2], buys, D("0.1"))
            self.drain(subscription.leader)

    @anybody_copies
    @rule(
        which=some, tolerance=st.sampled_from([1, 5, 40]), beside=st.sampled_from([-1, 0, 1, 20]),
        seconds=st.sampled_from([2, 3, 30, 31]), buys=st.booleans(), volume=lots,
    )  # fmt: skip
    def leader_is_copied_when_the_market_has_moved_on(
        self, which: int, tolerance: int, beside: int, seconds: int, buys: bool, volume: D
    ) -> None:
        """Against the follower, by as many points as he tolerates or a little beside that, and as late as he lets it be."""
        subscription, symbol = self.one_of_the_living(which), SYMBOLS[which % 2]
        leader = self.leaders.index(subscription.leader)
        against = (tolerance + beside) * (1 if buys is not subscription.settings["reverse_direction"] else -1)
        with self.for_now(subscription, slippage_tolerance=D(tolerance), max_signal_age_seconds=30):
            self.leader_opens(leader, symbol, buys, volume, copied=False)
            self.market_moves(symbol, against, None)
            self.time_passes(seconds)
            self.leader_is_copied(leader)

    @anybody_copies
    @rule(which=some, wanted=changes, deed=some, volume=lots, buys=st.booleans(), stops=stops)
    def leader_deals_under_other_settings(
        self, which: int, wanted: dict[str, Any], deed: int, volume: D, buys: bool, stops: Distances
    ) -> None:
        """Settings that hold for a deed or two: the follower does not miss too much by them."""
        subscription = self.one_of_the_living(which)
        leader, symbol = subscription.leader, SYMBOLS[which % 2]
        with self.for_now(subscription, **wanted):
            self.open(leader, symbol, buys, volume, stops)
            self.drain(leader)
            if deed % 3 and (held := leader.tickets):
                ticket = held[deed % len(held)]
                if deed % 3 == 1:
                    self.close(leader, ticket, part=deed)
                else:
                    self.move_stops(leader, ticket, stops)
                self.drain(leader)

    @anybody_copies
    @rule(
        which=some,
        distance=st.sampled_from([3, 25]),
        short=st.integers(0, 1),
        is_loss=st.booleans(),
        buys=st.booleans(),
    )
    def leader_is_copied_when_his_first_stop_has_been_passed(
        self, which: int, distance: int, short: int, is_loss: bool, buys: bool
    ) -> None:
        """He took it back in time, so he holds on: who copies the opening now would be stopped at once."""
        leader, symbol = self.one_of_the_living(which).leader, SYMBOLS[which % 2]
        ticket = self.open(leader, symbol, buys, D("0.1"), (distance, 0) if is_loss else (0, distance))
        if ticket is None:
            return
        self.move_stops(leader, ticket, NONE)
        self.market_moves(symbol, (distance - short) * (-1 if buys is is_loss else 1), None)
        self.drain(leader)

    @anybody_copies
    @rule(which=some, flags=st.tuples(st.booleans(), st.booleans(), st.booleans()), buys=st.booleans(), stops=stops)
    def leader_sets_and_moves_stops(
        self, which: int, flags: tuple[bool, bool, bool], buys: bool, stops: Distances
    ) -> None:
        """For a follower who wants one of them, both or none, and may have turned everything round."""
        subscription = self.one_of_the_living(which)
        wanted = dict(zip(("reverse_direction", "copy_sl", "copy_tp"), flags, strict=True))
        with self.for_now(subscription, **wanted):
            ticket = self.open(subscription.leader, SYMBOLS[which % 2], buys, D("0.2"), (70, 200))
            self.drain(subscription.leader)
            if ticket is not None:
                self.move_stops(subscription.leader, ticket, stops)
                self.drain(subscription.leader)

    @anybody_copies
    @rule(
        which=some, wanted=changes, kind=st.sampled_from(KINDS), buys=st.booleans(), far=st.sampled_from(FAR),
        volume=lots, short=st.integers(0, 1), away=st.sampled_from([-20, 0, 20]), seconds=st.sampled_from([1, 3, 31]),
        taken_back=st.sampled_from([False, False, True]), stops=stops,
    )  # fmt: skip
    def leaders_order_is_reached(
        self, which: int, wanted: dict[str, Any], kind: str, buys: bool, far: int, volume: D, short: int, away: int,
        seconds: int, taken_back: bool, stops: Distances,
    ) -> None:  # fmt: skip
        """Placed, changed and copied, reached or missed by a point, and copied when the market has moved on against it; some
        followers have put an order of their own in the place of the copy."""
        subscription, symbol = self.one_of_the_living(which), SYMBOLS[which % 2]
        leader, follower = subscription.leader, subscription.follower
        with self.for_now(subscription, copy_pending_orders=True, reverse_direction=False):
            order = self.place_order(leader, symbol, buys, kind, volume, far + 5, NONE, None)
            self.drain(leader)
            self.change_order(leader, order, far, stops, None)
            self.drain(leader)
            if taken_back:
                self.place_order(follower, symbol, buys, kind, D("0.1"), far, NONE, None)
                for link in subscription.resting(order):
                    self.withdraw(follower, link.ticket)
                self.agree()
            with self.for_now(subscription, **wanted):
                self.market_moves(symbol, (far - short) * (-1 if buys is (kind == LIMIT) else 1), None)
                self.market_moves(symbol, away if buys else -away, None)
                self.time_passes(seconds)
                self.drain(leader)

    @precondition(lambda self: any(s.leader.netting and not s.ended for s in self.model.subscriptions))
    @rule(which=some, buys=st.booleans())
    def leaders_position_takes_a_limit_in(self, which: int, buys: bool) -> None:
        """Its copies were promised no worse a price than the limit's, however late they come to it."""
        subscriptions = [s for s in self.model.subscriptions if s.leader.netting and not s.ended]
        subscription, symbol = subscriptions[which % len(subscriptions)], SYMBOLS[which % 2]
        leader = subscription.leader
        with self.for_now(subscription, copy_pending_orders=True, reverse_direction=False):
            self.open(leader, symbol, buys, D("0.3"))
            self.place_order(leader, symbol, buys, LIMIT, D("0.2"), FAR[0], NONE, None)
            self.drain(leader)
            self.market_moves(symbol, FAR[0] * (-1 if buys else 1), None)
            self.market_moves(symbol, 20 if buys else -20, None)
            self.time_passes(3)
            self.drain(leader)

    @anybody_copies
    @rule(which=some, who=st.integers(0, 2), buys=st.booleans())
    def leader_opens_while_somebody_is_off(self, which: int, who: int, buys: bool) -> None:
        """The master, the follower, or the whole module."""
        subscription = self.one_of_the_living(which)
        name = [subscription.leader.name, subscription.follower.name, "module"][who]
        self.switch(name, on=False)
        with self.for_now(subscription):
            self.open(subscription.leader, SYMBOLS[which % 2], buys, D("0.1"))
            self.drain(subscription.leader)
        self.switch(name, on=True)

    @precondition(lambda self: any(s.follower.netting and not s.ended for s in self.model.subscriptions))
    @rule(which=some, buys=st.booleans(), own=lots, part=some)
    def hand_takes_part_of_what_a_copy_shares(self, which: int, buys: bool, own: D, part: int) -> None:
        """A netting follower adds lots of his own to a copy, and closes some of it."""
        subscriptions = [s for s in self.model.subscriptions if s.follower.netting and not s.ended]
        subscription, symbol = subscriptions[which % len(subscriptions)], SYMBOLS[which % 2]
        with self.for_now(subscription):
            self.open(subscription.leader, symbol, buys, D("0.5"))
            self.drain(subscription.leader)
            held = subscription.follower.position(symbol)
            if held is not None:
                self.open(subscription.follower, symbol, held.side > 0, own)
                self.close(subscription.follower, held, part)

    @anybody_copies
    @rule(which=some, buys=st.booleans(), copied=st.booleans(), left=st.booleans())
    def follower_asks_for_what_the_leader_has(self, which: int, buys: bool, copied: bool, left: bool) -> None:
        """Also for what is about to be copied anyway, and for what the leader leaves meanwhile."""
        subscription = self.one_of_the_living(which)
        leader = subscription.leader
        with self.for_now(subscription):
            ticket = self.open(leader, SYMBOLS[which % 2], buys, D("0.2"))
            if copied:
                self.drain(leader)
            self.change_settings(subscription, {}, existing=True)
            if left and ticket is not None:
                self.close(leader, ticket, None)
            self.market_moves(SYMBOLS[which % 2], 7, None)
            self.carry_out(leader)
