"""What the tests in a real browser share: flags, ways to act on a page as a person does, one check of every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));"""


def sign_in(page: Page, origin: str, secret: str) -> Page:
    """By one-time link, as a person in a demo does."""
    page.goto(f"{origin}/sign-in/link?secret={secret}")
    page.get_by_role("button", name="Use the link and sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def fill_search(page: Page, plate: str = "7kdr214", use: str = "for a case of this agency") -> None:
    page.get_by_label("Plate", exact=True).fill(plate)
    page.get_by_label("Purpose").select_option(label="Finding a stolen vehicle")
    page.get_by_label("Offense").select_option(label="Theft of a vehicle")
    page.get_by_label("Case number").fill("26-004512")
    page.get_by_label("I declare that this search is").select_option(label=use)


def record_and_search(page: Page) -> None:
    page.get_by_role("button", name="Record and search").click()


def add_authenticator(page: Page) -> None:
    """A passkey holder that says yes, through the browser's own test interface."""
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


def check_frozen(page: Page, checker: Page) -> None:
    """``check_page`` for a page without scripts, where no checker can run: its HTML at its address, in ``checker``."""
    html = page.content()
    checker.route(page.url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    checker.goto(page.url)
    check_page(checker)
    checker.unroute(page.url)
