"""The faces in a real browser: accessibility, phones, no scripts, keyboard only, the content policy.

Over the fake vault, where outages can be had at will; ``test_web_real_vault.py`` is the truth.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from browser_testing import (
    add_authenticator,
    check_frozen,
    check_page,
    fill_search,
    record_and_search,
    sign_in,
)
from fake_vault import EXPORT_WORDS, HOLD_WORDS, INVITATION, OFFICER, SEARCH_WORDS, FakeVault, approval
from playwright.sync_api import expect
from web_testing import make_report

sys.path.insert(0, str(Path(__file__).parents[2]))  # for ``tests.support``, however pytest was started

from tests.support.ports import free_ports

from glassplate.site import render_site
from glassplate.web.officer.app import create_app as create_officer
from glassplate.web.oversight.app import create_app as create_oversight
from glassplate.web.public.app import create_app as create_public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from starlette.types import ASGIApp

pytestmark = pytest.mark.browser

START_SECONDS = 20


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


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("public")
    for name, content in render_site(make_report()).items():
        (folder / name).write_bytes(content)
    vault = FakeVault()
    vault.links = {"officer", "oversight"}
    ports = free_ports(3)
    origins = [f"http://localhost:{port}" for port in ports]
    with (
        served(create_officer(vault.client, origin=origins[0]), ports[0]) as officer,
        served(create_oversight(vault.client, origin=origins[1]), ports[1]) as oversight,
        served(create_public(folder), ports[2]) as public,
    ):
        yield City(vault, officer, oversight, public)


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
def test_every_way_to_search_is_accessible_and_fits(
    city: City, visit: Callable[..., Page], width: int
) -> None:
    approve_every_search(city)
    page = sign_in(visit(width=width, allow="Failed to load resource"), city.officer, "officer")
    for path in ("search", "search/vehicle", "search/camera"):
        page.goto(f"{city.officer}/{path}")
        check_page(page)
    record_and_search(page)  # nothing is filled in, and the browser says so
    assert city.vault.asked == []
    fill_window(page)
    page.get_by_label("Warrant").fill("SW-26-118")
    page.get_by_label("Court St at 16th St").check()
    record_and_search(page)
    expect(page.get_by_text("It waits as request")).to_be_visible()
    check_page(page)

    page.goto(f"{city.officer}/search/vehicle")
    fill_window(page)
    record_and_search(page)
    expect(page.get_by_role("link", name="Choose a body or a color.")).to_be_visible()
    check_page(page)
    page.get_by_label("Silver or gray").check()
    page.get_by_label("Court St at 16th St").check()
    city.vault.page_size = 3
    record_and_search(page)
    expect(page.get_by_role("heading", name="3 reads of a vehicle, silver or gray,")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Record and show the next page").click()
    expect(
        page.get_by_role("heading", name="1 read of a vehicle, silver or gray, at 1 camera, page 2")
    ).to_be_visible()
    expect(page.locator("#answer")).to_be_focused()
    check_page(page)


def test_a_vehicle_and_its_next_page_without_scripts(city: City, visit: Callable[..., Page]) -> None:
    approve_every_search(city)
    city.vault.page_size = 3
    page = sign_in(visit(scripts=False), city.officer, "officer")
    page.get_by_role("link", name="Vehicle").click()
    fill_window(page)
    page.get_by_label("Truck").check()
    page.get_by_label("Court St at 16th St").check()
    record_and_search(page)
    expect(page.get_by_role("heading", name="3 reads of a truck")).to_be_visible()
    page.get_by_role("button", name="Record and show the next page").click()
    expect(page.get_by_role("heading", name="1 read of a truck at 1 camera, page 2")).to_be_visible()
    expect(page.get_by_label("Truck")).to_be_checked()
    expect(page.get_by_label("From")).to_have_value("2026-11-25T08:00")
    assert [asked.kind for asked in city.vault.asked] == ["vehicle", "vehicle"]


def approve_every_search(city: City) -> None:
    features = (*city.vault.charter.features, ("vehicle_search", True), ("camera_window_search", True))
    city.vault.charter = replace(city.vault.charter, features=features)


def fill_window(page: Page) -> None:
    page.get_by_label("Purpose").select_option(label="Finding a stolen vehicle")
    page.get_by_label("Offense").select_option(label="Theft of a vehicle")
    page.get_by_label("Case number").fill("26-004512")
    page.get_by_label("From").fill("2026-11-25T08:00")
    page.get_by_label("To (UTC)").fill("2026-11-25T09:00")


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_of_evidence_is_accessible_and_fits(
    city: City, visit: Callable[..., Page], width: int
) -> None:
    page = sign_in(visit(width=width, allow="Failed to load resource"), city.officer, "officer")
    fill_search(page)
    record_and_search(page)
    page.get_by_label("Evidence").first.check()
    page.get_by_role("button", name="Hold or hand out the marked reads").click()
    expect(page.get_by_text("1 read chosen.")).to_be_visible()
    check_page(page)
    page.get_by_label("Authority").fill("Court order 26-CR-118")
    page.get_by_label("Reason").first.fill("Evidence of the theft")
    page.get_by_label("Last day").fill("2027-03-01")
    page.get_by_role("button", name="Record and hold").click()
    expect(page.get_by_role("heading", name="Asked for, and waiting")).to_be_visible()
    check_page(page)
    city.vault.is_approved = True
    page.get_by_role("button", name="Record and hold").click()
    expect(page.get_by_role("heading", name="Held until")).to_be_visible()
    check_page(page)
    page.get_by_role("link", name="Holds of a case").click()
    check_page(page)
    page.get_by_label("Case number").fill(city.vault.holds[0].case_number)
    page.get_by_role("button", name="Find the holds").click()
    check_page(page)
    page.get_by_role("button", name="Record and look").click()
    expect(page.get_by_role("heading", name="2 held reads")).to_be_visible()
    check_page(page)


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_of_approvals_is_accessible_fits_and_needs_no_script(
    city: City, visit: Callable[..., Page], width: int, scripts: bool
) -> None:
    page = sign_in(visit(width=width, scripts=scripts), city.officer, "officer")
    check = check_page if scripts else lambda shown: check_frozen(shown, visit())
    page.goto(f"{city.officer}/approvals")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    check(page)
    city.vault.requests = [
        approval(1, "search", "m.okafor", SEARCH_WORDS),
        approval(2, "hold", OFFICER.account_id, HOLD_WORDS, state="approved", decided_by=(("s.one", True),)),
        approval(3, "export", "m.okafor", EXPORT_WORDS, state="refused", decided_by=(("s.one", False),)),
    ]
    page.reload()
    check(page)
    page.get_by_role("button", name=f"Record and read request {1:016x}").click()
    expect(page.get_by_role("heading", name="Exactly this")).to_be_visible()
    check(page)
    page.get_by_label("Why").fill("Read the report")
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("heading", name="Approve this request?")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Record and approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    check(page)
    assert city.vault.requests[0].decided_by == ((OFFICER.account_id, True),)

    city.vault.is_approved = True
    page.get_by_role("link", name="All requests").click()
    page.get_by_role("button", name=f"Record and read request {2:016x}").click()
    expect(page.get_by_role("heading", name="Approved: run it")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Record and hold").click()
    expect(page.get_by_role("heading", name="Held until")).to_be_visible()


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
    fill_search(page, use="Forbidden: for immigration enforcement")
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
        ("yes", ""),
        ("purpose", "Finding a s"),
        ("offense", "Theft"),
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
    add_authenticator(page)

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


def test_a_passkeys_session_signs_each_decision_and_each_package(
    city: City, visit: Callable[..., Page]
) -> None:
    page = visit(width=360, allow="Failed to load resource")
    add_authenticator(page)
    page.goto(f"{city.officer}/passkeys/new?invitation={INVITATION}")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Search plate reads")).to_be_visible()
    city.vault.requests = [
        approval(1, "search", "m.okafor", SEARCH_WORDS),
        approval(2, "export", OFFICER.account_id, EXPORT_WORDS, state="approved"),
    ]
    page.goto(f"{city.officer}/approvals")
    page.get_by_role("button", name=f"Record and read request {1:016x}").click()
    page.get_by_label("Why").fill("Read the report")
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_text("Your passkey signs exactly this, now.")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Record and approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    assert (city.vault.requests[0].state, city.vault.signed) == ("approved", 1)

    city.vault.is_approved = True
    page.goto(f"{city.officer}/approvals")
    page.get_by_role("button", name=f"Record and read request {2:016x}").click()
    check_page(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Record and download").click()
    assert download.value.path().read_bytes() == b"PK"
    assert city.vault.signed == 2


def test_without_a_script_a_passkeys_session_decides_nothing_and_is_told_why(
    city: City, visit: Callable[..., Page]
) -> None:
    page = sign_in(visit(scripts=False, allow="Failed to load resource"), city.officer, "officer")
    for token, session in city.vault.sessions.items():
        city.vault.sessions[token] = replace(session, sign_in_method="passkey")
    city.vault.requests = [approval(1, "search", "m.okafor", SEARCH_WORDS)]
    page.goto(f"{city.officer}/approvals")
    page.get_by_role("button", name="Record and read").click()
    page.get_by_label("Why").fill("Read the report")
    page.get_by_role("button", name="Approve…").click()
    page.get_by_role("button", name="Record and approve").click()
    expect(page.get_by_text("fresh-passkey")).to_be_visible()
    check_frozen(page, visit())
    assert city.vault.requests[0].state == "waiting"


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
