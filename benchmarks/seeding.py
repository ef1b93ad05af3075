"""Followers by the thousand: one is made by the real services, then its rows are repeated by a statement a table.

What is written is what the services would have written; ten thousand of them take seconds instead of minutes.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from copytrade.domain.shards import shard_choice

# The ids of the new followers.
_NUMBERS: Final = b"""
CREATE TEMP TABLE fresh AS
SELECT n, (%(shards)s::int[])[n + 1] AS shard,
       nextval('accounts_tradingaccount_id_seq') AS account, nextval('login_seq') AS login,
       nextval('ticket_seq') AS deposit, nextval('copytrade_copysubscription_id_seq') AS subscription,
       (%(customers)s::bigint[])[(n + 1) %% cardinality(%(customers)s::bigint[]) + 1] AS customer
FROM generate_series(0, %(many)s - 1) n
"""
_SHARDS: Final = b"""
INSERT INTO copytrade_leadershard (tenant_id, leader_id, number, cursor)
SELECT DISTINCT m.tenant_id, m.leader_id, f.shard, m.cursor FROM fresh f, copytrade_leadershard m
WHERE m.leader_id = %(leader)s AND m.number = 1 AND f.shard > 1
"""
# By table: where the model's rows are, and what is another's in the new ones. All other columns are repeated.
_TABLES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "accounts_tradingaccount": (
        "m.id = %(model)s",
        {"id": "f.account", "login": "f.login", "customer_id": "f.customer"},
    ),
    "accounts_logindirectory": ("m.login = %(login)s", {"login": "f.login"}),
    "ledger_ledgeraccount": ("m.id = %(model)s", {"id": "f.account"}),
    "trading_trade": ("m.account_id = %(model)s", {"id": "f.deposit", "account_id": "f.account"}),
    "ledger_transfer": (
        "m.account_id = %(model)s",
        {"id": "f.deposit", "account_id": "f.account", "credit_id": "f.account"},
    ),
    "trading_accountevent": ("m.account_id = %(model)s", {"id": "nextval('{}_id_seq')", "account_id": "f.account"}),
    "trading_equitysnapshot": ("m.account_id = %(model)s", {"id": "nextval('{}_id_seq')", "account_id": "f.account"}),
    "copytrade_copyfollower": (
        "m.account_id = %(model)s",
        {"id": "nextval('{}_id_seq')", "account_id": "f.account", "customer_id": "f.customer"},
    ),
    "copytrade_copysubscription": (
        "m.follower_id = %(model)s",
        {
            "id": "f.subscription",
            "follower_id": "f.account",
            "shard_id": "(SELECT id FROM copytrade_leadershard s WHERE s.leader_id = %(leader)s AND s.number = f.shard)",
        },
    ),
    "copytrade_subscriptionmarks": (
        "m.subscription_id IN (SELECT id FROM copytrade_copysubscription WHERE follower_id = %(model)s)",
        {"id": "nextval('{}_id_seq')", "subscription_id": "f.subscription", "follower_id": "f.account"},
    ),
}


def followers_repeat(
    owner: psycopg.Connection[Any],
    *,
    tenant_id: int,
    leader_id: int,
    model_id: int,
    customers: Sequence[int],
    many: int,
) -> None:
    """`many` more followers of a leader like its only one so far, dealt to the customers in turn.

    `owner` is a connection of the user who owns the tables and bypasses row level security.
    """
    with owner.transaction():
        owner.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant_id)])
        row = owner.execute("SELECT login FROM accounts_tradingaccount WHERE id = %s", [model_id]).fetchone()
        assert row is not None
        values = {
            "leader": leader_id, "model": model_id, "login": row[0], "customers": list(customers), "many": many,
            "shards": _shards(many),
        }  # fmt: skip
        cursor = psycopg.ClientCursor(owner)
        cursor.execute(_NUMBERS, values)
        cursor.execute(_SHARDS, values)
        for table in _TABLES:
            cursor.execute(_repetition(owner, table), values)
        cursor.execute("DROP TABLE fresh")


def _repetition(owner: psycopg.Connection[Any], table: str) -> sql.Composed:
    where, replaced = _TABLES[table]
    described = owner.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))).description or ()
    names = [column.name for column in described]
    values = [
        sql.SQL(replaced[name].format(table)) if name in replaced else sql.Identifier("m", name) for name in names
    ]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} m, fresh f WHERE {} ORDER BY f.n").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(where),
    )


def _shards(many: int) -> list[int]:
    """The shards of the new followers, by number, as the services deal them: the first one has the model in it already."""
    living, numbers = [1], []
    for _follower in range(many):
        chosen = shard_choice(living)
        if chosen is None:
            chosen = len(living)
            living.append(0)
        living[chosen] += 1
        numbers.append(chosen + 1)
    return numbers
