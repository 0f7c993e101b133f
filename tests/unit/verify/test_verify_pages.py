"""Further pages of a search, as an auditor reads them: each is of an earlier search and asks nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glassplate.verify.bodies import _check_pages
from glassplate.verify.findings import Verification
from glassplate.verify.tree import PublicEntry

FIRST = {
    "kind": "camera_window",
    "plate": "",
    "bodies": [],
    "colors": [],
    "camera_ids": ["court-16th"],
    "limit": 100,
    "warrant": "SW-26-118",
    "purpose": "violent_crime",
    "offense": "homicide",
    "case_number": "26-004512",
    "declared_use": "own_case",
    "on_behalf_of": None,
    "account_id": "m.okafor",
    "approval": "1f2e3d4c5b6a7988",
    "since": "2026-03-02T08:00:00+00:00",
    "until": "2026-03-02T09:00:00+00:00",
    "page": 1,
    "page_of": None,
}
PAGE = FIRST | {"page": 2, "page_of": 1}


def found(page, *, types=("charter-installed", "search", "search-outcome", "search"), first=FIRST):
    """What is found where entry 1 is a search and entry 3 says that it is a page of it."""
    entries = {
        index: PublicEntry(index, kind, datetime(2026, 3, 2, 9, tzinfo=UTC), {}, b"")
        for index, kind in enumerate(types)
    }
    result = Verification()
    _check_pages({1: first, 3: page}, entries, result)
    return [f"{finding.where}: {finding.what}" for finding in result.findings]


HONEST = {
    "a page": PAGE,
    "a page whose period the retention has cut": PAGE | {"since": "2026-03-02T00:05:00-08:00"},
    "a search of its own": FIRST,
}


@pytest.mark.parametrize("what", HONEST)
def test_an_honest_page_is_no_finding(what):
    assert found(HONEST[what]) == []


LIES = {
    **{
        f"another {name}": (PAGE | {name: "another"}, f"another {name.replace('_', ' ')}")
        for name in FIRST
        if name not in ("page", "page_of", "since", "until")
    },
    "an earlier start": (PAGE | {"since": "2026-03-02T07:59:59+00:00"}, "another period"),
    "a later end": (PAGE | {"until": "2026-03-02T01:00:01-08:00"}, "another period"),
    "a start that is no time": (PAGE | {"since": None}, "another period"),
    "no period": ({k: v for k, v in PAGE.items() if k != "until"}, "another period"),
    "a page of itself": (PAGE | {"page_of": 3}, "a page of the search in entry 3, which is none"),
    "a page of an outcome": (PAGE | {"page_of": 2}, "which is none"),
    "a page of nothing": (PAGE | {"page_of": 900}, "which is none"),
    "a page of a text": (PAGE | {"page_of": "1"}, "which is none"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_page_that_lies_is_found_by_name(what):
    page, words = LIES[what]
    (finding,) = found(page)
    assert finding.startswith("entry 3 (search): ")
    assert words in finding


def test_a_page_of_a_page_is_found():
    (finding,) = found(PAGE, first=PAGE | {"page_of": 0})[-1:]
    assert "another search than a first page" in finding
