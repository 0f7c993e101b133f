"""Second persons in the faces: the queue, every word of a request, the decision, and the run of what was approved."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from fake_vault import ACCOUNT_WORDS, EXPORT_WORDS, HOLD_WORDS, OFFICER, SEARCH_WORDS, SECOND_PART, approval
from web_testing import GOOD_SEARCH

from glassplate.records import ExportRequest, HoldRequest

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

MINE, THEIRS = OFFICER.account_id, "m.okafor"
DECIDE = {"request_sha256": f"{1:064x}", "decision": "approve", "reason": "Read the report"}


def entries(vault: FakeVault, kind: str) -> int:
    return sum(entry.entry_type == kind for entry in vault.entries)


def test_an_empty_queue_says_so(officer: Browser) -> None:
    page = officer.get("/approvals").text
    assert "Nothing waits for you." in page
    assert "Asked by you" not in page


def test_the_queue_tells_what_is_mine_to_decide_mine_to_run_and_over(
    officer: Browser, vault: FakeVault
) -> None:
    vault.requests = [
        approval(1, "search", THEIRS, SEARCH_WORDS),
        approval(2, "hold", MINE, HOLD_WORDS, state="approved", decided_by=(("s.one", True),)),
        approval(3, "export", THEIRS, EXPORT_WORDS, state="approved", decided_by=((MINE, True),)),
        approval(4, "give_access", THEIRS, {}, state="refused", decided_by=(("s.one", False),)),
    ]
    page = officer.get("/approvals?format=json").json()
    assert [[one["request_id"] for one in page[part]] for part in ("to_decide", "own", "over")] == [
        [f"{1:016x}"],
        [f"{2:016x}"],
        [f"{3:016x}", f"{4:016x}"],
    ]
    html = officer.get("/approvals").text
    assert "7KDR214" not in html
    assert "26-004512" not in html


def test_a_request_shows_every_word_in_the_charters_language(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [approval(1, "search", THEIRS, SEARCH_WORDS)]
    page = officer.post(f"/approvals/{1:016x}/show").text
    for words in (
        "7KDR214",
        "Finding a stolen vehicle (stolen_vehicle)",
        "Court St at 16th St (court-16th), Harbor Way at 22nd St (harbor-22nd)",
        "Not given",
        f"{1:064x}",
    ):
        assert words in page
    assert entries(vault, "approval-shown") == 1


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("refuse", "refused")])
def test_a_decision_is_confirmed_then_recorded(
    officer: Browser, vault: FakeVault, decision: str, state: str
) -> None:
    vault.requests = [approval(1, "search", THEIRS, SEARCH_WORDS)]
    asked = officer.post(f"/approvals/{1:016x}/confirm", data={**DECIDE, "decision": decision}).text
    assert f"{decision.title()} this request?" in asked
    assert "Read the report" in asked
    assert vault.requests[0].state == "waiting"

    done = officer.post(f"/approvals/{1:016x}/decision", data={**DECIDE, "decision": decision}).text
    assert "Recorded as" in done
    assert vault.requests[0].state == state


def test_no_decision_goes_without_a_reason_and_nothing_unclear_approves(
    officer: Browser, vault: FakeVault
) -> None:
    vault.requests = [approval(1, "search", THEIRS, SEARCH_WORDS)]
    response = officer.post(f"/approvals/{1:016x}/confirm", data={**DECIDE, "reason": " "})
    assert response.status_code == 422
    assert "Say why." in response.text
    officer.post(f"/approvals/{1:016x}/decision", data={**DECIDE, "decision": "approve!"})
    assert vault.requests[0].state == "refused"


def test_what_was_not_shown_is_not_decided(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [approval(1, "search", THEIRS, SEARCH_WORDS)]
    response = officer.post(f"/approvals/{1:016x}/decision", data={**DECIDE, "request_sha256": "0" * 64})
    assert response.status_code == 422
    assert vault.requests[0].state == "waiting"


def test_an_own_request_offers_no_decision_and_a_forced_one_is_refused(
    officer: Browser, vault: FakeVault
) -> None:
    vault.requests = [approval(1, "search", MINE, SEARCH_WORDS)]
    page = officer.post(f"/approvals/{1:016x}/show").text
    assert "Approve…" not in page
    assert "you cannot approve your own request" in page
    response = officer.post(f"/approvals/{1:016x}/decision", data=DECIDE)
    assert response.status_code == 403
    assert "not-yourself" in response.text


def test_an_approved_search_is_run_with_its_own_words(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [approval(1, "search", MINE, SEARCH_WORDS, state="approved")]
    assert "Record and search" in officer.post(f"/approvals/{1:016x}/show").text
    page = officer.post(f"/approvals/{1:016x}/use", data={"plate": "8ABC123"}).text
    assert "4 reads of" in page
    (asked,) = vault.asked
    assert (asked.plate, asked.camera_ids) == ("7KDR214", ("court-16th", "harbor-22nd"))
    assert asked.since == datetime.fromisoformat(SEARCH_WORDS["since"])


def test_an_approved_hold_and_an_approved_package_are_run(officer: Browser, vault: FakeVault) -> None:
    vault.is_approved = True
    vault.requests = [
        approval(1, "hold", MINE, HOLD_WORDS, state="approved"),
        approval(2, "export", MINE, EXPORT_WORDS, state="approved"),
    ]
    assert "Held until" in officer.post(f"/approvals/{1:016x}/use").text
    package = officer.post(f"/approvals/{2:016x}/use")
    assert package.content == b"PK"
    held, exported = vault.asked_evidence
    assert isinstance(held, HoldRequest)
    assert held.authority == HOLD_WORDS["authority"]
    assert isinstance(exported, ExportRequest)
    assert exported.read_ids == ("a" * 32,)


def test_half_an_approval_still_waits(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [approval(1, "export", MINE, EXPORT_WORDS, state="approved")]
    response = officer.post(f"/approvals/{1:016x}/use")
    assert response.status_code == 409
    assert "Not run" in response.text
    assert vault.asked_evidence == []


@pytest.mark.parametrize("state", ["waiting", "refused", "used", "expired"])
def test_what_is_not_approved_is_not_run_and_not_asked_for_anew(
    officer: Browser, vault: FakeVault, state: str
) -> None:
    vault.is_approved = True
    vault.requests = [replace(approval(1, "hold", MINE, HOLD_WORDS), state=state)]
    response = officer.post(f"/approvals/{1:016x}/use")
    assert response.status_code == 409
    assert f"This request is {state}." in response.text
    assert vault.asked_evidence == []


def test_words_that_no_request_has_are_told(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [
        approval(1, "search", MINE, {"plate": "7KDR214"}, state="approved"),
        approval(2, "give_access", MINE, {}, state="approved"),
    ]
    for number in (1, 2):
        assert officer.post(f"/approvals/{number:016x}/use").status_code == 422
    assert vault.asked == []


def test_an_approver_hands_out_the_second_part_of_an_invitation(officer: Browser, vault: FakeVault) -> None:
    vault.requests = [
        approval(1, "give_access", THEIRS, ACCOUNT_WORDS, state="used", decided_by=((MINE, True),)),
        approval(2, "give_access", THEIRS, ACCOUNT_WORDS, state="used", decided_by=(("s.one", True),)),
        approval(3, "give_access", MINE, ACCOUNT_WORDS, state="used", decided_by=(("s.one", True),)),
        approval(4, "give_access", THEIRS, ACCOUNT_WORDS, state="approved", decided_by=((MINE, True),)),
    ]
    offered = [
        "Record and show my part" in officer.post(f"/approvals/{number:016x}/show").text
        for number in (1, 2, 3, 4)
    ]
    assert offered == [True, False, False, False]
    shown = officer.post(f"/approvals/{1:016x}/invitation")
    assert SECOND_PART in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert officer.post(f"/approvals/{3:016x}/invitation").status_code == 403


def test_oversight_decides_but_runs_nothing(auditor: Browser, vault: FakeVault) -> None:
    vault.requests = [
        approval(1, "export", THEIRS, EXPORT_WORDS),
        approval(2, "search", MINE, SEARCH_WORDS, state="approved"),
    ]
    assert "Record and read" in auditor.get("/approvals").text
    assert "Approve…" in auditor.post(f"/approvals/{1:016x}/show").text
    assert "Record and search" not in auditor.post(f"/approvals/{2:016x}/show").text
    assert auditor.post(f"/approvals/{2:016x}/use").status_code == 404


@pytest.mark.parametrize("path", ["show", "confirm", "decision", "use", "invitation"])
def test_no_other_site_and_no_stranger_decides(
    officer: Browser, stranger: Browser, vault: FakeVault, path: str
) -> None:
    vault.requests = [approval(1, "search", THEIRS, SEARCH_WORDS)]
    address = f"/approvals/{1:016x}/{path}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": ""},
    ):
        assert officer.post(address, data=DECIDE, headers=headers).status_code == 403
    assert stranger.post(address, data=DECIDE).status_code == 401
    assert vault.requests[0].state == "waiting"
    assert entries(vault, "approval-shown") == 0


@pytest.mark.parametrize("request_id", ["..", "x", "%2e%2e", "a" * 17, "ABCDEF0123456789"])
def test_an_id_is_an_id(officer: Browser, request_id: str) -> None:
    assert officer.post(f"/approvals/{request_id}/decision", data=DECIDE).status_code in (404, 405, 422)


def test_a_request_that_nobody_made_is_told(officer: Browser) -> None:
    assert officer.post(f"/approvals/{9:016x}/show").status_code == 422


def test_evidence_says_where_it_waits(officer: Browser, vault: FakeVault) -> None:
    hold = {
        "read_id": "a" * 32,
        "search_index": "18447",
        "case_number": "26-004512",
        "authority": "Court order",
        "reason": "theft",
        "until": "2027-03-01",
    }
    assert '<a href="/approvals">Approvals</a>; once it is approved' in officer.post("/holds", data=hold).text


def test_a_search_says_where_it_waits(officer: Browser, vault: FakeVault) -> None:
    vault.search_needs_approval = True
    response = officer.post("/search", data=GOOD_SEARCH)
    assert response.status_code == 409
    assert "Asked for, and waiting for another person" in response.text
    assert '<a href="/approvals">Approvals</a>; once it is approved' in response.text
    assert vault.asked == []
