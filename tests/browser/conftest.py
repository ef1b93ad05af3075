"""A real Chromium in front of the real processes: the same commands as in production, on this run's test database."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from accounts import directory
from core import clock
from tests.browser.scene import PASSWORD, Scene, scene_build, scene_history
from tests.support.database import empty_all_tables
from tests.support.processes import Product, running

ARGON2 = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
"""As the processes have it; tests hash cheaply otherwise."""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run", "--mute-audio",
]  # fmt: skip

PATIENCE = 30_000
"""Milliseconds for what comes at once on an idle machine."""
expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the product answers, and who lives there."""

    url: str
    scene: Scene
    product: Product


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Web, copy worker and market as processes of their own, with the scene committed; gone after the module."""
    with django_db_blocker.unblock():
        empty_all_tables()
        with override_settings(PASSWORD_HASHERS=ARGON2):
            scene = scene_build(clock.now())
        scene_history(scene, clock.now())
        try:
            with running(tmp_path_factory.mktemp("processes")) as product:
                connection.close()
                product.web()
                product.copy_worker()
                product.market()
                yield Site(f"http://{product.address}", scene, product)
        finally:
            empty_all_tables()
            directory.forget()
            connection.close()


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    """Chromium, from the variable CHROMIUM or the path. Without one these tests fail, they are not skipped.

    It starts after the site and ends before it: while Playwright runs, its thread counts as asynchronous for Django.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.fail("There is no Chromium: install the package chromium, or set CHROMIUM to the program.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@dataclass
class Visit:
    """One browser window, and everything it complained about."""

    page: Page
    context: BrowserContext
    site: Site
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Opens a page and waits until its socket is there."""
        self.page.goto(self.site.url + path)
        if self.page.locator("#live").count():
            self.page.locator("#live[data-state=live]").wait_for()
        return self.page

    def sign_in(self, email: str) -> Page:
        self.page.goto(f"{self.site.url}/app/sign-in")
        self.page.fill("#id_email", email)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/app/")
        return self.page

    def listen(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        # Violations of the content security policy are console errors.
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({self.page.url})")


OpenWindow = Callable[..., Visit]


@pytest.fixture
def window(browser: Browser, site: Site) -> Iterator[OpenWindow]:
    """`window(width=390, theme="dark")`: a new window of its own; it must not have complained when the test ends."""
    visits: list[Visit] = []

    def opened(*, width: int = 1440, theme: Any = "light", zone: str = "Europe/Berlin") -> Visit:
        size: Any = {"width": width, "height": 844 if width < 768 else 900}
        context = browser.new_context(viewport=size, color_scheme=theme, timezone_id=zone, has_touch=width < 768)
        context.set_default_timeout(PATIENCE)
        visit = Visit(context.new_page(), context, site)
        visit.listen()
        visits.append(visit)
        return visit

    yield opened
    for visit in visits:
        visit.context.close()
    assert [complaint for visit in visits for complaint in visit.complaints] == []
