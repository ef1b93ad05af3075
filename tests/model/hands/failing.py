"""Exits that cannot be made for want of a price: what is owed, what is kept shut meanwhile, and the quarantine."""

from decimal import Decimal as D

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from copytrade.models import Quarantine
from copytrade.services.quarantines import quarantine_release
from tests.model.hands.moments import Moments, anybody_copies
from tests.model.hands.stage import SYMBOLS, some
from trading.services.instruments import instrument_update


class Failing(Moments):
    """The market has no fresh price for a while."""

    @anybody_copies
    @rule(
        which=some, buys=st.booleans(), part=st.none() | some, turns=st.booleans(), against=st.booleans(), asks=st.booleans(),
        goes_on=st.integers(0, 2), seconds=st.integers(0, 3),
    )  # fmt: skip
    def exits_fail(
        self,
        which: int,
        buys: bool,
        part: int | None,
        turns: bool,
        against: bool,
        asks: bool,
        goes_on: int,
        seconds: int,
    ) -> None:
        """The leader closes a part or all of what he has or turns it round, and the copy comes when there is no price; some
        seconds after there is one again the exit is tried again. Meanwhile he goes on, that way or the other."""
        living = [s for s in self.model.subscriptions if not s.ended]
        living = (which % 2 and [s for s in living if s.follower.netting]) or living
        subscription, symbol = living[which % len(living)], SYMBOLS[which // 2 % 2]
        leader = subscription.leader
        self.drain(leader)
        with self.for_now(subscription):
            ticket = self.open(leader, symbol, buys, D("0.4"))
            self.drain(leader)
            if turns:
                self.open(leader, symbol, not buys, D("0.6"))
            elif ticket is not None:
                self.close(leader, ticket, part)
            self._price_is_fresh(symbol, fresh=False)
            self.carry_out(leader) if asks else self.drain(leader)
            self._price_is_fresh(symbol, fresh=True)
            for _time in range(goes_on):
                self.open(leader, symbol, buys is against, D("0.2"))
            self.drain(leader)
            self.agree()
            self.time_passes(seconds)
            self.carry_out(leader)
            self.open(leader, symbol, not buys, D("0.1"))
            self.drain(leader)

    def _price_is_fresh(self, symbol: str, *, fresh: bool) -> None:
        if fresh:
            self.market_moves(symbol, 0, None)
            self.model.stale.remove(symbol)
        with self.place.scope():
            changes = {"stale_quote_seconds": 0 if fresh else 5}
            instrument_update(tenant_id=self.place.id, symbol=symbol, changes=changes)
        if not fresh:
            self.time_passes(6)
            self.model.stale.add(symbol)

    @precondition(lambda self: bool(self.model.quarantined))
    @rule(which=some)
    def owner_releases(self, which: int) -> None:
        name, symbol = sorted(self.model.quarantined)[which % len(self.model.quarantined)]
        with self.place.scope():
            found = Quarantine.objects.get(follower=self.real[name], symbol=symbol, released_at__isnull=True)
            quarantine_release(quarantine_id=found.pk, user_id=self.place.person("bob").id, at=self.at)
        self.model.quarantined.remove((name, symbol))
