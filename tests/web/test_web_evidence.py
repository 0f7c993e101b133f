"""Evidence in the officer's face: chosen on the search page, held or handed out after others approved, found by case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web_testing import GOOD_SEARCH

from glassplate.records import ExportRequest, HoldRequest

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

CASE = "26-004512"
CHOSEN = {"read_id": ["a" * 32, "b" * 32], "search_index": "18447", "case_number": CASE}
HOLD = {**CHOSEN, "authority": "Court order", "reason": "theft", "until": "2027-03-01"}


def test_reads_are_marked_on_the_search_page(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    assert 'form="evidence"' in page
    assert "Hold or hand out the marked reads" in page


def test_a_choice_of_nothing_is_told(officer: Browser) -> None:
    assert officer.post("/evidence", data={"search_index": "1", "case_number": CASE}).status_code == 422


def test_the_form_stays_until_it_is_approved(officer: Browser, vault: FakeVault) -> None:
    page = officer.post("/evidence", data=CHOSEN).text
    assert "2 reads chosen" in page
    assert CASE in page

    refused = officer.post("/holds", data=HOLD)
    assert refused.status_code == 409
    assert "Asked for, and waiting for another person" in refused.text
    assert 'value="Court order"' in refused.text
    assert refused.text.count("a" * 32) == 2, "once for each form"

    vault.is_approved = True
    done = officer.post("/holds", data=HOLD).text
    assert "then held: <strong>2 reads</strong>" in done
    assert "Its key is destroyed." in done
    asked = vault.asked_evidence[0]
    assert isinstance(asked, HoldRequest)
    assert (asked.search_index, asked.until.isoformat()) == (18447, "2027-03-02T00:00:00+00:00")
    assert asked.read_ids == ("a" * 32, "b" * 32)


def test_a_day_that_is_none_is_told(officer: Browser, vault: FakeVault) -> None:
    vault.is_approved = True
    for until in ("", "soon", "9999-12-31", "2020-01-01"):
        response = officer.post("/holds", data={**HOLD, "until": until})
        assert response.status_code == 422
        assert "Not done yet" in response.text


def test_a_package_is_a_download_that_no_cache_keeps(officer: Browser, vault: FakeVault) -> None:
    assert "waiting for another person" in officer.post("/exports", data={**CHOSEN, "reason": "trial"}).text

    vault.is_approved = True
    response = officer.post("/exports", data={**CHOSEN, "reason": "trial"})
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"].startswith('attachment; filename="evidence-entry-')
    assert response.headers["cache-control"] == "no-store"
    assert response.content == b"PK"
    asked = vault.asked_evidence[0]
    assert isinstance(asked, ExportRequest)
    assert (asked.case_number, asked.reason, asked.hold_id) == (CASE, "trial", None)


def test_holds_are_found_by_their_case_only(officer: Browser, vault: FakeVault) -> None:
    vault.is_approved = True
    officer.post("/holds", data=HOLD)

    assert "hold-" not in officer.get("/holds").text
    assert (
        "Nothing is held for this case" in officer.post("/holds/of-case", data={"case_number": "26-1"}).text
    )
    page = officer.post("/holds/of-case", data={"case_number": CASE}).text
    assert "Court order" in page
    hold = {"hold_id": vault.holds[0].hold_id, "case_number": CASE}
    opened = officer.post("/holds/open", data=hold).text
    assert "2 held reads" in opened
    assert "before it was opened" in opened
    assert "The vehicle of" in opened
    assert officer.post("/holds/open", data={**hold, "case_number": "26-1"}).status_code == 403
    kept = officer.post("/evidence", data=hold).text
    assert f"Everything that <code>{hold['hold_id']}</code> keeps" in kept


def test_a_stop_is_proposed_for_a_hold_and_asks_what_it_is_for(officer: Browser, vault: FakeVault) -> None:
    assert "Hold the evidence?" not in officer.get("/alerts").text
    officer.post("/alerts/a1/show")
    officer.post("/alerts/a1/decision", data={"closing": "confirmed:stop_made"})

    assert "Hold the evidence?" in officer.get("/alerts").text
    page = officer.post("/evidence", data={"alert_id": "a1"}).text
    assert "The read of this alert." in page
    assert "Purpose" in page
    assert "Record and download" not in page
    vault.is_approved = True
    officer.post("/holds", data={**HOLD, "alert_id": "a1", "search_index": "", "purpose": "stolen_vehicle"})
    assert vault.asked_evidence[0].alert_id == "a1"


def test_every_page_has_its_json_twin_without_html(officer: Browser, vault: FakeVault) -> None:
    vault.is_approved = True
    placed = officer.post("/holds?format=json", data=HOLD).json()
    assert placed["placed"]["hold"]["reads"] == 2
    found = officer.post("/holds/of-case?format=json", data={"case_number": CASE}).json()
    assert [hold["state"] for hold in found["holds"]] == ["held"]
