"""Approvals in the record: who gave one, to which words, used once; a role that is given without a decision."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glassplate.approvals import request_sha256
from glassplate.verify import decision_facts
from glassplate.verify.decision_facts import People
from glassplate.verify.second_persons import SecondPersons

WORDS = {
    "plate": "7KD*",
    "purpose": "stolen_vehicle",
    "case_number": "26-004512",
    "camera_ids": [],
    "since": "2026-03-06T08:00:00+00:00",
    "until": "2026-03-06T20:00:00+00:00",
    "limit": 100,
}
SHA256 = request_sha256("search", "r.alvarez", WORDS)
ASKED = {
    "account_id": "r.alvarez",
    "request_id": "ab",
    "action": "search",
    "request": WORDS,
    "request_sha256": SHA256,
}
GIVEN = {"account_id": "m.okafor", "request_id": "ab", "request_sha256": SHA256}
DONE = {**WORDS, "camera_ids": ["all"], "until": "2026-03-06T19:00:00+00:00", "approval": "ab"}
USED = {**DONE, "operation": {"uses_approval": "ab"}}


def decided(approver="m.okafor", action="search", person="r.alvarez"):
    return {
        "principal": {"id": person},
        "action": {"id": action},
        "context": {"firstApprovalBinds": True, "firstApprover": {"__entity": {"id": approver}}},
    }


def told(entries):
    seconds = SecondPersons()
    return seconds, [problem for kind, fields in entries for problem in seconds.follow(kind, fields)]


LAWFUL = [("approval-asked", ASKED), ("approval-given", GIVEN)]


def test_a_lawful_use_holds():
    seconds, found = told(LAWFUL)

    assert found == []
    assert list(seconds.problems("search", DONE, decided(), None)) == []


def test_a_further_page_goes_on_under_the_approval_that_its_first_page_used():
    seconds, _ = told([*LAWFUL, ("search", USED)])

    assert list(seconds.problems("search", {**DONE, "page_of": 3}, decided(), USED)) == []
    assert list(seconds.problems("search", DONE, decided(), {**USED, "approval": "cd"})) == [
        "it goes on under another approval than its first page"
    ]
    assert list(seconds.problems("search", DONE, decided(), None)) == [
        "it was decided on an approval that was used up before"
    ]


CHANGED = {
    "another plate": ({"plate": "8ABC123"}, "what was approved says otherwise (plate)"),
    "a kind of search that was not asked for": (
        {"kind": "look_alike"},
        "what was approved says otherwise (kind)",
    ),
    "named cameras": ({"camera_ids": ["cam-01"]}, "what was approved says otherwise (camera_ids)"),
    "a warrant that was not shown": ({"warrant": "W-1"}, "what was approved says otherwise (warrant)"),
    "a longer period": ({"since": "2026-03-01T08:00:00+00:00"}, "what was approved says otherwise (period)"),
    "an approval that nobody asked for": (
        {"approval": "cd"},
        "on the approval of m.okafor, which the record does not have",
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_search_that_is_not_what_was_approved_is_found(what):
    changes, expected = CHANGED[what]
    seconds, _ = told(LAWFUL)

    assert any(
        expected in problem for problem in seconds.problems("search", {**DONE, **changes}, decided(), None)
    )


def test_an_approval_of_another_person_act_or_approver_is_found():
    seconds, _ = told(LAWFUL)

    assert list(seconds.problems("search", DONE, decided("j.doe"), None))
    for request in (decided(action="hold"), decided(person="j.doe")):
        assert "it was decided on the approval of another act or another person's request" in list(
            seconds.problems("search", DONE, request, None)
        )


def test_approvals_that_are_wrong_in_themselves_are_found():
    assert told([("approval-asked", {**ASKED, "request": {**WORDS, "plate": "*"}})])[1] == [
        "its hash is not that of the words it shows"
    ]
    assert told([LAWFUL[0], ("approval-given", {**GIVEN, "request_sha256": "0" * 64})])[1] == [
        "it approves other words than were asked for"
    ]
    assert told([LAWFUL[0], ("approval-given", {**GIVEN, "account_id": "r.alvarez"})])[1] == [
        "r.alvarez approved an own request"
    ]


def test_a_change_that_gives_a_role_is_told_from_one_that_takes_one():
    people = People()
    added = {
        "kind": "account_added",
        "account_id": "r.alvarez",
        "roles": ["officer", "records"],
        "training_valid_until": "2026-12-01T00:00:00+00:00",
    }
    people.follow("account-changed", {"operation": added}, None)

    def change(*roles):
        return {"account_id": "r.alvarez", "operation": {"kind": "roles_changed", "roles": list(roles)}}

    assert not people.gives_role(change("officer"))
    assert people.gives_role(change("officer", "records", "supervisor"))
    assert people.gives_role(change("auditor"))


def test_an_image_is_of_a_read_that_one_s_own_search_showed():
    opened = {"account_id": "r.alvarez", "read_id": "aa"}

    assert list(decision_facts._image_facts(opened, {"account_id": "r.alvarez", "shown": ["aa"]})) == []
    assert list(decision_facts._image_facts(opened, {"account_id": "j.doe", "shown": ["bb"]})) == [
        "r.alvarez opened an image by a search of j.doe",
        "it opens an image of a read that its search did not show",
    ]


def test_an_approver_is_what_the_record_says():
    people = People()
    for name, roles in (("r.alvarez", ["officer"]), ("m.okafor", ["officer"])):
        added = {
            "kind": "account_added",
            "account_id": name,
            "roles": roles,
            "training_valid_until": "2026-12-01T00:00:00+00:00",
        }
        people.follow("account-changed", {"operation": added}, datetime(2026, 3, 1, tzinfo=UTC))

    def entity(name, *roles):
        until = {"__extn": {"fn": "datetime", "arg": "2026-12-01T00:00:00.000Z"}}
        return {
            "uid": {"type": "Account", "id": name},
            "attrs": {"active": True, "trainingValidUntil": until},
            "parents": [{"type": "Role", "id": role} for role in roles],
        }

    request = {
        "principal": {"id": "r.alvarez"},
        "action": {"id": "export"},
        "context": {"now": {"__extn": {"fn": "datetime", "arg": "2026-03-06T09:00:00.000Z"}}},
    }
    asker, other = entity("r.alvarez", "officer"), entity("m.okafor", "officer")

    assert list(people.problems("export", request, [asker, other])) == []
    assert list(people.problems("export", request, [asker, entity("m.okafor", "supervisor")])) == [
        "it was decided on other roles, training or standing of m.okafor than the record gives them"
    ]
    assert len(list(people.problems("export", request, [other]))) == 1
