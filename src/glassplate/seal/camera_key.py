"""A camera's identity: the Ed25519 key that signs its batches; the charter lists the public half."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from glassplate.encoding import base64url
from glassplate.errors import KeyUnavailable, StorageFailed

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.files import Files

PRIVATE_FILE = 0o600


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
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise KeyUnavailable(f"The camera key {path} cannot be read ({error.strerror}).") from None
        except (ValueError, TypeError):
            raise KeyUnavailable(f"The camera key {path} is damaged; enroll the camera again.") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnavailable(f"The camera key {path} is not an Ed25519 key; enroll the camera again.")
        return cls(key)

    def save(self, path: Path, files: Files) -> None:
        """Write the key as PEM that only its owner may read.

        Raises:
            StorageFailed: it cannot be written.
        """
        pem = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            files.write_atomic(path, pem, mode=PRIVATE_FILE)
        except OSError as error:
            raise StorageFailed(f"The camera key {path} cannot be written ({error.strerror}).") from error

    @property
    def public_text(self) -> str:
        """The public key, base64url, as the charter lists it."""
        return base64url(self.private_key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"CameraKey({self.public_text})"
