"""A search through the officer's page: receipt first, doubt marked, no plate in an address, a JSON twin."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fake_vault import CHARTER, NOW
from web_testing import GOOD_SEARCH

from glassplate.records import SearchQuestion

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

JSON = {"Accept": "application/json"}


def words_of(html: str) -> str:
    """The page as text with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def test_the_receipt_is_the_first_line_of_the_answer(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    answer = words_of(page[page.index('<section id="answer"') :]).strip()
    assert answer.startswith(
        "Recorded as entry 18,447 before it ran, for finding a stolen vehicle, case 26-004512, under charter 3, policy"
    )
    assert "4 reads of 7KDR214 at 3 cameras" in answer


def test_doubtful_characters_are_marked_and_the_row_says_check_by_eye(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    assert "7K<mark>O</mark>R214" in page
    assert "7KDR2<mark>I</mark>4" in page
    assert page.count("Check by eye") == 2
    assert "Also read as" in page
    assert 'alt="Plate crop, read as 7KOR214"' in page


def test_each_row_says_when_it_dies(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    assert [f"in {days} days" in page for days in (29, 28, 27, 26)] == [True] * 4


def test_the_vault_is_asked_what_the_form_said(officer: Browser, vault: FakeVault) -> None:
    officer.post(
        "/search", data={**GOOD_SEARCH, "camera": "court-16th", "on_behalf_of": "Det. Ames, Otherton"}
    )

    (request,) = vault.asked
    assert request.plate == "7KDR214"
    assert (request.since, request.until) == (NOW - timedelta(days=7), NOW)
    assert request.camera_ids == ("court-16th",)
    assert request.on_behalf_of == "Det. Ames, Otherton"


def test_a_search_is_never_a_get(officer: Browser, vault: FakeVault) -> None:
    response = officer.get("/search", params=GOOD_SEARCH)

    assert "7KDR214" not in response.text.upper()
    assert vault.asked == []


def test_no_form_of_the_page_sends_by_get(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    forms = re.findall(r"<form[^>]*>", page)
    assert len(forms) == 7  # sign out, search, four scenes, evidence
    assert all('method="post"' in form for form in forms)


def test_the_json_twin_has_the_same_answer(officer: Browser) -> None:
    answer = officer.post("/search", data=GOOD_SEARCH, headers=JSON).json()["answer"]

    assert next(iter(answer)) == "receipt"
    assert answer["receipt"]["entry_index"] == 18_447
    assert [row["found"]["read"]["text"] for row in answer["rows"]] == [
        "7KDR214",
        "7KOR214",
        "7KDR214",
        "7KDR2I4",
    ]
    assert [row["check_by_eye"] for row in answer["rows"]] == [False, True, False, True]


def test_format_json_in_the_address_is_the_same_choice(officer: Browser) -> None:
    assert officer.get("/search?format=json").json()["choices"]["case_number_example"] == "26-004512"


def test_a_forbidden_use_is_refused_with_its_rule_and_keeps_the_form(
    officer: Browser, vault: FakeVault
) -> None:
    response = officer.post("/search", data={**GOOD_SEARCH, "declared_use": "immigration"})

    assert response.status_code == 403
    assert "The charter forbids searches for immigration enforcement." in response.text
    assert "<code>declared-use</code>" in response.text
    assert 'value="7KDR214"' in response.text
    assert vault.entries[-1].entry_type == "refusal"


def test_an_odd_plate_is_a_matter_of_words_not_of_rules(officer: Browser) -> None:
    response = officer.post("/search", data={**GOOD_SEARCH, "plate": "7K-214"})

    assert response.status_code == 422
    assert "Not searched" in response.text
    assert "letters, digits" in response.text


MISSING = {
    "plate": "Enter a plate.",
    "purpose": "Choose a purpose.",
    "offense": "Choose an offense.",
    "case_number": "Enter a case number, such as 26-004512.",
    "declared_use": "Declare what this search is for.",
    "period": "Choose a period.",
}


@pytest.mark.parametrize(("name", "complaint"), MISSING.items(), ids=MISSING.keys())
def test_a_missing_field_is_named_before_the_vault_is_asked(
    officer: Browser, vault: FakeVault, name: str, complaint: str
) -> None:
    response = officer.post("/search", data={**GOOD_SEARCH, name: ""})

    assert response.status_code == 422
    assert complaint in response.text
    assert vault.asked == []


def test_no_reads_is_not_an_alibi(officer: Browser) -> None:
    page = officer.post("/search", data={**GOOD_SEARCH, "plate": "ZZZ9999"}).text

    assert "No read in this period." in page
    assert "does not mean that the vehicle was not there" in page
    assert "<table" not in page


def test_when_the_record_cannot_be_written_nothing_is_answered(officer: Browser, vault: FakeVault) -> None:
    vault.log_is_down = True

    response = officer.post("/search", data=GOOD_SEARCH)

    assert response.status_code == 503
    assert "Nothing was answered" in response.text
    assert "KDR214" not in response.text
    assert 'id="answer"' in response.text  # htmx takes this part of any page


def test_without_a_vault_the_page_says_how_to_start_one(officer: Browser, vault: FakeVault) -> None:
    vault.is_unreachable = True

    response = officer.get("/search")

    assert response.status_code == 503
    assert "glassplate serve" in response.text


def test_no_period_is_longer_than_the_retention(officer: Browser, vault: FakeVault) -> None:
    vault.charter = replace(CHARTER, retention_minutes=3)

    page = officer.get("/search").text
    officer.post("/search", data={**GOOD_SEARCH, "period": "everything"})

    assert "All that is kept (3 minutes)" in page
    assert "Last 24 hours" not in page
    assert vault.asked[0].since == NOW - timedelta(minutes=3)


def test_the_page_says_what_a_read_is_not(officer: Browser) -> None:
    assert "It does not say who drove." in officer.get("/search").text


def test_a_scene_is_opened_by_an_act_of_its_own(officer: Browser) -> None:
    page = officer.post("/images", data={"read_id": "1" * 32, "search_index": "18447"}).text

    assert "Recorded as entry 18,447 before it was opened." in words_of(page)
    assert 'src="data:image/jpeg;base64,' in page


def test_the_scene_is_offered_only_where_one_was_kept(officer: Browser, vault: FakeVault) -> None:
    vault.reads = (replace(vault.reads[0], has_scene=False), *vault.reads[1:])

    page = officer.post("/search", data=GOOD_SEARCH).text

    assert page.count("Record and open the scene") == 3


def test_days_that_could_not_be_searched_are_named_with_their_reason(
    officer: Browser, vault: FakeVault
) -> None:
    assert "not complete" not in officer.post("/search", data=GOOD_SEARCH).text
    vault.unserved = (("2026-11-23", "The segment 2026-11-23.0 is damaged."),)

    page = words_of(officer.post("/search", data=GOOD_SEARCH).text)
    nothing = words_of(officer.post("/search", data={**GOOD_SEARCH, "plate": "ZZZ9999"}).text)
    twin = officer.post("/search", data=GOOD_SEARCH, headers=JSON).json()

    assert "This answer is not complete" in page
    assert "2026-11-23: The segment 2026-11-23.0 is damaged." in page
    assert "No read in this period, as far as it could be searched." in nothing
    assert twin["answer"]["unserved"] == [["2026-11-23", "The segment 2026-11-23.0 is damaged."]]


def test_the_receipt_can_be_saved_from_the_page_itself(officer: Browser) -> None:
    page = officer.post("/search", data=GOOD_SEARCH).text

    saved, name = re.search(
        r'href="data:text/plain;charset=utf-8;base64,([^"]+)" download="([^"]+)"', page
    ).groups()
    assert base64.b64decode(saved).decode() == "glassplate receipt\n18442\n\n— log AAAA\n"
    assert name == "entry-18447.promise"


def test_a_receipt_leads_to_the_entry_and_its_proof(officer: Browser) -> None:
    page = officer.get("/entries/2").text

    assert "Search outcome" in page
    assert officer.get("/entries/2/proof").headers["content-disposition"].endswith('"entry-2.tlog-proof"')
    assert "Back to the record" not in page  # the list is for the oversight face


def test_my_searches_lists_them_newest_first(officer: Browser) -> None:
    assert "You have not searched yet." in officer.get("/searches").text
    officer.post("/search", data=GOOD_SEARCH)
    officer.post("/search", data={**GOOD_SEARCH, "plate": "ZZZ9999"})

    page = officer.get("/searches").text

    assert page.index("ZZZ9999") < page.index("7KDR214")
    assert "4 reads shown" in page
    assert "Theft of a vehicle" in page


def test_an_auditors_question_is_shown_and_answered(officer: Browser, vault: FakeVault) -> None:
    assert "Questions about my searches" not in officer.get("/searches").text
    vault.questions.append(
        SearchQuestion(
            18_450, 18_443, NOW, NOW, "7KDR214", "stolen_vehicle", "26-004512", "Which <report>?", None
        )
    )
    page = officer.get("/searches").text
    assert "Which &lt;report&gt;?" in page
    assert officer.post("/questions/18450/18443/reply", data={"text": " "}).status_code == 422
    answered = officer.post("/questions/18450/18443/reply", data={"text": "The one of 2 March."}).text
    assert "You replied: The one of 2 March." in answered
    assert "Add to your reply" in answered


def test_the_policy_page_is_the_charter_in_plain_words(officer: Browser) -> None:
    page = officer.get("/policy").text

    assert "at the latest 30 days after it was made" in page
    assert "Never: for immigration enforcement." in page
    assert "Not approved, and therefore off: bulk export." in page
    assert CHARTER.policy_sha256 in page
