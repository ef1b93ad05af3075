"""What people do on their accounts: leaders, whose deeds are copied, and followers with their own hands."""

from datetime import timedelta
from decimal import Decimal as D

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.states import Side
from tests.model.hands.stage import SYMBOLS, Stage, lots, some, soon
from tests.model.paper.copying import STEP, Account
from trading.services.balance import balance_operate
from trading.services.orders import OrderAnswer, order_close, order_open


class Trading(Stage):
    """Orders, money, prices and time."""

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots, copied=soon)
    def leader_opens(self, who: int, symbol: str, buys: bool, volume: D, copied: bool) -> None:
        leader = self.leaders[who % 2]
        self._open(leader, symbol, buys, volume)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, volume=lots, same=st.booleans(), copied=soon)
    def leader_trades_what_he_has(self, which: int, volume: D, same: bool, copied: bool) -> None:
        """On netting: more of it, less of it, or the other way round."""
        tickets = [(a, t) for a in self.leaders for t in a.tickets if a.netting] or [
            (a, t) for a in self.leaders for t in a.tickets
        ]
        leader, ticket = tickets[which % len(tickets)]
        self._open(leader, ticket.symbol, (ticket.side > 0) is same, volume)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, volume=lots, same=st.booleans())
    def follower_trades_what_he_has(self, which: int, volume: D, same: bool) -> None:
        """On netting: lots of his own beside the copy, or somebody else's hand on it."""
        tickets = [(a, t) for a in self.followers for t in a.tickets]
        tickets = [(a, t) for a, t in tickets if a.netting] or tickets
        account, ticket = tickets[which % len(tickets)]
        self._open(account, ticket.symbol, (ticket.side > 0) is same, volume)

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots)
    def follower_opens(self, who: int, symbol: str, buys: bool, volume: D) -> None:
        self._open(self.followers[who % len(self.followers)], symbol, buys, volume)

    def _open(self, account: Account, symbol: str, buys: bool, volume: D) -> None:
        side = Side.BUY if buys else Side.SELL
        with self.place.scope():
            answer = order_open(account_id=self.id_of(account), symbol=symbol, side=side, volume=volume, at=self.at)
        assert isinstance(answer, OrderAnswer), answer
        ticket = self.model.buy(account, symbol, side.sign, volume)
        if ticket is not None and ticket.number is None:
            ticket.number = answer.order

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, part=st.none() | some, copied=soon)
    def leader_closes(self, which: int, part: int | None, copied: bool) -> None:
        leader = self._close(self.leaders, which, part)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, part=st.none() | some)
    def follower_closes(self, which: int, part: int | None) -> None:
        """By hand, whatever it is: a copy, or a ticket of the customer's own."""
        self._close(self.followers, which, part)

    def _close(self, accounts: list[Account], which: int, part: int | None) -> Account:
        tickets = [(a, t) for a in accounts for t in a.tickets]
        account, ticket = tickets[which % len(tickets)]
        volume = None if part is None else (1 + part % int(ticket.lots / STEP)) * STEP
        with self.place.scope():
            outcome = order_close(account_id=self.id_of(account), trade_id=ticket.number, volume=volume, at=self.at)
        assert isinstance(outcome, OrderAnswer), outcome
        self.model.sell(account, ticket, volume or ticket.lots)
        return account

    @rule(who=some, amount=st.integers(-500, 500).filter(bool))
    def money_moves(self, who: int, amount: int) -> None:
        account = list(self.model.accounts.values())[who % len(self.real)]
        with self.place.scope():
            balance_operate(account_id=self.id_of(account), amount=D(amount), at=self.at)
        self.model.money(account, D(amount))

    @rule(symbol=st.sampled_from(SYMBOLS), moved=st.integers(-60, 60), spread=st.integers(0, 30))
    def market_moves(self, symbol: str, moved: int, spread: int | None) -> None:
        """By so many points; with no spread given it stays as it is."""
        point = D("0.00001") if symbol == "EURUSD" else D("0.01")
        bid, ask = self.model.quotes[symbol]
        ask = ask + moved * point if spread is None else bid + (moved + spread) * point
        self.model.quotes[symbol] = (bid + moved * point, ask)
        self.place.quote(symbol, *self.model.quotes[symbol], at=self.at)

    @rule(seconds=st.sampled_from([1, 3, 3, 29, 30, 31]))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        self.model.now += seconds

    @rule(who=some)
    def leader_is_copied(self, who: int) -> None:
        self.drain(self.leaders[who % 2])
