"""Keys of signed notes (C2SP signed-note v1.0.0): names, key ids, verifier keys, signing keys.

A key id is SHA-256(name ‖ newline ‖ type ‖ public key), first four bytes. The type is hashed in, so the same
raw key used as a note key (0x01) and as a cosigner's key (0x04) has two ids and cannot be confused.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from glassplate.errors import InputRefused, ProofFailed, UsageError
from glassplate.log.cosigned_bytes import TIME_BYTES, ed25519_message, mldsa44_message
from glassplate.log.text_fields import MAX_DECIMAL, from_base64, to_base64

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06
SIGNATURE_PREFIX: Final = "— "  # U+2014 and a space
KEY_ID_BYTES = 4
MAX_VERIFIER_KEY_CHARACTERS = (
    3072  # a schema-less URL and 1,752 characters of ML-DSA key; anything longer is an attack
)
_ED25519_KEY_BYTES = 32
_KEY_BYTES = {ED25519: _ED25519_KEY_BYTES, ED25519_COSIGNATURE: _ED25519_KEY_BYTES, MLDSA44_COSIGNATURE: 1312}
_COSIGNATURE_BYTES = {ED25519_COSIGNATURE: TIME_BYTES + 64, MLDSA44_COSIGNATURE: TIME_BYTES + 2420}
_KEY_ID_HEX = re.compile(r"[0-9a-f]{8}", re.ASCII)


def is_key_name(name: str) -> bool:
    """Non-empty, no Unicode space, no ``+``, no control character, and valid UTF-8."""
    printable = not any(character.isspace() or character == "+" or character < " " for character in name)
    return bool(name) and printable and not any("\ud800" <= character <= "\udfff" for character in name)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and type: ``name+id+base64(type ‖ key)``."""

    name: str
    kind: int
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise InputRefused(
                f"The key name {self.name!r} is empty or has a space, '+' or control character."
            )
        size = _KEY_BYTES.get(self.kind)
        if size is None:
            raise InputRefused(f"Keys of type 0x{self.kind:02x} are not supported; 0x01, 0x04 and 0x06 are.")
        if len(self.public_key) != size:
            raise InputRefused(
                f"A key of type 0x{self.kind:02x} has {size} bytes, not {len(self.public_key)}."
            )

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a verifier key line.

        Raises:
            InputRefused: when it is malformed or its key id is not the hash of its content.
        """
        parts = text.split("+", 2)  # base64 has '+' too, so two splits only
        if len(text) > MAX_VERIFIER_KEY_CHARACTERS or len(parts) != 3 or not _KEY_ID_HEX.fullmatch(parts[1]):  # noqa: PLR2004
            raise InputRefused("The verifier key is malformed; expected name+8 hexadecimal digits+base64.")
        name, key_id, encoded = parts
        try:
            material = from_base64(encoded, "verifier key")
        except ProofFailed as error:
            raise InputRefused(str(error)) from None
        if not material:
            raise InputRefused("The verifier key is empty after its key id.")
        key = cls(name, material[0], material[1:])
        if key.key_id.hex() != key_id:
            raise InputRefused(f"The verifier key says id {key_id}, but its content has {key.key_id.hex()}.")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that name this key beside its name."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(material).digest()[:KEY_ID_BYTES]

    @property
    def is_cosigner(self) -> bool:
        """Whether it is a witness's key (0x04 or 0x06), not a log's."""
        return self.kind in _COSIGNATURE_BYTES

    def verify(self, text: str, signature: bytes) -> None:
        """Check ``signature`` (without key id) over the whole note text.

        Raises:
            ProofFailed: when it does not hold.
        """
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
                return
            time, signature = self.cosignature_time(signature), signature[TIME_BYTES:]
            if self.kind == ED25519_COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(
                    signature, ed25519_message(text, time)
                )
            else:
                message = mldsa44_message(self.name, text, time)
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise ProofFailed(
                f"The signature by {self.name} does not hold: the text or signature was changed."
            ) from None

    def cosignature_time(self, signature: bytes) -> int:
        """POSIX seconds that a cosignature states. Only meaningful after ``verify``.

        Raises:
            ProofFailed: when the signature is malformed.
        """
        size = _COSIGNATURE_BYTES[self.kind]
        if len(signature) != size:
            raise ProofFailed(f"The cosignature by {self.name} has {size} bytes, not {len(signature)}.")
        time = int.from_bytes(signature[:TIME_BYTES], "big")
        if time > MAX_DECIMAL:
            raise ProofFailed("The cosignature's time is beyond 2^63.")
        return time


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs notes under one name. Make it with ``from_seed``."""

    verifier: VerifierKey
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> SigningKey:
        """The key of ``name`` with the 32-byte secret ``seed``.

        Raises:
            UsageError: when the seed has another length.
            InputRefused: when the name is not allowed.
        """
        if len(seed) != _ED25519_KEY_BYTES:
            raise UsageError(f"An Ed25519 seed has {_ED25519_KEY_BYTES} bytes, not {len(seed)}.")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(VerifierKey(name, ED25519, private.public_key().public_bytes_raw()), private)

    @property
    def name(self) -> str:
        """The key name; for a log's key also its origin."""
        return self.verifier.name

    def sign(self, text: str) -> str:
        """The signature line for ``text``, with its newline. Use ``sign_note`` to make a whole note."""
        signature = self._private.sign(text.encode())
        return f"{SIGNATURE_PREFIX}{self.name} {to_base64(self.verifier.key_id + signature)}\n"
