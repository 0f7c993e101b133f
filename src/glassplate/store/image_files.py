"""Images of an epoch in a plain file that only grows, each under a key that dies with the epoch's.

They come sealed to the epoch's image key, but only the lane knows that: one that sends a bare JPEG must not put it
readable on the disk. So each read's images are encrypted once more,

    in the file     nonce (12, random) ‖ AES-256-GCM of crop ‖ scene, without its tag
    in the row      offset u48 · bytes of the crop u32 · bytes of the scene u32 (all ones: none) · tag (16)

under HKDF-SHA256 of the segments' key, label ``LABEL``, bound to the row's id and both lengths. The row's part is the end
of its ``data`` (``read_row``): the log's hash of a segment covers the tags, and so the images.
"""

from __future__ import annotations

import contextlib
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from glassplate.errors import StorageFailed
from glassplate.store.cipher_file import KEY_BYTES, naming
from glassplate.store.read_row import HAS_CROP, HAS_SCENE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from glassplate.files import Files

LABEL = b"glassplate/store-images/v1"
NONCE_BYTES = 12
TAG_BYTES = 16
_PLACE = struct.Struct("<HIII16s")
_BOUND = struct.Struct("<QII")
_NO_SCENE = 2**32 - 1


class ImageRow(NamedTuple):
    """The sealed images of one read."""

    row_id: int
    crop: bytes
    scene: bytes | None


class ImageFile:
    """Writes the images of a hot epoch. One writer at a time."""

    def __init__(self, path: Path, key: bytes, files: Files) -> None:
        """Go on behind whatever is there: what no row names means nothing. ``key``: the segments'."""
        self._path, self._files, self._cipher = path, files, _cipher(key)
        self._beside = ThreadPoolExecutor(1, "images")
        with naming(path):
            self._size = path.stat().st_size if path.exists() else 0

    def begin(self, images: Sequence[ImageRow]) -> tuple[dict[int, bytes], Callable[[], None]]:
        """Begin to write them, beside the caller; what the row of each is to end with, and how to wait for the disk.

        The caller waits before it does anything else with the epoch, and no row counts before. Waiting raises
        ``StorageFailed`` where nothing was written that counts.
        """
        places: dict[int, bytes] = {}
        parts: list[bytes] = []
        end = self._size
        nonces = os.urandom(NONCE_BYTES * len(images))
        for number, (row_id, crop, scene) in enumerate(images):
            nonce = nonces[NONCE_BYTES * number : NONCE_BYTES * (number + 1)]
            sizes = len(crop), _NO_SCENE if scene is None else len(scene)
            sealed = self._cipher.encrypt(nonce, crop + scene if scene else crop, _BOUND.pack(row_id, *sizes))
            places[row_id] = _PLACE.pack(end >> 32, end & 0xFFFFFFFF, *sizes, sealed[-TAG_BYTES:])
            parts += (nonce, sealed[:-TAG_BYTES])
            end += NONCE_BYTES + len(sealed) - TAG_BYTES
        return places, self._beside.submit(self._append, parts, end).result

    def close(self) -> None:
        """End the thread that writes."""
        self._beside.shutdown()

    def _append(self, parts: list[bytes], end: int) -> None:
        with naming(self._path):
            try:
                self._files.append(self._path, b"".join(parts))
            except BaseException:
                with contextlib.suppress(OSError):  # a torn end is only a waste
                    self._files.truncate(self._path, self._size)
                raise
        self._size = end


def has_images(data: bytes) -> bool:
    """Whether the read with this ``data`` has any."""
    return data[0] & (HAS_CROP | HAS_SCENE) != 0


def images_in(path: Path, key: bytes, rows: Mapping[int, bytes]) -> dict[int, ImageRow]:
    """The images of those rows (id -> data) that have any. ``key``: the segments'.

    Raises:
        StorageFailed: the file is missing, cut or changed.
    """
    placed = {row_id: data for row_id, data in rows.items() if has_images(data)}
    if not placed:
        return {}
    cipher = _cipher(key)
    with naming(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return {row_id: _read(descriptor, path, cipher, row_id, data) for row_id, data in placed.items()}
        finally:
            os.close(descriptor)


def _read(descriptor: int, path: Path, cipher: AESGCM, row_id: int, data: bytes) -> ImageRow:
    high, low, crop_bytes, scene_bytes, tag = _PLACE.unpack(data[-_PLACE.size :])
    has_scene = scene_bytes != _NO_SCENE
    size = NONCE_BYTES + crop_bytes + (scene_bytes if has_scene else 0)
    sealed = os.pread(descriptor, size, high << 32 | low)
    if len(sealed) == size:
        with contextlib.suppress(InvalidTag):
            bound = _BOUND.pack(row_id, crop_bytes, scene_bytes)
            both = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:] + tag, bound)
            return ImageRow(row_id, both[:crop_bytes], both[crop_bytes:] if has_scene else None)
    raise StorageFailed(
        f"The images {path} are cut or changed: one is not what its read names. Restore the file from a backup; "
        "other epochs are still served."
    )


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=LABEL).derive(key))
