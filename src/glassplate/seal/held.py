"""Held reads: what a hold keeps, sealed to the hold's own key, in parts (``docs/formats/evidence.md``).

    part       = envelope of: header length (4 bytes, big-endian) ‖ header ‖ images in order, padded to steps
    HPKE info  = canonical JSON ["glassplate/hold/v1", agency, hold id, number of the part]

HPKE does not say who sealed: the record names the SHA-256 of every part, and whoever opens one checks it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.encoding import base64url, canonical_json, from_base64url, parse_json
from glassplate.errors import InputRefused
from glassplate.records import KeptRead
from glassplate.seal.envelope import open_envelope, public_key_from_text, seal_envelope
from glassplate.seal.padding import pad, unpad
from glassplate.seal.read_format import MAX_READ_BYTES, decode_read, encode_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

MAX_PART_READS = 50  # with scenes some 10 MB in memory at once
HELD_STEP = 64 * 1024  # the size of a part tells little
MAX_HEADER_BYTES = MAX_PART_READS * 2 * MAX_READ_BYTES
_LENGTH_BYTES = 4


def seal_held(
    reads: Sequence[KeptRead], public_key: str, *, agency_id: str, hold_id: str, part: int
) -> bytes:
    """One part of a hold, for ``public_key`` (P-256, base64url) of the hold's key.

    Raises:
        InputRefused: more reads than a part takes, or one that does not have its form.
    """
    if not 1 <= len(reads) <= MAX_PART_READS:
        raise InputRefused(f"A part of a hold has 1 to {MAX_PART_READS} reads, not {len(reads)}.")
    header = canonical_json({"v": 1, "reads": [_described(kept) for kept in reads]})
    images = [image for kept in reads for image in (kept.crop_jpeg, kept.scene_jpeg) if image is not None]
    plain = b"".join((len(header).to_bytes(_LENGTH_BYTES, "big"), header, *images))
    return seal_envelope(
        pad(plain, HELD_STEP), public_key_from_text(public_key), _info(agency_id, hold_id, part)
    )


def open_held(
    sealed: bytes, private_key: EllipticCurvePrivateKey, *, agency_id: str, hold_id: str, part: int
) -> list[KeptRead]:
    """The reads of one part.

    Raises:
        ProofFailed: changed, of another hold or place in it.
        InputRefused: it opens, but does not have its form.
    """
    plain = unpad(open_envelope(sealed, private_key, _info(agency_id, hold_id, part)), HELD_STEP)
    size = int.from_bytes(plain[:_LENGTH_BYTES], "big")
    start = _LENGTH_BYTES + size
    header = parse_json(plain[_LENGTH_BYTES:start], limit=MAX_HEADER_BYTES)
    reads = []
    try:
        for item in header["reads"]:
            crop_end = start + item["crop"]
            scene_end = crop_end + (item["scene"] or 0)
            scene = None if item["scene"] is None else plain[crop_end:scene_end]
            reads.append(_kept(item, plain[start:crop_end], scene))
            start = scene_end
    except (KeyError, TypeError):
        raise InputRefused("A part of a hold has other fields than version 1 knows.") from None
    if start != len(plain):
        raise InputRefused("A part of a hold is longer or shorter than it says.")
    return reads


def _info(agency_id: str, hold_id: str, part: int) -> bytes:
    return canonical_json(["glassplate/hold/v1", agency_id, hold_id, part])


def _described(kept: KeptRead) -> dict[str, Any]:
    return {
        "read": base64url(encode_read(kept.read)),
        "camera_name": kept.camera_name,
        "epoch_id": kept.epoch_id,
        "sealed_sha256": kept.sealed_sha256,
        "crop": len(kept.crop_jpeg),
        "scene": None if kept.scene_jpeg is None else len(kept.scene_jpeg),
    }


def _kept(item: dict[str, Any], crop: bytes, scene: bytes | None) -> KeptRead:
    return KeptRead(
        read=decode_read(from_base64url(item["read"])),
        camera_name=str(item["camera_name"]),
        epoch_id=str(item["epoch_id"]),
        sealed_sha256=str(item["sealed_sha256"]),
        crop_jpeg=crop,
        scene_jpeg=scene,
    )
