"""Who exists in the demo: plain data, in the order in which it comes into being.

The addresses end in `.example`, which nobody can own.
"""

from decimal import Decimal
from typing import Any, Final

from config.demo.roles import (
    Account,
    Cash,
    Change,
    Follower,
    Group,
    House,
    Master,
    NewTerms,
    Person,
    Subscription,
)
from config.demo.styles import Signal, Style
from copytrade.models import CopyMode, FollowerModes, SubscriptionStatus, SymbolsMode, Visibility, VolumeMode
from core.states import AccountMode, ManualTradingMode, PositionMode

PASSWORD: Final = "copytrade-demo"
"""Of everybody in the demo, and of nobody else."""

DAYS: Final = 90


def _lots(*symbols: str, of: str) -> dict[str, tuple[str, ...]]:
    return {symbol: tuple(of.split()) for symbol in symbols}


_PAIRS = ("EURUSD", "GBPUSD", "USDJPY", "AUDUSD")
_SWING = Style(
    symbols=_PAIRS, signal=Signal.REVERSION, lookback=960, chance=8, conviction=900, target=270, stop=170, hold=384,
    open_max=4, lots=_lots(*_PAIRS, of="0.80 1.00 1.20 1.50"), halves=True, keeps=2,
)  # fmt: skip
_QUICK = ("EURUSD", "GBPUSD", "EURJPY")
_SCALP = Style(
    symbols=_QUICK, signal=Signal.TREND, lookback=4, chance=22, conviction=600, target=25, stop=27, hold=24,
    open_max=3, lots=_lots(*_QUICK, of="0.20 0.30 0.40"),
)  # fmt: skip
_CROSSES = ("EURGBP", "AUDUSD", "USDCAD", "EURCHF")
_REVERSION = Style(
    symbols=_CROSSES, signal=Signal.REVERSION, lookback=190, chance=10, conviction=580, target=130, stop=90, hold=160,
    open_max=3, lots=_lots(*_CROSSES, of="0.60 0.80 1.00"), halves=True,
)  # fmt: skip
_INDEX = Style(
    symbols=("MES", "MNQ"), signal=Signal.TREND, lookback=24, chance=16, conviction=570, target=130, stop=65, hold=128,
    open_max=2, lots=_lots("MES", "MNQ", of="2 3 4"), halves=True, adds=True,
)  # fmt: skip
_GOLD = Style(
    symbols=("XAUUSD",), signal=Signal.TREND, lookback=8, chance=45, conviction=620, target=100, stop=50, hold=96,
    open_max=1, lots=_lots("XAUUSD", of="0.20 0.30 0.40"), halves=True,
)  # fmt: skip
_BETS = ("NZDUSD", "USDCHF", "BTCUSD")
_BREAKOUT = Style(
    symbols=_BETS, signal=Signal.TREND, lookback=8, chance=16, conviction=700, target=14, stop=14, hold=10,
    open_max=2, lots={"BTCUSD": ("0.40", "0.60"), **_lots("NZDUSD", "USDCHF", of="1.50 2.00 2.50")}, week_ends=True,
)  # fmt: skip
_SLOW = ("EURJPY", "GBPJPY")
_CARRY = Style(
    symbols=_SLOW, signal=Signal.REVERSION, lookback=960, chance=8, conviction=850, target=200, stop=200, hold=400,
    open_max=2, lots=_lots(*_SLOW, of="0.30 0.40"),
)  # fmt: skip
_NORTH = Style(
    symbols=("EURUSD", "XAUUSD"), signal=Signal.REVERSION, lookback=960, chance=9, conviction=900, target=140, stop=130,
    hold=300, open_max=2, lots={"EURUSD": ("0.50", "0.80"), "XAUUSD": ("0.10", "0.20")}, keeps=1,
)  # fmt: skip
_GRANITE = Style(
    symbols=("EURGBP", "GBPUSD"), signal=Signal.REVERSION, lookback=32, chance=9, conviction=500, target=70, stop=80,
    hold=128, open_max=2, lots=_lots("EURGBP", "GBPUSD", of="0.40 0.60"),
)  # fmt: skip

