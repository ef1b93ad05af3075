"""Every page, light and dark, wide and narrow: nothing complains, nothing scrolls sideways, everything can be reached."""

import re

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.browser

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """
[...document.querySelectorAll("main .btn, .tabs a, main select, .side summary, .top summary, .side-button")]
  .filter(e => e.checkVisibility() && Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height) < 43.5)
  .map(e => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_quiet_and_fits(window: OpenWindow, width: int, theme: str) -> None:
    visit = window(width=width, theme=theme)
    scene = visit.site.scene
    page = visit.sign_in(scene.follower_email)
    for path in (
        "/app/", "/app/trade", "/app/trade?symbol=XAUUSD", "/app/masters", "/app/masters?view=table&roi_min=1",
        f"/app/masters/{scene.leader_login}?period=ALL", "/app/masters/mine", "/app/masters/new",
        f"/app/masters/{scene.free_master_login}/follow", "/app/copying", "/app/accounts", "/app/profile",
    ):  # fmt: skip
        visit.go(path)
        assert page.evaluate(SIDEWAYS) <= 0, path
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
        if width < 768:
            assert page.evaluate(SMALL_TARGETS) == [], path


@pytest.mark.parametrize("width", [1440, 390])
def test_the_sign_in_page_fits_and_refuses_in_words(window: OpenWindow, width: int) -> None:
    visit = window(width=width)
    page = visit.page
    page.goto(f"{visit.site.url}/app/sign-in")
    page.fill("#id_email", "nobody@northwind.example")
    page.fill("#id_password", "wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("is not right").wait_for()
    assert page.input_value("#id_email") == "nobody@northwind.example"
    assert page.evaluate(SIDEWAYS) <= 0


def test_the_keyboard_reaches_everything(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.follower_email)
    visit.go("/app/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/app/masters")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    visit.go("/app/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_what_cannot_be_undone_is_held(window: OpenWindow) -> None:
    visit = window()
    page = visit.sign_in(visit.site.scene.follower_email)
    visit.go("/app/copying")
    page.get_by_role("link", name="Stop").first.click()
    button = page.get_by_role("button", name="Stop copying")
    button.click()
    page.wait_for_timeout(1300)
    assert button.is_visible(), "a plain click must not stop anything"
    page.get_by_role("button", name="Keep copying").click()
    page.wait_for_selector("dialog", state="detached")


def test_a_lost_connection_is_said_and_mended(window: OpenWindow) -> None:
    visit = window()
    page = visit.page
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile("/ws/"), through)
    visit.sign_in(visit.site.scene.follower_email)
    visit.go("/app/")
    page.evaluate("""() => {
        window.states = [];
        const live = document.getElementById("live");
        new MutationObserver(() => window.states.push(live.dataset.state)).observe(live, {attributes: true});
    }""")
    sockets[-1].close(code=1012)
    expect(page.locator("#notices")).to_contain_text("Connected again: the figures were read anew.")
    page.locator("#live[data-state=live]").wait_for()
    assert "reconnecting" in page.evaluate("window.states")
