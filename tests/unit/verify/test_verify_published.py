"""Charters, policies, epoch keys and pages changed by hand, or signed anew by an insider: found, and the file named."""

from __future__ import annotations

import shutil

import pytest
from tests.support.tampering import (
    FOREIGN,
    append,
    edit,
    edit_bundle,
    flip,
    move,
    rewrite_report,
    swap_read_keys,
    words,
)

CHANGES = {
    # --- charters and policies
    "a byte of charter.json is changed": (lambda c: flip(c.public / "charter/2/charter.json"), "charter/2: "),
    "a byte of root.json is changed": (lambda c: flip(c.public / "charter/2/root.json"), "charter/2: "),
    "a byte of offices.json is changed": (lambda c: flip(c.public / "charter/1/offices.json"), "charter/1: "),
    "a byte of a charter's policy is changed": (
        lambda c: flip(c.public / "charter/1/base.cedar"),
        "charter/1: ",
    ),
    "a charter's file is missing": (
        lambda c: (c.public / "charter/1/root.json").unlink(),
        "charter/1: root.json: it cannot be read",
    ),
    "one line more in a charter's file": (
        lambda c: append(c.public / "charter/1/root.json", b"\n"),
        "charter/1: ",
    ),
    "a file too many lies beside a charter": (
        lambda c: (c.public / "charter/1/appendix.json").write_text("{}"),
        "charter/1/appendix.json: nothing that is signed speaks of this file",
    ),
    "the first charter version is missing": (
        lambda c: shutil.rmtree(c.public / "charter/1"),
        "entry 0 (charter-installed): the charter it names is not the one published",
    ),
    "the first charter lies in the second one's place": (
        lambda c: (shutil.rmtree(c.public / "charter/2"), move(c, "charter/1", "charter/2")),
        "charter/2: ",
    ),
    "a charter lies there under a version that is not its own": (
        lambda c: shutil.copytree(c.public / "charter/2", c.public / "charter/3"),
        "charter/3: ",
    ),
    "a charter version is written with a leading zero": (
        lambda c: shutil.copytree(c.public / "charter/2", c.public / "charter/02"),
        "charter/02/root.json: nothing that is signed",
    ),
    "a charter version is written with a digit of another script": (
        lambda c: shutil.copytree(c.public / "charter/2", c.public / "charter/²"),
        "charter/²/root.json: nothing that is signed",
    ),
    "all charters are missing": (
        lambda c: shutil.rmtree(c.public / "charter"),
        "charter: no charter is published",
    ),
    "a policy file is edited": (
        lambda c: flip(min((c.public / "policy").iterdir())),
        "its content does not have the hash in its name",
    ),
    "a policy file is missing": (
        lambda c: min((c.public / "policy").iterdir()).unlink(),
        "names it; it is missing",
    ),
    "a policy that no charter names": (
        lambda c: (
            c.public / "policy" / "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ).touch(),
        "policy/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855: nothing that is signed",
    ),
    # --- epoch keys
    "a byte of the list of epoch keys is changed": (
        lambda c: flip(c.public / "epoch-keys.note"),
        "epoch-keys.note: ",
    ),
    "the list of epoch keys is signed by another key": (
        lambda c: edit_bundle(c, lambda said: None, FOREIGN),
        "epoch-keys.note: The note is not signed by",
    ),
    "the publisher lists a key that was never created": (
        lambda c: edit_bundle(c, lambda said: said["keys"][0].update(epoch_id="2027-01-01")),
        "epoch-keys.note: it lists a key for 2027-01-01 that the record did not create",
    ),
    "the publisher lists a later death": (
        lambda c: edit_bundle(
            c, lambda said: said["keys"][0].update(destroy_at="2029-01-01T00:00:00.000000Z")
        ),
        "epoch-keys.note: it lists 2026-03-04 with another death",
    ),
    "the publisher hands out a key of somebody else's under an epoch's name": (
        lambda c: edit_bundle(c, swap_read_keys),
        "epoch-keys.note: it lists other public keys for 2026-03-04",
    ),
    "the publisher lists keys of another agency": (
        lambda c: edit_bundle(c, lambda said: said.update(agency_id="other-county-sheriff")),
        "epoch-keys.note: it is of the agency other-county-sheriff",
    ),
    "the list of epoch keys is missing": (
        lambda c: (c.public / "epoch-keys.note").unlink(),
        "epoch-keys.note: it cannot be read",
    ),
    # --- pages
    "the first page is edited": (
        lambda c: edit(c.public / "index.html", "Exampleville", "Exemplaville"),
        "index.html: it is not the page that the publisher signed",
    ),
    "the numbers are edited": (
        lambda c: edit(c.public / "data.json", f": {c.size}", f": {c.size + 1}"),
        "data.json: it is not the page",
    ),
    "the style is edited": (lambda c: flip(c.public / "style.css"), "style.css: it is not the page"),
    "a page is missing": (lambda c: (c.public / "verify.html").unlink(), "verify.html: it cannot be read"),
    "the list of pages is edited": (
        lambda c: edit(c.public / "site.note", " index.html", " other.html"),
        "site.note: ",
    ),
    "the list of pages is missing": (
        lambda c: (c.public / "site.note").unlink(),
        "site.note: it cannot be read",
    ),
    "the publisher signs a list without the numbers": (
        lambda c: c.edit_note(
            "site.note",
            lambda text: "".join(x for x in text.splitlines(keepends=True) if "data.json" not in x),
        ),
        "data.json: the publisher's signed list does not name it",
    ),
    "the publisher lists a page outside the folder": (
        lambda c: c.edit_note("site.note", lambda text: text + "0" * 64 + " ../auditor.key\n"),
        "site.note: it lists '../auditor.key'",
    ),
    "the publisher signs fewer refusals than there are": (
        lambda c: rewrite_report(
            c,
            lambda said: said.update(
                entries_by_type=[x for x in said["entries_by_type"] if x[0] != "refusal"]
            ),
        ),
        "data.json: it counts 0 entries of type refusal; the record has {refusals}",
    ),
    "the publisher signs numbers of another shape": (
        lambda c: rewrite_report(c, lambda said: said.update(log_size=1e999)),
        "data.json: it is not a report of format 1",
    ),
    "a file that nobody signed lies beside the pages": (
        lambda c: (c.public / "press-release.html").write_text("All is well."),
        "press-release.html: nothing that is signed speaks of this file",
    ),
    "a file that nobody signed lies beside the log": (
        lambda c: (c.public / "log/checkpoint.old").write_text("?"),
        "log/checkpoint.old: nothing that is signed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_record_is_found(change, published, check):
    act, expected = CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings
