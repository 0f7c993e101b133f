"""An evidence package checked offline: any byte that an outsider changes is found, and what an insider changes too."""

from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.approvals import AUDITOR, SUPERVISOR, approve
from tests.support.city import make_city, plate_read, some_crop

from glassplate.cli.main import execute
from glassplate.encoding import canonical_json
from glassplate.errors import GlassplateError, InputRefused
from glassplate.evidence.archive import MANIFEST, build_archive, parse_archive, sign_manifest
from glassplate.evidence.court_page import court_page, page_of
from glassplate.evidence.court_words import Section
from glassplate.evidence.document import EvidenceDocument
from glassplate.founding import PUBLISHER_KEY
from glassplate.lane import open_bundle
from glassplate.log import SigningKey, VerifierKey
from glassplate.records import ExportRequest, HoldRequest, KeptRead
from glassplate.seal import BatchSigner
from glassplate.seal.read_format import decode_read
from glassplate.verify import verify_package

PLATE, CASE = "7KDR214", "26-004512"


@dataclass(frozen=True)
class Package:
    """What a court has (``content``, ``fingerprints``) and what an insider has (``publisher``)."""

    content: bytes
    fingerprints: dict[str, str]
    publisher: SigningKey
    strange: bytes
    """A package of another city, with the same names."""

    @property
    def files(self) -> dict[str, bytes]:
        return parse_archive(self.content)

    def found(self, content: bytes) -> list[str]:
        result = verify_package(content, self.fingerprints)
        assert result.holds is not bool(result.findings)
        return [str(finding) for finding in result.findings]

    def signed_again(self, files: dict[str, bytes], *, with_page: bool = True) -> bytes:
        """As an insider would: other files, the page made to fit, the publisher's signature over all."""
        files = {name: data for name, data in files.items() if name != MANIFEST}
        if with_page:
            files["court.pdf"] = _page(files, self.files["court.pdf"])
        files[MANIFEST] = sign_manifest(files, self.publisher)
        return build_archive(files)

    def with_document(self, change, **more: bytes) -> bytes:
        """With ``evidence.json`` changed in place by ``change``."""
        files = {**self.files, **more}
        plain = json.loads(files["evidence.json"])
        change(plain)
        return self.signed_again({**files, "evidence.json": canonical_json(plain)})


def _page(files, otherwise):
    try:
        document = EvidenceDocument.from_json(files["evidence.json"])
        return page_of(document, [_kept(files, said) for said in document.reads])
    except (GlassplateError, KeyError, ValueError):
        return otherwise


def _kept(files, said):
    name = f"reads/{said.read_id}"
    return KeptRead(
        decode_read(files[f"{name}.json"]),
        said.camera_name,
        said.epoch_id,
        said.sealed_sha256,
        files[f"{name}-crop.jpg"],
        files.get(f"{name}-scene.jpg"),
    )


def _exported(root):
    """A held read of a closed day, and its package: proofs and promises, a scene, a counted original."""
    city = make_city(root)
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    sealer = open_bundle(city.vault.bundle(), bundle_key)
    first = city.now() - timedelta(minutes=1)
    sealed = [
        sealer.seal(plate_read(plate, "court-16th", first), some_crop(), some_crop())
        for plate in (PLATE, "7KDR215", "8ABC123")
    ]
    signer = BatchSigner("court-16th", city.camera_keys["court-16th"].private_key)
    city.vault.intake.accept(signer.sign(0, sealed))
    city.pass_days(1)
    token = city.sign_in("m.okafor")
    asked = city.request("7KDR21?", since=city.now() - timedelta(days=2))
    shown = city.vault.gate.search(token, asked)
    hold = HoldRequest(
        case_number=CASE,
        authority="letter",
        reason="evidence",
        until=city.now() + timedelta(days=90),
        read_ids=tuple(found.read.read_id for found in shown.reads),
        search_index=shown.receipt.entry_index,
    )
    approve(city, "hold", "m.okafor", hold, SUPERVISOR)
    hold_id = city.vault.holds.place(token, hold).hold.hold_id
    city.vault.publish()
    request = ExportRequest(case_number=CASE, reason="discovery", hold_id=hold_id)
    approve(city, "export", "m.okafor", request, SUPERVISOR, AUDITOR)
    content = city.vault.exports.make(token, request).content
    seed = city.vault.keyring.named_secret(PUBLISHER_KEY)
    publisher = SigningKey.from_seed(f"{city.vault.settings.log_origin}/publisher", seed)
    city.close()
    return content, city.fingerprints, publisher


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    content, fingerprints, publisher = _exported(tmp_path_factory.mktemp("exported") / "city")
    strange, _, _ = _exported(tmp_path_factory.mktemp("strange") / "city")
    return Package(content, fingerprints, publisher, strange)


