"""What people do on their accounts: leaders, whose deeds are copied, and followers with their own hands."""

from datetime import timedelta
from decimal import Decimal as D

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.states import Side
from tests.model.hands.stage import SYMBOLS, Stage, lots, seen, some, soon
from tests.model.paper.house import STEP, Account, Ticket
from trading.services.balance import balance_operate
from trading.services.orders import Changes, OrderAnswer, order_close, order_modify, order_open
from trading.services.triggers import triggers_sweep

POINT = {"EURUSD": D("0.00001"), "XAUUSD": D("0.01")}
Distances = tuple[int, int]
"""How many points away from the market stop loss and take profit stand; 0: none."""
NONE = (0, 0)
DISTANCES = [0, 0, 0, 3, 25, 70, 200]
stops = st.tuples(st.sampled_from(DISTANCES), st.sampled_from(DISTANCES))


class Trading(Stage):
    """Orders, stops, money, prices and time."""

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots, copied=soon, stops=stops)
    def leader_opens(self, who: int, symbol: str, buys: bool, volume: D, copied: bool, stops: Distances = NONE) -> None:
        leader = self.leaders[who % 2]
        self.open(leader, symbol, buys, volume, stops)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, volume=lots, same=st.booleans(), copied=soon, stops=stops)
    def leader_trades_what_he_has(
        self, which: int, volume: D, same: bool, copied: bool, stops: Distances = NONE
    ) -> None:
        """On netting: more of it, less of it, or the other way round."""
        tickets = [(a, t) for a in self.leaders for t in a.tickets if a.netting] or [
            (a, t) for a in self.leaders for t in a.tickets
        ]
        leader, ticket = tickets[which % len(tickets)]
        self.open(leader, ticket.symbol, (ticket.side > 0) is same, volume, stops)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, volume=lots, same=st.booleans())
    def follower_trades_what_he_has(self, which: int, volume: D, same: bool) -> None:
        """On netting: lots of his own beside the copy, or somebody else's hand on it."""
        tickets = [(a, t) for a in self.followers for t in a.tickets]
        tickets = [(a, t) for a, t in tickets if a.netting] or tickets
        account, ticket = tickets[which % len(tickets)]
        self.open(account, ticket.symbol, (ticket.side > 0) is same, volume)

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots)
    def follower_opens(self, who: int, symbol: str, buys: bool, volume: D) -> None:
        self.open(self.followers[who % len(self.followers)], symbol, buys, volume)

    def open(self, account: Account, symbol: str, buys: bool, volume: D, stops: Distances = NONE) -> Ticket | None:
        """The ticket that it opens or joins."""
        side = Side.BUY if buys else Side.SELL
        sl, tp = self._levels(symbol, side.sign, stops)
        with self.place.scope():
            answer = order_open(
                account_id=self.id_of(account), symbol=symbol, side=side, volume=volume, sl=sl, tp=tp, at=self.at
            )
        assert isinstance(answer, OrderAnswer), answer
        ticket = self.model.buy(account, Ticket(symbol, side.sign, volume, D(0), sl, tp))
        if ticket is not None and ticket.number is None:
            ticket.number = answer.order
        return ticket

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, part=st.none() | some, copied=soon)
    def leader_closes(self, which: int, part: int | None, copied: bool) -> None:
        leader, ticket = _one(self.leaders, which)
        self.close(leader, ticket, part)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, part=st.none() | some)
    def follower_closes(self, which: int, part: int | None) -> None:
        """By hand, whatever it is: a copy, or a ticket of the customer's own."""
        self.close(*_one(self.followers, which), part)

    def close(self, account: Account, ticket: Ticket, part: int | None) -> None:
        volume = None if part is None else (1 + part % int(ticket.lots / STEP)) * STEP
        with self.place.scope():
            outcome = order_close(account_id=self.id_of(account), trade_id=ticket.number, volume=volume, at=self.at)
        assert isinstance(outcome, OrderAnswer), outcome
        self.model.sell(account, ticket, volume or ticket.lots)

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, stops=stops, copied=soon)
    def leader_moves_stops(self, which: int, stops: Distances, copied: bool) -> None:
        leader, ticket = _one(self.leaders, which)
        self.move_stops(leader, ticket, stops)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, stops=stops)
    def follower_moves_stops(self, which: int, stops: Distances) -> None:
        """By hand, whatever it is."""
        self.move_stops(*_one(self.followers, which), stops)

    def move_stops(self, account: Account, ticket: Ticket, stops: Distances) -> None:
        sl, tp = self._levels(ticket.symbol, ticket.side, stops)
        with self.place.scope():
            changed = Changes(sl=sl, tp=tp)
            answer = order_modify(account_id=self.id_of(account), trade_id=ticket.number, changes=changed, at=self.at)
        assert isinstance(answer, OrderAnswer), answer
        assert self.model.set_stops(account, ticket, sl, tp)

    def _levels(self, symbol: str, side: int, stops: Distances) -> tuple[D, D]:
        """Stops so many points away from where a ticket of that side would be closed now."""
        bid, ask = self.model.quotes[symbol]
        price, point = (bid if side > 0 else ask), POINT[symbol]
        sl, tp = stops
        return price - side * sl * point if sl else D(0), price + side * tp * point if tp else D(0)

    @rule(who=some, amount=st.integers(-500, 500).filter(bool))
    def money_moves(self, who: int, amount: int) -> None:
        account = list(self.model.accounts.values())[who % len(self.real)]
        with self.place.scope():
            balance_operate(account_id=self.id_of(account), amount=D(amount), at=self.at)
        self.model.money(account, D(amount))

    @rule(symbol=st.sampled_from(SYMBOLS), moved=st.integers(-60, 60), spread=st.integers(0, 30))
    def market_moves(self, symbol: str, moved: int, spread: int | None) -> None:
        """By so many points; with no spread given it stays as it is."""
        (bid, ask), point = self.model.quotes[symbol], POINT[symbol]
        ask = ask + moved * point if spread is None else bid + (moved + spread) * point
        for account, which in self.model.quote(symbol, (bid + moved * point, ask)):
            seen["leader" if account in self.leaders else "follower", which] += 1
        self.place.quote(symbol, *self.model.quotes[symbol], at=self.at)
        self.name_tickets()

    @rule(seconds=st.sampled_from([1, 3, 3, 29, 30, 31]))
    def time_passes(self, seconds: int) -> None:
        """The house looks once a second at what has waited long enough."""
        self.at += timedelta(seconds=seconds)
        self.model.time(seconds)
        triggers_sweep(tenant_id=self.place.id, at=self.at)

    @rule(who=some)
    def leader_is_copied(self, who: int) -> None:
        self.drain(self.leaders[who % 2])


def _one(accounts: list[Account], which: int) -> tuple[Account, Ticket]:
    tickets = [(a, t) for a in accounts for t in a.tickets]
    return tickets[which % len(tickets)]
