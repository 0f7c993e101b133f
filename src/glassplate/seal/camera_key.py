"""A camera's identity: the Ed25519 key that signs its batches; the charter lists the public half."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from glassplate.encoding import base64url
from glassplate.errors import KeyUnavailable
from glassplate.seal.key_file import load_private_key, save_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files


class CameraKey:
    """An Ed25519 key pair; ``repr`` shows the public half only."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key

    @classmethod
    def generate(cls) -> CameraKey:
        """A new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> CameraKey:
        """Read a key that ``save`` wrote.

        Raises:
            KeyUnavailable: the file is missing, or holds no Ed25519 key.
        """
        key = load_private_key(path, "camera key", "; enroll the camera again.")
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnavailable(f"The camera key {path} is not an Ed25519 key; enroll the camera again.")
        return cls(key)

    def save(self, path: Path, files: Files) -> None:
        """Write the key as PEM that only its owner may read.

        Raises:
            StorageFailed: it cannot be written.
        """
        save_private_key(self.private_key, path, "camera key", files)

    @property
    def public_text(self) -> str:
        """The public key, base64url, as the charter lists it."""
        return base64url(self.private_key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"CameraKey({self.public_text})"
