"""The sealed images of sealed segments: files beside them, opened when a read is shown."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from glassplate.store.cipher_file import HOT_CACHE_KIB, naming, open_hot, open_sealed
from glassplate.store.epoch_files import COMPANIONS
from glassplate.store.hot_file import fetch_images, settle_images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glassplate.store.cipher_file import Connection
from glassplate.store.hot_file import ImageRow

MAX_OPEN_IMAGE_FILES = 16


class ImageFiles:
    """Callable from several threads; a bounded number of files stays open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, Connection] = OrderedDict()

    def fetch(self, path: Path, key: bytes, row_ids: Sequence[int]) -> dict[int, ImageRow]:
        """The images of those rows that have any.

        Raises:
            StorageFailed: the file is damaged or missing.
        """
        with self._lock, naming(path):
            connection = self._open.pop(path, None) or _open(path, key)
            self._open[path] = connection
            while len(self._open) > MAX_OPEN_IMAGE_FILES:
                self._open.popitem(last=False)[1].close()
            return fetch_images(connection, row_ids)

    def close(self, path: Path | None = None) -> None:
        """Close one file, or all."""
        with self._lock:
            for opened in [path] if path else list(self._open):
                connection = self._open.pop(opened, None)
                if connection is not None:
                    connection.close()


def _open(path: Path, key: bytes) -> Connection:
    if any(
        path.with_name(path.name + end).exists() for end in COMPANIONS
    ):  # a crash came before they had settled
        settle_images(open_hot(path, key))
    return open_sealed(path, key, cache_kib=HOT_CACHE_KIB)
