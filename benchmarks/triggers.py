"""How fast the market is: ticks over many resting orders, many symbols at once, and the watch over margins.

Every figure has its floor in the same run: a tick that finds as few orders resting as are due, the pace of the recorded
feed, the second in which everybody's margin has to be looked at.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psycopg

from accounts.models import Role
from accounts.services.groups import account_group_create
from accounts.services.sessions import session_open
from accounts.services.tenants import tenant_create
from accounts.services.trading_accounts import account_open
from accounts.services.users import user_create
from benchmarks.figures import Compared, compared
from benchmarks.place import BenchmarkError
from benchmarks.sockets import Socket, connect
from core import clock
from core.states import AccountMode
from infra.database import analyze, owner_connection
from infra.tenancy import tenant_scope
from trading.models import Trade
from trading.services.instruments import instrument_create
from trading.services.margin import margin_watch
from trading.services.quotes import NewQuote, quotes_store

RESTING: Final = 100_000
DUE: Final = 10
WATCHED: Final = 10_000
SYMBOLS: Final = 200
POSITIONS: Final = 1_000
SOCKETS: Final = 200
SYMBOLS_OF_A_SOCKET: Final = 20
TICKS_A_SECOND: Final = 5
SLUG: Final = "market-bench"
_LOW, _HIGH = Decimal("1.0500"), Decimal("1.1000")

_ACCOUNTS: Final = """
INSERT INTO accounts_tradingaccount (tenant_id, password, currency, leverage, enabled, balance, credit, event_seq, copy_role,
    manual_trading_mode, opened_at, group_id, customer_id)
SELECT tenant_id, '', currency, leverage, true, 1000000, 0, 0, 'NONE', 2, opened_at, group_id, customer_id
FROM accounts_tradingaccount, generate_series(1, %s) WHERE id = %s RETURNING id
"""
_RECORDS: Final = """
INSERT INTO trading_trade (tenant_id, account_id, instrument_id, symbol, digits, cmd, state, reason, copied, volume,
    open_price, close_price, sl, tp, profit, commission, storage, comment, open_at)
SELECT i.tenant_id, (%(accounts)s::bigint[])[1 + n %% %(many)s], i.id, i.symbol, 5, %(cmd)s, 0, 0, false, 0.01,
       %(price)s - n * %(step)s, 0, %(sl)s, 0, 0, 0, 0, '', %(at)s
FROM trading_instrument i, generate_series(0, %(rows)s - 1) n WHERE i.id = %(instrument)s
"""


@dataclass
class Market:
    """A tenant of its own, with accounts that nobody watches."""

    tenant_id: int
    token: str
    accounts: list[int]
    instruments: dict[str, int]


@dataclass
class Load:
    """What came of many symbols at once; lateness in ms, as the recorded feed's command tells it."""

    late_median: float
    late_worst: float
    frames_per_second: float
    seconds: float


@dataclass
class Found:
    """All figures of the market. The watch's times are in ms."""

    ticks: Compared
    watch: list[float]
    load: Load | None = None
    sizes: dict[str, int] = field(default_factory=dict)


def build() -> Market:
    """The tenant, its instruments at 1.10, and the accounts."""
    at = clock.now()
    tenant = tenant_create(slug=SLUG, name="Market", timezone="UTC", at=at)
    with tenant_scope(tenant.id):
        owner = user_create(
            email="owner@market.example", password="a benchmark's password", full_name="Owner", role=Role.CUSTOMER,
            owner=False, at=at,
        )  # fmt: skip
        group = account_group_create(name="real", account_mode=AccountMode.REAL, leverage=100)
        pattern = account_open(customer=owner, group=group, at=at).account
        instruments = {}
        for symbol in ("MANY", "FEW", *(f"S{number:03}" for number in range(SYMBOLS))):
            instruments[symbol] = instrument_create(
                tenant_id=tenant.id, symbol=symbol, asset_class="CFD", contract_size=Decimal(100_000),
                tick_size=Decimal("0.00001"), digits=5, lot_min=Decimal("0.01"), lot_max=Decimal(100),
                lot_step=Decimal("0.01"),
            ).pk  # fmt: skip
        token = session_open(user=owner, at=at).token
        quotes = [NewQuote(symbol, _HIGH, _HIGH, at) for symbol in instruments]
        quotes_store(tenant_id=tenant.id, quotes=quotes, at=at, source="SIMULATED")
    with owner_connection() as raw:
        accounts = [row[0] for row in raw.execute(_ACCOUNTS, [WATCHED, pattern.pk])]
        raw.execute(
            "INSERT INTO ledger_ledgeraccount (id, tenant_id, kind, currency)"
            " SELECT id, tenant_id, 'CUSTOMER', currency FROM accounts_tradingaccount WHERE id = ANY(%s)",
            [accounts],
        )
    return Market(tenant.id, token, accounts, instruments)


