"""The story of a reward: a strategy that shares profits is followed, a copy is closed with profit, both sides see the
money, and the statement says how it came about."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow, Site, Visit
from tests.browser.scene import PASSWORD
from tests.browser.test_pages import SIDEWAYS, SMALL_TARGETS

pytestmark = pytest.mark.browser

SECOND = "second@northwind.example"
SETTLED = 60_000
"""Milliseconds until the worker has surely come by, which it does every two seconds."""


@pytest.fixture(scope="module", autouse=True)
def _working(site: Site) -> None:
    """What settles rewards by itself."""
    site.product.default_worker()
    site.product.beat()


def test_r121_from_the_terms_to_the_money_and_its_statement(window: OpenWindow) -> None:
    owner, follower = window(), window(zone="America/New_York")
    scene = owner.site.scene
    page = owner.sign_in(SECOND)
    _edit_terms(owner, "Gold Breakout", kind="3", percent="10")

    paying = follower.sign_in(scene.follower_email)
    _follow(follower, scene.second_master_login, "Gold Breakout")

    _quote(owner, "1.08412", "1.08420")
    owner.go("/app/trade?symbol=EURUSD")
    page.fill("#id_volume", "0.20")
    page.get_by_role("button", name=re.compile("^Buy")).click()
    expect(page.locator("#ticket .notice-good")).to_contain_text("Bought 0.20 lots of EURUSD")
    follower.go("/app/")
    expect(paying.locator("#positions tbody tr", has_text="Gold Breakout")).to_have_count(1)
    _quote(owner, "1.08620", "1.08628")
    page.locator("#positions tbody tr").first.get_by_role("link", name="Close").click()
    page.get_by_role("button", name="Close at market").click()
    expect(page.locator("#notices")).to_contain_text("Closed 0.20 lots of EURUSD")

    row = _until_paid(follower, "/app/rewards")
    expect(row).to_contain_text("Profit share per trade")
    expect(row).to_contain_text("3.86 USD")
    row.get_by_role("link", name="Statement").click()
    expect(paying.locator("main")).to_contain_text("Every fee was worked out anew")
    fee = paying.locator(".fee")
    expect(fee).to_contain_text("38.6 × 10 / 100 = 3.86 USD")
    fee.locator("summary").press("Enter")
    expect(fee).to_contain_text("10 % of each copied trade closed with profit.")
    expect(fee.locator("tbody tr")).to_contain_text("EURUSD")
    expect(fee).to_contain_text(re.compile("E[SD]T"))

    _look_everywhere(window, paying.url.split("#")[0].removeprefix(follower.site.url))
    earned = _until_paid(owner, "/app/rewards?side=earned")
    expect(earned).to_contain_text("3.86 USD")
    owner.go("/app/masters/mine")
    expect(page.locator("#my-masters tbody tr", has_text="Gold Breakout")).to_contain_text("3.86")


def test_d24_dearer_terms_are_read_and_accepted(window: OpenWindow) -> None:
    owner, follower = window(), window(width=390, theme="dark")
    owner.sign_in(SECOND)
    page = follower.sign_in(follower.site.scene.follower_email)
    _follow(follower, follower.site.scene.free_master_login, "Index Reversal")
    # What was agreed is written down by the worker; terms that change before belong to the next period all the same.
    _edit_terms(owner, "Index Reversal", kind="4", percent="4")
    told = page.get_by_text("Index Reversal asks more of account")
    _until(follower, "/app/copying", lambda: told.count() > 0)
    page.get_by_role("link", name="See the new terms").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 % of your equity a year, settled monthly.")
    expect(dialog).to_contain_text("4 % of your equity a year, settled monthly.")
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(SMALL_TARGETS) == []
    dialog.get_by_role("button", name="Accept the new terms").click()
    expect(page.locator("#notices")).to_contain_text("Accepted.")
    expect(told).to_have_count(0)


def _look_everywhere(window: OpenWindow, statement: str) -> None:
    """The pages of rewards wide and narrow, light and dark."""
    for width in (1440, 390):
        for theme in ("light", "dark"):
            visit = window(width=width, theme=theme)
            page = visit.sign_in(visit.site.scene.follower_email)
            for path in ("/app/rewards", "/app/rewards?side=earned", "/app/copying", f"{statement}?all=1"):
                visit.go(path)
                assert page.evaluate(SIDEWAYS) <= 0, path
                if width < 768:
                    assert page.evaluate(SMALL_TARGETS) == [], path


def _edit_terms(owner: Visit, name: str, *, kind: str, percent: str) -> None:
    owner.go("/app/masters/mine")
    owner.page.locator("#my-masters tbody tr", has_text=name).get_by_role("link", name="Edit").click()
    owner.page.select_option("#id_fee", kind)
    owner.page.fill("#id_fee_percent", percent)
    owner.page.get_by_role("button", name="Save").click()
    expect(owner.page.locator("#notices")).to_contain_text("Saved.")


def _follow(follower: Visit, login: int, name: str) -> None:
    page = follower.page
    follower.go(f"/app/masters/{login}/follow")
    expect(page.locator("#costs")).to_contain_text("For example:")
    page.locator(f"input[name=follower][value='{follower.site.scene.follower_login}']").check()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Start copying").click()
    expect(page.locator("#notices")).to_contain_text(f"now copies {name}")


def _quote(visit: Visit, bid: str, ask: str) -> None:
    """The house's price of EURUSD from now on."""
    ask_of: Any = visit.context.request
    url, who = visit.site.url, {"email": visit.site.scene.dealer_email, "password": PASSWORD}
    token = ask_of.post(f"{url}/manage/auth/login", data=who, headers={"Cookie": ""}).json()["__token"]
    quotes = {"quotes": [{"symbol": "EURUSD", "bid": bid, "ask": ask}]}
    answer = ask_of.post(f"{url}/manage/quotes", data=quotes, headers={"Authorization": token, "Cookie": ""})
    assert answer.ok, answer.text()


def _until_paid(visit: Visit, path: str) -> Any:
    """The row of Gold Breakout's charge once it is settled."""
    row = visit.page.locator("#rewards tbody tr", has_text="Gold Breakout").filter(has_text="Paid").first
    _until(visit, path, lambda: row.count() > 0)
    return row


def _until(visit: Visit, path: str, seen: Any) -> None:
    """Loads the page until it shows what is waited for."""
    page: Page = visit.page
    for _time in range(SETTLED // 1000):
        visit.go(path)
        if seen():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"{path} never came to it: {page.inner_text('main')}")
