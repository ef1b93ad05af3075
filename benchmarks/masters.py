"""How fast masters' statistics are: the back-fill, the end of a day, and a page of the ranking.

Each has its floor in the same run: reading the same trades once, COPY of the same figures into the same table, and a bare
SELECT of the same page by its index.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import sql

from accounts.models import Role
from accounts.services.groups import account_group_create
from accounts.services.tenants import tenant_create
from accounts.services.trading_accounts import account_open
from accounts.services.users import user_create
from benchmarks.figures import Compared, compared, median_of_runs, percentile
from copytrade.models import CopyMaster
from copytrade.services.masters import master_create
from core.states import AccountMode
from infra.actor import Actor, SessionType
from infra.bulk import hot_cursor
from infra.tenancy import tenant_scope
from marketplace.api.finding import MASTERS, masters_page
from marketplace.domain.periods import Period
from marketplace.selectors_finding import masters_found
from marketplace.services.refreshing import stats_refresh
from trading.services.balance import balance_operate
from trading.services.instruments import instrument_create
from trading.services.quotes import NewQuote, quotes_store

SLUG: Final = "masters-bench"
NOW: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
PAGE: Final = 100
ASKED: Final = (
    ("roi", "desc", ""), ("pnl", "desc", ""), ("max_drawdown", "asc", ""), ("sharp_ratio", "desc", ""),
    ("followers", "desc", ""), ("roi", "desc", "max_drawdown"), ("pnl", "asc", "sharp_ratio"),
)  # fmt: skip
"""The figure that a page is sorted by, the direction, and a figure that is to be at most the one of the master in the middle."""

_ACCOUNTS: Final = b"""
INSERT INTO accounts_tradingaccount (tenant_id, password, currency, leverage, enabled, balance, credit, event_seq, copy_role,
    manual_trading_mode, opened_at, group_id, customer_id)
SELECT tenant_id, '', currency, leverage, true, balance, 0, 0, 'LEADER', 2, opened_at, group_id, customer_id
FROM accounts_tradingaccount, generate_series(2, %(many)s) WHERE id = %(model)s
"""
_SNAPSHOTS: Final = b"""
INSERT INTO trading_equitysnapshot (tenant_id, account_id, day, at, equity, balance, low, high, flow, event_seq)
SELECT a.tenant_id, a.id, d.day, d.day + interval '17 hours', e.equity, e.equity, e.equity - round((random() * 150)::numeric, 2),
       e.equity + 50, 0, 1
FROM accounts_tradingaccount a
CROSS JOIN LATERAL (SELECT (%(last)s::date - n) AS day, n FROM generate_series(0, %(days)s - 1) n) d
CROSS JOIN LATERAL (SELECT round((10000 + 900 * sin(d.n / 30.0 + a.id) + random() * 200)::numeric, 2) AS equity) e
WHERE a.tenant_id = %(tenant)s
ON CONFLICT (account_id, day) DO NOTHING
"""
_TRADES: Final = b"""
INSERT INTO trading_trade (tenant_id, account_id, instrument_id, symbol, digits, cmd, state, reason, copied, volume, open_price,
    close_price, sl, tp, profit, commission, storage, comment, open_at, close_at)
SELECT a.tenant_id, a.id, i.id, i.symbol, 5, n %% 2, 3, 0, false, 0.1, 1.1, 1.2, 0, 0, round((random() * 110 - 50)::numeric, 2),
       -0.7, 0, '', t.at - interval '3 hours', t.at
FROM accounts_tradingaccount a CROSS JOIN generate_series(1, %(trades)s) n
CROSS JOIN LATERAL (SELECT %(now)s - random() * %(days)s * interval '1 day' AS at, a.id, n AS number) t
JOIN LATERAL (SELECT id, symbol FROM trading_instrument
              WHERE tenant_id = a.tenant_id ORDER BY id OFFSET (a.id + n) %% 4 LIMIT 1) i ON true
