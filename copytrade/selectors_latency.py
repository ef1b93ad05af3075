"""How fast copies are and how far from the leader's price (D28, X02). For request code: the actor sees own copies, staff all.

Read by the indexes that the tables of copies have already: the newest copies of each account, the same number of each at
most and `MOST_COPIES` in all (one each where more accounts than that have copied), so that the answer costs the same
however much was copied, and nothing is written for it while copying.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from accounts.models import TradingAccount
from accounts.selectors import accounts
from copytrade.models import LeaderShard
from core.rounding import plain
from infra.actor import Actor
from infra.bulk import hot_cursor, ids_array

MOST_COPIES: Final = 5_000
MOST_LISTED: Final = 500
HOUSE_VENUE: Final = "HOUSE"
"""The only venue that copies are carried out at so far; a remote one brings its own name."""

_NEWEST: Final = """
(SELECT c.id, c.subscription_id, c.leader_id, c.follower_id, c.known_at, c.decided_at, c.sent_at, c.filled_at, c.slippage,
    c.slippage_money
 FROM copytrade_copyorder c WHERE c.{side}_id = account.id AND c.decided_at >= %(since)s AND c.known_at IS NOT NULL
 ORDER BY c.decided_at DESC, c.id DESC LIMIT {share})
"""
# The newest copy of each account decides; one look at the index an account, as `EXISTS` would not be.
_BUSY_SQL: Final = b"""
SELECT account.id, false FROM unnest(%(followers)s::bigint[]) AS account (id)
WHERE (SELECT c.decided_at FROM copytrade_copyorder c WHERE c.follower_id = account.id
       ORDER BY c.decided_at DESC, c.id DESC LIMIT 1) >= %(since)s
UNION ALL
SELECT account.id, true FROM unnest(%(leaders)s::bigint[]) AS account (id)
WHERE (SELECT c.decided_at FROM copytrade_copyorder c WHERE c.leader_id = account.id
       ORDER BY c.decided_at DESC, c.id DESC LIMIT 1) >= %(since)s
"""
_SQL: Final = f"""
WITH seen AS MATERIALIZED (
    SELECT DISTINCT ON (o.id) o.* FROM (
        SELECT newest.* FROM unnest(%(followers)s::bigint[]) AS account (id)
        CROSS JOIN LATERAL {_NEWEST.replace("{side}", "follower")} AS newest
        UNION ALL
        SELECT newest.* FROM unnest(%(leaders)s::bigint[]) AS account (id)
        CROSS JOIN LATERAL {_NEWEST.replace("{side}", "leader")} AS newest
    ) o
), copy AS MATERIALIZED (
    SELECT s.group_id, s.master_id, l.login AS leader_login, f.currency, o.filled_at IS NOT NULL AS filled,
        (extract(epoch FROM o.decided_at - o.known_at) * 1000000)::int8 AS decided,
        (extract(epoch FROM o.sent_at - o.known_at) * 1000000)::int8 AS sent,
        (extract(epoch FROM o.filled_at - o.known_at) * 1000000)::int8 AS done,
        o.slippage, o.slippage_money
    FROM seen o
    JOIN copytrade_copysubscription s ON s.id = o.subscription_id
    JOIN accounts_tradingaccount l ON l.id = o.leader_id
    JOIN accounts_tradingaccount f ON f.id = o.follower_id
), speed AS (
    SELECT group_id, master_id, min(leader_login) AS leader_login, count(*) AS copies,
        count(*) FILTER (WHERE filled) AS filled,
        percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY decided) AS decided,
        percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY sent) AS sent,
        percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY done) AS done,
        percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY slippage) AS slippage
    FROM copy GROUP BY GROUPING SETS ((), (group_id), (master_id))
    HAVING count(*) > 0 AND (GROUPING(group_id) = 1 OR group_id IS NOT NULL)
        AND (GROUPING(master_id) = 1 OR master_id IS NOT NULL)
), cost AS (
    SELECT group_id, master_id, currency, sum(slippage_money) AS total,
        percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY slippage_money) AS each
    FROM copy WHERE slippage_money IS NOT NULL
    GROUP BY GROUPING SETS ((currency), (currency, group_id), (currency, master_id))
    HAVING (GROUPING(group_id) = 1 OR group_id IS NOT NULL) AND (GROUPING(master_id) = 1 OR master_id IS NOT NULL)
)
SELECT v.group_id, v.master_id, v.leader_login, coalesce(g.name, m.strategy_name, ''), v.copies, v.filled,
    v.decided, v.sent, v.done, v.slippage,
    (SELECT array_agg(c.currency::text ORDER BY c.currency) FROM cost c
     WHERE c.group_id IS NOT DISTINCT FROM v.group_id AND c.master_id IS NOT DISTINCT FROM v.master_id),
    (SELECT array_agg(c.total || c.each ORDER BY c.currency) FROM cost c
     WHERE c.group_id IS NOT DISTINCT FROM v.group_id AND c.master_id IS NOT DISTINCT FROM v.master_id)