_REAL, _DEMO, _NETTING, _RAW, _EURO = "Real", "Demo", "Real Netting", "Real Raw", "Real Euro"
_GROUPS = (
    Group(_REAL, public=True),
    Group(_DEMO, mode=AccountMode.DEMO, public=True),
    Group(_NETTING, position_mode=PositionMode.NETTING),
    Group(_RAW, commission="2"),
    Group(_EURO, currency="EUR"),
)


def _profile(name: str, description: str, **settings: Any) -> dict[str, Any]:
    return {"strategy_name": name, "description": description, "visibility": Visibility.PUBLIC, **settings}


def _times(factor: str, **settings: Any) -> dict[str, Any]:
    """The leader's volume times a factor."""
    return {"volume_mode": VolumeMode.MULTIPLIER, "risk_multiplier": Decimal(factor), **settings}


def _by_equity(factor: str = "1", **settings: Any) -> dict[str, Any]:
    return {"volume_mode": VolumeMode.EQUITY_RATIO, "risk_multiplier": Decimal(factor), **settings}


def _by_balance(factor: str = "1", **settings: Any) -> dict[str, Any]:
    return {"volume_mode": VolumeMode.BALANCE_RATIO, "risk_multiplier": Decimal(factor), **settings}


def _fee(reward_type: int, amount: str = "0", percent: str = "0", **terms: Any) -> dict[str, Any]:
    return {"reward_type": reward_type, "fee_amount": Decimal(amount), "fee_percent": Decimal(percent), **terms}