WHERE a.tenant_id = %(tenant)s
"""
_DAY_ENDED: Final = b"""
INSERT INTO trading_dayend (tenant_id, day, boundary_at, last_account_id, accounts, started_at, finished_at)
VALUES (%(tenant)s, %(last)s, %(last)s::date + interval '17 hours', 0, 0, now(), now())
"""
_READ_ONCE: Final = b"""
SELECT account_id, symbol, count(*), sum(profit + commission + storage) FROM trading_trade
WHERE tenant_id = %s AND state IN (3, 4) AND cmd IN (0, 1) GROUP BY 1, 2
"""


_BARE: Final = """
SELECT s.*, m.*, a.login, a.currency, p.*, o.login FROM marketplace_masterstats s
JOIN copytrade_copymaster m ON m.id = s.master_id
JOIN accounts_tradingaccount a ON a.id = m.account_id
JOIN copytrade_rewardpolicy p ON p.master_id = m.id
JOIN accounts_tradingaccount o ON o.id = p.payout_account_id
WHERE s.tenant_id = %s AND s.period = '30D' AND s.listed AND {figure} IS NOT NULL {fits}
ORDER BY {figure} {direction}, s.master_id {direction} LIMIT 100
"""


@dataclass
class Found:
    """All figures of the statistics; seconds, one master and pages in ms."""

    masters: int
    trades: int
    days: int
    backfill_seconds: float = 0.0
    read_seconds: float = 0.0
    day_seconds: list[float] = field(default_factory=list)
    copy_seconds: float = 0.0
    one_ms: list[float] = field(default_factory=list)
    pages: list[Compared] = field(default_factory=list)

    @property
    def trades_per_second(self) -> float:
        return self.trades / self.backfill_seconds


def build(masters: int, trades: int, days: int) -> tuple[int, Actor]:
    """A tenant with public masters: the first is made by the services, the others are like it. Gives its id, and
    a customer who is none of them."""
    opened = NOW - timedelta(days=days)
    tenant = tenant_create(slug=SLUG, name="Masters", timezone="UTC", at=opened)
    with tenant_scope(tenant.id):
        owner, visitor = (
            user_create(
                email=f"{name}@masters.example", password="a benchmark's password", full_name=name.title(),
                role=Role.CUSTOMER, owner=False, at=opened,
            )
            for name in ("owner", "visitor")
        )  # fmt: skip
        group = account_group_create(name="real", account_mode=AccountMode.REAL, leverage=100)
        for symbol in ("EURUSD", "GBPUSD", "XAUUSD", "US500"):
            instrument_create(
                tenant_id=tenant.id, symbol=symbol, asset_class="CFD", contract_size=Decimal(100_000),
                tick_size=Decimal("0.00001"), digits=5, lot_min=Decimal("0.01"), lot_max=Decimal(100),
                lot_step=Decimal("0.01"),
            )  # fmt: skip
        quotes_store(
            tenant_id=tenant.id, quotes=[NewQuote("EURUSD", Decimal("1.1"), Decimal("1.1"))], at=NOW, source="POSTED"
        )
        model = account_open(customer=owner, group=group, at=opened).account
        balance_operate(account_id=model.pk, amount=Decimal(10_000), at=opened)
        first = master_create(
            actor=Actor(SessionType.CUSTOMER, owner.pk, tenant.id),
            login=model.login,
            settings={"strategy_name": "One of many", "visibility": "public"},
            reward_policy={"reward_type": 3, "fee_percent": Decimal(10)},
            at=opened,
        )
    masters_repeat(first, masters)
    values: dict[str, Any] = {
        "tenant": tenant.id,
        "trades": trades // masters,
        "days": days,
    }
    values |= {"now": NOW, "last": NOW.date() - timedelta(days=1)}
    with _raw() as raw:
        raw.execute(_SNAPSHOTS, values)
        raw.execute(_DAY_ENDED, values)
        raw.execute(_TRADES, values)
        raw.execute("VACUUM ANALYZE")
    return int(tenant.id), Actor(SessionType.CUSTOMER, visitor.pk, tenant.id)


def masters_repeat(first: CopyMaster, masters: int) -> None:
    """So many masters, all like the tenant's first and only one; with accounts and terms of their own."""
    with _raw() as raw:
        raw.execute(_ACCOUNTS, {"model": first.account_id, "many": masters})
        others = "accounts_tradingaccount a ON a.tenant_id = m.tenant_id AND a.id <> m.account_id"
        fresh = {"id": "nextval('copytrade_copymaster_id_seq')", "account_id": "a.id"}
        _repeat(raw, "copytrade_copymaster", fresh, others, first.pk)
        others = "copytrade_copymaster o ON o.tenant_id = m.tenant_id AND o.id <> m.master_id"
        fresh = {"id": "nextval('copytrade_rewardpolicy_id_seq')", "master_id": "o.id"}
        _repeat(raw, "copytrade_rewardpolicy", fresh, others, first.reward_policy.pk)


