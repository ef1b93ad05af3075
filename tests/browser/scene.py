"""What the browser tests look at: a leader with a public strategy, a follower who copies it, a market that moves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Role, TradingAccount, User
from accounts.services import account_group_create, account_open, tenant_create, user_create
from copytrade.engine.drain import leader_drain
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create
from copytrade.services.subscriptions import subscription_create
from core import clock
from core.states import Side
from infra.actor import Actor, SessionType
from infra.tenancy import tenant_scope
from marketplace.services.refreshing import stats_refresh
from trading.services.balance import balance_operate
from trading.services.day_end import days_catch_up
from trading.services.instruments import catalogue_install
from trading.services.orders import OrderAnswer, order_close, order_open
from trading.services.quotes import NewQuote, quotes_store

PASSWORD = "browser-and-scene"
SLUG = "demo"
"""The deployment's default tenant, so that the sign-in page needs no other name."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Logins and addresses of the cast."""

    tenant_id: int
    leader_email: str
    leader_login: int
    follower_email: str
    follower_login: int
    spare_login: int
    demo_login: int
    second_master_login: int
    free_master_login: int
    newcomer_email: str
    dealer_email: str


def scene_build(at: datetime) -> Scene:
    """Commits the scene. `at` is the present: quotes and sessions are of now."""
    tenant = tenant_create(slug=SLUG, name="Northwind Markets", at=at - timedelta(days=200))
    past = at - timedelta(days=40)
    with tenant_scope(tenant.pk):
        real = account_group_create(
            name="Real USD", account_mode="REAL", commission_per_lot=Decimal("3.5"), public_opening=True
        )
        demo = account_group_create(name="Practice", account_mode="DEMO", public_opening=True)
        euro = account_group_create(name="Net EUR", account_mode="REAL", currency="EUR", position_mode="NETTING")
        leader = _person("leader@northwind.example", "Lena Leader", past)
        second = _person("second@northwind.example", "Sven Second", past)
        follower = _person("follower@northwind.example", "Fiona Follower", past)
        newcomer = _person("newcomer@northwind.example", "Nils Newcomer", past)
        dealer = _person("dealer@northwind.example", "Dora Dealer", past, Role.DEALER)
        logins = {
            name: account_open(customer=who, group=group, at=past).account
            for name, who, group in (
                ("leader", leader, real),
                ("second", second, real),
                ("third", second, real),
                ("follower", follower, real),
                ("spare", follower, euro),
                ("demo", follower, demo),
            )
        }
        catalogue_install(tenant_id=tenant.pk)
    with tenant_scope(tenant.pk):
        for name, amount in (
            ("leader", 50_000),
            ("second", 20_000),
            ("follower", 10_000),
            ("spare", 5_000),
            ("demo", 100_000),
        ):
            balance_operate(account_id=logins[name].pk, amount=Decimal(amount), at=past)
    masters = (
        ("leader", leader, "Steady Trend", _TREND, {"reward_type": 1, "fee_percent": Decimal(20)}),
        ("second", second, "Gold Breakout", _GOLD, {"reward_type": 0, "fee_amount": Decimal(29)}),
        ("third", second, "Index Reversal", _INDEX, {"reward_type": 4, "fee_percent": Decimal(2)}),
    )
    for name, who, title, about, terms in masters:
        with tenant_scope(tenant.pk):
            master_create(
                actor=_actor(who),
                login=logins[name].login,
                settings={
                    "strategy_name": title,
                    "description": about,
                    "visibility": "public",
                    "allowed_follower_modes": 0 if name == "third" else 2,
                    "bound_max_positions": 4 if name == "third" else 0,
                },
                reward_policy=terms,
                at=past,
            )
    with tenant_scope(tenant.pk):
        follower_create(actor=_actor(follower), login=logins["follower"].login, settings={}, at=past)
    with tenant_scope(tenant.pk):
        subscription_create(
            actor=_actor(follower),
            master_login=logins["leader"].login,
            follower_login=logins["follower"].login,
            settings={"risk_multiplier": Decimal("0.5")},
            at=past,
        )
    with tenant_scope(tenant.pk):
        quotes_store(tenant_id=tenant.pk, quotes=_QUOTES, at=at, source="SIMULATED")
    return Scene(
        tenant_id=tenant.pk,
        leader_email=leader.email,
        leader_login=logins["leader"].login,
        follower_email=follower.email,
        follower_login=logins["follower"].login,
        spare_login=logins["spare"].login,
        demo_login=logins["demo"].login,
        second_master_login=logins["second"].login,
        free_master_login=logins["third"].login,
        newcomer_email=newcomer.email,
        dealer_email=dealer.email,
    )


def scene_history(scene: Scene, at: datetime) -> None:
    """Gives the scene its past: the leader pays in once more, every day since ends, and the figures are counted."""
    # Days are ended from the first time on that they were; those before are none.
    days_catch_up(tenant_id=scene.tenant_id, at=at - timedelta(days=30))
    with tenant_scope(scene.tenant_id):
        leader = TradingAccount.objects.get(login=scene.leader_login)
        balance_operate(account_id=leader.pk, amount=Decimal(10_000), at=at - timedelta(days=20))
    days_catch_up(tenant_id=scene.tenant_id, at=at)
    stats_refresh(tenant_id=scene.tenant_id, at=at)


def scene_trade(scene: Scene, *, close: bool = True) -> None:
    """The leader buys a little now, is copied, and closes it again unless asked not to."""
    at = clock.now()
    with tenant_scope(scene.tenant_id):
        leader = TradingAccount.objects.get(login=scene.leader_login).pk
        opened = order_open(account_id=leader, symbol="EURUSD", side=Side.BUY, volume=Decimal("0.10"), at=at)
    assert isinstance(opened, OrderAnswer), opened
    leader_drain(tenant_id=scene.tenant_id, leader_id=leader, clock=clock.now)
    if close:
        with tenant_scope(scene.tenant_id):
            order_close(account_id=leader, trade_id=opened.order, volume=None, at=at)
        leader_drain(tenant_id=scene.tenant_id, leader_id=leader, clock=clock.now)


def _person(email: str, name: str, at: datetime, role: Role = Role.CUSTOMER) -> User:
    return user_create(email=email, password=PASSWORD, full_name=name, role=role, at=at)


def _actor(user: User) -> Actor:
    return Actor(session_type=SessionType.CUSTOMER, user_id=user.pk, tenant_id=user.tenant_id)


_TREND = (
    "Follows the larger moves of the major currency pairs over hours and days. Positions are few and small; a stop is "
    "always set.\nWorks best in markets that move in one direction; loses a little in quiet weeks."
)
_GOLD = "Trades the breakout of gold from the Asian range, closed by the end of the New York session."
_INDEX = "Fades extremes of the index futures around the open."
_QUOTES = [
    NewQuote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask))
    for symbol, bid, ask in (
        ("EURUSD", "1.08412", "1.08420"),
        ("GBPUSD", "1.27105", "1.27117"),
        ("USDJPY", "151.204", "151.215"),
        ("XAUUSD", "2318.40", "2318.75"),
        ("ES", "5210.25", "5210.50"),
        ("BTCUSD", "67120.00", "67138.00"),
    )
]