def test_a_package_holds_and_says_so_in_sentences(package, tmp_path, capsys):
    assert package.found(package.content) == []
    path = tmp_path / "evidence.zip"
    path.write_bytes(package.content)
    roots = [part for office, mark in package.fingerprints.items() for part in ("--root", f"{office}={mark}")]
    assert execute(["verify", str(path), *roots, "--json"]) == 0
    facts = " ".join(json.loads(capsys.readouterr().out)["facts"])
    for words in (
        "signed by the three offices",
        "those that the vault of Exampleville Police Department signed",
        "the log's signed promise",
        "decided again by the signed policy",
        "2 reads with their pictures",
        "originals of 2 are counted",
        "The page for the court says what evidence.json says",
    ):
        assert words in facts
    path.write_bytes(package.content[:-1])
    assert execute(["verify", str(path), *roots]) == 5
    assert "does not hold" in capsys.readouterr().out


def test_any_changed_byte_is_found(package):
    chance = random.Random(20261125)
    size = len(package.content)
    places = {*range(64), *range(size - 64, size), *chance.sample(range(size), 400)}
    assert len(places) >= 500
    for place in places:
        changed = bytearray(package.content)
        changed[place] ^= 1 << chance.randrange(8)
        assert package.found(bytes(changed)), f"byte {place}"


def test_bytes_cut_off_added_or_doubled_are_found(package):
    chance = random.Random(7)
    content = package.content
    for _ in range(60):
        at = chance.randrange(len(content))
        assert package.found(content[:at])
        assert package.found(content[:at] + b"\0" + content[at:])
    for wrapped in (b"\0" + content, content + b"\0", content + content, b"#!/bin/sh\n" + content, b""):
        assert package.found(wrapped)


def test_each_file_taken_out_renamed_changed_or_swapped_is_found(package):
    files = package.files
    names = sorted(files)
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        rest = {key: value for key, value in files.items() if key != name}
        assert package.found(build_archive(rest)), f"without {name}"
        assert package.found(build_archive({**files, name: files[name] + b" "})), f"{name} longer"
        assert package.found(build_archive({**files, name: b""})), f"{name} empty"
        swapped = {**files, name: files[other], other: files[name]}
        assert swapped == files or package.found(build_archive(swapped)), f"{name} and {other} swapped"
    added = {**files, "reads/" + "0" * 32 + ".json": b"{}"}
    assert any("it was added" in finding for finding in package.found(build_archive(added)))


def test_each_file_of_another_city_in_its_place_is_found(package):
    files, strange = package.files, parse_archive(package.strange)
    for name in files:
        if name in strange and strange[name] != files[name]:
            assert package.found(build_archive({**files, name: strange[name]})), name
    assert any("not the trusted one" in finding for finding in package.found(package.strange))


def test_other_fingerprints_than_the_ordinance_prints(package):
    wrong = {**package.fingerprints, "auditor": package.fingerprints["clerk"]}
    findings = verify_package(package.content, wrong).findings
    assert any("not the trusted one" in str(finding) for finding in findings)


def _entry(plain, role):
    return next(entry for entry in plain["entries"] if entry["role"] == role)


def _drop(plain, role):
    plain["entries"] = [entry for entry in plain["entries"] if entry["role"] != role]


def _drop_disclosure(plain, role, name):
    entry = _entry(plain, role)
    from glassplate.encoding import from_base64url

    entry["disclosures"] = [
        text for text in entry["disclosures"] if json.loads(from_base64url(text))[1] != name
    ]


def _other_disclosure(plain, role, name, value):
    from glassplate.encoding import base64url, from_base64url

    entry = _entry(plain, role)
    for place, text in enumerate(entry["disclosures"]):
        parts = json.loads(from_base64url(text))
        if parts[1] == name:
            entry["disclosures"][place] = base64url(canonical_json([parts[0], name, value]))