def _repeat(raw: psycopg.Connection[Any], table: str, values: dict[str, str], others: str, model: int) -> None:
    """The model's row once more for each of `others`, with other `values`."""
    names = raw.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]).fetchall()
    columns = [name for (name,) in names]
    chosen = ", ".join(values.get(column, f"m.{column}") for column in columns)
    raw.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} m JOIN {others} WHERE m.id = %s".encode(),
        [model],
    )


def backfill(tenant_id: int, found: Found) -> None:
    """Everything counted from nothing, beside reading the same trades once."""
    with _raw() as raw:
        found.read_seconds = min(_timed(lambda: raw.execute(_READ_ONCE, [tenant_id]).fetchall()) for _ in range(3))
    found.backfill_seconds = _timed(lambda: stats_refresh(tenant_id=tenant_id, at=NOW))


def days(tenant_id: int, found: Found, runs: int) -> None:
    """Days that end one after the other, for everybody, beside COPY of the figures that each of them writes."""
    for run in range(runs):
        last = NOW.date() + timedelta(days=run)
        with _raw() as raw:
            raw.execute(_SNAPSHOTS, {"tenant": tenant_id, "last": last, "days": 1})
            raw.execute(_DAY_ENDED, {"tenant": tenant_id, "last": last})
        at = NOW + timedelta(days=run + 1)
        found.day_seconds.append(_timed(partial(stats_refresh, tenant_id=tenant_id, at=at)))
    with _raw() as raw, raw.cursor() as cursor:
        raw.execute("CREATE TABLE copied (LIKE marketplace_masterstats INCLUDING ALL)")
        with cursor.copy("COPY (SELECT * FROM marketplace_masterstats) TO STDOUT") as rows:
            data = b"".join(bytes(row) for row in rows)

        def write() -> None:
            with cursor.copy("COPY copied FROM STDIN") as copy:
                copy.write(data)

        found.copy_seconds = _timed(write)
        raw.execute("DROP TABLE copied")


def ones(tenant_id: int, repeats: int) -> list[float]:
    """Times in ms of bringing one master up to date among all that are."""
    times = []
    for number in range(repeats):
        with _raw() as raw:
            raw.execute(
                "INSERT INTO marketplace_statschange (tenant_id, account_id) SELECT tenant_id, account_id"
                " FROM marketplace_statscursor WHERE tenant_id = %s ORDER BY account_id OFFSET %s LIMIT 1",
                [tenant_id, number * 7],
            )
        times.append(_timed(lambda: stats_refresh(tenant_id=tenant_id, at=NOW + timedelta(days=9))) * 1000)
    return times


