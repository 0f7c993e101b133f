"""A camera's signed batch (``docs/formats.md``, Batch): up to 250 sealed reads under one Ed25519 signature.

    "GPBATCH1" ‖ header length (4 bytes, big-endian) ‖ header ‖ envelopes in order ‖ signature (64)

The header is canonical JSON and says each envelope's length. The signature is over ``glassplate/batch/v1``, a
newline, and everything before it. Nothing is believed, and no envelope cut out, before it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from glassplate.encoding import canonical_json, from_base64url, parse_json, parse_time, time_text
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.records import SealedRead
from glassplate.seal.envelope import ENVELOPE_OVERHEAD
from glassplate.seal.read_format import CAMERA_ID, MAX_READ_BYTES, READ_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BATCH_READS = 250  # a busy lane makes two reads a second: two minutes of it
MAX_BATCH_BYTES = 32 * 1024 * 1024
MAX_CROP_BYTES = 1024 * 1024  # a plate crop is at most 640 pixels wide
MAX_SCENE_BYTES = 8 * 1024 * 1024
MAX_HEADER_BYTES = 128 * 1024  # 250 reads need about 60 KiB
MAX_SEQUENCE = 2**53 - 1  # every JSON reader has it exactly
_MAGIC = b"GPBATCH1"
_DOMAIN = b"glassplate/batch/v1\n"
_LENGTH_BYTES = 4
_SIGNATURE_BYTES = 64
_EPOCH_ID = re.compile(r"[0-9A-Za-z+-]{1,32}", re.ASCII)
_LIMITS = {"read": MAX_READ_BYTES + ENVELOPE_OVERHEAD, "crop": MAX_CROP_BYTES, "scene": MAX_SCENE_BYTES}


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose camera is known and whose signature holds."""

    camera_id: str
    sequence: int
    reads: tuple[SealedRead, ...]


@dataclass(frozen=True, slots=True)
class UnverifiedBatch:
    """A well-formed batch that says it is from ``camera_id``. Only ``verify`` makes a ``Batch`` of it."""

    camera_id: str
    sequence: int
    _reads: tuple[SealedRead, ...] = field(repr=False)
    _signed: bytes = field(repr=False)
    _signature: bytes = field(repr=False)

    def verify(self, public_key: str) -> Batch:
        """The batch, once its signature holds under ``public_key`` (Ed25519, base64url).

        Raises:
            ProofFailed: it does not.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(from_base64url(public_key))
            key.verify(self._signature, _DOMAIN + self._signed)
        except (InvalidSignature, ValueError):
            raise ProofFailed(
                f"The batch is not signed by the key the charter lists for {self.camera_id}."
            ) from None
        return Batch(self.camera_id, self.sequence, self._reads)


class BatchSigner:
    """Signs one camera's batches."""

    def __init__(self, camera_id: str, private_key: Ed25519PrivateKey) -> None:
        self._camera_id = camera_id
        self._private_key = private_key

    def sign(self, sequence: int, reads: Sequence[SealedRead]) -> bytes:
        """The bytes to send.

        Raises:
            UsageError: too many or too large reads for one batch; send fewer.
        """
        header = canonical_json(
            {
                "v": 1,
                "camera_id": self._camera_id,
                "sequence": sequence,
                "reads": [_described(read) for read in reads],
            }
        )
        parts = [part for read in reads for part in (read.read, read.crop, read.scene) if part is not None]
        signed = b"".join((_MAGIC, len(header).to_bytes(_LENGTH_BYTES, "big"), header, *parts))
        batch = signed + self._private_key.sign(_DOMAIN + signed)
        try:
            parse_batch(batch)
        except InputRefused as error:
            raise UsageError(f"These reads do not make a batch: {error}") from None
        return batch


def verify_batch(
    data: bytes, camera_public_keys: Mapping[str, str], *, limit: int = MAX_BATCH_BYTES
) -> Batch:
    """A batch from a camera that is listed, with a signature that holds.

    Raises:
        InputRefused: the bytes are not a batch.
        ProofFailed: the camera is not listed, or did not sign this.
    """
    batch = parse_batch(data, limit=limit)
    public_key = camera_public_keys.get(batch.camera_id)
    if public_key is None:
        raise ProofFailed(f"The camera {batch.camera_id} is not listed in the charter; nothing was taken.")
    return batch.verify(public_key)


