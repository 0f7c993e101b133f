"""``.tlog-proof`` files (C2SP tlog-proof): everything that shows one entry in a log, in one text.

c2sp.org/tlog-proof@v1
extra <base64>           optional; nobody signed it: never trust it
index <decimal>
<base64 hash>            inclusion proof, the leaf's sibling first
(empty line)
<the signed checkpoint, verbatim>
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed
from glassplate.log import merkle
from glassplate.log.checkpoint import Checkpoint, open_checkpoint
from glassplate.log.note import MAX_NOTE_BYTES
from glassplate.log.text_fields import from_base64, parse_decimal, parse_hash, split_head, to_base64

if TYPE_CHECKING:
    from glassplate.log.note_keys import VerifierKey

PROOF_VERSION = "c2sp.org/tlog-proof@v1"
MAX_PROOF_HASHES = 63  # a log has fewer than 2^63 entries
MAX_PROOF_BYTES = MAX_NOTE_BYTES + (1 << 16)  # the checkpoint, and 64 KiB for hashes and extra data


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A parsed proof file; nothing in it is checked until ``verify_proof``."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes = field(repr=False)
    extra: bytes | None = field(repr=False, default=None)

    def to_bytes(self) -> bytes:
        """The file."""
        lines = [PROOF_VERSION]
        if self.extra is not None:
            lines.append(f"extra {to_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [to_base64(value) for value in self.hashes]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a proof file.

        Raises:
            ProofFailed: when it is malformed.
        """
        (version, *lines), checkpoint = split_head(data, MAX_PROOF_BYTES, "proof file")
        if version != PROOF_VERSION:
            raise ProofFailed(f"The proof file does not begin with the line {PROOF_VERSION}.")
        extra = _labeled(lines, "extra ")
        index = _labeled(lines, "index ")
        if index is None or len(lines) > MAX_PROOF_HASHES:
            raise ProofFailed("The proof file has no index line, or more hashes than a proof can have.")
        return cls(
            parse_decimal(index, "proof's index"),
            tuple(parse_hash(line, "proof's hash") for line in lines),
            checkpoint,
            None if extra is None else from_base64(extra, "proof's extra data"),
        )


def open_proof(
    data: bytes, log_key: VerifierKey, *, origin: str | None = None
) -> tuple[TlogProof, Checkpoint]:
    """Check a proof file's checkpoint only. It shows nothing about any entry: see ``verify_proof``.

    Raises:
        ProofFailed: when the file is malformed or its checkpoint not signed by ``log_key``.
    """
    proof = TlogProof.parse(data)
    checkpoint = open_checkpoint(proof.checkpoint, log_key, origin=origin)
    if proof.index >= checkpoint.size:
        raise ProofFailed(
            f"The proof is for entry {proof.index}, its checkpoint has {checkpoint.size} entries."
        )
    return proof, checkpoint


def verify_proof(
    data: bytes, log_key: VerifierKey, leaf: bytes, *, origin: str | None = None
) -> tuple[TlogProof, Checkpoint]:
    """Check that ``leaf`` (the entry's bytes, not its hash) is in the log where the proof says.

    Raises:
        ProofFailed: when anything does not hold.
    """
    proof, checkpoint = open_proof(data, log_key, origin=origin)
    merkle.verify_inclusion(
        merkle.leaf_hash(leaf), proof.index, checkpoint.size, proof.hashes, checkpoint.root
    )
    return proof, checkpoint


def _labeled(lines: list[str], label: str) -> str | None:
    """Take the first line away when it begins with ``label``; returns what follows it."""
    if not lines or not lines[0].startswith(label):
        return None
    return lines.pop(0)[len(label) :]