DEMO: Final = House(
    slug="demo",
    name="Demo Markets",
    groups=_GROUPS,
    people=(
        Person("leader", "Leonie Hartmann"),
        Person("follower", "Felix Sommer"),
        Person("nadia", "Nadia Okafor"),
        Person("tomas", "Tomas Lindqvist"),
        Person("meiling", "Mei-Ling Zhao"),
        Person("diego", "Diego Marchetti"),
        Person("sofia", "Sofia Brandt"),
        Person("amara", "Amara Diallo"),
        Person("jonas", "Jonas Weber"),
        Person("priya", "Priya Raman"),
        Person("lucas", "Lucas Moreau"),
        Person("hana", "Hana Kobayashi"),
        Person("mateo", "Mateo Silva"),
        Person("elif", "Elif Yilmaz", day=9),
        Person("oliver", "Oliver Grant", day=35),
        Person("ingrid", "Ingrid Solberg", day=60),
    ),
    accounts=(
        Account("leader-1", "leader", _REAL, "50000"),
        Account("leader-2", "leader", _RAW, "40000"),
        Account("nadia-1", "nadia", _REAL, "40000"),
        Account("tomas-1", "tomas", _NETTING, "60000"),
        Account("meiling-1", "meiling", _REAL, "45000"),
        Account("diego-1", "diego", _REAL, "30000"),
        Account("sofia-1", "sofia", _EURO, "30000"),
        Account("follower-1", "follower", _REAL, "20000"),
        Account("follower-2", "follower", _DEMO, "10000"),
        Account("sofia-2", "sofia", _EURO, "12000"),
        Account("amara-1", "amara", _REAL, "30000"),
        Account("jonas-1", "jonas", _EURO, "15000"),
        Account("priya-1", "priya", _RAW, "20000"),
        Account("lucas-1", "lucas", _NETTING, "16000"),
        Account("hana-1", "hana", _REAL, "9000"),
        Account("mateo-1", "mateo", _DEMO, "10000"),
        Account("elif-1", "elif", _REAL, "5000", day=9),
        Account("oliver-1", "oliver", _REAL, "40000", day=35),
        Account("ingrid-1", "ingrid", _REAL, "25000", day=60),
    ),
    masters=(
        Master(
            "leader-1",
            _SWING,
            _profile(
                "Meridian Swing",
                "Buys major pairs that have fallen for days, sells those that have risen. Takes half the profit half-way.",
                show_trade_history=True,
                show_followers=True,
                allowed_follower_modes=FollowerModes.REAL_AND_DEMO,
            ),
            _fee(1, percent="20"),
            pace=0,
        ),
        Master(
            "leader-2",
            _SCALP,
            _profile("Tidewater Scalper", "Many small trades in EURUSD, GBPUSD and EURJPY, closed within hours."),
            _fee(3, percent="15"),
            pace=6,
        ),
        Master(
            "nadia-1",
            _REVERSION,
            _profile(
                "Pendulum Reversion",
                "Trades against stretched prices in quiet crosses and is back at the average within a day or two.",
                show_trade_history=True,
            ),
            _fee(0, amount="30", billing_period="monthly"),
            pace=5,
        ),
        Master(
            "tomas-1",
            _INDEX,
            _profile("Opening Bell Index", "Micro futures on the S&P 500 and the Nasdaq, one position per contract."),
            _fee(4, percent="2", billing_period="monthly"),
        ),
        Master(
            "meiling-1",
            _GOLD,
            _profile(
                "Aurum Daily",
                "One gold trade at a time, with the move of the last hours.",
                show_trade_history=True,
                max_followers=20,
            ),
            _fee(2, amount="1.5", billing_period="weekly"),
            pace=2,
        ),
        Master(
            "diego-1",
            _BREAKOUT,
            _profile("All-In Breakout", "Large bets on small breakouts, day and night. Not for the faint-hearted."),
            _fee(1, percent="35", hwm_convention="NET"),
        ),
        Master(
            "sofia-1",
            _CARRY,
            _profile(
                "Rhine Carry",
                "Slow trades against the yen, for a circle of friends.",
                visibility=Visibility.PRIVATE,
            ),
            _fee(0, amount="10", billing_period="weekly"),
            day=2,
        ),
    ),
    followers=(
        Follower("follower-1", {"max_master_count": 5}),
        Follower("follower-2", {"manual_trading_mode": ManualTradingMode.ALLOW_NON_COPIED}),
        Follower("sofia-2", day=2),
        Follower("amara-1", {"max_master_count": 3}),
        Follower("jonas-1", {"max_master_count": 3}),
        Follower("priya-1", {"max_master_count": 3}),
        Follower("lucas-1"),
        Follower("hana-1"),
        Follower("mateo-1"),
        Follower("elif-1", day=9),
        Follower("oliver-1", {"max_master_count": 2}, day=35),
        Follower("ingrid-1", {"max_master_count": 2}, day=60),
    ),
    subscriptions=(
        Subscription("leader-1", "follower-1", _times("0.4")),
        Subscription("leader-2", "follower-1", _times("0.5"), day=1),
        Subscription("nadia-1", "follower-1", _by_equity("0.8"), day=4),
        Subscription("leader-1", "follower-2", _by_balance("1")),
        Subscription("sofia-1", "sofia-2", _times("0.25"), day=2),
        Subscription("leader-1", "amara-1", _by_equity("1")),
        Subscription("meiling-1", "amara-1", _by_balance("0.75")),
        Subscription("nadia-1", "jonas-1", _times("0.3")),
        Subscription("leader-1", "jonas-1", _times("0.15", max_volume=Decimal("0.20"))),
        Subscription("leader-2", "priya-1", _times("0.5", max_positions=1)),
        Subscription("meiling-1", "priya-1", _times("0.5", copy_partial_close=False)),
        Subscription("tomas-1", "lucas-1", _times("0.4")),
        Subscription(
            "diego-1",
            "hana-1",
            {
                "volume_mode": VolumeMode.FIXED,
                "fixed_volume": Decimal("0.60"),
                "min_equity": Decimal(7500),
                "symbols_mode": SymbolsMode.EXCLUDE,
                "symbols": "BTCUSD",
            },
        ),
        Subscription("leader-1", "mateo-1", _times("0.1", reverse_direction=True, copy_sl=False, copy_tp=False)),
        Subscription(
            "leader-2",
            "elif-1",
            _times("0.2", symbols_mode=SymbolsMode.INCLUDE, symbols="EUR*", min_volume=Decimal("0.05")),
            day=9,
        ),
        Subscription("tomas-1", "oliver-1", _times("0.5"), day=35),
        Subscription("leader-1", "oliver-1", _by_equity("0.9"), day=36),
        Subscription("nadia-1", "ingrid-1", _times("0.5"), day=60),
        Subscription("meiling-1", "ingrid-1", _times("0.4", max_volume=Decimal("0.10")), day=61),
    ),
    cash=(
        Cash("amara-1", 31, "5000", "Bank transfer"),
        Cash("meiling-1", 44, "-3000", "Payout"),
        Cash("follower-1", 38, "2500", "Card payment"),
        Cash("follower-1", 66, "-1000", "Bank transfer"),
        Cash("lucas-1", 52, "4000", "Bank transfer"),
        Cash("leader-1", 71, "-2000", "Payout"),
    ),
    changes=(
        Change("leader-2", "priya-1", 48, {"risk_multiplier": Decimal("0.4"), "max_positions": 2}),
        Change("nadia-1", "jonas-1", 55, {"status": SubscriptionStatus.PAUSED}),
        Change("nadia-1", "jonas-1", 63, {"status": SubscriptionStatus.ACTIVE}),
        Change("meiling-1", "amara-1", 82, {"copy_mode": CopyMode.CLOSE_ONLY}),
        Change("meiling-1", "amara-1", 85, {"copy_mode": CopyMode.FULL_SYNC}),
    ),
    # Whoever signs in as the follower finds dearer terms that wait for an answer.
    new_terms=(NewTerms("nadia-1", 88, {"fee_amount": Decimal(35)}, undecided="follower-1"),),
)

