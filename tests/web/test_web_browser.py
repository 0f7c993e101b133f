"""The faces in a real browser: accessibility, phones, no scripts, keyboard only, the content policy.

Needs the system's Chromium. Without one these tests skip, or fail where ``REQUIRE_BROWSER=1`` says that they
must run.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fake_vault import INVITATION, FakeVault
from playwright.sync_api import expect, sync_playwright
from web_testing import make_report

from glassplate.site import render_site
from glassplate.web.officer.app import create_app as create_officer
from glassplate.web.oversight.app import create_app as create_oversight
from glassplate.web.public.app import create_app as create_public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from starlette.types import ASGIApp

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDTHS = (320, 360, 768, 1280)
STANDARDS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "section508", "best-practice"]}
START_SECONDS = 20
OFFICER_PORT, OVERSIGHT_PORT, PUBLIC_PORT = 18_101, 18_102, 18_103


@dataclass(frozen=True)
class City:
    """Three faces on this machine over one fake vault."""

    vault: FakeVault
    officer: str
    oversight: str
    public: str


@contextmanager
def served(app: ASGIApp, port: int) -> Iterator[str]:
    """The app on localhost while the block runs."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's own; Playwright downloads none."""
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
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("public")
    for name, content in render_site(make_report()).items():
        (folder / name).write_bytes(content)
    vault = FakeVault()
    vault.links = {"officer", "oversight"}
    with (
        served(
            create_officer(vault.client, origin=f"http://localhost:{OFFICER_PORT}"), OFFICER_PORT
        ) as officer,
        served(
            create_oversight(vault.client, origin=f"http://localhost:{OVERSIGHT_PORT}"), OVERSIGHT_PORT
        ) as oversight,
        served(create_public(folder), PUBLIC_PORT) as public,
    ):
        yield City(vault, officer, oversight, public)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page whose console errors and policy violations fail the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, width: int = 1280, scripts: bool = True, allow: str = "") -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, reduced_motion="reduce"
        )
        contexts.append(context)
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