def pages(tenant_id: int, visitor: Actor, runs: int, repeats: int) -> list[Compared]:
    """The list as a visitor asks for it, with its count and its objects, beside a bare SELECT of the page by its index."""
    found = []
    for name, direction, bound in ASKED:
        most = _middle(tenant_id, bound) if bound else None
        where = {"where": [[f"stats.{bound}", "<=", most]]} if bound else {}
        asked = MASTERS.asked({"limit": PAGE, "orderBy": [[f"stats.{name}", direction]], **where})
        page = sql.SQL(_BARE).format(
            fits=sql.SQL("AND {} <= {}").format(sql.Identifier("s", bound), most) if bound else sql.SQL(""),
            figure=sql.Identifier("s", name),
            direction=sql.SQL(direction),
        )
        product: list[list[float]] = []
        floor: list[list[float]] = []
        for _run in range(runs + 1):
            with tenant_scope(tenant_id):
                cursor = hot_cursor()
                listed = partial(_listed, asked, visitor)
                bare = partial(_fetched, cursor, page, tenant_id)
                both = [_beside(cursor, listed, bare) for _repeat in range(repeats)]
            product.append([one for one, _other in both])
            floor.append([other for _one, other in both])
        title = f"{PAGE} by {name} {direction}{', narrowed by ' if bound else ''}{bound}"
        found.append(compared(title, product[1:], floor[1:]))
    return found


def _middle(tenant_id: int, name: str) -> Any:
    with _raw() as raw:
        middle = sql.SQL(
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {}) FROM marketplace_masterstats"
            " WHERE tenant_id = %s AND period = '30D'"
        )
        return raw.execute(middle.format(sql.Identifier(name)), [tenant_id]).fetchall()[0][0]


def _listed(asked: Any, visitor: Actor) -> list[dict[str, Any]]:
    objects, _count = masters_page(asked, masters_found(visitor, Period.MONTH), MASTERS.objects_of)
    return objects


def _fetched(cursor: psycopg.Cursor[Any], page: sql.Composed, tenant_id: int) -> list[Any]:
    return cursor.execute(page, [tenant_id], prepare=True).fetchall()


def _beside(cursor: psycopg.Cursor[Any], listed: Callable[[], Any], bare: Callable[[], Any]) -> tuple[float, float]:
    """Both in ms. The floor is never planned anew: PostgreSQL would do so for ever where it finds plans by value cheaper."""
    product = _timed(listed) * 1000
    cursor.execute(b"SET LOCAL plan_cache_mode = force_generic_plan")
    floor = _timed(bare) * 1000
    cursor.execute(b"SET LOCAL plan_cache_mode = auto")
    return product, floor


def measure(*, quick: bool) -> Found:
    """Everything, in this process."""
    size = Found(masters=1000, trades=100_000, days=365) if quick else Found(masters=10_000, trades=1_000_000, days=365)
    tenant_id, visitor = build(size.masters, size.trades, size.days)
    backfill(tenant_id, size)
    with _raw() as raw:
        raw.execute("VACUUM ANALYZE")
    days(tenant_id, size, 2)
    size.one_ms = ones(tenant_id, 5 if quick else 20)
    with _raw() as raw:
        raw.execute("VACUUM ANALYZE")
    size.pages = pages(tenant_id, visitor, 3, 20 if quick else 300)
    return size


def table(found: Found) -> list[str]:
    """The lines of the summary."""
    worst = max(found.day_seconds)
    lines = [
        f"Statistics of {found.masters:,} masters with {found.days} days each",
        f"  back-fill of {found.trades:,} closed trades, with all figures: {found.trades_per_second:,.0f}/s,"
        f" {found.backfill_seconds / found.read_seconds:.0f} x reading them once",
        f"  end of a day: {worst:.1f} s, {worst / found.copy_seconds:.1f} x COPY of the figures",
        f"  one master among all: {percentile(found.one_ms, 50):.0f} ms at p50, {max(found.one_ms):.0f} ms at the worst",
    ]
    for page in found.pages:
        ratios, product, floor = page.ratios, median_of_runs(page.product), median_of_runs(page.floor)
        lines.append(
            f"  {page.name:<36} {ratios['p50']:.2f} x at p50, {ratios['p99']:.2f} x at p99"
            f" ({product['p50']:.1f} ms against {floor['p50']:.1f} ms)"
        )
    return lines


def _raw() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
