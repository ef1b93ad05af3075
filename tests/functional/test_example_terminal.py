"""The example terminal against a running product, as a newcomer starts it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.test_copy_story import INSTRUMENT, SECRET, customer, quotes, staff_of
from tests.support.processes import Product

TERMINAL = Path(__file__).resolve().parents[2] / "examples" / "terminal.py"


def run(product: Product, *arguments: str, password: str = SECRET) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "COPYTRADE_PASSWORD": password}
    command = [sys.executable, str(TERMINAL), "--url", f"http://{product.address}", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_it_signs_in_streams_trades_and_shows_copies(product, tenants, outside_of) -> None:
    north, _south = tenants
    outside = outside_of(product)
    product.copy_worker()
    staff = staff_of(outside, north)
    staff.made("/manage/account-groups", name="Standard", account_mode="REAL")
    staff.made("/manage/instruments", **INSTRUMENT)
    quotes(staff, "1.10000", "1.10020")
    alice, leader = customer(staff, north, "alice", "Standard", 100_000)
    bob, follower = customer(staff, north, "bob", "Standard", 10_000)
    alice.made(
        "/copytrade/master",
        login=leader,
        strategy_name="Trend",
        visibility="public",
        reward_policy={"reward_type": 3, "fee_percent": 10},
    )
    bob.made("/copytrade/follower", login=follower)
    bob.made("/copytrade/subscription", master_login=leader, follower_login=follower)

    who = ("--email", f"alice@{north.domain}", "--tenant", north.slug)
    done = run(product, *who, "--trade", "buy:0.20:EURUSD", "--hold", "2", "--seconds", "5")
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        rf"account  {leader} Standard 1:100 equity 100000(\.00)? USD",
        r"quote    EURUSD   1\.10* / 1\.10020*",
        r"opened   #\d+ buy 0\.20 EURUSD at 1\.10020*",
        rf"trade    {leader} #\d+ added: buy 0\.20* EURUSD at 1\.10020*",
        rf"copy     {leader} -> {follower}: OPEN BUY 0\.\d+ EURUSD FILLED",
        r"closed   #\d+ at 1\.10*",
        rf"trade    {leader} #\d+ closed: buy 0\.20* EURUSD at 1\.10*",
        rf"copy     {leader} -> {follower}: CLOSE SELL 0\.\d+ EURUSD FILLED",
        rf"account  {leader} balance 99996(\.00)? equity 99996(\.00)? ",
        r"signed out",
    ):
        assert re.search(line, done.stdout), f"{line}\n{done.stdout}"

    refused = run(product, *who, "--trade", "buy:9000:EURUSD", "--seconds", "5")
    assert refused.returncode == 1
    assert re.match(r"RET_TRADE_(NO_MONEY|BAD_VOLUME): ", refused.stderr)
    wrong = run(product, *who, password="something else")
    assert (wrong.returncode, wrong.stderr.partition(":")[0]) == (1, "CUSTOMER_NOT_FOUND_OR_INCORRECT")
    away = run(product, *who[:2], "--url", "http://127.0.0.1:1")
    assert away.returncode == 1
    assert "Traceback" not in away.stderr
