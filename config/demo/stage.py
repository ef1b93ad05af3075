"""One house of the demo as it comes into being: every step is a call of the service that a customer's or a member of
staff's own request would make, at an instant that the caller names."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

from accounts.models import AccountGroup, Role, TradingAccount, User
from accounts.services import account_group_create, account_open, tenant_create, user_create
from config.demo.cast import DAYS, PASSWORD
from config.demo.roles import Account, Cash, Change, Follower, House, Master, NewTerms, Person, Subscription
from config.demo.styles import Close, Open, Prices, Trader
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyMaster, CopySubscription
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create, reward_policy_update
from copytrade.services.subscriptions import subscription_create, subscription_update
from core.days import ONE_DAY, DayBoundary
from infra.actor import Actor, SessionType
from infra.tenancy import tenant_scope
from marketplace.services.followers_truth import followers_truth_refresh
from marketplace.services.refreshing import stats_refresh
from rewards.models import RewardAgreement
from rewards.services.agreements import reward_terms_accept
from rewards.services.working import rewards_work
from trading.catalogue import BY_SYMBOL
from trading.feed.simulation import Profile, next_quote, profile_of
from trading.models import Feed
from trading.services.balance import balance_operate
from trading.services.day_end import days_catch_up
from trading.services.instruments import catalogue_install
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open
from trading.services.quotes import NewQuote, QuoteSource, quotes_store
from trading.services.snapshots import boundary_of

_CONVERTING: Final = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "USDCAD")
"""Pairs without which profits in other currencies could not be booked."""

LOT_STEPS: Final = {symbol: contract.lot_step for symbol, contract in BY_SYMBOL.items()}
PROFILES: Final = {
    symbol: profile_of(symbol, contract.asset_class, contract.tick_size) for symbol, contract in BY_SYMBOL.items()
}

Happening = tuple[datetime, Callable[[datetime], None]]
"""When, and what."""


@dataclass
class Stage:
    """A house being built. `traders` are the leaders that trade by now, by their account's key."""

    house: House
    seed: int
    tenant_id: int = 0
    days: DayBoundary | None = None
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, AccountGroup] = field(default_factory=dict)
    accounts: dict[str, TradingAccount] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], CopySubscription] = field(default_factory=dict)
    traders: dict[str, Trader] = field(default_factory=dict)

    def found(self, at: datetime) -> None:
        """The tenant, not live yet, with its owner, groups and quoted contracts."""
        house = self.house
        tenant = tenant_create(slug=house.slug, name=house.name, live=False, at=at)
        self.tenant_id, self.days = tenant.pk, boundary_of(tenant)
        with tenant_scope(self.tenant_id):
            user_create(
                email=f"owner@{house.domain}",
                password=PASSWORD,
                full_name=f"Owner of {house.name}",
                role=Role.ADMIN,
                owner=True,
                at=at,
            )
            for group in house.groups:
                self.groups[group.name] = account_group_create(
                    name=group.name,
                    account_mode=group.mode,
                    currency=group.currency,
                    position_mode=group.position_mode,
                    commission_per_lot=Decimal(group.commission),
                    public_opening=group.public,
                )
            catalogue_install(tenant_id=self.tenant_id, feed=Feed.SIMULATED)
            self._quote(at, PROFILES)

    def happenings(self, start: datetime, end: datetime) -> list[Happening]:
        """Everything that is known beforehand, in the order of time. The past may be shorter than the cast's days."""
        house, day = self.house, (end - start) / DAYS
        kinds: list[tuple[int, Sequence[Any], Callable[[Any, datetime], None]]] = [
            (1, house.people, self._join),
            (5, house.accounts, self._open),
            (9, house.masters, self._lead),
            (12, house.followers, self._follow),
            (15, house.subscriptions, self._subscribe),
            (20, house.cash, self._pay),
            (25, house.changes, self._change),
            (27, house.new_terms, self._ask),
        ]
        moments = [
            # some seconds after the one before, so that no two have the same instant
            (start + one.day * day + timedelta(minutes=minute, seconds=9 * place), partial(happen, one))
            for minute, many, happen in kinds
            for place, one in enumerate(many)
        ]
        return sorted([*moments, *self._evenings(start, end)], key=lambda moment: moment[0])

    def trade(self, key: str, what: Open | Close, prices: Prices, at: datetime) -> None:
        """A leader's order at the market of `at`, and its copies."""
        trader, account_id = self.traders[key], self.accounts[key].pk
        with tenant_scope(self.tenant_id):
            self._quote(at)
            answer: OrderAnswer | Refusal
            if isinstance(what, Open):
                answer = order_open(
                    account_id=account_id, symbol=what.symbol, side=what.side, volume=what.volume, at=at
                )
            else:
                answer = order_close(account_id=account_id, trade_id=what.ticket, volume=what.volume, at=at)
        if isinstance(answer, Refusal):
            return
        if isinstance(what, Open):
            trader.opened(answer.order, what, prices)
        else:
            trader.closed(what)
        self._drain(key, at)

    def finish(self, at: datetime) -> None:
        """The last quotes of the past; nothing may wait to be copied or counted."""
        with tenant_scope(self.tenant_id):
            self._quote(at, PROFILES)
        rewards_work(tenant_id=self.tenant_id, at=at)
        for key in self.traders:
            self._drain(key, at)
        stats_refresh(tenant_id=self.tenant_id, at=at)
        while followers_truth_refresh(tenant_id=self.tenant_id, at=at):
            pass

    # --- What happens

    def _evenings(self, start: datetime, end: datetime) -> Iterator[Happening]:
        """The end of each trading day; in the present, beat and a worker end them."""
        assert self.days is not None, "the house is not founded"
        day = self.days.day_of(start)
        while (over := self.days.end_of(day)) <= end:
            yield over, self._evening
            day += ONE_DAY

    def _evening(self, at: datetime) -> None:
        with tenant_scope(self.tenant_id):
            self._quote(at)
        days_catch_up(tenant_id=self.tenant_id, at=at)
        rewards_work(tenant_id=self.tenant_id, at=at)

    def _join(self, person: Person, at: datetime) -> None:
        email = f"{person.name}@{self.house.domain}"
        with tenant_scope(self.tenant_id):
            user = user_create(email=email, password=PASSWORD, full_name=person.full_name, at=at)
        self.users[person.name] = user

    def _open(self, account: Account, at: datetime) -> None:
        customer, group = self.users[account.person], self.groups[account.group]
        with tenant_scope(self.tenant_id):
            opened = account_open(customer=customer, group=group, at=at).account
            balance_operate(account_id=opened.pk, amount=Decimal(account.deposit), comment="First deposit", at=at)
        self.accounts[account.key] = opened

    def _lead(self, master: Master, at: datetime) -> None:
        account = self.accounts[master.account]
        with tenant_scope(self.tenant_id):
            master_create(
                actor=self._actor(account),
                login=account.login,
                settings=master.settings,
                reward_policy=master.reward,
                at=at,
            )
        dice = Random(f"{self.seed}:{self.house.slug}:{master.account}")
        self.traders[master.account] = Trader(master.style, dice, LOT_STEPS)

    def _follow(self, follower: Follower, at: datetime) -> None:
        account = self.accounts[follower.account]
        with tenant_scope(self.tenant_id):
            follower_create(actor=self._actor(account), login=account.login, settings=follower.settings, at=at)

    def _subscribe(self, wish: Subscription, at: datetime) -> None:
        leader, follower = self.accounts[wish.master], self.accounts[wish.follower]
        with tenant_scope(self.tenant_id):
            self.subscriptions[wish.master, wish.follower] = subscription_create(
                actor=self._actor(follower),
                master_login=leader.login,
                follower_login=follower.login,
                settings=wish.settings,
                at=at,
            )

    def _pay(self, cash: Cash, at: datetime) -> None:
        account_id = self.accounts[cash.account].pk
        with tenant_scope(self.tenant_id):
            self._quote(at)  # a withdrawal looks at the free margin
            balance_operate(account_id=account_id, amount=Decimal(cash.amount), comment=cash.comment, at=at)
        if cash.account in self.traders:
            self._drain(cash.account, at)

    def _change(self, change: Change, at: datetime) -> None:
        subscription = self.subscriptions[change.master, change.follower]
        with tenant_scope(self.tenant_id):
            subscription_update(subscription_id=subscription.pk, settings=change.settings, at=at)

    def _ask(self, terms: NewTerms, at: datetime) -> None:
        with tenant_scope(self.tenant_id):
            master = CopyMaster.objects.get(account=self.accounts[terms.account])
            reward_policy_update(master_id=master.pk, reward_policy=terms.reward, at=at)
        rewards_work(tenant_id=self.tenant_id, at=at)
        with tenant_scope(self.tenant_id):
            asked = RewardAgreement.objects.filter(master=master, ended_at=None, next_terms__isnull=False)
            others = asked.exclude(follower=self.accounts[terms.undecided])
            for subscription_id, version in others.values_list("subscription_id", "next_terms__number"):
                reward_terms_accept(subscription_id=subscription_id, version=version, at=at)

    def _drain(self, key: str, at: datetime) -> None:
        """Copies everything that a leader has done so far."""
        leader_id = self.accounts[key].pk
        leader_drain(tenant_id=self.tenant_id, leader_id=leader_id, clock=lambda: at, simulated=True)

    def _quote(self, at: datetime, symbols: Iterable[str] = ()) -> None:
        """Stores what the simulated market shows at `at`: the symbols given, else those that are traded here."""
        wanted = list(symbols) or sorted({*self.house.symbols(), *_CONVERTING})
        quotes = [NewQuote(symbol, *next_quote(PROFILES[symbol], at), at) for symbol in wanted]
        quotes_store(tenant_id=self.tenant_id, quotes=quotes, at=at, source=QuoteSource.SIMULATED)

    def _actor(self, account: TradingAccount) -> Actor:
        return Actor(session_type=SessionType.CUSTOMER, user_id=account.customer_id, tenant_id=self.tenant_id)


def bar_of(profile: Profile, at: datetime) -> int:
    """The price in whole ticks that strategies look at."""
    return int(next_quote(profile, at)[0] / profile.tick_size)
