"""Receipts: chosen fields of one entry, shown to somebody who has only paper; what was changed is found."""

from __future__ import annotations

import json

import pytest

from glassplate.auditing.receipt import build_receipt, check_receipt
from glassplate.cli.main import execute
from glassplate.encoding import canonical_json
from glassplate.errors import CharterRejected, GlassplateError, InputRefused, ProofFailed, UsageError
from glassplate.files import LocalFiles


@pytest.fixture
def search(audit):
    """The record and an opened search."""
    audit.pull()
    return audit.record(), audit.opened()[audit.of_type("search")[0]]


@pytest.fixture
def receipt(audit, search):
    return build_receipt(*search, ["purpose", "at"])


def test_a_receipt_shows_the_chosen_fields_and_no_other(audit, search, receipt):
    record, opened = search

    checked = check_receipt(receipt, fingerprints=audit.city.fingerprints)

    assert checked.index == opened.index
    assert checked.size == record.checkpoint.size
    assert checked.shown == {"purpose": "stolen_vehicle", "at": opened.fields["at"]}
    assert checked.public["type"] == "search"
    said = {**json.loads(receipt), "charter": None}  # a charter has an example of a case number
    for hidden in ("r.alvarez", "7KDR214", "26-004512"):
        assert hidden.encode() not in canonical_json(said)


def test_the_log_s_key_suffices_in_place_of_fingerprints(search, receipt):
    assert check_receipt(receipt, vkey=str(search[0].log_key)).shown["purpose"] == "stolen_vehicle"


def test_a_promise_may_stand_for_the_proof(audit, search):
    record, opened = search
    promise = audit.city.vault.log.promise(opened.index, opened.at)
    data = build_receipt(record, opened, ["purpose"], promise)

    checked = check_receipt(data, fingerprints=audit.city.fingerprints)

    assert (checked.index, checked.size, checked.recorded_at) == (opened.index, None, opened.at)


def test_a_promise_of_another_entry_is_refused(audit, search):
    record, opened = search
    promise = audit.city.vault.log.promise(opened.index + 1, opened.at)

    with pytest.raises(ProofFailed, match="another entry"):
        build_receipt(record, opened, ["purpose"], promise)


@pytest.mark.parametrize("names", [["no_such_field"], ["purpose", "purpose"]])
def test_a_field_that_cannot_be_shown_is_told(search, names):
    with pytest.raises(UsageError, match="It has: account_id"):
        build_receipt(*search, names)


def test_another_office_s_fingerprint_does_not_reach_the_log_s_key(audit, receipt):
    marks = {**audit.city.fingerprints, "chief": "SHA256:AAAA"}

    with pytest.raises(CharterRejected):
        check_receipt(receipt, fingerprints=marks)


CHANGES = {
    "a disclosure of another entry": lambda said, other: said.update(disclosures=other["disclosures"]),
    "the leaf of another entry": lambda said, other: said.update(leaf=other["leaf"]),
    "the proof of another entry": lambda said, other: said.update(proof=other["proof"]),
    "a field shown twice": lambda said, other: said.update(disclosures=said["disclosures"][:1] * 2),
    "no proof": lambda said, other: said.update(proof=None),
    "a further member": lambda said, other: said.update(note="trust me"),
    "another version": lambda said, other: said.update(v=2),
    "an edited charter": lambda said, other: said["charter"].update(
        {"charter.json": said["charter"]["charter.json"].replace("Exampleville", "Examplevilla")}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_receipt_is_found(audit, search, receipt, change):
    record, _ = search
    other = json.loads(
        build_receipt(record, audit.opened()[audit.of_type("search")[1]], ["plate", "case_number"])
    )
    said = json.loads(receipt)
    CHANGES[change](said, other)

    with pytest.raises((ProofFailed, InputRefused, CharterRejected)):
        check_receipt(canonical_json(said) + b"\n", fingerprints=audit.city.fingerprints)


def test_no_byte_of_a_receipt_is_spare(audit, receipt):
    unseen = []
    for position in range(0, len(receipt), 97):
        changed = bytearray(receipt)
        changed[position] ^= 1
        try:
            check_receipt(bytes(changed), fingerprints=audit.city.fingerprints)
            unseen.append(position)
        except GlassplateError:
            pass

    assert not unseen


def test_the_commands_write_and_check_a_receipt(audit, search, tmp_path, capsys):
    _, opened = search
    key, out = tmp_path / "auditor.key", tmp_path / "receipt.json"
    audit.key.save(key, LocalFiles())
    roots = [
        part for office, mark in audit.city.fingerprints.items() for part in ("--root", f"{office}={mark}")
    ]
    public = ["--public", str(audit.city.folder.public)]
    disclose = ["receipt", "disclose", str(opened.index), "--show", "purpose", "--from", str(audit.folder)]

    assert execute([*disclose, "--key", str(key), "--out", str(out), *public, *roots]) == 0
    assert execute(["receipt", "check", str(out), *roots]) == 0
    said = capsys.readouterr().out
    assert "is in the record of exampleville.example/glassplate, under its signed root" in said
    assert "purpose: stolen_vehicle" in said
    assert opened.fields["plate"] not in said

    out.write_bytes(out.read_bytes().replace(b'"proof":"c2sp', b'"proof":"c3sp'))
    assert execute(["receipt", "check", str(out), *roots]) == 5