OTHER: Final = House(
    slug="other",
    name="Other Traders",
    groups=_GROUPS[:2],
    people=(
        Person("leader", "Lena Fischer"),
        Person("follower", "Filip Horak"),
        Person("pavel", "Pavel Novak"),
        Person("clara", "Clara Jensen", day=20),
    ),
    accounts=(
        Account("leader-1", "leader", _REAL, "35000"),
        Account("pavel-1", "pavel", _REAL, "20000"),
        Account("follower-1", "follower", _REAL, "10000"),
        Account("follower-2", "follower", _DEMO, "10000"),
        Account("clara-1", "clara", _REAL, "15000", day=20),
    ),
    masters=(
        Master(
            "leader-1",
            _NORTH,
            _profile(
                "Northwind Swing",
                "The euro and gold, back to where they came from.",
                show_trade_history=True,
                allowed_follower_modes=FollowerModes.REAL_AND_DEMO,
            ),
            _fee(1, percent="25"),
            pace=0,
        ),
        Master(
            "pavel-1",
            _GRANITE,
            _profile("Granite Reversion", "Patient trades back to the average."),
            _fee(0, amount="20", billing_period="monthly"),
        ),
    ),
    followers=(
        Follower("follower-1", {"max_master_count": 2}),
        Follower("follower-2"),
        Follower("clara-1", day=20),
    ),
    subscriptions=(
        Subscription("leader-1", "follower-1", _times("0.3")),
        Subscription("pavel-1", "follower-1", _times("0.5"), day=1),
        Subscription("leader-1", "follower-2", _times("0.25"), day=1),
        Subscription("leader-1", "clara-1", _by_equity("0.8"), day=20),
    ),
    cash=(Cash("follower-1", 40, "1500", "Bank transfer"), Cash("clara-1", 58, "-500", "Payout")),
)

HOUSES: Final = (DEMO, OTHER)
