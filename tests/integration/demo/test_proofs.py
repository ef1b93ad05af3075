"""Every proof finds what it looks for: one row is spoilt as the database's owner, with the constraints out of the way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.proof import Finding
from copytrade import selectors_proof as copies
from infra.database import as_owner
from infra.tenancy import tenant_scope
from ledger import selectors_proof as ledger
from rewards import selectors_proof as rewards
from tests.support.demo import Demo
from trading import selectors_proof as trades

pytestmark = pytest.mark.django_db

Prove = Callable[[int], list[Finding]]


def _one(table: str, where: str = "true") -> str:
    return f"(SELECT min(id) FROM {table} WHERE tenant_id = {{tenant}} AND {where})"


def _set(table: str, change: str, where: str = "true") -> str:
    return f"UPDATE {table} SET {change} WHERE id = {_one(table, where)}"


def _night(account: str = "account_id", trade: str = "id") -> str:
    return (
        "INSERT INTO trading_storagecharge"
        " (tenant_id, account_id, trade_id, day, nights, points, volume, conversion_rate, amount)"
        f" SELECT tenant_id, {account}, {trade}, '2000-01-03', 1, 1, 1, 1, 1 FROM trading_trade"
        f" WHERE id = {_one('trading_trade', 'cmd < 2')}"
    )


TRANSFER, TRADE, ORDER, EVENT = "ledger_transfer", "trading_trade", "trading_order", "trading_accountevent"
LINK, COPY, REWARD = "copytrade_tradelink", "copytrade_copyorder", "rewards_rewardaccrual"

SPOILT: dict[Prove, dict[str, str]] = {
    ledger.ledger_prove: {
        "a transfer's amount must be above zero": _set(TRANSFER, "amount = 0"),
        "a transfer must have two different accounts": _set(TRANSFER, "credit_id = debit_id"),
        "both accounts of a transfer must exist, in its currency": _set(TRANSFER, "currency = 'CHF'"),
        "the accounts of a currency and batch must add up to zero": _set(TRANSFER, "debit_id = -1"),
        "a transfer must name the one customer's account that it touches": _set(TRANSFER, "account_id = NULL"),
        "a trading account must have its ledger account, in its currency": (
            "DELETE FROM ledger_ledgeraccount WHERE id = " + _one("ledger_ledgeraccount", "kind = 'CUSTOMER'")
        ),
        "a customer's ledger account must belong to a trading account": _set(
            "ledger_ledgeraccount", "kind = 'CUSTOMER'", "kind = 'CLEARING'"
        ),
        "an account's balance must be the sum of its transfers": _set(
            "accounts_tradingaccount", "balance = balance + 0.01"
        ),
        "a transfer must refer to a record of its account": _set(TRANSFER, "reference = -1", "reason = 'TRADE_PROFIT'"),
        "a record's profit must be what was booked for it": _set(TRADE, "profit = profit + 0.01", "cmd < 2"),
        "a closed record's storage must be what was booked for it": _set(TRADE, "storage = 1", "state = 3 AND cmd < 2"),
        "the commission of a ticket and its parts must be what was booked for them": _set(
            TRADE, "commission = commission - 1", "cmd < 2"
        ),
        "a balance operation must be one transfer with its number and amount": _set(
            TRADE, "profit = profit + 1", "cmd = 6"
        ),
    },
    trades.trades_prove: {
        "a record must belong to an account of the tenant": _set(TRADE, "account_id = -1"),
        "an order must belong to an account of the tenant": _set(ORDER, "account_id = -1"),
        "an event must belong to an account of the tenant": _set(EVENT, "account_id = -1"),
        "a market record must name an instrument of the tenant": _set(TRADE, "instrument_id = NULL", "cmd < 2"),
        "a filled order must name an instrument of the tenant": _set(ORDER, "instrument_id = -1"),
        "a trade's event must name an instrument of the tenant": _set(EVENT, "instrument_id = -1", "kind = 'OPEN'"),
        "a night's storage must belong to an account of the tenant": _night(account="-1"),
        "a night's storage must name a record of its account": _night(trade="-1"),
        "the storage of a ticket and its parts must be what its nights added": _night(),
        "a snapshot must belong to an account of the tenant": _set("trading_equitysnapshot", "account_id = -1"),
        "a filled order must name a record of its account": _set(ORDER, "trade_id = NULL"),
        "a trade's event must name a record of its account": _set(EVENT, "trade_id = -1", "kind = 'CLOSE'"),
        "an event must name an order of its account": _set(EVENT, "order_id = -1", "order_id IS NOT NULL"),
        "a part must name the ticket that it was split off": _set(TRADE, "parent_id = -1", "cmd < 2"),
        "an account's events must be numbered without gaps up to its counter": (
            f"DELETE FROM {EVENT} WHERE id = {_one(EVENT, 'seq = 2')}"
        ),
        "a record must have the volume that its last event left": _set(TRADE, "volume = volume + 1", "state = 0"),
        "a netting account must have one position in an instrument at the most": (
            f"UPDATE {TRADE} SET account_id = (SELECT min(a.id) FROM accounts_tradingaccount a"
            " JOIN accounts_accountgroup g ON g.id = a.group_id"
            " WHERE g.position_mode = 'NETTING' AND a.tenant_id = {tenant}),"
            " instrument_id = 1, symbol = 'EURUSD' WHERE id IN"
            f" (SELECT id FROM {TRADE} WHERE tenant_id = {{tenant}} AND state = 0 LIMIT 2)"
        ),
    },
    copies.copies_prove: {
        "a link must name its leader's record": _set(LINK, "leader_trade_id = -1"),
        "a link must name its follower's record, of its contract and side": _set(
            LINK, "side = CASE side WHEN 'BUY' THEN 'SELL' ELSE 'BUY' END"
        ),
        "a link must belong to a subscription of its two accounts": _set(LINK, "subscription_id = -1"),
        "active links must not own more than their ticket holds": _set(LINK, "volume = volume + 0.01", "state = 0"),
        "an active link must own something": _set(LINK, "volume = 0", "state = 0"),
        "a copy order must belong to a subscription of its two accounts": _set(COPY, "subscription_id = -1"),
        "a copy order must name the event that it answers": _set(COPY, "source_id = -1"),
        "a copy order must name records of its accounts": _set(COPY, "follower_trade_id = NULL", "status = 'FILLED'"),
        "a shard must not be ahead of its leader": _set("copytrade_leadershard", "cursor = cursor + 1"),
        "an inbox head must not be ahead of its leader": (
            "UPDATE copytrade_inboxhead SET head_seq = head_seq + 1 WHERE tenant_id = {tenant}"
        ),
    },
    rewards.rewards_prove: {
        "a settled charge must be two balance operations that name it": _set(
            TRADE, "api_data = '{{}}'", "reason = 100"
        ),
        "a balance operation of a reward must belong to one settled charge": _set(
            REWARD, "charge_order = payout_order", "state = 2"
        ),
        "the tenant's share must be one transfer to its revenue": _set(REWARD, "share_amount = 1", "state = 2"),
        "a closed copy must be the share of its record that it says": _set("rewards_rewardtrade", "net = net + 1"),
        "a charge on closed copies must be on their sum": _set(
            "rewards_rewardtrade", "net = net + 1", "accrual_id IS NOT NULL"
        ),
        "nothing may be charged between accounts of one customer": (
            f"UPDATE {REWARD} SET payout_account_id = follower_id WHERE id = {_one(REWARD)}"
        ),
        rewards.FEE: _set(REWARD, "fee_amount = fee_amount + 1"),
        rewards.DAYS: _set(REWARD, "reward_type = 4", "period_from IS NOT NULL"),
        rewards.PAYOUT: _set(REWARD, "payout_amount = payout_amount + 1", "state = 2"),
        rewards.MARKS: _set(REWARD, "reward_type = 1, result_before = 5, paid_before = 0, mark_before = 0"),
        rewards.STANDING: _set("rewards_rewardagreement", "mark = mark + 1"),
    },
}
CASES = [(prove, check, statement) for prove, cases in SPOILT.items() for check, statement in cases.items()]


def _spoil(tenant_id: int, statement: str) -> None:
    with as_owner(), tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass, quote_ident(c.conname) FROM pg_constraint c"
            " WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('f', 'c')"
        )
        for table, constraint in cursor.fetchall():
            if table in statement:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        cursor.execute(statement.format(tenant=tenant_id))
        assert cursor.rowcount > 0


@pytest.mark.parametrize(("prove", "check", "statement"), CASES, ids=[check for _prove, check, _statement in CASES])
def test_a_spoilt_row_is_found(past: Demo, prove: Prove, check: str, statement: str) -> None:
    _spoil(past.demo, statement)
    assert check in {finding.check for finding in prove(past.demo)}
    assert prove(past.other) == []


def test_every_proof_is_shown_to_find_something() -> None:
    assert SPOILT[ledger.ledger_prove].keys() == ledger.PROOFS.keys() | trades.BOOKED.keys()
    assert SPOILT[trades.trades_prove].keys() == trades.REFERENCES.keys()
    assert SPOILT[copies.copies_prove].keys() == copies.PROOFS.keys()
    assert SPOILT[rewards.rewards_prove].keys() == {*rewards.PROOFS, *rewards.RECOMPUTED}


@pytest.mark.parametrize(
    ("command", "prove"),
    [
        ("ledger_check", ledger.ledger_prove),
        ("integrity_check", trades.trades_prove),
        ("copy_check", copies.copies_prove),
        ("rewards_check", rewards.rewards_prove),
    ],
)
def test_the_commands_pass_or_say_what_is_wrong(past: Demo, command: str, prove: Prove, capsys: Any) -> None:
    call_command(command)
    assert "Nothing wrong in 2 tenants." in capsys.readouterr().out
    check, statement = next(iter(SPOILT[prove].items()))
    _spoil(past.demo, statement)
    with pytest.raises(CommandError, match="findings in 2 tenants"):
        call_command(command)
    assert f"tenant demo: {check}: 1" in capsys.readouterr().err
