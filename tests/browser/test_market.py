"""Finding a master, looking at one, and offering a strategy of one's own."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.browser

CARDS = "#market-results article"


def test_r225_masters_are_found_narrowed_sorted_and_the_address_keeps_it(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.newcomer_email)
    visit.go("/app/masters")
    expect(page.locator(CARDS)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("gold")
    expect(page.locator(CARDS)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/app/masters\?q=gold$"))
    page.get_by_role("searchbox").fill("")
    expect(page.locator(CARDS)).to_have_count(3)

    page.get_by_role("radio", name="Table").check()
    rows = page.locator("#market-results tbody tr")
    expect(rows).to_have_count(3)
    expect(page).to_have_url(re.compile(r"view=table"))
    page.get_by_role("link", name="Followers", exact=True).click()
    expect(page).to_have_url(re.compile(r"sort=followers"))
    expect(page.locator("#market-results th[aria-sort]")).to_have_text("Followers")
    expect(page.locator("#id_sort")).to_have_value("followers")
    expect(rows.first).to_contain_text("Steady Trend")

    page.go_back()
    expect(page.locator("#market-results th[aria-sort]")).to_have_text("Return")
    page.go_back()
    expect(page.locator(CARDS)).to_have_count(3)


def test_filters_say_how_many_are_set_and_an_empty_answer_leads_on(window: OpenWindow) -> None:
    visit = window(width=390)
    page = visit.sign_in(visit.site.scene.newcomer_email)
    visit.go("/app/masters")
    page.get_by_text("Filters").click()
    page.get_by_label("Fee", exact=True).select_option(label="Subscription fee")
    expect(page.locator(CARDS)).to_have_count(1)
    expect(page.get_by_role("status").get_by_text("1 filter set")).to_be_visible()
    page.get_by_label("Currency").select_option("EUR")
    expect(page.locator("#market-results")).to_contain_text("No master fits")
    page.get_by_role("link", name="Show all masters").click()
    expect(page.locator(CARDS)).to_have_count(3)


def _period(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Period").get_by_role("link", name=name).click()


def test_a_master_is_inspected_with_a_curve_and_the_table_behind_it(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.newcomer_email)
    visit.go("/app/masters")
    page.get_by_role("link", name="Steady Trend").click()
    _period(page, "All time")
    expect(page).to_have_url(re.compile("period=ALL"))
    expect(page.locator("#equity canvas").first).to_be_visible()
    expect(page.locator("[data-legend]")).to_contain_text("60,000.00")
    behind = page.locator("#equity .behind-rows")
    expect(behind).to_be_hidden()
    page.locator("#equity summary").focus()
    page.keyboard.press("Enter")
    expect(behind).to_be_visible()
    # The deposit is marked and does not count as a gain.
    expect(behind.locator("tr", has_text="+10,000.00")).to_have_count(1)
    expect(page.locator(".heat")).to_contain_text("0.0 %")
    page.keyboard.press("Escape")
    page.locator("body").press("t")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("#equity canvas").first).to_be_visible()


def test_a_strategy_is_offered_changed_and_ended(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.newcomer_email)
    visit.go("/app/accounts")
    page.get_by_role("radio", name=re.compile("Real USD")).check()
    page.get_by_role("button", name="Open this account").click()
    page.get_by_role("link", name="I have written it down").click()

    visit.go("/app/masters/new")
    page.get_by_label("Name of the strategy").fill("Evening Range")
    page.get_by_label("Who can find it").select_option(label="All customers")
    page.get_by_label("Kind of fee").select_option(label="Subscription fee")
    expect(page.get_by_label("Share")).to_be_hidden()
    page.get_by_label("Amount").fill("12.50")
    page.get_by_role("button", name="Offer this strategy").click()
    expect(page.locator("#notices")).to_contain_text("Your strategy is offered.")
    row = page.locator("#my-masters tbody tr", has_text="Evening Range")
    expect(row).to_contain_text("12.50 USD")

    row.get_by_role("link", name="Edit").click()
    page.get_by_label("Kind of fee").select_option(label="Free")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Following is free.")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused by you")

    row.get_by_role("link", name="End").click()
    end = page.get_by_role("button", name="End the strategy")
    end.focus()
    page.keyboard.down("Enter")
    expect(page.locator("#notices")).to_contain_text("its history stays")
    page.keyboard.up("Enter")
    expect(page.locator("#ended-masters")).to_contain_text("Evening Range")
