"""Days of one tenant: trading at instants of its own, and the evenings that end them.

Days end at 17:00 in New York. Until 8 March 2026 that is 22:00 UTC, from then on 21:00. 2 March is a Monday.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import AccountGroup, TradingAccount
from core.rounding import plain
from core.states import Side
from tests.support.world import Place
from trading.models import EquitySnapshot, StorageCharge, Trade
from trading.services.balance import balance_operate
from trading.services.day_end import day_end
from trading.services.orders import OrderAnswer, order_close, order_open

D = Decimal
MONDAY = date(2026, 3, 2)


def instant(text: str) -> datetime:
    """`"3 22:00"` is the third of March 2026 at that hour of UTC."""
    day, _space, clock = text.partition(" ")
    hour, minute = clock.split(":")
    return datetime(2026, 3, int(day), int(hour), int(minute), tzinfo=UTC)


@dataclass
class Evening:
    """One tenant, with whatever accounts the test asks for."""

    place: Place
    accounts: list[TradingAccount] = field(default_factory=list)

    @property
    def tenant_id(self) -> int:
        return self.place.id

    def instrument(self, symbol: str = "EURUSD", bid: str = "1.1000", ask: str = "1.1002", **terms: Any) -> None:
        self.place.instrument(symbol, **terms)
        self.quote(bid, ask, "2 8:00", symbol)

    def quote(self, bid: str, ask: str, at: str, symbol: str = "EURUSD") -> None:
        self.place.quote(symbol, bid, ask, at=instant(at))

    def account(self, balance: str = "10000", at: str = "2 9:00", group: AccountGroup | None = None) -> TradingAccount:
        """An account of Alice's that was opened and funded then."""
        account = self.place.account(self.place.person("alice"), group or self.place.real, 0)
        self.accounts.append(account)
        if D(balance):
            self.pay(account, balance, at)
        return account

    def pay(self, account: TradingAccount, amount: str, at: str) -> None:
        with self.place.scope():
            balance_operate(account_id=account.id, amount=D(amount), at=instant(at))

    def open(self, account: TradingAccount, volume: str, at: str, side: Side = Side.BUY, symbol: str = "EURUSD") -> int:
        with self.place.scope():
            answer = order_open(
                account_id=account.id, symbol=symbol, side=side, volume=D(volume), at=instant(at)
            )  # fmt: skip
        assert isinstance(answer, OrderAnswer), answer
        return answer.order

    def close(self, account: TradingAccount, trade_id: int, at: str, volume: str | None = None) -> None:
        with self.place.scope():
            answer = order_close(
                account_id=account.id, trade_id=trade_id, volume=None if volume is None else D(volume), at=instant(at)
            )
        assert isinstance(answer, OrderAnswer), answer

    def end(self, day: int, at: datetime | None = None) -> bool:
        """Ends that day of March, half a minute late."""
        boundary = datetime(2026, 3, day, 22 if day < 8 else 21, tzinfo=UTC)
        return day_end(
            tenant_id=self.tenant_id, day=boundary.date(), at=at or boundary + timedelta(seconds=30)
        )  # fmt: skip

    def trade(self, trade_id: int) -> Trade:
        with self.place.scope():
            return Trade.objects.get(pk=trade_id)

    def storage(self, trade_id: int) -> Decimal:
        return plain(self.trade(trade_id).storage)

    def charges(self, trade_id: int) -> list[tuple[int, int, Decimal]]:
        """(day of March, nights, amount)."""
        with self.place.scope():
            found = StorageCharge.objects.filter(trade_id=trade_id).order_by("day")
            return [(charge.day.day, charge.nights, plain(charge.amount)) for charge in found]

    def curve(self, account: TradingAccount) -> list[tuple[int, str, str, str, str]]:
        """(day of March, equity, low, high, flow), oldest first."""
        with self.place.scope():
            return [
                (s.day.day, *(str(plain(value)) for value in (s.equity, s.low, s.high, s.flow)))
                for s in EquitySnapshot.objects.filter(account=account).order_by("day")
            ]

    def rows(self) -> list[tuple[Any, ...]]:
        """Every snapshot, charge and record of the tenant, by value."""
        with self.place.scope():
            return [
                *EquitySnapshot.objects.order_by("account_id", "day").values_list(),
                *StorageCharge.objects.order_by("trade_id", "day").values_list(),
                *Trade.objects.order_by("id").values_list(),
            ]
