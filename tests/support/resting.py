"""Pending orders of a leader and their copies, on top of `copy_house`."""

from decimal import Decimal as D
from typing import Any

from accounts.models import TradingAccount
from core.states import Cmd, Side, TicketKind, TradeState
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World
from trading.models import Trade
from trading.services.orders import Changes, OrderAnswer, Refusal, order_cancel, order_modify, order_open_pending
from trading.services.triggers import triggers_sweep

MODES = {"hedging": False, "netting": True}
PAIRS = [(leader, follower) for leader in MODES for follower in MODES]


def place(
    house: CopyHouse,
    account: TradingAccount,
    price: str = "1.0900",
    *,
    kind: TicketKind = TicketKind.LIMIT,
    side: Side = Side.BUY,
    volume: str = "1",
    **terms: Any,
) -> int:
    """A pending order by hand, a buy limit unless written; gives its number."""
    with house.place.scope():
        placed = order_open_pending(
            account_id=account.id, symbol="EURUSD", side=side, kind=kind, volume=D(volume), open_price=D(price),
            at=house.at, **terms,
        )  # fmt: skip
    assert isinstance(placed, OrderAnswer), placed
    return placed.order


def modify(house: CopyHouse, account: TradingAccount, number: int, **changes: Any) -> OrderAnswer | Refusal:
    with house.place.scope():
        return order_modify(account_id=account.id, trade_id=number, changes=Changes(**changes), at=house.at)


def cancel(house: CopyHouse, account: TradingAccount, number: int) -> OrderAnswer | Refusal:
    with house.place.scope():
        return order_cancel(account_id=account.id, trade_id=number, at=house.at)


def sweep(house: CopyHouse) -> None:
    triggers_sweep(tenant_id=house.place.id, at=house.at)


def quote(house: CopyHouse, bid: str, ask: str) -> None:
    """A second later the market is there."""
    house.wait(1)
    house.quote("EURUSD", bid, ask)


def waiting(house: CopyHouse, number: int = 0) -> list[tuple[Cmd, D, D]]:
    """(command, lots, price) of a follower's pending orders."""
    with house.place.scope():
        found = Trade.objects.filter(account=house.followers[number], state=TradeState.OPEN, cmd__gte=2).order_by("id")
        return [(Cmd(t.cmd), t.volume, t.open_price) for t in found]


def shadow_of(house: CopyHouse, number: int = 0) -> Trade:
    """The follower's newest copied record."""
    with house.place.scope():
        return Trade.objects.filter(account=house.followers[number], copied=True).latest("id")


def resting_house(world: World, leader: str = "hedging", follower: str = "hedging", **settings: Any) -> CopyHouse:
    """A follower at half size that copies pending orders."""
    values = {"copy_pending_orders": True, "risk_multiplier": D("0.5"), **settings}
    return copy_house(world.north, leader_netting=MODES[leader], follower_netting=MODES[follower], **values)
