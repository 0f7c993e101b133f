"""Private keys as PEM files (PKCS#8) that only their owner may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from glassplate.errors import KeyUnavailable, StorageFailed

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from glassplate.files import Files

PRIVATE_FILE = 0o600


def load_private_key(path: Path, name: str, hint: str, password: bytes | None = None) -> PrivateKeyTypes:
    """The key in ``path``; ``name`` is what messages call it, ``hint`` what to do when it is damaged.

    Raises:
        KeyUnavailable: missing or damaged.
    """
    try:
        return load_pem_private_key(path.read_bytes(), password=password)
    except OSError as error:
        raise KeyUnavailable(f"The {name} {path} cannot be read ({error.strerror}).") from None
    except (ValueError, TypeError):
        raise KeyUnavailable(f"The {name} {path} is damaged{hint}") from None


def save_private_key(key: PrivateKeyTypes, path: Path, name: str, files: Files) -> None:
    """Write the key, whole or not at all.

    Raises:
        StorageFailed: it cannot be written.
    """
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        files.write_atomic(path, pem, mode=PRIVATE_FILE)
    except OSError as error:
        raise StorageFailed(f"The {name} {path} cannot be written ({error.strerror}).") from error
