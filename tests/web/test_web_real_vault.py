"""The faces against the real vault, in a real browser: what a person in this city can do, see, and not do.

Vault and faces are processes of their own on free ports; people come in by passkey or by a demo's one-time link.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from browser_testing import (
    add_authenticator,
    check_frozen,
    check_page,
    fill_search,
    record_and_search,
    sign_in,
)
from playwright.sync_api import expect
from real_city import AUDITOR, OFFICER, PLATE, WANTED, RealCity, pairing_code, running_city

from glassplate.client import VaultClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Visit = Callable[..., Page]

pytestmark = pytest.mark.browser

COMMAND_SECONDS = 60.0
FAILED = "Failed to load resource"  # what Chromium itself writes about any answer of 400 and more


@pytest.fixture(scope="module")
def city(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCity]:
    """After ``chromium``, so that nothing is started where there is none."""
    with running_city(tmp_path_factory.mktemp("real") / "city") as made:
        yield made


def test_an_invitation_a_passkey_a_search_and_its_receipt(city: RealCity, visit: Visit) -> None:
    page = visit()
    add_authenticator(page)
    page.goto(f"{city.officer}/passkeys/new?invitation={city.invite('m.ito', 'Officer M. Ito')}")
    check_page(page)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("Registered for Officer M. Ito.")).to_be_visible()

    for _ in range(2):  # in, out, and in again with the same passkey
        page.goto(f"{city.officer}/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name="Search plate reads")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Sign in with a passkey").click()
    fill_search(page)
    record_and_search(page)

    answer = page.locator("#answer")
    expect(answer.locator("> :first-child")).to_have_text(
        re.compile(r"Recorded as entry \d+ before it ran, for finding a stolen vehicle, case 26-004512")
    )
    expect(page.get_by_role("heading", name=f"2 reads of {PLATE} at 2 cameras")).to_be_visible()
    expect(answer.get_by_role("img", name=f"Plate crop, read as {PLATE}")).to_have_count(2)
    expect(answer.locator("tbody td[data-label=Deleted]")).to_have_text(["in 29 days", "in 28 days"])
    expect(page.get_by_role("button", name="Record and open the scene")).to_have_count(
        0
    )  # only crops are kept
    crops = answer.locator("img.crop").evaluate_all("(all) => all.map((one) => one.naturalWidth)")
    assert min(crops) > 50
    check_page(page)

    page.get_by_text("Receipt", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the log").click()
    promise = download.value.path().read_text()
    index = int(re.search(r"^index (\d+)$", promise, re.MULTILINE)[1])
    assert promise.startswith("log-promise/v1\norigin exampleville.example/glassplate\n")
    assert download.value.suggested_filename == f"entry-{index}.promise"

    city.publish()
    answer.get_by_role("link", name=f"entry {index}", exact=True).first.click()
    expect(page.get_by_role("heading", name=f"Entry {index}")).to_be_visible()
    check_page(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    assert download.value.path().read_text().startswith("c2sp.org/tlog-proof@v1\n")

    page.get_by_role("link", name="My searches").first.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text(PLATE)
    expect(page.locator("tbody tr")).to_contain_text("Answered, 2 reads shown")
    check_page(page)


def test_a_hold_is_asked_for_approved_with_a_passkey_and_run_from_its_page(
    city: RealCity, visit: Visit
) -> None:
    officer = sign_in(visit(allow=FAILED), city.officer, city.link("m.okafor"))
    fill_search(officer)
    record_and_search(officer)
    officer.get_by_label("Evidence").first.check()
    officer.get_by_role("button", name="Hold or hand out the marked reads").click()
    officer.get_by_label("Authority").fill("Court order 26-CR-118")
    officer.get_by_label("Reason").first.fill("Evidence of the theft")
    officer.get_by_label("Last day").fill(f"{city.now() + timedelta(days=60):%Y-%m-%d}")
    officer.get_by_role("button", name="Record and hold").click()
    expect(officer.get_by_role("heading", name="Asked for, and waiting")).to_be_visible()
    officer.get_by_role("link", name="Approvals").last.click()
    officer.get_by_role("button", name="Record and read").first.click()
    expect(officer.get_by_text("you cannot approve your own request")).to_be_visible()
    check_page(officer)

    page = visit(width=360)
    add_authenticator(page)
    invitation = city.invite("s.supervisor", "Lt. S. Supervisor", ("officer", "supervisor"))
    page.goto(f"{city.officer}/passkeys/new?invitation={invitation}")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("link", name="Approvals").click()
    page.get_by_role("button", name="Record and read").first.click()
    expect(page.get_by_text("Court order 26-CR-118")).to_be_visible()
    check_page(page)
    page.get_by_label("Why").fill("The order lies before me")
    page.get_by_role("button", name="Approve…").click()
    page.get_by_role("button", name="Record and approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()

    officer.get_by_role("link", name="All requests").click()
    officer.get_by_role("button", name="Record and read").first.click()
    officer.get_by_role("button", name="Record and hold").click()
    expect(officer.get_by_role("heading", name="Held until")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_an_unlawful_search_shows_its_rule(city: RealCity, visit: Visit, width: int) -> None:
    page = sign_in(visit(width=width, allow=FAILED), city.officer, city.link(OFFICER))
    check_page(page)

    fill_search(page, use="Forbidden: for immigration enforcement")
    record_and_search(page)

    expect(page.get_by_role("heading", name="Refused, and the refusal is recorded")).to_be_visible()
    expect(page.locator("#answer code")).to_have_text(["prohibited-use"])
    expect(page.get_by_role("img", name="Plate crop")).to_have_count(0)
    check_page(page)


def test_look_alikes_are_found_and_what_is_not_approved_is_named(city: RealCity, visit: Visit) -> None:
    page = sign_in(visit(scripts=False), city.officer, city.link(OFFICER))
    expect(page.get_by_text("Not approved by the charter: vehicle, camera window.")).to_be_visible()
    fill_search(page, plate="7KOR2I4")
    page.get_by_label("Look-alikes too").check()
    record_and_search(page)
    expect(page.get_by_role("heading", name="2 reads like 7KOR2I4 at 2 cameras")).to_be_visible()
    page.get_by_role("link", name="My searches").first.click()
    expect(page.get_by_text("7KOR2I4 and look-alikes")).to_be_visible()


@pytest.mark.parametrize(("width", "wanted"), [(360, WANTED[0]), (1280, WANTED[1])])
def test_a_search_and_an_alert_without_scripts(city: RealCity, visit: Visit, width: int, wanted: str) -> None:
    page = sign_in(visit(width=width, scripts=False), city.officer, city.link(OFFICER))
    checker = visit(width=width)
    fill_search(page)
    record_and_search(page)
    expect(page.locator("#answer > .receipt")).to_contain_text("Recorded as entry")
    expect(page.get_by_role("heading", name=f"2 reads of {PLATE}")).to_be_visible()
    check_frozen(page, checker)

    page.get_by_role("link", name="Alerts").click()
    check_frozen(page, checker)
    page.get_by_role("button", name=f"Record and look at {wanted}").click()
    expect(page.locator(".receipt")).to_contain_text("before it was shown")
    expect(page.get_by_role("img", name=f"Plate crop, read as {wanted}")).to_be_visible()
    expect(page.get_by_text("The characters are the same as read.")).to_be_visible()
    expect(page.get_by_text("The state is not known.")).to_be_visible()
    check_frozen(page, checker)

    page.get_by_label("Vehicle located, no stop yet").check()
    page.get_by_label("Note").fill("Compared by eye.")
    page.get_by_role("button", name="Record and close").click()
    expect(page.get_by_role("heading", name="Alert closed")).to_be_visible()
    check_frozen(page, checker)
    page.get_by_role("link", name="Back to the alerts").click()
    row = page.get_by_role("row").filter(has_text=wanted)
    expect(row).to_contain_text("Confirmed: vehicle located")
    expect(row.get_by_role("button")).to_have_count(0)


def test_an_alert_cannot_be_closed_twice(city: RealCity, visit: Visit) -> None:
    first, second = (
        sign_in(visit(allow=FAILED), city.officer, city.link(account)) for account in (OFFICER, "m.okafor")
    )
    for page in (first, second):
        page.goto(f"{city.officer}/alerts")
        page.get_by_role("button", name=f"Record and look at {WANTED[2]}").click()
        page.get_by_label("Wrong plate").check()
    for page in (first, second):
        page.get_by_role("button", name="Record and close").click()

    expect(first.get_by_role("heading", name="Alert closed")).to_be_visible()
    expect(second.get_by_text("This alert was already dismissed.")).to_be_visible()


def test_a_day_that_cannot_be_searched_is_named(city: RealCity, visit: Visit) -> None:
    page = sign_in(visit(width=360), city.officer, city.link(OFFICER))

    notice = page.locator("#answer .notice.warn")
    fill_search(page)
    record_and_search(page)
    expect(page.get_by_role("heading", name=f"2 reads of {PLATE}")).to_be_visible()
    expect(notice).to_have_count(0)  # the last seven days are whole

    page.get_by_label("All that is kept").check()
    record_and_search(page)

    expect(notice).to_contain_text("This answer is not complete")
    expect(notice.get_by_role("listitem")).to_contain_text(city.damaged_day)
    expect(page.get_by_role("heading", name=f"2 reads of {PLATE}")).to_be_visible()
    check_page(page)


def test_a_one_time_link_works_once(city: RealCity, visit: Visit) -> None:
    secret = city.link(OFFICER)
    page = sign_in(visit(allow=FAILED), city.officer, secret)
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{city.officer}/sign-in/link?secret={secret}")
    check_page(page)
    page.get_by_role("button", name="Use the link").click()

    expect(page.get_by_text("a one-time link that is unknown, used or too old")).to_be_visible()
    page.goto(f"{city.officer}/search")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_command_line_is_paired_through_the_browser(city: RealCity, visit: Visit, tmp_path: Path) -> None:
    page = sign_in(visit(width=360), city.officer, city.link(OFFICER))
    login = city.command("login", state=tmp_path)
    page.goto(f"{city.officer}/pair")
    check_page(page)
    page.get_by_label("Code").fill(pairing_code(login).lower())
    page.get_by_role("button", name="Confirm: this is my terminal").click()
    expect(page.get_by_text("Paired.")).to_be_visible()
    said, _ = login.communicate(timeout=COMMAND_SECONDS)
    assert login.returncode == 0
    assert "Signed in as R.Alvarez" in said

    words = ("--purpose", "stolen_vehicle", "--offense", "auto_theft", "--case", "26-004512", "--json")
    search = city.command("search", PLATE, *words, state=tmp_path)
    found, problem = search.communicate(timeout=COMMAND_SECONDS)

    assert search.returncode == 0, problem
    assert [one["read"]["text"] for one in json.loads(found)["reads"]] == [PLATE, PLATE]


@pytest.mark.parametrize("width", [360, 1280])
def test_an_auditor_sees_the_record_refusals_keys_and_charter(
    city: RealCity, visit: Visit, width: int
) -> None:
    page = sign_in(visit(width=width), city.oversight, city.link(AUDITOR))
    expect(page.get_by_role("heading", name="The record")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("Sign in")
    check_page(page)

    page.goto(f"{city.oversight}/entries?before=50")
    inventory = page.get_by_role("row").filter(has_text="Key inventory").first
    inventory.get_by_text("Live:").click()
    check_page(page)
    page.goto(f"{city.oversight}/entries/0")
    expect(page.get_by_text("Charter installed")).to_be_visible()
    check_page(page)

    page.get_by_role("link", name="Refusals").click()
    check_page(page)

    page.get_by_role("link", name="Keys").click()
    expect(page.locator(".state.ahead")).to_have_text(["Made ahead"] * 2)
    expect(page.get_by_role("row").filter(has_text="In use").locator(".number")).to_have_text("4")
    page.get_by_text("closed keys, each with its date of death").click()
    check_page(page)

    page.get_by_role("link", name="Charter").click()
    expect(page.get_by_text("Never: for immigration enforcement")).to_be_visible()
    expect(page.get_by_text("SHA256:")).to_have_count(3)
    check_page(page)


def test_a_refusal_is_seen_by_the_auditor_at_once(city: RealCity, visit: Visit) -> None:
    officer = sign_in(visit(allow=FAILED), city.officer, city.link(OFFICER))
    fill_search(officer, use="Forbidden: for a private reason")
    record_and_search(officer)
    expect(officer.get_by_role("heading", name="Refused")).to_be_visible()

    auditor = sign_in(visit(), city.oversight, city.link(AUDITOR))
    auditor.goto(f"{city.oversight}/refusals")

    expect(auditor.get_by_role("cell", name="prohibited-use").first).to_be_visible()
    expect(auditor.locator("main")).not_to_contain_text(PLATE)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_public_pages_say_the_numbers_of_the_data(city: RealCity, visit: Visit, width: int) -> None:
    city.publish()
    page = visit(width=width)
    data, shown = numbers_of(city, page)

    assert shown["Searches"] == sum(count for _, count in data["searches_by_purpose"])
    assert shown["Refused"] == sum(count for _, count in data["refusals_by_rule"])
    assert shown["Alerts raised"] == data["alerts"]["raised"] == len(WANTED)
    assert shown["Reads kept now"] == data["reads_live"]
    for caption, pairs in (
        ("Searches by purpose", data["searches_by_purpose"]),
        ("Refusals by rule", data["refusals_by_rule"]),
        ("Entries by type", data["entries_by_type"]),
    ):
        assert bars_of(page, caption) == [[label, count] for label, count in pairs]
    assert page.locator(".strip rect").count() >= len(data["epochs"])
    check_page(page)
    page.get_by_text("closed keys, each with its date of death").click()
    check_page(page)
    page.get_by_role("link", name="Verify", exact=True).click()
    for _, fingerprint in data["fingerprints"]:
        expect(page.locator("main")).to_contain_text(fingerprint)
    check_page(page)


def test_without_a_vault_the_pages_say_so_and_come_back_with_it(city: RealCity, visit: Visit) -> None:
    page = sign_in(visit(width=360, allow=FAILED), city.officer, city.link(OFFICER))
    city.stop_vault()
    try:
        answer = page.goto(f"{city.officer}/search")
        assert answer is not None
        assert answer.status == 503
        expect(page.get_by_role("heading", name="The vault does not answer")).to_be_visible()
        expect(page.get_by_text("glassplate serve")).to_be_visible()
        check_page(page)
        public = visit()
        public.goto(city.public)
        expect(public.get_by_role("heading", name="What the plate readers did")).to_be_visible()
    finally:
        city.start_vault()

    page.reload()
    expect(page.get_by_role("heading", name="Search plate reads")).to_be_visible()  # the session outlived it


def test_a_session_that_ended_leads_to_the_sign_in_page(city: RealCity, visit: Visit) -> None:
    page = sign_in(visit(allow=FAILED), city.officer, city.link(OFFICER))
    fill_search(page)
    (token,) = (one["value"] for one in page.context.cookies() if one["name"] == "__Host-glassplate")
    with VaultClient(city.folder.socket, token) as elsewhere:
        elsewhere.sign_out()

    record_and_search(page)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(0)


def numbers_of(city: RealCity, page: Page) -> tuple[dict, dict[str, int]]:
    """data.json and the page's figures of one publication; the vault publishes by itself, too."""
    for _ in range(5):
        before = httpx.get(f"{city.public}/data.json").json()
        page.goto(city.public)
        if httpx.get(f"{city.public}/data.json").json() == before:
            break
    figures = page.locator(".figures").first
    names = figures.locator("dt").all_inner_texts()
    values = figures.locator("dd").all_inner_texts()
    return before, {
        n: int(v.replace(",", ""))
        for n, v in zip(names, values, strict=True)
        if v[:1].isdigit() and " " not in v
    }


def bars_of(page: Page, caption: str) -> list[list[object]]:
    table = page.locator("table.bars").filter(has=page.locator("caption", has_text=caption))
    rows = [row.locator("th, td.number").all_inner_texts() for row in table.locator("tbody tr").all()]
    return [[label, int(count.replace(",", ""))] for label, count in rows]