FROM speed v
LEFT JOIN copytrade_copygroup g ON g.id = v.group_id
LEFT JOIN copytrade_copymaster m ON m.id = v.master_id
ORDER BY v.copies DESC, v.group_id, v.master_id LIMIT %(listed)s
"""
_SHARES: Final = "{0.5,0.95,0.99}"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Values that half, 95 and 99 of 100 copies do not exceed: values that were measured, none in between."""

    p50: Decimal
    p95: Decimal
    p99: Decimal


@dataclass(frozen=True, slots=True)
class SlippageMoney:
    """What slippage cost followers of one account currency: in all and by copy; negative where they gained by it."""

    currency: str
    total: Decimal
    each: Percentiles


@dataclass(frozen=True, slots=True)
class CopySpeed:
    """The measures of some copies; None where nothing was measured.

    `decided`, `sent` and `filled` are milliseconds from when the leader's fill was known. `slippage` is in points of
    10^-digits of each copy's contract, positive: worse for the follower.
    """

    copies: int = 0
    filled_copies: int = 0
    decided: Percentiles | None = None
    sent: Percentiles | None = None
    filled: Percentiles | None = None
    slippage: Percentiles | None = None
    slippage_money: tuple[SlippageMoney, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceSpeed:
    """Whose trades were copied: a group or a master, by its id and name, and its leader's account."""

    id: int
    name: str
    leader_login: int
    speed: CopySpeed


@dataclass(frozen=True, slots=True)
class CopyLatency:
    """The copies decided since `since`: all together, by group, by master and by venue, the busiest first."""

    since: datetime
    whole: CopySpeed
    groups: list[SourceSpeed]
    masters: list[SourceSpeed]
    venues: list[tuple[str, CopySpeed]]


def copy_latency(
    actor: Actor, *, hours: int, at: datetime, shown: Iterable[TradingAccount] | None = None
) -> CopyLatency:
    """Percentiles over the newest copies of the last `hours` on the actor's accounts in both roles; for staff over those of
    all leaders of the tenant. What was copied in a simulated past was not measured and does not count.

    With `shown` only these of the actor's accounts count. A fixed number of queries.
    """
    since = at - timedelta(hours=hours)
    mine = [] if actor.is_staff else _own(actor, shown)
    cursor = hot_cursor()
    asked = {"followers": ids_array(mine), "leaders": ids_array(_leaders() if actor.is_staff else mine), "since": since}
    busy = cursor.execute(_BUSY_SQL, asked, prepare=True).fetchall()
    asked["followers"] = ids_array(number for number, leads in busy if not leads)
    asked["leaders"] = ids_array(number for number, leads in busy if leads)
    # Written into the statement: PostgreSQL reads no more of the index than it is told beforehand.
    statement = _SQL.replace("{share}", str(max(1, MOST_COPIES // max(1, len(busy)))))
    whole, groups, masters = CopySpeed(), [], []
    for row in cursor.execute(statement.encode(), {**asked, "shares": _SHARES, "listed": MOST_LISTED + 1}):
        group_id, master_id, leader_login, name, *measured = row
        speed = _speed(measured)
        if group_id is not None:
            groups.append(SourceSpeed(group_id, name, leader_login, speed))
        elif master_id is not None:
            masters.append(SourceSpeed(master_id, name, leader_login, speed))
        else:
            whole = speed
    return CopyLatency(since, whole, groups, masters, [(HOUSE_VENUE, whole)] if whole.copies else [])


def _own(actor: Actor, shown: Iterable[TradingAccount] | None) -> list[int]:
    mine = accounts(actor).order_by("pk")
    if shown is not None:
        mine = mine.filter(pk__in=[account.pk for account in shown])
    return list(mine.values_list("pk", flat=True))


def _leaders() -> list[int]:
    return list(LeaderShard.objects.order_by("leader_id").values_list("leader_id", flat=True).distinct())


def _speed(measured: Sequence[Any]) -> CopySpeed:
    copies, filled_copies, decided, sent, filled, slippage, currencies, costs = measured
    money = zip(currencies or (), costs or (), strict=True)
    return CopySpeed(
        copies=copies,
        filled_copies=filled_copies,
        decided=_milliseconds(decided),
        sent=_milliseconds(sent),
        filled=_milliseconds(filled),
        slippage=_percentiles(slippage),
        slippage_money=tuple(
            SlippageMoney(currency, plain(total), Percentiles(*map(plain, each))) for currency, (total, *each) in money
        ),
    )


def _milliseconds(microseconds: list[int] | None) -> Percentiles | None:
    return _percentiles(None if microseconds is None else [Decimal(value).scaleb(-3) for value in microseconds])


def _percentiles(values: list[Decimal] | None) -> Percentiles | None:
    return None if values is None else Percentiles(*map(plain, values))
