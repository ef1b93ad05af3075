"""A leader and followers who owe rewards, on a clock that is moved by hand.

house = reward_house(world.north, {"reward_type": 3, "fee_percent": D(10)})
house.trade("1", "1.1100")
house.work()
house.accruals()
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import AccountGroup
from copytrade.models import CopyMaster, CopySubscription
from copytrade.services.endings import OpenCopies
from copytrade.services.masters import master_end, reward_policy_update
from copytrade.services.subscriptions import subscription_end
from core.states import Side
from ledger.models import LedgerAccount
from ledger.selectors import ledger_balance
from rewards.models import RewardAccrual, RewardAgreement
from rewards.selectors_proof import rewards_prove
from rewards.services.agreements import reward_terms_accept
from rewards.services.working import rewards_work
from tests.support.copy_house import CopyHouse, copy_house, join, subscribe
from tests.support.world import Place
from trading.models import Trade
from trading.services.day_end import days_catch_up

D = Decimal
SPREAD = D("0.0002")


@dataclass
class RewardHouse:
    """The copy house and its rewards; `house.at` is the clock."""

    house: CopyHouse

    @property
    def at(self) -> datetime:
        return self.house.at

    @property
    def place(self) -> Place:
        return self.house.place

    def wait(self, **span: float) -> None:
        """Moves the clock, and quotes the market anew."""
        self.house.at += timedelta(**span)
        self.price("1.1000")

    def price(self, bid: str) -> None:
        self.house.quote("EURUSD", bid, str(D(bid) + SPREAD))

    def open(self, lots: str, side: Side = Side.BUY) -> int:
        """The leader opens at 1.1000/1.1002 and everybody copies."""
        self.price("1.1000")
        number = self.house.open(self.house.leader, lots, side)
        self.house.drain()
        return number

    def close(self, number: int, bid: str, lots: str | None = None) -> None:
        """The leader closes at `bid` and everybody copies."""
        self.price(bid)
        self.house.close(self.house.leader, number, lots)
        self.house.drain()
        self.house.at += timedelta(seconds=1)

    def trade(self, lots: str, bid: str) -> None:
        """One trade of the leader from 1.1002 to `bid`: 100,000 x the difference for each lot."""
        self.close(self.open(lots), bid)

    def work(self) -> int:
        return rewards_work(tenant_id=self.place.id, at=self.at)

    def pay(self, number: int, amount: str) -> None:
        """A deposit to a follower's account, or a withdrawal when negative."""
        self.place.deposit(self.house.followers[number], amount, at=self.at)

    def rejoin(self, number: int = 0) -> None:
        """A follower subscribes again."""
        leader, follower = self.house.leader, self.house.followers[number]
        self.house.subscriptions[number] = subscribe(self.house, leader, follower)
        self.work()

    def accept(self, version: int, number: int = 0) -> None:
        """A follower accepts the terms that wait."""
        with self.place.scope():
            reward_terms_accept(subscription_id=self.house.subscriptions[number].pk, version=version, at=self.at)

    def end_days(self) -> None:
        """Ends the trading days that are over."""
        days_catch_up(tenant_id=self.place.id, at=self.at)

    def change(self, **terms: Any) -> None:
        """The master changes the terms."""
        with self.place.scope():
            reward_policy_update(master_id=self.master.pk, reward_policy=terms, at=self.at)

    def leave(self, number: int = 0, open_copies: OpenCopies = OpenCopies.KEEP_EXITS) -> None:
        with self.place.scope():
            subscription_end(subscription_id=self.house.subscriptions[number].pk, open_copies=open_copies, at=self.at)

    def master_leaves(self) -> None:
        with self.place.scope():
            master_end(master_id=self.master.pk, at=self.at)

    @property
    def master(self) -> CopyMaster:
        with self.place.scope():
            return CopyMaster.objects.select_related("reward_policy").get(account=self.house.leader, ended_at=None)

    def subscription(self, number: int = 0) -> CopySubscription:
        with self.place.scope():
            return CopySubscription.objects.get(pk=self.house.subscriptions[number].pk)

    def agreement(self, number: int = 0) -> RewardAgreement:
        """The living agreement of a follower."""
        with self.place.scope():
            found = RewardAgreement.objects.select_related("terms", "next_terms")
            return found.get(follower=self.house.followers[number], forgotten_at=None)

    def accruals(self, number: int | None = None) -> list[RewardAccrual]:
        """All accruals, or those of one follower, oldest first."""
        with self.place.scope():
            found = RewardAccrual.objects.select_related("terms").order_by("pk")
            return list(found if number is None else found.filter(follower=self.house.followers[number]))

    def charged(self, number: int = 0) -> list[tuple[Any, ...]]:
        """(base, fee, state) of one follower's accruals."""
        return [(a.base_amount, a.fee_amount, a.state) for a in self.accruals(number)]

    def balance(self, account: Any) -> Decimal:
        with self.place.scope():
            account.refresh_from_db()
        return account.balance

    def record(self, number: int | None) -> Trade:
        """A record by its order number."""
        with self.place.scope():
            return Trade.objects.get(pk=number)

    def house_balance(self, kind: str, currency: str = "USD") -> Decimal:
        """What one of the house's ledger accounts holds; 0 without one."""
        with self.place.scope():
            account = LedgerAccount.objects.filter(kind=kind, currency=currency).first()
            return D(0) if account is None else ledger_balance(account.pk)

    def prove(self) -> None:
        """Books, links and every reward are true."""
        self.house.prove()
        assert rewards_prove(self.place.id) == []


def reward_house(place: Place, terms: dict[str, Any], *, followers: int = 1, **more: Any) -> RewardHouse:
    """A copy house whose master asks these terms since before anybody followed."""
    house = copy_house(place, followers=0, **more)
    made = RewardHouse(house)
    made.change(**terms)
    house.at += timedelta(seconds=1)
    follow(made, followers, **{key: value for key, value in more.items() if key in ("balance",)})
    return made


def follow(made: RewardHouse, followers: int, *, group: AccountGroup | None = None, **more: Any) -> None:
    """More followers, from now on; in the leader's group unless written."""
    with made.place.scope():
        group = group or AccountGroup.objects.get(pk=made.house.leader.group_id)
    join(made.house, followers, group, **more)
