"""How soon a closed trade is in its master's statistics: by address, with the processes that `make run` starts.

Its floor in the same run is a bare task through the same worker: published, carried out, and its follow-up back on a queue.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx
import redis
from celery import signature

from accounts.models import Role, Tenant
from accounts.services.groups import account_group_create
from accounts.services.sessions import session_open
from accounts.services.tenants import tenant_create
from accounts.services.trading_accounts import account_open
from accounts.services.users import user_create
from benchmarks.figures import percentile
from benchmarks.masters import masters_repeat
from benchmarks.place import BenchmarkError, Processes
from config.celery import app
from copytrade.services.masters import master_create
from core import clock
from core.sessions import ALWAYS_OPEN
from core.states import AccountMode
from infra.actor import Actor, SessionType
from infra.database import analyze, owner_connection
from infra.tenancy import tenant_scope
from marketplace.services.refreshing import stats_refresh
from trading.services.balance import balance_operate
from trading.services.day_end import days_catch_up
from trading.services.instruments import instrument_create
from trading.services.quotes import NewQuote, quotes_store

SYMBOL: Final = "EURUSD"
START: Final = 120.0
PATIENCE: Final = 30.0
"""Seconds that the worker may take to come up, and anything later to happen."""
STEP: Final = 0.37
"""Seconds by which each close comes later in the clock's second than the one before, so that every moment of it is met."""
_BACK: Final = "bench-back"
"""The queue on which a bare task's follow-up comes back; nobody else reads it."""

# A row that was written has another version, whatever was written.
_VERSIONS: Final = b"""
SELECT count(*), md5(string_agg(s.id || ' ' || s.xmin::text, ',' ORDER BY s.id)) FROM marketplace_masterstats s
JOIN copytrade_copymaster m ON m.id = s.master_id WHERE s.tenant_id = %s AND m.account_id <> %s
"""


@dataclass
class Found:
    """Times in ms from the answer to a close to the first answer that shows it; and of bare tasks there and back."""

    masters: int
    shown_ms: list[float] = field(default_factory=list)
    task_ms: list[float] = field(default_factory=list)
    others_written: bool = False


@dataclass(frozen=True)
class Stage:
    """A tenant of masters, and the one who trades."""

    tenant_id: int
    account_id: int
    login: int
    token: str


def build(masters: int) -> Stage:
    """So many public masters with figures, in a tenant that lives now; all others rest, or their days would end."""
    Tenant.objects.update(live=False)
    at = clock.now()
    tenant = tenant_create(slug="fresh-bench", name="Fresh", timezone="UTC", at=at)
    with tenant_scope(tenant.id):
        owner = user_create(
            email="owner@fresh.example", password="a benchmark's password", full_name="Owner", role=Role.CUSTOMER,
            owner=False, at=at,
        )  # fmt: skip
        group = account_group_create(name="real", account_mode=AccountMode.REAL, leverage=100)
        instrument_create(
            tenant_id=tenant.id, symbol=SYMBOL, asset_class="FX", contract_size=Decimal(100_000),
            tick_size=Decimal("0.00001"), digits=5, lot_min=Decimal("0.01"), lot_max=Decimal(100),
            lot_step=Decimal("0.01"), sessions=ALWAYS_OPEN,
        )  # fmt: skip
        quote = NewQuote(SYMBOL, Decimal("1.1"), Decimal("1.1001"))
        quotes_store(tenant_id=tenant.id, quotes=[quote], at=at, source="POSTED")
        account = account_open(customer=owner, group=group, at=at).account
        balance_operate(account_id=account.pk, amount=Decimal(100_000), at=at)
        master = master_create(
            actor=Actor(SessionType.CUSTOMER, owner.pk, tenant.id),
            login=account.login,
            settings={"strategy_name": "The one", "visibility": "public"},
            reward_policy={"reward_type": 3, "fee_percent": Decimal(10)},
            at=at,
        )
        token = session_open(user=owner, at=at).token
    masters_repeat(master, masters)
    days_catch_up(tenant_id=tenant.id, at=clock.now())
    stats_refresh(tenant_id=tenant.id, at=clock.now())
    analyze()
    return Stage(tenant.id, account.pk, account.login, token)


