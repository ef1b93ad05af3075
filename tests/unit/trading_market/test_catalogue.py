"""The built-in contracts, against figures worked out by hand."""

from decimal import Decimal

import pytest

from core.clock import from_unix
from core.contracts import AssetClass, ContractSpec, Variant
from core.rounding import is_multiple
from core.states import Side
from trading.catalogue import BY_SYMBOL, CONTRACTS, CatalogueContract
from trading.domain.storage import SwapTerms, night_storage
from trading.domain.values import Ticket

# One lot, one tick in favour, in the profit currency; and what one lot is worth at a round price.
BY_HAND = [
    ("EURUSD", "1.00", "USD", "1.2", "120000"),  # 100,000 x 0.00001; 100,000 EUR at 1.2 USD
    ("GBPUSD", "1.00", "USD", "1.3", "130000"),
    ("USDJPY", "100", "JPY", "150", "15000000"),  # 100,000 x 0.001
    ("USDCHF", "1.00", "CHF", "0.8", "80000"),
    ("USDCAD", "1.00", "CAD", "1.4", "140000"),
    ("AUDUSD", "1.00", "USD", "0.65", "65000"),
    ("NZDUSD", "1.00", "USD", "0.6", "60000"),
    ("EURGBP", "1.00", "GBP", "0.88", "88000"),
    ("EURJPY", "100", "JPY", "175", "17500000"),
    ("GBPJPY", "100", "JPY", "200", "20000000"),
    ("EURCHF", "1.00", "CHF", "0.93", "93000"),
    ("AUDJPY", "100", "JPY", "100", "10000000"),
    ("XAUUSD", "1.00", "USD", "4000", "400000"),  # 100 oz x 0.01
    ("ES", "12.50", "USD", "6000", "300000"),  # $50 x 0.25
    ("MES", "1.25", "USD", "6000", "30000"),
    ("NQ", "5.00", "USD", "20000", "400000"),  # $20 x 0.25
    ("MNQ", "0.50", "USD", "20000", "40000"),
    ("CL", "10.00", "USD", "60", "60000"),  # 1,000 barrels x 0.01
    ("MCL", "1.00", "USD", "60", "6000"),
    ("GC", "10.00", "USD", "4000", "400000"),  # 100 oz x 0.10
    ("MGC", "1.00", "USD", "4000", "40000"),
    ("BTCUSD", "0.01", "USD", "100000", "100000"),
]


def test_every_contract_is_worked_out_by_hand() -> None:
    assert [row[0] for row in BY_HAND] == [contract.symbol for contract in CONTRACTS]


@pytest.mark.parametrize(("symbol", "profit", "currency", "price", "worth"), BY_HAND)
def test_one_tick_of_one_lot(symbol: str, profit: str, currency: str, price: str, worth: str) -> None:
    contract = BY_SYMBOL[symbol]
    open_price = Decimal(price)
    close_price = open_price + contract.tick_size
    # the contract's own formula
    made = (close_price - open_price) / contract.tick_size * contract.tick_value
    assert (made, contract.profit_currency) == (Decimal(profit), currency)
    assert contract.contract_size * open_price == Decimal(worth)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.symbol)
def test_terms_agree_with_each_other(contract: CatalogueContract) -> None:
    assert contract.tick_value == contract.contract_size * contract.tick_size
    assert is_multiple(contract.tick_size, Decimal(1).scaleb(-contract.digits)), "a tick shows in the digits"
    assert is_multiple(contract.lot_step, Decimal("0.01")), "D27"
    assert is_multiple(contract.lot_min, contract.lot_step)
    assert is_multiple(contract.lot_max, contract.lot_step)
    assert (contract.margin_per_lot > 0) == (contract.asset_class is AssetClass.FUTURE)


def test_ten_micros_are_one_standard() -> None:
    families: dict[str, dict[Variant, CatalogueContract]] = {}
    for contract in CONTRACTS:
        if contract.family:
            families.setdefault(contract.family, {})[contract.variant] = contract
    assert set(families) == {"ES", "NQ", "CL", "GC"}
    for name, variants in families.items():
        standard, micro = variants[Variant.STANDARD], variants[Variant.MICRO]
        assert (standard.symbol, micro.symbol) == (name, f"M{name}")
        assert standard.tick_value == 10 * micro.tick_value
        assert standard.contract_size == 10 * micro.contract_size
        assert standard.margin_per_lot == 10 * micro.margin_per_lot
        assert standard.tick_size == micro.tick_size


# A night of one lot, bought and sold, in the profit currency.
NIGHTS = [
    ("EURUSD", "-7.20", "2.90"),  # a point of a lot is 1 USD
    ("USDJPY", "1150", "-1800"),  # 11.5 x 100 JPY
    ("EURGBP", "-6.10", "2.50"),
    ("XAUUSD", "-38.00", "14.00"),  # a point is 0.01 USD of 100 ounces
    ("BTCUSD", "-18.00", "-5.40"),  # 1,800 x 0.01 USD
    ("ES", "0", "0"),
]


@pytest.mark.parametrize(("symbol", "bought", "sold"), NIGHTS)
def test_a_night_of_one_lot(symbol: str, bought: str, sold: str) -> None:
    contract = BY_SYMBOL[symbol]
    terms = SwapTerms(contract.swap_long, contract.swap_short, contract.swap_triple_day)
    spec = ContractSpec(
        id=1,
        stale_quote_seconds=0,
        trade_enabled=True,
        **{
            name: getattr(contract, name)
            for name in (
                "symbol", "asset_class", "family", "variant", "contract_size", "tick_size", "tick_value", "digits",
                "profit_currency", "lot_min", "lot_max", "lot_step", "margin_percent", "margin_per_lot",
            )
        },
    )  # fmt: skip
    for side, amount in ((Side.BUY, bought), (Side.SELL, sold)):
        ticket = Ticket(1, spec, side, Decimal(1), Decimal(100), from_unix(0))
        assert night_storage(ticket, terms, 1, Decimal(1), spec.profit_currency) == Decimal(amount)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.symbol)
def test_nights_cost_something_but_for_futures_and_the_house_keeps_a_margin(contract: CatalogueContract) -> None:
    future = contract.asset_class is AssetClass.FUTURE
    assert (contract.swap_long == 0, contract.swap_short == 0) == (future, future)
    assert future or contract.swap_long + contract.swap_short < 0
    settles_in_two_days = contract.asset_class in (AssetClass.FX, AssetClass.METAL)
    assert contract.swap_triple_day == (3 if settles_in_two_days else 0)
