"""A forger's twin of the record: every public byte, every signature made anew with other keys. It must not verify.

The twin is consistent in itself: given its own fingerprints, ``verify`` finds nothing. Only the offices' fingerprints,
printed where the operator cannot change them, tell it from the real record.
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate.charter import OFFICES, Charter, OfficePrivateKey, draft, sign
from glassplate.charter.documents import open_documents
from glassplate.encoding import canonical_json, sha256_hex
from glassplate.files import LocalFiles
from glassplate.log import (
    LogRecord,
    SigningKey,
    TileReader,
    TransparencyLog,
    VerifierKey,
    open_checkpoint,
    open_note,
    sign_note,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glassplate.charter import Office


def build_twin(public: Path, twin: Path, work: Path) -> dict[str, str]:
    """Forge ``twin`` from ``public`` with new keys (``work`` is scratch); returns the forger's fingerprints."""
    shutil.copytree(public, twin)
    places = {path.name: path for path in (twin / "charter").iterdir() if path.is_dir()}
    old_charter = _charter_in(places["1"])
    log_key = SigningKey.from_seed(old_charter.origin, secrets.token_bytes(32))
    publisher = SigningKey.from_seed(f"{old_charter.origin}/publisher", secrets.token_bytes(32))
    offices = {office: OfficePrivateKey.generate() for office in OFFICES}
    hashes = {
        version: _forge_charter(place, offices, log_key, publisher) for version, place in places.items()
    }
    _forge_log(public, twin, work, log_key, hashes)
    for name in ("epoch-keys.note", "site.note"):
        text = open_note((public / name).read_bytes(), demand=VerifierKey.parse(old_charter.bundle_vkey)).text
        (twin / name).write_bytes(sign_note(text, [publisher]))
    (twin / "bundle.vkey").write_text(f"{publisher.verifier}\n")
    return {office: key.public.fingerprint for office, key in offices.items()}


def _charter_in(place: Path) -> Charter:
    documents = open_documents({path.name: path.read_text() for path in place.iterdir()})
    return Charter.from_plain(documents.plain_charter())


def _forge_charter(
    place: Path, offices: Mapping[Office, OfficePrivateKey], log_key: SigningKey, publisher: SigningKey
) -> str:
    """One version, the same but for the keys; returns its hash."""
    policy = open_documents({path.name: path.read_text() for path in place.iterdir()}).policy
    forged = replace(_charter_in(place), log_vkey=str(log_key.verifier), bundle_vkey=str(publisher.verifier))
    documents = draft(forged, {office: (key.public,) for office, key in offices.items()}, policy)
    for key in offices.values():
        documents = sign(documents, key)
    for name, text in documents.items():
        (place / name).write_text(text)
    return sha256_hex(documents["charter.json"].encode())


def _forge_log(
    public: Path, twin: Path, work: Path, log_key: SigningKey, charter_hashes: Mapping[str, str]
) -> None:
    """Append the same leaves, but for the hashes of the forged charters, to a log of the forger's own."""
    old_key = VerifierKey.parse((public / "log" / "vkey").read_text().strip())
    size = open_checkpoint((public / "log" / "checkpoint").read_bytes(), old_key).size
    records = []
    for leaf in TileReader(public / "log").entries(size):
        said = json.loads(leaf)
        if said["pub"]["type"] == "charter-installed":
            said["pub"]["charter_sha256"] = charter_hashes[said["pub"]["version"]]
        records.append(LogRecord(leaf=canonical_json(said), bodies={}))
    shutil.rmtree(twin / "log")
    log = TransparencyLog.create(work, twin / "log", log_key, LocalFiles())
    log.append(records)
    log.publish()
    log.close()
