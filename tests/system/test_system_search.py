"""Kinds of search and pages through the real commands: each command starts a vault of its own."""

from __future__ import annotations

from test_system_faults import SEARCH, reads_of, refused

WORDS = SEARCH[2:]


def test_pages_go_on_over_vaults_that_come_and_go(young):
    first = young.run("search", "7KDR2I4", "--look-alike", "--limit", "1", *WORDS)
    assert len(reads_of(first)) == 1
    assert first.json["truncated"] is True
    entry = first.json["receipt"]["entry_index"]

    second = young.run("search", "--next", entry, "--dir", "city", "--json")
    assert len(reads_of(second)) == 1
    assert second.json["page"] == 2
    assert second.json["request"] | {"since": "", "until": ""} == first.json["request"] | {
        "since": "",
        "until": "",
    }
    last = second.json["receipt"]["entry_index"]
    refused(young.run("search", "--next", last, "--dir", "city", "--json"), 2, "no further page")
    refused(young.run("search", "--next", 0, "--dir", "city", "--json"), 3, "not one of yours")

    told = young.run("search", "7KDR2I4", "--look-alike", "--limit", "1", *WORDS[:-1])
    assert "There are more. The next page: glassplate search --next" in told.words


def test_what_the_charter_does_not_approve_and_what_does_not_fit_is_refused(young):
    vehicle = ("search", "--vehicle", "--camera", "court-16th", "--color", "gray", *WORDS)
    refused(young.run(*vehicle), 3, "does not approve this feature")
    refused(young.run(*vehicle, "--color", "plaid"), 2, "silver or gray")
    refused(young.run("search", "7KDR214", "--color", "red", *WORDS), 2, "takes no body or color")
    refused(young.run("search", "--everything", *WORDS), 2, "needs its cameras")
    nothing = young.run("search", "9ZZ9999", *WORDS[:-1])
    assert "No read in this period." in nothing.words
    mistyped = young.run("search", "7KDR214", "--camera", "court-61st", *WORDS[:-1])
    assert "The charter in force names no camera court-61st: check the id" in mistyped.words
