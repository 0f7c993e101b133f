"""The auditor's commands as typed, against a vault that runs: one month's work in one walk."""

from __future__ import annotations

import pytest
from tests.support.city import PASSPHRASE
from tests.support.commands import Person, vault_process


@pytest.fixture
def auditor(audit, tmp_path, monkeypatch):
    """(run a command, the folder of keys): a vault runs, the auditor is signed in, the record is published."""
    city = audit.city
    monkeypatch.setenv("GLASSPLATE_SESSION", city.sign_in("j.doe"))
    monkeypatch.setenv("GLASSPLATE_DIR", str(city.root))
    now = city.now()
    city.close()
    (city.root / "unlock.secret").write_bytes(PASSPHRASE)
    place = tmp_path / "desk"
    place.mkdir()
    (place / "body.key").write_bytes(_pem(audit))
    (place / "office.key").write_bytes(city.offices["auditor"].to_pem())
    with vault_process(city.root, demo_clock=now.isoformat()):
        yield (
            Person(place),
            [part for o, mark in city.fingerprints.items() for part in ("--root", f"{o}={mark}")],
        )
    city.open()


def _pem(audit):
    from glassplate.files import LocalFiles

    path = audit.folder.with_name("body.key")
    audit.key.save(path, LocalFiles())
    return path.read_bytes()


WORK = ("--from", "pulled", "--key", "body.key")
PERIOD = ("--since", "2026-03-02", "--until", "2026-03-04")


@pytest.mark.long
def test_a_month_of_an_auditor(auditor):
    desk, roots = auditor
    assert desk.must("audit", "pull", "--to", "pulled", "--json").json["findings"] == []
    checked = desk.must("audit", "check", *WORK, *roots, "--json").json
    assert checked["holds"] is True
    drawn = desk.must("audit", "sample", *PERIOD, "--count", "3", *roots, "--json").json
    assert (drawn["population"], len(drawn["entries"])) == (40, 3)
    first, second, _ = drawn["entries"]
    assert "plate: " in desk.must("audit", "open", first, *WORK).out
    assert desk.run("audit", "mark", first, "question", "--from", "pulled").code == 2
    desk.must("audit", "mark", first, "question", "--from", "pulled", "--note", "Which report?")
    desk.must("audit", "mark", second, "ok", "--from", "pulled")
    assert "2 marks are not told yet." in desk.must("audit", "findings", *WORK).words
    assert desk.run("audit", "findings", *WORK, "--send").code == 2
    sent = desk.must(
        "audit", "findings", *WORK, "--send", "--office-key", "office.key", *roots, "--json"
    ).json
    assert sent["recorded"]["entry_index"] > second

    exported = desk.must(
        "audit", "export", "march.csv", *WORK, *PERIOD, *roots, "--hide", "Case #", "--json"
    ).json
    assert exported["rows"] == 40
    assert "0 wrong" in desk.must("audit", "check-export", "march.csv", *roots).words
    assert desk.run("audit", "check-export", "march.csv").code == 2
    assert desk.run("audit", "export", "march.csv", *WORK, *PERIOD, *roots).code == 2
    path = desk.place / "march.csv"
    path.write_bytes(path.read_bytes().replace(b"stolen vehicle", b"investigation", 1))
    tampered = desk.run("audit", "check-export", "march.csv", *roots)
    assert tampered.code == 5
    assert "row 1, Reason" in tampered.words

    asked = ("--plate", "7KDR214", "--identity-note", "seen", *WORK, "--office-key", "office.key", *roots)
    told = desk.must("audit", "answer-owner", *asked, "--out", "answer.json")
    assert "No search of the plate is recorded up to then, or none that may be told." in told.words
    assert (
        "The signature and every proof hold."
        in desk.must("audit", "check-answer", "answer.json", *roots).words
    )
    assert desk.run("audit", "answer-owner", *asked, "--out", "answer.json").code == 2
    assert desk.run("audit", "check-answer", "answer.json").code == 2

    lost = next((desk.place / "pulled").glob("9.*.body"))
    for body in (desk.place / "pulled").glob("9.*.body"):
        body.unlink()
    broken = desk.run("audit", "check", *WORK, *roots)
    assert broken.code == 5
    assert "entry 9" in broken.words
    assert desk.must("audit", "pull", "--to", "pulled", "--json").json["added"] >= 2
    assert lost.exists()