def parse_batch(data: bytes, *, limit: int = MAX_BATCH_BYTES) -> UnverifiedBatch:
    """Read the form of a batch.

    Raises:
        InputRefused: saying what is wrong.
    """
    if len(data) > limit:
        raise InputRefused(f"The batch has {len(data)} bytes; at most {limit} are accepted.")
    start = len(_MAGIC) + _LENGTH_BYTES
    if not data.startswith(_MAGIC) or len(data) < start + _SIGNATURE_BYTES:
        raise InputRefused("These bytes are not a batch of version 1.")
    size = int.from_bytes(data[len(_MAGIC) : start], "big")
    body_end = len(data) - _SIGNATURE_BYTES
    if size > MAX_HEADER_BYTES or start + size > body_end:
        raise InputRefused("The batch's header is longer than allowed, or cut off.")
    header = _header(data[start : start + size])
    reads = _cut(header["reads"], data[start + size : body_end])
    return UnverifiedBatch(header["camera_id"], header["sequence"], reads, data[:body_end], data[body_end:])


def _described(read: SealedRead) -> dict[str, Any]:
    return {
        "read_id": read.read_id,
        "epoch_id": read.epoch_id,
        "captured_at": time_text(read.captured_at),
        "read": len(read.read),
        "crop": len(read.crop),
        "scene": None if read.scene is None else len(read.scene),
    }


_READ_FIELDS = {"read_id", "epoch_id", "captured_at", "read", "crop", "scene"}


def _header(data: bytes) -> dict[str, Any]:
    header = parse_json(data, limit=MAX_HEADER_BYTES)
    if (
        not isinstance(header, dict)
        or set(header) != {"v", "camera_id", "sequence", "reads"}
        or header["v"] != 1
    ):
        raise InputRefused("The batch's header has other fields than version 1 knows.")
    sequence, reads = header["sequence"], header["reads"]
    if not _is_form(header["camera_id"], CAMERA_ID):
        raise InputRefused("The batch's camera id does not have its form.")
    if type(sequence) is not int or not 0 <= sequence <= MAX_SEQUENCE:
        raise InputRefused("The batch's sequence is not a whole number from 0.")
    if not isinstance(reads, list) or not 1 <= len(reads) <= MAX_BATCH_READS:
        raise InputRefused(f"A batch has 1 to {MAX_BATCH_READS} reads.")
    for described in reads:
        _check_described(described)
    if len({described["read_id"] for described in reads}) != len(reads):
        raise InputRefused("A read is twice in the batch.")
    if canonical_json(header) != data:
        raise InputRefused("The batch's header is not canonical JSON.")
    return header


def _check_described(described: Any) -> None:
    if not isinstance(described, dict) or set(described) != _READ_FIELDS:
        raise InputRefused("A read in the batch has other fields than version 1 knows.")
    if not _is_form(described["read_id"], READ_ID) or not _is_form(described["epoch_id"], _EPOCH_ID):
        raise InputRefused("A read's id or epoch id in the batch does not have its form.")
    parse_time(described["captured_at"])
    for part, limit in _LIMITS.items():
        size = described[part]
        if size is None and part == "scene":
            continue
        if type(size) is not int or not ENVELOPE_OVERHEAD <= size <= limit:
            raise InputRefused(f"A sealed {part} in the batch is empty or larger than {limit} bytes.")


def _cut(described: list[dict[str, Any]], body: bytes) -> tuple[SealedRead, ...]:
    total = sum(item[part] or 0 for item in described for part in _LIMITS)
    if total != len(body):
        raise InputRefused(f"The batch announces {total} bytes of envelopes, but has {len(body)}.")
    at, reads = 0, []
    for item in described:
        parts: dict[str, bytes | None] = {}
        for part in _LIMITS:
            size = item[part]
            parts[part] = None if size is None else body[at : at + size]
            at += size or 0
        reads.append(
            SealedRead(
                item["read_id"],
                item["epoch_id"],
                parse_time(item["captured_at"]),
                parts["read"] or b"",
                parts["crop"] or b"",
                parts["scene"],
            )
        )
    return tuple(reads)


def _is_form(value: Any, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