# a sentence: how the insider changes evidence.json, what is found
INSIDER = {
    "another requester": (lambda p: p.update(requester="r.alvarez"), "differ from the recorded export"),
    "other approvers": (lambda p: p.update(approvers=["clerk", "j.doe"]), "differ from the recorded export"),
    "another reason": (lambda p: p.update(reason="nothing"), "differ from the recorded export"),
    "another case": (lambda p: p.update(case_number="26-000001"), "another case"),
    "another time": (lambda p: p.update(exported_at="2026-01-01"), "differ from the recorded export"),
    "another city": (lambda p: p.update(city="Elsewhere"), "another city or agency"),
    "other fingerprints": (
        lambda p: p["office_fingerprints"].update(clerk="SHA256:forged"),
        "other fingerprints than",
    ),
    "another policy": (lambda p: p.update(policy_sha256="0" * 64), "another charter or policy"),
    "the search left out": (lambda p: _drop(p, "search"), "search"),
    "what it showed left out": (lambda p: _drop(p, "search-outcome"), "what it showed"),
    "the hold left out": (lambda p: _drop(p, "hold"), "the hold"),
    "what the hold kept left out": (lambda p: _drop(p, "hold-outcome"), "kept anything"),
    "the export left out": (lambda p: _drop(p, "export"), "exactly one export"),
    "the closing left out": (lambda p: _drop(p, "epoch-closed"), "does not close the day"),
    "an entry twice": (lambda p: p["entries"].append(p["entries"][0]), "twice"),
    "an entry under another role": (
        lambda p: _entry(p, "search").update(role="hold"),
        "an entry of type 'search'",
    ),
    "an entry at another place": (lambda p: _entry(p, "search").update(index=3), "missing"),
    "a search by somebody else": (
        lambda p: _other_disclosure(p, "search", "account_id", "j.doe"),
        "does not commit",
    ),
    "a search with a better reason": (
        lambda p: _other_disclosure(p, "search", "purpose", "missing_person"),
        "does not commit",
    ),
    "a decision left out": (lambda p: _drop_disclosure(p, "search", "cedar_request"), "its decision lacks"),
    "an account left out": (lambda p: _drop_disclosure(p, "export", "approvers"), "does not disclose"),
    "what was shown left out": (
        lambda p: _drop_disclosure(p, "search-outcome", "read_ids"),
        "does not disclose",
    ),
    "a read twice": (lambda p: p["reads"].append(p["reads"][0]), "other"),
    "another original": (lambda p: p["reads"][0].update(sealed_sha256="0" * 64), "was not counted"),
    "another day": (lambda p: p["reads"][0].update(epoch_id="2026-03-03"), "does not close the day"),
    "another place in the day": (
        lambda p: p["reads"][0]["inclusion"].update(
            leaf_index=1 - p["reads"][0]["inclusion"]["leaf_index"] % 2
        ),
        "was not counted",
    ),
    "another count of the day": (lambda p: p["reads"][0]["inclusion"].update(size=4), "of another count"),
    "a proof that is no hash": (lambda p: p["reads"][0]["inclusion"].update(hashes=["x"]), "malformed"),
    "a scene denied": (lambda p: p["reads"][0].update(has_scene=False), "does not speak of it"),
    "pictures counted wrong": (lambda p: p["redaction"].update(scenes=0), "counts other pictures"),
    "another recognizer": (lambda p: p["recognizers"][0].update(recognizer="x"), "other recognizers"),
    "a field more": (lambda p: p.update(extra=1), "other fields"),
    "a field less": (lambda p: p.pop("reason"), "other fields"),
    "a number for a text": (lambda p: p.update(reason=1), "other fields"),
}


@pytest.mark.parametrize(("change", "words"), INSIDER.values(), ids=INSIDER)
def test_what_an_insider_with_the_publishers_key_changes_is_found(package, change, words):
    findings = package.found(package.with_document(change))
    assert any(words in finding for finding in findings), findings


def test_an_insider_cannot_swap_proofs_leaves_or_reads(package):
    files, strange = package.files, parse_archive(package.strange)
    proofs = sorted(name for name in files if name.endswith(".tlog-proof"))
    leaves = sorted(name for name in files if name.endswith(".leaf"))
    assert len(proofs) >= 3
    for names in (proofs, leaves):
        for name, other in zip(names, [*names[1:], names[0]], strict=True):
            assert package.found(package.signed_again({**files, name: files[other]})), name
    for name in (*proofs, *leaves, *(n for n in files if n.endswith(".promise"))):
        if name in strange:
            assert package.found(package.signed_again({**files, name: strange[name]})), name
    reads = sorted(name for name in files if name.startswith("reads/") and name.endswith(".json"))
    assert any(
        "it is the read" in f
        for f in package.found(package.signed_again({**files, reads[0]: files[reads[1]]}))
    )
    for name in [n for n in files if n.startswith("reads/")]:
        rest = {key: value for key, value in files.items() if key != name}
        assert any(
            "missing" in finding for finding in package.found(package.signed_again(rest, with_page=False))
        )
    more = {**files, "reads/" + "0" * 32 + "-crop.jpg": files[reads[0]]}
    assert any("does not speak of it" in finding for finding in package.found(package.signed_again(more)))


def test_a_page_that_says_something_else_is_found(package):
    files = package.files
    other = court_page("Evidence", [Section("Guilty", ("Certainly.",))], {})
    content = package.signed_again({**files, "court.pdf": other}, with_page=False)
    assert package.found(content) == ["court.pdf: it does not say what evidence.json says"]


