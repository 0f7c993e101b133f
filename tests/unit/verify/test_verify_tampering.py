"""Every way to change a published record that we could think of: found, and the file or entry named, exit status 5."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from glassplate.demo.twin import build_twin
from glassplate.encoding import canonical_json
from glassplate.log import Checkpoint, SigningKey, sign_checkpoint

FOREIGN = SigningKey.from_seed("exampleville.example/glassplate", bytes(31) + b"7")
LOG = "public/log"


def flip(path, position=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 1
    path.write_bytes(bytes(data))


def append(path, data=b"x"):
    path.write_bytes(path.read_bytes() + data)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def newest(folder):
    return max(folder.iterdir(), key=lambda path: int(path.name))


def oldest(folder):
    return min(folder.iterdir(), key=lambda path: int(path.name))


def sign_other_checkpoint(city, key=None, **changes):
    said = {"size": city.size, "root": bytes(32), **changes}
    checkpoint = Checkpoint("exampleville.example/glassplate", **said)
    (city.root / LOG / "checkpoint").write_bytes(sign_checkpoint(checkpoint, key or city.log_key))


def older_checkpoint(city):
    """Everything below log/ but for the checkpoint as it is; the checkpoint is the one of the day before."""
    leaves = city.leaves()
    kept = city.root / "kept"
    shutil.copytree(city.root / LOG, kept)
    city.rebuild(leaves[:200])
    checkpoint = (city.root / LOG / "checkpoint").read_bytes()
    shutil.rmtree(city.root / LOG)
    shutil.move(kept, city.root / LOG)
    (city.root / LOG / "checkpoint").write_bytes(checkpoint)


def move(city, source, target):
    (city.public / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(city.public / source, city.public / target)


def rewrite_report(city, change):
    path = city.public / "data.json"
    report = json.loads(path.read_text())
    change(report)
    path.write_text(json.dumps(report))
    city.sign_pages()


def edit_bundle(city, change, key=None):
    def changed(text):
        said = json.loads(text)
        change(said)
        return canonical_json(said).decode() + "\n"

    city.edit_note("epoch-keys.note", changed, key)


def swap_read_keys(said):
    first, second = said["keys"][0], said["keys"][1]
    first["read_key"], second["read_key"] = second["read_key"], first["read_key"]


def later(text, **step):
    return (datetime.fromisoformat(text) + timedelta(**step)).isoformat()


def public_of(city, index):
    return json.loads(city.leaves()[index])["pub"]


def change_day_of(city, index, field, **step):
    city.change_entry(index, **{field: later(public_of(city, index)[field], **step)})


CHANGES = {
    # --- files of the tree
    "a byte of the full tile is changed": (
        lambda c: flip(c.public / "log/tile/0/000"),
        "log tiles: log/tile/0/000",
    ),
    "a byte of the newest partial tile is changed": (
        lambda c: flip(newest(c.public / "log/tile/0/001.p")),
        "log/tile/0/001.p/{newest}",
    ),
    "a byte of an old partial tile, which nobody needs any more, is changed": (
        lambda c: flip(oldest(c.public / "log/tile/0/000.p")),
        "log/tile/0/000.p/{oldest}: it differs",
    ),
    "a byte of the upper tile is changed": (
        lambda c: flip(c.public / "log/tile/1/000.p/1"),
        "log/tile/1/000.p/1",
    ),
    "a byte of the full entry bundle is changed": (
        lambda c: flip(c.public / "log/tile/entries/000"),
        "log/tile/0/000 differs",
    ),
    "a byte of the newest entry bundle is changed": (
        lambda c: flip(newest(c.public / "log/tile/entries/001.p")),
        "log/tile/0/001.p/{newest} differs",
    ),
    "a byte of an old partial bundle is changed": (
        lambda c: flip(oldest(c.public / "log/tile/entries/000.p")),
        "log/tile/entries/000.p/{oldest}: it differs",
    ),
    "the entry bundle is cut short": (
        lambda c: (c.public / "log/tile/entries/000").write_bytes(
            (c.public / "log/tile/entries/000").read_bytes()[:-1]
        ),
        "log/tile/entries/000 is damaged",
    ),
    "a tile is cut short": (
        lambda c: (c.public / "log/tile/0/000").write_bytes(bytes(32 * 255)),
        "log tiles: log/tile/0/000 differs",
    ),
    "a byte is appended to a tile": (
        lambda c: append(c.public / "log/tile/0/000"),
        "log tiles: log/tile/0/000 differs",
    ),
    "a byte is appended to an old partial bundle": (
        lambda c: append(oldest(c.public / "log/tile/entries/000.p")),
        "log/tile/entries/000.p/{oldest}: it differs",
    ),
    "the full tile is missing": (
        lambda c: (c.public / "log/tile/0/000").unlink(),
        "log/tile/0/000 cannot be read",
    ),
    "the newest bundle is missing": (
        lambda c: newest(c.public / "log/tile/entries/001.p").unlink(),
        "log/tile/entries/001 cannot be read",
    ),
    "a stray file lies among the tiles": (
        lambda c: (c.public / "log/tile/0/notes.txt").write_text("?"),
        "log/tile/0/notes.txt: no file of this name",
    ),
    "a tile lies there under a second name": (
        lambda c: (
            (c.public / "log/tile/0/x000").mkdir(),
            shutil.copyfile(c.public / "log/tile/0/000", c.public / "log/tile/0/x000/000"),
        ),
        "log/tile/0/x000/000: no file of this name",
    ),
    "an empty file calls itself a tile of width zero": (
        lambda c: (c.public / "log/tile/entries/000.p/0").write_bytes(b""),
        "log/tile/entries/000.p/0: no file of this name",
    ),
    "a tile of entries that the checkpoint does not have": (
        lambda c: (c.public / "log/tile/0/001.p/99").write_bytes(bytes(32 * 99)),
        "log/tile/0/001.p/99: it differs",
    ),
    # --- checkpoint
    "a byte of the checkpoint's signature is changed": (
        lambda c: flip(c.public / "log/checkpoint", -9),
        "log/checkpoint: ",
    ),
    "the checkpoint's size is edited": (
        lambda c: edit(c.public / "log/checkpoint", f"{c.size}", f"{c.size - 1}"),
        "log/checkpoint: ",
    ),
    "a checkpoint of another root is signed by the log's own key": (
        sign_other_checkpoint,
        "log tiles: The entries in log do not lead to the signed root",
    ),
    "a checkpoint of more entries than there are is signed by the log's own key": (
        lambda c: sign_other_checkpoint(c, size=300),
        "log tiles: log/tile/entries/001",
    ),
    "a checkpoint of an empty log is signed by the log's own key": (
        lambda c: c.rebuild([]),
        "log/checkpoint: it is of an empty log",
    ),
    "the checkpoint is signed by somebody else": (
        lambda c: sign_other_checkpoint(c, FOREIGN),
        "log/checkpoint: The note is not signed by",
    ),
    "an older checkpoint comes back, signed as it was": (
        older_checkpoint,
        "log/tile/0/001.p/{newest}: it differs",
    ),
    "an older tree comes back whole, pages as they are": (
        lambda c: c.rebuild(c.leaves()[:200]),
        "data.json: it speaks of {size} entries; the record has 200",
    ),
    "the log's key is swapped": (
        lambda c: (c.public / "log/vkey").write_text(f"{FOREIGN.verifier}\n"),
        "log/vkey: it is not the key that the signed charter names",
    ),
    "the log's key ends in another blank": (
        lambda c: (c.public / "log/vkey").write_text((c.public / "log/vkey").read_text().strip() + "\x0b"),
        "log/vkey: ",
    ),
    "the publisher's key is swapped": (
        lambda c: (c.public / "bundle.vkey").write_text(f"{FOREIGN.verifier}\n"),
        "bundle.vkey: it is not the key that the signed charter names",
    ),
    # --- the log's own key in an insider's hand
    "the last entry is dropped and the rest signed again by the log's own key": (
        lambda c: c.drop(c.size - 1),
        "data.json: it speaks of {size} entries; the record has {one_less}",
    ),
    "a refusal in the middle is dropped": (
        lambda c: c.drop(c.index_of("refusal", 40)),
        "data.json: it counts {refusals} entries of type refusal; the record has ",
    ),
    "a search in the middle is dropped": (
        lambda c: c.drop(c.index_of("search")),
        "(search-outcome): only 0 searches stand before this outcome",
    ),
    "a key's creation is dropped": (
        lambda c: c.drop(c.index_of("epoch-created", 1)),
        "the key of 2026-03-03 was never created in the record",
    ),
    "a key's destruction is dropped": (
        lambda c: c.drop(c.index_of("epoch-destroyed")),
        "epoch 2026-03-02: its key was due to die",
    ),
    "a day's inventory is dropped": (
        lambda c: c.drop(c.index_of("key-inventory", 2)),
        "key inventory: 1 days are missing, the first 2026-03-04",
    ),
    "the first day's inventory is dropped": (
        lambda c: c.drop(c.index_of("key-inventory")),
        "key inventory: 1 days are missing, the first 2026-03-02",
    ),
    "an inventory leaves out a living key": (
        lambda c: c.change_entry(c.index_of("key-inventory", 2), live="2026-03-02,2026-03-03,2026-03-04"),
        "it leaves out 2026-03-05, whose destruction is not in the record",
    ),
    "an inventory counts a dead key": (
        lambda c: c.change_entry(
            c.index_of("key-inventory", -1),
            live=public_of(c, c.index_of("key-inventory", -1))["live"] + ",2026-03-02",
        ),
        "it counts 2026-03-02 as live",
    ),
    "yesterday's inventory is dated today": (
        lambda c: c.change_entry(c.index_of("key-inventory", 1), date="2026-03-04"),
        "it counts the keys of 2026-03-04 but was written on 2026-03-03",
    ),
    "a key is destroyed two days late": (
        lambda c: change_day_of(c, c.index_of("epoch-destroyed"), "done", days=2),
        "(epoch-destroyed): the key of 2026-03-02 was due on 2026-03-05 00:00 and destroyed",
    ),
    "a key dies in the future of its entry": (
        lambda c: change_day_of(c, c.index_of("epoch-destroyed"), "done", hours=2),
        "it says that the key of 2026-03-02 died after the entry was written",
    ),
    "another key is destroyed than the one created": (
        lambda c: c.change_entry(c.index_of("epoch-destroyed"), key_id="0" * 24),
        "it names another key than the one created for 2026-03-02",
    ),
    "a key is made to live longer than the charter allows": (
        lambda c: change_day_of(c, c.index_of("epoch-created"), "destroy_at", days=1),
        "(epoch-created): the key of 2026-03-02 would outlive the charter's limit",
    ),
    "a key is created twice": (
        lambda c: c.insert(c.size - 1, public_of(c, c.index_of("epoch-created", 3))),
        "is created a second time",
    ),
    "a key's death has a time without a zone": (
        lambda c: c.change_entry(c.index_of("epoch-destroyed"), done="2026-03-05T00:00:00"),
        "(epoch-destroyed): its public fields are not those of format 1",
    ),
    "an entry has no full hour": (
        lambda c: c.change_entry(c.index_of("refusal", 3), time="2026-03-02"),
        ": time data '2026-03-02' does not match",
    ),
    "an entry is dated back by a day": (
        lambda c: c.change_entry(c.index_of("refusal", -1), time="2026-03-05T09:00:00Z"),
        "(refusal): it is dated 2026-03-05 09h, before an entry that precedes it",
    ),
    "a search happens before the first charter": (
        lambda c: c.insert(0, public_of(c, c.index_of("search"))),
        "entry 0 (search): it happened before any charter was installed",
    ),
    "a search happens after the charter's end": (
        lambda c: c.change_entry(c.index_of("search", -1), time="2031-03-05T09:00:00Z"),
        "(search): it happened outside the charter's life",
    ),
    "an alert is raised by another agency": (
        lambda c: c.change_entry(c.index_of("alert"), agency="other-county-sheriff"),
        "(alert): it names another agency than the charter",
    ),
    "a search follows an emergency stop": (
        lambda c: c.insert(
            c.size - 4,
            {
                "type": "emergency-stop",
                "time": "2026-03-06T00:00:00Z",
                "agency": "exampleville-pd",
                "office": "clerk",
            },
        ),
        "(search): it happened after the emergency stop",
    ),
    "the second charter's installation is dropped": (
        lambda c: c.drop(c.index_of("charter-installed", 1)),
        "charter/2: the record has no entry of its installation",
    ),
    "an older charter is installed again": (
        lambda c: c.insert(c.size - 1, public_of(c, 0)),
        "it goes back from charter version 2 to 1",
    ),
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
        lambda c: flip(sorted((c.public / "policy").iterdir())[0]),
        "its content does not have the hash in its name",
    ),
    "a policy file is missing": (
        lambda c: sorted((c.public / "policy").iterdir())[0].unlink(),
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


def words(city):
    """What a finding says of this city before anything is changed."""
    types = [json.loads(leaf)["pub"]["type"] for leaf in city.leaves()]
    return {
        "size": city.size,
        "one_less": city.size - 1,
        "newest": city.size - 256,
        "oldest": oldest(city.public / "log/tile/entries/000.p").name,
        "refusals": types.count("refusal"),
        "type_of_7": types[7],
        "last_search": city.index_of("search", -1),
        "key": city.auditor_key.key_id,
    }


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_record_is_found(change, published, check):
    act, expected = CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings


def body_of(city, index):
    return city.pulled / f"{index}.{city.auditor_key.key_id}.body"


def swap_bodies(city):
    first, second = body_of(city, 3).read_bytes(), body_of(city, 4).read_bytes()
    body_of(city, 3).write_bytes(second)
    body_of(city, 4).write_bytes(first)


BODY_CHANGES = {
    "two bodies are swapped": (swap_bodies, "3.{key}.body: it is not the body that entry 3"),
    "one byte of a body is changed": (
        lambda c: flip(body_of(c, 5)),
        "5.{key}.body: it is not the body that entry 5",
    ),
    "a body is cut short": (
        lambda c: body_of(c, 5).write_bytes(b""),
        "5.{key}.body: it is not the body that entry 5",
    ),
    "a body in the middle is missing": (
        lambda c: body_of(c, 7).unlink(),
        "entry 7 ({type_of_7}): its body is missing from the auditor's folder",
    ),
    "all bodies are missing": (
        lambda c: (shutil.rmtree(c.pulled), c.pulled.mkdir()),
        "bodies: the folder holds no body of this record",
    ),
    "a body of an entry that does not exist": (
        lambda c: shutil.copyfile(body_of(c, 5), body_of(c, 900)),
        "900.{key}.body: no published entry has this body",
    ),
    "a body under a name that is none": (
        lambda c: shutil.copyfile(body_of(c, 5), c.pulled / "²5.x.body"),
        "²5.x.body: no published entry has this body",
    ),
    "a body says other fields than its entry committed to": (
        lambda c: c.lie_in_body(c.index_of("search", -1), {"plate": "7KDR214", "purpose": "a better one"}),
        "{key}.body: it does not open to what entry {last_search} (search) committed to",
    ),
    "a refusal is dropped by an insider, which shifts the numbers that later bodies name": (
        lambda c: c.drop(c.index_of("refusal", 40)),
        ".{key}.body: it is not the body that entry",
    ),
}


@pytest.mark.parametrize("change", BODY_CHANGES)
def test_a_changed_body_is_found(change, published, check):
    act, expected = BODY_CHANGES[change]
    wanted = expected.format_map(words(published))
    act(published)

    code, findings = check(published.arguments + published.audit_arguments)

    assert code == 5
    assert any(wanted in finding for finding in findings), findings


def test_bodies_that_were_written_after_the_pull_are_no_finding(published, check):
    for index in range(published.size - 3, published.size):
        body_of(published, index).unlink()

    assert check(published.arguments + published.audit_arguments) == (0, [])


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
    arguments = published.arguments[:-1] + [(published.now + timedelta(days=3)).isoformat()]

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
