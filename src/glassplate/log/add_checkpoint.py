"""The request that a log sends to a witness (C2SP tlog-witness, ``add-checkpoint``).

old <decimal>            the size that the witness saw last, as far as the log knows
<base64 hash>            consistency proof from there, at most 63 lines
(empty line)
<the signed checkpoint, verbatim>
"""

from __future__ import annotations

from dataclasses import dataclass, field

from glassplate.errors import ProofFailed
from glassplate.log.note import MAX_NOTE_BYTES
from glassplate.log.text_fields import parse_decimal, parse_hash, split_head, to_base64

MAX_CONSISTENCY_HASHES = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 8192  # the checkpoint, and 63 hashes with their line ends
_OLD = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A parsed request; nothing in it is checked."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """The body of the request."""
        lines = [f"{_OLD}{self.old_size}", *map(to_base64, self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> AddCheckpoint:
        """Read a request.

        Raises:
            ProofFailed: when it is malformed.
        """
        (first, *hashes), checkpoint = split_head(data, MAX_REQUEST_BYTES, "request")
        if not first.startswith(_OLD) or len(hashes) > MAX_CONSISTENCY_HASHES:
            raise ProofFailed("The request does not begin with the old size, or has too many hashes.")
        return cls(
            parse_decimal(first[len(_OLD) :], "old size"),
            tuple(parse_hash(line, "proof's hash") for line in hashes),
            checkpoint,
        )
