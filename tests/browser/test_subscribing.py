"""Before following, while following, and the end of it: the dry run, a change, the choice when copying stops."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.browser


def _leader_buys(window: OpenWindow) -> None:
    leader = window()
    page = leader.sign_in(leader.site.scene.leader_email)
    leader.go("/app/trade?symbol=EURUSD")
    page.fill("#id_volume", "0.20")
    page.get_by_role("button", name=re.compile("^Buy")).click()
    expect(page.locator("#ticket .notice-good")).to_contain_text("Bought 0.20 lots of EURUSD")


def test_x05_a_dry_run_before_following_then_a_change_and_the_end(window: OpenWindow) -> None:
    _leader_buys(window)
    visit = window()
    scene = visit.site.scene
    page = visit.sign_in(scene.follower_email)
    visit.go(f"/app/masters/{scene.leader_login}/follow")
    page.get_by_role("button", name="Last 90 days").click()
    figures = page.locator("#dry-run-figures")
    expect(figures).to_contain_text("Entries copied")
    expect(page.locator("#dry-run-curve canvas").first).to_be_visible()
    copied = figures.locator("[data-figure=copied] dd").first.inner_text()
    page.select_option("#id_copy_mode", "2")
    page.get_by_role("button", name="Last 30 days").click()
    expect(page.locator("#dry-run-skipped")).to_contain_text("×")
    assert figures.locator("[data-figure=copied] dd").first.inner_text() != copied

    # What does not matter is not shown; what is wrong is said beside the dry run.
    expect(page.locator("#id_fixed_volume")).to_be_hidden()
    page.select_option("#id_volume_mode", "0")
    expect(page.locator("#id_fixed_volume")).to_be_visible()
    expect(page.locator("#id_risk_multiplier")).to_be_hidden()
    page.get_by_role("button", name="Last 30 days").click()
    expect(page.locator("#dry-run-result")).to_contain_text("Fixed volume: Must be above 0.")

    visit.go("/app/copying")
    row = page.locator("#subscriptions tbody tr", has_text="Steady Trend")
    row.get_by_role("link", name="Edit").click()
    page.locator("dialog summary", has_text="Protection").click()
    page.fill("dialog #id_max_loss_percent", "15")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text("Saved.")
    row.get_by_role("link", name="Edit").click()
    expect(page.locator("dialog #id_max_loss_percent")).to_have_value("15")
    page.keyboard.press("Escape")
    row.get_by_role("link", name="Stop").click()
    expect(page.locator("dialog")).to_contain_text("Close them now")


def test_d19_the_form_says_whose_limit_holds_while_one_types(window: OpenWindow) -> None:
    visit = window()
    scene = visit.site.scene
    page = visit.sign_in(scene.follower_email)
    visit.go(f"/app/masters/{scene.free_master_login}/follow")
    note, field = page.locator("#id_max_positions-limit"), page.locator("#id_max_positions")
    expect(note).to_have_text("4 holds: the master's limit.", use_inner_text=True)
    for typed, said in (
        ("3", "Yours holds: it is as tight as the master's 4, or tighter."),
        ("5", "4 holds: the master's limit."),
        ("4", "Yours holds: it is as tight as the master's 4, or tighter."),
        ("", "4 holds: the master's limit."),
    ):
        field.fill(typed)
        expect(note).to_have_text(said, use_inner_text=True)
    # Nobody else asks for this one.
    page.fill("#id_min_equity", "250")
    expect(page.locator("#id_min_equity-limit")).to_have_text("Yours holds; nobody else sets one.", use_inner_text=True)
    page.fill("#id_min_equity", "")
    expect(page.locator("#id_min_equity-limit")).to_have_text("", use_inner_text=True)


def test_x02_how_fast_copies_were_is_all_in_view_on_a_phone(window: OpenWindow) -> None:
    _leader_buys(window)
    visit = window(width=390)
    page = visit.sign_in(visit.site.scene.follower_email)
    # The page tells of what there was when it was opened: by then the dashboard has shown the copy.
    expect(page.locator("#copy-orders tbody tr").first).to_contain_text("Filled")
    visit.go("/app/copying")
    expect(page.locator("#speed")).to_contain_text("Filled, ms")
    assert page.evaluate(
        "document.querySelector('#speed table').scrollWidth <= document.querySelector('#speed').clientWidth"
    )
