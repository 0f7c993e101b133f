"""The published record as an auditor trusts it: its tree recomputed, its key one that somebody vouched for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed
from glassplate.log import TileReader, TlogProof, VerifierKey, open_checkpoint
from glassplate.verify.charters import check_charters
from glassplate.verify.findings import Verification
from glassplate.verify.folder import read_file
from glassplate.verify.tree import MAX_CHECKPOINT_BYTES, check_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.log import Checkpoint
    from glassplate.verify.tree import PublicEntry

MAX_KEY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """A published log whose every entry lies under its signed root.

    ``charter``: the newest one that the offices signed; None where only the log's key was given.
    ``fingerprints``: office -> what the ordinance prints; empty where only the log's key was given.
    """

    public: Path
    log_key: VerifierKey
    note: bytes = field(repr=False)
    checkpoint: Checkpoint
    entries: tuple[PublicEntry, ...] = field(repr=False)
    charter: Charter | None
    fingerprints: Mapping[str, str]

    def hashes(self, index: int) -> tuple[bytes, ...]:
        """The inclusion proof of one entry under ``checkpoint``."""
        return tuple(TileReader(self.public / "log").inclusion_proof(index, self.checkpoint.size))

    def proof(self, index: int) -> bytes:
        """The ``.tlog-proof`` of one entry under ``checkpoint``."""
        return TlogProof(index, self.hashes(index), self.note).to_bytes()


def open_record(
    public: Path, *, fingerprints: Mapping[str, str] | None = None, vkey: str | None = None
) -> PublishedRecord:
    """Read and check a public folder.

    The log's key is the charter's where ``fingerprints`` (office -> printed fingerprint) are given, else ``vkey``,
    else the one that lies in the folder, which proves nothing against whoever wrote the folder.

    Raises:
        ProofFailed: with the first thing that does not hold.
    """
    result = Verification()
    charters = check_charters(public, fingerprints, result) if fingerprints else []
    _demand(result)
    if charters:
        text = charters[-1].charter.log_vkey
    else:
        text = vkey or read_file(public / "log" / "vkey", MAX_KEY_BYTES).decode("utf-8", "replace")
    log_key = VerifierKey.parse(text.strip())
    entries = check_tree(public, log_key, result)
    _demand(result)
    note = read_file(public / "log" / "checkpoint", MAX_CHECKPOINT_BYTES)
    checkpoint = open_checkpoint(note, log_key)
    if checkpoint.size != len(entries):
        raise ProofFailed("The public folder changed while it was read. Try again.")
    charter = charters[-1].charter if charters else None
    return PublishedRecord(public, log_key, note, checkpoint, tuple(entries), charter, fingerprints or {})


def _demand(result: Verification) -> None:
    if result.findings:
        more = f" ({len(result.findings) - 1} more)" if len(result.findings) > 1 else ""
        raise ProofFailed(f"The published record does not hold: {result.findings[0]}{more}.")
