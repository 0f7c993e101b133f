"""The record as a whole: it holds untouched; wrong fingerprints, silence, emptiness and a twin are found."""

from __future__ import annotations

import shutil
from datetime import timedelta

from glassplate.demo.twin import build_twin


def test_an_untouched_copy_holds(published, check):
    assert check(published.arguments) == (0, [])
    assert check(published.arguments + published.audit_arguments) == (0, [])


def test_another_office_s_fingerprint_is_found(published, check):
    other = "SHA256:" + "-".join(["AAAA"] * 13)
    arguments = [part if not part.startswith("chief=") else f"chief={other}" for part in published.arguments]

    code, findings = check(arguments)

    assert code == 5
    assert any("charter/1: The chief's key" in f for f in findings)
    assert any(other in f for f in findings)


def test_silence_is_found(published, check):
    arguments = [*published.arguments[:-1], (published.now + timedelta(days=3)).isoformat()]

    code, findings = check(arguments)

    assert code == 5
    assert any(f.startswith("key inventory: 2 days are missing, the first 2026-03-07") for f in findings), (
        findings
    )


def test_an_empty_folder_is_a_finding_and_no_traceback(tmp_path, published, check):
    (tmp_path / "empty").mkdir()
    arguments = ["verify", str(tmp_path / "empty"), *published.arguments[2:]]

    assert check(arguments) == (
        5,
        ["charter: no charter is published; without one nobody can say what was allowed"],
    )


def test_a_re_keyed_twin_is_found(tmp_path, published, check):
    shutil.rmtree(published.public / "charter/2")
    published.rebuild(published.leaves()[: published.index_of("charter-installed", 1)])
    forged = build_twin(published.public, tmp_path / "twin", tmp_path / "work")

    code, findings = check(["verify", str(tmp_path / "twin"), *published.arguments[2:]])

    assert code == 5
    assert any("charter/1: The clerk's key" in f and "Compare with the ordinance" in f for f in findings)
    assert forged["clerk"] != published.fingerprints["clerk"]
