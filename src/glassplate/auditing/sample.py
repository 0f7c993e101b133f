"""A random sample that nobody chose: drawn by the hash of a checkpoint that is newer than the period.

    seed = SHA-256("glassplate/audit-sample/v1" newline ‖ checkpoint text ‖ cosignatures, each 8-byte time and key, sorted)
    rank of entry i = SHA-256(seed ‖ i as 8 bytes, big-endian); the entries with the smallest ranks are the sample

The searches of a period are known to everybody by their public hours, so whoever has the same checkpoint draws the same
sample. Without witnesses the city could try checkpoints until one pleases it; a cosignature's time is the witness's own,
which is why it is part of the seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads it when the record is printed
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log import TileReader, VerifierKey, open_checkpoint, open_note

if TYPE_CHECKING:
    from glassplate.auditing.record import PublishedRecord
    from glassplate.log import OpenedNote

SAMPLED_TYPE = "search"
_LABEL = b"glassplate/audit-sample/v1\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """``entries``: indices, ascending. ``population``: how many searches the period had. ``seed``: 64 hex digits."""

    since: datetime
    until: datetime
    seed: str
    population: int
    entries: tuple[int, ...]


def draw_sample(
    record: PublishedRecord,
    note: bytes,
    since: datetime,
    until: datetime,
    *,
    count: int | None = None,
    per_mille: int = 10,
) -> Sample:
    """Draw from the searches whose public hour lies in ``since`` … ``until`` (not included), full hours in UTC.

    ``note``: the checkpoint that seeds. ``count`` None takes ``per_mille`` of them, at least one.

    Raises:
        UsageError: the period is empty.
        ProofFailed: the checkpoint is not of this record, not newer than the period, or lacks its cosignatures.
    """
    if since >= until:
        raise UsageError("The period ends before it starts.")
    checkpoint = open_checkpoint(note, record.log_key)
    if checkpoint.size > len(record.entries) or _root(record, checkpoint.size) != checkpoint.root:
        raise ProofFailed(
            "The checkpoint is not one of this record: it was rewritten, or the folder is too old."
        )
    covered = record.entries[: checkpoint.size]
    if not covered or covered[-1].at < until:
        raise ProofFailed(
            f"The checkpoint is not newer than the period, which ends on {until:%Y-%m-%d %H:%M}: its last entry is of "
            f"{covered[-1].at:%Y-%m-%d %H}h. Wait for a later checkpoint."
            if covered
            else "The checkpoint is empty."
        )
    seed = _seed(record, note, until)
    indices = [e.index for e in covered if e.entry_type == SAMPLED_TYPE and since <= e.at < until]
    wanted = -(-len(indices) * per_mille // 1000) if count is None else count
    ranked = sorted(indices, key=lambda index: hashlib.sha256(seed + index.to_bytes(8, "big")).digest())
    return Sample(since, until, seed.hex(), len(indices), tuple(sorted(ranked[:wanted])))


def _root(record: PublishedRecord, size: int) -> bytes:
    return TileReader(record.public / "log").earlier_root(size, record.checkpoint.size)


def _seed(record: PublishedRecord, note: bytes, until: datetime) -> bytes:
    if record.charter is None and note.rpartition(b"\n\n")[2].count(b"\n") > 1:
        raise ProofFailed(
            "The checkpoint is cosigned, and the charter says by whom: give the offices' fingerprints with --root."
        )
    keys = [VerifierKey.parse(w.vkey) for w in record.charter.witnesses] if record.charter else []
    try:
        opened = open_note(note, keys, demand=record.log_key)
    except InputRefused as error:
        raise ProofFailed(str(error)) from None
    quorum = record.charter.witness_quorum if record.charter else 0
    newer = {key for key, at in opened.cosigned_at if at >= until.timestamp()}
    if len(newer) < quorum:
        raise ProofFailed(
            f"{len(newer)} of the charter's witnesses cosigned the checkpoint after the period, and {quorum} must. "
            "Take a later checkpoint."
        )
    return hashlib.sha256(_LABEL + opened.text.encode() + b"".join(_cosignatures(opened))).digest()


def _cosignatures(opened: OpenedNote) -> list[bytes]:
    return sorted(at.to_bytes(8, "big") + key.public_key for key, at in opened.cosigned_at)
