"""Rewards in the scene of the pages: a strategy is followed, a copy is closed with profit, and what is due is settled."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from accounts.models import TradingAccount
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyFollower, CopyMaster, CopySubscription
from copytrade.services.followers import follower_update
from copytrade.services.masters import reward_policy_update
from copytrade.services.subscriptions import subscription_create
from core import clock
from core.rounding import floor_to_step
from core.states import Side
from infra.actor import Actor, SessionType
from infra.tenancy import tenant_scope
from rewards.services.working import rewards_work
from tests.browser.scene import Scene
from trading.selectors import account_picture
from trading.services.balance import balance_operate
from trading.services.orders import OrderAnswer, order_close, order_open
from trading.services.quotes import NewQuote, quotes_store

SHARE: Final[dict[str, Any]] = {"reward_type": 3, "fee_percent": Decimal(10)}


def follow_second(scene: Scene, terms: dict[str, Any] | None = None) -> int:
    """The follower's account copies Gold Breakout too, which asks these terms, a tenth of each profit unless written;
    gives the subscription's id."""
    change_terms(scene, terms or SHARE)
    with tenant_scope(scene.tenant_id):
        profile = CopyFollower.objects.get(account__login=scene.follower_login)
        follower_update(follower_id=profile.pk, settings={"max_master_count": 3}, at=clock.now())
        made: CopySubscription = subscription_create(
            actor=Actor(SessionType.CUSTOMER, profile.customer_id, scene.tenant_id),
            master_login=scene.second_master_login,
            follower_login=scene.follower_login,
            settings={},
            at=clock.now(),
        )
    return made.pk


def change_terms(scene: Scene, terms: dict[str, Any]) -> None:
    """Gold Breakout asks other terms."""
    with tenant_scope(scene.tenant_id):
        master = CopyMaster.objects.get(account__login=scene.second_master_login)
        reward_policy_update(master_id=master.pk, reward_policy=terms, at=clock.now())


def win(scene: Scene) -> None:
    """Gold Breakout buys 0.20 lots of EURUSD, is copied, and closes twenty pips higher."""
    account = _account(scene, scene.second_master_login)
    _quote(scene, "1.08412", "1.08420")
    with tenant_scope(scene.tenant_id):
        opened = order_open(
            account_id=account.pk, symbol="EURUSD", side=Side.BUY, volume=Decimal("0.20"), at=clock.now()
        )
    assert isinstance(opened, OrderAnswer), opened
    leader_drain(tenant_id=scene.tenant_id, leader_id=account.pk, clock=clock.now)
    _quote(scene, "1.08620", "1.08628")
    with tenant_scope(scene.tenant_id):
        order_close(account_id=account.pk, trade_id=opened.order, volume=None, at=clock.now())
    leader_drain(tenant_id=scene.tenant_id, leader_id=account.pk, clock=clock.now)


def settle(scene: Scene, at: datetime | None = None) -> None:
    rewards_work(tenant_id=scene.tenant_id, at=at or clock.now())


def pay(scene: Scene, amount: Decimal | int) -> None:
    """A deposit to the follower's account, or a withdrawal when negative."""
    with tenant_scope(scene.tenant_id):
        account = TradingAccount.objects.get(login=scene.follower_login)
        balance_operate(account_id=account.pk, amount=Decimal(amount), at=clock.now())


def empty(scene: Scene) -> None:
    """The follower withdraws all that can be withdrawn."""
    with tenant_scope(scene.tenant_id):
        free = account_picture(TradingAccount.objects.get(login=scene.follower_login).pk).margin_free
    pay(scene, -floor_to_step(free, Decimal("0.01")))


def _account(scene: Scene, login: int) -> TradingAccount:
    with tenant_scope(scene.tenant_id):
        found: TradingAccount = TradingAccount.objects.get(login=login)
    return found


def _quote(scene: Scene, bid: str, ask: str) -> None:
    posted = NewQuote(symbol="EURUSD", bid=Decimal(bid), ask=Decimal(ask))
    with tenant_scope(scene.tenant_id):
        quotes_store(tenant_id=scene.tenant_id, quotes=[posted], at=clock.now(), source="POSTED")
