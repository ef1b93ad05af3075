"""Moments that chance alone would hardly come to: at the very bound of a setting, and when the market has moved on."""

from decimal import Decimal as D

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.hands.agreements import Agreements
from tests.model.hands.stage import SYMBOLS, lots, some
from tests.model.hands.trading import Trading

BESIDE = [D("-0.5"), D("-0.01"), D(0), D("0.01"), D("0.5")]
anybody_copies = precondition(lambda self: any(not s.ended for s in self.model.subscriptions))


class Moments(Trading, Agreements):
    """What a leader does at such a moment."""

    @anybody_copies
    @rule(which=some, beside=st.sampled_from(BESIDE), buys=st.booleans())
    def leader_opens_when_a_follower_has_just_so_much(self, which: int, beside: D, buys: bool) -> None:
        """Equity is the minimum that the follower has set, or a little beside it."""
        subscription = self.one_of_the_living(which)
        with self.for_now(subscription, min_equity=self.model.equity(subscription.follower) - beside):
            self.leader_opens(self.leaders.index(subscription.leader), SYMBOLS[which % 2], buys, D("0.5"), copied=True)

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
