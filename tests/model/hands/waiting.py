"""Orders that wait for their price: placed, changed and taken back by leaders and followers, and reached by the market."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.states import Side, TicketKind
from tests.model.hands.stage import SYMBOLS, lots, some, soon
from tests.model.hands.trading import POINT, Distances, Trading, stops
from tests.model.paper.house import LIMIT, STOP, Account, Ticket
from trading.services.orders import Changes, OrderAnswer, Refusal, order_cancel, order_modify, order_open_pending

KINDS = [LIMIT, STOP]
FAR = [2, 10, 30, 60]
"""How many points ahead of the market an order waits."""
PATIENCE = [None, None, 4, 40]
"""How many seconds it does."""
far, patience = st.sampled_from(FAR), st.sampled_from(PATIENCE)


class Waiting(Trading):
    """Limit and stop orders."""

    @rule(
        who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), kind=st.sampled_from(KINDS), volume=lots, far=far,
        stops=stops, patience=patience, copied=soon,
    )  # fmt: skip
    def leader_places(
        self, who: int, symbol: str, buys: bool, kind: str, volume: D, far: int, stops: Distances, patience: int | None,
        copied: bool,
    ) -> None:  # fmt: skip
        leader = self.leaders[who % 2]
        self.place_order(leader, symbol, buys, kind, volume, far, stops, patience)
        if copied:
            self.drain(leader)

    @rule(
        who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), kind=st.sampled_from(KINDS), volume=lots, far=far
    )
    def follower_places(self, who: int, symbol: str, buys: bool, kind: str, volume: D, far: int) -> None:
        """An order of his own."""
        self.place_order(self.followers[who % len(self.followers)], symbol, buys, kind, volume, far, (0, 0), None)

    def place_order(
        self, account: Account, symbol: str, buys: bool, kind: str, volume: D, far: int, stops: Distances,
        patience: int | None,
    ) -> Ticket:  # fmt: skip
        side = Side.BUY if buys else Side.SELL
        price, sl, tp = self._prices(symbol, side.sign, kind, far, stops)
        with self.place.scope():
            answer = order_open_pending(
                account_id=self.id_of(account), symbol=symbol, side=side, kind=TicketKind[kind], volume=volume,
                open_price=price, sl=sl, tp=tp, expiration_at=self._in(patience), at=self.at,
            )  # fmt: skip
        assert isinstance(answer, OrderAnswer), answer
        expires = None if patience is None else self.model.now + patience
        order = Ticket(symbol, side.sign, volume, price, sl, tp, number=answer.order, kind=kind, expires=expires)
        return self.model.place(account, order)

    @precondition(lambda self: any(a.waiting for a in self.leaders))
    @rule(which=some, far=far, stops=stops, patience=patience, copied=soon)
    def leader_changes_an_order(
        self, which: int, far: int, stops: Distances, patience: int | None, copied: bool
    ) -> None:
        leader, order = _one(self.leaders, which)
        self.change_order(leader, order, far, stops, patience)
        if copied:
            self.drain(leader)

    def change_order(self, account: Account, order: Ticket, far: int, stops: Distances, patience: int | None) -> None:
        price, sl, tp = self._prices(order.symbol, order.side, order.kind, far, stops)
        wanted = Changes(
            sl=sl, tp=tp, open_price=price, expiration_at=self._in(patience), never_expires=patience is None
        )
        assert isinstance(self._change(account, order, wanted), OrderAnswer)
        expires = None if patience is None else self.model.now + patience
        assert self.model.reshape(account, order, price, sl, tp, expires)

    @precondition(lambda self: any(a.waiting for a in self.followers))
    @rule(which=some)
    def follower_cannot_change_a_shadow(self, which: int) -> None:
        """It is for its leader to change."""
        follower, order = _one(self.followers, which)
        if order.copied:
            assert isinstance(self._change(follower, order, Changes(sl=D(0), tp=D(0), never_expires=True)), Refusal)

    @precondition(lambda self: any(a.waiting for a in self.leaders))
    @rule(which=some, copied=soon)
    def leader_withdraws(self, which: int, copied: bool) -> None:
        leader, order = _one(self.leaders, which)
        self.withdraw(leader, order)
        if copied:
            self.drain(leader)

    @precondition(lambda self: any(a.waiting for a in self.followers))
    @rule(which=some)
    def follower_withdraws(self, which: int) -> None:
        """An order of his own, or a copy."""
        self.withdraw(*_one(self.followers, which))

    def withdraw(self, account: Account, order: Ticket) -> None:
        with self.place.scope():
            answer = order_cancel(account_id=self.id_of(account), trade_id=order.number, at=self.at)
        assert isinstance(answer, OrderAnswer), answer
        self.model.withdraw(account, order)

    def _change(self, account: Account, order: Ticket, wanted: Changes) -> Any:
        with self.place.scope():
            return order_modify(account_id=self.id_of(account), trade_id=order.number, changes=wanted, at=self.at)

    def _in(self, seconds: int | None) -> Any:
        return None if seconds is None else self.at + timedelta(seconds=seconds)

    def _prices(self, symbol: str, side: int, kind: str, far: int, stops: Distances) -> tuple[D, D, D]:
        """The order's price and its stops, so many points away from the market and from that price."""
        bid, ask = self.model.quotes[symbol]
        point, (sl, tp) = POINT[symbol], stops
        price = (ask if side > 0 else bid) + far * point * side * (1 if kind == STOP else -1)
        return price, price - side * sl * point if sl else D(0), price + side * tp * point if tp else D(0)


def _one(accounts: list[Account], which: int) -> tuple[Account, Ticket]:
    orders = [(a, t) for a in accounts for t in a.waiting]
    return orders[which % len(orders)]
