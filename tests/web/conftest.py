"""Faces over the fake vault, and the browser.

The browser is the system's Chromium. Without one its tests skip, or fail where ``REQUIRE_BROWSER=1`` says that they
must run.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from browser_testing import FLAGS, REPORT_VIOLATIONS
from fake_vault import FakeVault
from playwright.sync_api import sync_playwright
from web_testing import ORIGIN, Browser

from glassplate.web.officer.app import COOKIE as OFFICER_COOKIE
from glassplate.web.officer.app import create_app as create_officer
from glassplate.web.oversight.app import COOKIE as OVERSIGHT_COOKIE
from glassplate.web.oversight.app import create_app as create_oversight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import BrowserContext, Page


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def officer(vault: FakeVault) -> Browser:
    """Signed in at the officer face."""
    client = Browser(create_officer(vault.client, origin=ORIGIN))
    client.cookies.set(OFFICER_COOKIE, vault.sign_in())
    return client


@pytest.fixture
def stranger(vault: FakeVault) -> Browser:
    """Not signed in at the officer face."""
    return Browser(create_officer(vault.client, origin=ORIGIN))


@pytest.fixture
def auditor(vault: FakeVault) -> Browser:
    """Signed in at the oversight face."""
    client = Browser(create_oversight(vault.client, origin=ORIGIN))
    client.cookies.set(OVERSIGHT_COOKIE, vault.sign_in())
    return client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """The system's own; Playwright downloads none. Not for the whole session: Playwright's loop is in the way there."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        message = "no Chromium on PATH; on Debian: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Chromium) -> Iterator[Callable[..., Page]]:
    """Open a page whose console errors and policy violations fail the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, width: int = 1280, scripts: bool = True, allow: str = "") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, reduced_motion="reduce"
        )
        contexts.append(context)
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        page.set_default_timeout(10_000)

        def complain(words: str) -> None:
            if not (allow and allow in words):
                complaints.append(words)

        page.on(
            "console",
            lambda message: complain(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: complain(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
