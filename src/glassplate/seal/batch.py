"""A camera's signed batch (``docs/formats/seal.md``, Batch): up to 250 sealed reads under one Ed25519 signature.

    "GPBATCH2" ‖ header length (4 bytes, big-endian) ‖ header ‖ signature (64) ‖ envelopes in order

The header is canonical JSON and says each envelope's length and SHA-256, so the signature over it (``glassplate/batch/v2``, a
newline, and everything before the signature) holds for all of it. Nothing is believed, and no envelope cut out, before
it holds. Reads are numbered by their outbox without a gap: what is missing between two batches is seen.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from glassplate.encoding import (
    canonical_json,
    from_base64url,
    parse_canonical_json,
    parse_time,
    sha256_hex,
    time_text,
)
from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.records import SealedRead
from glassplate.seal.envelope import ENVELOPE_OVERHEAD
from glassplate.seal.read_format import CAMERA_ID, MAX_READ_BYTES, READ_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_BATCH_READS = 250  # a busy lane makes two reads a second: two minutes of it
MAX_BATCH_BYTES = 32 * 1024 * 1024
MAX_CROP_BYTES = 1024 * 1024  # a plate crop is at most 640 pixels wide
MAX_SCENE_BYTES = 8 * 1024 * 1024
MAX_HEADER_BYTES = 160 * 1024  # 250 reads with scenes need about 100 KiB
MAX_SEQUENCE = 2**53 - 1  # every JSON reader has it exactly
NO_DIGEST = bytes(32)  # in place of a scene's, where there is none
_VERSION = 2
_MAGIC = b"GPBATCH2"
_DOMAIN = b"glassplate/batch/v2\n"
NO_OUTBOX = "0" * 16  # the id for reads that waited in none
_OUTBOX_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_LENGTH_BYTES = 4
_SIGNATURE_BYTES = 64
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EPOCH_ID = re.compile(r"[0-9A-Za-z+-]{1,32}", re.ASCII)
_LIMITS = {"read": MAX_READ_BYTES + ENVELOPE_OVERHEAD, "crop": MAX_CROP_BYTES, "scene": MAX_SCENE_BYTES}


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose camera is known and whose signature holds.

    ``reads`` have the numbers ``first``, ``first + 1``, … of the lane's ``outbox``. ``digests``: SHA-256 of each read's
    sealed read, crop and scene.
    """

    camera_id: str
    outbox: str
    first: int
    reads: tuple[SealedRead, ...]
    digests: tuple[tuple[bytes, bytes, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnverifiedBatch:
    """A batch with a well-formed header that says it is from ``camera_id``. Only ``verify`` makes a ``Batch`` of it."""

    camera_id: str
    _header: dict[str, Any] = field(repr=False)
    _signed: bytes = field(repr=False)
    _signature: bytes = field(repr=False)
    _body: memoryview = field(repr=False)

    def verify(self, public_key: str) -> Batch:
        """The batch, once its signature holds under ``public_key`` (Ed25519, base64url).

        Raises:
            ProofFailed: it does not, or an envelope is not the one that was signed.
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(from_base64url(public_key))
            key.verify(self._signature, _DOMAIN + self._signed)
        except (InvalidSignature, ValueError):
            raise ProofFailed(
                f"The batch is not signed by the key the charter lists for {self.camera_id}."
            ) from None
        cut = [_cut(item, self._body, start) for item, start in _starts(self._header["reads"])]
        reads, digests = zip(*cut, strict=True)
        return Batch(self.camera_id, self._header["outbox"], self._header["first"], reads, digests)


class BatchSigner:
    """Signs one camera's batches."""

    def __init__(self, camera_id: str, private_key: Ed25519PrivateKey) -> None:
        self._camera_id = camera_id
        self._private_key = private_key

    def sign(self, first: int, reads: Sequence[SealedRead], *, outbox: str = NO_OUTBOX) -> bytes:
        """The bytes to send.

        ``outbox``: the id of the outbox in which ``first`` is the number of the first of ``reads``; the others follow
        without a gap.

        Raises:
            UsageError: too many or too large reads for one batch; send fewer.
        """
        header = canonical_json(
            {
                "v": _VERSION,
                "camera_id": self._camera_id,
                "outbox": outbox,
                "first": first,
                "reads": [_described(read) for read in reads],
            }
        )
        signed = b"".join((_MAGIC, len(header).to_bytes(_LENGTH_BYTES, "big"), header))
        parts = [part for read in reads for part in (read.read, read.crop, read.scene) if part is not None]
        batch = b"".join((signed, self._private_key.sign(_DOMAIN + signed), *parts))
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
        raise InputRefused("These bytes are not a batch of version 2. Update lane and vault together.")
    size = int.from_bytes(data[len(_MAGIC) : start], "big")
    header_end = start + size
    if size > MAX_HEADER_BYTES or header_end + _SIGNATURE_BYTES > len(data):
        raise InputRefused("The batch's header is longer than allowed, or cut off.")
    header = _header(data[start:header_end])
    body = memoryview(data)[header_end + _SIGNATURE_BYTES :]
    total = sum(item[part][0] for item in header["reads"] for part in _LIMITS if item[part])
    if total != len(body):
        raise InputRefused(f"The batch announces {total} bytes of envelopes, but has {len(body)}.")
    signature = data[header_end : header_end + _SIGNATURE_BYTES]
    return UnverifiedBatch(header["camera_id"], header, data[:header_end], signature, body)


def _described(read: SealedRead) -> dict[str, Any]:
    return {
        "read_id": read.read_id,
        "epoch_id": read.epoch_id,
        "captured_at": time_text(read.captured_at),
        "read": _envelope(read.read),
        "crop": _envelope(read.crop),
        "scene": None if read.scene is None else _envelope(read.scene),
    }


def _envelope(sealed: bytes) -> list[int | str]:
    return [len(sealed), sha256_hex(sealed)]


_READ_FIELDS = {"read_id", "epoch_id", "captured_at", "read", "crop", "scene"}


def _header(data: bytes) -> dict[str, Any]:
    header = parse_canonical_json(data, limit=MAX_HEADER_BYTES)
    if (
        not isinstance(header, dict)
        or set(header) != {"v", "camera_id", "outbox", "first", "reads"}
        or header["v"] != _VERSION
    ):
        raise InputRefused("The batch's header has other fields than version 2 knows.")
    first, reads = header["first"], header["reads"]
    if not _is_form(header["camera_id"], CAMERA_ID):
        raise InputRefused("The batch's camera id does not have its form.")
    if not _is_form(header["outbox"], _OUTBOX_ID):
        raise InputRefused("The batch's outbox does not have its form.")
    if type(first) is not int or not 0 <= first <= MAX_SEQUENCE:
        raise InputRefused("The batch's first number is not a whole number from 0.")
    if not isinstance(reads, list) or not 1 <= len(reads) <= MAX_BATCH_READS:
        raise InputRefused(f"A batch has 1 to {MAX_BATCH_READS} reads.")
    for described in reads:
        _check_described(described)
    if len({described["read_id"] for described in reads}) != len(reads):
        raise InputRefused("A read is twice in the batch.")
    return header


def _check_described(described: Any) -> None:
    if not isinstance(described, dict) or described.keys() != _READ_FIELDS:
        raise InputRefused("A read in the batch has other fields than version 2 knows.")
    if not _is_form(described["read_id"], READ_ID) or not _is_form(described["epoch_id"], _EPOCH_ID):
        raise InputRefused("A read's id or epoch id in the batch does not have its form.")
    parse_time(described["captured_at"])
    for part, limit in _LIMITS.items():
        envelope = described[part]
        if envelope is None and part == "scene":
            continue
        if not isinstance(envelope, list) or len(envelope) != 2 or not _is_form(envelope[1], _SHA256):  # noqa: PLR2004
            raise InputRefused(f"A sealed {part} in the batch is not a length with its SHA-256.")
        if type(envelope[0]) is not int or not ENVELOPE_OVERHEAD <= envelope[0] <= limit:
            raise InputRefused(f"A sealed {part} in the batch is empty or larger than {limit} bytes.")


def _starts(described: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each read with the place where its envelopes begin."""
    start = 0
    for item in described:
        yield item, start
        start += sum(item[part][0] for part in _LIMITS if item[part])


def _cut(item: dict[str, Any], body: memoryview, at: int) -> tuple[SealedRead, tuple[bytes, bytes, bytes]]:
    """The read whose envelopes begin ``at`` that place of ``body``, with their digests."""
    parts: list[bytes | None] = []
    digests = []
    for name in _LIMITS:
        if item[name] is None:
            parts.append(None)
            digests.append(NO_DIGEST)
            continue
        size, digest = item[name]
        part = bytes(body[at : at + size])
        digests.append(hashlib.sha256(part).digest())
        if digests[-1].hex() != digest:
            raise ProofFailed(f"A sealed {name} in the batch is not the one that was signed.")
        parts.append(part)
        at += size
    read, crop, scene = parts
    sealed = SealedRead(
        item["read_id"], item["epoch_id"], parse_time(item["captured_at"]), read or b"", crop or b"", scene
    )
    return sealed, (digests[0], digests[1], digests[2])


def _is_form(value: Any, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