def test_a_page_of_another_version_is_told_and_covered_by_the_signature(package):
    content = package.with_document(lambda p: p.update(page_made_with="reportlab 0"))
    result = verify_package(content, package.fingerprints)
    assert result.holds
    assert any("cannot be compared" in fact for fact in result.facts)


def test_a_second_signature_line_is_found(package):
    files = package.files
    files[MANIFEST] += files[MANIFEST].splitlines(keepends=True)[-1].replace(b"/publisher", b"/other")
    assert any("second signature" in finding for finding in package.found(build_archive(files)))


def test_a_policy_of_their_own_is_found(package):
    for name in [n for n in package.files if n.startswith("charter/")]:
        changed = package.signed_again({**package.files, name: package.files[name] + b"\n// more\n"})
        assert any(finding.startswith("charter/") for finding in package.found(changed)), name


# --- strange files ---------------------------------------------------------------------------------------------------


def zipped(*members, compression=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.comment = comment
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


STRANGE = {
    "a bomb": zipped(("evidence.json", bytes(50_000_000)), compression=zipfile.ZIP_DEFLATED),
    "a path that climbs": zipped(("../../etc/passwd", b"x")),
    "an absolute path": zipped(("/etc/passwd", b"x")),
    "a path with backslashes": zipped(("reads\\x.json", b"x")),
    "a path that climbs inside": zipped(("reads/../evidence.json", b"x")),
    "a script": zipped(("run.sh", b"x")),
    "a folder": zipped(("reads/", b"")),
    "a comment": zipped(("evidence.json", b"{}"), comment=b"hidden"),
    "another date": zipped(("evidence.json", b"{}")).replace(b"\x21\x00", b"\x22\x00"),
    "nothing": zipped(),
    "no zip": b"PK\x03\x04" + bytes(100),
    "a zip of zips": zipped(("evidence.json", zipped(("evidence.json", b"{}")))),
    "too many files": zipped(*((f"entries/{n}.leaf", b"") for n in range(1_001))),
}


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
def test_strange_files_are_refused_without_being_unpacked(package, data):
    assert package.found(data)
    with pytest.warns(UserWarning, match="Duplicate"):
        doubled = zipped(("evidence.json", b"a"), ("evidence.json", b"b"))
    assert package.found(doubled)


def test_a_member_that_claims_more_than_there_is(package):
    content = bytearray(package.content)
    at = content.rindex(b"PK\x01\x02")
    content[at + 20 : at + 28] = b"\xff\xff\xff\x3f" * 2
    assert package.found(bytes(content))


def test_a_package_larger_than_the_limit_is_neither_made_nor_read():
    with pytest.raises(InputRefused, match="Export fewer"):
        build_archive({"court.pdf": bytes(64 * 1024 * 1024)})
    with pytest.raises(InputRefused, match="more than"):
        parse_archive(bytes(64 * 1024 * 1024 + 1))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_fuzz_any_bytes_are_a_package_or_refused(data):
    for candidate in (data, b"PK\x05\x06" + data, b"PK\x03\x04" + data + b"PK\x05\x06" + bytes(18)):
        with pytest.raises(InputRefused):
            parse_archive(candidate)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_fuzz_a_signed_document_with_any_value_changed_is_judged_and_never_crashes(package, data):
    """The checker meets an insider's document: it finds something, or the change is one that nothing binds."""
    plain = json.loads(package.files["evidence.json"])
    node, key = plain, data.draw(st.sampled_from(sorted(plain)))
    while isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
        node = node[key]
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        key = data.draw(st.sampled_from(list(keys)))
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    before = node[key]
    node[key] = data.draw(json_values)
    try:
        files = {**package.files, "evidence.json": canonical_json(plain)}
    except ValueError:
        return
    files = {name: content for name, content in files.items() if name != MANIFEST}
    files[MANIFEST] = sign_manifest(files, package.publisher)
    findings = package.found(build_archive(files))
    assert findings or node[key] == before or key == "page_made_with"


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary())
def test_fuzz_any_text_is_a_document_or_refused(text):
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    with pytest.raises(InputRefused):
        EvidenceDocument.from_json(data)


def test_a_picture_that_is_no_picture_does_not_stop_the_page():
    pages = [
        court_page("Title <b>", [Section("Sección 車", ("a & b",), ("x",))], {"x": [jpeg]})
        for jpeg in (b"", b"GIF89a", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + bytes(50), some_crop().jpeg)
    ]
    assert all(page.startswith(b"%PDF-") for page in pages)
    assert pages[-1] == court_page(
        "Title <b>", [Section("Sección 車", ("a & b",), ("x",))], {"x": [some_crop().jpeg]}
    )
