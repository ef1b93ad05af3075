"""The story of the product: a leader trades, and the follower's page shows the copy without being loaded again."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.browser


def _buy(page: Page, lots: str) -> str:
    page.fill("#id_volume", lots)
    page.get_by_role("button", name=re.compile("^Buy")).click()
    said = page.locator("#ticket .notice-good")
    expect(said).to_contain_text(f"Bought {lots} lots of EURUSD")
    return said.inner_text()


def test_a_copy_appears_and_disappears_on_the_followers_page(window: OpenWindow) -> None:
    leader, follower = window(), window(theme="dark")
    watched = follower.sign_in(follower.site.scene.follower_email)
    follower.go("/app/")
    watched.evaluate("window.loadedOnce = true")
    watched.mouse.move(5, 5)
    positions = watched.locator("#positions tbody tr")
    orders = watched.locator("#copy-orders tbody tr")
    before = positions.count(), orders.count()

    page = leader.sign_in(leader.site.scene.leader_email)
    leader.go("/app/trade?symbol=EURUSD")
    _buy(page, "0.40")

    expect(positions).to_have_count(before[0] + 1)
    expect(orders).to_have_count(before[1] + 1)
    copy = positions.first
    expect(copy).to_contain_text("EURUSD")
    expect(copy).to_contain_text("0.20")
    expect(copy).to_contain_text("Steady Trend")
    expect(orders.first).to_contain_text("Filled")
    expect(orders.first).to_contain_text("ms")

    page.locator("#positions tbody tr").first.get_by_role("link", name="Close").click()
    page.get_by_role("button", name="Close at market").click()
    expect(page.locator("#notices")).to_contain_text("Closed 0.40 lots of EURUSD")

    expect(positions).to_have_count(before[0])
    expect(watched.locator("#copied-trades tbody tr").first).to_contain_text("EURUSD")
    assert watched.evaluate("window.loadedOnce"), "the page was loaded again"


@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (390, "light")])
def test_x01_from_a_copy_that_just_arrived_to_its_story(window: OpenWindow, width: int, theme: str) -> None:
    leader, follower = window(), window(width=width, theme=theme)
    scene = follower.site.scene
    watched = follower.sign_in(scene.follower_email)
    follower.go("/app/")
    watched.mouse.move(5, 5)
    orders = watched.locator("#copy-orders tbody tr")
    before = orders.count()
    page = leader.sign_in(scene.leader_email)
    leader.go("/app/trade?symbol=EURUSD")
    _buy(page, "0.30")
    expect(orders).to_have_count(before + 1)

    orders.first.get_by_role("link", name="Why?").click()
    story = watched.locator("#story")
    expect(story).to_contain_text("It was copied: 0.15 lots of EURUSD")
    expect(watched.locator("main")).to_contain_text("Leader and follower both hold it")
    assert watched.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    watched.locator("#live[data-state=live]").wait_for()
    watched.locator("#held").get_by_role("link", name="Close").click()
    watched.get_by_role("button", name="Close at market").click()
    expect(watched.locator("main")).to_contain_text("The leader still holds it, this account has no copy of it")
    expect(story).to_contain_text("closed by hand")
    expect(watched.locator("#held")).to_have_count(0)


def test_new_rows_wait_while_the_pointer_is_on_the_table(window: OpenWindow) -> None:
    leader, follower = window(), window()
    watched = follower.sign_in(follower.site.scene.follower_email)
    follower.go("/app/")
    orders = watched.locator("#copy-orders tbody tr")
    page = leader.sign_in(leader.site.scene.leader_email)
    leader.go("/app/trade?symbol=EURUSD")
    watched.locator("#copy-orders h2").hover()
    before = orders.count()
    _buy(page, "0.10")
    waiting = watched.locator("#copy-orders [data-release]")
    expect(waiting).to_be_visible()
    assert orders.count() == before
    waiting.click()
    expect(orders).to_have_count(before + 1)


def test_a_follower_starts_following_from_the_masters_page(window: OpenWindow) -> None:
    visit = window(width=390)
    scene = visit.site.scene
    page = visit.sign_in(scene.follower_email)
    visit.go("/app/masters")
    page.locator("article", has_text="Index Reversal").get_by_role("link", name="Follow").click()
    page.locator(f"input[value='{scene.spare_login}']").check()
    page.fill("#id_risk_multiplier", "0.5")
    page.get_by_role("button", name="Review").click()
    expect(page.locator("main")).to_contain_text("From the leader's next trade on")
    page.get_by_role("button", name="Start copying").click()
    expect(page.locator("#notices")).to_contain_text("now copies Index Reversal")
    row = page.locator("#subscriptions tbody tr", has_text="Index Reversal")
    row.get_by_role("button", name="Pause").click()
    expect(page.locator("#subscriptions tbody tr", has_text="Index Reversal")).to_contain_text("Paused")


def test_an_order_is_refused_in_words_and_the_input_is_kept(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.follower_email)
    visit.go("/app/trade?symbol=EURUSD")
    page.fill("#id_volume", "0.015")
    page.get_by_role("button", name=re.compile("^Sell")).click()
    expect(page.locator("#ticket").get_by_role("alert")).to_contain_text("does not fit")
    expect(page.locator("#id_volume")).to_have_value("0.015")


def test_a_limit_order_waits_is_changed_and_cancelled(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.follower_email)
    visit.go("/app/trade?symbol=EURUSD")
    price = page.locator("#ticket").get_by_label("Price", exact=True)
    expect(price).to_be_hidden()
    page.locator("#ticket").get_by_role("radio", name="Limit").check()
    price.fill("0.9")
    page.get_by_role("button", name=re.compile("^Buy limit")).click()
    expect(page.locator("#ticket .notice-good")).to_contain_text("Buy limit placed: 0.01 lots of EURUSD at 0.90000")
    row = page.locator("#waiting tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("0.90000")
    row.get_by_role("link", name="Modify").click()
    page.get_by_role("dialog").get_by_label("Price", exact=True).fill("0.8")
    page.get_by_role("button", name="Change the order").click()
    expect(page.locator("#notices")).to_contain_text("was changed.")
    expect(row).to_contain_text("0.80000")
    row.get_by_role("button", name="Cancel").click()
    expect(page.locator("#notices")).to_contain_text("was cancelled.")
    expect(row).to_have_count(0)
