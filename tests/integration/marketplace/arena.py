"""Masters of one tenant, their trades at instants of their own, and their figures as they are kept."""

import contextlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal as D
from typing import Any

from accounts.models import TradingAccount
from copytrade.models import CopyMaster
from copytrade.services.masters import master_create
from core.errors import DomainError
from core.states import Side, TradeState
from infra.actor import Actor, SessionType
from marketplace.models import AccountDay, MasterStats
from marketplace.services.refreshing import stats_refresh
from tests.integration.day_end.evening import Evening, instant
from tests.support.slow_stats import LENGTHS, differences, slow_stats
from tests.support.world import Person
from trading.models import Trade
from trading.selectors import account_picture
from trading.services.balance import balance_operate
from trading.services.day_end import days_catch_up
from trading.services.orders import OrderAnswer, order_close, order_open
from trading.services.snapshots import boundary_of


@dataclass
class Arena(Evening):
    """`at` of every step is an instant of March 2026, such as `"3 12:00"`."""

    masters: dict[int, CopyMaster] = field(default_factory=dict)

    def lead(self, account: TradingAccount, at: str = "2 9:00", **settings: Any) -> CopyMaster:
        """Makes the account a public master's."""
        policy = {"reward_type": 3, "fee_percent": 10}
        with self.place.scope():
            actor = Actor(SessionType.CUSTOMER, account.customer_id, self.tenant_id)
            values = {"strategy_name": "Trend", "visibility": "public", "allowed_follower_modes": 2, **settings}
            made = master_create(
                actor=actor, login=account.login, settings=values, reward_policy=policy, at=instant(at)
            )
        self.masters[account.id] = made
        return made

    def master(self, balance: str = "10000", at: str = "2 9:00", person: Person | None = None) -> TradingAccount:
        """A new master's account, funded then."""
        account = self.place.account(person or self.place.person("alice"), self.place.real, 0)
        if balance != "0":
            self.pay(account, balance, at)
        self.lead(account, at)
        return account

    def trip(self, account: TradingAccount, opened: str, closed: str, points: int, volume: str = "0.1") -> None:
        """A buy at 1.1000 that is closed so many points of 0.0001 higher: 1 USD each with a tenth of a lot."""
        self.price(0, opened)
        trade = self.open(account, volume, opened)
        self.price(points, closed)
        self.close(account, trade, closed)

    def price(self, points: int, at: str) -> None:
        """EURUSD at 1.1 and so many points of 0.0001, without a spread."""
        price = str(D("1.1") + D(points) / 10_000)
        self.place.quote("EURUSD", price, price, at=instant(at))

    def try_open(self, account: TradingAccount, volume: str, at: datetime, side: Side) -> list[int]:
        """The new ticket, or none when the house refuses."""
        with self.place.scope():
            answer = order_open(account_id=account.id, symbol="EURUSD", side=side, volume=D(volume), at=at)
        return [answer.order] if isinstance(answer, OrderAnswer) else []

    def try_close(self, account: TradingAccount, trade: int, at: datetime, volume: str | None) -> bool:
        """Whether nothing is left of the ticket."""
        with self.place.scope():
            order_close(account_id=account.id, trade_id=trade, volume=None if volume is None else D(volume), at=at)
            return not Trade.objects.filter(pk=trade, state=TradeState.OPEN).exists()

    def try_pay(self, account: TradingAccount, amount: int, at: datetime) -> None:
        """A deposit, or a withdrawal if there is enough."""
        with contextlib.suppress(DomainError), self.place.scope():
            balance_operate(account_id=account.id, amount=D(amount), at=at)

    def days(self, account: TradingAccount) -> dict[date, D]:
        """The results by trading day."""
        with self.place.scope():
            return dict(AccountDay.objects.filter(account=account).order_by("day").values_list("day", "pnl"))

    def days_end(self, at: datetime) -> None:
        """Ends whatever is over."""
        days_catch_up(tenant_id=self.tenant_id, at=at)

    def refresh(self, at: str | datetime) -> int:
        return stats_refresh(tenant_id=self.tenant_id, at=instant(at) if isinstance(at, str) else at)

    def stats(self, account: TradingAccount, period: str = "ALL") -> MasterStats:
        with self.place.scope():
            return MasterStats.objects.get(master=self.masters[account.id], period=period)

    def kept(self) -> list[tuple[Any, ...]]:
        """Every day and figure of the tenant, by value and without ids."""
        with self.place.scope():
            days = [f.attname for f in AccountDay._meta.concrete_fields if f.name != "id"]
            figures = [f.attname for f in MasterStats._meta.concrete_fields if f.name not in ("id", "updated_at")]
            return [
                *AccountDay.objects.order_by("account_id", "day", "symbol").values_list(*days),
                *MasterStats.objects.order_by("master_id", "period").values_list(*figures),
            ]

    def wrong(self, account: TradingAccount, at: str | datetime) -> dict[str, Any]:
        """What is kept of an account and is not what the definitions say; empty when all agrees."""
        moment = instant(at) if isinstance(at, str) else at
        found = {}
        for period in LENGTHS:
            kept = self.stats(account, period)
            with self.place.scope():
                account.refresh_from_db()
                equity = account_picture(account.id).equity
                expected = slow_stats(account, period, moment, boundary_of(self.place.tenant), equity)
            if wrong := differences(kept, expected):
                found[period] = wrong
        return found

    def evenings(self, first: int, last: int) -> None:
        """Ends the days of March from the first to the last."""
        for day in range(first, last + 1):
            assert self.end(day)
