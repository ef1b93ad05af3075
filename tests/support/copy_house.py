"""A tenant in which one leader is copied by any number of followers, made by the real services.

    house = copy_house(world.north, followers=3)
    trade = house.open(house.leader, "1")
    house.drain()
    house.prove()

Time stands still at `house.at` unless it is moved.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts import services
from accounts.models import AccountGroup, TradingAccount
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, LeaderShard, MasterStatus, TradeLink
from copytrade.services.followers import follower_create
from copytrade.services.masters import master_create, master_status_set
from copytrade.services.subscriptions import subscription_create
from core.states import LinkState, Side, TradeState
from infra.actor import Actor, SessionType
from ledger.models import Transfer
from tests.support.house import AT
from tests.support.world import Person, Place
from trading.models import AccountEvent, Trade
from trading.services.balance import balance_operate
from trading.services.orders import OrderAnswer, Refusal, order_close, order_open

D = Decimal


@dataclass
class CopyHouse:
    """The leader, its followers in the order in which they joined, and the hands that trade for them."""

    place: Place
    leader: TradingAccount
    at: datetime = AT
    followers: list[TradingAccount] = field(default_factory=list)
    subscriptions: list[CopySubscription] = field(default_factory=list)

    # --- Hands

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        self.place.quote(symbol, bid, ask, at=self.at)

    def wait(self, seconds: float) -> None:
        """Moves the clock."""
        self.at += timedelta(seconds=seconds)

    def open(
        self, account: TradingAccount, volume: str, side: Side = Side.BUY, symbol: str = "EURUSD", **terms: Any
    ) -> int:
        """A market order by hand; gives the ticket's number."""
        with self.place.scope():
            answer = order_open(account_id=account.id, symbol=symbol, side=side, volume=D(volume), at=self.at, **terms)
        assert isinstance(answer, OrderAnswer), answer
        return answer.order

    def close(self, account: TradingAccount, trade_id: int, volume: str | None = None) -> None:
        """A close by hand."""
        with self.place.scope():
            answer = order_close(
                account_id=account.id, trade_id=trade_id, volume=None if volume is None else D(volume), at=self.at
            )
        assert not isinstance(answer, Refusal), answer

    def drain(self, leader: TradingAccount | None = None) -> int:
        """Copies all that waits; gives the number of turns."""
        return leader_drain(tenant_id=self.place.id, leader_id=(leader or self.leader).id, clock=lambda: self.at)

    # --- Eyes

    def orders(self, number: int = 0, *, since: int = 0) -> list[CopyOrder]:
        """The copy orders of one follower, oldest first."""
        with self.place.scope():
            found = CopyOrder.objects.filter(follower=self.followers[number], id__gt=since)
            return list(found.order_by("decided_at", "source_id", "id"))

    def story(self, number: int = 0) -> list[tuple[Any, ...]]:
        """(action, status or reason, volume) of one follower's copy orders."""
        return [(o.action, o.reason or o.status, o.volume.normalize() + 0) for o in self.orders(number)]

    def outcomes(self) -> Counter[tuple[str, str, str]]:
        """How many copy orders of all followers there are by (action, status, reason)."""
        with self.place.scope():
            return Counter(CopyOrder.objects.values_list("action", "status", "reason"))

    def tickets(self, account: TradingAccount) -> list[Trade]:
        """Open tickets, oldest first."""
        with self.place.scope():
            return list(Trade.objects.filter(account=account, state=TradeState.OPEN).order_by("id"))

    def held(self, number: int = 0) -> list[tuple[str, Decimal]]:
        """(BUY or SELL, lots) of one follower's open tickets."""
        return [("SELL" if t.cmd else "BUY", t.volume) for t in self.tickets(self.followers[number])]

    def links(self, number: int = 0) -> list[TradeLink]:
        """One follower's links, oldest first."""
        with self.place.scope():
            return list(TradeLink.objects.filter(follower=self.followers[number]).order_by("id"))

    def lags(self) -> list[int]:
        """How many events each shard of the leader is behind."""
        with self.place.scope():
            head = TradingAccount.objects.get(pk=self.leader.pk).event_seq
            return [head - c for c in LeaderShard.objects.filter(leader=self.leader).values_list("cursor", flat=True)]

    def prove(self, *, exact: bool = False) -> None:
        """Books, sequences and links of the whole tenant are true; with `exact` every copied ticket is all linked."""
        with self.place.scope():
            prove_books()
            prove_links(exact=exact)