def ticks(market: Market, runs: int, repeats: int) -> Compared:
    """A posted tick that fills `DUE` orders, with `RESTING` more of them far away and with none; sides take turns."""
    many = market.accounts[:1000]
    _rest(market, "MANY", many, RESTING - DUE, _LOW, step="0.0000001")
    analyze()
    times: dict[str, list[list[float]]] = {"MANY": [], "FEW": []}
    for _run in range(runs + 1):
        for symbol, runs_of_it in times.items():
            runs_of_it.append([_tick(market, symbol, number) for number in range(repeats)])
    return compared(
        f"tick with {RESTING:,} resting and {DUE} due, to {DUE} resting", times["MANY"][1:], times["FEW"][1:]
    )


def _tick(market: Market, symbol: str, number: int) -> float:
    due = [market.accounts[(number * 7 + place * 90) % 1000] for place in range(DUE)]
    _rest(market, symbol, due, DUE, _HIGH - Decimal("0.001"), step="0")
    began = time.perf_counter()
    _post(market, symbol, _HIGH - Decimal("0.002"))
    took = (time.perf_counter() - began) * 1000
    with owner_connection() as raw:
        filled = raw.execute(
            "UPDATE trading_trade SET state = 6 WHERE instrument_id = %s AND state = 0 AND cmd = 0",
            [market.instruments[symbol]],
        ).rowcount
    if filled != DUE:
        raise BenchmarkError(f"{filled} orders were filled instead of {DUE}.")
    _post(market, symbol, _HIGH)
    return took


def watch(market: Market, repeats: int) -> list[float]:
    """Times of looking at everybody's margin, none of whom is in trouble: two positions each."""
    for symbol in ("S000", "S001"):
        _rest(market, symbol, market.accounts, len(market.accounts), Decimal("1.1"), step="0", cmd=0)
    analyze()
    times = []
    for _repeat in range(repeats + 1):
        began = time.perf_counter()
        margin_watch(tenant_id=market.tenant_id, at=clock.now(), levels={})
        times.append((time.perf_counter() - began) * 1000)
    with owner_connection() as raw:
        raw.execute("UPDATE trading_trade SET state = 6 WHERE tenant_id = %s AND state = 0", [market.tenant_id])
    return times[1:]


def load(market: Market, seconds: int, port: int, env: Mapping[str, str], folder: Path) -> Load:
    """`SYMBOLS` symbols at `TICKS_A_SECOND`, replayed by the command, beside a running market process and open sockets."""
    symbols = [f"S{number:03}" for number in range(SYMBOLS)]
    for symbol in symbols:
        _rest(
            market, symbol, market.accounts, POSITIONS // SYMBOLS, Decimal("1.1"), step="0", cmd=0, sl=Decimal("1.05")
        )
    analyze()
    file = folder / "ticks.csv"
    with file.open("w") as lines:
        lines.write("time,symbol,bid,ask\n")
        for step in range(seconds * TICKS_A_SECOND):
            for place, symbol in enumerate(symbols):
                price = Decimal("1.1") + Decimal((step * 7 + place) % 40 - 20) / 100_000
                lines.write(f"{step / TICKS_A_SECOND:.3f},{symbol},{price},{price + Decimal('0.0001')}\n")
    return asyncio.run(_replayed(market, seconds, port, env, file, symbols))