def measure(*, quick: bool, processes: Processes, redis_url: str) -> Found:
    """Trades are opened and closed by address; the statistics' address is asked until it shows them."""
    found = Found(masters=1000 if quick else 10_000)
    stage = build(found.masters)
    processes.background_start()
    with redis.Redis.from_url(redis_url, socket_timeout=None) as broker:
        _hop(broker, START)  # the worker is there
        found.task_ms = [_hop(broker, PATIENCE) for _number in range(20 if quick else 100)]
    headers = {"Authorization": stage.token}
    with httpx.Client(base_url=f"http://127.0.0.1:{processes.port}", headers=headers, trust_env=False) as web:
        _settled(stage)
        before = _versions(stage)
        for number in range(1, (8 if quick else 40) + 1):
            found.shown_ms.append(_closed_and_shown(web, stage, number))
            time.sleep(number * STEP % 1)
        found.others_written = _versions(stage) != before
    processes.check()
    return found


def table(found: Found) -> list[str]:
    """The lines of the summary."""
    shown, task = percentile(found.shown_ms, 50), percentile(found.task_ms, 50)
    others = "others' rows WERE written" if found.others_written else "no other master's row was written"
    return [
        f"A closed trade in its master's statistics, one of {found.masters:,} masters",
        f"  from the close to an answer that shows it: {shown:.0f} ms at p50, {max(found.shown_ms):.0f} ms at the worst of"
        f" {len(found.shown_ms)}; {others}",
        f"  {shown / task:.0f} x a bare task through the same worker and back"
        f" ({task:.1f} ms at p50, {max(found.task_ms):.1f} ms at the worst); the clock that wakes it ticks once a second",
    ]


def _closed_and_shown(web: httpx.Client, stage: Stage, number: int) -> float:
    order = _answer(
        web.post("/trade/open", json={"login": stage.login, "cmd": 0, "volume": 10, "symbol": SYMBOL})
    )["order"]  # fmt: skip
    _answer(web.request("DELETE", "/trade/close", json={"order": order}))
    began = time.perf_counter()
    query = {"login": str(stage.login), "period": "ALL"}
    _until(
        lambda: _answer(web.get("/copytrade/master/stats", params=query))["trades"] == number,
        f"trade {number} is in the statistics",
    )
    return (time.perf_counter() - began) * 1000


def _hop(broker: "redis.Redis", patience: float) -> float:
    """The ms of a task that does nothing, from its publication to its follow-up on another queue."""
    back = signature("celery.accumulate", queue=_BACK)
    began = time.perf_counter()
    app.send_task("celery.accumulate", queue="default", link=back)
    if broker.brpop([_BACK], timeout=patience) is None:
        raise BenchmarkError("The default worker does not answer.")
    return (time.perf_counter() - began) * 1000


def _settled(stage: Stage) -> None:
    """Waits until nothing of the tenant is left to be counted."""
    with owner_connection() as raw:
        behind = b"SELECT count(*) FROM marketplace_statschange WHERE tenant_id = %s"
        _until(lambda: raw.execute(behind, [stage.tenant_id]).fetchall() == [(0,)], "the figures rest", every=0.1)
    time.sleep(2)


def _versions(stage: Stage) -> Any:
    with owner_connection() as raw:
        return raw.execute(_VERSIONS, [stage.tenant_id, stage.account_id]).fetchall()


def _until(condition: Callable[[], bool], what: str, every: float = 0.005) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"It did not happen within {PATIENCE:.0f} s that {what}.")
        time.sleep(every)


def _answer(response: httpx.Response) -> Any:
    if response.status_code != 200:
        raise BenchmarkError(f"{response.request.method} {response.request.url.path} answered {response.text}")
    return response.json()