def copy_house(
    place: Place,
    *,
    followers: int = 1,
    leader_netting: bool = False,
    follower_netting: bool = False,
    balance: int | str = 10_000,
    commission: str = "0",
    **settings: Any,
) -> CopyHouse:
    """EURUSD 1.1000/1.1002, XAUUSD 2000.00/2000.50, ES 5000.00/5000.25; a leader with 100,000 and its followers.

    `settings` are those of every subscription.
    """
    for symbol, (bid, ask) in {
        "EURUSD": ("1.1000", "1.1002"),
        "XAUUSD": ("2000.00", "2000.50"),
        "ES": ("5000.00", "5000.25"),
    }.items():
        place.instrument(symbol)
        place.quote(symbol, bid, ask, at=AT)
    groups = {
        netting: place.group(
            "netting-copies" if netting else "hedging-copies",
            position_mode="NETTING" if netting else "HEDGING",
            commission_per_lot=D(commission),
        )
        for netting in {leader_netting, follower_netting}
    }
    leader = lead(place, place.person("alice"), groups[leader_netting])
    house = CopyHouse(place, leader)
    join(house, followers, groups[follower_netting], balance=balance, **settings)
    return house


def lead(place: Place, person: Person, group: AccountGroup) -> TradingAccount:
    """A new public master's account with 100,000."""
    with place.scope():
        account = services.account_open(customer=person.user, group=group, at=AT).account
        balance_operate(account_id=account.id, amount=D(100_000), at=AT)
        master_create(
            actor=_actor(person),
            login=account.login,
            settings={"strategy_name": "Trend", "visibility": "public", "allowed_follower_modes": 2},
            reward_policy={"reward_type": 3, "fee_percent": D(10)},
            at=AT,
        )
    return account


def join(
    house: CopyHouse,
    followers: int,
    group: AccountGroup,
    *,
    balance: int | str = 10_000,
    profile: dict[str, Any] | None = None,
    **settings: Any,
) -> list[CopySubscription]:
    """More followers, all of Bob's, each with an account and a subscription; in one transaction, because it is many."""
    bob = house.place.person("bob")
    made = []
    with house.place.scope():
        for _number in range(followers):
            account = services.account_open(customer=bob.user, group=group, at=AT).account
            balance_operate(account_id=account.id, amount=D(balance), at=AT)
            follower_create(actor=_actor(bob), login=account.login, settings=profile or {}, at=AT)
            made.append(subscribe(house, house.leader, account, **settings))
            house.followers.append(account)
    house.subscriptions += made
    return made


def subscribe(house: CopyHouse, leader: TradingAccount, account: TradingAccount, **settings: Any) -> CopySubscription:
    """Bob's `account` copies `leader` from now on."""
    with house.place.scope():
        return subscription_create(
            actor=_actor(house.place.person("bob")),
            master_login=leader.login,
            follower_login=account.login,
            settings=settings,
            at=house.at,
        )


def decide(house: CopyHouse, status: MasterStatus, **more: Any) -> None:
    """Staff set where the leader's master profile stands; inside the tenant's scope."""
    manager = house.place.manager
    master_status_set(
        actor=Actor(SessionType.MANAGER, manager.id, house.place.id),
        master_id=CopyMaster.objects.get(account=house.leader).pk,
        status=status,
        reason="as agreed",
        at=house.at,
        **more,
    )


def prove_books() -> None:
    """Inside a scope: every balance is the sum of its transfers, every sequence is gapless, money is zero-sum."""
    moved: defaultdict[int, Decimal] = defaultdict(Decimal)
    for debit, credit, amount in Transfer.objects.values_list("debit_id", "credit_id", "amount"):
        moved[debit] -= amount
        moved[credit] += amount
    assert sum(moved.values()) == 0
    sequences: dict[int, list[int]] = {}
    for account_id, seq in AccountEvent.objects.order_by("account_id", "seq").values_list("account_id", "seq"):
        sequences.setdefault(account_id, []).append(seq)
    for account in TradingAccount.objects.all():
        assert account.balance == moved[account.pk], account.login
        assert sequences.get(account.pk, []) == list(range(1, account.event_seq + 1)), account.login


def prove_links(*, exact: bool = False) -> None:
    """Inside a scope: the active links of a ticket never add up to more than the ticket; with `exact` to all of it."""
    owned: defaultdict[int, Decimal] = defaultdict(Decimal)
    for ticket, volume in TradeLink.objects.filter(state=LinkState.ACTIVE).values_list("follower_trade_id", "volume"):
        assert volume > 0
        owned[ticket] += volume
    tickets = dict(Trade.objects.filter(state=TradeState.OPEN).values_list("id", "volume"))
    for ticket, volume in owned.items():
        assert volume <= tickets.get(ticket, 0), f"links own {volume} of ticket {ticket}: {tickets.get(ticket)}"
    if exact:
        copied = Trade.objects.filter(state=TradeState.OPEN, copied=True).values_list("id", "volume")
        assert dict(copied) == dict(owned)


def _actor(person: Person) -> Actor:
    return Actor(SessionType.CUSTOMER, person.id, person.place.id)
