"""The other kinds of search on the officer's pages: each with its own fields only, and the pages after the first."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fake_vault import CHARTER
from web_testing import GOOD_SEARCH

from glassplate.records import VEHICLE_COLORS

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

ALL = ("plate_search", "wildcard_search", "vehicle_search", "camera_window_search")
CASE = {name: value for name, value in GOOD_SEARCH.items() if name not in ("plate", "period")}
TIMES = {"since": "2026-11-25T08:00", "until": "2026-11-25T09:00"}
VEHICLE = {**CASE, **TIMES, "camera": "court-16th", "body": "car", "color": "silver or gray"}
CAMERA = {**CASE, **TIMES, "camera": "court-16th", "warrant": "SW-26-118"}


@pytest.fixture
def wide(vault: FakeVault) -> FakeVault:
    """A vault whose charter approves every kind."""
    vault.charter = replace(CHARTER, features=tuple((name, True) for name in ALL))
    return vault


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def names_of(html: str) -> set[str]:
    """Fields of the search form."""
    return set(re.findall(r' name="(\w+)"', html.split('class="ask"')[1].split("</form>", maxsplit=1)[0]))


COMMON = {"purpose", "offense", "case_number", "declared_use", "on_behalf_of"}
FIELDS = {
    "/search": {"plate", "look_alike", "period", "camera"},
    "/search/vehicle": {"body", "color", "camera", "since", "until"},
    "/search/camera": {"camera", "since", "until", "warrant"},
}


@pytest.mark.parametrize("path", FIELDS)
def test_each_way_to_search_has_its_own_fields_and_no_others(
    officer: Browser, wide: FakeVault, path: str
) -> None:
    page = officer.get(path).text

    assert names_of(page) == COMMON | FIELDS[path]
    assert f'<a href="{path}" aria-current="page">' in page
    assert "Not approved" not in page


def test_what_the_charter_does_not_approve_is_not_offered(officer: Browser, vault: FakeVault) -> None:
    page = words_of(officer.get("/search").text)
    assert "Not approved by the charter: vehicle, camera window." in page
    assert "The charter does not approve this search." in officer.get("/search/vehicle").text
    assert "<select" not in officer.get("/search/vehicle").text

    vault.charter = replace(CHARTER, features=(("plate_search", True),))
    page = officer.get("/search").text
    assert names_of(page) == COMMON | FIELDS["/search"] - {"look_alike"}
    assert "The whole plate" in page


def test_look_alikes_are_asked_for_by_a_check_box(officer: Browser, vault: FakeVault) -> None:
    page = officer.post("/search", data={**GOOD_SEARCH, "look_alike": "yes"}).text

    assert vault.asked[0].kind == "look_alike"
    assert "4 reads like 7KDR214 at 3 cameras" in words_of(page)
    assert 'value="yes" checked' in page


def test_a_part_of_a_plate_is_a_search_with_wildcards(officer: Browser, vault: FakeVault) -> None:
    officer.post("/search", data={**GOOD_SEARCH, "plate": "7kd*"})
    assert vault.asked[0].kind == "wildcard"

    response = officer.post("/search", data={**GOOD_SEARCH, "plate": "7kd*", "look_alike": "yes"})
    assert response.status_code == 422
    assert "Look-alikes are of a whole plate" in response.text


def test_the_look_of_a_vehicle_is_asked_for_at_its_cameras_and_times(
    officer: Browser, wide: FakeVault
) -> None:
    page = words_of(officer.post("/search/vehicle", data=VEHICLE).text)

    (request,) = wide.asked
    assert (request.kind, request.plate) == ("vehicle", "")
    assert (request.bodies, request.colors) == (("car",), ("silver or gray",))
    assert request.camera_ids == ("court-16th",)
    assert (request.since, request.until) == (
        datetime(2026, 11, 25, 8, tzinfo=UTC),
        datetime(2026, 11, 25, 9, tzinfo=UTC),
    )
    assert "4 reads of a car, silver or gray, at 3 cameras" in page


def test_everything_at_a_camera_waits_for_the_second_person_first(officer: Browser, wide: FakeVault) -> None:
    waiting = officer.post("/search/camera", data=CAMERA)
    assert waiting.status_code == 409
    assert "It waits as request 1f2e3d4c5b6a7988." in waiting.text
    assert 'value="SW-26-118"' in waiting.text

    wide.is_approved = True
    page = words_of(officer.post("/search/camera", data=CAMERA).text)
    assert "4 reads: everything at Court St at 16th St" in page
    assert (wide.asked[0].kind, wide.asked[0].warrant) == ("camera_window", "SW-26-118")


MISSING = {
    "no look": ("vehicle", {"body": "", "color": ""}, "Choose a body or a color."),
    "no camera of a vehicle": ("vehicle", {"camera": ""}, "Choose at least one camera."),
    "no start": ("vehicle", {"since": ""}, "Enter the start: a day and a time."),
    "a start that is no time": ("vehicle", {"since": "yesterday"}, "Enter the start: a day and a time."),
    "a year that is none": ("camera", {"until": "99999-01-01T00:00"}, "Enter the end: a day and a time."),
    "an end before the start": ("camera", {"until": "2026-11-25T07:00"}, "Enter an end after the start."),
    "no camera of a window": ("camera", {"camera": ""}, "Choose at least one camera."),
    "no warrant": ("camera", {"warrant": " "}, "Enter the warrant"),
    "no case": ("camera", {"case_number": ""}, "Enter a case number"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_named_before_the_vault_is_asked(
    officer: Browser, wide: FakeVault, what: str
) -> None:
    tab, changes, complaint = MISSING[what]
    words = {"vehicle": VEHICLE, "camera": CAMERA}[tab] | changes
    response = officer.post(
        f"/search/{tab}", data={name: value for name, value in words.items() if value != ""}
    )

    assert response.status_code == 422
    assert complaint in response.text
    assert wide.asked == []


def test_a_further_page_is_asked_for_by_an_act_of_its_own(officer: Browser, vault: FakeVault) -> None:
    vault.page_size = 3
    first = officer.post("/search", data={**GOOD_SEARCH, "look_alike": "yes"}).text
    assert "These are the newest; there are more." in first
    index = re.search(r'class="next".*?name="search_index" value="(\d+)"', first, re.DOTALL)[1]

    second = officer.post("/search/next", data={"search_index": index})
    assert second.status_code == 200
    assert "1 read like 7KDR214 at 1 camera, page 2" in words_of(second.text)
    assert 'class="next"' not in second.text
    assert vault.asked[0] == vault.asked[1]
    assert 'value="26-004512"' in second.text, "the form stands beside it as it was"
    assert index not in str(second.url)


def test_an_empty_further_page_says_so(officer: Browser, vault: FakeVault) -> None:
    vault.page_size = 4
    first = officer.post("/search", data=GOOD_SEARCH).text
    index = max(vault.pages)
    assert 'class="next"' not in first

    page = officer.post("/search/next", data={"search_index": str(index)}).text
    assert "No further read in this period." in page


@pytest.mark.parametrize(("index", "status"), [("", 422), ("x", 422), ("-1", 422), ("7", 403)])
def test_a_page_of_nobodys_search_is_refused(officer: Browser, index: str, status: int) -> None:
    response = officer.post("/search/next", data={"search_index": index})

    assert response.status_code == status


def test_an_empty_answer_says_what_to_try_of_its_kind(officer: Browser, wide: FakeVault) -> None:
    wide.reads, wide.is_approved = (), True

    assert "Try look-alikes" in officer.post("/search", data=GOOD_SEARCH).text
    assert "Body and color are not known of every vehicle" in (
        officer.post("/search/vehicle", data=VEHICLE).text
    )
    assert "outages" in officer.post("/search/camera", data=CAMERA).text


def test_every_color_can_be_chosen(officer: Browser, wide: FakeVault) -> None:
    page = officer.get("/search/vehicle").text
    assert all(f'name="color" value="{color}"' in page for color in VEHICLE_COLORS)
