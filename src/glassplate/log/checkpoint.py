"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as a signed note.

We write no extension lines (ML-DSA cosignatures do not cover them) and ignore those of others, as the
specification asks. The origin equals the log's key name; a verifier that expects another one says so
explicitly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, UsageError
from glassplate.log.note import open_note, sign_note
from glassplate.log.note_keys import ED25519
from glassplate.log.text_fields import parse_decimal, parse_hash, to_base64

if TYPE_CHECKING:
    from glassplate.log.note_keys import SigningKey, VerifierKey

_REQUIRED_LINES = 3
_EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962 §2.1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its first ``size`` entries have the Merkle root ``root``."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text: three lines."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note text whose signature was checked already.

        Raises:
            ProofFailed: when it is not a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) <= _REQUIRED_LINES or lines.pop() or not all(lines):
            raise ProofFailed(
                "The text is not a checkpoint: it needs an origin, a size and a root, no empty line."
            )
        checkpoint = cls(lines[0], parse_decimal(lines[1], "checkpoint's size"), parse_hash(lines[2], "root"))
        if checkpoint.size == 0 and checkpoint.root != _EMPTY_ROOT:
            raise ProofFailed("The checkpoint is of an empty log but does not have the empty log's root.")
        return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """``checkpoint`` signed by the log's own key.

    Raises:
        UsageError: when the key's name is not the origin.
    """
    if checkpoint.origin != key.name:
        raise UsageError(f"The key {key.name} cannot sign for the origin {checkpoint.origin}.")
    return sign_note(checkpoint.text(), [key])


def open_checkpoint(data: bytes, log_key: VerifierKey, *, origin: str | None = None) -> Checkpoint:
    """Check a signed checkpoint by the log's own key; cosignatures are not looked at.

    ``origin``: expected instead of the key's name, for the rare log (sum.golang.org) whose origin differs
    from it.

    Raises:
        ProofFailed: when it is malformed, not signed by ``log_key``, or of another origin.
    """
    if log_key.kind != ED25519:
        raise ProofFailed(f"The key {log_key.name} is a cosigner's key (0x04), not a log's (0x01).")
    checkpoint = Checkpoint.parse(open_note(data, demand=log_key).text)
    expected = log_key.name if origin is None else origin
    if checkpoint.origin != expected:
        raise ProofFailed(f"The checkpoint is of the log {checkpoint.origin}, expected {expected}.")
    return checkpoint