async def _replayed(
    market: Market, seconds: int, port: int, env: Mapping[str, str], file: Path, symbols: list[str]
) -> Load:
    counted = 0

    def told(_now: int, payload: bytes) -> None:
        nonlocal counted
        counted += payload.startswith(b'["t"')

    sockets: list[Socket] = []
    for number in range(SOCKETS):
        socket = await connect(port, told, 60)
        socket.send({"authorization": market.token})
        chosen = [symbols[(number * 7 + place) % SYMBOLS] for place in range(SYMBOLS_OF_A_SOCKET)]
        await asyncio.sleep(0.02)
        socket.send({"event": "account.switch", "active_login": 0})
        socket.send({"event": "subscribe", "data": chosen})
        sockets.append(socket)
    keeper = subprocess.Popen(_manage("run_market"), env=dict(env), stdout=subprocess.DEVNULL)
    try:
        await asyncio.sleep(3)
        counted = 0
        feed = await asyncio.create_subprocess_exec(
            *_manage("feed_replay", str(file), "--tenant", SLUG), env=dict(env), stdout=asyncio.subprocess.PIPE
        )
        said = (await feed.communicate())[0].decode()
    finally:
        keeper.terminate()
        keeper.wait()
        for socket in sockets:
            socket.close()
    if feed.returncode:
        raise BenchmarkError(f"The recorded feed has ended with {feed.returncode}.")
    words = said.splitlines()[-1].split()  # Taken 12 ms after their instant in the median, 34 ms at the worst.
    numbers = [float(word) for word in words if word.isdigit()]
    return Load(numbers[0], numbers[1], counted / seconds, seconds)


def measure(*, quick: bool, port: int, env: Mapping[str, str], folder: Path) -> Found:
    """Everything; `port` is that of a running web process, `env` the environment of processes that are started."""
    folder.mkdir(parents=True, exist_ok=True)
    market = build()
    found = Found(ticks(market, 3, 10 if quick else 40), watch(market, 5 if quick else 20))
    found.load = load(market, 10 if quick else 60, port, env, folder)
    with tenant_scope(market.tenant_id):
        found.sizes = {"records": Trade.objects.count(), "accounts": len(market.accounts)}
    return found


def table(found: Found) -> list[str]:
    """The lines of the summary."""
    ratios, watch_ms = found.ticks.ratios, sorted(found.watch)
    lines = [
        "Market",
        f"  {found.ticks.name}: {ratios['p50']:.2f} x at p50, {ratios['p99']:.2f} x at p99"
        f" ({found.ticks.product[-1]['p50']:.1f} ms against {found.ticks.floor[-1]['p50']:.1f} ms)",
        f"  margins of {found.sizes['accounts']:,} accounts with two positions each: {watch_ms[len(watch_ms) // 2]:.0f} ms"
        f" in the median, {watch_ms[-1]:.0f} ms at the worst, of the second they have",
    ]
    if found.load is not None:
        lines.append(
            f"  {SYMBOLS} symbols x {TICKS_A_SECOND} ticks/s, {POSITIONS:,} positions, {SOCKETS} sockets x"
            f" {SYMBOLS_OF_A_SOCKET} symbols: {found.load.late_median:.0f} ms late in the median,"
            f" {found.load.late_worst:.0f} ms at the worst; {found.load.frames_per_second:,.0f} frames/s out"
        )
    return lines


def _rest(
    market: Market, symbol: str, accounts: list[int], rows: int, price: Decimal, *, step: str, cmd: int = 2, sl: Any = 0
) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as raw:
        raw.execute(
            _RECORDS,
            {
                "accounts": accounts, "many": len(accounts), "instrument": market.instruments[symbol], "rows": rows,
                "price": price, "step": Decimal(step), "cmd": cmd, "sl": sl, "at": clock.now(),
            },
        )  # fmt: skip


def _post(market: Market, symbol: str, price: Decimal) -> None:
    with tenant_scope(market.tenant_id):
        quotes_store(
            tenant_id=market.tenant_id, quotes=[NewQuote(symbol, price, price)], at=clock.now(), source="POSTED"
        )


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]
