"""A tenant with a market, and the hands that place orders and post quotes in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import TradingAccount
from core.clock import now
from core.states import Cmd, TicketKind
from tests.support.api import Answer, Api
from tests.support.world import Place, World
from trading.models import AccountEvent, Trade
from trading.services.orders import OrderAnswer, order_open, order_open_pending

D = Decimal


@dataclass
class Hands:
    """Orders by the services at `at`, quotes by POST /manage/quotes."""

    place: Place
    dealer: Api
    at: datetime = field(default_factory=now)

    def order(self, account: TradingAccount, cmd: Cmd, volume: str, price: str = "0", **terms: Any) -> int:
        """A market order, or a pending one at `price`; gives its number. EURUSD unless written."""
        terms = {
            key: D(value) if isinstance(value, str) and key in ("sl", "tp") else value for key, value in terms.items()
        }
        values = {"account_id": account.pk, "symbol": "EURUSD", "side": cmd.side, "volume": D(volume), "at": self.at}
        with self.place.scope():
            if cmd.kind is TicketKind.MARKET:
                answer = order_open(**values | terms)
            else:
                answer = order_open_pending(**values | terms, kind=cmd.kind, open_price=D(price))
        assert isinstance(answer, OrderAnswer), answer
        return answer.order

    def post(self, *quotes: tuple[str, str, str]) -> Answer:
        """Quotes as (symbol, bid, ask), in one request."""
        sent = [{"symbol": symbol, "bid": bid, "ask": ask} for symbol, bid, ask in quotes]
        return self.dealer.post("/manage/quotes", {"quotes": sent})

    def quote(self, bid: str, ask: str, symbol: str = "EURUSD") -> None:
        answer = self.post((symbol, bid, ask))
        assert answer.status == 200, answer.text

    def trade(self, number: int) -> Trade:
        with self.place.scope():
            return Trade.objects.get(pk=number)

    def account(self, account: TradingAccount) -> TradingAccount:
        with self.place.scope():
            return TradingAccount.objects.get(pk=account.pk)

    def events(self, account: TradingAccount) -> list[tuple[str, int | None]]:
        with self.place.scope():
            return list(AccountEvent.objects.filter(account=account).order_by("seq").values_list("kind", "trade_id"))

    def later(self, seconds: float) -> datetime:
        return self.at + timedelta(seconds=seconds)


@pytest.fixture
def hands(world: World, api: Callable[..., Api]) -> Hands:
    """EURUSD 1.1000/1.1002, XAUUSD and ES; commits where the test does (`transactional_db`)."""
    world.north.market()
    return Hands(world.north, api(world.north.dealer))
