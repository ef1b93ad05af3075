"""An account in euros trades what is priced in yen and dollars: the rate of the close is kept, the ledger has the euros.

The numbers are those of docs/algorithms/money.md.
"""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from core.rounding import plain
from core.states import Side
from ledger.models import Transfer
from ledger.selectors_proof import ledger_prove
from tests.support.world import World
from trading.models import Trade
from trading.selectors import account_picture
from trading.services.instruments import catalogue_install
from trading.services.orders import OrderAnswer, order_close, order_open

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "side", "volume", "opened", "closed", "margin", "profit", "rate"),
    [
        (
            "USDJPY", Side.BUY, "1", ("149.990", "150.010"), ("151.490", "151.510"),
            "800.05", "781.52", "0.0052805281",
        ),
        ("ES", Side.BUY, "2", ("5000.00", "5000.25"), ("5010.00", "5010.25"), "36800", "780", "0.8"),
        ("BTCUSD", Side.SELL, "0.05", ("60000", "60050"), ("58950", "59000"), "240", "40", "0.8"),
    ],
)  # fmt: skip
def test_profit_is_converted_at_the_close(
    world: World,
    symbol: str,
    side: Side,
    volume: str,
    opened: tuple[str, str],
    closed: tuple[str, str],
    margin: str,
    profit: str,
    rate: str,
) -> None:
    place = world.north
    account = place.account(world.alice, place.group("euro", currency="EUR"), 100_000)
    with place.scope():
        catalogue_install(tenant_id=place.id, symbols={symbol, "EURUSD"}, feed="NONE")
    place.quote("EURUSD", "1.24990", "1.25010", at=AT)
    place.quote(symbol, *opened, at=AT)
    with place.scope():
        answer = order_open(account_id=account.id, symbol=symbol, side=side, volume=D(volume), at=AT)
        assert isinstance(answer, OrderAnswer)
        assert account_picture(account.id).margin == D(margin)
    place.quote(symbol, *closed, at=AT)
    with place.scope():
        assert isinstance(order_close(account_id=account.id, trade_id=answer.order, at=AT), OrderAnswer)
        record = Trade.objects.get(pk=answer.order)
        assert (plain(record.profit), record.conversion_rate) == (D(profit), D(rate))
        booked = Transfer.objects.get(reference=answer.order, reason="TRADE_PROFIT")
        assert (plain(booked.amount), booked.currency) == (D(profit), "EUR")
    assert ledger_prove(place.id) == []