def sign_in(page: Page, origin: str, secret: str) -> Page:
    """By one-time link, as a person in a demo does."""
    page.goto(f"{origin}/sign-in/link?secret={secret}")
    page.get_by_role("button", name="Use the link and sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def fill_search(page: Page, plate: str = "7kdr214", use: str = "A case of this agency") -> None:
    page.get_by_label("Plate", exact=True).fill(plate)
    page.get_by_label("Purpose").select_option(label="Stolen vehicle")
    page.get_by_label("Offense").select_option(label="Vehicle theft")
    page.get_by_label("Case number").fill("26-004512")
    page.get_by_label("I declare that the answer is for").select_option(label=use)


def record_and_search(page: Page) -> None:
    page.get_by_role("button", name="Record and search").click()


def check_page(page: Page) -> None:
    """No accessibility violation, and no sideways scroll at any width."""
    found = Axe().run(page, options=STANDARDS)
    assert found.violations_count == 0, found.generate_report()
    before = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert excess <= 0, f"{page.url} scrolls sideways by {excess} px at {width} px"
    assert before is not None
    page.set_viewport_size(before)


@pytest.mark.parametrize("width", [360, 1280])
def test_every_officer_page_is_accessible_and_fits(
    city: City, visit: Callable[..., Page], width: int
) -> None:
    page = visit(width=width)
    page.goto(city.officer)
    check_page(page)
    page.goto(f"{city.officer}/passkeys/new?invitation={INVITATION}")
    check_page(page)
    page.goto(f"{city.officer}/sign-in/link?secret=x")
    check_page(page)
    sign_in(page, city.officer, "officer")
    check_page(page)

    fill_search(page)
    record_and_search(page)
    expect(page.get_by_role("heading", name="4 reads of 7KDR214")).to_be_visible()
    check_page(page)
    for details in page.locator("#answer details > summary").all():
        details.click()
    check_page(page)

    fill_search(page, plate="ZZZ9999")
    record_and_search(page)
    expect(page.get_by_text("No read in this period.")).to_be_visible()
    check_page(page)

    for path in ("alerts", "searches", "policy", "pair"):
        page.goto(f"{city.officer}/{path}")
        check_page(page)
    page.goto(f"{city.officer}/alerts")
    page.get_by_role("button", name="Record and look").click()
    expect(page.get_by_role("heading", name="Compare, then decide")).to_be_visible()
    check_page(page)
    page.get_by_label("Wrong plate").check()
    page.get_by_role("button", name="Record and close").click()
    expect(page.get_by_role("heading", name="Alert closed")).to_be_visible()
    check_page(page)


@pytest.mark.parametrize("width", [360, 1280])
def test_every_oversight_and_public_page_is_accessible_and_fits(
    city: City, visit: Callable[..., Page], width: int
) -> None:
    page = sign_in(visit(width=width), city.oversight, "oversight")
    for path in ("entries", "entries/3", "refusals", "keys", "charter"):
        page.goto(f"{city.oversight}/{path}")
        check_page(page)
    for path in ("", "verify.html"):
        page.goto(f"{city.public}/{path}")
        check_page(page)


def test_refusals_and_outages_are_accessible_too(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(allow="Failed to load resource"), city.officer, "officer")
    fill_search(page, use="Forbidden: Immigration enforcement")
    record_and_search(page)
    expect(page.get_by_role("heading", name="Refused, and the refusal is recorded")).to_be_visible()
    expect(page.get_by_label("Plate", exact=True)).to_have_value("7kdr214")
    check_page(page)

    city.vault.log_is_down = True
    fill_search(page)
    record_and_search(page)
    expect(page.get_by_role("heading", name="Nothing was answered")).to_be_visible()
    check_page(page)

    city.vault.is_unreachable = True
    page.goto(f"{city.officer}/search")
    expect(page.get_by_role("heading", name="The vault does not answer")).to_be_visible()
    check_page(page)


def test_a_whole_visit_works_without_scripts(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(scripts=False), city.officer, "officer")
    fill_search(page)
    record_and_search(page)

    expect(page.locator("#answer > .receipt")).to_contain_text("Recorded as entry")
    expect(page.get_by_text("Check by eye")).to_have_count(2)
    page.get_by_role("button", name="Record and open the scene").first.click()
    expect(page.get_by_role("img")).to_be_visible()
    page.get_by_role("link", name="Alerts").click()
    page.get_by_role("button", name="Record and look").click()
    page.get_by_label("Stop made").check()
    page.get_by_role("button", name="Record and close").click()
    expect(page.get_by_text("ask a supervisor now")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert city.vault.alerts[0].state == "confirmed"
    assert city.vault.sessions == {}


def test_a_search_with_the_keyboard_only(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(), city.officer, "officer")
    page.reload()
    keys = page.keyboard
    focused = "((it) => it.id || it.value || it.textContent.trim())(document.activeElement)"

    keys.press("Tab")
    assert page.evaluate(focused) == "Skip to the page"
    keys.press("Enter")
    for name, typed in (
        ("plate", "7kdr214"),
        ("purpose", "Stolen"),
        ("offense", "Vehicle"),
        ("case_number", "26-004512"),
        ("declared_use", ""),
        ("on_behalf_of", ""),
        ("7-days", ""),
        ("Only at some cameras", ""),
        ("Record and search", ""),
    ):
        keys.press("Tab")
        assert page.evaluate(focused) == name
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"the focus on {name} cannot be seen"
        keys.type(typed)
    keys.press("Enter")

    expect(page.locator("#answer .receipt")).to_be_visible()
    expect(page.locator("#answer")).to_be_focused()


def test_a_search_changes_neither_the_address_nor_the_page(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(), city.officer, "officer")
    page.evaluate("window.sameDocument = true")
    fill_search(page)
    record_and_search(page)

    expect(page.get_by_role("heading", name="4 reads")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    assert page.url == f"{city.officer}/search"
    assert (
        page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])").count("KDR")
        == 0
    )


def test_a_session_that_ended_leads_to_the_sign_in_page(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(allow="Failed to load resource"), city.officer, "officer")
    fill_search(page)
    city.vault.sessions.clear()
    record_and_search(page)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_invitation_and_a_passkey_lead_in(city: City, visit: Callable[..., Page]) -> None:
    page = visit()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    page.goto(f"{city.officer}/passkeys/new?invitation={INVITATION}")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("Registered for Sgt. R. Alvarez.")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_role("heading", name="Search plate reads")).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["__Host-glassplate"]["httpOnly"]
    assert cookies["__Host-glassplate"]["secure"]
    assert cookies["__Host-glassplate"]["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""


def test_a_page_elsewhere_cannot_search_in_the_officers_name(city: City, visit: Callable[..., Page]) -> None:
    page = sign_in(visit(allow="Failed to load resource"), city.officer, "officer")
    page.goto(f"{city.officer.replace('localhost', '127.0.0.1')}/sign-in")
    page.evaluate(
        """(target) => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = target;
            document.body.append(form);
            form.submit();
        }""",
        f"{city.officer.replace('localhost', '127.0.0.1')}/sign-out",
    )

    expect(page.get_by_text("did not come from our own page")).to_be_visible()
    assert len(city.vault.sessions) == 1
