"""What the log commits to of a segment: the hash of its file and the tree over its reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HASH_BLOCK = 1024 * 1024


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def merkle_root(digests: Iterable[bytes]) -> str:
    """RFC 6962 §2.1 tree hash over ``digests``, sorted, as leaf data; hexadecimal.

    Pairs are joined level by level and an odd last one moves up, which is the same tree.
    """
    sha256 = hashlib.sha256
    level = [sha256(b"\x00" + digest).digest() for digest in sorted(digests)]
    if not level:
        return sha256().hexdigest()
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        last = level[-1:] if len(level) % 2 else []
        level = [sha256(b"\x01" + one + other).digest() for one, other in pairs] + last
    return level[0].hex()
