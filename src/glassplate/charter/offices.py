"""The offices' signing keys: Ed25519, held by three people on three machines, never by the server.

A fingerprint is what gets printed in an ordinance and read aloud in a meeting: ``SHA256:`` and the base32 of
the SHA-256 of the 32-byte public key, in thirteen groups of four (no 0, 1, 8 or 9 to misread).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import (  # type: ignore[attr-defined] # its documented, though implicit, exports
    CryptoSigner,
    SSlibKey,
)

from glassplate.charter.vocabulary import OFFICES, Office
from glassplate.encoding import base64url, from_base64url
from glassplate.errors import InputRefused, KeyUnavailable, ProofFailed

PUBLIC_KEY_PREFIX = "ed25519:"
FINGERPRINT_PREFIX = "SHA256:"
_GROUP = 4
_KEY_BYTES = 32

__all__ = ["OFFICES", "Office", "OfficePrivateKey", "OfficePublicKey", "fingerprint"]


@dataclass(frozen=True, slots=True)
class OfficePublicKey:
    """The public half of an office's key."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _KEY_BYTES:
            raise InputRefused(f"An office's public key has {_KEY_BYTES} bytes, got {len(self.raw)}.")

    @classmethod
    def from_text(cls, text: str) -> OfficePublicKey:
        """Inverse of ``to_text``.

        Raises:
            InputRefused: when it is not one.
        """
        if not text.startswith(PUBLIC_KEY_PREFIX):
            raise InputRefused(f"An office's public key starts with {PUBLIC_KEY_PREFIX!r}.")
        return cls(from_base64url(text.removeprefix(PUBLIC_KEY_PREFIX)))

    def to_text(self) -> str:
        """``ed25519:`` and base64url, to carry from machine to machine."""
        return PUBLIC_KEY_PREFIX + base64url(self.raw)

    @property
    def fingerprint(self) -> str:
        """Printed in the ordinance; see the module's words."""
        digits = base64.b32encode(hashlib.sha256(self.raw).digest()).decode().rstrip("=")
        return FINGERPRINT_PREFIX + "-".join(
            digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP)
        )

    @property
    def tuf_key(self) -> SSlibKey:
        """As TUF metadata writes it; its ``keyid`` is the hash of the key's canonical form."""
        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(self.raw))

    def check(self, signature: bytes, message: bytes) -> None:
        """Check one signature.

        Raises:
            ProofFailed: when it does not hold.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise ProofFailed("The office's signature does not hold.") from None


@dataclass(frozen=True, slots=True)
class OfficePrivateKey:
    """The private half. ``repr`` shows nothing of it."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> OfficePrivateKey:
        """A new key from the system's random numbers."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> OfficePrivateKey:
        """The key of a 32-byte seed."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, data: bytes, password: bytes | None = None) -> OfficePrivateKey:
        """Load what ``to_pem`` wrote.

        Raises:
            KeyUnavailable: wrong or missing password.
            InputRefused: not an Ed25519 private key.
        """
        try:
            key = serialization.load_pem_private_key(data, password)
        except TypeError:
            wanted = (
                "is encrypted: give its password"
                if password is None
                else "is not encrypted: give no password"
            )
            raise KeyUnavailable(f"This office key {wanted}.") from None
        except (ValueError, UnsupportedAlgorithm):
            if b"ENCRYPTED" in data:
                raise KeyUnavailable(
                    "The password does not open this office key, or the file is damaged."
                ) from None
            raise InputRefused("This file is not an office's private key in PEM form.") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise InputRefused(
                "This key is not an Ed25519 key; make an office key with: glassplate charter keygen"
            )
        return cls(key)

    def to_pem(self, password: bytes | None = None) -> bytes:
        """PKCS#8 PEM, encrypted when a password is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    @property
    def public(self) -> OfficePublicKey:
        """The public half."""
        return OfficePublicKey(self._key.public_key().public_bytes_raw())

    @property
    def signer(self) -> CryptoSigner:
        """As ``securesystemslib`` signs TUF metadata."""
        return CryptoSigner(self._key, self.public.tuf_key)

    def sign(self, message: bytes) -> bytes:
        """Sign bytes."""
        return self._key.sign(message)


def fingerprint(public: OfficePublicKey) -> str:
    """The key's fingerprint, as ``OfficePublicKey.fingerprint``."""
    return public.fingerprint
