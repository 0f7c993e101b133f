"""Sealed bodies of log entries, and the auditors' keys that open them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from glassplate.encoding import canonical_json, from_base64url
from glassplate.errors import KeyUnavailable
from glassplate.seal.envelope import open_envelope, public_key_from_text, public_key_text, seal_envelope
from glassplate.seal.key_file import load_private_key, save_private_key
from glassplate.seal.padding import pad, unpad

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glassplate.files import Files

__all__ = [
    "BODY_STEP",
    "MAX_BODY_BYTES",
    "AuditorKey",
    "body_info",
    "open_body",
    "public_key_from_text",
    "public_key_text",
    "seal_body",
]

MAX_BODY_BYTES = 1_000_000  # of plaintext: the journal takes 1 MiB a body; what is larger comes in parts
BODY_STEP = 512  # bodies of the same kind of act fill the same number of steps
_KEY_ID_BYTES = 12


def body_info(public: Mapping[str, object]) -> bytes:
    """HPKE ``info`` of the body whose entry has this public half: moved under another, it does not open."""
    return b"glassplate/body/v1\n" + canonical_json(dict(public))


def seal_body(plaintext: bytes, public_key: str | ec.EllipticCurvePublicKey, info: bytes) -> bytes:
    """Seal a body, padded to steps, in the place that ``info`` names.

    Raises:
        InputRefused: ``public_key`` is text that is no point of P-256.
    """
    key = public_key_from_text(public_key) if isinstance(public_key, str) else public_key
    return seal_envelope(pad(plaintext, BODY_STEP), key, info)


def open_body(sealed: bytes, private_key: ec.EllipticCurvePrivateKey, info: bytes) -> bytes:
    """Open what ``seal_body`` made.

    Raises:
        ProofFailed: changed, moved to another place, or sealed to another key.
        InputRefused: no envelope, or wrongly padded.
    """
    return unpad(open_envelope(sealed, private_key, info), BODY_STEP)


class AuditorKey:
    """A P-256 key pair that opens bodies; it never touches the server. ``repr`` shows the key id only."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self.private_key = private_key

    @classmethod
    def generate(cls) -> AuditorKey:
        """A new random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, path: Path, password: bytes | None = None) -> AuditorKey:
        """Read a key that ``save`` wrote.

        Raises:
            KeyUnavailable: missing, damaged, of another kind, or another password.
        """
        key = load_private_key(path, "auditor key", ", or its password is another.", password)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise KeyUnavailable(f"The auditor key {path} is not a P-256 key.")
        return cls(key)

    def save(self, path: Path, files: Files) -> None:
        """Write the key as PEM that only its owner may read.

        Raises:
            StorageFailed: it cannot be written.
        """
        save_private_key(self.private_key, path, "auditor key", files)

    @property
    def public_text(self) -> str:
        """The public key, as the charter lists it."""
        return public_key_text(self.private_key.public_key())

    @property
    def key_id(self) -> str:
        """First 12 bytes of the SHA-256 of the public point, hexadecimal."""
        return auditor_key_id(self.public_text)

    def __repr__(self) -> str:
        return f"AuditorKey({self.key_id})"


def auditor_key_id(public_text: str) -> str:
    """The id of the auditor key with this public half.

    Raises:
        InputRefused: malformed.
    """
    return hashlib.sha256(from_base64url(public_text)).digest()[:_KEY_ID_BYTES].hex()
