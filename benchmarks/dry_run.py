"""A dry run over 90 days of an active master, beside a bare read of the same events."""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from accounts.models import AccountGroup, TradingAccount, User
from accounts.services.trading_accounts import account_open
from benchmarks.figures import Compared, compared
from copytrade.services.masters import master_create
from core import clock
from core.sessions import ALWAYS_OPEN
from infra.actor import Actor, SessionType
from infra.bulk import hot_cursor, insert_rows
from infra.database import analyze
from infra.tenancy import tenant_scope
from marketplace.services.dry_run import dry_run_make
from trading.models import AccountEvent, Instrument
from trading.services.balance import balance_operate
from trading.services.instruments import instrument_update

DAYS: Final = 90
TRADES: Final = 5_000
SYMBOLS: Final = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")
HELD: Final = 10
"""Trades that are open at once, on average."""
SETTINGS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"volume_mode": 2},
    {"max_positions": 5, "max_drawdown_percent": Decimal(50)},
)

_EVENT = (
    "tenant_id", "account_id", "seq", "kind", "origin", "trade_id", "instrument_id", "symbol", "side", "volume_before",
    "volume_after", "price", "bid", "ask", "sl", "tp", "cmd", "equity", "balance", "at",
)  # fmt: skip
_FLOOR_SQL = b"SELECT * FROM trading_accountevent WHERE account_id = %s AND at >= %s ORDER BY seq"


@dataclass
class Found:
    """What was measured: milliseconds of whole dry runs and of bare reads of their events."""

    trades: int
    events: int
    times: Compared


def measure(tenant_id: int, runs: int) -> Found:
    """A new master with `TRADES` trades in the last `DAYS`, asked about by its own customer."""
    at = clock.now()
    with tenant_scope(tenant_id):
        account, actor = _master(tenant_id, at)
        events = _events_write(account, at)
    analyze()
    product: list[list[float]] = []
    floor: list[list[float]] = []
    for _run in range(runs):
        product.append([])
        floor.append([])
        for settings in SETTINGS:
            with tenant_scope(tenant_id):
                began = time.perf_counter()
                dry_run_make(actor=actor, master_login=account.login, days=DAYS, settings=settings, at=clock.now())
                product[-1].append((time.perf_counter() - began) * 1000)
                began = time.perf_counter()
                hot_cursor().execute(_FLOOR_SQL, [account.pk, at - timedelta(days=DAYS)]).fetchall()
                floor[-1].append((time.perf_counter() - began) * 1000)
    return Found(TRADES, events, compared("dry run of 90 days", product, floor))


def _master(tenant_id: int, at: datetime) -> tuple[TradingAccount, Actor]:
    for symbol in SYMBOLS:
        instrument_update(tenant_id=tenant_id, symbol=symbol, changes={"sessions": ALWAYS_OPEN})
    customer, group = User.objects.order_by("pk")[:1].get(), AccountGroup.objects.order_by("pk")[:1].get()
    account = account_open(customer=customer, group=group, at=at).account
    balance_operate(account_id=account.pk, amount=Decimal(100_000), at=at)
    actor = Actor(SessionType.CUSTOMER, customer.pk, tenant_id)
    policy = {"reward_type": 3, "fee_percent": Decimal(10)}
    master_create(actor=actor, login=account.login, settings={"strategy_name": "Active"}, reward_policy=policy, at=at)
    account.refresh_from_db()
    return account, actor


def _events_write(account: TradingAccount, at: datetime) -> int:
    """Opens and closes at moving prices, evenly over the period; the number of events."""
    chance = random.Random(7)
    specs = {i.symbol: i for i in Instrument.objects.filter(symbol__in=SYMBOLS)}
    prices = {"EURUSD": 1.1, "GBPUSD": 1.27, "USDJPY": 150.0, "XAUUSD": 2000.0}
    step = timedelta(days=DAYS - 1) / TRADES
    happenings = []
    for number in range(TRADES):
        opened = at - timedelta(days=DAYS - 0.5) + step * number
        held = step * chance.uniform(0.1, 2 * HELD)
        trade = (
            number + 10**12,
            chance.choice(SYMBOLS),
            chance.choice(("BUY", "SELL")),
            Decimal(chance.randint(1, 50)) / 100,
        )
        happenings += [(opened, "OPEN", trade), (min(opened + held, at - timedelta(seconds=1)), "CLOSE", trade)]
    rows: list[tuple[Any, ...]] = []
    for seq, (when, kind, (number, symbol, side, lots)) in enumerate(sorted(happenings, key=lambda h: h[0]), 1):
        spec = specs[symbol]
        prices[symbol] *= 1 + chance.gauss(0, 0.0002)
        bid = Decimal(str(round(prices[symbol], spec.digits)))
        ask = bid + spec.tick_size * 2
        before, after = (0, lots) if kind == "OPEN" else (lots, 0)
        price = ask if (side == "BUY") == (kind == "OPEN") else bid
        rows.append((
            account.tenant_id, account.pk, account.event_seq + seq, kind, "MANUAL", number, spec.pk, symbol, side, before,
            after, price, bid, ask, 0, 0, int(side == "SELL"), account.balance, account.balance, when,
        ))  # fmt: skip
    insert_rows(hot_cursor(), AccountEvent, _EVENT, rows)
    TradingAccount.objects.filter(pk=account.pk).update(event_seq=account.event_seq + len(rows))
    return len(rows)
