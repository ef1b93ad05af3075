"""The description of the API for people: from this host alone, under the same content security policy as every page."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow

pytestmark = pytest.mark.browser


def test_the_documentation_shows_every_operation_and_asks_no_other_host(window: OpenWindow) -> None:
    visit = window()
    page = visit.page
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    answer = page.goto(f"{visit.site.url}/docs")
    assert answer is not None
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    page.locator(".opblock").first.wait_for()
    described = page.request.get(f"{visit.site.url}/schema").json()
    assert page.locator(".opblock").count() == sum(len(methods) for methods in described["paths"].values())
    operation = page.locator("#operations-trade-post_trade_open")
    operation.locator(".opblock-summary-control").click()
    expect(operation.get_by_text("Open a market order").first).to_be_visible()
    expect(operation.get_by_text("breakout").first).to_be_visible()
    assert hosts - {""} == {urlsplit(visit.site.url).netloc}  # "": images that the style sheet holds itself
