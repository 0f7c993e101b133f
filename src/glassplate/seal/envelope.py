"""HPKE envelopes (RFC 9180, base mode): suite byte ‖ encapsulated key (65) ‖ ciphertext ‖ tag (16).

``info`` binds an envelope to its place: a canonical JSON list whose first element is a versioned label.
HPKE's base mode does not say who sealed; the camera's signature over the batch does.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glassplate.encoding import base64url, canonical_json, from_base64url
from glassplate.errors import InputRefused, ProofFailed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

Kind = Literal["read", "crop", "scene"]

SUITE_P256 = 1  # DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the byte leaves room for a hybrid suite
ENVELOPE_OVERHEAD = 1 + 65 + 16
_SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class EnvelopePlace:
    """Where a lane's envelope belongs; moved anywhere else, it does not open."""

    kind: Kind
    agency_id: str
    epoch_id: str
    camera_id: str
    read_id: str

    def info(self) -> bytes:
        """HPKE ``info``."""
        before = _before_read_id(self.kind, self.agency_id, self.epoch_id, self.camera_id)
        return before + canonical_json(self.read_id) + b"]"


@functools.lru_cache(maxsize=1024)
def _before_read_id(kind: Kind, agency_id: str, epoch_id: str, camera_id: str) -> bytes:
    """The canonical list up to its last element: the same for every read of a camera and epoch."""
    return canonical_json([f"glassplate/{kind}/v1", agency_id, epoch_id, camera_id])[:-1] + b","


def seal_envelope(plaintext: bytes, public_key: EllipticCurvePublicKey, info: bytes) -> bytes:
    """Seal to ``public_key`` in the place that ``info`` names."""
    return bytes([SUITE_P256]) + _SUITE.encrypt(plaintext, public_key, info=info)


def open_envelope(sealed: bytes, private_key: EllipticCurvePrivateKey, info: bytes) -> bytes:
    """Open what ``seal_envelope`` made for this place.

    Raises:
        InputRefused: these bytes are no envelope of a suite this version knows.
        ProofFailed: changed, moved to another place, or sealed to another key.
    """
    if len(sealed) < ENVELOPE_OVERHEAD:
        raise InputRefused(f"A sealed envelope has at least {ENVELOPE_OVERHEAD} bytes, not {len(sealed)}.")
    if sealed[0] != SUITE_P256:
        raise InputRefused(
            f"The envelope is sealed with suite {sealed[0]}; this version opens suite {SUITE_P256} only."
        )
    try:
        return bytes(_SUITE.decrypt(sealed[1:], private_key, info=info))
    except (InvalidTag, ValueError):
        raise ProofFailed(
            "The envelope does not open: it was changed, moved, or sealed to another key."
        ) from None


def public_key_text(key: EllipticCurvePublicKey) -> str:
    """A P-256 public key as uncompressed point, base64url."""
    return base64url(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def public_key_from_text(text: str) -> EllipticCurvePublicKey:
    """Inverse of ``public_key_text``.

    Raises:
        InputRefused: not an uncompressed point of P-256.
    """
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(text))
    except ValueError:
        raise InputRefused("A public key is not a point of P-256.") from None
    if public_key_text(key) != text:
        raise InputRefused("A public key is not an uncompressed point of P-256.")
    return key
