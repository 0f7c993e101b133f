"""Checking an evidence package offline: only its bytes and the offices' fingerprints are believed.

(0) form       one zip file of one form; no byte belongs to nobody            `evidence.archive.parse_archive`
(1) charters   signed by the offices whose fingerprints the ordinance prints  `charter.verify_charter`
(2) signature  the list of files, by the publisher's key that the newest charter names
(3) document   ``evidence.json``, and exactly the files that it speaks of
(4) entries    each in the log, each shown field committed to in it           `package_entries.PackageEntries`
(5) decisions  each decided again by its charter's policy, and allowed
(6) chain      search, what it showed, hold, export: one story, of one case   `package_chain.check_chain`
(7) reads      their files, their pictures, where their originals are counted
(8) page       ``court.pdf`` says what ``evidence.json`` says
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from glassplate.charter import verify_charter
from glassplate.encoding import sha256_hex
from glassplate.errors import GlassplateError
from glassplate.evidence.archive import MANIFEST, check_manifest, parse_archive
from glassplate.evidence.court_page import made_with, page_of
from glassplate.evidence.document import EvidenceDocument
from glassplate.log import VerifierKey, leaf_hash, verify_inclusion
from glassplate.records import KeptRead
from glassplate.seal.read_format import decode_read
from glassplate.verify.charters import DOCUMENTS
from glassplate.verify.findings import Verification
from glassplate.verify.package_chain import check_chain
from glassplate.verify.package_entries import PackageEntries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glassplate.charter import Charter, VerifiedCharter
    from glassplate.evidence.document import EvidenceRead, Inclusion

_CHARTER = re.compile(r"charter/([1-9]\d{0,8})/", re.ASCII)
_HASH_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def verify_package(data: bytes, fingerprints: Mapping[str, str]) -> Verification:
    """Check everything that a package claims. Never raises for what it finds."""
    result = Verification()
    try:
        files = parse_archive(data)  # (0)
    except GlassplateError as error:
        result.find("the package", error)
        return result
    charters = _charters(files, fingerprints, result)  # (1)
    if not charters:
        return result
    newest = charters[max(charters)].charter
    if not _signature(files, newest, result):  # (2)
        return result
    document = _document(files, result)  # (3)
    if document is None:
        return result
    _check_files(files, document, set(charters), result)
    entries = PackageEntries(files, document, VerifierKey.parse(newest.log_vkey), result)  # (4)
    entries.check_decisions(charters)  # (5)
    check_chain(document, entries, result)  # (6)
    reads = _reads(files, document, entries, result)  # (7)
    _check_facts(document, newest, reads, result)
    if {o: set(v.split()) for o, v in document.office_fingerprints.items()} != {
        office: set(value.split()) for office, value in fingerprints.items()
    }:
        result.find("evidence.json", "it prints other fingerprints than the ordinance does")
    _check_page(files, document, reads, result)  # (8)
    if result.holds:
        result.tell(
            f"The package's SHA-256 is {sha256_hex(data)}: the record's entry export-outcome publishes it."
        )
    return result


def _charters(
    files: Mapping[str, bytes], fingerprints: Mapping[str, str], result: Verification
) -> dict[int, VerifiedCharter]:
    versions = sorted({int(found[1]) for name in files if (found := _CHARTER.match(name))})
    if not versions:
        result.find("charter", "the package holds no charter, so nobody can say what was allowed")
    charters = {}
    for version in versions:
        where = f"charter/{version}"
        try:
            documents = {name: files[f"{where}/{name}"].decode() for name in DOCUMENTS}
            verified = verify_charter(
                documents, now=None, last_version=version - 1, trusted_fingerprints=fingerprints
            )
        except KeyError as missing:
            result.find(where, f"the file {missing} is missing")
        except (GlassplateError, UnicodeDecodeError) as error:
            result.find(where, error)
        else:
            if verified.charter.version == version:
                charters[version] = verified
            else:
                result.find(where, f"it says version {verified.charter.version}")
    for version, verified in charters.items():
        result.tell(f"Charter version {version} of {verified.charter.city} is signed by the three offices.")
    return charters if len(charters) == len(versions) else {}


def _signature(files: Mapping[str, bytes], charter: Charter, result: Verification) -> bool:
    try:
        problems = check_manifest(files, VerifierKey.parse(charter.bundle_vkey))
    except GlassplateError as error:
        result.find(MANIFEST, error)
        return False
    for problem in problems:
        where, _, what = problem.partition(": ")
        result.find(where, what)
    if not problems:
        result.tell(f"All {len(files) - 1} files are those that the vault of {charter.agency.name} signed.")
    return not problems


def _document(files: Mapping[str, bytes], result: Verification) -> EvidenceDocument | None:
    try:
        return EvidenceDocument.from_json(files["evidence.json"])
    except KeyError:
        result.find("evidence.json", "it is missing")
    except GlassplateError as error:
        result.find("evidence.json", error)
    return None


def _check_files(
    files: Mapping[str, bytes], document: EvidenceDocument, versions: set[int], result: Verification
) -> None:
    """Exactly the files that the document speaks of: no picture left out, nothing slipped in."""
    expected = {MANIFEST, "evidence.json", "court.pdf"}
    expected |= {f"charter/{version}/{name}" for version in versions for name in DOCUMENTS}
    for read in document.reads:
        expected |= {f"reads/{read.read_id}.json", f"reads/{read.read_id}-crop.jpg"}
        if read.has_scene:
            expected.add(f"reads/{read.read_id}-scene.jpg")
    for entry in document.entries:
        proofs = [f"entries/{entry.index}.{kind}" for kind in ("tlog-proof", "promise")]
        expected |= {f"entries/{entry.index}.leaf", next((p for p in proofs if p in files), proofs[0])}
    for name in sorted(expected - set(files)):
        result.find(name, "evidence.json speaks of it; it is missing")
    for name in sorted(set(files) - expected):
        result.find(name, "evidence.json does not speak of it")


def _reads(
    files: Mapping[str, bytes], document: EvidenceDocument, entries: PackageEntries, result: Verification
) -> list[KeptRead]:
    reads = []
    for said in document.reads:
        where = f"reads/{said.read_id}"
        try:
            read = decode_read(files[f"{where}.json"])
            if read.read_id != said.read_id:
                result.find(where, f"it is the read {read.read_id}")
            crop, scene = files[f"{where}-crop.jpg"], files.get(f"{where}-scene.jpg")
        except KeyError:
            continue  # found missing already
        except GlassplateError as error:
            result.find(where, error)
            continue
        reads.append(KeptRead(read, said.camera_name, said.epoch_id, said.sealed_sha256, crop, scene))
        if said.inclusion is not None:
            _check_inclusion(said, said.inclusion, entries, result)
    counted = sum(read.inclusion is not None for read in document.reads)
    result.tell(
        f"{len(reads)} reads with their pictures are in the package; the sealed originals of {counted} are counted in "
        "the record's closing of their day."
    )
    return reads


def _check_inclusion(
    said: EvidenceRead, inclusion: Inclusion, entries: PackageEntries, result: Verification
) -> None:
    where = f"reads/{said.read_id}"
    closing = entries.public(inclusion.entry, "epoch-closed")
    if closing is None or closing.get("epoch") != said.epoch_id:
        result.find(where, f"entry {inclusion.entry} does not close the day {said.epoch_id} of this read")
        return
    hashes = [said.sealed_sha256, *inclusion.hashes, closing.get("reads_root", "")]
    if not all(_HASH_HEX.fullmatch(value) for value in hashes) or closing.get("reads") != str(inclusion.size):
        result.find(where, "the proof that its original was counted is malformed, or of another count")
        return
    own, *path, root = (bytes.fromhex(value) for value in hashes)
    try:
        verify_inclusion(leaf_hash(own), inclusion.leaf_index, inclusion.size, path, root)
    except GlassplateError as error:
        result.find(where, f"its original was not counted when its day was closed ({error})")


def _check_facts(
    document: EvidenceDocument, charter: Charter, reads: list[KeptRead], result: Verification
) -> None:
    if (document.city, document.agency_id, document.agency) != (
        charter.city,
        charter.agency.id,
        charter.agency.name,
    ):
        result.find("evidence.json", "it names another city or agency than the charter")
    if document.charter_version != charter.version or document.policy_sha256 != charter.policy.sha256:
        result.find("evidence.json", "it names another charter or policy than the newest one here")
    if {facts.recognizer for facts in document.recognizers} != {kept.read.recognizer for kept in reads}:
        result.find("evidence.json", "it describes other recognizers than those that read")
    scenes = sum(kept.scene_jpeg is not None for kept in reads)
    if (document.redaction.crops, document.redaction.scenes) != (len(reads), scenes):
        result.find("evidence.json", "it counts other pictures than there are")


def _check_page(
    files: Mapping[str, bytes], document: EvidenceDocument, reads: list[KeptRead], result: Verification
) -> None:
    if not result.holds:  # of a package that does not hold nobody reads the page
        return
    if document.page_made_with != made_with():
        result.tell(
            f"The page for the court was made with {document.page_made_with}; this computer has {made_with()}, so its words "
            "cannot be compared with evidence.json here. It is covered by the signature."
        )
    elif page_of(document, reads) != files["court.pdf"]:
        result.find("court.pdf", "it does not say what evidence.json says")
    else:
        result.tell("The page for the court says what evidence.json says.")
