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
    from pathlib import Path


def build_twin(public: Path, twin: Path, work: Path) -> dict[str, str]:
    """Forge ``twin`` from ``public`` with new keys (``work`` is scratch); returns the forger's fingerprints.

    For records with one charter version.
    """
    shutil.copytree(public, twin)
    place = twin / "charter" / "1"
    old = open_documents({path.name: path.read_text() for path in place.iterdir()})
    old_charter = Charter.from_plain(old.plain_charter())
    log_key = SigningKey.from_seed(old_charter.origin, secrets.token_bytes(32))
    publisher = SigningKey.from_seed(f"{old_charter.origin}/publisher", secrets.token_bytes(32))
    offices = {office: OfficePrivateKey.generate() for office in OFFICES}
    forged = replace(old_charter, log_vkey=str(log_key.verifier), bundle_vkey=str(publisher.verifier))
    documents = draft(forged, {office: (key.public,) for office, key in offices.items()}, old.policy)
    for key in offices.values():
        documents = sign(documents, key)
    for name, text in documents.items():
        (place / name).write_text(text)
    _forge_log(public, twin, work, log_key, sha256_hex(documents["charter.json"].encode()))
    for name in ("epoch-keys.note", "site.note"):
        text = open_note((public / name).read_bytes(), demand=VerifierKey.parse(old_charter.bundle_vkey)).text
        (twin / name).write_bytes(sign_note(text, [publisher]))
    (twin / "bundle.vkey").write_text(f"{publisher.verifier}\n")
    return {office: key.public.fingerprint for office, key in offices.items()}


def _forge_log(public: Path, twin: Path, work: Path, log_key: SigningKey, charter_sha256: str) -> None:
    """Append the same leaves, but for the hash of the forged charter, to a log of the forger's own."""
    old_key = VerifierKey.parse((public / "log" / "vkey").read_text().strip())
    size = open_checkpoint((public / "log" / "checkpoint").read_bytes(), old_key).size
    records = []
    for leaf in TileReader(public / "log").entries(size):
        said = json.loads(leaf)
        if said["pub"]["type"] == "charter-installed":
            said["pub"]["charter_sha256"] = charter_sha256
        records.append(LogRecord(leaf=canonical_json(said), bodies={}))
    shutil.rmtree(twin / "log")
    log = TransparencyLog.create(work, twin / "log", log_key, LocalFiles())
    log.append(records)
    log.publish()
    log.close()
