"""Exports: two other people approve, the entry comes first, the package says what the record says and stays nowhere."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.approvals import AUDITOR, SUPERVISOR, approve
from tests.support.failing_files import FailingFiles, journal
from tests.support.invariants import added, bodies, check_city, public

from glassplate.encoding import sha256_hex
from glassplate.errors import ApprovalNeeded, KeyDestroyed, LogUnavailable, Refused, UsageError
from glassplate.evidence.archive import parse_archive
from glassplate.evidence.document import EvidenceDocument
from glassplate.records import ExportRequest, HoldRequest
from glassplate.verify import verify_package

PLATE, CASE = "7KDR214", "26-004512"


@pytest.fixture
def city(brief_closed_city):
    brief_closed_city.open()
    yield brief_closed_city
    brief_closed_city.close()


def searched(city, token):
    result = city.vault.gate.search(token, city.request(PLATE))
    return ExportRequest(
        case_number=CASE,
        reason="discovery",
        read_ids=tuple(found.read.read_id for found in result.reads),
        search_index=result.receipt.entry_index,
    )


@pytest.fixture
def asked(city):
    city.ingest(PLATE, "8ABC123")
    token = city.sign_in("m.okafor")
    return token, searched(city, token)


def exported(city, token, request, *approvals):
    approve(city, "export", "m.okafor", request, *(approvals or (SUPERVISOR, AUDITOR)))
    return city.vault.exports.make(token, request)


def holds(city, content):
    result = verify_package(content, city.fingerprints)
    assert result.holds, [str(finding) for finding in result.findings]
    return result


def test_a_package_is_recorded_counted_published_by_its_hash_and_checks_offline(city, asked):
    token, request = asked
    approve(city, "export", "m.okafor", request, SUPERVISOR, AUDITOR)
    with added(city) as new:
        package = city.vault.exports.make(token, request)
    assert new == ["export", "export-outcome"]
    assert (
        public(city, "export-outcome")[0]["package_sha256"] == sha256_hex(package.content) == package.sha256
    )
    said = bodies(city, "export")[0][1]
    assert (said["account_id"], said["approvers"]) == ("m.okafor", ["r.alvarez", "j.doe"])
    assert (said["case_number"], said["read_ids"]) == (CASE, list(request.read_ids))
    assert city.vault.registry.totals()["exports"] == 1
    assert city.vault.report.numbers()["evidence"]["reads_exported"] == 1
    result = holds(city, package.content)
    assert any("decided again" in fact for fact in result.facts)
    check_city(city)


def test_the_same_files_are_in_every_package_and_no_other_read(city, asked):
    token, request = asked
    files = parse_archive(exported(city, token, request).content)
    document = EvidenceDocument.from_json(files["evidence.json"])
    assert [entry.role for entry in document.entries] == ["search", "search-outcome", "export"]
    assert files[f"reads/{request.read_ids[0]}-crop.jpg"].startswith(b"\xff\xd8\xff")
    assert files["court.pdf"].startswith(b"%PDF-")
    assert document.approvers == ["r.alvarez", "j.doe"]
    assert b"8ABC123" not in b"".join(files.values())
    assert document.redaction.crops == 1
    assert document.recognizers[0].recognizer == "test 1"


def test_after_the_days_end_the_sealed_original_is_shown_to_be_counted(city):
    city.ingest(PLATE, "8ABC123", "8ABC124")
    city.pass_days(1)
    token = city.sign_in("m.okafor")
    result = city.vault.gate.search(token, city.request(PLATE, since=city.now() - timedelta(hours=47)))
    request = ExportRequest(
        case_number=CASE,
        reason="discovery",
        read_ids=(result.reads[0].read.read_id,),
        search_index=result.receipt.entry_index,
    )
    city.vault.publish()
    content = exported(city, token, request).content
    document = EvidenceDocument.from_json(parse_archive(content)["evidence.json"])
    assert document.reads[0].inclusion.size == 3
    assert [entry.role for entry in document.entries][-1] == "epoch-closed"
    assert any("originals of 1 are counted" in fact for fact in holds(city, content).facts)


def test_a_held_read_is_exported_with_the_story_of_its_holds(city, asked):
    token, request = asked
    hold = HoldRequest(
        case_number=CASE,
        authority="letter",
        reason="evidence",
        until=city.now() + timedelta(days=30),
        read_ids=request.read_ids,
        search_index=request.search_index,
    )
    approve(city, "hold", "m.okafor", hold, SUPERVISOR)
    first = city.vault.holds.place(token, hold).hold.hold_id
    city.pass_days(5)
    token = city.sign_in("m.okafor")
    longer = replace(
        hold, search_index=None, read_ids=(), hold_id=first, until=city.now() + timedelta(days=60)
    )
    approve(city, "hold", "m.okafor", longer, SUPERVISOR)
    second = city.vault.holds.place(token, longer).hold.hold_id
    asked_for = ExportRequest(case_number=CASE, reason="trial", hold_id=second)
    package = exported(city, token, asked_for)
    document = EvidenceDocument.from_json(parse_archive(package.content)["evidence.json"])
    roles = [entry.role for entry in document.entries]
    assert roles == ["search", "search-outcome", "hold", "hold-outcome", "hold", "hold-outcome", "export"]
    holds(city, package.content)
    for wrong in (
        replace(asked_for, case_number="26-009999"),
        replace(asked_for, hold_id="hold-0123456789abcdef"),
    ):
        with pytest.raises(Refused) as refusal:
            city.vault.exports.make(token, wrong)
        assert refusal.value.rules == ("hold-case",)
    with pytest.raises(UsageError, match="does not keep"):
        exported(city, token, replace(asked_for, read_ids=("0" * 32,)))
    city.pass_days(61)
    with pytest.raises(KeyDestroyed):
        exported(city, city.sign_in("m.okafor"), asked_for)


def test_without_two_other_people_nothing_leaves(city, asked):
    token, request = asked
    with added(city) as new, pytest.raises(ApprovalNeeded):
        city.vault.exports.make(token, request)
    assert new == ["approval-asked"]
    for approver in (AUDITOR, "m.okafor"):
        with contextlib.suppress(Refused):
            approve(city, "export", "m.okafor", request, approver)
        with pytest.raises(ApprovalNeeded):
            city.vault.exports.make(token, request)
    approve(city, "export", "m.okafor", request, SUPERVISOR)
    assert city.vault.exports.make(token, request).reads == 1
    with pytest.raises(ApprovalNeeded):  # both are used up
        city.vault.exports.make(token, request)
    only_supervisor = replace(request, reason="again")
    approve(city, "export", "m.okafor", only_supervisor, SUPERVISOR)
    with pytest.raises(ApprovalNeeded):
        city.vault.exports.make(token, only_supervisor)


def test_only_what_ones_own_search_of_that_case_showed(city, asked):
    token, request = asked
    for change, rule in (
        ({"case_number": "26-009999"}, "hold-case"),
        ({"read_ids": ("0" * 32,)}, "own-search"),
        ({"search_index": 0}, "own-search"),
    ):
        with pytest.raises(Refused) as refusal:
            city.vault.exports.make(token, replace(request, **change))
        assert refusal.value.rules == (rule,)
    with pytest.raises(Refused):
        city.vault.exports.make(city.sign_in("r.alvarez"), request)
    for change in (
        {"search_index": None},
        {"hold_id": "hold-0123456789abcdef"},
        {"read_ids": ()},
        {"reason": " "},
        {"reason": "x" * 301},
        {"read_ids": ("0" * 32,) * 101},
    ):
        with added(city) as new, pytest.raises(UsageError):
            city.vault.exports.make(token, replace(request, **change))
        assert new == []
    assert bodies(city, "export") == []


def test_what_died_is_not_handed_out_and_the_attempt_stands(city, asked):
    _, request = asked
    city.pass_days(3)
    with added(city) as new, pytest.raises(KeyDestroyed):
        exported(city, city.sign_in("m.okafor"), request)
    assert "export-outcome" not in new
    assert "exports" not in city.vault.registry.totals()


def test_nothing_is_handed_out_while_the_log_fails(closed_city):
    city = closed_city
    files = FailingFiles()
    city.open(files=files)
    city.ingest(PLATE)
    token = city.sign_in("m.okafor")
    request = searched(city, token)
    approve(city, "export", "m.okafor", request, SUPERVISOR, AUDITOR)
    files.fails = journal
    with pytest.raises(LogUnavailable):
        city.vault.exports.make(token, request)
    files.heal()
    city.close()


def test_nothing_of_a_package_stays_in_the_folder(city, asked):
    token, request = asked
    before = {path for path in city.root.rglob("*") if path.is_file()}
    content = exported(city, token, request).content
    crop = parse_archive(content)[f"reads/{request.read_ids[0]}-crop.jpg"]
    for path in city.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert crop[100:140] not in data
            assert content[:64] not in data
    assert {path for path in city.root.rglob("*") if path.is_file()} <= before | set(
        (city.folder.vault).rglob("*")
    )
